//! Refresh requests: what the crawler looks at before its time. The interval is an hour here, so
//! that nothing else makes it look.

use std::time::Duration;

use ecoman_model::{FailureKind, NodeState, PowerState, RefreshRequest, Timestamp, Vmid};
use ecoman_simulator::{CallOutcome, Fault, NodeSpec, Power, Scope, SimulatedNode, VmSpec};
use ecoman_store::TaskStore;
use uuid::Uuid;

use crate::bench::{Bench, node};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_on_a_vm_shows_it_at_once_and_asks_for_no_other() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web"))
            .vm(VmSpec::new("db")),
    );
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    // With the search for ISO images, which goes on beside the rounds.
    bench
        .until("first round", |state| {
            let facts = state.node.facts.as_ref();
            state.vms.len() == 2 && facts.is_some_and(|facts| facts.setup_read_at.is_some())
        })
        .await;
    node.forget_calls();
    for id in [1, 2] {
        node.edit_vm(id, |vm| vm.power = Power::On).unwrap();
    }

    leave(&bench, &node, Some(1)).await;

    let state = bench
        .until("VM 1 that is on", |state| {
            state.vms[0].facts.power == PowerState::On
        })
        .await;
    assert_eq!(state.vms[1].facts.power, PowerState::Off);
    assert!(state.vms[0].observed_at > state.vms[1].observed_at);
    bench.until_no_refresh_requests().await;
    let asked = node.remote_commands();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(node.logins(), 1, "over the kept connection");
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_on_a_node_starts_its_round_and_no_other_nodes() {
    let changed = node(NodeSpec::new("changed").vm(VmSpec::new("a")));
    let other = node(NodeSpec::new("other").vm(VmSpec::new("b")));
    let bench = Bench::new(&[&changed, &other]).await.every(HOUR);
    let crawler = bench.start();
    // With the search for ISO images, which goes on beside the rounds.
    for name in ["changed", "other"] {
        bench
            .until_of(name, "first round", |state| {
                let facts = state.node.facts.as_ref();
                state.vms.len() == 1 && facts.is_some_and(|facts| facts.setup_read_at.is_some())
            })
            .await;
    }
    other.forget_calls();
    changed.add_vm(VmSpec::new("new")).unwrap();

    leave(&bench, &changed, None).await;

    bench
        .until_of("changed", "new VM", |state| state.vms.len() == 2)
        .await;
    bench.until_no_refresh_requests().await;
    assert_eq!(other.remote_commands(), []);
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_whole_node_has_its_setup_read_again() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    let setup_read_at = |state: &NodeState| state.node.facts.as_ref()?.setup_read_at;
    let first = bench
        .until("first setup", |state| setup_read_at(state).is_some())
        .await;
    let asked = RefreshRequest {
        whole: true,
        ..request(&node, None)
    };
    let store = bench.store().inner();
    store.request_refresh(&asked).await.unwrap();
    bench
        .until("the setup again", |state| {
            setup_read_at(state) > setup_read_at(&first)
        })
        .await;
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_on_a_vm_that_is_gone_or_cannot_be_read_takes_a_round() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web"))
            .vm(VmSpec::new("db")),
    );
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until("first round", |state| state.vms.len() == 2)
        .await;

    node.remove_vm(1).unwrap();
    leave(&bench, &node, Some(1)).await;
    bench
        .until("VM 2 alone", |state| state.vms.len() == 1)
        .await;
    bench.until_no_refresh_requests().await;

    node.set_fault(Fault::Garbage(Scope::command("get.summary").and_vm(2)))
        .unwrap();
    leave(&bench, &node, Some(2)).await;
    bench
        .until("VM 2 that cannot be read", |state| {
            state.vms[0].failure.is_some()
        })
        .await;
    bench.until_no_refresh_requests().await;

    // And one that is mended since.
    node.clear_faults().unwrap();
    leave(&bench, &node, Some(2)).await;
    bench
        .until("VM 2 that can be read", |state| {
            state.vms[0].failure.is_none()
        })
        .await;
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_that_is_left_during_a_round_is_not_lost_to_what_the_round_saw() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until("first round", |state| state.vms.len() == 1)
        .await;
    node.forget_calls();
    node.set_fault(Fault::Slow(
        Scope::command("getallvms"),
        Duration::from_secs(1),
    ))
    .unwrap();

    leave(&bench, &node, None).await;
    // By the time that it lists, the round has long looked at the VM.
    bench
        .condition("answer to the round's get.summary", || {
            node.calls().iter().any(|call| {
                call.line().contains("get.summary 1") && call.outcome == CallOutcome::Exited(0)
            })
        })
        .await;
    node.edit_vm(1, |vm| vm.power = Power::On).unwrap();
    leave(&bench, &node, Some(1)).await;

    bench
        .until("VM that is on", |state| {
            state.vms[0].facts.power == PowerState::On
        })
        .await;
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_on_a_vm_does_not_wait_for_a_round_that_hangs() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::with_timeout(&[&node], HOUR).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until("first round", |state| state.vms.len() == 1)
        .await;
    node.forget_calls();
    node.set_fault(Fault::Hang(Scope::command("getallvms")))
        .unwrap();
    leave(&bench, &node, None).await;
    bench
        .condition("listing that hangs", || {
            node.calls()
                .iter()
                .any(|call| call.line().contains("getallvms"))
        })
        .await;
    node.edit_vm(1, |vm| vm.power = Power::On).unwrap();
    leave(&bench, &node, Some(1)).await;

    bench
        .until("VM that is on", |state| {
            state.vms[0].facts.power == PowerState::On
        })
        .await;
    // The round that ends in the end does not undo it.
    node.clear_faults().unwrap();
    bench.until_no_refresh_requests().await;
    let vm = &bench.state("hoge").await.vms[0];
    assert_eq!(vm.facts.power, PowerState::On);
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_over_a_connection_that_died_is_handled_over_a_new_one() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until("first round", |state| state.vms.len() == 1)
        .await;
    node.cut_connections().unwrap();
    node.edit_vm(1, |vm| vm.power = Power::On).unwrap();

    leave(&bench, &node, Some(1)).await;

    bench
        .until("VM that is on", |state| {
            state.vms[0].facts.power == PowerState::On
        })
        .await;
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_refused_the_login_is_not_asked_for_a_refresh_request() {
    let closed = node(NodeSpec::new("closed").vm(VmSpec::new("a")));
    let open = node(NodeSpec::new("open").vm(VmSpec::new("b")));
    closed.set_fault(Fault::AuthenticationRefused).unwrap();
    let bench = Bench::new(&[&closed, &open]).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until_of("closed", "refused login", |state| {
            let failure = state.node.failure.as_ref();
            failure.is_some_and(|failure| failure.kind == FailureKind::Authentication)
        })
        .await;
    bench
        .until_of("open", "first round", |state| state.vms.len() == 1)
        .await;
    let before = closed.connections();

    let kept = leave(&bench, &closed, Some(1)).await;
    leave(&bench, &closed, None).await;
    // The other node hears of its request later than this one of both.
    leave(&bench, &open, Some(1)).await;
    bench.until_refresh_requests(2).await;
    assert_eq!(closed.connections(), before);
    assert_eq!(
        bench
            .refresh_requests()
            .await
            .first()
            .map(|request| request.id),
        Some(kept)
    );

    // They go with the next round, which here comes with another hosts.yml.
    closed.clear_faults().unwrap();
    bench.write_hosts(&[&closed, &open], "  max_sessions: 3\n");
    bench.until_no_refresh_requests().await;
    assert_eq!(bench.state("closed").await.vms.len(), 1);
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_stays_until_its_node_has_answered() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until("first round", |state| state.vms.len() == 1)
        .await;
    node.stop().unwrap();

    let kept = leave(&bench, &node, Some(1)).await;
    bench
        .until("failure", |state| state.node.failure.is_some())
        .await;
    let left: Vec<_> = bench
        .refresh_requests()
        .await
        .iter()
        .map(|request| request.id)
        .collect();
    assert_eq!(left, [kept]);

    node.start_again().unwrap();
    node.edit_vm(1, |vm| vm.power = Power::On).unwrap();
    leave(&bench, &node, Some(1)).await;
    bench
        .until("VM that is on", |state| {
            state.vms[0].facts.power == PowerState::On
        })
        .await;
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_survives_that_the_store_is_away() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    bench
        .until("first round", |state| state.vms.len() == 1)
        .await;
    bench.store().refuse_vms();
    node.edit_vm(1, |vm| vm.power = Power::On).unwrap();
    leave(&bench, &node, Some(1)).await;
    bench.store().until_refused(1).await;
    assert_eq!(bench.refresh_requests().await.len(), 1);

    bench.store().come_back();

    bench
        .until("VM that is on", |state| {
            state.vms[0].facts.power == PowerState::On
        })
        .await;
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_request_on_a_node_that_nobody_knows_is_removed() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await.every(HOUR);
    let crawler = bench.start();
    let request = RefreshRequest {
        node: "fuga".parse().unwrap(),
        ..request(&node, None)
    };
    bench
        .store()
        .inner()
        .request_refresh(&request)
        .await
        .unwrap();
    bench.until_no_refresh_requests().await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_round_handles_the_refresh_requests_of_the_nodes_that_answer() {
    let good = node(NodeSpec::new("good").vm(VmSpec::new("a")));
    let bad = node(NodeSpec::new("bad").vm(VmSpec::new("b")));
    let bench = Bench::new(&[&good, &bad]).await;
    leave(&bench, &good, Some(1)).await;
    leave(&bench, &good, None).await;
    let open = leave(&bench, &bad, Some(1)).await;
    bad.stop().unwrap();
    let report = bench.crawler().once().await.expect("a round");
    assert_eq!((report.answered.len(), report.failed.len()), (1, 1));
    let left = bench.store().inner().refresh_requests().await.unwrap();
    let left: Vec<_> = left.into_iter().map(|request| request.id).collect();
    assert_eq!(left, [open]);
}

async fn leave(bench: &Bench, node: &SimulatedNode, vmid: Option<u32>) -> Uuid {
    let request = request(node, vmid);
    bench
        .store()
        .inner()
        .request_refresh(&request)
        .await
        .unwrap();
    request.id
}

fn request(node: &SimulatedNode, vmid: Option<u32>) -> RefreshRequest {
    RefreshRequest {
        id: Uuid::new_v4(),
        node: node.name().parse().unwrap(),
        vmid: vmid.map(Vmid),
        requested_at: Timestamp::from(std::time::SystemTime::now()),
        whole: false,
    }
}
