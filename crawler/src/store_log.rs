//! What the log says while the store fails: one line for all nodes, once in a while.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ecoman_model::NodeName;
use ecoman_store::StoreError;
use tokio::time::Instant;

/// While the store fails, the log says so this often.
const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The nodes whose rounds are not recorded.
#[derive(Debug, Default)]
pub(crate) struct StoreLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    unrecorded: BTreeSet<NodeName>,
    logged: Option<Instant>,
}

impl StoreLog {
    /// The store did not take what was seen of a node.
    pub(crate) fn failed(&self, node: &NodeName, error: &StoreError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unrecorded.insert(node.clone());
        if state.logged.is_none_or(|at| at.elapsed() >= INTERVAL) {
            state.logged = Some(Instant::now());
            tracing::error!(
                %node,
                nodes = state.unrecorded.len(),
                error = error as &dyn std::error::Error,
                "cannot write to the database; retrying"
            );
        }
    }

    /// It took it.
    pub(crate) fn worked(&self, node: &NodeName) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.unrecorded.remove(node) && state.unrecorded.is_empty() {
            state.logged = None;
            tracing::info!("writing to the database works again");
        }
    }

    /// The node is no longer in hosts.yml.
    pub(crate) fn left(&self, node: &NodeName) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unrecorded.remove(node);
    }
}
