//! How `vim-cmd` prints data objects and faults.
//!
//! 5.x puts `dynamicType` first, a comma after every member, and leaves arrays out that are not
//! set. Later releases leave the comma of the last member out. Nothing inside a text is escaped.

use chrono::SubsecRound as _;

use crate::{Generation, Timestamp};

/// A value as the host prints it.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// `<unset>`
    Unset,
    /// An array that is not set.
    UnsetArray,
    /// `(TYPE) null`
    Null(&'static str),
    /// `"text"`, raw
    Text(String),
    /// `true`
    Flag(bool),
    /// `-1`
    Number(i128),
    /// `'vim.VirtualMachine:14'`
    Reference(String),
    /// `(TYPE) { … }`
    Object(Object),
    /// `(TYPE) [ … ]`
    Array(&'static str, Vec<Data>),
}

impl Data {
    /// The text, or `<unset>`.
    pub(crate) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Unset, |text| Self::Text(text.into()))
    }

    /// The number, or `<unset>`.
    pub(crate) fn number(number: Option<impl Into<i128>>) -> Self {
        number.map_or(Self::Unset, |number| Self::Number(number.into()))
    }

    /// The time to the microsecond, without zeros at the end, or `<unset>`.
    pub(crate) fn time(time: Option<Timestamp>) -> Self {
        Self::text(time.map(show_time))
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Data {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Data {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Data {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Object> for Data {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

/// A data object: its type and its members in the host's order.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    kind: &'static str,
    members: Vec<(&'static str, Data)>,
}

impl Object {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            members: Vec::new(),
        }
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its members.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'static str, &Data)> {
        self.members.iter().map(|(name, value)| (*name, value))
    }

    /// The same with one member more.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Data>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The same with the member if `present`.
    pub(crate) fn with_if(self, present: bool, name: &'static str, value: impl Into<Data>) -> Self {
        if present {
            self.with(name, value)
        } else {
            self
        }
    }
}

/// The time as the host prints it.
pub(crate) fn show_time(time: Timestamp) -> String {
    let text = time
        .trunc_subsecs(6)
        .format("%Y-%m-%dT%H:%M:%S%.6f")
        .to_string();
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}Z")
}

/// The value with a line end, as a whole answer.
pub(crate) fn print(data: &Data, generation: Generation) -> String {
    let mut text = String::new();
    write(data, generation, 0, &mut text);
    text.push('\n');
    text
}

fn write(data: &Data, generation: Generation, indent: usize, text: &mut String) {
    match data {
        Data::Unset | Data::UnsetArray => text.push_str("<unset>"),
        Data::Null(kind) => *text += &format!("({kind}) null"),
        Data::Text(value) => *text += &format!("\"{value}\""),
        Data::Flag(value) => *text += &value.to_string(),
        Data::Number(value) => *text += &value.to_string(),
        Data::Reference(value) => *text += &format!("'{value}'"),
        Data::Object(object) => {
            *text += &format!("({}) {{\n", object.kind);
            write_members(object, generation, indent + 3, text);
            line_start(indent, text);
            text.push('}');
        }
        Data::Array(kind, elements) if elements.is_empty() => *text += &format!("({kind}) []"),
        Data::Array(kind, elements) => {
            *text += &format!("({kind}) [\n");
            let last = elements.len() - 1;
            for (number, element) in elements.iter().enumerate() {
                line_start(indent + 3, text);
                write(element, generation, indent + 3, text);
                text.push_str(if number < last { ", \n" } else { "\n" });
            }
            line_start(indent, text);
            text.push(']');
        }
    }
}

fn write_members(object: &Object, generation: Generation, indent: usize, text: &mut String) {
    let old = generation < Generation::V6_5;
    if old {
        line_start(indent, text);
        text.push_str("dynamicType = <unset>, \n");
    }
    let left_out = |value: &Data| old && matches!(value, Data::UnsetArray);
    let mut members = object
        .members
        .iter()
        .filter(|(_, value)| !left_out(value))
        .peekable();
    while let Some((name, value)) = members.next() {
        line_start(indent, text);
        *text += &format!("{name} = ");
        write(value, generation, indent, text);
        let comma = old || members.peek().is_some();
        text.push_str(if comma { ", \n" } else { "\n" });
    }
}

fn line_start(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// A fault as the tools print it.
#[derive(Clone, Debug)]
pub(crate) struct VimFault {
    /// `vim.fault.NotFound`
    pub(crate) kind: &'static str,
    /// The messages behind it.
    pub(crate) messages: Option<Data>,
    /// Its own members.
    pub(crate) members: Vec<(&'static str, Data)>,
    /// `msg`
    pub(crate) message: String,
}

impl VimFault {
    pub(crate) fn new(kind: &'static str, message: &str) -> Self {
        Self {
            kind,
            messages: None,
            members: Vec::new(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Data>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The dump. From 6.7 on `msg` is no member: the comma before it is missing.
    pub(crate) fn print(&self, generation: Generation) -> String {
        let mut object = Object::new(self.kind).with("faultCause", Data::Null("vmodl.MethodFault"));
        let apart = generation >= Generation::V6_7;
        if apart {
            let messages = self.messages.clone().unwrap_or(Data::UnsetArray);
            object = object.with("faultMessage", messages);
        }
        object.members.extend(self.members.iter().cloned());
        if !apart {
            return print(
                &object.with("msg", self.message.as_str()).into(),
                generation,
            );
        }
        let mut text = format!("({}) {{\n", self.kind);
        write_members(&object, generation, 3, &mut text);
        text + &format!("   msg = \"{}\"\n}}\n", self.message)
    }
}
