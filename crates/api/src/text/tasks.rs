//! Tasks: their titles.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use ecoman_model::PowerAction;

/// The texts of tasks that the servers write.
#[derive(Clone, Copy, Debug)]
pub struct Tasks {
    /// The title of a change of power, with the VM's name and its node.
    pub power_title: fn(action: PowerAction, vm: &str, node: &str) -> String,
    pub create_title: fn(vm: &str, node: &str) -> String,
    pub answer_title: fn(vm: &str, node: &str) -> String,
    pub clean_up_title: fn(vm: &str, node: &str) -> String,
    /// A VM without a name.
    pub vm_by_id: fn(vmid: u32) -> String,
    /// A VM of which neither name nor id is known.
    pub some_vm: &'static str,
}
