//! What `/events` sends: server-sent events whose `id` is the revision that they lead to.

use serde::{Deserialize, Serialize};

use crate::{Node, Task, Vm};

/// One event: its `event` field by variant, its `data` as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// `vm`: a VM is new, or something of it has changed other than `observed_at` alone.
    #[cfg_attr(feature = "openapi", schema(title = "VmEvent"))]
    Vm(Box<Vm>),
    /// `vm_removed`: a VM is gone.
    #[cfg_attr(feature = "openapi", schema(title = "VmRemovedEvent"))]
    VmRemoved(VmRemoved),
    /// `node`: a node is new or has changed, `observed_at` included.
    #[cfg_attr(feature = "openapi", schema(title = "NodeEvent"))]
    Node(Box<Node>),
    /// `node_removed`: a node is no longer in `hosts.yml`; its VMs have gone before it.
    #[cfg_attr(feature = "openapi", schema(title = "NodeRemovedEvent"))]
    NodeRemoved(NodeRemoved),
    /// `task`: a task is new or has changed.
    #[cfg_attr(feature = "openapi", schema(title = "TaskEvent"))]
    Task(Box<Task>),
    /// `config`: the answer of `/config` is another one; ask for it again.
    #[cfg_attr(feature = "openapi", schema(title = "ConfigEvent"))]
    Config(ConfigChanged),
    /// `reset`: too much has happened since `Last-Event-ID`; load the lists again.
    #[cfg_attr(feature = "openapi", schema(title = "ResetEvent"))]
    Reset(Reset),
    /// `ping`: nothing has changed for 15 seconds. It has no `id`.
    #[cfg_attr(feature = "openapi", schema(title = "PingEvent"))]
    Ping(Ping),
}

/// Which VM is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmRemoved {
    /// Its node.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub node: String,
    /// Its id there.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 14))]
    pub vmid: u32,
}

/// Which node is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeRemoved {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub name: String,
}

/// The answer of `/config` is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigChanged {}

/// Where the stream goes on after a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reset {
    /// The current revision.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1_795_372_800_000_017_u64))]
    pub revision: u64,
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ping {}
