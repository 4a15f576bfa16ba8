//! How tasks and notes are written down.

use ecoman_model::{
    Choice, CommandRun, NewVm, NodeName, Note, PowerAction, Question, StepState, Task, TaskError,
    TaskErrorKind, TaskId, TaskProgress, TaskRequest, TaskState, TaskStep, Timestamp, Vmid,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Number;

/// A task as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TaskDocument {
    id: UuidDocument,
    node: NodeName,
    request: RequestDocument,
    vm_name: Option<String>,
    actor: Option<String>,
    idempotency_key: Option<String>,
    request_id: String,
    created_at: Timestamp,
    executor: Option<UuidDocument>,
    progress: ProgressDocument,
}

/// A note as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NoteDocument {
    id: UuidDocument,
    node: NodeName,
    vmid: Option<u32>,
    left_at: Timestamp,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateDocument {
    Queued,
    Running,
    Succeeded,
    Failed,
    Interrupted,
}

/// A UUID, in BSON as in JSON the text that people know it by.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct UuidDocument(pub(super) Uuid);

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RequestDocument {
    Power {
        vmid: u32,
        action: ActionDocument,
        guest_seconds: u32,
    },
    Create {
        vm: NewVmDocument,
    },
    Answer {
        vmid: u32,
        question: String,
        choice: u32,
    },
    CleanUp {
        task: UuidDocument,
        vm: NewVmDocument,
        directory: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionDocument {
    On,
    Off,
    Shutdown,
    Reboot,
    Reset,
    Suspend,
}

#[derive(Debug, Serialize, Deserialize)]
struct NewVmDocument {
    name: String,
    cpus: u32,
    memory_mb: Number,
    disk_gb: Number,
    comment: String,
    guest_os: String,
    network: Option<String>,
    iso_path: Option<String>,
    power_on: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProgressDocument {
    state: StateDocument,
    #[serde(default)]
    steps: Vec<StepDocument>,
    percent: Option<u8>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    #[serde(default)]
    commands: Vec<CommandDocument>,
    directory: Option<String>,
    vmid: Option<u32>,
    question: Option<QuestionDocument>,
    error: Option<ErrorDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StepDocument {
    title: String,
    state: StepStateDocument,
    detail: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StepStateDocument {
    Pending,
    Running,
    Done,
    Skipped,
    Failed,
    Undone,
}

#[derive(Debug, Serialize, Deserialize)]
struct CommandDocument {
    command: String,
    at: Timestamp,
    times: u32,
    millis: Option<Number>,
    exit: Option<i32>,
    #[serde(default)]
    expected: bool,
    stdout: String,
    stderr: String,
    failure: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct QuestionDocument {
    id: String,
    text: String,
    #[serde(default)]
    choices: Vec<ChoiceDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChoiceDocument {
    index: u32,
    label: String,
    default: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorDocument {
    kind: ErrorKindDocument,
    message: String,
    hint: String,
    #[serde(default)]
    left: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ErrorKindDocument {
    Refused,
    Node,
    Timeout,
    Unreachable,
    Question,
    Executor,
    Interrupted,
}

/// The word that stands for a state in a document: what queries look for.
#[must_use]
pub(crate) fn state_word(state: TaskState) -> &'static str {
    match state {
        TaskState::Queued => "queued",
        TaskState::Running => "running",
        TaskState::Succeeded => "succeeded",
        TaskState::Failed => "failed",
        TaskState::Interrupted => "interrupted",
    }
}

impl From<&Task> for TaskDocument {
    fn from(task: &Task) -> Self {
        let Task {
            id: TaskId(id),
            node,
            request,
            vm_name,
            actor,
            idempotency_key,
            request_id,
            created_at,
            executor,
            progress,
        } = task.clone();
        Self {
            id: UuidDocument(id),
            node,
            request: request.into(),
            vm_name,
            actor,
            idempotency_key,
            request_id,
            created_at,
            executor: executor.map(UuidDocument),
            progress: progress.into(),
        }
    }
}

impl From<TaskDocument> for Task {
    fn from(document: TaskDocument) -> Self {
        let TaskDocument {
            id: UuidDocument(id),
            node,
            request,
            vm_name,
            actor,
            idempotency_key,
            request_id,
            created_at,
            executor,
            progress,
        } = document;
        Self {
            id: TaskId(id),
            node,
            request: request.into(),
            vm_name,
            actor,
            idempotency_key,
            request_id,
            created_at,
            executor: executor.map(|UuidDocument(executor)| executor),
            progress: progress.into(),
        }
    }
}

impl From<TaskRequest> for RequestDocument {
    fn from(request: TaskRequest) -> Self {
        match request {
            TaskRequest::Power {
                vmid,
                action,
                guest_seconds,
            } => Self::Power {
                vmid: vmid.0,
                action: action.into(),
                guest_seconds,
            },
            TaskRequest::Create(vm) => Self::Create { vm: (*vm).into() },
            TaskRequest::Answer {
                vmid,
                question,
                choice,
            } => Self::Answer {
                vmid: vmid.0,
                question,
                choice,
            },
            TaskRequest::CleanUp {
                task,
                vm,
                directory,
            } => Self::CleanUp {
                task: UuidDocument(task.0),
                vm: (*vm).into(),
                directory,
            },
        }
    }
}

impl From<RequestDocument> for TaskRequest {
    fn from(document: RequestDocument) -> Self {
        match document {
            RequestDocument::Power {
                vmid,
                action,
                guest_seconds,
            } => Self::Power {
                vmid: Vmid(vmid),
                action: action.into(),
                guest_seconds,
            },
            RequestDocument::Create { vm } => Self::Create(Box::new(vm.into())),
            RequestDocument::Answer {
                vmid,
                question,
                choice,
            } => Self::Answer {
                vmid: Vmid(vmid),
                question,
                choice,
            },
            RequestDocument::CleanUp {
                task,
                vm,
                directory,
            } => Self::CleanUp {
                task: TaskId(task.0),
                vm: Box::new(vm.into()),
                directory,
            },
        }
    }
}

impl From<PowerAction> for ActionDocument {
    fn from(action: PowerAction) -> Self {
        match action {
            PowerAction::On => Self::On,
            PowerAction::Off => Self::Off,
            PowerAction::Shutdown => Self::Shutdown,
            PowerAction::Reboot => Self::Reboot,
            PowerAction::Reset => Self::Reset,
            PowerAction::Suspend => Self::Suspend,
        }
    }
}

impl From<ActionDocument> for PowerAction {
    fn from(document: ActionDocument) -> Self {
        match document {
            ActionDocument::On => Self::On,
            ActionDocument::Off => Self::Off,
            ActionDocument::Shutdown => Self::Shutdown,
            ActionDocument::Reboot => Self::Reboot,
            ActionDocument::Reset => Self::Reset,
            ActionDocument::Suspend => Self::Suspend,
        }
    }
}

impl From<NewVm> for NewVmDocument {
    fn from(vm: NewVm) -> Self {
        let NewVm {
            name,
            cpus,
            memory_mb,
            disk_gb,
            comment,
            guest_os,
            network,
            iso_path,
            power_on,
        } = vm;
        Self {
            name,
            cpus,
            memory_mb: Number(memory_mb),
            disk_gb: Number(disk_gb),
            comment,
            guest_os,
            network,
            iso_path,
            power_on,
        }
    }
}

impl From<NewVmDocument> for NewVm {
    fn from(document: NewVmDocument) -> Self {
        let NewVmDocument {
            name,
            cpus,
            memory_mb,
            disk_gb,
            comment,
            guest_os,
            network,
            iso_path,
            power_on,
        } = document;
        Self {
            name,
            cpus,
            memory_mb: memory_mb.into(),
            disk_gb: disk_gb.into(),
            comment,
            guest_os,
            network,
            iso_path,
            power_on,
        }
    }
}

impl From<TaskProgress> for ProgressDocument {
    fn from(progress: TaskProgress) -> Self {
        let TaskProgress {
            state,
            steps,
            percent,
            started_at,
            finished_at,
            commands,
            directory,
            vmid,
            question,
            error,
        } = progress;
        Self {
            state: state.into(),
            steps: steps.into_iter().map(Into::into).collect(),
            percent,
            started_at,
            finished_at,
            commands: commands.into_iter().map(Into::into).collect(),
            directory,
            vmid: vmid.map(|vmid| vmid.0),
            question: question.map(Into::into),
            error: error.map(Into::into),
        }
    }
}

impl From<ProgressDocument> for TaskProgress {
    fn from(document: ProgressDocument) -> Self {
        let ProgressDocument {
            state,
            steps,
            percent,
            started_at,
            finished_at,
            commands,
            directory,
            vmid,
            question,
            error,
        } = document;
        Self {
            state: state.into(),
            steps: steps.into_iter().map(Into::into).collect(),
            percent,
            started_at,
            finished_at,
            commands: commands.into_iter().map(Into::into).collect(),
            directory,
            vmid: vmid.map(Vmid),
            question: question.map(Into::into),
            error: error.map(Into::into),
        }
    }
}

impl From<TaskState> for StateDocument {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Queued => Self::Queued,
            TaskState::Running => Self::Running,
            TaskState::Succeeded => Self::Succeeded,
            TaskState::Failed => Self::Failed,
            TaskState::Interrupted => Self::Interrupted,
        }
    }
}

impl From<StateDocument> for TaskState {
    fn from(document: StateDocument) -> Self {
        match document {
            StateDocument::Queued => Self::Queued,
            StateDocument::Running => Self::Running,
            StateDocument::Succeeded => Self::Succeeded,
            StateDocument::Failed => Self::Failed,
            StateDocument::Interrupted => Self::Interrupted,
        }
    }
}

impl From<TaskStep> for StepDocument {
    fn from(step: TaskStep) -> Self {
        let TaskStep {
            title,
            state,
            detail,
        } = step;
        Self {
            title,
            state: state.into(),
            detail,
        }
    }
}

impl From<StepDocument> for TaskStep {
    fn from(document: StepDocument) -> Self {
        let StepDocument {
            title,
            state,
            detail,
        } = document;
        Self {
            title,
            state: state.into(),
            detail,
        }
    }
}

impl From<StepState> for StepStateDocument {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Pending => Self::Pending,
            StepState::Running => Self::Running,
            StepState::Done => Self::Done,
            StepState::Skipped => Self::Skipped,
            StepState::Failed => Self::Failed,
            StepState::Undone => Self::Undone,
        }
    }
}

impl From<StepStateDocument> for StepState {
    fn from(document: StepStateDocument) -> Self {
        match document {
            StepStateDocument::Pending => Self::Pending,
            StepStateDocument::Running => Self::Running,
            StepStateDocument::Done => Self::Done,
            StepStateDocument::Skipped => Self::Skipped,
            StepStateDocument::Failed => Self::Failed,
            StepStateDocument::Undone => Self::Undone,
        }
    }
}

impl From<CommandRun> for CommandDocument {
    fn from(run: CommandRun) -> Self {
        let CommandRun {
            command,
            at,
            times,
            millis,
            exit,
            expected,
            stdout,
            stderr,
            failure,
        } = run;
        Self {
            command,
            at,
            times,
            millis: millis.map(Number),
            exit,
            expected,
            stdout,
            stderr,
            failure,
        }
    }
}

impl From<CommandDocument> for CommandRun {
    fn from(document: CommandDocument) -> Self {
        let CommandDocument {
            command,
            at,
            times,
            millis,
            exit,
            expected,
            stdout,
            stderr,
            failure,
        } = document;
        Self {
            command,
            at,
            times,
            millis: millis.map(u64::from),
            exit,
            expected,
            stdout,
            stderr,
            failure,
        }
    }
}

impl From<Question> for QuestionDocument {
    fn from(Question { id, text, choices }: Question) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        Self { id, text, choices }
    }
}

impl From<QuestionDocument> for Question {
    fn from(QuestionDocument { id, text, choices }: QuestionDocument) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        Self { id, text, choices }
    }
}

impl From<Choice> for ChoiceDocument {
    fn from(choice: Choice) -> Self {
        let Choice {
            index,
            label,
            default,
        } = choice;
        Self {
            index,
            label,
            default,
        }
    }
}

impl From<ChoiceDocument> for Choice {
    fn from(document: ChoiceDocument) -> Self {
        let ChoiceDocument {
            index,
            label,
            default,
        } = document;
        Self {
            index,
            label,
            default,
        }
    }
}

impl From<TaskError> for ErrorDocument {
    fn from(error: TaskError) -> Self {
        let TaskError {
            kind,
            message,
            hint,
            left,
        } = error;
        Self {
            kind: kind.into(),
            message,
            hint,
            left,
        }
    }
}

impl From<ErrorDocument> for TaskError {
    fn from(document: ErrorDocument) -> Self {
        let ErrorDocument {
            kind,
            message,
            hint,
            left,
        } = document;
        Self {
            kind: kind.into(),
            message,
            hint,
            left,
        }
    }
}

impl From<TaskErrorKind> for ErrorKindDocument {
    fn from(kind: TaskErrorKind) -> Self {
        match kind {
            TaskErrorKind::Refused => Self::Refused,
            TaskErrorKind::Node => Self::Node,
            TaskErrorKind::Timeout => Self::Timeout,
            TaskErrorKind::Unreachable => Self::Unreachable,
            TaskErrorKind::Question => Self::Question,
            TaskErrorKind::Executor => Self::Executor,
            TaskErrorKind::Interrupted => Self::Interrupted,
        }
    }
}

impl From<ErrorKindDocument> for TaskErrorKind {
    fn from(document: ErrorKindDocument) -> Self {
        match document {
            ErrorKindDocument::Refused => Self::Refused,
            ErrorKindDocument::Node => Self::Node,
            ErrorKindDocument::Timeout => Self::Timeout,
            ErrorKindDocument::Unreachable => Self::Unreachable,
            ErrorKindDocument::Question => Self::Question,
            ErrorKindDocument::Executor => Self::Executor,
            ErrorKindDocument::Interrupted => Self::Interrupted,
        }
    }
}

impl From<&Note> for NoteDocument {
    fn from(note: &Note) -> Self {
        let Note {
            id,
            node,
            vmid,
            left_at,
        } = note.clone();
        Self {
            id: UuidDocument(id),
            node,
            vmid: vmid.map(|vmid| vmid.0),
            left_at,
        }
    }
}

impl From<NoteDocument> for Note {
    fn from(document: NoteDocument) -> Self {
        let NoteDocument {
            id: UuidDocument(id),
            node,
            vmid,
            left_at,
        } = document;
        Self {
            id,
            node,
            vmid: vmid.map(Vmid),
            left_at,
        }
    }
}

impl From<UuidDocument> for String {
    fn from(UuidDocument(uuid): UuidDocument) -> Self {
        uuid.to_string()
    }
}

impl TryFrom<String> for UuidDocument {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape that files and databases in the field have: it must stay readable.
    const TASK: &str = r#"{
        "id": "0190c0de-0000-7000-8000-000000000001",
        "node": "hoge",
        "request": {"kind": "power", "vmid": 14, "action": "shutdown", "guest_seconds": 120},
        "request_id": "r-1",
        "created_at": "2026-11-22T10:00:00.000001Z",
        "progress": {"state": "running"}
    }"#;

    #[test]
    fn a_missing_field_of_a_task_is_not_known() {
        let task = Task::from(serde_json::from_str::<TaskDocument>(TASK).unwrap());
        assert_eq!(task.progress.state, TaskState::Running);
        assert_eq!(task.vmid(), Some(Vmid(14)));
        assert_eq!(task.idempotency_key, None);
        assert_eq!(task.progress.steps, []);
    }

    #[test]
    fn a_field_of_a_task_that_this_version_does_not_know_is_passed_over() {
        let newer = TASK.replace(r#""vmid""#, r#""gently": true, "vmid""#);
        assert!(serde_json::from_str::<TaskDocument>(&newer).is_ok());
    }

    #[test]
    fn a_request_that_this_version_does_not_know_is_an_error() {
        let newer = TASK.replace(r#""shutdown""#, r#""hibernate""#);
        let error = serde_json::from_str::<TaskDocument>(&newer).unwrap_err();
        assert!(error.to_string().contains("hibernate"), "{error}");
    }

    #[test]
    fn the_words_of_queries_are_those_of_documents() {
        for state in [
            TaskState::Queued,
            TaskState::Running,
            TaskState::Succeeded,
            TaskState::Failed,
            TaskState::Interrupted,
        ] {
            let written = serde_json::to_value(StateDocument::from(state)).unwrap();
            assert_eq!(written, state_word(state));
        }
    }
}
