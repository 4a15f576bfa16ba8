//! What the server knows, kept current by its events.
//!
//! The lists are loaded first and the stream continues from their revision, so that nothing falls in
//! between. One tab of a browser holds the stream and passes its events on (`state::leadership`); a tab
//! hears the others before it loads its lists. Events that come while a list is loaded are kept and
//! applied on top, those older than a list are dropped.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ecoman_api::{Config, Event, Permission, Task, Thresholds, Vm};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, EventStream, PING, Tabs};
use crate::clock::{Clock, monotonic};
use crate::state::inventory::{Nodes, VmTable};
use crate::state::leadership::{Leadership, RawEvent, Step, TICK_MILLISECONDS};
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
/// The server sends something every 15 s. Two signs of life were missed, and the second one had time to
/// arrive.
const SILENCE: Duration = Duration::from_secs(31);
/// A stream that has not opened in this time is opened again: the packets may be lost, and the next
/// repetition of the system may come minutes later.
const OPEN_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest wait between two attempts; the server is found again this soon after it is back.
const LONGEST_RETRY: Duration = Duration::from_secs(4);
/// How far two clocks may drift apart from tick to tick before one of them was set, or the machine slept.
const CLOCK_JUMP: TimeDelta = TimeDelta::seconds(5);
/// A page whose ticks are further apart did not run: the machine slept, or the browser was stopped.
const STOOD_STILL: Duration = Duration::from_secs(10);

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

/// What goes on behind [`LiveData`]. Times are [`monotonic`].
#[derive(Debug)]
struct Synchronisation {
    tabs: Option<Tabs>,
    leadership: Leadership,
    stream: Option<EventStream>,
    /// Distinguishes streams, so that one that was replaced does nothing more.
    stream_number: u32,
    stream_is_open: bool,
    /// When the stream was asked for, or may be asked for again.
    stream_due: Duration,
    stream_failures: u32,
    /// Events that are not applied yet.
    waiting: Vec<(u64, Event)>,
    frame_requested: bool,
    updated_at: Option<DateTime<Utc>>,
    /// When the server was last heard, and the time of day then.
    heard: Option<(Duration, DateTime<Utc>)>,
    ticked: (Duration, DateTime<Utc>),
    vms_revision: u64,
    nodes_revision: u64,
    loading: bool,
    /// Of `loading`: nodes and VMs are not there yet, only then come the tasks.
    listing: bool,
    /// A list has become too old while it was being loaded.
    load_again: bool,
    /// The lists and the events since then lack nothing.
    loaded: bool,
    /// When the lists that failed are loaded again.
    load_due: Option<Duration>,
    /// Attempts to load the lists that have failed in a row.
    failures: u32,
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
            sync: StoredValue::new_local(Synchronisation {
                tabs: None,
                leadership: Leadership::new(api::tab_number(), api::is_visible()),
                stream: None,
                stream_number: 0,
                stream_is_open: false,
                stream_due: Duration::ZERO,
                stream_failures: 0,
                waiting: Vec::new(),
                frame_requested: false,
                updated_at: None,
                heard: None,
                ticked: (monotonic(), clock.exact()),
                vms_revision: 0,
                nodes_revision: 0,
                loading: false,
                listing: false,
                load_again: false,
                loaded: false,
                load_due: None,
                failures: 0,
            }),
        };
        // Before the lists: what the other tabs say meanwhile is not missed.
        let tabs = Tabs::join(move |message| {
            live.step(|leadership| leadership.hear(message));
        });
        live.sync.update_value(|sync| sync.tabs = tabs);
        if api::is_signed_out() {
            live.signed_out.set(true);
        } else {
            live.step(Leadership::join);
            live.load();
        }
        set_interval(
            move || live.tick(),
            Duration::from_millis(TICK_MILLISECONDS.into()),
        );
        let online = window_event_listener_untyped("online", move |_| live.connect());
        let seen = window_event_listener_untyped("visibilitychange", move |_| {
            live.step(|leadership| leadership.set_visible(api::is_visible()));
            live.tick();
        });
        // A tab that is closed, frozen or kept for the way back leaves the lead to another one.
        let leave = move || live.step(Leadership::leave);
        let join = move || {
            if !live.leads() {
                live.step(Leadership::join);
            }
        };
        let hidden = window_event_listener_untyped("pagehide", move |_| leave());
        let shown = window_event_listener_untyped("pageshow", move |_| join());
        api::on_document("freeze", leave);
        api::on_document("resume", join);
        on_cleanup(move || {
            for listener in [online, seen, hidden, shown] {
                listener.remove();
            }
        });
        live
    }

    /// Whether the reader may do that, by a tracked read. The server has the last word.
    pub(crate) fn may(self, permission: Permission) -> bool {
        self.config.with(|config| {
            let may = config.as_ref().map(|config| &config.identity.may);
            may.is_none_or(|may| may.contains(&permission))
        })
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

    /// Takes a VM that a request has brought: its event comes later, or not at all.
    pub(crate) fn take_vm(self, vm: Vm) {
        let now = self.clock.exact();
        self.vms.update(|load| {
            if let Some(vms) = load.data_mut() {
                vms.upsert(vm, now);
            }
        });
    }

    /// Makes a new connection now, and loads what is missing.
    pub(crate) fn connect(self) {
        let missing = self.sync.try_update_value(|sync| {
            sync.failures = 0;
            sync.stream_failures = 0;
            !sync.loaded || sync.load_due.is_some()
        });
        self.step(Leadership::lead);
        if missing == Some(true) {
            self.load();
        }
    }

    fn leads(self) -> bool {
        self.sync.with_value(|sync| sync.leadership.leads())
    }

    /// Lets the leadership move on, and does what follows.
    fn step(self, move_on: impl FnOnce(&mut Leadership) -> Vec<Step>) {
        let steps = self
            .sync
            .try_update_value(|sync| move_on(&mut sync.leadership));
        for step in steps.into_iter().flatten() {
            match step {
                Step::Post(message) => self.sync.with_value(|sync| {
                    if let Some(tabs) = &sync.tabs {
                        tabs.post(&message);
                    }
                }),
                Step::Open => {
                    self.close();
                    self.open();
                }
                Step::Close => self.close(),
                Step::Opened => self.established(),
                Step::Cut => self.lost(),
                Step::Take(event) => self.take(event),
                Step::Reload => self.load_missed(),
            }
        }
    }

    /// Opens the stream where this tab leads and knows from which revision on.
    fn open(self) {
        let number = self.sync.try_update_value(|sync| {
            let due = sync.leadership.leads() && sync.loaded && sync.stream.is_none();
            due.then(|| {
                sync.stream_number += 1;
                sync.stream_due = monotonic() + OPEN_TIMEOUT;
                (sync.stream_number, sync.leadership.seen())
            })
        });
        let Some(Some((number, since))) = number else {
            return;
        };
        let is_current = move || self.sync.with_value(|sync| sync.stream_number == number);
        let stream = EventStream::open(
            since,
            move || {
                if is_current() {
                    self.opened();
                }
            },
            move |event| {
                if is_current() {
                    self.step(|leadership| leadership.pass_on(&event));
                    self.take(event);
                }
            },
            move |refused| {
                if is_current() {
                    self.cut(refused);
                }
            },
        );
        // Fails for an address that is none, which this is not.
        self.sync.update_value(|sync| sync.stream = stream.ok());
    }

    /// Closes the stream; what it may still say does not count.
    fn close(self) {
        self.sync.update_value(|sync| {
            sync.stream_number += 1;
            sync.stream = None;
            sync.stream_is_open = false;
            sync.stream_due = Duration::ZERO;
        });
    }

    fn opened(self) {
        self.sync.update_value(|sync| {
            sync.stream_is_open = true;
            sync.stream_failures = 0;
        });
        self.established();
        self.step(|leadership| leadership.set_open(true));
    }

    /// The stream is cut, or could not be opened.
    fn cut(self, refused: bool) {
        self.close();
        self.sync.update_value(|sync| {
            sync.stream_failures += 1;
            let wait = back_off(sync.stream_failures).min(LONGEST_RETRY);
            sync.stream_due = monotonic() + wait;
        });
        self.step(|leadership| leadership.set_open(false));
        self.lost();
        if refused {
            // The answer to a request says why: nobody is signed in, for example.
            self.load();
        }
    }

    fn established(self) {
        self.heard();
        if self.connection.get_untracked() != Connection::Established {
            self.connection.set(Connection::Established);
        }
        if !self.sync.with_value(|sync| sync.loaded) {
            self.load();
        }
    }

    fn lost(self) {
        if matches!(self.connection.get_untracked(), Connection::Lost { .. }) {
            return;
        }
        let now = self.clock.exact();
        let since = self
            .sync
            .with_value(|sync| sync.heard.map(|(_, at)| at))
            // The clock may have been set back.
            .map_or(now, |at| at.min(now));
        self.connection.set(Connection::Lost { since });
    }

    fn take(self, event: RawEvent) {
        self.heard();
        let revision = event.revision;
        if event.kind == PING {
            return;
        }
        spawn_local(async move {
            match api::read_event(event).await {
                Ok(Some(Event::Reset(_))) => self.load_missed(),
                Ok(Some(Event::Config(_))) => self.load_config().await,
                Ok(Some(event)) => {
                    self.sync
                        .update_value(|sync| sync.waiting.push((revision, event)));
                    self.request_update();
                }
                Ok(None) => {}
                // What could not be read is lost, and the lists show it too.
                Err(error) => {
                    leptos::logging::warn!("An event was lost: {error}");
                    self.load_missed();
                }
            }
        });
    }

    /// Loads the lists, which have missed events.
    fn load_missed(self) {
        self.sync.update_value(|sync| sync.loaded = false);
        self.load();
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
        let ((), nodes, vms) = futures::join!(self.load_config(), api::nodes(), api::vms());
        let failed = nodes.is_err() || vms.is_err();
        let signed_out = vms.as_ref().err().is_some_and(api::Error::is_signed_out);
        if self.signed_out.get_untracked() != signed_out {
            self.signed_out.set(signed_out);
        }
        self.sync.update_value(|sync| {
            sync.listing = false;
            if let (Ok(nodes), Ok(vms)) = (&nodes, &vms) {
                sync.leadership.loaded(nodes.revision.min(vms.revision));
            }
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
        if signed_out {
            // Nothing comes before somebody signs in, here or in another tab.
            self.sync.update_value(|sync| {
                sync.loading = false;
                sync.loaded = false;
                sync.load_due = None;
            });
            self.step(Leadership::leave);
            return;
        }
        // The list does not wait for tasks, nor for the code that reads them; the stream does not
        // either.
        self.sync.update_value(|sync| sync.loaded |= !failed);
        self.open();
        let failed = !self.load_tasks().await || failed;
        let again = self.sync.try_update_value(|sync| {
            if failed {
                sync.failures += 1;
                let wait = back_off(sync.failures).min(LONGEST_RETRY);
                sync.load_due = Some(monotonic() + wait);
            } else {
                sync.failures = 0;
                sync.load_due = None;
            }
            std::mem::take(&mut sync.load_again)
        });
        if failed {
            let streaming = self.connection.get_untracked() == Connection::Established;
            if !streaming {
                self.lost();
            }
        }
        if again == Some(true) {
            self.load();
        }
    }

    /// Loads what the server says of itself, and its time.
    async fn load_config(self) {
        if let Ok((config, time)) = api::config().await {
            if let Some(time) = time {
                self.clock.set_server_time(time);
            }
            self.config.set(Some(config));
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

    /// Looks whether the server is heard, and tries again what has failed.
    fn tick(self) {
        let (now, time) = (monotonic(), self.clock.exact());
        let (jumped, stood_still) = self
            .sync
            .try_update_value(|sync| {
                let (last, last_time) = std::mem::replace(&mut sync.ticked, (now, time));
                let passed = now.saturating_sub(last);
                let by_clock = TimeDelta::from_std(passed).unwrap_or_default();
                let jumped = (time - last_time - by_clock).abs() > CLOCK_JUMP;
                (jumped, passed > STOOD_STILL)
            })
            .unwrap_or_default();
        self.step(Leadership::tick);
        if self.signed_out.get_untracked() {
            return;
        }
        let silent = self.sync.with_value(|sync| {
            let heard = sync.heard.map(|(at, _)| at);
            heard.is_some_and(|heard| now.saturating_sub(heard) > SILENCE)
        });
        if silent && self.connection.get_untracked() == Connection::Established {
            self.lost();
            if stood_still {
                spawn_local(self.wake_up());
            } else {
                // The leader may be hidden, and its timers slow.
                self.step(Leadership::lead);
            }
        } else if jumped {
            // Either the clock was set, or the machine slept, and then the connection may be dead. A new
            // one proves that it is not.
            spawn_local(self.wake_up());
        }
        let (stuck, due, load) = self.sync.with_value(|sync| {
            let leads = sync.leadership.leads();
            let is_over = now >= sync.stream_due;
            (
                leads && sync.stream.is_some() && !sync.stream_is_open && is_over,
                leads && sync.stream.is_none() && is_over,
                sync.load_due.is_some_and(|due| now >= due),
            )
        });
        if stuck {
            self.close();
            self.step(|leadership| leadership.set_open(false));
            self.lost();
            self.open();
        } else if due {
            self.open();
        }
        if load {
            self.sync.update_value(|sync| sync.load_due = None);
            self.load();
        }
    }

    /// Makes a new connection after the page has stood still.
    async fn wake_up(self) {
        api::shed_dead_connections().await;
        self.step(Leadership::lead);
        self.load_config().await;
    }

    fn heard(self) {
        let heard = (monotonic(), self.clock.exact());
        self.sync.update_value(|sync| sync.heard = Some(heard));
    }
}

/// What the server knows, from anywhere in the page.
pub(crate) fn use_live() -> LiveData {
    expect_context()
}
