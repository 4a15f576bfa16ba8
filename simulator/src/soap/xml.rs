//! Data objects as the XML of the API.

use crate::dump::Data;

/// The text as XML writes it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// `vim.vm.Summary.ConfigSummary` as XML calls it: `VirtualMachineConfigSummary`.
fn type_name(kind: &str) -> String {
    match kind {
        "vim.vm.Summary.ConfigSummary" => "VirtualMachineConfigSummary".to_owned(),
        "vim.vm.Summary.GuestSummary" => "VirtualMachineGuestSummary".to_owned(),
        "vim.vm.Summary.StorageSummary" => "VirtualMachineStorageSummary".to_owned(),
        "vim.vm.Summary.QuickStats" => "VirtualMachineQuickStats".to_owned(),
        "vim.vm.QuestionInfo" => "VirtualMachineQuestionInfo".to_owned(),
        "vim.host.Summary.HardwareSummary" => "HostHardwareSummary".to_owned(),
        "vim.host.Summary.QuickStats" => "HostListSummaryQuickStats".to_owned(),
        "vim.Datastore.Summary" => "DatastoreSummary".to_owned(),
        _ => kind.rsplit('.').next().unwrap_or(kind).to_owned(),
    }
}

/// The value of a property; nothing where it is not set.
pub(super) fn value(data: &Data, named: &str) -> String {
    element("val", data, named == "bootTime")
}

/// An element of this name; nothing where it is not set. `is_time`: whether a text is one.
fn element(name: &str, data: &Data, is_time: bool) -> String {
    match data {
        Data::Unset | Data::UnsetArray | Data::Null(_) => String::new(),
        Data::Text(text) => {
            let kind = if is_time { "dateTime" } else { "string" };
            let text = escaped(text);
            match name {
                "val" => format!("<val xsi:type=\"xsd:{kind}\">{text}</val>"),
                _ => format!("<{name}>{text}</{name}>"),
            }
        }
        Data::Flag(flag) if name == "val" => {
            format!("<val xsi:type=\"xsd:boolean\">{flag}</val>")
        }
        Data::Flag(flag) => format!("<{name}>{flag}</{name}>"),
        Data::Number(number) => format!("<{name}>{number}</{name}>"),
        Data::Reference(reference) => {
            let (kind, id) = reference.split_once(':').unwrap_or(("", reference));
            let kind = kind.rsplit('.').next().unwrap_or(kind);
            format!("<{name} type=\"{kind}\">{}</{name}>", escaped(id))
        }
        Data::Object(object) => {
            let members: String = object
                .members()
                .map(|(name, value)| element(name, value, false))
                .collect();
            format!(
                "<{name} xsi:type=\"{}\">{members}</{name}>",
                type_name(object.kind())
            )
        }
        Data::Array(_, elements) => elements
            .iter()
            .map(|value| element(name, value, false))
            .collect(),
    }
}
