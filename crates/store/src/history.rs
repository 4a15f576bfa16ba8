//! The history: what happened to nodes and VMs, and which tasks ended.
//!
//! The stores derive events from what a round changes, in the same write. So an event is never
//! lost, never doubled and never made of a reading that failed: such a VM or node keeps its facts.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{SubsecRound as _, TimeDelta};
use ecoman_model::{
    EndedTask, Event, EventKind, NodeName, NodeRecord, PowerState, Round, RoundVms, Task,
    TaskState, Timestamp, VmKey, VmRecord, Vmid,
};
use uuid::{Builder, Uuid};

use crate::StoreError;

/// How long a page of the history searches by default.
const PATIENCE: Duration = Duration::from_millis(200);

/// Changes of a VM's address within this time are one event.
pub(crate) const FLAPPING: TimeDelta = TimeDelta::hours(1);

/// So many of the newest tasks are compared with a round's events.
pub(crate) const TASKS_COMPARED: usize = 200;

/// Keeps the history.
///
/// [`Store::record_round`](crate::Store::record_round), [`Store::record_vm`](crate::Store::record_vm)
/// and [`TaskStore::update_task`](crate::TaskStore::update_task) write it. For the rest see
/// [`Store`](crate::Store).
#[async_trait]
pub trait HistoryStore: Send + Sync + std::fmt::Debug {
    /// The events that a query wants, newest first. A search that takes longer than
    /// [`HistoryQuery::patience`] returns what it has found so far, and where it goes on.
    async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError>;

    /// Forgets events from before a time. Returns how many.
    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// Which events: those that fit all of these.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// Of this VM.
    pub vm: Option<VmKey>,
    /// Of these nodes and their VMs; empty: of all.
    pub nodes: Vec<NodeName>,
    /// Requested by these users, so ends of tasks only; empty: by anybody or nobody.
    pub users: Vec<String>,
    /// Of these kinds; empty: of all.
    pub kinds: Vec<EventKind>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// From before this time.
    pub until: Option<Timestamp>,
    /// With each word of this text in a name, a value, a user or a reason, in capitals or not; empty:
    /// any.
    pub text: String,
    /// What people read of an event, where the text is looked for, too.
    pub words: Option<fn(&Event) -> String>,
    /// Older than the event with this id: [`HistoryPage::next`] of the page before.
    pub before: Option<Uuid>,
    /// So many at most.
    pub limit: usize,
    /// How long the page may search.
    pub patience: Duration,
}

impl Default for HistoryQuery {
    /// The newest 100 of all.
    fn default() -> Self {
        Self {
            vm: None,
            nodes: Vec::new(),
            users: Vec::new(),
            kinds: Vec::new(),
            since: None,
            until: None,
            text: String::new(),
            words: None,
            before: None,
            limit: 100,
            patience: PATIENCE,
        }
    }
}

/// A page of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// Newest first.
    pub events: Vec<Event>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<Uuid>,
}

impl HistoryQuery {
    /// The ids of the events that can be wanted, by time and page: from the first up to, but not
    /// including, the second.
    pub(crate) fn ids(&self) -> (u128, u128) {
        let first = self.since.map_or(0, first_id_at);
        let until = self.until.map_or(u128::MAX, first_id_at);
        let before = self.before.map_or(u128::MAX, |id| id.as_u128());
        (first, until.min(before))
    }

    /// The words of the text, in small letters.
    fn terms(&self) -> Vec<String> {
        let text = self.text.to_lowercase();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether an event is wanted, whatever its id and its texts.
    fn wants(&self, event: &Event) -> bool {
        let actor = event.task.as_ref().and_then(|task| task.actor.as_ref());
        self.vm
            .as_ref()
            .is_none_or(|vm| vm.node == event.node && event.vmid == Some(vm.vmid))
            && (self.nodes.is_empty() || self.nodes.contains(&event.node))
            && (self.users.is_empty() || actor.is_some_and(|actor| self.users.contains(actor)))
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }

    /// Whether each of the terms is in one of the texts of an event.
    fn are_found_in(&self, terms: &[String], event: &Event) -> bool {
        if terms.is_empty() {
            return true;
        }
        let task = event.task.as_ref();
        let read = self.words.map(|words| words(event));
        let texts: Vec<String> = [
            read.as_deref(),
            Some(event.node.as_str()),
            event.vm_name.as_deref(),
            event.before.as_deref(),
            event.after.as_deref(),
            task.map(|task| task.kind.as_str()),
            task.and_then(|task| task.actor.as_deref()),
            task.and_then(|task| task.error.as_deref()),
        ]
        .into_iter()
        .flatten()
        .map(str::to_lowercase)
        .collect();
        let is_found = |term: &String| texts.iter().any(|text| text.contains(term.as_str()));
        terms.iter().all(is_found)
    }
}

/// A page that grows, event by event in their order.
pub(crate) struct Search<'q> {
    query: &'q HistoryQuery,
    terms: Vec<String>,
    began: Instant,
    page: HistoryPage,
}

impl<'q> Search<'q> {
    pub(crate) fn new(query: &'q HistoryQuery) -> Self {
        Self {
            query,
            terms: query.terms(),
            began: Instant::now(),
            page: HistoryPage::default(),
        }
    }

    /// Adds an event that is wanted. Returns whether the page is complete.
    pub(crate) fn look_at(&mut self, event: Event) -> bool {
        let id = event.id;
        if self.query.wants(&event) && self.query.are_found_in(&self.terms, &event) {
            self.page.events.push(event);
        }
        let full = self.page.events.len() >= self.query.limit.max(1);
        if full || self.began.elapsed() >= self.query.patience {
            self.page.next = Some(id);
            return true;
        }
        false
    }

    /// Whether the search has taken so long that the page ends here, before this id.
    pub(crate) fn pauses_at(&mut self, id: Uuid) -> bool {
        let is_over = self.began.elapsed() >= self.query.patience;
        if is_over {
            self.page.next = Some(id);
        }
        is_over
    }

    /// The page; `more`: whether there may be another one where it was completed.
    pub(crate) fn page(mut self, more: bool) -> HistoryPage {
        if !more {
            self.page.next = None;
        }
        self.page
    }
}

/// The smallest id of an event of this time, to the millisecond.
pub(crate) fn first_id_at(at: Timestamp) -> u128 {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    u128::from(millis.min((1 << 48) - 1)) << 80
}

/// When an event with this id was seen.
pub(crate) fn time_of(id: Uuid) -> Timestamp {
    let millis = i64::try_from(id.as_u128() >> 80).unwrap_or(0);
    Timestamp::from_timestamp_millis(millis).unwrap_or_default()
}

/// A time as precise as an id says it.
fn to_millis(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(3)
}

/// The events of a round, given what the store has of its node.
pub(crate) fn of_round(
    round: &Round,
    before: Option<&NodeRecord>,
    stored: &BTreeMap<Vmid, VmRecord>,
) -> Vec<Event> {
    // The first round on a node is no news of its VMs.
    let Some(before) = before.filter(|node| node.observed_at.is_some()) else {
        return Vec::new();
    };
    let node = &round.node;
    let at = node.attempted_at.or(node.observed_at).unwrap_or_default();
    let mut events = Vec::new();
    match (&before.failure, &node.failure) {
        (None, Some(failure)) => {
            let reason = Some(failure.message.clone());
            events.push(event(at, &node.name, EventKind::NodeAway, None, reason));
        }
        (Some(_), None) => events.push(event(at, &node.name, EventKind::NodeBack, None, None)),
        _ => {}
    }
    let RoundVms::Complete(vms) = &round.vms else {
        return events;
    };
    for vm in vms {
        match stored.get(&vm.key.vmid) {
            Some(before) => events.extend(of_vm(vm, before)),
            None => events.push(about(vm, vm.observed_at, EventKind::VmAppeared, None, None)),
        }
    }
    let listed = |vmid: &Vmid| vms.iter().any(|vm| vm.key.vmid == *vmid);
    for (_, vm) in stored.iter().filter(|(vmid, _)| !listed(vmid)) {
        events.push(about(vm, at, EventKind::VmGone, None, None));
    }
    events
}

/// The events of a VM, given what the store has of it.
pub(crate) fn of_vm(vm: &VmRecord, before: &VmRecord) -> Vec<Event> {
    // What could not be read keeps its facts; and what was never read has but a row's.
    let never_read = before.failure.is_some() && before.facts.uuid.is_none();
    if vm.failure.is_some() || never_read {
        return Vec::new();
    }
    let (was, is) = (&before.facts, &vm.facts);
    let mut events = Vec::new();
    let mut changed = |kind, before: Option<String>, after: Option<String>| {
        events.push(about(vm, vm.observed_at, kind, before, after));
    };
    let known = |state: PowerState| state != PowerState::Unknown;
    if known(was.power) && known(is.power) && was.power != is.power {
        let word = |state: PowerState| Some(state.as_str().to_owned());
        changed(EventKind::Power, word(was.power), word(is.power));
    }
    // A value that is not said any more is no other value.
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    for (kind, before, after) in [
        (
            EventKind::Cpus,
            number(was.cpus.map(u64::from)),
            number(is.cpus.map(u64::from)),
        ),
        (
            EventKind::Memory,
            number(was.memory_mb),
            number(is.memory_mb),
        ),
        (
            EventKind::Address,
            was.ip_address.clone(),
            is.ip_address.clone(),
        ),
        (EventKind::Name, was.name.clone(), is.name.clone()),
    ] {
        if before.is_some() && after.is_some() && before != after {
            changed(kind, before, after);
        }
    }
    // Notes that are empty are not said either.
    if was.comment != is.comment {
        changed(EventKind::Notes, was.comment.clone(), is.comment.clone());
    }
    events
}

/// Whether a task of ECoMan did what an event says, so that the end of the task is the one line of
/// the history. `since` is when the VM was seen before.
pub(crate) fn is_explained(event: &Event, since: Timestamp, tasks: &[Task]) -> bool {
    let of_this_vm = |task: &&Task| {
        task.node == event.node
            && task.vmid() == event.vmid
            && event.vmid.is_some()
            && task.progress.started_at.is_some()
            && task.progress.finished_at.is_none_or(|end| end >= since)
            // One that failed has changed no power: its line would hide that somebody else did.
            && !(event.kind == EventKind::Power && task.progress.state == TaskState::Failed)
    };
    tasks
        .iter()
        .filter(of_this_vm)
        .any(|task| task.request.act().explains(event))
}

/// Whether a task can have done what an event says.
pub(crate) fn may_be_explained(event: &Event) -> bool {
    !matches!(
        event.kind,
        EventKind::NodeAway | EventKind::NodeBack | EventKind::Task
    )
}

/// The end of a task; `None` while it has not ended.
pub(crate) fn of_task(task: &Task) -> Option<Event> {
    if !task.progress.state.is_final() {
        return None;
    }
    let at = task.progress.finished_at.unwrap_or(task.created_at);
    Some(Event {
        // The same however often it is written.
        id: id_at(at, task.id.0),
        at: to_millis(at),
        node: task.node.clone(),
        vmid: task.vmid(),
        vm_name: task.vm_name.clone(),
        kind: EventKind::Task,
        before: None,
        after: None,
        times: 1,
        task: Some(EndedTask {
            id: task.id,
            kind: task.request.act().kind().to_owned(),
            action: task.request.power().map(|change| change.action),
            state: task.progress.state,
            actor: task.actor.clone(),
            millis: task.progress.started_at.and_then(|began| {
                let took = task.progress.finished_at? - began;
                u64::try_from(took.num_milliseconds()).ok()
            }),
            error: shortened(
                task.progress
                    .error
                    .as_ref()
                    .map(|error| error.message.clone()),
            ),
        }),
    })
}

/// The newer of two events of a VM with what the older one says, where both are changes of its
/// address shortly after each other.
pub(crate) fn merged(older: &Event, newer: &Event) -> Option<Event> {
    let flaps = older.kind == EventKind::Address
        && newer.kind == EventKind::Address
        && newer.at - older.at < FLAPPING;
    flaps.then(|| Event {
        before: older.before.clone(),
        times: older.times.saturating_add(1),
        ..newer.clone()
    })
}

fn about(
    vm: &VmRecord,
    at: Timestamp,
    kind: EventKind,
    before: Option<String>,
    after: Option<String>,
) -> Event {
    let event = Event {
        vmid: Some(vm.key.vmid),
        vm_name: vm.facts.name.clone(),
        ..event(at, &vm.key.node, kind, before, after)
    };
    Event {
        id: id_at(
            at,
            (
                event.node.as_str(),
                event.vmid,
                event.kind,
                &event.before,
                &event.after,
            ),
        ),
        ..event
    }
}

/// Most characters of a value in an event.
const MAX_VALUE: usize = 500;

/// A value as an event keeps it.
fn shortened(value: Option<String>) -> Option<String> {
    value.map(|value| match value.char_indices().nth(MAX_VALUE) {
        None => value,
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
    })
}

fn event(
    at: Timestamp,
    node: &NodeName,
    kind: EventKind,
    before: Option<String>,
    after: Option<String>,
) -> Event {
    let (before, after) = (shortened(before), shortened(after));
    Event {
        id: id_at(at, (node.as_str(), kind, &before, &after)),
        at: to_millis(at),
        node: node.clone(),
        vmid: None,
        vm_name: None,
        kind,
        before,
        after,
        times: 1,
        task: None,
    }
}

/// An id of version 7. The same event gets the same one, so that a write that is made again does
/// not double it.
fn id_at(at: Timestamp, content: impl std::hash::Hash) -> Uuid {
    let mut hasher = DefaultHasher::new();
    (at.timestamp_subsec_nanos(), &content).hash(&mut hasher);
    let first = hasher.finish();
    content.hash(&mut hasher);
    let second = hasher.finish();
    let mut bytes = [0; 10];
    let hashed = first.to_be_bytes().into_iter().chain(second.to_be_bytes());
    for (byte, hashed) in bytes.iter_mut().zip(hashed) {
        *byte = hashed;
    }
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis.min((1 << 48) - 1), &bytes).into_uuid()
}
