//! The words that names, comments, documents and messages do without, and better ones.

use std::path::Path;

/// Phrases, and what to write instead. `a|b` is one word or the other.
const PHRASES: [(&str, &str); 15] = [
    ("lest", "so that … does not; otherwise"),
    ("anew", "again"),
    ("whoever", "who it is: the client, the caller, a user"),
    ("for ever", "until shutdown; without end"),
    ("of ours", "our"),
    (
        "see|sees|seen|seeing to",
        "what is done: run, handle, manage",
    ),
    ("come|comes|came|coming by", "get, obtain; sort by"),
    ("who asks", "the caller; the client"),
    ("what came|comes of", "the result; the end"),
    (
        "tell|tells|told|telling",
        "return (a function), record (a log), publish (a stream), report (a task), show (the page)",
    ),
    ("untold", "not reported"),
    ("deed|deeds", "request; change"),
    ("particulars", "details"),
    ("wish|wishes|insist|insists", "request; retry"),
    ("gate|gates", "guard; authenticator"),
];

/// Where [`PHRASES`] finds another meaning.
const MEANT: [&str; 2] = ["seen to be", "seen to hold"];

/// Kinds of files that people read.
const READ: [&str; 12] = [
    "css", "html", "js", "md", "mjs", "py", "rs", "sh", "toml", "ts", "yaml", "yml",
];

/// Files that have the words on purpose.
const EXEMPT: [&str; 1] = ["xtask/src/words.rs"];

/// A word of a text.
#[derive(Debug)]
struct Word {
    /// In lower case.
    text: String,
    /// From 1.
    line: usize,
    /// Whether it goes on the sentence of the word before.
    follows: bool,
}

/// The forbidden phrases of a file, with their lines.
pub(crate) fn check(path: &Path, text: &str) -> Vec<(usize, String)> {
    let is_read = path
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| READ.contains(&extension));
    let is_exempt = EXEMPT.iter().any(|exempt| path == Path::new(exempt));
    if !is_read || is_exempt {
        return Vec::new();
    }
    let quotes_code = path.extension().is_some_and(|extension| extension == "md");
    let words = words(text, quotes_code);
    let mut faults = Vec::new();
    for start in 0..words.len() {
        let rest = words.get(start..).unwrap_or_default();
        let Some(first) = rest.first() else { break };
        if MEANT.iter().any(|phrase| begins(rest, phrase)) {
            continue;
        }
        for (phrase, instead) in PHRASES {
            if begins(rest, phrase) {
                let count = phrase.split(' ').count();
                let found: Vec<&str> = rest.iter().take(count).map(|w| w.text.as_str()).collect();
                let found = found.join(" ");
                faults.push((first.line, format!("{found:?}: write {instead}")));
            }
        }
    }
    faults
}

/// Whether the words begin with a phrase.
fn begins(words: &[Word], phrase: &str) -> bool {
    let mut words = words.iter().enumerate();
    phrase.split(' ').all(|expected| {
        words.next().is_some_and(|(index, word)| {
            (index == 0 || word.follows) && expected.split('|').any(|one| one == word.text)
        })
    })
}

/// The words of a text. A sentence goes on over the ends of lines and the marks of comments, and a
/// name in the code is a sentence: `_` parts its words. `quotes_code`: what stands in backticks or
/// between fences is left out.
fn words(text: &str, quotes_code: bool) -> Vec<Word> {
    let mut words = Vec::new();
    let mut follows = false;
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if quotes_code && line.trim_start().starts_with("```") {
            fenced = !fenced;
            follows = false;
            continue;
        }
        if fenced {
            continue;
        }
        let mut quoted = false;
        let mut word = String::new();
        for c in line.chars().chain([' ']) {
            quoted ^= quotes_code && c == '`';
            if c.is_alphanumeric() && !quoted {
                word.extend(c.to_lowercase());
                continue;
            }
            if !word.is_empty() {
                let text = std::mem::take(&mut word);
                let line = index + 1;
                words.push(Word {
                    text,
                    line,
                    follows,
                });
                follows = true;
            }
            follows &= c.is_whitespace() || matches!(c, '_' | '/' | '!' | '*' | '#' | '\\');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<(usize, String)> {
        check(Path::new(path), text)
    }

    #[test]
    fn a_phrase_is_found_with_its_line_and_a_better_one() {
        assert_eq!(
            faults("docs/a.md", "One\nconnects anew.\n"),
            [(2, "\"anew\": write again".to_owned())]
        );
    }

    #[test]
    fn a_phrase_goes_on_over_lines_and_in_names() {
        let text = "/// It is what came\n/// of it.\nfn waits_for_ever() {}\n";
        let found = faults("docs/a.rs", text);
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn words_of_two_sentences_are_no_phrase() {
        assert_eq!(faults("docs/a.rs", "// As they see. To them it is\n"), []);
        assert_eq!(faults("docs/a.rs", "// They were seen to be true.\n"), []);
        assert_eq!(faults("docs/a.rs", "// Lester is a teller.\n"), []);
    }

    #[test]
    fn code_in_documents_and_what_nobody_reads_is_left_out() {
        assert_eq!(faults("docs/a.md", "`lest`\n```\nanew\n```\n"), []);
        assert_eq!(faults("docs/a.json", "anew\n"), []);
    }
}
