//! `vim-cmd vmsvc/get.filelayoutex ID`: the files of a VM, by what they are.

use serde::Serialize;

use super::dump::{Item, Trailing};
use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, digits};
use super::snapshot_info::id_of_reference;

/// The files of a VM (vim.vm.FileLayoutEx).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileLayout {
    /// All that belong to it.
    pub files: Vec<LayoutFile>,
    /// Each disk as a chain: the base first. Each link has the keys of its files.
    pub disks: Vec<Vec<Vec<u32>>>,
    /// The files of each snapshot.
    pub snapshots: Vec<SnapshotLayout>,
}

/// A file (vim.vm.FileLayoutEx.FileInfo).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayoutFile {
    /// What the other parts call it.
    pub key: u32,
    /// `[datastore1] app/app.vmx`
    pub name: String,
    /// `config`, `diskDescriptor`, `diskExtent`, `snapshotData`, …
    pub kind: String,
    /// Its size; of a thin disk the part in use where the node says that, too.
    pub size_bytes: Option<u64>,
}

/// The files of a snapshot (vim.vm.FileLayoutEx.SnapshotLayout).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotLayout {
    /// The snapshot.
    pub id: u32,
    /// The keys of the files that hold its state and its memory.
    pub state: Vec<u32>,
    /// The disks as it froze them.
    pub disks: Vec<Vec<Vec<u32>>>,
}

/// Reads what `vim-cmd vmsvc/get.filelayoutex ID` printed.
///
/// # Errors
/// As for [`summary`](super::summary()).
pub fn file_layout(stdout: &[u8]) -> Result<FileLayout, ParseError> {
    let input = Input::with_text("get.filelayoutex", stdout)?;
    let dump = fault_reader::expect_dump(&input, &["vim.vm.FileLayoutEx"], Trailing::Refused)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    let files = root.elements("file")?.into_iter().map(file);
    let snapshots = root.elements("snapshot")?.into_iter();
    Ok(FileLayout {
        files: files.collect::<Result<_, _>>()?,
        disks: disks(root)?,
        snapshots: snapshots.map(snapshot).collect::<Result<_, _>>()?,
    })
}

fn file(item: Item<'_>) -> Result<LayoutFile, ParseError> {
    let warnings = &mut Vec::new();
    let key = item.number("key")?;
    let name = item.some_text("name", warnings)?;
    let (size, used) = (item.number("size")?, item.number("uniqueSize")?);
    Ok(LayoutFile {
        key: key.ok_or_else(|| item.error("a file with a key"))?,
        name: name.ok_or_else(|| item.error("a file with a name"))?,
        kind: item.text("type", warnings)?.unwrap_or_default(),
        size_bytes: used.or(size),
    })
}

fn snapshot(item: Item<'_>) -> Result<SnapshotLayout, ParseError> {
    let reference = item.reference("key")?;
    let id = reference.as_deref().and_then(id_of_reference);
    let state = [item.number("dataKey")?, item.number("memoryKey")?];
    Ok(SnapshotLayout {
        id: id.ok_or_else(|| item.error("a reference to a snapshot"))?,
        state: state.into_iter().flatten().collect(),
        disks: disks(item)?,
    })
}

/// The member `disk`: an array of chains of links with the keys of their files.
fn disks(of: Item<'_>) -> Result<Vec<Vec<Vec<u32>>>, ParseError> {
    let link = |link: Item<'_>| -> Result<Vec<u32>, ParseError> {
        let keys = link.elements("fileKey")?.into_iter();
        let key = |key: Item<'_>| {
            let number = key.as_words().and_then(|words| digits(words.as_bytes()));
            number.ok_or_else(|| key.error("the key of a file"))
        };
        keys.map(key).collect()
    };
    let chain = |disk: Item<'_>| disk.elements("chain")?.into_iter().map(link).collect();
    of.elements("disk")?.into_iter().map(chain).collect()
}

impl FileLayout {
    /// What the files with these keys take on disk together; `None` where one does not say.
    #[must_use]
    pub fn size_of(&self, keys: impl IntoIterator<Item = u32>) -> Option<u64> {
        keys.into_iter().try_fold(0_u64, |sum, key| {
            let file = self.files.iter().find(|file| file.key == key)?;
            sum.checked_add(file.size_bytes?)
        })
    }

    /// What a snapshot costs on disk: its state, its memory, and the disks that began with it, which
    /// are those of its children (or of the VM itself, where it is the `current` one) that it does
    /// not share with them. `None` where the node does not say.
    #[must_use]
    pub fn snapshot_size(&self, id: u32, children: &[u32], current: bool) -> Option<u64> {
        let find = |id| self.snapshots.iter().find(|snapshot| snapshot.id == id);
        let own = find(id)?;
        let links = |disks: &[Vec<Vec<u32>>]| -> Vec<u32> {
            disks.iter().flatten().flatten().copied().collect()
        };
        let frozen = links(&own.disks);
        let mut keys = own.state.clone();
        let mut begun = Vec::new();
        for child in children {
            begun.extend(links(&find(*child)?.disks));
        }
        if current {
            begun.extend(links(&self.disks));
        }
        keys.extend(begun.into_iter().filter(|key| !frozen.contains(key)));
        keys.sort_unstable();
        keys.dedup();
        self.size_of(keys)
    }
}
