//! One change at a time: the locks of a node, by the name of what is being changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ecoman_model::{TaskRequest, Vmid};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What is being changed on a node, by name.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl Locks {
    /// Waits until nobody else changes `what`; as long as the guard is held, nobody does.
    pub(crate) async fn acquire(&self, what: String) -> OwnedMutexGuard<()> {
        self.of(what).lock_owned().await
    }

    fn of(&self, what: String) -> Arc<AsyncMutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody holds or waits for are of no more use.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(what).or_default())
    }
}

/// What nobody else may change meanwhile. An answer is what a change of power waits for.
pub(crate) fn lock_of(request: &TaskRequest) -> String {
    match request {
        TaskRequest::Power { vmid, .. } => lock_of_vm(*vmid),
        TaskRequest::Create(vm) | TaskRequest::CleanUp { vm, .. } => {
            format!("name {}", vm.name.to_lowercase())
        }
        TaskRequest::Answer { vmid, .. } => format!("question of vm {vmid}"),
    }
}

/// What is locked while a VM is changed.
pub(crate) fn lock_of_vm(vmid: Vmid) -> String {
    format!("vm {vmid}")
}
