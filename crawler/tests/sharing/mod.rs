//! Rounds of `vim-cmd` that read a share of the VMs, and those that have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecoman_model::{NodeState, PowerState, Timestamp};
use ecoman_simulator::{CallOutcome, Fault, NodeSpec, Power, Scope, SimulatedNode, VmSpec};

use crate::bench::{Bench, node};

const VMS: u32 = 20;

fn twenty() -> SimulatedNode {
    let specs = (1..=VMS).map(|id| VmSpec::new(&format!("vm-{id:02}")));
    node(NodeSpec::new("hoge").vms(specs))
}

/// After the first round, which reads all, and one that reads a share.
async fn at_work(node: &SimulatedNode) -> (Bench, crate::bench::Running) {
    let bench = Bench::with_timeout(&[node], Duration::from_secs(30)).await;
    let bench = bench.every(Duration::from_millis(300));
    bench.write_hosts(&[node], "  collect: vim-cmd\n");
    let crawler = bench.start();
    bench
        .until("round that reads a share", |state| {
            !state.node.vms_read_at.is_empty()
        })
        .await;
    (bench, crawler)
}

/// Waits for so many rounds more.
async fn rounds(bench: &Bench, count: usize) -> NodeState {
    let mut state = bench.state("hoge").await;
    for _ in 0..count {
        let before = state.node.observed_at;
        state = bench
            .until("another round", |state| state.node.observed_at > before)
            .await;
    }
    state
}

/// The VMs that were read, each with the time of the last reading.
fn read(node: &SimulatedNode) -> BTreeMap<u32, Timestamp> {
    let calls = node.calls().into_iter();
    calls
        .filter_map(|call| match &call.arguments[..] {
            [verb, id] if verb == "vmsvc/get.summary" => Some((id.parse().ok()?, call.at)),
            _ => None,
        })
        .collect()
}

fn count(node: &SimulatedNode, word: &str) -> usize {
    let calls = node.calls().into_iter();
    calls.filter(|call| call.line().contains(word)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_reads_a_fifth_of_the_vms_and_five_rounds_read_all() {
    let node = twenty();
    let (bench, crawler) = at_work(&node).await;
    node.forget_calls();

    rounds(&bench, 6).await;

    let all: BTreeSet<u32> = (1..=VMS).collect();
    assert_eq!(read(&node).into_keys().collect::<BTreeSet<_>>(), all);
    // The first and the last may have begun before, and not ended.
    let rounds = count(&node, "getallvms");
    assert!(
        count(&node, "get.summary") <= (rounds + 1) * 4,
        "{rounds} rounds: {:#?}",
        node.calls()
    );
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_vm_is_said_to_be_younger_than_its_last_reading() {
    let node = twenty();
    let (bench, crawler) = at_work(&node).await;
    for _ in 0..6 {
        let state = rounds(&bench, 1).await;
        let read = read(&node);
        for vm in &state.vms {
            let seen_at = vm.seen_at(&state.node);
            let last = read.get(&vm.key.vmid.0).copied();
            assert!(Some(seen_at) <= last, "{}: {seen_at}, {last:?}", vm.key);
        }
        let ages: BTreeSet<Timestamp> =
            state.vms.iter().map(|vm| vm.seen_at(&state.node)).collect();
        assert!(ages.len() > 1, "all are said to be as old as each other");
    }
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_renamed_edited_or_new_shows_in_the_next_round() {
    let node = twenty();
    let (bench, crawler) = at_work(&node).await;
    // Time stamps of files have seconds.
    let edit = |id: u32, text: &str| {
        node.edit_vm(id, |vm| vm.spec.annotation = text.to_owned())
            .unwrap();
        let vm = node.vm(id).unwrap();
        let path = format!("{}{}", node.datastore_path(), vm.spec.vmx_path);
        let file = node.file(&path);
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, before + "annotation = \"edited\"\n").unwrap();
    };
    type Change<'c> = Box<dyn Fn(u32) + 'c>;
    type Shown = fn(&NodeState, u32) -> bool;
    fn vm(state: &NodeState, id: u32) -> Option<&ecoman_model::VmRecord> {
        state.vms.iter().find(|vm| vm.key.vmid.0 == id)
    }
    let changes: [(Change<'_>, Shown); 4] = [
        (
            Box::new(|id| node.edit_vm(id, |vm| vm.power = Power::On).unwrap()),
            |state, id| vm(state, id).is_some_and(|vm| vm.facts.power == PowerState::On),
        ),
        (
            Box::new(|id| node.edit_vm(id, |vm| vm.power = Power::Off).unwrap()),
            |state, id| vm(state, id).is_some_and(|vm| vm.facts.power == PowerState::Off),
        ),
        (
            Box::new(|id| {
                let rename = |vm: &mut ecoman_simulator::Vm| vm.spec.name = "renamed".to_owned();
                node.edit_vm(id, rename).unwrap();
            }),
            |state, id| vm(state, id).is_some_and(|vm| vm.facts.name.as_deref() == Some("renamed")),
        ),
        (Box::new(|id| edit(id, "edited")), |state, id| {
            vm(state, id).is_some_and(|vm| vm.facts.comment.as_deref() == Some("edited"))
        }),
    ];
    for (number, (change, is_shown)) in changes.iter().enumerate() {
        // One of each share: by turns it would take five rounds.
        let ids = [11, 12, 13, 14, 15];
        rounds(&bench, 1).await;
        node.forget_calls();
        ids.into_iter().for_each(change);
        bench
            .until(&format!("change {number}"), |state| {
                ids.iter().all(|&id| is_shown(state, id))
            })
            .await;
        // One that was under way may have missed it, and another may be under way.
        let rounds = count(&node, "getallvms");
        assert!(rounds <= 3, "change {number} took {rounds} rounds");
    }
    let added = node.add_vm(VmSpec::new("new")).unwrap();
    bench
        .until("new VM", |state| vm(state, added).is_some())
        .await;
    node.remove_vm(3).unwrap();
    bench
        .until("end of VM 3", |state| vm(state, 3).is_none())
        .await;
    crawler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datastore_that_blocks_a_look_at_its_files_stops_no_round() {
    let node = twenty();
    let (bench, crawler) = at_work(&node).await;
    node.set_fault(Fault::Hang(Scope::command("stat"))).unwrap();
    bench
        .condition("look that was given up", || {
            node.calls()
                .iter()
                .any(|call| call.program == "stat" && call.outcome == CallOutcome::Killed)
        })
        .await;
    node.forget_calls();

    let state = rounds(&bench, 3).await;

    assert_eq!(state.node.failure, None);
    assert_eq!(state.node.warnings, Vec::<String>::new());
    assert_eq!(state.vms.len(), 20);
    // What blocks there cannot even be killed on a real host: it is not met again each round.
    assert_eq!(count(&node, "stat -c"), 0);
    node.edit_vm(7, |vm| vm.power = Power::On).unwrap();
    bench
        .until("VM 7 that is on", |state| {
            state.vms[6].facts.power == PowerState::On
        })
        .await;
    crawler.stop().await;
}
