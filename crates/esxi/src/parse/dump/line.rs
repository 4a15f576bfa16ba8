//! What a line of a dump is: the end of a text, a bracket, a member.

use memchr::{memchr, memchr2, memrchr};

/// How deep structures may be nested. Real dumps stay below 10, but for a chain of snapshots: each of
/// 32 takes two levels.
pub(super) const MAX_DEPTH: usize = 80;

/// How long a member's name may be. Real ones stay below 50 bytes.
const MAX_NAME_BYTES: usize = 128;

/// Where in the dump a text stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// Levels that are open around it.
    pub(super) depth: usize,
    /// What closes the innermost of them.
    pub(super) bracket: u8,
    /// Where the output must end, or later, when the last bracket is closed.
    pub(super) last_line: usize,
}

/// Whether the text around `quote` may end there: the quote ends its line but for the comma, and
/// the next line is a member, an element or the closing bracket of the same level. Returns where
/// that line starts.
pub(super) fn text_ends(bytes: &[u8], quote: usize, level: Level) -> Option<usize> {
    let after = bytes.get(quote + 1..)?;
    let comma = after.first() == Some(&b',');
    let mut skip = usize::from(comma);
    while after.get(skip) == Some(&b' ') && skip < 4 {
        skip += 1;
    }
    if after.get(skip) != Some(&b'\n') {
        return None;
    }
    let next = quote + 1 + skip + 1;
    let rest = bytes.get(next..)?;
    let head = rest
        .get(..3 * MAX_DEPTH + MAX_NAME_BYTES + 8)
        .unwrap_or(rest);
    let line = head
        .get(..memchr(b'\n', head).unwrap_or(head.len()))
        .unwrap_or(head);
    if closes(line, level.depth.checked_sub(1)?, level.bracket) {
        // After the last bracket nothing comes.
        let last = level.depth > 1 || next + line.len() >= level.last_line;
        return last.then_some(next);
    }
    let (blanks, content) = line.split_at_checked(3 * level.depth)?;
    if !blanks.iter().all(|&byte| byte == b' ') {
        return None;
    }
    let follows = if level.bracket == b'}' {
        member_name(content).is_some()
    } else {
        comma && content.first() == Some(&b'"')
    };
    follows.then_some(next)
}

/// The last place in `bytes[start..before]` where the text that starts at `start` may end.
pub(super) fn last_text_end(
    bytes: &[u8],
    start: usize,
    before: usize,
    level: Level,
) -> Option<(usize, usize)> {
    let mut before = before;
    while let Some(quote) = bytes
        .get(start..before)
        .and_then(|area| memrchr(b'"', area))
    {
        let quote = start + quote;
        if let Some(next) = text_ends(bytes, quote, level) {
            return Some((quote, next));
        }
        before = quote;
    }
    None
}

/// Whether `line` is the closing `bracket` of a level at `depth`.
pub(super) fn closes(line: &[u8], depth: usize, bracket: u8) -> bool {
    line.split_at_checked(3 * depth)
        .is_some_and(|(blanks, rest)| {
            rest.first() == Some(&bracket)
                && without_comma(rest.get(1..).unwrap_or_default()).is_empty()
                && blanks.iter().all(|&byte| byte == b' ')
        })
}

/// The name of a member and how long it is with the equals sign: `name = `.
pub(super) fn member_name(content: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr2(
        b' ',
        b'\n',
        content.get(..MAX_NAME_BYTES).unwrap_or(content),
    )?;
    let (name, rest) = content.split_at_checked(end)?;
    let legal = name
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && name.first().is_some_and(|byte| !byte.is_ascii_digit());
    (legal && rest.starts_with(b" = ")).then_some((name, end + 3))
}

/// The type in front of a value, and the value.
pub(super) fn typed(value: &[u8]) -> (Option<&[u8]>, &[u8]) {
    value
        .strip_prefix(b"(")
        .and_then(|rest| {
            let end = memchr(b')', rest)?;
            let kind = rest.get(..end)?;
            let bare = rest.get(end + 1..)?.strip_prefix(b" ")?;
            Some((Some(kind), bare))
        })
        .unwrap_or((None, value))
}

/// `value` less the comma and the blanks behind it.
pub(super) fn without_comma(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii_end();
    value.strip_suffix(b",").unwrap_or(value)
}

/// `[]`, `{}` or the same with blanks between.
pub(super) fn bracketed_nothing(value: &[u8]) -> bool {
    match value {
        [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => inner.trim_ascii().is_empty(),
        _ => false,
    }
}

pub(super) fn is_scalar_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_' | b':' | b'<' | b'>')
}
