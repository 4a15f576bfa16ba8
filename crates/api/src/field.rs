//! What is declared of a field: how its values are compared, written and shown, and what filters
//! and orders call it.

use std::fmt;
use std::hash::{Hash, Hasher};

use chrono::{DateTime, NaiveDate, Utc};
use ecoman_model::{PowerState, Question, Resource};

use crate::pending::Pending;

/// A field of what the API shows.
#[derive(Clone, Copy)]
pub struct Field<T> {
    /// Its name in JSON and CSV.
    pub name: &'static str,
    /// How its values are compared, written and shown.
    pub unit: Unit,
    /// How filters look at it.
    pub filter: Option<FilterField>,
    /// Whether a word of a filter that names no field is looked for here too.
    pub in_words: bool,
    /// Its name in an order.
    pub sort: Option<&'static str>,
    /// The resource that it is the size of.
    pub highlight: Option<Resource>,
    /// Its value.
    pub value: fn(&T) -> Value<'_>,
}

/// A field of the filter language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterField {
    /// What stands before the colon.
    pub name: &'static str,
    /// What people type there instead.
    pub also: &'static [&'static str],
    /// What it looks at.
    pub meaning: &'static str,
    /// A whole term.
    pub example: &'static str,
}

/// What kind of values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Text; sorted as people do.
    Text,
    /// The name of a node.
    Node,
    /// The id of a VM on its node.
    Vmid,
    /// An IP address; sorted by number.
    Ip,
    /// A number of things.
    Count,
    /// Memory in MB of 1024² bytes.
    Megabytes,
    /// A size in bytes.
    Bytes,
    /// A clock rate in MHz.
    Megahertz,
    /// A span in seconds.
    Seconds,
    /// A point in time.
    Time,
    /// A day.
    Date,
    /// True or false.
    Flag,
    /// A power state.
    Power,
    /// vSphere's word for the state of VMware Tools.
    Tools,
    /// Resources that are large; sorted by their number.
    Resources,
    /// A question that is asked or not.
    Question,
    /// A change that waits or does not.
    Pending,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The node did not say.
    Unknown,
    /// A text.
    Text(&'a str),
    /// A number in the field's unit.
    Number(u64),
    /// A point in time.
    Time(DateTime<Utc>),
    /// A day.
    Date(NaiveDate),
    /// True or false.
    Flag(bool),
    /// A power state.
    Power(PowerState),
    /// Resources.
    Resources(&'a [Resource]),
    /// A question that waits for an answer.
    Question(&'a Question),
    /// A change that waits until the VM is off.
    Pending(&'a Pending),
}

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

impl<T> Field<T> {
    /// A field that no filter and no order names.
    #[must_use]
    pub(crate) const fn new(name: &'static str, unit: Unit, value: fn(&T) -> Value<'_>) -> Self {
        Self {
            name,
            unit,
            filter: None,
            in_words: false,
            sort: None,
            highlight: None,
            value,
        }
    }

    pub(crate) const fn filter(
        mut self,
        name: &'static str,
        meaning: &'static str,
        example: &'static str,
    ) -> Self {
        self.filter = Some(FilterField {
            name,
            also: &[],
            meaning,
            example,
        });
        self
    }

    /// What people type before the colon instead of the name that [`Self::filter`] gave it.
    pub(crate) const fn also(mut self, names: &'static [&'static str]) -> Self {
        if let Some(filter) = &mut self.filter {
            filter.also = names;
        }
        self
    }

    pub(crate) const fn in_words(mut self, in_words: bool) -> Self {
        self.in_words = in_words;
        self
    }

    pub(crate) const fn sort(mut self, name: &'static str) -> Self {
        self.sort = Some(name);
        self
    }

    pub(crate) const fn highlight(mut self, resource: Resource) -> Self {
        self.highlight = Some(resource);
        self
    }

    /// Its value.
    pub fn of<'a>(&self, record: &'a T) -> Value<'a> {
        (self.value)(record)
    }
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

/// Two fields are the same when they have the same name.
impl<T> PartialEq for Field<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<T> Eq for Field<T> {}

impl<T> Hash for Field<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
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

impl<'a, T> From<&'a Option<T>> for Value<'a>
where
    &'a T: Into<Value<'a>>,
{
    fn from(value: &'a Option<T>) -> Self {
        value.as_ref().map_or(Self::Unknown, Into::into)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<&u32> for Value<'_> {
    fn from(number: &u32) -> Self {
        Self::Number((*number).into())
    }
}

impl From<&u64> for Value<'_> {
    fn from(number: &u64) -> Self {
        Self::Number(*number)
    }
}

impl From<&DateTime<Utc>> for Value<'_> {
    fn from(time: &DateTime<Utc>) -> Self {
        Self::Time(*time)
    }
}

impl From<&NaiveDate> for Value<'_> {
    fn from(day: &NaiveDate) -> Self {
        Self::Date(*day)
    }
}

impl From<&bool> for Value<'_> {
    fn from(flag: &bool) -> Self {
        Self::Flag(*flag)
    }
}

impl From<&PowerState> for Value<'_> {
    fn from(power: &PowerState) -> Self {
        Self::Power(*power)
    }
}

impl<'a> From<&'a Vec<Resource>> for Value<'a> {
    fn from(resources: &'a Vec<Resource>) -> Self {
        Self::Resources(resources)
    }
}

impl<'a> From<&'a Question> for Value<'a> {
    fn from(question: &'a Question) -> Self {
        Self::Question(question)
    }
}

impl<'a> From<&'a Pending> for Value<'a> {
    fn from(pending: &'a Pending) -> Self {
        Self::Pending(pending)
    }
}
