//! Whether the store takes changes: checked now and then, and whenever it has refused one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecoman_store::{Store, StoreError};
use tokio::time::{Instant, sleep, timeout};

use crate::clock::Clock;
use crate::error_chain::chain;
use crate::inventory::error::StoreUnavailable;
use crate::inventory::staleness::StoreFailure;

/// What is known of it. Only [`Writability::watch`] and requests for changes check it.
pub(crate) struct Writability {
    store: Arc<dyn Store>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failure: Option<StoreFailure>,
    logged: Option<Instant>,
}

/// How often a store that takes changes is checked: a refused write is noticed at once anyway.
const INTERVAL: Duration = Duration::from_secs(30);

/// How often one that takes none is checked.
const RETRY: Duration = Duration::from_secs(5);

/// How long a check may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// While the database is read-only, the log has one line in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

impl Writability {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            state: Mutex::default(),
        }
    }

    /// Since when the database is read-only, and why; `None`: it is writable, as far as is known.
    pub(crate) fn failure(&self) -> Option<StoreFailure> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failure.clone()
    }

    /// Fails where the database is read-only. Checks again first, so that space that was freed
    /// counts at once.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable::Unwritable`].
    pub(crate) async fn ensure(&self) -> Result<(), StoreUnavailable> {
        if self.failure().is_some() {
            self.check().await;
        }
        match self.failure() {
            None => Ok(()),
            Some(failure) => Err(StoreUnavailable::Unwritable(failure.message)),
        }
    }

    /// Checks until dropped, and calls `changed` when the answer is another one.
    pub(crate) async fn watch(self: Arc<Self>, changed: impl Fn()) {
        loop {
            let before = self.failure();
            self.check().await;
            let now = self.failure();
            if before != now {
                changed();
            }
            match now {
                None => {
                    let _ = timeout(INTERVAL, self.store.write_refused()).await;
                }
                Some(_) => sleep(RETRY).await,
            }
        }
    }

    async fn check(&self) {
        match timeout(PATIENCE, self.store.check_write()).await {
            Ok(Ok(())) => self.recovered(),
            // Whether it takes changes is not known; that it does not answer is reported elsewhere.
            Err(_) | Ok(Err(StoreError::Away { .. })) => {}
            Ok(Err(error)) => self.failed(&error),
        }
    }

    fn recovered(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.take().is_some() {
            state.logged = None;
            tracing::info!("the database is writable again");
        }
    }

    fn failed(&self, error: &StoreError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state
            .failure
            .as_ref()
            .map_or_else(|| (self.clock)(), |it| it.since);
        state.failure = Some(StoreFailure {
            since,
            message: reason(error),
        });
        if state.logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            state.logged = Some(Instant::now());
            tracing::error!(
                %since,
                error = chain(error),
                "the database is read-only: serving the last data read, refusing changes"
            );
        }
    }
}

/// What people can do about it, without the server's paths.
fn reason(error: &StoreError) -> String {
    error
        .unwritable()
        .map_or_else(|| error.to_string(), |problem| problem.to_string())
}
