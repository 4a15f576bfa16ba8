//! Rounds of the crawler, and the records that the store keeps of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Collecting, LastKnown, NodeFacts, NodeName, NodeSettings, PendingChange, Timestamp, VmFacts,
    VmKey, Vmid,
};

/// How the warning begins that every node has while hosts.yml has changed and cannot be used.
pub const HOSTS_WARNING: &str =
    "hosts.yml has changed and cannot be used; what it said before holds: ";

/// One VM as the crawler last saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmRecord {
    /// Which VM.
    #[serde(flatten)]
    pub key: VmKey,
    /// The last facts that could be read.
    pub facts: VmFacts,
    /// When `facts` were read. A later round that read the very same facts need not move it:
    /// see [`VmRecord::seen_at`].
    pub observed_at: Timestamp,
    /// Why the last round could not read this VM again though its node answered: a sentence for
    /// the user. `None`: the facts are those of the node's last round.
    pub failure: Option<String>,
    /// What the guest reported before and does not report now.
    #[serde(default, skip_serializing_if = "LastKnown::is_empty")]
    pub last_known: LastKnown,
}

impl VmRecord {
    /// Remembers what the guest reported before and does not report now. `before` is the record so
    /// far, and `node` that of its node from then.
    pub fn remember(&mut self, before: Option<&Self>, node: Option<&NodeRecord>) {
        self.last_known = before.map_or_else(LastKnown::default, |before| {
            let seen_at = node.map_or(before.observed_at, |node| before.seen_at(node));
            LastKnown::beside(&self.facts, &before.facts, &before.last_known, seen_at)
        });
    }

    /// When these facts were last seen to be true: the later of the record's own time and, as
    /// long as the VM could be read, that of the last round that read it. (A round writes only
    /// what changed, so a VM that stays as it is keeps an old `observed_at`.)
    #[must_use]
    pub fn seen_at(&self, node: &NodeRecord) -> Timestamp {
        match (&self.failure, node.read_at(self.key.vmid)) {
            (None, Some(round)) => self.observed_at.max(round),
            _ => self.observed_at,
        }
    }

    /// Whether both say the same of the same VM, whenever they were read.
    #[must_use]
    pub fn same_but_for_time(&self, other: &Self) -> bool {
        self.key == other.key
            && self.facts == other.facts
            && self.failure == other.failure
            && self.last_known == other.last_known
    }
}

/// One node as the crawler last saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Which node.
    pub name: NodeName,
    /// Its settings in `hosts.yml`.
    pub settings: NodeSettings,
    /// The last facts that could be read; `None` before the first answer.
    pub facts: Option<NodeFacts>,
    /// When the last round with a complete VM list began; `None` before the first.
    pub observed_at: Option<Timestamp>,
    /// When its VMs were read where a round reads a share of them only: at place `i` those whose
    /// id leaves `i` when it is divided by the number of places. Empty: all at `observed_at`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vms_read_at: Vec<Timestamp>,
    /// When the last round ended, whatever its outcome; `None`: not tried yet.
    pub attempted_at: Option<Timestamp>,
    /// When the next round is due.
    pub next_attempt_at: Option<Timestamp>,
    /// The crawler's interval (`CRAWLER_INTERVAL`).
    pub interval_seconds: u64,
    /// How long the last round took.
    pub round_millis: Option<u64>,
    /// Why the last round brought no complete VM list; `None`: it did.
    pub failure: Option<NodeFailure>,
    /// What went wrong in the last round without spoiling it (a command of its own facts that
    /// failed, VMs that could not be read): sentences for the user.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How it is asked; `None`: not said by the crawler that recorded it.
    #[serde(default)]
    pub collecting: Option<Collecting>,
}

impl NodeRecord {
    /// When a VM was read last, as far as it could be read.
    #[must_use]
    pub fn read_at(&self, vmid: Vmid) -> Option<Timestamp> {
        read_at(vmid, &self.vms_read_at, self.observed_at)
    }

    /// When each of its VMs had been read since.
    #[must_use]
    pub fn all_read_at(&self) -> Option<Timestamp> {
        let oldest = self.vms_read_at.iter().min().copied();
        oldest.or(self.observed_at)
    }
}

/// When a VM was read last, by when each share of the VMs was
/// ([`NodeRecord::vms_read_at`]) and when all of them were.
#[must_use]
pub fn read_at(vmid: Vmid, shares: &[Timestamp], all: Option<Timestamp>) -> Option<Timestamp> {
    let id = usize::try_from(vmid.0).ok();
    match id.and_then(|id| id.checked_rem(shares.len())) {
        Some(place) => shares.get(place).copied(),
        None => all,
    }
}

/// Why a node did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeError))]
pub struct NodeFailure {
    /// Kind of failure.
    // It decides how soon the crawler tries again.
    pub kind: FailureKind,
    /// What happened, in one sentence that names the node.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "hoge: the host key of 192.0.2.10 is not known")
    )]
    pub message: String,
    /// What to do about it.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Compare and pin it with: ecoman trust hoge")
    )]
    pub hint: String,
    /// Since when no round has succeeded.
    pub since: DateTime<Utc>,
}

/// Kinds of failure of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Its entry in `hosts.yml` cannot be used (an unreadable key file, say).
    Configuration,
    /// No TCP connection: wrong address, node down, SSH off, firewall.
    Unreachable,
    /// Its SSH host key is not known, or is another than the known one.
    HostKey,
    /// It refused the login.
    Authentication,
    /// It was connected and did not answer in time.
    Timeout,
    /// It closed the connection or refuses sessions.
    Disconnected,
    /// Its management agent (hostd) does not answer.
    Hostd,
    /// It answered with something that cannot be read.
    Protocol,
}

/// A node with its VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    /// The node.
    pub node: NodeRecord,
    /// Its VMs by id.
    pub vms: Vec<VmRecord>,
    /// What waits until one of them is off, by id.
    pub pending: Vec<PendingChange>,
}

/// The result of one round on one node, as the crawler hands it to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The node after the round.
    pub node: NodeRecord,
    /// Its VMs after the round.
    pub vms: RoundVms,
}

/// The VMs of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundVms {
    /// The node listed its VMs: these are all it has, every other one is gone.
    Complete(Vec<VmRecord>),
    /// The node did not answer: its VMs stay as they are.
    Unchanged,
}
