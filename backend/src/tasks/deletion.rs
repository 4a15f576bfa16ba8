//! Checks before a VM is deleted, and the look at its files.

use ecoman_model::{
    NodeRecord, Obstacle, ObstacleKind, Refusal, TaskRequest, TaskState, VmFiles, Vmid,
};
use ecoman_store::TaskQuery;

use super::checks::{display_name, refused};
use super::{Error, NewTask, Tasks};
use crate::inventory::published::{NodeEntry, Snapshot, VmEntry};

impl Tasks {
    /// The files of a VM, read from its node at once, with what other nodes have there.
    pub(crate) async fn files(&self, node: &NodeEntry, vm: &VmEntry) -> Result<VmFiles, Error> {
        let name = &node.record.name;
        let vmid = vm.view.vmid.to_string();
        let path = ["nodes", name.as_str(), "vms", &vmid, "files"];
        let read = self.shared.executor.read(&path).await;
        let mut files: VmFiles = read.map_err(|error| Error::of_reading(name, error))?;
        let snapshot = self.shared.inventory.snapshot();
        files.obstacles.extend(on_other_node(&snapshot, node, vm));
        Ok(files)
    }

    /// Checks that nothing else is about the VM, and that its files can go.
    pub(super) async fn check_deletion(
        &self,
        new_task: &NewTask,
        node: &NodeEntry,
        vm: &VmEntry,
    ) -> Result<(), Error> {
        let unfinished = TaskQuery {
            states: vec![TaskState::Queued, TaskState::Running],
            nodes: vec![new_task.node.clone()],
            ..TaskQuery::default()
        };
        let mut others = self.list(&unfinished).await?.into_iter();
        if others.any(|task| task.vmid() == Some(Vmid(vm.view.vmid))) {
            return Err(refused(node, vm, Refusal::UnderWay));
        }
        if let TaskRequest::Destroy(_) = new_task.request {
            let obstacle = self.files(node, vm).await?.obstacles.into_iter().next();
            if let Some(mut obstacle) = obstacle {
                if obstacle.kind == ObstacleKind::OtherNode {
                    // Its requester may not see that node.
                    obstacle.by = None;
                }
                return Err(Error::Undeletable {
                    node: node.view.name.clone(),
                    vm: display_name(vm),
                    obstacle,
                });
            }
        }
        Ok(())
    }
}

/// That another node has a VM in the same directory of the same volume.
fn on_other_node(snapshot: &Snapshot, node: &NodeEntry, vm: &VmEntry) -> Option<Obstacle> {
    let own = Place::of(&node.record, vm.view.vmx_path.as_deref()?)?;
    snapshot
        .nodes
        .iter()
        .filter(|other| other.record.name != node.record.name)
        .find(|other| {
            other.vms.iter().any(|vm| {
                let path = vm.view.vmx_path.as_deref();
                path.and_then(|path| Place::of(&other.record, path))
                    .is_some_and(|place| place.may_be(&own))
            })
        })
        .map(|other| Obstacle {
            kind: ObstacleKind::OtherNode,
            path: format!("/vmfs/volumes/{}/{}", own.volume, own.directory),
            by: Some(other.record.name.to_string()),
        })
}

/// Where the directory of a VM is.
#[derive(Debug)]
struct Place<'a> {
    /// The name of the volume.
    volume: &'a str,
    /// Where it is mounted, which has its UUID; `None` where the node does not list it.
    mounted_at: Option<&'a str>,
    directory: &'a str,
}

impl<'a> Place<'a> {
    /// That of a `.vmx`, `[datastore1] web/web.vmx`.
    fn of(node: &'a NodeRecord, vmx_path: &'a str) -> Option<Self> {
        let (volume, file) = vmx_path.strip_prefix('[')?.split_once("] ")?;
        let (directory, _) = file.rsplit_once('/')?;
        let datastores = node.facts.iter().flat_map(|facts| &facts.datastores);
        let mut datastores = datastores.filter(|it| it.name.as_deref() == Some(volume));
        Some(Self {
            volume,
            mounted_at: datastores.next().map(|it| it.path.as_str()),
            directory,
        })
    }

    /// Whether both may be the same directory: volumes of which a UUID is not known differ by
    /// name alone.
    fn may_be(&self, other: &Self) -> bool {
        self.directory == other.directory
            && match (self.mounted_at, other.mounted_at) {
                (Some(one), Some(two)) => one == two,
                _ => self.volume == other.volume,
            }
    }
}
