//! `ecoman-bench hostile`: one node of ten prints too much, without end, or what cannot be. All roles in one
//! process, as `ecoman up` runs them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::figure::{Figure, say};
use crate::load::{Load, Question};
use crate::nodes::Order;
use crate::process::{Program, ecoman, free_port, until};
use crate::simulated::SimulatedNodes;

const NODES: usize = 10;
const VMS: usize = 50;
const ALL: u64 = 500;
const INTERVAL: Duration = Duration::from_secs(10);
/// How long each kind of hostility is looked at: some rounds of the other nodes.
const PHASE: Duration = Duration::from_secs(45);
/// The goals: whatever one node of ten prints.
const MEMORY_GOAL_MB: f64 = 96.0;
const P99_GOAL_MS: f64 = 100.0;
const AGE_GOAL: Duration = Duration::from_secs(2 * INTERVAL.as_secs());
/// Connections that ask all the time.
const CONNECTIONS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes of an answer that no host gives.
const HUGE: &str = "60000000";
/// Half of it, as one line.
const LINE: &str = "30000000";
/// Rows of a listing that no host has.
const ROWS: &str = "700000";

/// The hostile node.
const NODE: &str = "esxi-001";

/// One kind of hostility: what it is called, and what makes the node so.
struct Hostility {
    name: &'static str,
    orders: Vec<Order>,
}

/// Measures.
///
/// # Errors
///
/// Nodes or `ecoman up` do not start, or an answer fails.
pub(crate) async fn run() -> Result<()> {
    let mut nodes = SimulatedNodes::start(NODES, VMS, Duration::ZERO, 4).await?;
    let port = free_port()?;
    let mut program = Program::start(
        ecoman()?
            .arg("up")
            .env("ECOMAN_LOG", "error")
            .env("ECOMAN_DATA", nodes.data())
            .env("HOSTS_PATH", nodes.hosts())
            .env("CRAWLER_INTERVAL", INTERVAL.as_secs().to_string())
            .env("DASHBOARD_PORT", port.to_string()),
    )?;
    let vms = format!("http://127.0.0.1:{port}/api/v1/vms?limit=1");
    until("all VMs", PATIENCE, || {
        let running = program.ensure_running();
        let vms = vms.clone();
        async move {
            running?;
            let Ok(answer) = reqwest::get(vms).await else {
                return Ok(false);
            };
            let list: Value = answer.json().await.unwrap_or_default();
            Ok(list.get("total").and_then(Value::as_u64) == Some(ALL))
        }
    })
    .await?;
    for hostility in hostilities() {
        for order in &hostility.orders {
            nodes.carry_out(order).await?;
        }
        phase(&program, port, hostility.name).await?;
    }
    say(format_args!(
        "{NODES} nodes × {VMS} VMs, a round every {INTERVAL:?}, {CONNECTIONS} connections that ask for the \
         list; each kind of hostility for {PHASE:?}. The simulated nodes share the machine."
    ));
    program.stop().await?;
    nodes.stop().await
}

async fn phase(program: &Program, port: u16, name: &str) -> Result<()> {
    program.forget_peak()?;
    let list = Question {
        path: "/api/v1/vms?limit=500".to_owned(),
        encoding: "identity",
        is_known: false,
    };
    let (load, age) = tokio::join!(
        Load::run(port, &list, CONNECTIONS, PHASE),
        oldest_of_the_others(port)
    );
    let (mut load, age) = (load?, age?);
    let memory = program.memory()?;
    Figure::lower(
        format!("hostile_{name}_memory"),
        memory.peak as f64 / 1e6,
        "MB",
    )
    .goal(MEMORY_GOAL_MB)
    .report();
    Figure::lower(format!("hostile_{name}_p99"), load.millis(99), "ms")
        .goal(P99_GOAL_MS)
        .report();
    Figure::lower(format!("hostile_{name}_age"), age.as_secs_f64(), "s")
        .goal(AGE_GOAL.as_secs_f64())
        .report();
    Ok(())
}

/// The greatest age that another node than the hostile one has during a phase.
async fn oldest_of_the_others(port: u16) -> Result<Duration> {
    let url = format!("http://127.0.0.1:{port}/api/v1/nodes");
    let begin = Instant::now();
    let mut oldest = Duration::ZERO;
    let mut others = 0;
    while begin.elapsed() < PHASE {
        let nodes: Value = reqwest::get(&url).await?.json().await?;
        let items = nodes.get("items").and_then(Value::as_array);
        others = 0;
        for node in items.context("no nodes")? {
            let text = |field| node.get(field).and_then(Value::as_str);
            if text("name") == Some(NODE) {
                continue;
            }
            let at: DateTime<Utc> = text("observed_at").context("never observed")?.parse()?;
            oldest = oldest.max((Utc::now() - at).to_std().unwrap_or_default());
            others += 1;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    ensure!(others == NODES - 1, "only {others} other nodes");
    Ok(oldest)
}

fn hostilities() -> Vec<Hostility> {
    let script = |tool: &str, cases: &str| Order::Script {
        node: NODE.to_owned(),
        tool: tool.to_owned(),
        script: format!("case \"$*\" in\n{cases}\n*) exec /bin/real/{tool} \"$@\";;\nesac"),
    };
    let clock = |seconds: i64| Order::Clock {
        node: NODE.to_owned(),
        wrong_by: seconds,
    };
    let honest = || script("vim-cmd", "");
    let now = Utc::now().timestamp();
    // 9999-12-01, and 1970-01-02.
    let (late, early) = (253_399_622_400 - now, 86_400 - now);
    vec![
        Hostility {
            name: "none",
            orders: vec![honest()],
        },
        Hostility {
            name: "60_mb_of_volumes",
            orders: vec![script(
                "esxcli",
                &format!(
                    "*filesystem*) for line in 1 2; do yes , | tr -d '\\n' | head -c {LINE}; echo; done;;"
                ),
            )],
        },
        Hostility {
            name: "60_mb_of_each_vm",
            orders: vec![
                script("esxcli", ""),
                script(
                    "vim-cmd",
                    &format!("*get.summary*) yes '   name = \"a\", ' | head -c {HUGE};;"),
                ),
            ],
        },
        Hostility {
            name: "700000_rows",
            orders: vec![script(
                "vim-cmd",
                &format!(
                    "*getallvms*) /bin/real/vim-cmd \"$@\" | head -n 1; i=0; \
                     seq 1 {ROWS} | sed 's|.*|&      vm-&   [datastore1] vm-&/vm-&.vmx   \
                     ubuntu64Guest   vmx-13|';;"
                ),
            )],
        },
        Hostility {
            name: "20_mb_notes",
            orders: vec![script(
                "vim-cmd",
                "*get.summary*) /bin/real/vim-cmd \"$@\" | while IFS= read -r line; do case \"$line\" in \
                 *annotation*) printf '      annotation = \"'; yes a | tr -d '\\n' | head -c 20000000; \
                 echo '\", ';; *) printf '%s\\n' \"$line\";; esac; done;;",
            )],
        },
        Hostility {
            name: "endless",
            orders: vec![script("vim-cmd", "*get.summary*|*getallvms*) exec yes;;")],
        },
        Hostility {
            name: "wrong_ids",
            orders: vec![script(
                "vim-cmd",
                "*get.summary*) exec /bin/real/vim-cmd vmsvc/get.summary 1;;",
            )],
        },
        Hostility {
            name: "clock_of_1970",
            orders: vec![honest(), clock(early)],
        },
        Hostility {
            name: "clock_of_9999",
            orders: vec![clock(late)],
        },
    ]
}
