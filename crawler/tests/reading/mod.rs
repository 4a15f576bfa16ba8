//! Nodes that are read: by one program a round, once that has proven itself.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::Utc;
use ecoman_model::{NodeState, PowerState, RefreshRequest, Way};
use ecoman_simulator::{Fault, NodeSpec, Power, Scope, SimulatedNode, SoapFault, VmSpec};

use ecoman_store::TaskStore as _;
use uuid::Uuid;

use crate::bench::{Bench, node};

/// VMs that differ in power, size and note.
fn three() -> [VmSpec; 3] {
    let mut off = VmSpec::new("off");
    off.cpus = 3;
    [
        VmSpec::new("on").on().ip("192.0.2.1"),
        off,
        VmSpec::new("ファイル").annotation("one\n   numCpu = 7, \ntwo"),
    ]
}

async fn bench(nodes: &[&SimulatedNode], collect: &str) -> Bench {
    let bench = Bench::with_timeout(nodes, Duration::from_secs(30)).await;
    let bench = bench.every(Duration::from_millis(250));
    bench.write_hosts(nodes, &format!("  collect: {collect}\n"));
    bench
}

fn is_read(state: &NodeState) -> bool {
    way(state) == Some(Way::Read)
}

fn way(state: &NodeState) -> Option<Way> {
    state.node.collecting.as_ref().map(|used| used.way)
}

fn reason(state: &NodeState) -> &str {
    let used = state.node.collecting.as_ref();
    used.map_or("", |used| used.reason.as_str())
}

/// Waits for some rounds more.
async fn rounds(bench: &Bench, node: &SimulatedNode, count: usize) -> NodeState {
    let mut state = bench.state(node.name()).await;
    for _ in 0..count {
        let before = state.node.observed_at;
        state = bench
            .until_of(node.name(), "another round", |state| {
                state.node.observed_at > before
            })
            .await;
    }
    state
}

/// The tools that were called, each with its first argument.
fn called(node: &SimulatedNode) -> BTreeSet<String> {
    let calls = node.calls();
    let line = |call: &ecoman_simulator::Call| match call.program.as_str() {
        "python3" => "python3".to_owned(),
        program => format!(
            "{program} {}",
            call.arguments.first().map_or("", String::as_str)
        ),
    };
    calls.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_proven_itself_is_read_by_one_process_a_round() {
    let node = node(NodeSpec::new("hoge").vms(three()).python());
    let bench = bench(&[&node], "read").await;
    let crawler = bench.start();
    let proven = bench.until("proof", is_read).await;
    assert_eq!(proven.node.warnings, Vec::<String>::new());
    rounds(&bench, &node, 1).await;
    node.forget_calls();
    let before = node.soap_sign_ins();

    let state = rounds(&bench, &node, 3).await;

    assert_eq!(called(&node), BTreeSet::from(["python3".to_owned()]));
    let (calls, sign_ins) = (node.calls().len(), node.soap_sign_ins() - before);
    // The last may be under way.
    assert!(sign_ins <= calls && calls <= sign_ins + 1, "a sign-in each");
    assert_eq!(state.node.failure, None);
    assert_eq!(state.node.warnings, Vec::<String>::new());
    let used = |state: &NodeState| {
        let used = state.node.collecting.clone().unwrap();
        (used.way, used.since, used.reason)
    };
    assert_eq!(used(&state), used(&proven));
    let cost = state.node.collecting.as_ref().and_then(|used| used.cost);
    let cost = cost.unwrap();
    assert_eq!((cost.commands, cost.sign_ins), (1, 1));
    assert!(cost.memory_kib > Some(1024), "{cost:?}");
    let names = |state: &NodeState| -> Vec<_> {
        let vms = state.vms.iter();
        vms.map(|vm| (vm.key.vmid, vm.facts.name.clone(), vm.facts.comment.clone()))
            .collect()
    };
    assert_eq!(names(&state), names(&proven));
    let (read, proven) = (state.node.facts.unwrap(), proven.node.facts.unwrap());
    assert_eq!(read.version, proven.version);
    assert_eq!(read.datastores, proven.datastores);
    assert_eq!(read.port_groups, proven.port_groups);

    // What changes shows.
    node.edit_vm(2, |vm| vm.power = Power::On).unwrap();
    let added = node.add_vm(VmSpec::new("new")).unwrap();
    bench
        .until("VM 2 that is on, and a new one", |state| {
            state.vms[1].facts.power == PowerState::On
                && state.vms.iter().any(|vm| vm.key.vmid.0 == added)
        })
        .await;
    node.forget_calls();
    // What is gone is gone by the listing.
    node.remove_vm(added).unwrap();
    let state = bench.until("three VMs", |state| state.vms.len() == 3).await;
    assert!(is_read(&state));
    let listed = called(&node);
    assert_eq!(
        listed,
        BTreeSet::from(["python3".to_owned(), "vim-cmd vmsvc/getallvms".to_owned()])
    );
    crawler.stop().await;
    assert_eq!(node.open_soap_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_python_it_is_vim_cmd_and_a_warning_only_where_reading_is_wanted() {
    for (collect, warnings) in [("auto", 0), ("read", 1)] {
        let node = node(NodeSpec::new("hoge").vms(three()));
        let bench = bench(&[&node], collect).await;
        let crawler = bench.start();
        let state = bench
            .until("way", |state| way(state) == Some(Way::VimCmd))
            .await;
        assert!(reason(&state).contains("no usable Python"), "{state:#?}");
        assert_eq!(state.node.warnings.len(), warnings, "{state:#?}");
        assert_eq!(state.vms.len(), 3);
        let state = rounds(&bench, &node, 2).await;
        assert_eq!(state.node.warnings.len(), warnings);
        crawler.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_leads_back_to_vim_cmd_and_says_why() {
    let says = |words: &str, code| {
        Fault::Says(
            Scope::command("python3"),
            String::new(),
            words.to_owned(),
            code,
        )
    };
    let faults = [
        (
            says("sh: /bin/python3: Operation not permitted\n", 126),
            "does not permit",
        ),
        (says("MemoryError\n", 1), "ran out of memory"),
        (Fault::Soap(SoapFault::Starting), "hostd does not respond"),
        (
            Fault::Soap(SoapFault::LoginsRefused(u32::MAX)),
            "refuses the local login of the user",
        ),
        (
            Fault::Soap(SoapFault::NoPermission(1)),
            "lacks read permission",
        ),
        (Fault::Soap(SoapFault::Nonsense), "unexpected response"),
        (Fault::Soap(SoapFault::CutAfter(4000)), "does not respond"),
    ];
    let nodes: Vec<SimulatedNode> = (0..faults.len())
        .map(|number| {
            node(
                NodeSpec::new(&format!("esxi-{number}"))
                    .vms(three())
                    .python(),
            )
        })
        .collect();
    let borrowed: Vec<&SimulatedNode> = nodes.iter().collect();
    let bench = bench(&borrowed, "read").await;
    let crawler = bench.start();
    for node in &nodes {
        bench.until_of(node.name(), "proof", is_read).await;
    }
    for (node, (fault, _)) in nodes.iter().zip(&faults) {
        node.set_fault(fault.clone()).unwrap();
    }
    for (node, (fault, words)) in nodes.iter().zip(&faults) {
        let what = format!("way back after {fault:?}");
        let state = bench
            .until_of(node.name(), &what, |state| {
                way(state) == Some(Way::VimCmd) && reason(state).contains(words)
            })
            .await;
        assert_eq!(state.node.failure, None, "{fault:?}");
        assert_eq!(state.vms.len(), 3, "{fault:?}");
        assert!(state.vms.iter().all(|vm| vm.failure.is_none()), "{fault:?}");
    }
    // A hostd that has started is read again.
    nodes[2].clear_faults().unwrap();
    bench
        .until_of(nodes[2].name(), "reading again", is_read)
        .await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_wrongly_from_the_start_is_never_believed() {
    let node = node(NodeSpec::new("hoge").vms(three()).python());
    let wrong = SoapFault::Says(2, "numCpu", "9".to_owned());
    node.set_fault(Fault::Soap(wrong)).unwrap();
    let bench = bench(&[&node], "auto").await;
    let crawler = bench.start();

    let state = bench
        .until("warning", |state| !state.node.warnings.is_empty())
        .await;

    let expected = "cpus of VM 2: 3 from vim-cmd, 9 from read";
    assert!(state.node.warnings[0].contains(expected), "{state:#?}");
    assert!(reason(&state).contains(expected), "{state:#?}");
    assert_eq!(way(&state), Some(Way::VimCmd));
    assert_eq!(state.vms[1].facts.cpus, Some(3));
    // And not tried again in the next rounds.
    node.forget_calls();
    rounds(&bench, &node, 2).await;
    assert!(!called(&node).contains("python3"));

    // Unless somebody has mended the node and asks for it.
    node.clear_faults().unwrap();
    let request = RefreshRequest {
        id: Uuid::new_v4(),
        node: node.name().parse().unwrap(),
        vmid: None,
        requested_at: Utc::now(),
        whole: true,
    };
    let store = bench.store().inner();
    store.request_refresh(&request).await.unwrap();
    let state = bench
        .until("following", |state| way(state) == Some(Way::Follow))
        .await;
    assert_eq!(state.node.warnings, Vec::<String>::new());
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_to_read_wrongly_is_found_out() {
    let mut vm = VmSpec::new("one");
    vm.cpus = 3;
    let node = node(NodeSpec::new("hoge").vm(vm).python());
    let bench = bench(&[&node], "read").await;
    let crawler = bench.start();
    bench.until("proof", is_read).await;
    let wrong = SoapFault::Says(1, "numCpu", "9".to_owned());
    node.set_fault(Fault::Soap(wrong)).unwrap();

    // Within ten rounds.
    let state = bench
        .until("warning", |state| !state.node.warnings.is_empty())
        .await;

    let expected = "cpus of VM 1: 3 from vim-cmd, 9 from read";
    assert!(state.node.warnings[0].contains(expected), "{state:#?}");
    assert_eq!(state.vms[0].facts.cpus, Some(3));
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_hostd_leaves_out_is_not_gone() {
    let node = node(NodeSpec::new("hoge").vms(three()).python());
    let bench = bench(&[&node], "read").await;
    let crawler = bench.start();
    bench.until("proof", is_read).await;
    node.set_fault(Fault::Soap(SoapFault::Forgets(2))).unwrap();

    let state = bench
        .until("warning", |state| {
            assert_eq!(state.vms.len(), 3, "no VM is lost: {state:#?}");
            !state.node.warnings.is_empty()
        })
        .await;

    let expected = "only vim-cmd lists VM 2";
    assert!(state.node.warnings[0].contains(expected), "{state:#?}");
    assert_eq!(way(&state), Some(Way::VimCmd));
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reboot_takes_another_proof() {
    let node = node(NodeSpec::new("hoge").vms(three()).python());
    let bench = bench(&[&node], "read").await;
    let crawler = bench.start();
    bench.until("proof", is_read).await;
    rounds(&bench, &node, 1).await;
    node.forget_calls();
    node.edit(|spec| spec.booted_at += Duration::from_secs(3600));
    bench
        .condition("another proof", || {
            called(&node).contains("vim-cmd vmsvc/get.summary")
        })
        .await;
    let state = rounds(&bench, &node, 1).await;
    assert!(is_read(&state), "{state:#?}");
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_vm_is_recorded_as_the_listing_has_it() {
    let node = node(NodeSpec::new("hoge").vms(three()).python());
    let bench = bench(&[&node], "read").await;
    let crawler = bench.start();
    bench.until("proof", is_read).await;
    node.set_fault(Fault::InvalidVm(2)).unwrap();

    let state = bench
        .until("VM 2 that is invalid", |state| {
            state.vms[1].failure.is_some()
        })
        .await;

    assert!(is_read(&state), "{state:#?}");
    assert_eq!(state.vms[1].facts.name.as_deref(), Some("off"));
    assert_eq!(
        state.vms[1].facts.connection_state.as_deref(),
        Some("invalid")
    );
    crawler.stop().await;
}
