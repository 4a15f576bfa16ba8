//! When a part of the page is read from the node: at first, and when a task of the VM has ended.

use std::pin::Pin;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::live::LiveData;
use crate::state::error::Error;
use crate::state::inventory::VmKey;
use crate::state::load::Load;

/// What reads it.
pub(super) type Read<T> = fn(VmKey) -> Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// A part of the page as it was read last.
pub(super) struct Reading<T: Send + Sync + 'static> {
    pub(super) read: RwSignal<Load<T>>,
    /// Whether it is being read.
    pub(super) runs: RwSignal<bool>,
    how: Read<T>,
    key: StoredValue<VmKey>,
    /// Whether it has to be read once more after that.
    again: StoredValue<bool>,
}

impl<T: Send + Sync + 'static> Clone for Reading<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Reading<T> {}

impl<T: Send + Sync + 'static> Reading<T> {
    /// Reads it now, or once more after the reading that runs.
    pub(super) fn again(self) {
        if self.runs.get_untracked() {
            self.again.set_value(true);
            return;
        }
        self.runs.set(true);
        spawn_local(async move {
            loop {
                self.again.try_set_value(false);
                let Some(key) = self.key.try_get_value() else {
                    return;
                };
                let read = (self.how)(key).await;
                if self.read.try_update(|before| before.take(read)).is_none() {
                    // The page is gone.
                    return;
                }
                if self.again.try_get_value() != Some(true) {
                    break;
                }
            }
            self.runs.try_set(false);
        });
    }
}

pub(super) fn reading<T: Send + Sync + 'static>(
    live: LiveData,
    key: VmKey,
    how: Read<T>,
) -> Reading<T> {
    let reading = Reading {
        read: RwSignal::new(Load::default()),
        runs: RwSignal::new(false),
        how,
        key: StoredValue::new(key.clone()),
        again: StoredValue::new(false),
    };
    // The newest task that has ended may have changed it.
    let ended = Memo::new(move |_| {
        live.tasks.with(|tasks| {
            let mut tasks = tasks.data()?.of(&key);
            tasks.find(|task| task.state.is_final()).map(|task| task.id)
        })
    });
    Effect::new(move || {
        // Read, since a memo that is only tracked is never worked out, and so never changes.
        let _newest = ended.get();
        reading.again();
    });
    reading
}
