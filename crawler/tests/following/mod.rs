//! Nodes on which a program stays and says what changes. The interval is an hour where nothing but
//! its word is to make the crawler look.

use std::time::Duration;

use ecoman_model::{NodeState, PowerState, Way};
use ecoman_simulator::{Fault, NodeSpec, Power, SimulatedNode, SoapFault, VmSpec};

use crate::bench::{Bench, node};

const HOUR: Duration = Duration::from_secs(3600);

async fn bench(node: &SimulatedNode, collect: &str, interval: Duration) -> Bench {
    let bench = Bench::with_timeout(&[node], Duration::from_secs(30)).await;
    let bench = bench.every(interval);
    bench.write_hosts(&[node], &format!("  collect: {collect}\n"));
    bench
}

fn ten(name: &str) -> SimulatedNode {
    let specs = (1..=10).map(|id| VmSpec::new(&format!("vm-{id:02}")));
    node(NodeSpec::new(name).vms(specs).python())
}

fn way(state: &NodeState) -> Option<Way> {
    state.node.collecting.as_ref().map(|used| used.way)
}

fn reason(state: &NodeState) -> &str {
    let used = state.node.collecting.as_ref();
    used.map_or("", |used| used.reason.as_str())
}

fn is_followed(state: &NodeState) -> bool {
    way(state) == Some(Way::Follow)
}

fn power(state: &NodeState, id: u32) -> Option<PowerState> {
    let vm = state.vms.iter().find(|vm| vm.key.vmid.0 == id);
    vm.map(|vm| vm.facts.power)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_on_the_node_is_recorded_without_a_round_or_another_process() {
    let node = ten("hoge");
    let bench = bench(&node, "auto", HOUR).await;
    let crawler = bench.start();
    let before = bench
        .until("proof, and the search for images", |state| {
            let facts = state.node.facts.as_ref();
            is_followed(state) && facts.is_some_and(|facts| facts.setup_read_at.is_some())
        })
        .await;
    assert_eq!(before.node.warnings, Vec::<String>::new());
    assert_eq!(reason(&before), "same result as vim-cmd");
    let sign_ins = node.soap_sign_ins();
    node.forget_calls();

    node.edit_vm(3, |vm| vm.power = Power::On).unwrap();
    let state = bench
        .until("VM 3 that is on", |state| {
            power(state, 3) == Some(PowerState::On)
        })
        .await;
    assert!(state.vms[2].observed_at > before.vms[2].observed_at);
    for id in 1..=10 {
        let rename = |vm: &mut ecoman_simulator::Vm| vm.spec.annotation = "]]> & <name>".to_owned();
        node.edit_vm(id, rename).unwrap();
    }
    let state = bench
        .until("ten notes", |state| {
            let notes = state.vms.iter().map(|vm| vm.facts.comment.as_deref());
            notes.into_iter().all(|note| note == Some("]]> & <name>"))
        })
        .await;

    assert_eq!(state.node.observed_at, before.node.observed_at, "no round");
    assert_eq!(node.calls(), [], "no process");
    assert_eq!(node.soap_sign_ins(), sign_ins, "no sign-in");
    assert_eq!(node.open_soap_sessions(), 1);
    crawler.stop().await;
    bench
        .condition("sign-out", || node.open_soap_sessions() == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_and_goes_is_settled_by_a_round_at_once() {
    let node = ten("hoge");
    let bench = bench(&node, "follow", HOUR).await;
    let crawler = bench.start();
    bench.until("proof", is_followed).await;

    let added = node.add_vm(VmSpec::new("new")).unwrap();
    bench
        .until("new VM", |state| power(state, added).is_some())
        .await;
    node.remove_vm(added).unwrap();
    let state = bench
        .until("end of the new VM", |state| power(state, added).is_none())
        .await;
    assert_eq!(state.vms.len(), 10);
    assert!(is_followed(&state), "{state:#?}");
    assert_eq!(state.node.warnings, Vec::<String>::new());

    // What hostd alone leaves out is not gone.
    node.set_fault(Fault::Soap(SoapFault::Forgets(2))).unwrap();
    let state = bench
        .until("doubt", |state| way(state) == Some(Way::VimCmd))
        .await;
    assert_eq!(state.vms.len(), 10);
    assert!(reason(&state).contains("VM 2"), "{state:#?}");
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_round_reads_everything_in_the_same_session() {
    let node = ten("hoge");
    let bench = bench(&node, "follow", Duration::from_millis(250)).await;
    let crawler = bench.start();
    let mut state = bench.until("proof", is_followed).await;
    let sign_ins = node.soap_sign_ins();
    node.forget_calls();
    for _ in 0..5 {
        let before = state.node.observed_at;
        state = bench
            .until("another round", |state| state.node.observed_at > before)
            .await;
        assert!(is_followed(&state), "{state:#?}");
    }
    let programs = node.calls().into_iter().map(|call| call.program);
    let programs: Vec<String> = programs.filter(|program| program == "python3").collect();
    assert_eq!(programs, Vec::<String>::new());
    assert_eq!(node.soap_sign_ins(), sign_ins);
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostd_that_restarts_or_a_connection_that_is_cut_is_followed_again() {
    let node = ten("hoge");
    let bench = bench(&node, "follow", Duration::from_millis(250)).await;
    let crawler = bench.start();
    bench.until("proof", is_followed).await;

    node.set_fault(Fault::Soap(SoapFault::Starting)).unwrap();
    let state = bench
        .until("way back", |state| way(state) == Some(Way::VimCmd))
        .await;
    assert!(
        reason(&state).contains("hostd does not respond"),
        "{state:#?}"
    );
    assert_eq!(state.vms.len(), 10);
    node.clear_faults().unwrap();
    bench.until("following again", is_followed).await;

    node.cut_connections().unwrap();
    let sign_ins = node.soap_sign_ins();
    bench
        .condition("another sign-in", || node.soap_sign_ins() > sign_ins)
        .await;
    node.edit_vm(5, |vm| vm.power = Power::On).unwrap();
    let state = bench
        .until("VM 5 that is on", |state| {
            is_followed(state) && power(state, 5) == Some(PowerState::On)
        })
        .await;
    assert_eq!(state.vms.len(), 10);
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_stay_the_node_is_read_and_says_so() {
    for (collect, warnings) in [("auto", 0), ("follow", 1)] {
        let node = ten("hoge");
        node.set_fault(Fault::Soap(SoapFault::NoFilters)).unwrap();
        let bench = bench(&node, collect, Duration::from_millis(250)).await;
        let crawler = bench.start();
        let state = bench
            .until("reading", |state| {
                way(state) == Some(Way::Read) && state.node.warnings.len() == warnings
            })
            .await;
        assert!(reason(&state).contains("NotSupported"), "{state:#?}");
        crawler.stop().await;
    }
    // One session is for commands.
    let node = ten("hoge");
    let bench = bench(&node, "auto", Duration::from_millis(250)).await;
    let entry = node.hosts_yml_entry();
    let entry = format!("{entry}  collect: auto\n  max_sessions: 1\n");
    std::fs::write(bench.hosts_path(), entry).unwrap();
    let crawler = bench.start();
    bench
        .until("reading", |state| way(state) == Some(Way::Read))
        .await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_round_alone_leaves_no_program_behind() {
    let node = ten("hoge");
    let bench = bench(&node, "follow", HOUR).await;
    bench.crawler().once().await.unwrap();
    let state = bench.state("hoge").await;
    assert_eq!(way(&state), Some(Way::VimCmd));
    assert!(reason(&state).contains("a single poll"), "{state:#?}");
    assert_eq!(node.soap_sign_ins(), 0);
}
