//! Characters that act instead of being seen, made visible.
//!
//! A node may print anything: a terminal obeys control characters, a page draws the text behind
//! U+202E from right to left, and a line break begins a line of a log that nobody wrote. Such a
//! character becomes the mark `<U+202E>`.
//!
//! There are two degrees. *Facts* ([`in_line`], [`in_block`]) lose control characters only: they
//! mean nothing in a name or a note, while people who write from right to left do use the
//! characters that order text, and a fact must come back as it was written. *Plain text*
//! ([`plain_line`], [`plain_block`]), which goes where nothing isolates one text from the next (a
//! terminal, a log, a message, a table), loses those as well.

use std::borrow::Cow;

/// Whether a character orders the text around it from another side, or ends such an order. The
/// marks U+200E, U+200F and U+061C do not: they only stand for a letter.
#[must_use]
pub fn orders_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character breaks lines, hides text or orders it where nothing isolates it.
fn acts_in_plain_text(character: char) -> bool {
    orders_text(character) || matches!(character, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
}

/// Whether a character acts where there may be several lines. A carriage return is half of a line
/// break, or sends a terminal back to the beginning of the line.
fn acts_in_block(character: char, rest: &str) -> bool {
    match character {
        '\n' | '\t' => false,
        '\r' => !rest.starts_with('\n'),
        _ => character.is_control(),
    }
}

/// A fact in one line, such as a name: line breaks and tabs are marked too.
#[must_use]
pub fn in_line(text: &str) -> Cow<'_, str> {
    marked(text, |character, _| character.is_control())
}

/// A fact of several lines, such as a note: line breaks and tabs stay.
#[must_use]
pub fn in_block(text: &str) -> Cow<'_, str> {
    marked(text, acts_in_block)
}

/// Plain text in one line.
#[must_use]
pub fn plain_line(text: &str) -> Cow<'_, str> {
    marked(text, |character, _| {
        character.is_control() || acts_in_plain_text(character)
    })
}

/// Plain text of several lines.
#[must_use]
pub fn plain_block(text: &str) -> Cow<'_, str> {
    marked(text, |character, rest| {
        acts_in_block(character, rest) || acts_in_plain_text(character)
    })
}

/// Marks each character that `acts`, which is given the text behind it too.
fn marked(text: &str, acts: impl Fn(char, &str) -> bool) -> Cow<'_, str> {
    let mut marked = String::new();
    let mut kept = 0;
    for (place, character) in text.char_indices() {
        let end = place + character.len_utf8();
        if !acts(character, text.get(end..).unwrap_or_default()) {
            continue;
        }
        marked.push_str(text.get(kept..place).unwrap_or_default());
        marked.push_str(&format!("<U+{:04X}>", u32::from(character)));
        kept = end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    marked.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_not_touched() {
        for plain in [
            "",
            "web-1",
            "ノード é 🦀 👩‍👩‍👧",
            "\u{5d0}\u{200f}!",
            "a\u{ad}b",
        ] {
            for mark in [in_line, in_block, plain_line, plain_block] {
                assert!(matches!(mark(plain), Cow::Borrowed(text) if text == plain));
            }
        }
    }

    #[test]
    fn facts_lose_control_characters_only() {
        assert_eq!(
            in_line("\x1b[2J\0\u{85}\u{7f}a"),
            "<U+001B>[2J<U+0000><U+0085><U+007F>a"
        );
        assert_eq!(in_line("a\r\nb\tc"), "a<U+000D><U+000A>b<U+0009>c");
        assert_eq!(
            in_block("a\r\nb\n\tc\rd\x07"),
            "a\r\nb\n\tc<U+000D>d<U+0007>"
        );
        assert_eq!(in_line("abc\u{202e}gnp.exe"), "abc\u{202e}gnp.exe");
    }

    #[test]
    fn plain_text_loses_what_orders_it_too() {
        assert_eq!(plain_line("abc\u{202e}gnp.exe"), "abc<U+202E>gnp.exe");
        assert_eq!(
            plain_line("a\u{2066}\u{2028}\n"),
            "a<U+2066><U+2028><U+000A>"
        );
        assert_eq!(plain_block("a\u{2029}\n\u{202a}"), "a<U+2029>\n<U+202A>");
    }
}
