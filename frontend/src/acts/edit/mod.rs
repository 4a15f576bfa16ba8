//! Changes of a VM's settings: button, dialogs, what waits until a VM is off.

mod button;
mod dialogs;
mod form;
mod many;
mod view;
mod waiting;

use ecoman_api::{Edit, Setting, Task};
use leptos::prelude::*;

use super::ActView;
use crate::components::text_fact;
use crate::state::settings_draft::{exact, line};
use crate::state::text;

pub(crate) use self::button::{edit_button, edit_notes_button};
pub(crate) use self::dialogs::{EditDialogs, use_edit_dialogs};
pub(crate) use self::view::EditDialog;
pub(crate) use self::waiting::waiting;

impl ActView for Edit {
    fn facts(&self, _: &Task) -> Vec<AnyView> {
        let wanted = self.settings.named();
        wanted
            .map(|(setting, value)| {
                let after = value_words(setting, &value);
                let words = match self.seen.get(setting) {
                    Some(seen) => {
                        let before = value_words(setting, &seen);
                        (text::deferred().power.from_to)(&before, &after)
                    }
                    None => after,
                };
                text_fact(label(setting), Some(words))
            })
            .collect()
    }
}

/// A setting as a label.
fn label(setting: Setting) -> &'static str {
    let texts = &text::deferred().edit;
    match setting {
        Setting::Name => texts.name,
        Setting::Comment => texts.notes,
        Setting::Cpus => texts.cpus,
        Setting::CoresPerSocket => texts.cores_per_socket,
        Setting::Memory => texts.memory,
        Setting::GuestOs => texts.guest_os,
    }
}

/// A value of a setting as people read it, in one line.
fn value_words(setting: Setting, value: &str) -> String {
    match setting {
        Setting::Memory => value.parse().map_or_else(|_| value.to_owned(), exact),
        _ => line(value),
    }
}
