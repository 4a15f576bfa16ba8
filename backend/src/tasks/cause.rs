//! Who has changed a VM's power meanwhile, and when: where it is not as its requester saw it.

use ecoman_api::text::EN;
use ecoman_model::{
    NodeName, PowerAction, Refusal, Task, TaskErrorKind, TaskId, TaskState, Timestamp, Vmid,
};
use ecoman_store::{StoreError, TaskQuery};

use super::error::Error;
use super::shared::Shared;
use super::view;
use crate::inventory::published::VmEntry;

/// How many of the newest tasks of a node are searched.
const SEARCH: usize = 100;

impl Shared {
    /// Adds the cause to a refusal because the VM's power has changed.
    pub(super) async fn with_cause(
        &self,
        error: Error,
        node: &NodeName,
        vm: &VmEntry,
    ) -> Result<Error, Error> {
        let (expected, now, vm_name) = match error {
            Error::Refused {
                refusal: Refusal::Changed { expected, now },
                vm,
                ..
            } => (expected, now, vm),
            other => return Ok(other),
        };
        let vmid = Vmid(vm.view.vmid);
        let leads_there = |action: PowerAction| action.leads_to() == now;
        let by = self
            .power_changed_by(node, vmid, leads_there, None)
            .await?
            .unwrap_or_else(|| (EN.tasks.changed_outside)(vm.view.observed_at));
        Ok(Error::PowerChanged {
            node: node.to_string(),
            vm: vm_name,
            expected,
            now,
            by,
        })
    }

    /// Adds the cause to a task that has failed since the VM's power had changed: the executor, which
    /// found it, knows no other tasks.
    pub(super) async fn explain_changed_power(&self, task: &mut Task) {
        let changed = |error: &&mut _| {
            let error: &ecoman_model::TaskError = error;
            error.kind == TaskErrorKind::PowerChanged
        };
        let (Some(vmid), Some(seen)) = (task.vmid(), task.progress.finished_at) else {
            return;
        };
        let expected = task.request.power().and_then(|change| change.if_power);
        let (node, id) = (task.node.clone(), task.id);
        let Some(error) = task.progress.error.as_mut().filter(changed) else {
            return;
        };
        let leads_away = |action: PowerAction| Some(action.leads_to()) != expected;
        let by = self
            .retry_until_stored("read tasks", || {
                Box::pin(self.power_changed_by(&node, vmid, leads_away, Some(id)))
            })
            .await
            .unwrap_or_else(|| (EN.tasks.changed_outside)(seen));
        // An adopted task may have it already.
        if !error.message.ends_with(&by) {
            error.message = format!("{} {by}", error.message);
        }
    }

    /// The newest change of a VM's power by a task that led where it must have, in a sentence; `None`:
    /// no task did it.
    async fn power_changed_by(
        &self,
        node: &NodeName,
        vmid: Vmid,
        led_there: impl Fn(PowerAction) -> bool,
        except: Option<TaskId>,
    ) -> Result<Option<String>, StoreError> {
        let query = TaskQuery {
            nodes: vec![node.clone()],
            limit: SEARCH,
            ..TaskQuery::default()
        };
        let recent = self.store.tasks(&query).await?;
        let changes = recent.iter().filter(|task| {
            task.vmid() == Some(vmid)
                && Some(task.id) != except
                && has_changed_something(task)
                && task
                    .request
                    .power()
                    .is_some_and(|change| led_there(change.action))
        });
        let newest: Option<(Timestamp, &Task)> = changes
            .filter_map(|task| Some((task.progress.finished_at?, task)))
            .max_by_key(|(ended, _)| *ended);
        Ok(newest.map(|(ended, task)| {
            (EN.tasks.changed_by)(&view::task_title(task), task.actor.as_deref(), ended)
        }))
    }
}

/// Whether a task that has ended may have changed the VM.
fn has_changed_something(task: &Task) -> bool {
    let error = task.progress.error.as_ref().map(|error| error.kind);
    match task.progress.state {
        TaskState::Queued | TaskState::Running => false,
        TaskState::Succeeded | TaskState::Interrupted => true,
        TaskState::Failed | TaskState::Cancelled => !matches!(
            error,
            Some(TaskErrorKind::Refused | TaskErrorKind::PowerChanged | TaskErrorKind::Executor)
        ),
    }
}
