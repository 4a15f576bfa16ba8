//! What the server knows, kept current by its events.
//!
//! The stream is opened first and the lists are loaded then, so that nothing falls in between:
//! events that come meanwhile are kept and applied on top, those older than a list are dropped.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ecoman_api::{Config, Event, Task, Thresholds};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, EventStream};
use crate::clock::Clock;
use crate::state::inventory::{Nodes, VmTable};
use crate::state::load::Load;
use crate::state::task_filter::TaskFilter;
use crate::state::tasks::Tasks;
use crate::state::updates::{
    apply_to_nodes, apply_to_tasks, apply_to_vms, back_off, by_name, newer,
};

/// Ten thousand rows take some milliseconds to sort: a storm of events is not taken one by one.
const BETWEEN_UPDATES: TimeDelta = TimeDelta::milliseconds(100);
/// Frames stop in a hidden tab; more events than this do not wait for one.
const MOST_WAITING: usize = 500;
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// What is known, and how well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveData {
    /// The VMs.
    pub(crate) vms: RwSignal<Load<VmTable>>,
    /// The nodes.
    pub(crate) nodes: RwSignal<Load<Nodes>>,
    /// The newest tasks, and those that were asked for.
    pub(crate) tasks: RwSignal<Load<Tasks>>,
    /// What the server reports of itself.
    pub(crate) config: RwSignal<Option<Config>>,
    /// Whether the server wants to know first who is asking.
    pub(crate) signed_out: RwSignal<bool>,
    /// The connection.
    pub(crate) connection: RwSignal<Connection>,
    clock: Clock,
    sync: StoredValue<Synchronisation, LocalStorage>,
}

/// The connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// The first one is being made.
    Connecting,
    /// Changes arrive as they happen.
    Established,
    /// It is cut; what is shown stays as it was.
    Lost {
        /// When the server was last heard.
        since: DateTime<Utc>,
    },
}

/// What goes on behind [`LiveData`].
#[derive(Debug, Default)]
struct Synchronisation {
    stream: Option<EventStream>,
    /// Events that are not applied yet.
    waiting: Vec<(u64, Event)>,
    frame_requested: bool,
    updated_at: Option<DateTime<Utc>>,
    heard_at: Option<DateTime<Utc>>,
    vms_revision: u64,
    nodes_revision: u64,
    loading: bool,
    /// Of `loading`: nodes and VMs are not there yet, only then come the tasks.
    listing: bool,
    /// A list has become too old while it was being loaded.
    load_again: bool,
    /// The lists are those of this stream.
    loaded: bool,
    /// The stream has brought an event, by whose id the browser can resume it.
    has_place: bool,
    retry_pending: bool,
    /// Attempts that have failed in a row.
    failures: u32,
    /// Distinguishes attempts, so that one that was overtaken does nothing more.
    attempt: u32,
}

impl LiveData {
    /// Starts to follow the server.
    pub(crate) fn start(clock: Clock) -> Self {
        let live = Self {
            vms: RwSignal::default(),
            nodes: RwSignal::default(),
            tasks: RwSignal::default(),
            config: RwSignal::default(),
            signed_out: RwSignal::new(false),
            connection: RwSignal::new(Connection::Connecting),
            clock,
            sync: StoredValue::new_local(Synchronisation::default()),
        };
        live.connect();
        set_interval(move || live.watch(), WATCH_INTERVAL);
        let online = window_event_listener_untyped("online", move |_| live.connect());
        on_cleanup(move || online.remove());
        live
    }

    /// From which size on a VM is large, once it is known.
    pub(crate) fn thresholds(self) -> Option<Thresholds> {
        self.config
            .with(|config| config.as_ref().map(|it| it.thresholds))
    }

    /// Takes a task that a request has brought: its event comes later, or not at all.
    pub(crate) fn take_task(self, task: Task) {
        self.tasks.update(|load| {
            if let Some(tasks) = load.data_mut() {
                tasks.take(task);
            }
        });
    }

    /// Makes a new connection now.
    pub(crate) fn connect(self) {
        self.sync.update_value(|sync| {
            sync.attempt += 1;
            sync.retry_pending = false;
            sync.loaded = false;
            sync.has_place = false;
            sync.waiting.clear();
            sync.stream = EventStream::open(
                move || self.opened(),
                move |revision, event| self.received(revision, event),
                move |gave_up| self.cut(gave_up),
            )
            .ok();
        });
        if self.sync.with_value(|sync| sync.stream.is_none()) {
            self.cut(true);
        }
    }

    fn opened(self) {
        self.heard();
        self.connection.set(Connection::Established);
        // A connection that the browser has made again goes on where the last one was cut, but
        // only behind an event: before the first one there is no id to name.
        if !self.sync.with_value(|sync| sync.loaded && sync.has_place) {
            self.load();
        }
    }

    fn received(self, revision: u64, event: Result<Event, api::Error>) {
        self.heard();
        self.sync.update_value(|sync| sync.has_place = true);
        match event {
            Ok(Event::Reset(_)) => self.load(),
            Ok(event) => {
                self.sync
                    .update_value(|sync| sync.waiting.push((revision, event)));
                self.request_update();
            }
            // What could not be read is lost, and the lists show it too.
            Err(error) => {
                leptos::logging::warn!("An event was lost: {error}");
                self.load();
            }
        }
    }

    fn cut(self, gave_up: bool) {
        let since = self
            .sync
            .with_value(|sync| sync.heard_at)
            .unwrap_or_else(|| self.clock.exact());
        self.connection.set(Connection::Lost { since });
        let waiting = self.sync.with_value(|sync| sync.retry_pending);
        let nothing_shown = self.vms.with_untracked(|vms| vms.data().is_none());
        if !waiting && (nothing_shown || gave_up) {
            // The answer to a request says more than a cut stream.
            self.load();
        }
        if gave_up {
            self.retry();
        }
    }

    /// Loads the lists; events that come meanwhile wait.
    fn load(self) {
        let busy = self.sync.try_update_value(|sync| {
            let busy = sync.loading;
            sync.load_again |= busy;
            sync.loading = true;
            sync.listing |= !busy;
            busy
        });
        if busy == Some(false) {
            spawn_local(self.load_all());
        }
    }

    async fn load_all(self) {
        let (config, nodes, vms) = futures::join!(api::config(), api::nodes(), api::vms());
        if let Ok((config, time)) = config {
            if let Some(time) = time {
                self.clock.set_server_time(time);
            }
            self.config.set(Some(config));
        }
        let failed = nodes.is_err() || vms.is_err();
        let signed_out = vms.as_ref().err().is_some_and(api::Error::is_signed_out);
        if self.signed_out.get_untracked() != signed_out {
            self.signed_out.set(signed_out);
        }
        self.sync.update_value(|sync| {
            sync.listing = false;
            if let Ok(nodes) = &nodes {
                sync.nodes_revision = nodes.revision;
            }
            if let Ok(vms) = &vms {
                sync.vms_revision = vms.revision;
            }
        });
        self.nodes.update(|load| load.take(nodes.map(by_name)));
        self.vms
            .update(|load| load.take(vms.map(|vms| VmTable::new(vms.data))));
        self.update();
        // The list does not wait for tasks, nor for the code that reads them.
        let failed = !self.load_tasks().await || failed;
        self.sync.update_value(|sync| sync.loaded = !failed);
        if !failed {
            self.heard();
            self.sync.update_value(|sync| sync.failures = 0);
        }
        let again = self
            .sync
            .try_update_value(|sync| std::mem::take(&mut sync.load_again));
        if again == Some(true) {
            self.load();
        } else if failed {
            self.retry();
        }
    }

    /// Whether the newest tasks could be loaded.
    async fn load_tasks(self) -> bool {
        let tasks = api::tasks(&TaskFilter::default(), None).await;
        let good = tasks.is_ok();
        self.tasks.update(|load| {
            let known = load.data().cloned().unwrap_or_default();
            load.take(tasks.map(|page| known.with_newest(page)));
        });
        self.sync.update_value(|sync| sync.loading = false);
        self.update();
        good
    }

    /// Tries again what is missing, the stream or the lists, after a while that grows from
    /// failure to failure.
    fn retry(self) {
        let Some((false, attempt, failures)) = self.sync.try_update_value(|sync| {
            let pending = std::mem::replace(&mut sync.retry_pending, true);
            sync.failures += u32::from(!pending);
            (pending, sync.attempt, sync.failures)
        }) else {
            return;
        };
        set_timeout(
            move || {
                let overtaken = self.sync.with_value(|sync| sync.attempt != attempt);
                if overtaken {
                    return;
                }
                self.sync.update_value(|sync| sync.retry_pending = false);
                let closed = self
                    .sync
                    .with_value(|sync| sync.stream.as_ref().is_none_or(EventStream::is_closed));
                if closed {
                    self.connect();
                } else if self.sync.with_value(|sync| !sync.loaded) {
                    self.load();
                }
            },
            back_off(failures),
        );
    }

    fn request_update(self) {
        let Some((first, many)) = self.sync.try_update_value(|sync| {
            let first = !std::mem::replace(&mut sync.frame_requested, true);
            (first, sync.waiting.len() > MOST_WAITING)
        }) else {
            return;
        };
        if many {
            self.update();
        } else if first {
            self.update_in_frame();
        }
    }

    fn update_in_frame(self) {
        request_animation_frame(move || {
            let now = self.clock.exact();
            let too_soon = self.sync.with_value(|sync| {
                sync.updated_at
                    .is_some_and(|last| now >= last && now - last < BETWEEN_UPDATES)
            });
            if too_soon {
                self.update_in_frame();
            } else {
                self.sync.update_value(|sync| sync.frame_requested = false);
                self.update();
            }
        });
    }

    /// Applies the events that have come, once the lists are there.
    fn update(self) {
        let now = self.clock.exact();
        let Some((events, vms_revision, nodes_revision)) = self.sync.try_update_value(|sync| {
            sync.updated_at = Some(now);
            let events = if sync.listing {
                Vec::new()
            } else {
                let loading = sync.loading;
                let is_due =
                    |(_, event): &mut (u64, Event)| !loading || !matches!(event, Event::Task(_));
                sync.waiting.extract_if(.., is_due).collect()
            };
            (events, sync.vms_revision, sync.nodes_revision)
        }) else {
            return;
        };
        let (tasks, events): (Vec<_>, Vec<_>) = events
            .into_iter()
            .partition(|(_, event)| matches!(event, Event::Task(_)));
        if !tasks.is_empty() {
            self.tasks.update(|load| {
                if let Some(known) = load.data_mut() {
                    apply_to_tasks(known, newer(tasks, 0));
                }
            });
        }
        let (vms, nodes): (Vec<_>, Vec<_>) = events
            .into_iter()
            .partition(|(_, event)| matches!(event, Event::Vm(_) | Event::VmRemoved(_)));
        if !vms.is_empty() {
            self.vms.update(|load| {
                if let Some(table) = load.data_mut() {
                    apply_to_vms(table, newer(vms, vms_revision), now);
                }
            });
        }
        if !nodes.is_empty() {
            self.nodes.update(|load| {
                if let Some(known) = load.data_mut() {
                    apply_to_nodes(known, newer(nodes, nodes_revision));
                }
            });
        }
    }

    /// A connection over which nothing came for longer than the crawler needs is a dead one
    /// that nobody has closed (a laptop that slept, a firewall that forgot).
    fn watch(self) {
        let interval = self
            .config
            .with_untracked(|config| config.as_ref().and_then(|it| it.interval_seconds))
            .unwrap_or(60);
        let limit = TimeDelta::seconds(i64::try_from(interval).unwrap_or(3600).min(3600) * 3 + 30);
        let silent = self.sync.with_value(|sync| {
            sync.heard_at
                .is_some_and(|heard| self.clock.exact() - heard > limit)
        });
        if silent && self.connection.get_untracked() == Connection::Established {
            self.heard();
            self.connect();
        }
    }

    fn heard(self) {
        let now = self.clock.exact();
        self.sync.update_value(|sync| sync.heard_at = Some(now));
    }
}

/// What the server knows, from anywhere in the page.
pub(crate) fn use_live() -> LiveData {
    expect_context()
}
