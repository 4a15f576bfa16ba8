//! Texts that would do harm if anything of them became a part of a script, a path or a file.

use std::path::Path;

use ecoman_model::{NewVm, TaskErrorKind, TaskState};
use ecoman_simulator::{NodeSpec, SimulatedNode, VmSpec};

use crate::bench::{Bench, create, new_vm, snapshot};

/// One JSON string a line.
const NASTY: &str = include_str!("../data/nasty.txt");

pub(crate) fn nasty() -> Vec<String> {
    let texts: Vec<String> = NASTY
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    assert!(texts.len() >= 200, "{} texts", texts.len());
    texts
}

/// So many nodes are busy with them at once.
const NODES: usize = 4;

/// Each text is either refused by a rule that names the field, or comes back byte for byte from
/// the node, and nothing but the VM's own directory is new.
#[tokio::test]
async fn every_name_and_comment_is_refused_by_a_rule_or_reads_back_byte_for_byte() {
    let nodes: Vec<SimulatedNode> = (0..NODES)
        .map(|number| {
            let spec = NodeSpec::new(&format!("hoge-{number}"));
            let spec = spec.vm(VmSpec::new("bystander").id(1).on());
            SimulatedNode::start(spec).expect("a simulated node")
        })
        .collect();
    let bench = Bench::new(&nodes.iter().collect::<Vec<_>>()).await;
    let mut shares: Vec<Vec<NewVm>> = vec![Vec::new(); NODES];
    for (number, text) in nasty().into_iter().enumerate() {
        shares[number % NODES].extend([
            NewVm {
                name: text.clone(),
                comment: text.clone(),
                ..new_vm("")
            },
            NewVm {
                comment: text,
                ..new_vm(&format!("vm-{number}"))
            },
        ]);
    }
    let work = nodes
        .iter()
        .zip(shares)
        .map(|(node, vms)| refused_or_read_back(&bench, node, vms));
    let counts = futures::future::join_all(work).await;
    let taken: usize = counts.iter().map(|(taken, _)| taken).sum();
    let refused: usize = counts.iter().map(|(_, refused)| refused).sum();
    assert!(
        taken > 150 && refused > 50,
        "{taken} taken, {refused} refused"
    );
    for node in &nodes {
        let left: Vec<_> = node.vms().into_iter().map(|vm| vm.spec.name).collect();
        assert_eq!(left, ["bystander"]);
    }
}

/// How many were taken and how many refused.
async fn refused_or_read_back(
    bench: &Bench,
    node: &SimulatedNode,
    vms: Vec<NewVm>,
) -> (usize, usize) {
    let base = std::fs::canonicalize(node.file(&node.datastore_path())).expect("a datastore");
    let (mut taken, mut refused) = (0, 0);
    for vm in vms {
        let before = snapshot(node);
        let faults = vm.clone().check().err().unwrap_or_default();
        let report = bench.run(node, create(vm.clone())).await;
        let after = snapshot(node);
        let directory = base.join(&vm.name);
        if faults.is_empty() {
            taken += 1;
            assert_eq!(
                report.progress.state,
                TaskState::Succeeded,
                "{vm:?}: {report:#?}"
            );
            let made = node.vm_named(&vm.name).expect("the VM has its name");
            assert_eq!(made.spec.annotation, vm.comment, "{vm:?}");
            let elsewhere = after
                .iter()
                .filter(|(path, _)| !Path::new(path).starts_with(&directory));
            assert!(elsewhere.eq(&before), "{vm:?}");
            assert!(after.len() > before.len() + 2, "{vm:?}");
            node.remove_vm(made.id).expect("removed");
            let _ = std::fs::remove_dir_all(&directory);
        } else {
            refused += 1;
            let error = report.progress.error.expect("refused");
            assert_eq!(error.kind, TaskErrorKind::Refused, "{vm:?}");
            for fault in &faults {
                assert!(
                    error.message.contains(&fault.to_string()),
                    "{fault}: {error:?}"
                );
            }
            assert_eq!(after, before, "{vm:?}");
        }
    }
    (taken, refused)
}

/// So is every network and ISO path: there is none of the kind, or no such path can be.
#[tokio::test]
async fn every_network_and_path_is_looked_up_and_never_run() {
    let node = SimulatedNode::start(NodeSpec::new("hoge")).expect("a simulated node");
    let bench = Bench::new(&[&node]).await;
    let before = snapshot(&node);
    for text in nasty() {
        let vm = NewVm {
            datastore: None,
            network: Some(text.clone()),
            iso_path: Some(format!("/vmfs/volumes/datastore1/{text}.iso")),
            ..new_vm("web")
        };
        let report = bench.run(&node, create(vm)).await;
        let error = report.progress.error.expect("refused");
        assert_eq!(error.kind, TaskErrorKind::Refused, "{text:?}: {error:?}");
        assert_eq!(snapshot(&node), before, "{text:?}");
    }
}
