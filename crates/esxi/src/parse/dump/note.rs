//! Where the note of a VM ends: `annotation` in vim.vm.Summary.ConfigSummary.

use memchr::{memchr_iter, memmem};

use super::line::{Level, last_text_end, member_name, text_ends};
use super::node::{Node, Value, members};
use crate::parse::error::ParseError;
use crate::parse::input::{Input, Line};

/// The members that `config` of a vim.vm.Summary has had in every version from 5.1 to 9.0.
const CONFIG_MEMBERS: [&[u8]; 15] = [
    b"name",
    b"template",
    b"vmPathName",
    b"memorySizeMB",
    b"numCpu",
    b"numEthernetCards",
    b"numVirtualDisks",
    b"uuid",
    b"instanceUuid",
    b"guestId",
    b"guestFullName",
    b"product",
    b"installBootRequired",
    b"ftInfo",
    b"managedBy",
];

/// The members that `config` has had in some versions.
const OTHER_CONFIG_MEMBERS: [&[u8]; 5] = [
    b"cpuReservation",
    b"memoryReservation",
    b"tpmPresent",
    b"numVmiopBackings",
    b"hwVersion",
];

/// The members that a vim.vm.Summary itself has had in every version.
const SUMMARY_MEMBERS: [&[u8]; 7] = [
    b"vm",
    b"runtime",
    b"guest",
    b"config",
    b"storage",
    b"quickStats",
    b"overallStatus",
];

/// The places where a note may end, from the last one on, and the best of them so far.
///
/// A user who may edit the VM may write anything into the note, so every quote at the end of a
/// line that a member of `config` could follow may be its end. What comes after the note is
/// the host's own, so the ends are tried from the last one on. An end that leaves a dump
/// without sense is none. Of the others the right one leaves the most of the members that
/// every version prints (an end further on would make a part of `config` a part of the note),
/// and in front of `product`, which has followed the note in every version. Where one end in
/// front of `product` is as good as another the last is taken, as all before it lie within
/// the note.
///
/// Should a version to come put another member behind the note, the first of the best ends
/// is taken, unless no version is known to have that member in `config`.
pub(super) struct NoteEnds<'i> {
    input: &'i Input<'i>,
    /// The line that the note begins on.
    line: Line<'i>,
    /// Where its text starts.
    start: usize,
    level: Level,
    /// All candidates from here on have been tried.
    before: usize,
    /// All readings together look at no more bytes than this, so that reading stays linear.
    budget: usize,
    best: Option<NoteEnd>,
    /// How often an end was as good as the best one before it.
    rivals: usize,
}

impl<'i> NoteEnds<'i> {
    pub(super) fn new(input: &'i Input<'i>, line: Line<'i>, start: usize, level: Level) -> Self {
        Self {
            input,
            line,
            start,
            level,
            before: input.bytes.len(),
            budget: 4 * input.bytes.len() + (1 << 20),
            best: None,
            rivals: 0,
        }
    }

    /// The next place to try, as its quote and where the line after it starts.
    pub(super) fn candidate(&mut self) -> Result<Option<(usize, usize)>, ParseError> {
        let bytes = &self.input.bytes;
        let Some((quote, next)) = last_text_end(bytes, self.start, self.before, self.level) else {
            return Ok(None);
        };
        self.before = quote;
        let cost = bytes.len() - quote;
        self.budget = self.budget.checked_sub(cost).ok_or_else(|| {
            self.input.ambiguous(
                self.line.start,
                "the note imitates too many lines to find where it ends",
            )
        })?;
        Ok(Some((quote, next)))
    }

    /// Compares a candidate that leaves a whole dump with the best one. `present`: its
    /// [`present_members`]. True: no other can be better.
    pub(super) fn weigh(&mut self, quote: usize, next: usize, present: usize) -> bool {
        let end = NoteEnd {
            quote,
            next,
            present,
            before_product: self.input.rest(next).starts_with(b"      product = "),
        };
        self.rivals += usize::from(self.best.is_some_and(|best| best.present == present));
        if self.best.is_none_or(|best| end.is_better_than(best)) {
            self.best = Some(end);
        }
        end.before_product && present == CONFIG_MEMBERS.len() + SUMMARY_MEMBERS.len()
    }

    /// The best end; `None`: no candidate leaves a whole dump.
    pub(super) fn best(self) -> Result<Option<NoteEnd>, ParseError> {
        let Some(end) = self.best else {
            return Ok(None);
        };
        let follower = self.input.rest(end.next).trim_ascii_start();
        if !end.before_product
            && self.rivals > 0
            && let Some((member, _)) = member_name(follower)
            && !CONFIG_MEMBERS.contains(&member)
            && !OTHER_CONFIG_MEMBERS.contains(&member)
        {
            return Err(self.input.ambiguous(
                self.line.start,
                format!(
                    "the note may end in front of {} or later",
                    String::from_utf8_lossy(member)
                ),
            ));
        }
        Ok(Some(end))
    }
}

/// A place where a note may end.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoteEnd {
    pub(super) quote: usize,
    /// Where the line after it starts.
    pub(super) next: usize,
    /// How many of the members that every version prints are outside of the note.
    present: usize,
    before_product: bool,
}

impl NoteEnd {
    /// Whether to prefer it to `other`, which comes after it in the dump.
    fn is_better_than(self, other: Self) -> bool {
        self.present > other.present || (self.present == other.present && !other.before_product)
    }
}

/// How many of the members that every version prints are there. `config`: where it is in `nodes`.
pub(super) fn present_members(nodes: &[Node<'_>], config: usize) -> usize {
    let count = |parent: usize, names: &[&[u8]]| {
        members(nodes, parent)
            .filter(|node| names.contains(&node.name))
            .count()
    };
    count(config, &CONFIG_MEMBERS) + count(0, &SUMMARY_MEMBERS)
}

/// Refuses a note that could as well end earlier. `index`: where it is in `nodes`; `last_line`:
/// that of [`Level`].
pub(super) fn refuse_doubtful(
    input: &Input<'_>,
    line: Line<'_>,
    note: &[u8],
    nodes: &[Node<'_>],
    index: usize,
    config: usize,
    last_line: usize,
) -> Result<(), ParseError> {
    if !note.contains(&b'\n') {
        return Ok(());
    }
    let swallowed = CONFIG_MEMBERS.iter().find(|name| {
        let missing = !members(nodes, config).any(|node| node.name == **name);
        missing && memmem::find(note, &[b"\n      ".as_slice(), name, b" = "].concat()).is_some()
    });
    if let Some(name) = swallowed {
        return Err(input.ambiguous(
            line.start,
            format!(
                "config has no member {}, but its note holds a line that looks like it",
                String::from_utf8_lossy(name)
            ),
        ));
    }
    // Behind the note only vApp properties and the like hold text that a person wrote. If there is
    // some, it may be that which imitates the end of a note.
    let level = Level {
        depth: 2,
        bracket: b'}',
        last_line,
    };
    let imitates = || memchr_iter(b'"', note).any(|quote| text_ends(note, quote, level).is_some());
    let written = nodes
        .get(index + 1..)
        .unwrap_or_default()
        .iter()
        .find(|node| {
            matches!(node.value, Value::Text(text) if !text.is_empty())
                && may_be_written(nodes, node, config)
        });
    if let Some(node) = written.filter(|_| imitates()) {
        return Err(input.ambiguous(
            line.start,
            format!(
                "the note may end early, or the text {} may imitate its end",
                String::from_utf8_lossy(node.name)
            ),
        ));
    }
    Ok(())
}

/// Whether a person may have written the text `node`, which comes after the note.
fn may_be_written(nodes: &[Node<'_>], node: &Node<'_>, config: usize) -> bool {
    if node.parent == config {
        return !CONFIG_MEMBERS.contains(&node.name) && !OTHER_CONFIG_MEMBERS.contains(&node.name);
    }
    let mut index = node.parent;
    while let Some(ancestor) = nodes.get(index) {
        if index == config || ancestor.name == b"customValue" {
            return true;
        }
        if ancestor.parent == index {
            break;
        }
        index = ancestor.parent;
    }
    false
}
