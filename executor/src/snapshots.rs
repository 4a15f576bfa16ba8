//! The snapshots of a VM, read from its node.

use std::time::Duration;

use ecoman_api::ProblemKind;
use ecoman_esxi::parse::{self, FileLayout, ParseError, SnapshotInfo};
use ecoman_esxi::{Command, Output, SessionError};
use ecoman_model::{FailureKind, Snapshot, SnapshotTree, Vmid};

use crate::nodes::Node;

/// How long each of its commands may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why they cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The node's own words.
    #[error("{0}")]
    Node(String),
    /// The node has no such VM.
    #[error("The node has no VM {0}.")]
    NoVm(Vmid),
}

impl ReadError {
    /// The kind of problem that it is.
    pub(crate) fn kind(&self) -> ProblemKind {
        match self {
            Self::NoVm(_) => ProblemKind::VmNotFound,
            Self::Session(error) if error.kind() == FailureKind::Timeout => {
                ProblemKind::NodeTimeout
            }
            Self::Session(_) | Self::Node(_) => ProblemKind::NodeFailed,
        }
    }

    fn of(vmid: Vmid, output: &Output, error: &ParseError) -> Self {
        let class = error.fault().map(|fault| fault.class);
        if class == Some(parse::FaultClass::NotFound) {
            return Self::NoVm(vmid);
        }
        Self::Node(match error.fault() {
            Some(fault) => fault.sentence(),
            None if output.exit != 0 => parse::reason(&output.stdout, &output.stderr, output.exit),
            None => format!("Its answer cannot be read: {error}."),
        })
    }
}

/// Reads the snapshots of a VM with their sizes, beside what runs on the node.
pub(crate) async fn read(node: &Node, vmid: Vmid) -> Result<SnapshotTree, ReadError> {
    // Many readers cost a node no more than one.
    let _turn = node.reading.lock().await;
    let session = node.session().await?;
    let ask = async |command: Command| session.run(&command, TIMEOUT).await;
    let output = ask(Command::snapshot_info(vmid)).await?;
    let info = match parse::snapshot_info(&output.stdout) {
        Ok(info) => info,
        Err(error) if error.fault().is_some() => return Err(ReadError::of(vmid, &output, &error)),
        Err(error) => {
            // A name or a description imitates the dump; the file has them escaped.
            let summary = ask(Command::summary(vmid)).await?;
            let path = vmsd_path(&summary).ok_or_else(|| ReadError::of(vmid, &output, &error))?;
            let file = ask(Command::read_file(&path)).await?;
            let read = parse::vmsd(&file.stdout).ok().filter(|_| file.exit == 0);
            read.ok_or_else(|| ReadError::of(vmid, &output, &error))?
        }
    };
    // Sizes and free space are not worth a failure.
    let layout = match info.snapshots.is_empty() {
        true => None,
        false => {
            let output = ask(Command::file_layout(vmid)).await?;
            parse::file_layout(&output.stdout).ok()
        }
    };
    let datastores = ask(Command::vm_datastores(vmid)).await?;
    let datastores = parse::vm_datastores(&datastores.stdout).unwrap_or_default();
    let free = datastores
        .first()
        .and_then(|datastore| datastore.free_bytes);
    Ok(tree(&info, layout.as_ref(), free))
}

/// The path of the `.vmsd` beside the `.vmx` that a summary names.
pub(crate) fn vmsd_path(summary: &Output) -> Option<String> {
    let facts = parse::summary(&summary.stdout).ok()?.facts;
    let vmx = on_volume(&facts.vmx_path?)?;
    Some(format!("{}.vmsd", vmx.strip_suffix(".vmx")?))
}

/// `/vmfs/volumes/datastore1/web/web.vmx` of `[datastore1] web/web.vmx`.
pub(crate) fn on_volume(path: &str) -> Option<String> {
    let (volume, path) = path.strip_prefix('[')?.split_once("] ")?;
    (!volume.is_empty() && !path.is_empty()).then(|| format!("/vmfs/volumes/{volume}/{path}"))
}

/// The tree with what its files take.
pub(crate) fn tree(
    info: &SnapshotInfo,
    layout: Option<&FileLayout>,
    free_bytes: Option<u64>,
) -> SnapshotTree {
    let size = |id: u32| {
        let children = info
            .snapshots
            .iter()
            .filter(|other| other.parent == Some(id));
        let children: Vec<u32> = children.map(|child| child.id).collect();
        layout?.snapshot_size(id, &children, info.current == Some(id))
    };
    let items = info.snapshots.iter().map(|snapshot| Snapshot {
        id: snapshot.id,
        parent: snapshot.parent,
        name: snapshot.name.clone(),
        description: snapshot.description.clone(),
        created_at: snapshot.created_at,
        power: snapshot.power,
        quiesced: snapshot.quiesced,
        size_bytes: size(snapshot.id),
    });
    SnapshotTree {
        items: items.collect(),
        current: info.current,
        free_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_node_is_one_of_its_shell() {
        let path = on_volume("[ds (1)] a b/c] d.vmx");
        assert_eq!(path.as_deref(), Some("/vmfs/volumes/ds (1)/a b/c] d.vmx"));
        for path in ["[] /var/run/crx/a.vmx", "/vmfs/volumes/a", "", "[a]"] {
            assert_eq!(on_volume(path), None, "{path}");
        }
    }
}
