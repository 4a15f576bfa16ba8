//! The lines of the history.

use ecoman_model::{Event, Initiator};

/// The texts of the history that the servers write.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// What happened, without where and to what: `Memory 32.0 GB → 64.0 GB`.
    pub sentence: fn(event: &Event) -> String,
    /// Whose doing it was, where it was no user's: `outside ECoMan`. `None`: nobody's.
    pub initiator: fn(initiator: Initiator) -> Option<&'static str>,
}
