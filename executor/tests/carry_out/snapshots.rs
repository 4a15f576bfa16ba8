//! Snapshots: taken, reverted to, removed, and followed when the executor or the connection dies.

use std::time::Duration;

use ecoman_api::executor::Report;
use ecoman_model::{
    SnapshotCreate, SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, SnapshotTree, TaskErrorKind,
    TaskProgress, TaskRequest, TaskState, Vmid,
};
use ecoman_simulator::{Fault, Generation, NodeSpec, Power, Scope, SimulatedNode, Timing, VmSpec};
use reqwest::StatusCode;

use crate::bench::{Bench, sent};

const VMID: Vmid = Vmid(1);

fn spec() -> NodeSpec {
    let gb = 1u64 << 30;
    NodeSpec::new("hoge").vm(VmSpec::new("web").id(1).disk(gb, 4 * gb).on())
}

/// A node whose work on snapshots takes so long.
fn slow(seconds: u64) -> SimulatedNode {
    node(spec().timing(Timing {
        snapshot: Duration::from_secs(seconds),
        ..Timing::AT_ONCE
    }))
}

fn node(spec: NodeSpec) -> SimulatedNode {
    SimulatedNode::start(spec).expect("a simulated node")
}

fn create(name: &str, memory: bool) -> TaskRequest {
    TaskRequest::SnapshotCreate(SnapshotCreate {
        vmid: VMID,
        name: name.to_owned(),
        description: "two\nlines".to_owned(),
        memory,
        quiesce: false,
    })
}

fn revert(snapshot: u32) -> TaskRequest {
    TaskRequest::SnapshotRevert(SnapshotRevert {
        vmid: VMID,
        snapshot,
        keep_off: false,
    })
}

fn remove(snapshot: u32, children: bool) -> TaskRequest {
    TaskRequest::SnapshotRemove(SnapshotRemove {
        vmid: VMID,
        snapshot,
        children,
    })
}

fn remove_all() -> TaskRequest {
    TaskRequest::SnapshotRemoveAll(SnapshotRemoveAll { vmid: VMID })
}

async fn done(bench: &Bench, node: &SimulatedNode, request: TaskRequest) -> TaskProgress {
    let progress = bench.run(node, request).await.progress;
    assert_eq!(progress.state, TaskState::Succeeded, "{progress:#?}");
    progress
}

async fn tree(bench: &Bench) -> SnapshotTree {
    let response = bench.get("/nodes/hoge/vms/1/snapshots").await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.expect("a tree")
}

/// The ids of the VM's snapshots as they truly are.
fn ids(node: &SimulatedNode) -> Vec<u32> {
    fn all(list: &[ecoman_simulator::SnapshotSpec]) -> Vec<u32> {
        list.iter()
            .flat_map(|one| std::iter::once(one.id).chain(all(&one.children)))
            .collect()
    }
    all(&node.vm(1).expect("the VM").spec.snapshots)
}

/// The names of the files beside the `.vmx`.
fn files(node: &SimulatedNode) -> Vec<String> {
    let folder = node.file(&format!("{}web", node.datastore_path()));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_tree_grows_is_gone_back_to_and_goes_on_every_release() {
    for generation in Generation::ALL {
        let node = node(spec().generation(generation));
        let before = files(&node);
        let bench = Bench::new(&[&node]).await;
        done(&bench, &node, create("first", true)).await;
        done(&bench, &node, create("second", false)).await;
        let grown = tree(&bench).await;
        let [first, second] = &grown.items[..] else {
            panic!("two snapshots: {grown:#?}");
        };
        assert_eq!(first.name, "first");
        assert_eq!(first.description.as_deref(), Some("two\nlines"));
        assert_eq!((first.parent, second.parent), (None, Some(first.id)));
        assert_eq!(grown.current, Some(second.id));
        assert!(grown.free_bytes.is_some());
        assert!(
            first.size_bytes > second.size_bytes.map(|_| 0),
            "{grown:#?}"
        );
        assert_eq!(
            files(&node).len(),
            before.len() + 2 * 3 + 2,
            "{:?}",
            files(&node)
        );

        node.edit_vm(1, |vm| vm.power = Power::Off).unwrap();
        done(&bench, &node, revert(first.id)).await;
        assert_eq!(node.vm(1).unwrap().power, Power::On, "{generation:?}");
        assert_eq!(tree(&bench).await.current, Some(first.id));

        done(&bench, &node, create("third", false)).await;
        let third = tree(&bench).await.current.expect("a snapshot");
        assert!(third > second.id);
        done(&bench, &node, remove(first.id, true)).await;
        assert_eq!(ids(&node), [0; 0], "{generation:?}");
        // A .vmsd stays, which names none.
        let mut left = files(&node);
        left.retain(|name| name != "web.vmsd");
        assert_eq!(left, before, "{generation:?}");
    }
}

#[tokio::test]
async fn one_is_removed_without_those_below_and_all_are() {
    let node = node(spec());
    let bench = Bench::new(&[&node]).await;
    for name in ["a", "b", "c"] {
        done(&bench, &node, create(name, false)).await;
    }
    done(&bench, &node, remove(1, false)).await;
    assert_eq!(ids(&node), [2, 3]);
    done(&bench, &node, remove_all()).await;
    assert_eq!(ids(&node), [0; 0]);
    // Nothing is done a second time.
    let sent_before = sent(&node, "snapshot.removeall");
    done(&bench, &node, remove_all()).await;
    assert_eq!(sent(&node, "snapshot.removeall"), sent_before);
    let gone = bench.run(&node, remove(1, false)).await.progress;
    assert_eq!(gone.error.expect("an error").kind, TaskErrorKind::Refused);
}

#[tokio::test]
async fn what_cannot_fit_is_refused_before() {
    let node = node(spec());
    node.set_fault(Fault::DiskFull).unwrap();
    let bench = Bench::new(&[&node]).await;
    let refused = bench.run(&node, create("a", false)).await.progress;
    let error = refused.error.expect("an error");
    assert_eq!(error.kind, TaskErrorKind::Refused);
    assert!(error.message.contains("free"), "{error:?}");
    assert_eq!(sent(&node, "snapshot.create"), 0);
    node.clear_faults().unwrap();
    // Enough for the disks, not for 1 GB of memory.
    node.edit(|spec| spec.datastores[0].free_bytes = 100 << 20);
    let refused = bench.run(&node, create("a", true)).await.progress;
    assert_eq!(
        refused.error.expect("an error").kind,
        TaskErrorKind::Refused
    );
    done(&bench, &node, create("a", false)).await;
}

#[tokio::test]
async fn names_that_imitate_the_dump_change_nothing() {
    let node = node(spec());
    let bench = Bench::new(&[&node]).await;
    let hostile = "x\", \n         id = 99, \n         state = \"poweredOn";
    for (name, description) in [
        ("$(reboot) `id` 'a' \"b\" ; |22", "plain"),
        ("a = \"b\", id = 7,", hostile),
        ("更新 前 🦀 % / \\", "--Snapshot Id        : 3\n|-ROOT"),
    ] {
        let request = TaskRequest::SnapshotCreate(SnapshotCreate {
            vmid: VMID,
            name: name.to_owned(),
            description: description.to_owned(),
            memory: false,
            quiesce: false,
        });
        done(&bench, &node, request).await;
        let tree = tree(&bench).await;
        let new = tree.items.last().expect("a snapshot");
        assert_eq!(new.name, name);
        assert_eq!(new.description.as_deref(), Some(description));
    }
    assert_eq!(ids(&node), [1, 2, 3]);
    done(&bench, &node, remove_all()).await;
    assert_eq!(ids(&node), [0; 0]);
}

#[tokio::test]
async fn work_that_takes_its_time_reports_how_far_it_is_and_fails_with_the_nodes_reason() {
    let node = slow(6);
    let bench = Bench::new(&[&node]).await;
    let order = bench.order(&node, create("a", false));
    bench.post(&order).await;
    let on_its_way = |report: &Report| {
        let percent = report.progress.percent.unwrap_or_default();
        report.progress.state == TaskState::Running && (10..95).contains(&percent)
    };
    bench
        .until(order.id, "reports its percent", on_its_way)
        .await;
    let end = bench.end(order.id).await.progress;
    assert_eq!((end.state, end.percent), (TaskState::Succeeded, Some(100)));

    for generation in [Generation::V5_5, Generation::V6_5, Generation::V8_0] {
        node.edit(|spec| spec.generation = generation);
        node.set_fault(Fault::SnapshotFails(1)).unwrap();
        let failed = bench.run(&node, remove_all()).await.progress;
        let error = failed.error.expect("an error");
        assert_eq!(error.kind, TaskErrorKind::Node);
        assert!(
            error
                .message
                .contains("An error occurred while consolidating"),
            "{generation:?}: {error:?}"
        );
        assert_eq!(ids(&node), [1]);
        node.clear_faults().unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_under_each_work_is_followed_and_nothing_is_sent_twice() {
    for (command, request, left) in [
        ("snapshot.create", create("b", false), vec![1, 2]),
        ("snapshot.revert", revert(1), vec![1]),
        ("snapshot.remove", remove(1, false), vec![]),
        ("snapshot.removeall", remove_all(), vec![]),
    ] {
        let node = slow(4);
        let bench = Bench::new(&[&node]).await;
        done(&bench, &node, create("a", false)).await;
        node.forget_calls();
        let order = bench.order(&node, request);
        bench.post(&order).await;
        bench
            .until(order.id, "is at work", |_| sent(&node, command) == 1)
            .await;
        node.cut_connections().unwrap();
        let end = bench.end(order.id).await.progress;
        assert_eq!(end.state, TaskState::Succeeded, "{command}: {end:#?}");
        assert_eq!(ids(&node), left, "{command}");
        assert_eq!(sent(&node, command), 1, "{command}");
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_at_each_command_never_does_it_twice() {
    for (command, request) in [
        ("vmsvc/snapshot.create", create("b", false)),
        ("vmsvc/snapshot.remove", remove(1, false)),
    ] {
        for nth in 1..=8 {
            let node = node(spec());
            let bench = Bench::new(&[&node]).await;
            done(&bench, &node, create("a", false)).await;
            node.forget_calls();
            node.set_fault(Fault::CutConnection(nth)).unwrap();
            let end = bench.run(&node, request.clone()).await.progress;
            assert!(sent(&node, command) <= 1, "{command} {nth}: {end:#?}");
            let is_done = match command {
                "vmsvc/snapshot.create" => ids(&node) == [1, 2],
                _ => ids(&node) == [0; 0],
            };
            let succeeded = end.state == TaskState::Succeeded;
            assert_eq!(succeeded, is_done, "{command} {nth}: {end:#?}");
        }
    }
}

/// Has an executor begin `request` and die when `command` is at work; another one follows.
async fn followed(
    node: &SimulatedNode,
    request: TaskRequest,
    command: &str,
    forgets: bool,
    meanwhile: impl FnOnce(),
) -> TaskProgress {
    let bench = Bench::new(&[node]).await;
    let mut order = bench.order(node, request);
    bench.post(&order).await;
    let last = bench
        .until(order.id, "is at work", |report| {
            sent(node, command) == 1 && report.progress.before.is_some()
        })
        .await;
    drop(bench);
    node.cut_connections().unwrap();
    meanwhile();
    let again = Bench::new(&[node]).await;
    order.instance = again.instance;
    // The last reports may not have arrived.
    order.follows = Some(TaskProgress {
        before: last.progress.before.clone().filter(|_| !forgets),
        state: TaskState::Running,
        ..TaskProgress::default()
    });
    again.post(&order).await;
    again.end(order.id).await.progress
}

#[tokio::test]
async fn work_of_an_executor_that_died_is_followed_by_the_next() {
    for (command, request, left) in [
        ("snapshot.create", create("b", false), vec![1, 2]),
        ("snapshot.revert", revert(1), vec![1]),
        ("snapshot.remove", remove(1, false), vec![]),
        ("snapshot.removeall", remove_all(), vec![]),
    ] {
        let node = slow(3);
        let bench = Bench::new(&[&node]).await;
        done(&bench, &node, create("a", false)).await;
        drop(bench);
        node.forget_calls();
        let end = followed(&node, request, command, false, || {}).await;
        assert_eq!(end.state, TaskState::Succeeded, "{command}: {end:#?}");
        assert_eq!(ids(&node), left, "{command}");
        assert_eq!(sent(&node, command), 1, "{command}");
    }
}

#[tokio::test]
async fn a_failure_that_the_dead_executor_missed_is_reported() {
    let node = slow(3);
    let bench = Bench::new(&[&node]).await;
    done(&bench, &node, create("a", false)).await;
    drop(bench);
    node.forget_calls();
    let fails = || node.set_fault(Fault::SnapshotFails(1)).unwrap();
    let end = followed(&node, remove_all(), "snapshot.removeall", false, fails).await;
    let error = end.error.expect("an error");
    assert!(error.message.contains("consolidating"), "{error:?}");
    assert_eq!(sent(&node, "snapshot.removeall"), 1);
}

#[tokio::test]
async fn what_nobody_has_recorded_is_looked_up_and_not_guessed() {
    // A removal shows by itself; whose snapshot a new one is does not.
    let node = slow(3);
    let bench = Bench::new(&[&node]).await;
    done(&bench, &node, create("a", false)).await;
    drop(bench);
    node.forget_calls();
    let end = followed(&node, remove_all(), "snapshot.removeall", true, || {}).await;
    assert_eq!(end.state, TaskState::Succeeded, "{end:#?}");
    let end = followed(&node, create("a", false), "snapshot.create", true, || {}).await;
    let error = end.error.expect("an error");
    assert!(error.message.contains("it is unknown"), "{error:?}");
    assert_eq!(sent(&node, "snapshot.create"), 1);
}

#[tokio::test]
async fn an_order_that_was_never_begun_is_not_begun_by_following_it() {
    let node = node(spec());
    let bench = Bench::new(&[&node]).await;
    let mut order = bench.order(&node, create("a", false));
    order.follows = Some(TaskProgress {
        state: TaskState::Running,
        ..TaskProgress::default()
    });
    bench.post(&order).await;
    let end = bench.end(order.id).await.progress;
    assert_eq!(end.state, TaskState::Failed);
    assert!(
        end.error
            .expect("an error")
            .message
            .contains("No snapshot has this name")
    );
    assert_eq!(sent(&node, "snapshot.create"), 0);
}

#[tokio::test]
async fn the_tree_of_what_is_not_there_is_a_problem() {
    let node = node(spec());
    let bench = Bench::new(&[&node]).await;
    for (path, status) in [
        ("/nodes/nope/vms/1/snapshots", StatusCode::NOT_FOUND),
        ("/nodes/hoge/vms/99/snapshots", StatusCode::NOT_FOUND),
        ("/nodes/hoge/vms/x/snapshots", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(bench.get(path).await.status(), status, "{path}");
    }
    let nonsense = Fault::Garbage(Scope::command("get.snapshotinfo"));
    node.set_fault(nonsense).unwrap();
    let answer = bench.get("/nodes/hoge/vms/1/snapshots").await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
}
