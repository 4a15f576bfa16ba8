//! The tables of the file, by which all else of it is found.

use redb::{TableDefinition, WriteTransaction};

use crate::Revision;

/// Facts about the file itself, by name.
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// The key in [`META`] of the number that says how all the rest is to be read.
pub(super) const FORMAT_KEY: &str = "format";

/// Nodes by name: revision and `NodeRecord` as JSON.
pub(super) const NODES: TableDefinition<&str, (Revision, &[u8])> = TableDefinition::new("nodes");

/// VMs by node and id: `VmRecord` as JSON.
pub(super) const VMS: TableDefinition<(&str, u32), &[u8]> = TableDefinition::new("vms");

/// Tasks by id, so by age: position of the latest change and `Task` as JSON.
pub(super) const TASKS: TableDefinition<u128, (u64, &[u8])> = TableDefinition::new("tasks");

/// Tasks by position of the latest change.
pub(super) const TASK_CHANGES: TableDefinition<u64, u128> = TableDefinition::new("task_changes");

/// Tasks by actor and idempotency key.
pub(super) const TASK_KEYS: TableDefinition<(Option<&str>, &str), u128> =
    TableDefinition::new("task_keys");

/// Refresh requests by id: `RefreshRequest` as JSON. The table keeps the name that it always had.
pub(super) const REFRESH_REQUESTS: TableDefinition<u128, &[u8]> = TableDefinition::new("notes");

/// Changes that wait, by node and id of their VM: `PendingChange` as JSON.
pub(super) const PENDING: TableDefinition<(&str, u32), &[u8]> = TableDefinition::new("pending");

/// The key in [`META`] of the position of the latest change of any task.
pub(super) const TASK_POSITION: &str = "task_position";

/// Entries by id, so by age: `AuditEntry` as JSON.
pub(super) const AUDIT: TableDefinition<u128, &[u8]> = TableDefinition::new("audit");

/// Events by id, so by age: `Event` as JSON.
pub(super) const EVENTS: TableDefinition<u128, &[u8]> = TableDefinition::new("events");

/// Events by VM and id; those of a node that are about none of its VMs with the greatest VM id.
pub(super) const VM_EVENTS: TableDefinition<(&str, u32, u128), ()> =
    TableDefinition::new("vm_events");

/// The names of the tables that [`open_tables`] makes.
pub(super) const TABLES: [&str; 9] = [
    "nodes",
    "vms",
    "tasks",
    "task_changes",
    "task_keys",
    "notes",
    "audit",
    "events",
    "vm_events",
];

/// Makes the tables that are not there.
pub(super) fn open_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(NODES)?;
    transaction.open_table(VMS)?;
    transaction.open_table(TASKS)?;
    transaction.open_table(TASK_CHANGES)?;
    transaction.open_table(TASK_KEYS)?;
    transaction.open_table(REFRESH_REQUESTS)?;
    transaction.open_table(AUDIT)?;
    transaction.open_table(EVENTS)?;
    transaction.open_table(VM_EVENTS)?;
    transaction.open_table(PENDING)?;
    Ok(())
}
