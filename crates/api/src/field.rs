//! What is declared of a field: how its values are compared, written and shown, and what filters
//! and orders call it.
//!
//! Which fields there are, and what people may type instead of a name (`also`), is declared in
//! `crates/model/src/vm/facts.rs`; for what is no fact of the node in `vm.rs`. The words that values
//! have, and their aliases, are in `filter/words.rs`.

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
