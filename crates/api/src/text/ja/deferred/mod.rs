//! What the deferred pages show.

mod access;
mod audit;
mod deletion;
mod devices;
mod edit;
mod filter_help;
mod history;
mod new_vm;
mod nodes;
mod parts;
mod power;
mod sign_in;
mod snapshots;
mod tasks;
mod tray;
mod vm;

use crate::text::Deferred;

pub(super) static DEFERRED: Deferred = Deferred {
    parts: parts::PARTS,
    filter_help: filter_help::FILTER_HELP,
    power: power::POWER,
    edit: edit::EDIT,
    vm: vm::VM,
    snapshots: snapshots::SNAPSHOTS,
    devices: devices::DEVICES,
    deletion: deletion::DELETION,
    nodes: nodes::NODES,
    tasks: tasks::TASKS,
    tray: tray::TRAY,
    new_vm: new_vm::NEW_VM,
    access: access::ACCESS,
    audit: audit::AUDIT,
    history: history::HISTORY,
    sign_in: sign_in::SIGN_IN,
};
