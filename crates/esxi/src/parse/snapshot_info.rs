//! `vim-cmd vmsvc/get.snapshotinfo ID`: the tree of a VM's snapshots with where the VM is in it.

use chrono::{DateTime, Utc};
use ecoman_model::PowerState;
use serde::Serialize;

use super::dump::{Item, Trailing};
use super::error::ParseError;
use super::fault_reader;
use super::input::Input;
use super::words::power_word;

const READING: &str = "get.snapshotinfo";
const KIND: &str = "vim.vm.SnapshotInfo";

/// The snapshots of a VM (vim.vm.SnapshotInfo).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// The snapshot that the VM goes on from.
    pub current: Option<u32>,
    /// Parents before their children.
    pub snapshots: Vec<SnapshotNode>,
}

/// One of them (vim.vm.SnapshotTree).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotNode {
    /// `id`, which the other commands take.
    pub id: u32,
    /// The id of the snapshot that it goes on from.
    pub parent: Option<u32>,
    /// `name`
    pub name: String,
    /// `description`; an empty one is `None`.
    pub description: Option<String>,
    /// `createTime`
    pub created_at: Option<DateTime<Utc>>,
    /// `state`
    pub power: PowerState,
    /// `quiesced`
    pub quiesced: Option<bool>,
}

/// Reads what `vim-cmd vmsvc/get.snapshotinfo ID` printed.
///
/// Names and descriptions are printed raw. Where one imitates members of the dump, the members are
/// there twice, which is an error; the `.vmsd` of the VM has them escaped (see
/// [`vmsd`](super::vmsd())).
///
/// # Errors
/// As for [`summary`](super::summary()).
pub fn snapshot_info(stdout: &[u8]) -> Result<SnapshotInfo, ParseError> {
    let input = Input::with_text(READING, stdout)?;
    let none = format!("({KIND}) null");
    let lines = input.lines_from(0).map(|line| line.text.trim_ascii());
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).take(3).collect();
    if matches!(lines[..], [.., last] if last == none.as_bytes()) {
        return match lines.len() {
            1 | 2 => Ok(SnapshotInfo::default()),
            _ => Err(input.unexpected(0, "more than a label and that there is none")),
        };
    }
    let dump = fault_reader::expect_dump(&input, &[KIND], Trailing::Refused)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    let mut info = SnapshotInfo {
        current: root
            .reference("currentSnapshot")?
            .as_deref()
            .and_then(id_of_reference),
        snapshots: Vec::new(),
    };
    // A stack and no recursion: the last is the next.
    let mut open: Vec<(Item<'_>, Option<u32>)> = Vec::new();
    open.extend(children(root, "rootSnapshotList", None)?);
    while let Some((item, parent)) = open.pop() {
        let snapshot = node(item, parent)?;
        if info.snapshots.iter().any(|other| other.id == snapshot.id) {
            return Err(item.error("an id that no other snapshot has"));
        }
        open.extend(children(item, "childSnapshotList", Some(snapshot.id))?);
        info.snapshots.push(snapshot);
    }
    Ok(info)
}

fn node(item: Item<'_>, parent: Option<u32>) -> Result<SnapshotNode, ParseError> {
    let warnings = &mut Vec::new();
    let id = item.number("id")?;
    let state = item.text("state", warnings)?.unwrap_or_default();
    Ok(SnapshotNode {
        id: id.ok_or_else(|| item.error("a snapshot with an id"))?,
        parent,
        name: item.block("name", warnings)?.unwrap_or_default(),
        description: item
            .block("description", warnings)?
            .filter(|text| !text.is_empty()),
        created_at: item.time("createTime")?,
        power: power_word(&state),
        quiesced: item.boolean("quiesced")?,
    })
}

/// The elements of an array, the last first, each with its parent's id.
fn children<'d>(
    of: Item<'d>,
    name: &str,
    parent: Option<u32>,
) -> Result<Vec<(Item<'d>, Option<u32>)>, ParseError> {
    let children = of.elements(name)?.into_iter().rev();
    Ok(children.map(|child| (child, parent)).collect())
}

/// The id in `vim.vm.Snapshot:14-snapshot-15`.
pub(super) fn id_of_reference(reference: &str) -> Option<u32> {
    let rest = reference.strip_prefix("vim.vm.Snapshot:")?;
    rest.rsplit('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(description: &str) -> String {
        format!(
            "Get Snapshot Info:\n(vim.vm.SnapshotInfo) {{\n   \
             currentSnapshot = 'vim.vm.Snapshot:14-snapshot-1', \n   \
             rootSnapshotList = (vim.vm.SnapshotTree) [\n      (vim.vm.SnapshotTree) {{\n         \
             snapshot = 'vim.vm.Snapshot:14-snapshot-1', \n         name = \"a\", \n         \
             description = \"{description}\", \n         id = 1, \n         \
             state = \"poweredOff\", \n         childSnapshotList = <unset>\n      }}\n   ]\n}}\n"
        )
    }

    #[test]
    fn a_description_has_as_many_lines_as_it_likes() {
        let text = "one \"two\"\n\nid = 7,\n--Snapshot Id : 3";
        let info = snapshot_info(output(text).as_bytes()).unwrap();
        assert_eq!(info.snapshots[0].description.as_deref(), Some(text));
        assert_eq!(info.current, Some(1));
    }

    #[test]
    fn a_description_that_imitates_a_snapshot_is_an_error() {
        let text = "x\", \n         id = 99, \n         state = \"poweredOn";
        assert!(snapshot_info(output(text).as_bytes()).is_err());
    }

    #[test]
    fn the_longest_chain_that_a_host_allows_is_read() {
        let mut text = "Get Snapshot Info:\n(vim.vm.SnapshotInfo) {\n".to_owned();
        let mut end = String::new();
        for depth in 0..32 {
            let blanks = "   ".repeat(2 * depth + 1);
            let list = if depth == 0 {
                "rootSnapshotList"
            } else {
                "childSnapshotList"
            };
            text += &format!(
                "{blanks}{list} = (vim.vm.SnapshotTree) [\n{blanks}   (vim.vm.SnapshotTree) {{\n\
                 {blanks}      name = \"s\", \n{blanks}      id = {}, \n",
                depth + 1
            );
            end = format!("{blanks}   }}\n{blanks}]\n{end}");
        }
        let blanks = "   ".repeat(65);
        text += &format!("{blanks}childSnapshotList = <unset>\n{end}}}\n");
        let info = snapshot_info(text.as_bytes()).unwrap();
        assert_eq!(info.snapshots.len(), 32);
        assert_eq!(info.snapshots[31].parent, Some(31));
    }
}
