//! Sessions with a whole simulated node: what a crawler does to it, and what it does to a crawler.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::time::Duration;

use ecoman_esxi::{Command, Host, Hosts, Session, SessionFault, SessionOptions};
use ecoman_model::{FailureKind, Vmid};
use ecoman_simulator::{CallOutcome, Fault, Generation, NodeSpec, Scope, SimulatedNode, VmSpec};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

struct Node {
    node: SimulatedNode,
    host: Host,
    options: SessionOptions,
    _folder: TempDir,
}

impl Node {
    fn start(spec: NodeSpec) -> Self {
        let node = SimulatedNode::start(spec).expect("the simulated node does not start");
        let folder = tempfile::tempdir().unwrap();
        let hosts_yml = folder.path().join("hosts.yml");
        let known_hosts = folder.path().join("known_hosts");
        fs::write(&hosts_yml, node.hosts_yml_entry()).unwrap();
        fs::write(&known_hosts, node.known_hosts_line()).unwrap();
        let hosts = Hosts::load(&hosts_yml).unwrap();
        Self {
            node,
            host: hosts.nodes[0].clone(),
            options: SessionOptions {
                known_hosts: vec![known_hosts],
                connect_timeout: Duration::from_secs(10),
            },
            _folder: folder,
        }
    }

    async fn connect(&self) -> Session {
        Session::connect(&self.host, &self.options)
            .await
            .expect("cannot connect")
    }

    /// Waits until what hung has been killed on the node.
    async fn killed(&self) {
        let waiting = async {
            while !self
                .node
                .calls()
                .iter()
                .any(|call| call.outcome == CallOutcome::Killed)
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let calls = || self.node.calls();
        if tokio::time::timeout(LIMIT, waiting).await.is_err() {
            panic!("nothing was killed: {:#?}", calls());
        }
    }
}

fn vms(count: u32) -> NodeSpec {
    NodeSpec::new("hoge").vms((1..=count).map(|id| VmSpec::new(&format!("vm-{id}")).id(id)))
}

fn summaries(count: u32) -> Vec<Command> {
    (1..=count).map(|id| Command::summary(Vmid(id))).collect()
}

#[tokio::test]
async fn every_command_is_one_of_the_nodes_own_in_every_release() {
    let commands = [
        Command::get_all_vms(),
        Command::summary(Vmid(1)),
        Command::power_state(Vmid(1)),
        Command::message(Vmid(1)),
        Command::snapshots(Vmid(1)),
        Command::snapshot_info(Vmid(1)),
        Command::file_layout(Vmid(1)),
        Command::vm_datastores(Vmid(1)),
        Command::vm_tasks(Vmid(1)),
        Command::guest(Vmid(1)),
        Command::host_summary(),
        Command::system_version(),
        Command::vmware_version(),
        Command::filesystems(),
        Command::port_groups(),
        Command::exists("/vmfs/volumes"),
    ];
    for generation in [Generation::V5_5, Generation::V6_7, Generation::V9_0] {
        let node = Node::start(vms(1).generation(generation));
        let session = node.connect().await;
        let results = session.run_each(&commands, LIMIT).await;
        for (command, result) in commands.iter().zip(results) {
            let output = result.unwrap();
            assert_eq!(output.exit, 0, "{generation:?} {command}: {output:?}");
        }
        session.close().await;
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_killed_on_the_node_and_costs_only_itself() {
    let node = Node::start(vms(10));
    node.node.set_fault(Fault::Hang(Scope::vm(4))).unwrap();
    let session = node.connect().await;
    let results = session
        .run_each(&summaries(10), Duration::from_secs(2))
        .await;
    for (id, result) in (1..).zip(results) {
        match result {
            Ok(output) => assert!(id != 4 && output.exit == 0, "{id}: {output:?}"),
            Err(error) => assert_eq!((id, error.kind()), (4, FailureKind::Timeout)),
        }
    }
    node.killed().await;
}

#[tokio::test]
async fn a_hardened_node_with_one_session_per_connection_is_read_whole() {
    let node = Node::start(vms(10));
    node.node.set_fault(Fault::MaxSessions(1)).unwrap();
    let session = node.connect().await;
    for _ in 0..2 {
        let results = session.run_each(&summaries(10), LIMIT).await;
        assert!(
            results
                .iter()
                .all(|result| result.as_ref().is_ok_and(|o| o.exit == 0))
        );
    }
    assert_eq!(node.node.logins(), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_is_reported_and_the_next_one_is_good() {
    let node = Node::start(vms(10));
    let session = node.connect().await;
    node.node.set_fault(Fault::CutConnection(2)).unwrap();
    let results = session.run_each(&summaries(10), LIMIT).await;
    let lost = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .inspect(|error| {
            assert!(
                matches!(error.fault, SessionFault::Disconnected { .. }),
                "{error}"
            );
        })
        .count();
    assert!(lost > 0, "{results:?}");
    assert!(!session.is_alive().await);
    session.close().await;

    let session = node.connect().await;
    assert!(session.run(&Command::get_all_vms(), LIMIT).await.is_ok());
}

#[tokio::test]
async fn each_way_of_refusing_a_connection_has_its_kind() {
    let node = Node::start(vms(1));
    let mut options = node.options.clone();
    options.connect_timeout = Duration::from_secs(2);
    for (fault, kind) in [
        (Fault::WrongHostKey, FailureKind::HostKey),
        (Fault::AuthenticationRefused, FailureKind::Authentication),
        (Fault::Unresponsive, FailureKind::Timeout),
    ] {
        node.node.set_fault(fault.clone()).unwrap();
        let Err(error) = Session::connect(&node.host, &options).await else {
            panic!("it connects despite {fault:?}: {}", node.node.sshd_log());
        };
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        node.node.clear_faults().unwrap();
    }
    node.node.stop().unwrap();
    let error = Session::connect(&node.host, &options).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unreachable, "{error}");
    node.node.start_again().unwrap();
    node.connect().await.close().await;
}
