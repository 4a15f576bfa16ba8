//! The words that values have in filters and parameters, and what people may type instead.

use std::fmt;
use std::hash::{Hash, Hasher};

use ecoman_model::{PowerState, Resource};

use crate::field::{Unit, Value};

/// A word of a closed list, for filters and parameters.
#[derive(Clone, Copy)]
pub struct Word {
    /// The word.
    pub text: &'static str,
    /// What people type instead of it.
    pub also: &'static [&'static str],
    /// Whether a value is meant by it.
    pub means: fn(Value<'_>) -> bool,
}

impl Unit {
    /// The words that its values have in filters and parameters; none: its values are no words.
    #[must_use]
    pub const fn words(self) -> &'static [Word] {
        match self {
            Self::Power => &POWER_STATES,
            Self::Tools => &TOOLS,
            Self::Resources => &LARGE,
            Self::Flag => &FLAGS,
            Self::Question | Self::Pending => &ASKED,
            Self::Text
            | Self::Node
            | Self::Vmid
            | Self::Ip
            | Self::Count
            | Self::Megabytes
            | Self::Bytes
            | Self::Megahertz
            | Self::Seconds
            | Self::Time
            | Self::Date => &[],
        }
    }
}

const YES: [&str; 2] = ["yes", "1"];
const NO: [&str; 2] = ["no", "0"];

const POWER_STATES: [Word; 4] = [
    word("on", |value| value == Value::Power(PowerState::On)).also(&[
        "running",
        "powered_on",
        "poweredon",
        "started",
    ]),
    word("off", |value| value == Value::Power(PowerState::Off)).also(&[
        "stopped",
        "powered_off",
        "poweredoff",
    ]),
    word("suspended", |value| {
        value == Value::Power(PowerState::Suspended)
    })
    .also(&["paused"]),
    word("unknown", |value| {
        value == Value::Power(PowerState::Unknown)
    }),
];
const TOOLS: [Word; 5] = [
    word("ok", |value| value == Value::Text("toolsOk")),
    word("old", |value| value == Value::Text("toolsOld")).also(&["outdated"]),
    word("not_running", |value| {
        value == Value::Text("toolsNotRunning")
    }),
    word("not_installed", |value| {
        value == Value::Text("toolsNotInstalled")
    }),
    word("unknown", |value| value == Value::Unknown),
];
const LARGE: [Word; 5] = [
    word("true", |value| matches!(value, Value::Resources([_, ..]))).also(&YES),
    word("false", |value| value == Value::Resources(&[])).also(&NO),
    word("cpu", |value| has(value, Resource::Cpu)).also(&["cpus"]),
    word("memory", |value| has(value, Resource::Memory)).also(&["ram", "mem"]),
    word("storage", |value| has(value, Resource::Storage)).also(&["disk"]),
];
const FLAGS: [Word; 2] = [
    word("true", |value| value == Value::Flag(true)).also(&YES),
    word("false", |value| value == Value::Flag(false)).also(&NO),
];

const ASKED: [Word; 2] = [
    word("true", |value| value != Value::Unknown).also(&YES),
    word("false", |value| value == Value::Unknown).also(&NO),
];

const fn word(text: &'static str, means: fn(Value<'_>) -> bool) -> Word {
    Word {
        text,
        also: &[],
        means,
    }
}

impl Word {
    const fn also(mut self, texts: &'static [&'static str]) -> Self {
        self.also = texts;
        self
    }

    /// Whether it is meant by what was typed, in lower case.
    #[must_use]
    pub fn is_called(&self, typed: &str) -> bool {
        let mut names = self.also.iter().chain([&self.text]);
        names.any(|name| letters(name).eq(letters(typed)))
    }
}

/// `not-running`, `notrunning` and `not running` are one word.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| !" _-".contains(*letter))
}

fn has(value: Value<'_>, resource: Resource) -> bool {
    matches!(value, Value::Resources(resources) if resources.contains(&resource))
}

/// Two words are the same when they read the same: both are of one list.
impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Word {}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
