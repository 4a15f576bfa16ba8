//! The metrics of `/metrics`, in the format of OpenMetrics 1.0.
//!
//! Every label is one of a closed list, a node of hosts.yml or a volume of a node: nothing that a
//! client sends becomes one, and there are no series per VM.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use ecoman_model::{PowerState, TaskRequest, TaskState, Timestamp};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::inventory::published::Snapshot;

/// The media type of OpenMetrics.
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters of the dashboard.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Operation, Histogram>,
    streams: Gauge,
    ended: Family<Ended, Counter>,
}

/// The values that are looked up at each scrape.
pub(crate) struct Scrape<'a> {
    pub(crate) now: Timestamp,
    /// Whether the counters over all nodes are included.
    pub(crate) of_everybody: bool,
    /// The part that the caller may see; `None`: the store has not been read yet.
    pub(crate) snapshot: Option<&'a Snapshot>,
    /// Whether the store answers.
    pub(crate) store_up: bool,
    /// Whether the store takes changes.
    pub(crate) store_writable: bool,
    /// Unfinished tasks by state; `None`: the store does not answer.
    pub(crate) unfinished: Option<[(TaskState, u64); 2]>,
    /// When the certificate for HTTPS expires, if there is one.
    pub(crate) certificate_ends: Option<DateTime<Utc>>,
}

/// An open stream of events; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream(Gauge);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    kind: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfNode {
    node: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Power {
    node: String,
    power: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Volume {
    node: String,
    datastore: String,
}

/// Buckets in seconds. A list takes milliseconds, an answer that waits for a task up to a minute.
const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// How tasks end.
const ENDS: [TaskState; 4] = [
    TaskState::Succeeded,
    TaskState::Failed,
    TaskState::Interrupted,
    TaskState::Cancelled,
];

impl Metrics {
    /// All counters at 0 (`answers`: operations with their statuses), and there from the beginning: what appears with its first count has not
    /// increased, as monitoring computes it.
    pub(crate) fn new(answers: impl Iterator<Item = (&'static str, u16)>) -> Self {
        let mut registry = Registry::with_prefix("ecoman");
        let requests = Family::<Answered, Counter>::default();
        registry.register(
            "http_requests",
            "Answers, by operation of the OpenAPI document (others: page, docs, none) and status",
            requests.clone(),
        );
        let durations: Family<Operation, Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "http_request_duration",
            "Time until an answer begins; with the wait that a client asked for",
            Unit::Seconds,
            durations.clone(),
        );
        let streams = Gauge::default();
        registry.register("event_streams", "Open streams of events", streams.clone());
        let ended = Family::<Ended, Counter>::default();
        registry.register(
            "tasks_ended",
            "Tasks that have ended since the dashboard was started",
            ended.clone(),
        );
        registry.register(
            "build",
            "The program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        for (operation, status) in answers {
            let _ = requests.get_or_create(&Answered { operation, status });
        }
        for kind in TaskRequest::KINDS {
            for state in ENDS {
                let state = state.word();
                let _ = ended.get_or_create(&Ended { kind, state });
            }
        }
        Self {
            registry,
            requests,
            durations,
            streams,
            ended,
        }
    }

    /// Counts an answer when it begins.
    pub(crate) fn answered(&self, operation: &'static str, status: StatusCode, took: Duration) {
        let status = status.as_u16();
        let answered = Answered { operation, status };
        self.requests.get_or_create(&answered).inc();
        let duration = self.durations.get_or_create(&Operation { operation });
        duration.observe(took.as_secs_f64());
    }

    /// Counts a stream of events until the return value is dropped.
    pub(crate) fn stream(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    /// Counts a task that has ended.
    pub(crate) fn ended(&self, kind: &'static str, state: TaskState) {
        let state = state.word();
        self.ended.get_or_create(&Ended { kind, state }).inc();
    }

    /// The text of a scrape.
    ///
    /// # Errors
    ///
    /// None in practice: writing to a string does not fail.
    pub(crate) fn render(&self, scrape: &Scrape<'_>) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        if scrape.of_everybody {
            encode_registry(&mut text, &self.registry)?;
        }
        encode_registry(&mut text, &looked_up(scrape))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A gauge that is not a whole number.
type Real = Gauge<f64, AtomicU64>;

fn looked_up(scrape: &Scrape<'_>) -> Registry {
    let mut registry = Registry::with_prefix("ecoman");
    let store_up = Gauge::<i64>::default();
    store_up.set(i64::from(scrape.store_up));
    registry.register("store_up", "Whether the store answers", store_up);
    let store_writable = Gauge::<i64>::default();
    store_writable.set(i64::from(scrape.store_writable));
    registry.register(
        "store_writable",
        "Whether the store answers and takes changes; 0 for example while its disk is full",
        store_writable,
    );
    if let Some(ends) = scrape.certificate_ends {
        let gauge = Gauge::<i64>::default();
        gauge.set(ends.timestamp());
        registry.register_with_unit(
            "tls_certificate_not_after_timestamp",
            "When the certificate in use ends, in Unix time",
            Unit::Seconds,
            gauge,
        );
    }
    if let Some(unfinished) = scrape.unfinished {
        let tasks = Family::<State, Gauge>::default();
        for (state, count) in unfinished {
            let state = state.word();
            set(&tasks, &State { state }, count);
        }
        registry.register("tasks", "Tasks that have not ended, by state", tasks);
    }
    if let Some(snapshot) = scrape.snapshot {
        nodes(&mut registry, snapshot, scrape.now);
        datastores(&mut registry, snapshot);
    }
    registry
}

fn nodes(registry: &mut Registry, snapshot: &Snapshot, now: Timestamp) {
    let up = Family::<OfNode, Gauge>::default();
    let crawl = Family::<OfNode, Real>::default();
    let age = Family::<OfNode, Real>::default();
    let vms = Family::<Power, Gauge>::default();
    let large = Family::<OfNode, Gauge>::default();
    let cores = Family::<OfNode, Gauge>::default();
    let allocated_cpus = Family::<OfNode, Gauge>::default();
    let allocated_cpus_on = Family::<OfNode, Gauge>::default();
    let memory = Family::<OfNode, Gauge>::default();
    let memory_used = Family::<OfNode, Gauge>::default();
    let allocated_memory = Family::<OfNode, Gauge>::default();
    let allocated_memory_on = Family::<OfNode, Gauge>::default();
    for entry in &snapshot.nodes {
        let node = &entry.view;
        let of_node = || OfNode {
            node: node.name.clone(),
        };
        if let Some(reachable) = node.reachable {
            set(&up, &of_node(), u64::from(reachable));
        }
        if let Some(millis) = node.round_millis {
            let seconds = Duration::from_millis(millis).as_secs_f64();
            crawl.get_or_create(&of_node()).set(seconds);
        }
        if let Some(at) = node.observed_at {
            let seconds = (now - at).as_seconds_f64().max(0.0);
            age.get_or_create(&of_node()).set(seconds);
        }
        for (power, count) in [
            (PowerState::On, node.vms.on),
            (PowerState::Off, node.vms.off),
            (PowerState::Suspended, node.vms.suspended),
            (PowerState::Unknown, node.vms.unknown),
        ] {
            let power = power.to_string();
            let node = node.name.clone();
            set(&vms, &Power { node, power }, count);
        }
        set(&large, &of_node(), node.vms.large);
        set(&allocated_cpus, &of_node(), node.allocated.cpus);
        set(&allocated_cpus_on, &of_node(), node.allocated_on.cpus);
        for (memory, allocated) in [
            (&allocated_memory, &node.allocated),
            (&allocated_memory_on, &node.allocated_on),
        ] {
            set(memory, &of_node(), allocated.memory_mb.saturating_mul(MB));
        }
        if let Some(count) = node.cpu.cores {
            set(&cores, &of_node(), count.into());
        }
        if let Some(bytes) = node.memory.capacity_bytes {
            set(&memory, &of_node(), bytes);
        }
        if let Some(mb) = node.memory.usage_mb {
            set(&memory_used, &of_node(), mb.saturating_mul(MB));
        }
    }
    registry.register(
        "node_up",
        "Whether the node answered the last round of the crawler",
        up,
    );
    in_unit(
        registry,
        "node_crawl",
        "How long the last round took",
        Unit::Seconds,
        crawl,
    );
    in_unit(
        registry,
        "node_observation_age",
        "How long the node has not reported its VMs",
        Unit::Seconds,
        age,
    );
    registry.register("node_vms", "VMs, by power state", vms);
    registry.register(
        "node_large_vms",
        "VMs that are large by the thresholds",
        large,
    );
    registry.register("node_cpu_cores", "Cores", cores);
    registry.register(
        "node_allocated_cpus",
        "Virtual CPUs of all VMs",
        allocated_cpus,
    );
    registry.register(
        "node_allocated_on_cpus",
        "Virtual CPUs of the VMs that are on",
        allocated_cpus_on,
    );
    in_unit(registry, "node_memory", "Memory", Unit::Bytes, memory);
    in_unit(
        registry,
        "node_memory_used",
        "Memory in use",
        Unit::Bytes,
        memory_used,
    );
    in_unit(
        registry,
        "node_allocated_memory",
        "Memory of all VMs",
        Unit::Bytes,
        allocated_memory,
    );
    in_unit(
        registry,
        "node_allocated_on_memory",
        "Memory of the VMs that are on",
        Unit::Bytes,
        allocated_memory_on,
    );
}

fn datastores(registry: &mut Registry, snapshot: &Snapshot) {
    let capacity = Family::<Volume, Gauge>::default();
    let free = Family::<Volume, Gauge>::default();
    for entry in &snapshot.nodes {
        for datastore in &entry.view.datastores {
            let volume = || Volume {
                node: entry.view.name.clone(),
                datastore: datastore.name.as_ref().unwrap_or(&datastore.path).clone(),
            };
            if let Some(bytes) = datastore.capacity_bytes {
                set(&capacity, &volume(), bytes);
            }
            if let Some(bytes) = datastore.free_bytes {
                set(&free, &volume(), bytes);
            }
        }
    }
    in_unit(
        registry,
        "datastore_capacity",
        "Size of a datastore",
        Unit::Bytes,
        capacity,
    );
    in_unit(
        registry,
        "datastore_free",
        "Free space of a datastore",
        Unit::Bytes,
        free,
    );
}

const MB: u64 = 1 << 20;

/// A number as OpenMetrics counts, capped at its maximum.
fn set<S>(family: &Family<S, Gauge>, labels: &S, value: u64)
where
    S: Clone + std::hash::Hash + Eq,
    fn() -> Gauge: MetricConstructor<Gauge>,
{
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    family.get_or_create(labels).set(value);
}

fn in_unit<S, M>(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    unit: Unit,
    family: Family<S, M>,
) where
    Family<S, M>: EncodeMetric + Send + Sync + std::fmt::Debug + 'static,
{
    registry.register_with_unit(name, help, unit, family);
}
