//! The list of VMs as a table: its columns are the fields of a VM in their order.

use ecoman_api::{Value, Vm, VmField};

use crate::http::csv::{Cell, Column};

impl Column<Vm> for &VmField {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cell<'a>(&self, vm: &'a Vm) -> Cell<'a> {
        match self.of(vm) {
            Value::Unknown => Cell::Empty,
            Value::Text(text) => text.into(),
            Value::Number(number) => number.into(),
            Value::Time(time) => time.into(),
            Value::Date(day) => Cell::Plain(day.to_string()),
            Value::Flag(flag) => Cell::Plain(flag.to_string()),
            Value::Question(question) => question.text.as_str().into(),
            Value::Pending(pending) => Cell::Plain(pending.to_string()),
            Value::Power(power) => power.as_str().into(),
            Value::Resources(resources) => {
                let words: Vec<_> = resources.iter().map(|resource| resource.as_str()).collect();
                Cell::Plain(words.join(" "))
            }
        }
    }
}
