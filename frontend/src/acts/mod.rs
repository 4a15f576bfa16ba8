//! The acts on the page, a file or a folder each: button, confirmation, progress.

pub(crate) mod answer;
mod clean_up;
pub(crate) mod create;
pub(crate) mod edit;
mod hardware;
pub(crate) mod power;
mod removal;
mod results;
mod snapshot;

use chrono::{DateTime, Utc};
use ecoman_api::{CreateVm, SetPower, Task, TaskRequest, TaskState};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::components::busy;
use crate::live::LiveData;
use crate::state::draft::Draft;
use crate::state::inventory::VmKey;
use crate::state::text;

/// How the page shows the tasks of an act.
pub(crate) trait ActView {
    /// Progress of a running task: its step, where an act has nothing more exact.
    fn progress(&self, task: &Task, _now: DateTime<Utc>) -> Option<String> {
        text::current_step(task)
    }

    /// How much of a running task is done, in percent; `None`: nobody knows.
    fn percent(&self, task: &Task, _now: DateTime<Utc>) -> Option<u8> {
        task.progress
    }

    /// The request that repeats it on `node`; `None`: repeating it makes no sense.
    fn again(&self, _node: &str) -> Option<Again> {
        None
    }

    /// The form in which it can be changed and requested again; `None`: there is no form.
    fn draft(&self, _node: &str) -> Option<Draft> {
        None
    }

    /// The order that cancels a running task; `None`: it cannot be stopped now.
    fn cancel_label(&self, _task: &Task) -> Option<&'static str> {
        None
    }

    /// Details of the request, for the page of a task.
    fn facts(&self, _task: &Task) -> Vec<AnyView> {
        Vec::new()
    }
}

/// The only match over the acts in the page.
fn view_of(request: &TaskRequest) -> &dyn ActView {
    match request {
        TaskRequest::Power(change) => change,
        TaskRequest::Create(vm) => vm.as_ref(),
        TaskRequest::Answer(answer) => answer,
        TaskRequest::CleanUp(clean_up) => clean_up,
        TaskRequest::SnapshotCreate(act) => act,
        TaskRequest::SnapshotRevert(act) => act,
        TaskRequest::SnapshotRemove(act) => act,
        TaskRequest::SnapshotRemoveAll(act) => act,
        TaskRequest::Edit(edit) => edit.as_ref(),
        TaskRequest::DiskGrow(act) => act,
        TaskRequest::CdromChange(act) => act,
        TaskRequest::NicMove(act) => act,
        TaskRequest::Unregister(act) => act,
        TaskRequest::Destroy(act) => act,
    }
}

/// What a task waits for or does at the moment; `None`: it has ended.
pub(crate) fn progress(task: &Task, now: DateTime<Utc>) -> Option<String> {
    let texts = &text::deferred().tasks;
    match task.state {
        TaskState::Queued => Some(texts.waits_for_turn.to_owned()),
        TaskState::Running if task.question.is_some() => Some(texts.waits_for_answer.to_owned()),
        TaskState::Running => view_of(&task.request).progress(task, now),
        TaskState::Succeeded
        | TaskState::Failed
        | TaskState::Interrupted
        | TaskState::Cancelled => None,
    }
}

/// What a task does at the moment, or why it did not succeed.
pub(crate) fn detail(task: &Task, now: DateTime<Utc>) -> Option<String> {
    progress(task, now).or_else(|| task.error.as_ref().map(|error| error.detail.clone()))
}

/// How much of a running task is done, in percent; `None`: nobody knows, or it does not run.
pub(crate) fn percent(task: &Task, now: DateTime<Utc>) -> Option<u8> {
    let runs = task.state == TaskState::Running && task.question.is_none();
    runs.then(|| view_of(&task.request).percent(task, now))?
}

/// The order that cancels a task; `None`: it has ended, or cannot be stopped now.
pub(crate) fn cancel_label(task: &Task) -> Option<&'static str> {
    match task.state {
        TaskState::Queued if task.request.act().can_be_cancelled() => {
            Some(text::deferred().tasks.cancel)
        }
        TaskState::Running => view_of(&task.request).cancel_label(task),
        _ => None,
    }
}

/// The button that cancels a task, while it can be cancelled.
pub(crate) fn cancel_button(live: LiveData, task: &Task) -> Option<AnyView> {
    let label = cancel_label(task)?;
    let id = task.id;
    let tip = match task.request.power() {
        Some(_) => text::deferred().power.stop_waiting_tip,
        None => text::deferred().tasks.cancel_tip,
    };
    let sending = RwSignal::new(false);
    let wrong = RwSignal::new(None::<String>);
    let cancel = move |_| {
        if sending.get_untracked() {
            return;
        }
        sending.set(true);
        wrong.set(None);
        spawn_local(async move {
            match api::cancel(id).await {
                // It says so until the end comes.
                Ok(task) => live.take_task(task),
                Err(error) => {
                    sending.try_set(false);
                    wrong.try_set(Some(error.to_string()));
                }
            }
        });
    };
    let words = move || match sending.get() {
        true => text::deferred().tasks.cancelling,
        false => label,
    };
    Some(
        view! {
            <button
                type="button"
                class="button"
                data-tip=tip
                aria-description=tip
                aria-disabled=move || sending.get().then_some("true")
                on:click=cancel
            >
                {move || sending.get().then(busy)}
                {words}
            </button>
            <span class="bad" role="status">{move || wrong.get()}</span>
        }
        .into_any(),
    )
}

/// The form of a task that can be changed and requested again.
pub(crate) fn draft(task: &Task) -> Option<Draft> {
    view_of(&task.request).draft(&task.node)
}

/// Details of a task's request.
pub(crate) fn facts(task: &Task) -> Vec<AnyView> {
    view_of(&task.request).facts(task)
}

/// A request that repeats a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// A change of power.
    Power(VmKey, SetPower),
    /// A new VM.
    Create(CreateVm),
}

impl Again {
    /// The request of a task; `None`: repeating it makes no sense.
    pub(crate) fn of(task: &Task) -> Option<Self> {
        view_of(&task.request).again(&task.node)
    }

    /// Sends it under an `Idempotency-Key`.
    pub(crate) async fn send(self, key: &str) -> Result<Task, api::Error> {
        match self {
            Self::Power(vm, wanted) => api::set_power(&vm.node, vm.vmid, wanted, key).await,
            Self::Create(wanted) => api::create(&wanted, key).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use ecoman_api::PowerAction;

    use super::*;
    use crate::state::fixtures::power;

    #[test]
    fn the_same_can_be_asked_again() {
        let Some(Again::Power(key, wanted)) = Again::of(&power(1, "shutdown", "failed")) else {
            panic!("a change of power");
        };
        assert_eq!((key.node.as_str(), key.vmid), ("hoge", 1));
        assert_eq!(wanted.action, PowerAction::Shutdown);
        assert_eq!(wanted.guest_seconds, Some(120));
    }
}
