//! Tasks as the API shows them, and the requests that make them.

use chrono::{DateTime, Utc};
use ecoman_model::{
    CommandRun, Edit, NewVm, PowerAction, PowerState, Question, TaskId, TaskRequest, TaskState,
    TaskStep, VmPlace, VmSettings, Vmid,
};
use serde::{Deserialize, Serialize};

use crate::{Problem, strict_enum, strict_integer};

/// The path of a task in the API.
#[must_use]
pub fn task_path(id: TaskId) -> String {
    format!("/api/v1/tasks/{id}")
}

/// One change asked of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "019aad5e-7a00-7000-8000-000000000001",
    "title": "Power on metrics-b",
    "node": "hoge",
    "vm": { "vmid": 14, "name": "metrics-b" },
    "request": { "kind": "power", "vmid": 14, "action": "on", "guest_seconds": 120, "if_power": "off" },
    "place": null,
    "actor": null,
    "state": "running",
    "step": "Wait until the VM is on",
    "steps": [
        {
            "title": "Power on metrics-b",
            "code": { "kind": "power", "action": "on" },
            "state": "done",
            "detail": null
        },
        {
            "title": "Wait until the VM is on",
            "code": { "kind": "wait_for", "power": "on" },
            "state": "running",
            "detail": null
        }
    ],
    "progress": 50,
    "created_at": "2026-11-23T08:15:30Z",
    "started_at": "2026-11-23T08:15:30.2Z",
    "finished_at": null,
    "commands": [{
        "command": "vim-cmd vmsvc/power.on 14",
        "at": "2026-11-23T08:15:30.3Z",
        "times": 1,
        "millis": 812,
        "exit": 0,
        "expected": true,
        "stdout": "Powering on VM:\n",
        "stderr": "",
        "failure": null
    }],
    "question": null,
    "error": null,
    "left": []
})))]
pub struct Task {
    /// Its id; later ones are greater.
    pub id: TaskId,
    /// What is done, in words.
    #[cfg_attr(feature = "openapi", schema(example = "Power on metrics-b"))]
    pub title: String,
    /// The node that is asked.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub node: String,
    /// The VM; `null` while a new one is not registered yet.
    pub vm: Option<TaskVm>,
    /// What was asked; `kind` says which kind it is.
    pub request: TaskRequest,
    /// Where a new VM is made, with what `hosts.yml` stood for; `null` before that was checked, and
    /// for other tasks.
    #[serde(default)]
    pub place: Option<VmPlace>,
    /// Who asked; `null` where nobody signs in.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub actor: Option<String>,
    /// Whether it waits, runs or how it ended.
    pub state: TaskState,
    /// The step that is being done, or that it ended at; `null` before the first.
    #[cfg_attr(feature = "openapi", schema(example = "Wait until the VM is on"))]
    pub step: Option<String>,
    /// All steps in order; those of undoing come last.
    pub steps: Vec<TaskStep>,
    /// From 0 to 100; `null` where it is not known.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 100, example = 50))]
    pub progress: Option<u8>,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The remote commands, in order.
    pub commands: Vec<CommandRun>,
    /// The question that the VM waits with; see `POST /vms/{node}/{vmid}/question`.
    pub question: Option<Question>,
    /// Why it did not succeed.
    pub error: Option<Problem>,
    /// What the task has left on the node although it did not succeed, and where.
    pub left: Vec<String>,
}

/// The VM of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskVm {
    /// Its id on the node.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 14))]
    pub vmid: u32,
    /// Its name when the task was made.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
    pub name: Option<String>,
}

/// A page of the tasks, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskPage {
    /// The tasks of this page.
    pub items: Vec<Task>,
    /// How many tasks there are on all pages together.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 128))]
    pub total: u64,
    /// Token of the next page for `page_token`; `null` on the last one.
    pub next_page: Option<String>,
}

/// A change of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPower {
    /// The change.
    #[serde(deserialize_with = "strict_enum::required")]
    pub action: PowerAction,
    /// How long the guest may take to shut down, in seconds, from 5 to 3600; 120 where nothing
    /// is said. It is never switched off afterwards by itself.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 5, maximum = 3600, example = 120))]
    pub guest_seconds: Option<u32>,
    /// The power state that the requester saw. If it is another one by now, the change is refused
    /// with 409; the executor asks the node once more right before it sends the command.
    #[serde(
        default,
        deserialize_with = "strict_enum::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(example = "on"))]
    pub if_power: Option<PowerState>,
}

/// An answer to the question that a VM waits with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AnswerQuestion {
    /// The id of the question, so that no other is answered.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 64,
            pattern = "^[A-Za-z0-9_.-]+$",
            example = "_vmx1"
        )
    )]
    pub question: String,
    /// The index of the choice.
    #[serde(deserialize_with = "strict_integer::number")]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 2))]
    pub choice: u32,
}

/// Other settings of a VM. What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateVm {
    /// Name, under the rules of a new VM's. Its files keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "metrics-c"))]
    pub name: Option<String>,
    /// Comment, at most 4,096 bytes; an empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "owner: ops"))]
    pub comment: Option<String>,
    /// Virtual CPUs, at most the threads of the node and what the virtual hardware allows.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32, example = 4))]
    pub cpus: Option<u32>,
    /// How many of the virtual CPUs are in one socket; divides their number.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32, example = 2))]
    pub cores_per_socket: Option<u32>,
    /// Memory in MB, a multiple of 4, at most that of the node and what the virtual hardware
    /// allows.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 4, example = 8192))]
    pub memory_mb: Option<u64>,
    /// Guest operating system, as `guestOS` of a `.vmx` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "debian12-64"))]
    pub guest_os: Option<String>,
    /// What the requester saw: where one of these is another one by now, the change is refused with
    /// 409; the executor compares once more right before it changes anything.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenSettings>,
}

/// Settings of a VM as a requester saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SeenSettings {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
    pub name: Option<String>,
    /// Comment; an empty text: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub comment: Option<String>,
    /// Virtual CPUs.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 2))]
    pub cpus: Option<u32>,
    /// How many of them are in one socket.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 1))]
    pub cores_per_socket: Option<u32>,
    /// Memory in MB.
    #[serde(
        default,
        deserialize_with = "strict_integer::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 4096))]
    pub memory_mb: Option<u64>,
    /// Guest operating system, as `guestOS` of a `.vmx` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "debian11-64"))]
    pub guest_os: Option<String>,
}

impl UpdateVm {
    /// The change of a VM, rules not yet checked (see [`Edit::check`]).
    #[must_use]
    pub fn edit(self, vmid: Vmid) -> Edit {
        let seen = self.seen.unwrap_or_default();
        Edit {
            vmid,
            settings: VmSettings {
                name: self.name,
                comment: self.comment,
                cpus: self.cpus,
                cores_per_socket: self.cores_per_socket,
                memory_mb: self.memory_mb,
                guest_os: self.guest_os,
            },
            seen: VmSettings {
                name: seen.name,
                comment: seen.comment,
                cpus: seen.cpus,
                cores_per_socket: seen.cores_per_socket,
                memory_mb: seen.memory_mb,
                guest_os: seen.guest_os,
            },
        }
    }
}

/// A VM to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateVm {
    /// The node to create it on.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub node: String,
    /// Name, at most 80 characters and 200 bytes, free on the node; without `/`, `\`, `%` and
    /// control characters, no dot in front, no blank at either end.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-c"))]
    pub name: String,
    /// Virtual CPUs, at most the threads of the node.
    #[serde(deserialize_with = "strict_integer::number")]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32, example = 1))]
    pub cpus: u32,
    /// Memory in MB, a multiple of 4, at most that of the node.
    #[serde(deserialize_with = "strict_integer::number")]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 4, example = 1024))]
    pub memory_mb: u64,
    /// Disk in GB of 1024³ bytes, thin, at most what is free on the datastore.
    #[serde(deserialize_with = "strict_integer::number")]
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, example = 30))]
    pub disk_gb: u64,
    /// Comment, at most 4,096 bytes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = "owner: ops"))]
    pub comment: String,
    /// Guest operating system, as `guestOS` of a `.vmx` has it; `ubuntu-64` where nothing is
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "debian11-64"))]
    pub guest_os: Option<String>,
    /// Datastore of the node; where nothing is said, the directory that `hosts.yml` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "datastore1"))]
    pub datastore: Option<String>,
    /// Port group of the node; that of `hosts.yml` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "VM Network"))]
    pub network: Option<String>,
    /// ISO image for the CD drive, on a volume of the node; that of `hosts.yml` where nothing is
    /// said. An empty text: an empty drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso")
    )]
    pub iso_path: Option<String>,
    /// Whether to power it on at the end; yes where nothing is said.
    #[serde(default = "yes")]
    pub power_on: bool,
}

fn yes() -> bool {
    true
}

impl CreateVm {
    /// The VM without its node, rules not yet checked (see [`NewVm::check`]).
    #[must_use]
    pub fn vm(self) -> NewVm {
        NewVm {
            name: self.name,
            cpus: self.cpus,
            memory_mb: self.memory_mb,
            disk_gb: self.disk_gb,
            comment: self.comment,
            guest_os: self
                .guest_os
                .unwrap_or_else(|| ecoman_model::DEFAULT_GUEST_OS.to_owned()),
            datastore: self.datastore,
            network: self.network,
            iso_path: self.iso_path,
            power_on: self.power_on,
        }
    }
}
