//! What a round is about.

use std::collections::BTreeMap;
use std::time::Duration;

use ecoman_esxi::{Host, Session};
use ecoman_model::{NodeFacts, Timestamp, VmRecord, Vmid};

use crate::collect::Scope;

/// What a round is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'r> {
    pub(crate) session: &'r Session,
    pub(crate) host: &'r Host,
    pub(crate) scope: Scope,
    pub(crate) timeout: Duration,
    /// The node's facts so far, kept where they cannot be read now.
    pub(crate) known: &'r NodeFacts,
    /// Its VMs so far.
    pub(crate) previous: &'r BTreeMap<Vmid, VmRecord>,
    /// The beginning of the round.
    pub(crate) at: Timestamp,
}
