//! The format in which `vim-cmd` dumps vmodl objects: structures, arrays, references, scalars.
//!
//! ```text
//! (vim.vm.Summary) {
//!    vm = 'vim.VirtualMachine:14',
//!    guest = (vim.vm.Summary.GuestSummary) {
//!       hostName = <unset>,
//!       ipAddress = "192.0.2.36"
//!    }
//! }
//! ```
//!
//! One member or element per line, three blanks per level. Up to 5.x every member ends with a
//! comma and a blank, since 6.0 every one but the last does; both are read, and so are the
//! commas that some faults forget.
//!
//! **Nothing in a text is escaped**: quotes and line ends stand there raw, so that a text may
//! imitate any line of the dump. These rules find its end:
//!
//! - A text ends at the first quote at the end of a line that is followed by what can come next:
//!   a member or an element at the same level, or the bracket that closes the level.
//! - A structure that would then hold the same member twice, or a dump that would go on after
//!   its last bracket, is an error: a text has imitated lines.
//! - The one text that people really write lines into is the note of a VM,
//!   `annotation` in vim.vm.Summary.ConfigSummary. Its end is looked for from the end of the
//!   dump, see [`NoteEnds`].
//!
//! The reader is iterative, and looks at each byte a bounded number of times. It keeps one
//! [`Node`] per line at most, no more than [`MAX_NODES`], and copies no text.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use memchr::{memchr_iter, memrchr};

use super::error::ParseError;
use super::input::{Input, Line, block_text, digits, instant, line_text, plausible};

mod line;
mod node;
mod note;

use line::{
    Level, MAX_DEPTH, bracketed_nothing, closes, is_scalar_byte, member_name, text_ends, typed,
    without_comma,
};
use node::{Node, Value};
use note::NoteEnds;

/// How many members and elements a dump may have. Real dumps stay below some thousand.
const MAX_NODES: usize = 1 << 18;

/// A whole dump.
#[derive(Debug)]
pub(super) struct Dump<'i> {
    input: &'i Input<'i>,
    /// In the order of the dump; a structure or an array comes before what it holds.
    nodes: Vec<Node<'i>>,
}

/// A structure, an array or a value in a dump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'d> {
    dump: &'d Dump<'d>,
    index: usize,
    node: &'d Node<'d>,
}

/// Where a dump starts in an output: after labels (`Listsummary:`), verb lines
/// (`Powering on VM:`) and whatever else was printed first.
pub(super) struct Start<'i> {
    /// The line.
    line: Line<'i>,
    /// What stands before the dump on its line: `Power on failed: `.
    pub(super) prefix: &'i [u8],
}

/// Whether text may follow the last bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trailing {
    /// No: it shows that a bracket was taken for the last one wrongly.
    Refused,
    /// Yes: a fault may be followed by other messages on a merged stream.
    Allowed,
}

/// The first line that opens a dump; `None` where there is none.
pub(super) fn find<'i>(input: &'i Input<'_>) -> Option<Start<'i>> {
    input.lines_from(0).find_map(|line| {
        let text = line.text.trim_ascii_end();
        let inner = text
            .strip_suffix(b") {")
            .or_else(|| text.strip_suffix(b") ["))
            .or_else(|| text.strip_suffix(b") []"))
            .or_else(|| text.strip_suffix(b") null"))?;
        let open = memrchr(b'(', inner)?;
        let kind = inner.get(open + 1..)?;
        let prefix = line.text.get(..open)?;
        let names_a_type = !kind.is_empty()
            && kind
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
        (names_a_type && (prefix.is_empty() || prefix.ends_with(b": ")))
            .then_some(Start { line, prefix })
    })
}

/// Reads the dump that starts at `start`.
pub(super) fn read<'i>(
    input: &'i Input<'_>,
    start: &Start<'_>,
    trailing: Trailing,
) -> Result<Dump<'i>, ParseError> {
    let mut reader = Reader {
        input,
        trailing,
        position: start.line.start + start.prefix.len(),
        nodes: Vec::with_capacity(256),
        open: Vec::with_capacity(8),
        note: Note::Unread,
        content_end: input.bytes.trim_ascii_end().len(),
    };
    reader.read()?;
    Ok(Dump {
        input,
        nodes: reader.nodes,
    })
}

impl Dump<'_> {
    /// The outermost structure or array.
    pub(super) fn root(&self) -> Option<Item<'_>> {
        self.item(0)
    }

    fn item(&self, index: usize) -> Option<Item<'_>> {
        let node = self.nodes.get(index)?;
        Some(Item {
            dump: self,
            index,
            node,
        })
    }
}

impl<'d> Item<'d> {
    /// The type of a structure or an array: `vim.vm.Summary`; empty for everything else.
    pub(super) fn kind(&self) -> Cow<'d, str> {
        match self.node.value {
            Value::Struct(kind) | Value::Array(kind) => String::from_utf8_lossy(kind),
            _ => Cow::Borrowed(""),
        }
    }

    /// The member's name.
    pub(super) fn name(&self) -> Cow<'d, str> {
        String::from_utf8_lossy(self.node.name)
    }

    /// Whether it is a structure.
    pub(super) fn is_struct(&self) -> bool {
        matches!(self.node.value, Value::Struct(_))
    }

    /// Whether it is an array.
    pub(super) fn is_array(&self) -> bool {
        matches!(self.node.value, Value::Array(_))
    }

    /// What a structure or an array holds, in order; nothing for everything else.
    pub(super) fn children(self) -> impl Iterator<Item = Item<'d>> {
        let mut next = self.index + 1;
        let end = self.node.end;
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let item = self.dump.item(next)?;
            next = item.node.end;
            Some(item)
        })
    }

    /// The member of this name, unless it is missing, `<unset>` or null.
    pub(super) fn get(self, name: &str) -> Option<Item<'d>> {
        self.children()
            .find(|child| child.node.name == name.as_bytes())
            .filter(|child| child.is_set())
    }

    /// Whether it is neither `<unset>` nor null.
    pub(super) fn is_set(&self) -> bool {
        !matches!(self.node.value, Value::Unset | Value::Null)
    }

    /// The structure of this name, unless it is missing, `<unset>` or null.
    pub(super) fn structure(self, name: &str) -> Result<Option<Item<'d>>, ParseError> {
        self.get(name)
            .map(|item| {
                if item.is_struct() {
                    Ok(item)
                } else {
                    Err(item.error("a structure"))
                }
            })
            .transpose()
    }

    /// The elements of the array of this name; none if it is missing, `<unset>` or null.
    pub(super) fn elements(self, name: &str) -> Result<Vec<Item<'d>>, ParseError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(item) if item.is_array() => Ok(item.children().collect()),
            Some(item) => Err(item.error("an array")),
        }
    }

    /// The text of this name.
    pub(super) fn text(
        self,
        name: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<String>, ParseError> {
        self.get(name)
            .map(|item| item.as_text(warnings))
            .transpose()
    }

    /// The same; an empty text says nothing.
    pub(super) fn some_text(
        self,
        name: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<String>, ParseError> {
        Ok(self
            .text(name, warnings)?
            .filter(|text| !text.trim().is_empty()))
    }

    /// The number of this name; `None` too where it is one that no node means (see [`plausible`]).
    pub(super) fn number<T: TryFrom<u64>>(self, name: &str) -> Result<Option<T>, ParseError> {
        let Some(item) = self.get(name) else {
            return Ok(None);
        };
        let Value::Scalar(scalar) = item.node.value else {
            return Err(item.error("a number"));
        };
        let magnitude = scalar.strip_prefix(b"-").unwrap_or(scalar);
        if magnitude.is_empty() || !magnitude.iter().all(u8::is_ascii_digit) {
            return Err(item.error("a whole number"));
        }
        let number = digits(scalar).and_then(plausible);
        Ok(number.and_then(|number| T::try_from(number).ok()))
    }

    /// `true` or `false`.
    pub(super) fn boolean(self, name: &str) -> Result<Option<bool>, ParseError> {
        self.get(name)
            .map(|item| match item.node.value {
                Value::Scalar(b"true") => Ok(true),
                Value::Scalar(b"false") => Ok(false),
                _ => Err(item.error("true or false")),
            })
            .transpose()
    }

    /// The time of this name: UTC, with 0 to 9 digits after the second. In years in which no host
    /// has run, as those of a wrong clock (1970, 9999), nothing is said.
    pub(super) fn time(self, name: &str) -> Result<Option<DateTime<Utc>>, ParseError> {
        self.get(name)
            .map(|item| {
                let Value::Text(bytes) = item.node.value else {
                    return Err(item.error("a time"));
                };
                instant(bytes).ok_or_else(|| item.error("a time such as 2024-01-08T19:02:55Z"))
            })
            .transpose()
            .map(Option::flatten)
    }

    /// The reference of this name: `vim.VirtualMachine:14`.
    pub(super) fn reference(self, name: &str) -> Result<Option<String>, ParseError> {
        self.get(name)
            .map(|item| {
                item.as_reference()
                    .ok_or_else(|| item.error("a reference in single quotes"))
            })
            .transpose()
    }

    /// The text of this name, which may have several lines.
    pub(super) fn block(
        self,
        name: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<String>, ParseError> {
        self.get(name)
            .map(|item| item.as_block(warnings))
            .transpose()
    }

    /// This text.
    pub(super) fn as_text(self, warnings: &mut Vec<String>) -> Result<String, ParseError> {
        let bytes = self.as_bytes()?;
        Ok(line_text(bytes, self.field(), warnings))
    }

    /// This text, which may have several lines.
    pub(super) fn as_block(self, warnings: &mut Vec<String>) -> Result<String, ParseError> {
        let bytes = self.as_bytes()?;
        Ok(block_text(bytes, self.field(), warnings))
    }

    fn as_bytes(self) -> Result<&'d [u8], ParseError> {
        match self.node.value {
            Value::Text(bytes) => Ok(bytes),
            _ => Err(self.error("a text in quotes")),
        }
    }

    /// Where it is, for a message: `config.name`.
    fn field(self) -> impl fmt::Display + 'd {
        fmt::from_fn(move |f| f.write_str(&self.path()))
    }

    /// This reference.
    pub(super) fn as_reference(self) -> Option<String> {
        match self.node.value {
            Value::Reference(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// This value as it stands there, if it is a text, a number or a word.
    pub(super) fn as_words(self) -> Option<String> {
        match self.node.value {
            Value::Text(bytes) | Value::Scalar(bytes) | Value::Reference(bytes) => {
                Some(block_text(bytes, "", &mut Vec::new()))
            }
            _ => None,
        }
    }

    /// That this is not what it should be.
    pub(super) fn error(self, expected: &'static str) -> ParseError {
        let found: &[u8] = match self.node.value {
            Value::Unset => b"<unset>",
            Value::Null => b"null",
            Value::Text(bytes) | Value::Reference(bytes) | Value::Scalar(bytes) => bytes,
            Value::Struct(kind) | Value::Array(kind) => kind,
        };
        self.dump
            .input
            .value(self.node.offset, self.path(), expected, found)
    }

    /// The names of the members that lead here: `config.numCpu`.
    fn path(self) -> String {
        let mut names = Vec::new();
        let mut index = self.index;
        while let Some(node) = self.dump.nodes.get(index) {
            if !node.name.is_empty() {
                names.push(String::from_utf8_lossy(node.name));
            }
            if node.parent == index {
                break;
            }
            index = node.parent;
        }
        if names.is_empty() {
            return "the object".to_owned();
        }
        names.reverse();
        names.join(".")
    }
}

/// A structure or array whose bracket is not yet closed.
#[derive(Clone, Copy, Debug)]
struct Open {
    index: usize,
    bracket: u8,
}

/// How far the note of the VM is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    /// It may still come.
    Unread,
    /// Its end has been chosen: a second note in the dump is no note but a fault of it.
    Chosen,
}

#[derive(Debug)]
struct Reader<'i> {
    input: &'i Input<'i>,
    trailing: Trailing,
    /// The start of the next line.
    position: usize,
    nodes: Vec<Node<'i>>,
    open: Vec<Open>,
    note: Note,
    /// Where the output ends but for white space.
    content_end: usize,
}

impl<'i> Reader<'i> {
    /// Reads from `position` to the end of the dump.
    fn read(&mut self) -> Result<(), ParseError> {
        // The root opens on the first line, like an element of an array around it.
        if self.nodes.is_empty() {
            let line = self.line()?;
            self.value(line, b"", line.start)?;
        }
        while let Some(&open) = self.open.last() {
            let line = self.line()?;
            if self.close(line, open)? {
                continue;
            }
            let indent = 3 * self.open.len();
            let content = self.after_blanks(line, indent)?;
            if open.bracket == b'}' {
                let Some((name, after)) = member_name(content) else {
                    return Err(self
                        .input
                        .unexpected_or_cut(line, "no member `name = value` of the structure"));
                };
                self.value(line, name, line.start + indent + after)?;
            } else {
                self.value(line, b"", line.start + indent)?;
            }
        }
        let rest = self.input.rest(self.position);
        if self.trailing == Trailing::Refused && !rest.trim_ascii().is_empty() {
            return Err(self
                .input
                .unexpected(self.position, "text after the end of the dump"));
        }
        Ok(())
    }

    fn line(&self) -> Result<Line<'i>, ParseError> {
        let input = self.input;
        input.line_at(self.position).ok_or_else(|| {
            input.truncated(match self.open.len() {
                1 => "the last closing bracket is missing".to_owned(),
                brackets => format!("the last {brackets} closing brackets are missing"),
            })
        })
    }

    /// Closes the innermost level if `line` does.
    fn close(&mut self, line: Line<'i>, open: Open) -> Result<bool, ParseError> {
        if !closes(line.text, self.open.len() - 1, open.bracket) {
            return Ok(false);
        }
        self.open.pop();
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(open.index) {
            node.end = end;
        }
        if open.bracket == b'}' {
            self.refuse_duplicates(open.index)?;
        }
        self.position = line.next();
        Ok(true)
    }

    /// No structure has a member twice; where one seems to, a text has imitated it.
    fn refuse_duplicates(&self, index: usize) -> Result<(), ParseError> {
        let mut members = Vec::new();
        let mut next = index + 1;
        while let Some(node) = self.nodes.get(next) {
            members.push((node.name, node.offset));
            next = node.end;
        }
        members.sort_unstable();
        for pair in members.windows(2) {
            if let [(first, _), (second, offset)] = pair
                && first == second
            {
                return Err(self.input.ambiguous(
                    *offset,
                    format!(
                        "the member {} comes twice, so a text before it has imitated it",
                        String::from_utf8_lossy(first)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// `line` less the blanks of its level.
    fn after_blanks(&self, line: Line<'i>, indent: usize) -> Result<&'i [u8], ParseError> {
        match line.text.split_at_checked(indent) {
            Some((blanks, content))
                if blanks.iter().all(|&byte| byte == b' ')
                    && content.first().is_some_and(|&byte| byte != b' ') =>
            {
                Ok(content)
            }
            _ => Err(self
                .input
                .unexpected_or_cut(line, format!("not indented by {indent} blanks"))),
        }
    }

    /// Reads the value that begins at `start` in `line`, and adds it.
    fn value(&mut self, line: Line<'i>, name: &'i [u8], start: usize) -> Result<(), ParseError> {
        let input = self.input;
        let whole = input.slice(start, line.start + line.text.len());
        let (kind, bare) = typed(whole);
        let bare_start = start + (whole.len() - bare.len());
        let trimmed = without_comma(bare);
        let value = match (bare.first(), kind) {
            (Some(b'"'), _) => return self.text(line, name, bare_start + 1),
            _ if !line.ended && self.open.len() + self.nodes.len() > 0 => {
                return Err(input.truncated("the last line has no line end"));
            }
            (Some(b'{'), Some(kind)) if trimmed == b"{" => {
                return self.descend(line, name, Value::Struct(kind), b'}');
            }
            (Some(b'['), Some(kind)) if trimmed == b"[" => {
                return self.descend(line, name, Value::Array(kind), b']');
            }
            (Some(b'['), Some(kind)) if bracketed_nothing(trimmed) => Value::Array(kind),
            (Some(b'{'), Some(kind)) if bracketed_nothing(trimmed) => Value::Struct(kind),
            (_, Some(_)) if trimmed == b"null" => Value::Null,
            (Some(b'\''), _) => match trimmed.get(1..).and_then(|rest| rest.strip_suffix(b"'")) {
                Some(reference) => Value::Reference(reference),
                None => return Err(input.unexpected(start, "a reference without its second quote")),
            },
            _ if trimmed == b"<unset>" => Value::Unset,
            // A root is a structure or an array.
            _ if self.nodes.is_empty() => {
                return Err(input.unexpected(start, "neither a structure nor an array"));
            }
            _ if !trimmed.is_empty() && trimmed.iter().all(is_scalar_byte) => {
                Value::Scalar(trimmed)
            }
            _ => return Err(input.unexpected(start, "no value of a known form")),
        };
        self.push(line, name, value)?;
        self.position = line.next();
        Ok(())
    }

    fn push(&mut self, line: Line<'i>, name: &'i [u8], value: Value<'i>) -> Result<(), ParseError> {
        if self.nodes.len() >= MAX_NODES {
            return Err(self
                .input
                .unexpected(line.start, format!("more than {MAX_NODES} members")));
        }
        let index = self.nodes.len();
        self.nodes.push(Node {
            name,
            value,
            offset: line.start,
            parent: self.open.last().map_or(index, |open| open.index),
            end: index + 1,
        });
        Ok(())
    }

    fn descend(
        &mut self,
        line: Line<'i>,
        name: &'i [u8],
        value: Value<'i>,
        bracket: u8,
    ) -> Result<(), ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self
                .input
                .unexpected(line.start, format!("more than {MAX_DEPTH} levels")));
        }
        let index = self.nodes.len();
        self.push(line, name, value)?;
        self.open.push(Open { index, bracket });
        self.position = line.next();
        Ok(())
    }

    /// Reads the text that begins at `start`, after its quote.
    fn text(&mut self, line: Line<'i>, name: &'i [u8], start: usize) -> Result<(), ParseError> {
        if name == b"annotation" && self.is_config_of_a_vm() && self.note == Note::Unread {
            return self.read_note(line, name, start);
        }
        let level = self.level();
        let end = memchr_iter(b'"', self.input.rest(start))
            .map(|quote| start + quote)
            .find_map(|quote| Some((quote, text_ends(&self.input.bytes, quote, level)?)));
        let Some((quote, next)) = end else {
            return Err(self.input.truncated(format!(
                "the text of line {} has no end",
                self.input.line_number(line.start)
            )));
        };
        self.push(line, name, Value::Text(self.input.slice(start, quote)))?;
        self.position = next;
        Ok(())
    }

    fn level(&self) -> Level {
        Level {
            depth: self.open.len(),
            bracket: self.open.last().map_or(b'}', |open| open.bracket),
            last_line: self.last_line(),
        }
    }

    fn last_line(&self) -> usize {
        match self.trailing {
            Trailing::Refused => self.content_end,
            Trailing::Allowed => 0,
        }
    }

    fn is_config_of_a_vm(&self) -> bool {
        self.open.len() == 2
            && self
                .open
                .last()
                .and_then(|open| self.nodes.get(open.index))
                .is_some_and(|node| node.value == Value::Struct(b"vim.vm.Summary.ConfigSummary"))
    }

    /// Reads the note of a VM and all that comes after it; [`NoteEnds`] finds where it ends.
    fn read_note(
        &mut self,
        line: Line<'i>,
        name: &'i [u8],
        start: usize,
    ) -> Result<(), ParseError> {
        self.note = Note::Chosen;
        let nodes = self.nodes.len();
        let open = self.open.clone();
        let config = open.last().map_or(0, |open| open.index);
        let mut ends = NoteEnds::new(self.input, line, start, self.level());
        let mut first_error = None;
        while let Some((quote, next)) = ends.candidate()? {
            let outcome = self
                .push(line, name, Value::Text(self.input.slice(start, quote)))
                .and_then(|()| {
                    self.position = next;
                    self.read()
                });
            let present = note::present_members(&self.nodes, config);
            self.nodes.truncate(nodes);
            self.open.clone_from(&open);
            match outcome {
                Ok(()) if ends.weigh(quote, next, present) => break,
                Ok(()) => {}
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        let Some(end) = ends.best()? else {
            return Err(first_error.unwrap_or_else(|| {
                self.input
                    .truncated("the note of the VM (annotation) has no end")
            }));
        };
        let text = self.input.slice(start, end.quote);
        self.push(line, name, Value::Text(text))?;
        self.position = end.next;
        self.read()?;
        note::refuse_doubtful(
            self.input,
            line,
            text,
            &self.nodes,
            nodes,
            config,
            self.last_line(),
        )
    }
}
