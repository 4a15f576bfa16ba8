//! What is published of the inventory, and handlers answer from: all nodes and VMs at one revision,
//! immutable ([`Snapshot`], which has nothing to do with a VM's snapshots), and the events that led
//! to it.
//!
//! One writer ([`crate::inventory::watcher`]), any number of readers. Every event has its own
//! revision; the snapshot has that of its last event. Revisions start at the microseconds of the
//! server's start, so that they also grow over restarts, and stay below 2^53, the exact integers of
//! JavaScript.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecoman_api::{Event, Node, Searchable, Vm, natural};
use ecoman_model::{HOSTS_WARNING, NodeName, NodeRecord, PendingChange, Vmid};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::http::json::json;
use crate::inventory::error::Error;
use crate::inventory::staleness::StoreFailure;

/// The current snapshot, its subscribers, and the latest events.
#[derive(Debug)]
pub(crate) struct Inventory {
    snapshot: watch::Sender<Arc<Snapshot>>,
    /// The revision of the latest event. The snapshot's may be lower: events of tasks do not change
    /// it.
    latest: watch::Sender<u64>,
    log: Mutex<EventLog>,
}

/// Everything at one revision.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) revision: u64,
    /// Whether the store has been read; before that the snapshot is empty.
    pub(crate) loaded: bool,
    pub(crate) store_failure: Option<StoreFailure>,
    /// Distinguishes the parts that different callers see at one revision; empty for the whole.
    pub(crate) scope: String,
    /// By name, in natural order.
    pub(crate) nodes: Vec<Arc<NodeEntry>>,
    /// By node and id: the default order.
    pub(crate) vms: Vec<Arc<VmEntry>>,
}

/// A node with its VMs.
#[derive(Debug)]
pub(crate) struct NodeEntry {
    pub(crate) record: NodeRecord,
    /// Since when newer data of this node could not be read from the store.
    pub(crate) unreadable: Option<StoreFailure>,
    pub(crate) view: Node,
    /// `view` as JSON.
    pub(crate) json: Arc<str>,
    /// By id.
    pub(crate) vms: Vec<Arc<VmEntry>>,
    /// What waits until one of them is off.
    pub(crate) pending: Vec<PendingChange>,
}

/// A VM, prepared for lists and filters.
#[derive(Debug)]
pub(crate) struct VmEntry {
    pub(crate) view: Vm,
    /// Why the crawler could not read this VM, if its node answered.
    pub(crate) failure: Option<String>,
    /// `view` as JSON.
    pub(crate) json: Arc<str>,
    pub(crate) searchable: Searchable,
}

/// An event as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct SentEvent {
    pub(crate) revision: u64,
    /// Its node; `None`: every client gets it.
    pub(crate) node: Option<Box<str>>,
    /// Its `event` field.
    pub(crate) name: &'static str,
    /// Its `data` field.
    pub(crate) data: Arc<str>,
}

/// The events that a reader has missed.
#[derive(Debug)]
pub(crate) enum Missed {
    /// These events, the oldest first; may be empty.
    Events(Vec<SentEvent>),
    /// More than the log holds, or those of another run of the server: the reader must load the
    /// lists again, which are at this revision or later.
    TooMuch(u64),
}

impl Inventory {
    /// An empty inventory at `revision`.
    pub(crate) fn new(revision: u64) -> Self {
        let (snapshot, _) = watch::channel(Arc::new(Snapshot {
            revision,
            loaded: false,
            store_failure: None,
            scope: String::new(),
            nodes: Vec::new(),
            vms: Vec::new(),
        }));
        let (latest, _) = watch::channel(revision);
        Self {
            snapshot,
            latest,
            log: Mutex::new(EventLog {
                latest: revision,
                forgotten: revision,
                events: VecDeque::new(),
                bytes: 0,
            }),
        }
    }

    /// The current snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// A receiver of the revision of every new event and snapshot.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// The events after `revision`, at most `count`.
    pub(crate) fn since(&self, revision: u64, count: usize) -> Missed {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .since(revision, count)
    }

    /// Replaces the snapshot. Each event gets the next revision, even if the log cannot hold it for
    /// late readers.
    pub(crate) fn replace(&self, mut next: Snapshot, events: Vec<SentEvent>) {
        // Locked until the end: no reader may see an event before its snapshot.
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            log.push(event);
        }
        next.revision = log.latest;
        self.snapshot.send_replace(Arc::new(next));
        self.latest.send_replace(log.latest);
    }

    /// Publishes events that do not change the snapshot. Each gets the next revision.
    pub(crate) fn publish(&self, events: Vec<SentEvent>) {
        if events.is_empty() {
            return;
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            log.push(event);
        }
        self.latest.send_replace(log.latest);
    }

    /// Sets the first snapshot, which is too large for events.
    pub(crate) fn load(&self, mut next: Snapshot) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.forget_all();
        next.revision = log.latest;
        self.snapshot.send_replace(Arc::new(next));
        self.latest.send_replace(log.latest);
    }
}

impl Snapshot {
    /// A snapshot of these nodes; [`Inventory::replace`] sets its revision.
    pub(crate) fn new(mut nodes: Vec<Arc<NodeEntry>>, store_failure: Option<StoreFailure>) -> Self {
        nodes.sort_by(|a, b| {
            natural(&a.view.name, &b.view.name).then_with(|| a.view.name.cmp(&b.view.name))
        });
        Self {
            revision: 0,
            loaded: true,
            store_failure,
            scope: String::new(),
            vms: nodes
                .iter()
                .flat_map(|node| node.vms.iter().cloned())
                .collect(),
            nodes,
        }
    }

    /// The part that a caller limited to these nodes sees.
    pub(crate) fn only(&self, names: &BTreeSet<NodeName>) -> Self {
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| names.contains(&node.record.name))
            .cloned()
            .collect();
        let mut hash = Sha256::new();
        for node in &nodes {
            // Names contain no line end.
            hash.update(node.record.name.as_str());
            hash.update("\n");
        }
        Self {
            revision: self.revision,
            loaded: self.loaded,
            store_failure: self.store_failure.clone(),
            scope: format!(".{}", URL_SAFE_NO_PAD.encode(hash.finalize())),
            vms: nodes
                .iter()
                .flat_map(|node| node.vms.iter().cloned())
                .collect(),
            nodes,
        }
    }

    /// Why the crawler cannot use hosts.yml as it is now, if it has reported that.
    pub(crate) fn hosts_problem(&self) -> Option<&str> {
        let mut warnings = self.nodes.iter().flat_map(|node| &node.record.warnings);
        warnings.find_map(|warning| warning.strip_prefix(HOSTS_WARNING))
    }

    /// The node of this name.
    pub(crate) fn node(&self, name: &str) -> Option<&Arc<NodeEntry>> {
        self.nodes.iter().find(|node| node.view.name == name)
    }

    /// The node of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NodeNotFound`].
    pub(crate) fn find_node(&self, name: &str) -> Result<&Arc<NodeEntry>, Error> {
        let node = self.node(name);
        node.ok_or_else(|| Error::NodeNotFound(name.to_owned()))
    }

    /// A node and a VM of it, by the parameters of a path. An invalid id names no VM.
    ///
    /// # Errors
    ///
    /// [`Error::NodeNotFound`]; [`Error::VmNotFound`].
    pub(crate) fn find_vm(
        &self,
        node: &str,
        vmid: &str,
    ) -> Result<(&Arc<NodeEntry>, &Arc<VmEntry>), Error> {
        let entry = self.find_node(node)?;
        let id = vmid.parse::<Vmid>().ok();
        let vm = id.and_then(|id| self.vm(node, id.0));
        let vm = vm.ok_or_else(|| Error::VmNotFound {
            node: node.to_owned(),
            vmid: vmid.to_owned(),
        })?;
        Ok((entry, vm))
    }

    /// The VM with this id on the node of this name.
    pub(crate) fn vm(&self, node: &str, vmid: u32) -> Option<&Arc<VmEntry>> {
        let vms = &self.node(node)?.vms;
        let index = vms.binary_search_by_key(&vmid, |vm| vm.view.vmid).ok()?;
        vms.get(index)
    }
}

impl NodeEntry {
    /// What waits of a VM.
    pub(crate) fn pending_of(&self, vm: &VmEntry) -> Option<&PendingChange> {
        let mut pending = self.pending.iter();
        pending.find(|change| change.is_of(vm.view.vmid, vm.view.uuid.as_deref()))
    }
}

impl AsRef<Vm> for VmEntry {
    fn as_ref(&self) -> &Vm {
        &self.view
    }
}

impl VmEntry {
    /// Prepares a VM.
    pub(crate) fn new(view: Vm, failure: Option<String>) -> Self {
        Self {
            json: json(&view),
            searchable: Searchable::new(&view),
            view,
            failure,
        }
    }
}

impl SentEvent {
    /// An event with the JSON of a VM or node; publishing sets its revision.
    pub(crate) fn prepared(name: &'static str, node: &str, data: &Arc<str>) -> Self {
        Self {
            revision: 0,
            node: Some(node.into()),
            name,
            data: Arc::clone(data),
        }
    }

    /// An event at a revision.
    pub(crate) fn new(revision: u64, event: &Event) -> Self {
        let (name, node, data) = match event {
            Event::Vm(vm) => ("vm", Some(&vm.node), json(vm)),
            Event::VmRemoved(removed) => ("vm_removed", Some(&removed.node), json(removed)),
            Event::Node(node) => ("node", Some(&node.name), json(node)),
            Event::NodeRemoved(removed) => ("node_removed", Some(&removed.name), json(removed)),
            Event::Task(task) => ("task", Some(&task.node), json(task)),
            Event::Config(config) => ("config", None, json(config)),
            Event::Reset(reset) => ("reset", None, json(reset)),
            Event::Ping(ping) => ("ping", None, json(ping)),
        };
        Self {
            revision,
            node: node.map(|node| node.as_str().into()),
            name,
            data,
        }
    }
}

/// The latest events, for readers that reconnect.
#[derive(Debug)]
struct EventLog {
    /// Revision of the newest event.
    latest: u64,
    /// Revision of the newest event that is no longer among `events`.
    forgotten: u64,
    events: VecDeque<SentEvent>,
    /// Size of the data of `events`.
    bytes: usize,
}

/// Some minutes of a hundred nodes; for a reader that missed more, loading the lists is cheaper.
const REMEMBERED_BYTES: usize = 8 * 1024 * 1024;

impl EventLog {
    fn push(&mut self, mut event: SentEvent) {
        self.latest += 1;
        event.revision = self.latest;
        self.bytes += event.data.len();
        self.events.push_back(event);
        while self.bytes > REMEMBERED_BYTES
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.data.len();
            self.forgotten = oldest.revision;
        }
    }

    fn forget_all(&mut self) {
        self.latest += 1;
        self.forgotten = self.latest;
        self.events.clear();
        self.bytes = 0;
    }

    fn since(&self, revision: u64, count: usize) -> Missed {
        if !(self.forgotten..=self.latest).contains(&revision) {
            return Missed::TooMuch(self.latest);
        }
        // Revisions are without gaps.
        let seen = usize::try_from(revision - self.forgotten).unwrap_or(usize::MAX);
        Missed::Events(self.events.iter().skip(seen).take(count).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> EventLog {
        EventLog {
            latest: 100,
            forgotten: 100,
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    fn push(log: &mut EventLog, bytes: usize) {
        log.push(SentEvent::prepared("vm", "a", &"x".repeat(bytes).into()));
    }

    #[track_caller]
    fn check(log: &EventLog, seen: u64, count: usize, expected: Result<&[u64], u64>) {
        let missed = match log.since(seen, count) {
            Missed::Events(events) => Ok(events.iter().map(|event| event.revision).collect()),
            Missed::TooMuch(revision) => Err(revision),
        };
        assert_eq!(missed, expected.map(<[u64]>::to_vec));
    }

    #[test]
    fn a_reader_gets_what_it_has_missed_in_order() {
        let mut log = log();
        check(&log, 100, 9, Ok(&[]));
        for _ in 0..4 {
            push(&mut log, 1);
        }
        check(&log, 100, 9, Ok(&[101, 102, 103, 104]));
        check(&log, 102, 9, Ok(&[103, 104]));
        check(&log, 101, 2, Ok(&[102, 103]));
        check(&log, 104, 9, Ok(&[]));
    }

    #[test]
    fn a_reader_of_another_time_is_asked_to_load_again() {
        let mut log = log();
        push(&mut log, 1);
        check(&log, 99, 9, Err(101));
        check(&log, 102, 9, Err(101));
        log.forget_all();
        check(&log, 101, 9, Err(102));
        check(&log, 102, 9, Ok(&[]));
    }

    #[test]
    fn old_events_are_forgotten_when_there_are_too_many() {
        let mut log = log();
        for _ in 0..3 {
            push(&mut log, REMEMBERED_BYTES / 2);
        }
        check(&log, 100, 9, Err(103));
        check(&log, 101, 9, Ok(&[102, 103]));
        push(&mut log, REMEMBERED_BYTES + 1);
        check(&log, 103, 9, Err(104));
        check(&log, 104, 9, Ok(&[]));
        assert_eq!(log.bytes, 0);
    }
}
