//! `vim-cmd vmsvc/message ID`: the question that a VM waits on.

use serde::Serialize;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, Line, block_text, digits, line_text};

const READING: &str = "message";

/// A question that blocks a VM until it is answered (`vim-cmd vmsvc/message ID QUESTION CHOICE`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What to answer with: a number, or a word such as `_vmx1`.
    pub id: String,
    /// `msg.uuid.altered`: what is asked, for programs.
    pub key: Option<String>,
    /// What is asked, in words; may have several lines.
    pub text: String,
    /// What can be answered.
    pub choices: Vec<Choice>,
}

/// An answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What to answer with.
    pub index: u32,
    /// `button.uuid.cancel`
    pub key: Option<String>,
    /// `Cancel`
    pub label: String,
    /// Whether the host proposes it.
    pub default: bool,
}

impl From<Question> for ecoman_model::Question {
    /// Without what only programs that know vSphere's keys need.
    fn from(question: Question) -> Self {
        let choices = question.choices.into_iter();
        Self {
            id: question.id,
            text: question.text,
            choices: choices
                .map(|choice| ecoman_model::Choice {
                    index: choice.index,
                    label: choice.label,
                    default: choice.default,
                })
                .collect(),
        }
    }
}

/// Reads what `vim-cmd vmsvc/message ID` printed; `None`: nothing is asked (`No message.`).
///
/// The choices are the last lines. One of them is always the default, so that a list without
/// one is a cut one.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault; [`ParseError::Truncated`] where choices
/// are missing; [`ParseError::Unexpected`] for anything else.
pub fn message(stdout: &[u8]) -> Result<Option<Question>, ParseError> {
    let input = Input::with_text(READING, stdout)?;
    let lines: Vec<Line<'_>> = input.lines_from(0).collect();
    if lines
        .iter()
        .any(|line| line.text.trim_ascii() == b"No message.")
    {
        return Ok(None);
    }
    let head = lines.iter().enumerate().find_map(|(place, line)| {
        let id = line
            .text
            .trim_ascii()
            .strip_prefix(b"Virtual machine message ")?
            .strip_suffix(b":")?;
        Some((place, id))
    });
    let Some((head, id)) = head else {
        return Err(fault_reader::or_unexpected(
            &input,
            "no line `Virtual machine message N:`",
        ));
    };
    let input_ends = input.bytes.ends_with(b"\n");
    if !input_ends {
        return Err(input.truncated("the last line has no line end"));
    }
    let body = lines.get(head + 1..).unwrap_or_default();
    let body_end = body
        .iter()
        .rposition(|line| !line.text.trim_ascii().is_empty())
        .map_or(0, |last| last + 1);
    let body = body.get(..body_end).unwrap_or_default();

    let mut warnings = Vec::new();
    let mut choices: Vec<Choice> = Vec::new();
    let mut text_end = body.len();
    // From the end on: a line of the text may look like a choice.
    for line in body.iter().rev() {
        let Some(choice) = choice(line.text, &mut warnings) else {
            break;
        };
        if choices
            .last()
            .is_some_and(|next| next.index != choice.index + 1)
        {
            break;
        }
        let first = choice.index == 0;
        choices.push(choice);
        text_end -= 1;
        if first {
            break;
        }
    }
    choices.reverse();
    match choices.first() {
        None => return Err(input.truncated("the choices of the question are missing")),
        Some(choice) if choice.index != 0 => {
            return Err(input.truncated("the first choice of the question is missing"));
        }
        Some(_) => {}
    }
    if !choices.iter().any(|choice| choice.default) {
        return Err(input.truncated("the choice that is marked [default] is missing"));
    }
    let asked: Vec<String> = body
        .get(..text_end)
        .unwrap_or_default()
        .iter()
        .map(|line| block_text(line.text, "the question", &mut warnings))
        .collect();
    let asked = asked.join("\n");
    let (key, asked) = split_key(&asked);
    if asked.is_empty() {
        return Err(input.truncated("the text of the question is missing"));
    }
    Ok(Some(Question {
        id: line_text(id, "the question's id", &mut warnings),
        key,
        text: asked,
        choices,
    }))
}

/// `msg.uuid.altered:This virtual machine ...` into key and text.
pub(super) fn split_key(asked: &str) -> (Option<String>, String) {
    match asked.split_once(':') {
        Some((key, rest)) if is_message_key(key) => (Some(key.to_owned()), rest.trim().to_owned()),
        _ => (None, asked.trim().to_owned()),
    }
}

/// `   0. button.uuid.cancel (Cancel) [default]`, or only a label.
fn choice(line: &[u8], warnings: &mut Vec<String>) -> Option<Choice> {
    let line = line.trim_ascii();
    let point = line.iter().position(|&byte| byte == b'.')?;
    let index = digits(line.get(..point)?)?;
    let words = line.get(point + 1..)?.strip_prefix(b" ")?.trim_ascii();
    let (words, default) = match words.strip_suffix(b"[default]") {
        Some(words) => (words.trim_ascii_end(), true),
        None => (words, false),
    };
    let words = line_text(words, "a choice", warnings);
    let parts = words
        .strip_suffix(')')
        .and_then(|words| words.split_once(" ("));
    let (key, label) = match parts {
        Some((key, label)) if is_message_key(key) => (Some(key.to_owned()), label),
        // Older hosts have no key and write the label twice.
        Some((same, label)) if same == label => (None, label),
        _ => (None, words.as_str()),
    };
    Some(Choice {
        index,
        key,
        label: without_mnemonic(label),
        default,
    })
}

/// `I Moved It` of `I _Moved It`: the line marked a letter to press, in a window that nobody sees here.
pub(super) fn without_mnemonic(label: &str) -> String {
    let (before, after) = match label.split_once('_') {
        Some((before, after)) if !after.contains('_') => (before, after),
        _ => return label.to_owned(),
    };
    if after.starts_with(char::is_alphabetic) {
        format!("{before}{after}")
    } else {
        label.to_owned()
    }
}

/// `msg.uuid.altered`, `button.uuid.cancel`: a word with points in it.
pub(super) fn is_message_key(word: &str) -> bool {
    word.contains('.')
        && !word.starts_with('.')
        && !word.ends_with('.')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_look_like_choices() {
        let output = b"Virtual machine message _vmx1:\nPick one:\n   0. not this\n\n\
            \x20  0. Cancel\n   1. OK (really) [default]\n";
        let question = message(output).unwrap().unwrap();
        assert_eq!(question.id, "_vmx1");
        assert_eq!(question.text, "Pick one:\n   0. not this");
        let labels: Vec<_> = question
            .choices
            .iter()
            .map(|choice| (choice.index, choice.label.as_str(), choice.default))
            .collect();
        assert_eq!(labels, [(0, "Cancel", false), (1, "OK (really)", true)]);
    }

    #[test]
    fn a_choice_is_shown_without_the_mark_of_its_letter_and_once() {
        let output = b"Virtual machine message 0:\nmsg.uuid.altered:Moved or copied?\n\
            \x20  0. Cancel (Cancel)\n   1. I _moved it (I _moved it)\n\
            \x20  2. button.uuid.copiedTheVM (I Co_pied It) [default]\n   3. a_b_c\n";
        let question = message(output).unwrap().unwrap();
        let labels: Vec<_> = question
            .choices
            .iter()
            .map(|choice| (choice.key.as_deref(), choice.label.as_str()))
            .collect();
        assert_eq!(
            labels,
            [
                (None, "Cancel"),
                (None, "I moved it"),
                (Some("button.uuid.copiedTheVM"), "I Copied It"),
                (None, "a_b_c"),
            ]
        );
    }

    #[test]
    fn choices_without_a_default_are_cut() {
        let error = message(b"Virtual machine message 7:\nWhat?\n   0. Yes\n").unwrap_err();
        assert!(
            matches!(error, ParseError::Truncated { line: 3, .. }),
            "{error}"
        );
    }
}
