//! What the program prints on the node: parts with their lengths, and how it ended.

use std::time::Duration;

use memchr::memchr;

use super::error::HostdError;
use super::soap;
use crate::Output;
use crate::parse::line_text;

const BEGIN: &[u8] = b"ECO1 begin";
/// More parts than a host has pages.
const MAX_PARTS: usize = 1024;

/// The whole answer of the program.
#[derive(Debug, Default)]
pub(super) struct Answer<'o> {
    /// Answer to RetrieveServiceContent.
    pub(super) content: Option<&'o [u8]>,
    /// Answers to RetrievePropertiesEx and ContinueRetrievePropertiesEx.
    pub(super) pages: Vec<&'o [u8]>,
    /// `vmInventory.xml`, where the host has it.
    pub(super) inventory: Option<&'o [u8]>,
    pub(super) cost: Cost,
}

/// What the reading cost the node, as far as the program could find out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time of its processors.
    pub cpu: Option<Duration>,
    /// The most memory that the program had at once, in KiB.
    pub peak_kib: Option<u64>,
    /// The release of Python: `3.8.13`.
    pub python: Option<String>,
}

/// Takes the answer apart. Whatever is not complete is an error.
pub(super) fn read(output: &Output) -> Result<Answer<'_>, HostdError> {
    let mut lines = Frames {
        rest: &output.stdout,
    };
    let cut = |words: &str| {
        Err(HostdError::CutOff {
            words: words.to_owned(),
        })
    };
    loop {
        // The greeting of a login shell may stand before.
        match lines.line() {
            Some(BEGIN) => break,
            Some(line) => {
                if let Some(fault) = line.strip_prefix(b"ECO1 fail ") {
                    return Err(failure(fault, None));
                }
            }
            None => return Err(not_begun(output)),
        }
    }
    let mut answer = Answer::default();
    let mut fault = None;
    let mut count = 0;
    loop {
        let Some(line) = lines.line() else {
            return Err(ended_early(output, count));
        };
        let Some(words) = line.strip_prefix(b"ECO1 ") else {
            return cut("a line between the parts is none of the program's");
        };
        if let Some(part) = words.strip_prefix(b"part ") {
            count += 1;
            let Some((name, body)) = lines.part(part).filter(|_| count <= MAX_PARTS) else {
                return Err(ended_early(output, count - 1));
            };
            match name {
                b"content" if answer.content.is_none() => answer.content = Some(body),
                b"page" => answer.pages.push(body),
                b"inventory" if answer.inventory.is_none() => answer.inventory = Some(body),
                b"fault" => fault = Some(body),
                _ => return cut("a part has a name that the program does not give"),
            }
        } else if let Some(words) = words.strip_prefix(b"fail ") {
            return Err(failure(words, fault));
        } else if let Some(words) = words.strip_prefix(b"end ") {
            let words = line_text(words, "", &mut Vec::new());
            let said = |name: &str| {
                words
                    .split(' ')
                    .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            };
            if said("parts").and_then(|parts| parts.parse().ok()) != Some(count) {
                return cut("there are fewer parts than the program has sent");
            }
            if output.exit != 0 {
                return cut(&format!("it ended with exit code {}", output.exit));
            }
            let number = |name| said(name).and_then(|word| word.parse::<u64>().ok());
            answer.cost = Cost {
                cpu: number("cpu_ms").map(Duration::from_millis),
                // Some hosts do not count it.
                peak_kib: number("peak_kb").filter(|&kib| kib > 0),
                python: said("python").map(str::to_owned),
            };
            return Ok(answer);
        } else {
            return cut("a line between the parts is none of the program's");
        }
    }
}

/// Lines and, between them, bodies of a known length.
struct Frames<'o> {
    rest: &'o [u8],
}

impl<'o> Frames<'o> {
    /// The next line, if it is complete.
    fn line(&mut self) -> Option<&'o [u8]> {
        let end = memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line)
    }

    /// The part that a line announces (`NAME BYTES`), if it is complete.
    fn part(&mut self, words: &'o [u8]) -> Option<(&'o [u8], &'o [u8])> {
        let blank = memchr(b' ', words)?;
        let (name, length) = words.split_at(blank);
        let length: usize = crate::parse::digits(length.get(1..)?)?;
        let body = self.rest.get(..length)?;
        self.rest = self.rest.get(length..)?.strip_prefix(b"\n")?;
        Some((name, body))
    }
}

/// The program says itself why it failed.
fn failure(line: &[u8], fault: Option<&[u8]>) -> HostdError {
    let line = line_text(line, "", &mut Vec::new());
    let (kind, words) = line.split_once(' ').unwrap_or((&line, ""));
    let words = words.to_owned();
    match kind {
        "python" => HostdError::NoPython { words },
        "memory" => HostdError::OutOfMemory { words },
        "ticket" => HostdError::SignInRefused { words },
        "hostd" => HostdError::HostdDown { words },
        "time" => HostdError::TooSlow { words },
        "limit" => HostdError::TooLong { words },
        "fault" => soap::fault(&words, fault.unwrap_or_default()),
        _ => HostdError::NotUnderstood { words },
    }
}

/// Nothing of the program has run.
fn not_begun(output: &Output) -> HostdError {
    let said = line_text(&last_line(&output.stderr), "", &mut Vec::new());
    let words = if said.is_empty() {
        format!(
            "it printed nothing and ended with exit code {}",
            output.exit
        )
    } else {
        said.clone()
    };
    let says = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if says(&["not permitted", "ermission denied"]) {
        HostdError::NotPermitted { words }
    } else if says(&["MemoryError", "annot allocate", "Out of memory", "illed"])
        || output.exit == 137
    {
        HostdError::OutOfMemory { words }
    } else if output.exit == 127 || says(&["not found", "Error: ", "No module named"]) {
        HostdError::NoPython { words }
    } else {
        HostdError::CutOff { words }
    }
}

/// The program has begun, and its end is missing.
fn ended_early(output: &Output, parts: usize) -> HostdError {
    let said = line_text(&last_line(&output.stderr), "", &mut Vec::new());
    if said.contains("MemoryError") || output.exit == 137 {
        let words = format!(
            "it ended after {parts} parts with exit code {}",
            output.exit
        );
        return HostdError::OutOfMemory { words };
    }
    HostdError::CutOff {
        words: format!(
            "it ends after {parts} parts, with exit code {}",
            output.exit
        ),
    }
}

fn last_line(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.trim_ascii();
    let line = text.rsplit(|&byte| byte == b'\n').next().unwrap_or(text);
    line.to_vec()
}
