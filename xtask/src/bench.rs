//! `cargo xtask bench`: what the budgets promise, measured.
//!
//! Each benchmark prints lines `BENCH name=… value=… unit=… goal=… better=lower|higher`; they are
//! put together as a table with the ratio of figure to goal. Nothing fails for being slow.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::build;
use crate::command::Command;
use crate::console::Step;
use crate::context::Context;
use crate::tools::{self, Tool};

/// Limit of the page's first load, compressed.
const PAGE_GOAL_KB: f64 = 265.0;

/// How long the dashboard may take to answer.
const READY: Duration = Duration::from_secs(30);

/// A figure and what it should be.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
    goal: Option<f64>,
    better: Better,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Lower,
    Higher,
}

/// Builds all for release, measures, and prints the table.
///
/// # Errors
///
/// Something could not be installed or built, or no benchmark ran.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    let needed: Vec<Tool> = tools::PAGE_RELEASE
        .into_iter()
        .chain(tools::NODES)
        .chain(tools::BROWSER)
        .chain([Tool::Mongod])
        .collect();
    tools::install_system_packages(context, &needed)?;
    let environment = tools::install(context, &needed)?;
    build::release(context, &["ecoman", "ecoman-bench"])?;

    let mut figures = vec![page_weight(&context.root.join("dist"))?];
    let mut good = true;
    let mut add = |result: Result<Vec<Figure>>| match result {
        Ok(more) => figures.extend(more),
        Err(error) => {
            context.console.complain(&error);
            good = false;
        }
    };
    add(context.console.step("parsers", "measuring", |step| {
        let mut command = Command::cargo()
            .args([
                "bench",
                "--locked",
                "--package",
                "ecoman-esxi",
                "--bench",
                "parse",
            ])
            .directory(&context.root);
        measure(step, &mut command)
    }));
    add(context.console.step("system", "measuring", |step| {
        let mut command = Command::new(release(context, "ecoman-bench"))
            .envs(&environment.variables())
            .env("ECOMAN_BIN", release(context, "ecoman"));
        measure(step, &mut command)
    }));
    add(context
        .console
        .step("paint", "measuring the page with 10,000 VMs", |step| {
            let served = Served::start(context, step)?;
            let mut command = Command::new("node")
                .arg("bench/paint.mjs")
                .arg(served.url())
                .directory(context.root.join("e2e"))
                .envs(&environment.variables());
            measure(step, &mut command)
        }));
    add(context
        .console
        .step("own action", "measuring until it is on the page", |step| {
            let mut command = Command::new("node")
                .arg("bench/own-action.mjs")
                .directory(context.root.join("e2e"))
                .envs(&environment.variables())
                .env("ECOMAN_BIN", release(context, "ecoman"))
                .env("ECOMAN_BENCH_BIN", release(context, "ecoman-bench"));
            measure(step, &mut command)
        }));
    context.console.say(table(&figures));
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A dashboard over made-up VMs. It ends when this is dropped.
struct Served {
    dashboard: Child,
    port: u16,
}

impl Served {
    fn start(context: &Context, step: &Step<'_>) -> Result<Self> {
        let data = context.target.join("xtask/paint");
        // What an earlier run left; that there is nothing is as well.
        let _ = fs::remove_dir_all(&data);
        step.run(
            &mut Command::new(release(context, "ecoman-bench"))
                .arg("seed")
                .arg("--data")
                .arg(&data),
        )?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let dashboard = Command::new(release(context, "ecoman"))
            .arg("dashboard")
            .env("ECOMAN_STORE", "embedded")
            .env("ECOMAN_DATA", &data)
            .env("DASHBOARD_PORT", port.to_string())
            .env("ECOMAN_LOG", "warn")
            .start()?;
        let mut served = Self { dashboard, port };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = served.dashboard.try_wait()? {
                bail!("the dashboard ended at once ({status})");
            }
            if since.elapsed() > READY {
                bail!("the dashboard does not answer at {}", served.url());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(served)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.dashboard.kill();
        let _ = self.dashboard.wait();
    }
}

fn release(context: &Context, program: &str) -> PathBuf {
    context.target.join("release").join(program)
}

fn measure(step: &Step<'_>, command: &mut Command) -> Result<Vec<Figure>> {
    let output = step.run(command)?.text;
    let figures: Vec<Figure> = output.lines().filter_map(figure).collect();
    ensure!(!figures.is_empty(), "`{command}` printed no figures");
    Ok(figures)
}

/// What the first visit loads, as a browser gets it.
fn page_weight(dist: &Path) -> Result<Figure> {
    let index = dist.join("index.html");
    let index = fs::read_to_string(&index)
        .with_context(|| format!("could not read {}", index.display()))?;
    let mut bytes = 0;
    for entry in fs::read_dir(dist).with_context(|| format!("could not read {}", dist.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // WASM that the index does not name is fetched later.
        let first = name
            .strip_suffix(".br")
            .is_some_and(|name| !name.ends_with(".wasm") || index.contains(name));
        if first
            && [".wasm.br", ".js.br", ".css.br"]
                .iter()
                .any(|end| name.ends_with(end))
        {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(Figure {
        name: "page_weight_brotli".to_owned(),
        value: kilobytes(bytes),
        unit: "KB".to_owned(),
        goal: Some(PAGE_GOAL_KB),
        better: Better::Lower,
    })
}

/// Of 1,000 bytes.
#[expect(clippy::cast_precision_loss, reason = "exact up to 9 petabytes")]
fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1000.0
}

/// Reads a line `BENCH name=… value=… unit=… goal=… better=…`; the goal may be left out.
fn figure(line: &str) -> Option<Figure> {
    let fields = line.trim().strip_prefix("BENCH ")?;
    let field = |name: &str| {
        fields
            .split_whitespace()
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let unit = field("unit").unwrap_or_default();
    Some(Figure {
        name: field("name")?.to_owned(),
        value: field("value")?.parse().ok()?,
        unit: unit.to_owned(),
        goal: field("goal").and_then(|goal| goal.parse().ok()),
        better: match field("better") {
            Some("higher") => Better::Higher,
            Some(_) => Better::Lower,
            // Throughput is the only thing of which more is better.
            None if unit.ends_with("/s") => Better::Higher,
            None => Better::Lower,
        },
    })
}

fn table(figures: &[Figure]) -> String {
    let mut table = format!(
        "\n{:<36} {:>12} {:>12} {:>8}\n",
        "figure", "measured", "goal", "ratio"
    );
    for Figure {
        name,
        value,
        unit,
        goal,
        better,
    } in figures
    {
        let sign = match better {
            Better::Lower => '≤',
            Better::Higher => '≥',
        };
        let measured = format!("{} {unit}", number(*value));
        let (goal, ratio) = match goal {
            Some(goal) => {
                let met = match better {
                    Better::Lower => value <= goal,
                    Better::Higher => value >= goal,
                };
                let mark = if met { "" } else { "  missed" };
                (
                    format!("{sign} {}", number(*goal)),
                    format!("{:>8.2}{mark}", value / goal),
                )
            }
            None => ("–".to_owned(), String::new()),
        };
        table.push_str(&format!("{name:<36} {measured:>12} {goal:>12} {ratio}\n"));
    }
    table
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        0.0..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_from_its_line() {
        let read = figure("BENCH name=crawl value=1.62 unit=s goal=1.8 better=lower").unwrap();
        assert_eq!(
            read,
            Figure {
                name: "crawl".to_owned(),
                value: 1.62,
                unit: "s".to_owned(),
                goal: Some(1.8),
                better: Better::Lower,
            }
        );
        assert_eq!(figure("name=crawl value=1"), None);
        assert_eq!(figure("BENCH name=crawl value=fast"), None);
    }

    #[test]
    fn of_throughput_more_is_better() {
        let read = figure("BENCH name=parse value=300 unit=MB/s goal=200").unwrap();
        assert_eq!(read.better, Better::Higher);
        assert!(!table(&[read]).contains("missed"));
    }

    #[test]
    fn a_goal_missed_is_marked() {
        let slow = figure("BENCH name=list value=40 unit=ms goal=20 better=lower").unwrap();
        let table = table(&[slow]);
        assert!(table.contains("2.00  missed"), "{table}");
    }
}
