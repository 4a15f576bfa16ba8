//! The tasks of hostd: `vimsvc/task_list` and `vimsvc/task_info`.

use chrono::{DateTime, Utc};
use ecoman_model::Vmid;
use serde::Serialize;

use super::dump::Trailing;
use super::error::ParseError;
use super::fault::Fault;
use super::fault_reader;
use super::input::Input;
use super::words::vmid_of_reference;

/// A task of hostd (vim.TaskInfo).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskInfo {
    /// `haTask-14-vim.VirtualMachine.powerOn-4107`
    pub key: String,
    /// `vim.VirtualMachine.powerOn`; hostd leaves it out for its own tasks.
    pub name: Option<String>,
    /// Whether it waits, runs or how it ended.
    pub state: TaskState,
    /// Percent; `None` where the task does not say.
    pub progress: Option<u8>,
    /// The VM that it is about.
    pub vmid: Option<Vmid>,
    /// The name of that VM, or of what else it is about.
    pub entity_name: Option<String>,
    /// Whether it was cancelled.
    pub cancelled: Option<bool>,
    /// Why it failed.
    pub error: Option<Fault>,
    /// When it was asked for.
    pub queued_at: Option<DateTime<Utc>>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

/// The state of a [`TaskInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// `queued`
    Queued,
    /// `running`
    Running,
    /// `success`
    Success,
    /// `error`
    Error,
    /// A word of a version to come.
    Unknown,
}

/// Reads what `vim-cmd vimsvc/task_list` printed: the tasks' ids, as `task_info` takes them.
///
/// # Errors
/// As for [`summary`](super::summary()).
pub fn task_list(stdout: &[u8]) -> Result<Vec<String>, ParseError> {
    let input = Input::with_text("task_list", stdout)?;
    let kinds = ["ManagedObjectReference", "vim.Task"];
    let dump = fault_reader::expect_dump(&input, &kinds, Trailing::Refused)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    root.children()
        .map(|task| {
            let reference = task
                .as_reference()
                .ok_or_else(|| task.error("a reference to a task"))?;
            let id = reference.strip_prefix("vim.Task:").unwrap_or(&reference);
            Ok(id.to_owned())
        })
        .collect()
}

/// Reads what `vim-cmd vimsvc/task_info TASK` printed. An `error` in it is the task's, no error
/// of the command.
///
/// # Errors
/// As for [`summary`](super::summary()).
pub fn task_info(stdout: &[u8]) -> Result<TaskInfo, ParseError> {
    let input = Input::with_text("task_info", stdout)?;
    let dump = fault_reader::expect_dump(&input, &["vim.TaskInfo"], Trailing::Refused)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    let warnings = &mut Vec::new();
    let need = |value: Option<String>, expected| value.ok_or_else(|| root.error(expected));
    let state = need(root.text("state", warnings)?, "a task with a state")?;
    Ok(TaskInfo {
        key: need(root.text("key", warnings)?, "a task with a key")?,
        name: root.some_text("name", warnings)?,
        state: match state.as_str() {
            "queued" => TaskState::Queued,
            "running" => TaskState::Running,
            "success" => TaskState::Success,
            "error" => TaskState::Error,
            _ => TaskState::Unknown,
        },
        progress: root.number("progress")?,
        vmid: root
            .reference("entity")?
            .as_deref()
            .and_then(vmid_of_reference),
        entity_name: root.some_text("entityName", warnings)?,
        cancelled: root.boolean("cancelled")?,
        error: root
            .structure("error")?
            .map(fault_reader::of_structure)
            .transpose()?,
        queued_at: root.time("queueTime")?,
        started_at: root.time("startTime")?,
        completed_at: root.time("completeTime")?,
    })
}
