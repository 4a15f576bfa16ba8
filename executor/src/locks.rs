//! One change at a time: the locks of a node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ecoman_model::LockName;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The locks of everything that is being changed on a node.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<LockName, Arc<AsyncMutex<()>>>>);

impl Locks {
    /// Waits for the lock of `what`; nothing else changes it while the guard is held.
    pub(crate) async fn acquire(&self, what: LockName) -> OwnedMutexGuard<()> {
        self.of(what).lock_owned().await
    }

    fn of(&self, what: LockName) -> Arc<AsyncMutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Drop locks that no task holds or waits for.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(what).or_default())
    }
}
