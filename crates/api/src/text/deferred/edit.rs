//! Changes of a VM's settings: the dialogs, and what waits until a VM is off.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// Changes of a VM's settings: the dialogs, and what waits until a VM is off.
#[derive(Clone, Copy, Debug)]
pub struct EditPages {
    pub edit: &'static str,
    pub edit_tip: &'static str,
    pub heading: fn(vm: &str) -> String,
    pub name: &'static str,
    pub notes: &'static str,
    pub cpus: &'static str,
    pub cores_per_socket: &'static str,
    pub memory: &'static str,
    pub memory_unit: &'static str,
    pub guest_os: &'static str,
    pub as_it_is: &'static str,
    pub as_it_is_now: fn(value: &str) -> String,
    pub up_to: fn(most: &str) -> String,
    pub not_off: &'static str,
    pub only_off: &'static str,
    pub hardware_not_permitted: &'static str,
    pub not_permitted: &'static str,
    pub save: &'static str,
    pub save_for_later: &'static str,
    pub save_keys: &'static str,
    /// `{0}`: the setting, `{1}`: its new value, `{2}`: by whom and when.
    pub is_other: Template<3>,
    /// `{0}`: the user, `{1}`: when.
    pub by: Template<2>,
    pub take_theirs: &'static str,
    pub keep_mine: &'static str,
    pub gone: &'static str,
    pub not_a_number: &'static str,
    pub not_a_multiple: &'static str,
    pub at_most: fn(most: &str) -> String,
    pub uneven: fn(cpus: u32) -> String,
    pub name_taken: &'static str,
    pub too_long: fn(bytes: usize, most: usize) -> String,
    /// `{0}`: when.
    pub waits: Template<1>,
    /// `{0}`: the user, `{1}`: when.
    pub waits_by: Template<2>,
    pub discard: &'static str,
    pub discard_tip: &'static str,
    pub edit_notes: &'static str,
    pub edit_notes_tip: &'static str,
    pub notes_of: fn(vms: &str) -> String,
    pub what_to_do: &'static str,
    pub set: &'static str,
    pub append: &'static str,
    pub replace: &'static str,
    pub text_to_append: &'static str,
    pub append_hint: &'static str,
    pub find: &'static str,
    pub find_hint: &'static str,
    pub replace_with: &'static str,
    pub set_hint: &'static str,
    pub counts: fn(change: usize, stay: usize) -> String,
    pub some_wait: fn(vms: usize) -> String,
    pub change_many: fn(vms: usize) -> String,
    pub stays: &'static str,
    pub waits_until_off: &'static str,
    pub only_failed: fn(vms: usize) -> String,
}
