//! The tree of a VM's snapshots, read from its node. What changes them: `acts/snapshot.rs`.

use ecoman_esxi::parse::{self, FileLayout, ParseError, SnapshotInfo};
use ecoman_esxi::{Command, Output, SessionError};
use ecoman_model::{Snapshot, SnapshotTree, Vmid};

use crate::nodes::Node;
use crate::reading::{Ask, ReadError, on_volume};

/// Why the tree cannot be read.
pub(crate) enum Unread {
    /// No answer.
    Lost(SessionError),
    /// An answer that is no tree.
    Answer(Output, ParseError),
}

impl Unread {
    /// Of the snapshots of a VM.
    pub(crate) fn of(self, vmid: Vmid) -> ReadError {
        match self {
            Self::Lost(error) => error.into(),
            Self::Answer(output, error) => ReadError::of(vmid, &output, &error),
        }
    }
}

impl From<SessionError> for Unread {
    fn from(error: SessionError) -> Self {
        Self::Lost(error)
    }
}

/// What is read of the snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// With what each takes on the datastore.
    Each,
    /// Without.
    No,
}

/// Reads the snapshots of a VM with their sizes, beside what runs on the node.
pub(crate) async fn read(node: &Node, vmid: Vmid) -> Result<SnapshotTree, ReadError> {
    // Many readers cost a node no more than one.
    let _turn = node.reading.lock().await;
    let session = node.session().await?;
    let tree = read_tree(&*session, vmid, Sizes::Each).await;
    tree.map_err(|unread| unread.of(vmid))
}

/// Reads the snapshots of a VM and the free space of its datastore.
///
/// # Errors
///
/// The node cannot be asked, or its answer is no tree.
pub(crate) async fn read_tree(
    node: &impl Ask,
    vmid: Vmid,
    sizes: Sizes,
) -> Result<SnapshotTree, Unread> {
    let output = node.ask(&Command::snapshot_info(vmid)).await?;
    let info = match parse::snapshot_info(&output.stdout) {
        Ok(info) => info,
        Err(error) if error.fault().is_some() => return Err(Unread::Answer(output, error)),
        // A name or a description imitates the dump; the file has them escaped.
        Err(error) => match read_vmsd(node, vmid).await? {
            Some(info) => info,
            None => return Err(Unread::Answer(output, error)),
        },
    };
    // Sizes and free space are not worth a failure.
    let layout = if sizes == Sizes::Each && !info.snapshots.is_empty() {
        let output = node.ask(&Command::file_layout(vmid)).await?;
        parse::file_layout(&output.stdout).ok()
    } else {
        None
    };
    let datastores = node.ask(&Command::vm_datastores(vmid)).await?;
    let datastores = parse::vm_datastores(&datastores.stdout).unwrap_or_default();
    let free = datastores
        .first()
        .and_then(|datastore| datastore.free_bytes);
    Ok(tree(&info, layout.as_ref(), free))
}

/// Reads the `.vmsd` beside the `.vmx` of a VM; `None`: it cannot be read.
async fn read_vmsd(node: &impl Ask, vmid: Vmid) -> Result<Option<SnapshotInfo>, SessionError> {
    let summary = node.ask(&Command::summary(vmid)).await?;
    let facts = parse::summary(&summary.stdout).ok();
    let Some(path) = facts.and_then(|summary| vmsd_path(&summary.facts.vmx_path?)) else {
        return Ok(None);
    };
    let file = node.ask(&Command::read_file(&path)).await?;
    Ok(parse::vmsd(&file.stdout).ok().filter(|_| file.exit == 0))
}

/// The path of the `.vmsd` beside a `.vmx`: `/vmfs/volumes/datastore1/web/web.vmsd` of
/// `[datastore1] web/web.vmx`.
fn vmsd_path(vmx_path: &str) -> Option<String> {
    let vmx = on_volume(vmx_path)?;
    Some(format!("{}.vmsd", vmx.strip_suffix(".vmx")?))
}

/// The tree with what its files take.
fn tree(info: &SnapshotInfo, layout: Option<&FileLayout>, free_bytes: Option<u64>) -> SnapshotTree {
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
        let path = vmsd_path("[ds (1)] a b/c] d.vmx");
        assert_eq!(path.as_deref(), Some("/vmfs/volumes/ds (1)/a b/c] d.vmsd"));
        for path in ["[] /var/run/crx/a.vmx", "/vmfs/volumes/a", "", "[a] b"] {
            assert_eq!(vmsd_path(path), None, "{path}");
        }
    }
}
