//! Watches the store and the clock, and is the only writer of the snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ecoman_api::{ConfigChanged, Event, NodeRemoved, Vm, VmRemoved};
use ecoman_model::{NodeName, NodeRecord, NodeState, PendingChange};
use ecoman_store::{Revision, Store, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock::Clock;
use crate::error_chain::chain;
use crate::http::json::json;
use crate::inventory::published::{Inventory, NodeEntry, SentEvent, Snapshot, VmEntry};
use crate::inventory::staleness::{self, StoreFailure, StoreFailures};
use crate::inventory::view;
use crate::inventory::writability::Writability;

/// Watches the store until dropped.
pub(crate) struct Watcher {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) writability: Arc<Writability>,
    pub(crate) clock: Clock,
    pub(crate) derived: view::Derived,
}

/// How often staleness is computed: something becomes stale this much late at most.
const TICK: Duration = Duration::from_secs(1);

/// The delay before a failed read of the store is repeated.
const RETRY: Duration = Duration::from_secs(1);

impl Watcher {
    /// Never returns. Retries while the store does not answer.
    pub(crate) async fn run(self) {
        let mut known: BTreeMap<NodeName, Revision> = BTreeMap::new();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let result = {
                let work = self.look(&known);
                tokio::pin!(work);
                loop {
                    tokio::select! {
                        result = &mut work => break result,
                        _ = tick.tick() => self.refresh(),
                    }
                }
            };
            match result {
                Ok(look) => {
                    self.recover();
                    let again_soon = !look.unreadable.is_empty();
                    known = self.apply(look);
                    if again_soon {
                        sleep(RETRY).await;
                    }
                }
                Err(error) => {
                    self.fail(&error);
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Waits for changes and reads the nodes that have changed.
    async fn look(&self, known: &BTreeMap<NodeName, Revision>) -> Result<Look, StoreError> {
        let (loaded, failing) = {
            let snapshot = self.inventory.snapshot();
            (snapshot.loaded, snapshot.store_failure.is_some())
        };
        let revisions = if loaded && !failing {
            self.store.changed(known).await?
        } else {
            // At the start and after a failure: without waiting for a change.
            self.store.revisions().await?
        };
        let mut look = Look {
            revisions,
            states: Vec::new(),
            unreadable: BTreeMap::new(),
        };
        for (name, revision) in &look.revisions {
            if known.get(name) == Some(revision) {
                continue;
            }
            match self.store.node_state(name).await {
                // `None`: removed in between; the next revisions will not have it.
                Ok(state) => look.states.extend(state.map(|state| self.seen(state))),
                // An unreadable node must not hide the others.
                Err(error) => {
                    look.unreadable.insert(name.clone(), chain(&error));
                }
            }
        }
        Ok(look)
    }

    /// The API view of a node without staleness, which depends on the clock.
    fn seen(&self, state: NodeState) -> SeenNode {
        let NodeState {
            node: record,
            vms,
            pending,
        } = state;
        let vms = vms
            .into_iter()
            .map(|vm| {
                let failure = vm.failure.clone();
                let mut vm = view::vm(vm, &record, &self.derived);
                view::set_pending(&mut vm, &pending);
                (vm, failure)
            })
            .collect();
        SeenNode {
            record,
            vms,
            pending,
        }
    }

    /// Applies changes to the snapshot and publishes them. Returns the nodes' revisions in it.
    fn apply(&self, look: Look) -> BTreeMap<NodeName, Revision> {
        let Look {
            mut revisions,
            states,
            unreadable,
        } = look;
        let old = self.inventory.snapshot();
        let now = (self.clock)();
        let mut events = Vec::new();

        let mut nodes = Vec::with_capacity(revisions.len());
        for node in &old.nodes {
            if revisions.contains_key(&node.record.name) {
                nodes.push(Arc::clone(node));
            } else {
                events.extend(node.vms.iter().map(|vm| vm_removed(vm)));
                let name = node.view.name.clone();
                events.push(SentEvent::new(0, &Event::NodeRemoved(NodeRemoved { name })));
            }
        }
        let unwritable = self.writability.failure();
        for state in states {
            let store = StoreFailures {
                reading: old.store_failure.as_ref(),
                writing: unwritable.as_ref(),
            };
            let reason = staleness::of_node(&state.record, store, now);
            let place = nodes
                .iter_mut()
                .find(|node| node.record.name == state.record.name);
            let before = place.as_deref().map(Arc::as_ref);
            let entry = Arc::new(entry(state, reason, before, &mut events));
            match place {
                Some(place) => *place = entry,
                None => nodes.push(entry),
            }
        }
        for (name, message) in unreadable {
            tracing::error!(node = %name, error = message, "cannot read a host from the database");
            revisions.remove(&name);
            if let Some(node) = nodes.iter_mut().find(|node| node.record.name == name)
                && node.unreadable.is_none()
            {
                *node = Arc::new(NodeEntry {
                    record: node.record.clone(),
                    unreadable: Some(StoreFailure {
                        since: now,
                        message,
                    }),
                    view: node.view.clone(),
                    json: Arc::clone(&node.json),
                    vms: node.vms.clone(),
                    pending: node.pending.clone(),
                });
            }
        }

        let next = Snapshot::new(nodes, old.store_failure.clone());
        if next.hosts_problem() != old.hosts_problem() {
            events.push(SentEvent::new(0, &Event::Config(ConfigChanged {})));
        }
        if old.loaded {
            self.inventory.replace(next, events);
        } else {
            tracing::info!(
                nodes = next.nodes.len(),
                vms = next.vms.len(),
                "read the store"
            );
            self.inventory.load(next);
        }
        revisions
    }

    /// Computes staleness by the clock, and publishes its changes.
    fn refresh(&self) {
        let old = self.inventory.snapshot();
        let now = (self.clock)();
        let mut events = Vec::new();
        let unwritable = self.writability.failure();
        let nodes: Vec<_> = old
            .nodes
            .iter()
            .map(|node| {
                let store = StoreFailures {
                    reading: old.store_failure.as_ref().or(node.unreadable.as_ref()),
                    writing: unwritable.as_ref(),
                };
                let reason = staleness::of_node(&node.record, store, now);
                if reason == node.view.stale_reason {
                    Arc::clone(node)
                } else {
                    Arc::new(restale(node, reason, &mut events))
                }
            })
            .collect();
        if !events.is_empty() {
            self.inventory
                .replace(Snapshot::new(nodes, old.store_failure.clone()), events);
        }
    }

    /// Records since when the store fails, and keeps the first message: a new one would change
    /// every VM each time.
    fn fail(&self, error: &StoreError) {
        let old = self.inventory.snapshot();
        if old.store_failure.is_none() {
            let failure = StoreFailure {
                since: (self.clock)(),
                message: chain(error),
            };
            tracing::error!(
                error = failure.message,
                "cannot read the database: serving the last data read"
            );
            self.set_store_failure(&old, Some(failure));
        }
        self.refresh();
    }

    fn recover(&self) {
        let old = self.inventory.snapshot();
        if old.store_failure.is_some() {
            tracing::info!("the database is responding again");
            self.set_store_failure(&old, None);
            self.refresh();
        }
    }

    fn set_store_failure(&self, old: &Snapshot, store_failure: Option<StoreFailure>) {
        self.inventory.replace(
            Snapshot {
                revision: old.revision,
                loaded: old.loaded,
                store_failure,
                scope: old.scope.clone(),
                nodes: old.nodes.clone(),
                vms: old.vms.clone(),
            },
            Vec::new(),
        );
    }
}

/// The changes that one read of the store returned.
struct Look {
    revisions: BTreeMap<NodeName, Revision>,
    /// The nodes that have changed.
    states: Vec<SeenNode>,
    /// The nodes that have changed but could not be read, and why.
    unreadable: BTreeMap<NodeName, String>,
}

/// A node from the store. Its VMs are converted to views at once: the records of ten thousand
/// would take as much memory as the snapshot.
struct SeenNode {
    record: NodeRecord,
    /// Each with why the crawler could not read it, if it could not.
    vms: Vec<(Vm, Option<String>)>,
    pending: Vec<PendingChange>,
}

/// The entry of a node, and the events of its changes: VMs first, then the node, whose event says
/// that its VMs have been seen.
fn entry(
    seen: SeenNode,
    reason: Option<String>,
    before: Option<&NodeEntry>,
    events: &mut Vec<SentEvent>,
) -> NodeEntry {
    let SeenNode {
        record,
        vms,
        pending,
    } = seen;
    let old_vms: BTreeMap<u32, &Arc<VmEntry>> = before
        .iter()
        .flat_map(|node| &node.vms)
        .map(|vm| (vm.view.vmid, vm))
        .collect();
    let mut entries: Vec<Arc<VmEntry>> = Vec::with_capacity(vms.len());
    for (mut view, failure) in vms {
        view::set_staleness(&mut view, reason.as_deref(), failure.as_deref());
        let old = old_vms.get(&view.vmid).copied();
        let entry = match old {
            Some(old) if old.view == view => Arc::clone(old),
            _ => Arc::new(VmEntry::new(view, failure)),
        };
        if old.is_none_or(|old| !Arc::ptr_eq(old, &entry) && !same_but_for_time(old, &entry)) {
            events.push(SentEvent::prepared("vm", &entry.view.node, &entry.json));
        }
        entries.push(entry);
    }
    entries.sort_by_key(|vm| vm.view.vmid);
    for (vmid, vm) in old_vms {
        if entries
            .binary_search_by_key(&vmid, |vm| vm.view.vmid)
            .is_err()
        {
            events.push(vm_removed(vm));
        }
    }
    node_entry(record, entries, pending, reason, events)
}

/// The same node with another reason for staleness.
fn restale(old: &NodeEntry, reason: Option<String>, events: &mut Vec<SentEvent>) -> NodeEntry {
    let vms = old
        .vms
        .iter()
        .map(|vm| {
            let mut view = vm.view.clone();
            view::set_staleness(&mut view, reason.as_deref(), vm.failure.as_deref());
            if view == vm.view {
                return Arc::clone(vm);
            }
            let entry = Arc::new(VmEntry::new(view, vm.failure.clone()));
            events.push(SentEvent::prepared("vm", &entry.view.node, &entry.json));
            entry
        })
        .collect();
    NodeEntry {
        unreadable: old.unreadable.clone(),
        ..node_entry(old.record.clone(), vms, old.pending.clone(), reason, events)
    }
}

/// Prepares a node. It always has an event: at least its VMs have been seen again.
fn node_entry(
    record: NodeRecord,
    vms: Vec<Arc<VmEntry>>,
    pending: Vec<PendingChange>,
    reason: Option<String>,
    events: &mut Vec<SentEvent>,
) -> NodeEntry {
    let view = view::node(&record, vms.iter().map(|vm| &vm.view), reason);
    let json = json(&view);
    events.push(SentEvent::prepared("node", &view.name, &json));
    NodeEntry {
        record,
        unreadable: None,
        view,
        json,
        vms,
        pending,
    }
}

fn vm_removed(vm: &VmEntry) -> SentEvent {
    let removed = VmRemoved {
        node: vm.view.node.clone(),
        vmid: vm.view.vmid,
    };
    SentEvent::new(0, &Event::VmRemoved(removed))
}

/// Whether only the time of observation differs, which the node's event says.
fn same_but_for_time(old: &VmEntry, new: &VmEntry) -> bool {
    let moved = Vm {
        observed_at: new.view.observed_at,
        ..old.view.clone()
    };
    moved == new.view
}
