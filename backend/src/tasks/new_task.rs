//! A task before it is made.

use ecoman_model::{Actor, NodeName, Task, TaskRequest};

use super::error::Error;

/// A task that is requested.
#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    pub(crate) node: NodeName,
    pub(crate) request: TaskRequest,
    pub(crate) vm_name: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) request_id: String,
    pub(crate) actor: Actor,
}

/// The task of a key that was used before, if the new request is the same.
///
/// # Errors
///
/// [`Error::KeyReused`].
pub(super) fn same_task(known: Task, new_task: &NewTask) -> Result<Task, Error> {
    if known.node == new_task.node && known.request == new_task.request {
        Ok(known)
    } else {
        Err(Error::KeyReused(known.id))
    }
}
