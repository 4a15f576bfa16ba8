//! What the deferred pages show.

mod access;
mod audit;
mod new_vm;
mod nodes;
mod parts;
mod power;
mod sign_in;
mod tasks;
mod vm;

use crate::text::Deferred;

pub(super) static DEFERRED: Deferred = Deferred {
    parts: parts::PARTS,
    power: power::POWER,
    vm: vm::VM,
    nodes: nodes::NODES,
    tasks: tasks::TASKS,
    new_vm: new_vm::NEW_VM,
    access: access::ACCESS,
    audit: audit::AUDIT,
    sign_in: sign_in::SIGN_IN,
};
