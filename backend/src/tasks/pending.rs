//! Changes that wait until a VM is off: kept, taken back, and made tasks of.

use std::sync::Arc;

use ecoman_model::{
    AuditEntry, AuditOutcome, Edit, PendingChange, Permission, PowerState, TaskRequest, VmSettings,
};
use ecoman_store::Added;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::error::Error;
use super::new_task::NewTask;
use super::run::HandOver;
use super::shared::{RETRY, Shared};
use super::{Tasks, checks};
use crate::error_chain::chain;
use crate::inventory::published::{NodeEntry, VmEntry};

/// How often what waits is looked at though nothing has changed: the executor may have been away.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Who knows what the requester of a change may do by the time it can be made.
pub(crate) trait Rights {
    /// Why it cannot be looked up.
    type Error: std::error::Error + 'static;

    /// Whether the requester of a change may still do it.
    fn still_may(
        &self,
        change: &PendingChange,
        permission: Permission,
    ) -> Result<bool, Self::Error>;
}

impl Tasks {
    /// Keeps a change of a VM until the VM is off, together with what waits of it already. A setting
    /// that the VM has already waits no more. Returns what waits now; `None`: nothing.
    pub(crate) async fn keep_until_off(
        &self,
        edit: &Edit,
        node: &NodeEntry,
        vm: &VmEntry,
        new: PendingChange,
    ) -> Result<Option<PendingChange>, Error> {
        if node.record.settings.read_only {
            return Err(Error::ReadOnly(node.view.name.clone()));
        }
        checks::check_edit(edit, node, vm)?;
        let before = node.pending_of(vm);
        let now = vm.view.settings();
        let merged = merged(before, new, &now);
        match (before, merged.settings.is_empty()) {
            (_, false) => {
                self.shared.store.set_pending(&merged).await?;
                Ok(Some(merged))
            }
            (Some(before), true) => {
                let store = &self.shared.store;
                store.remove_pending(&before.key, before.id).await?;
                Ok(None)
            }
            (None, true) => Ok(None),
        }
    }

    /// Takes back what waits of a VM.
    ///
    /// # Errors
    ///
    /// [`Error::NoPending`]: nothing did, or it has become a task.
    pub(crate) async fn take_back(&self, node: &NodeEntry, vm: &VmEntry) -> Result<(), Error> {
        let store = &self.shared.store;
        let removed = match node.pending_of(vm) {
            Some(change) => store.remove_pending(&change.key, change.id).await?,
            None => false,
        };
        removed.then_some(()).ok_or_else(|| Error::NoPending {
            node: node.view.name.clone(),
            vm: checks::display_name(vm),
        })
    }

    /// Makes tasks of what waits, as soon as its VM is seen off, until the server stops.
    pub(crate) async fn run_pending(self, rights: impl Rights) {
        let mut changes = self.shared.inventory.subscribe();
        loop {
            let snapshot = self.shared.inventory.snapshot();
            for node in &snapshot.nodes {
                for change in &node.pending {
                    let vm = snapshot.vm(change.key.node.as_str(), change.key.vmid.0);
                    if let Some(vm) = vm.filter(|vm| is_ready(node, vm, change))
                        && let Err(error) = self.begin(&rights, change, vm).await
                    {
                        let error = chain(&error);
                        tracing::warn!(vm = %change.key, error, "a change waits on");
                        sleep(RETRY).await;
                    }
                }
            }
            if let Ok(Err(_)) = timeout(LOOK_AGAIN, changes.changed()).await {
                return;
            }
        }
    }

    /// Makes a task of a change whose VM is off, if its requester may still do it.
    async fn begin(
        &self,
        rights: &impl Rights,
        change: &PendingChange,
        vm: &VmEntry,
    ) -> Result<(), Error> {
        // Somebody switches it on again, or has done so since it was seen.
        let key = &change.key;
        if self
            .touched_since(&key.node, key.vmid, vm.view.observed_at)
            .await?
        {
            return Ok(());
        }
        let request = TaskRequest::Edit(Box::new(Edit {
            vmid: key.vmid,
            settings: change.settings.clone(),
            seen: change.seen.clone(),
        }));
        let permission = request.act().permission();
        match rights.still_may(change, permission) {
            Ok(true) => {}
            Ok(false) => return self.shared.drop_pending(change, &request, vm).await,
            Err(error) => {
                tracing::warn!(error = chain(&error), "cannot read the permissions");
                return Ok(());
            }
        }
        let new_task = NewTask {
            node: key.node.clone(),
            vm_name: vm.view.name.clone(),
            request,
            // One task at most, whichever process makes it. No client can send a blank.
            idempotency_key: Some(format!("pending {}", change.id)),
            request_id: change.request_id.clone(),
            actor: change.actor.clone(),
        };
        self.shared.submit_pending(&new_task).await?;
        self.shared.store.remove_pending(key, change.id).await?;
        Ok(())
    }
}

impl Shared {
    /// Makes the task of a change that waited. Unlike a request it goes on waiting while the
    /// executor is not responding.
    async fn submit_pending(self: &Arc<Self>, new_task: &NewTask) -> Result<(), Error> {
        let instance = match self.executor.instance().await {
            Ok(instance) => instance.instance,
            Err(error) => {
                tracing::debug!(error = chain(&error), "the executor is not responding");
                sleep(RETRY).await;
                return Err(crate::http::Error::Timeout.into());
            }
        };
        let task = self.task(new_task, Some(instance));
        let Some(claim) = self.claim(task.id) else {
            return Err(crate::http::Error::Internal.into());
        };
        if let Added::New = self.store.add_task(&task).await? {
            tracing::info!(task = %task.id, node = %task.node, "applying a pending change");
            self.record_audit(&task, new_task.actor.clone()).await;
            self.start(task, HandOver::NotSent, claim);
        }
        Ok(())
    }

    /// Drops a change whose requester may not do it any more.
    async fn drop_pending(
        &self,
        change: &PendingChange,
        request: &TaskRequest,
        vm: &VmEntry,
    ) -> Result<(), Error> {
        let key = &change.key;
        if !self.store.remove_pending(key, change.id).await? {
            return Ok(());
        }
        tracing::warn!(vm = %key, "discarded a pending change: no permission any more");
        let entry = AuditEntry {
            id: Uuid::now_v7(),
            at: (self.clock)(),
            actor: change.actor.clone(),
            operation: request.act().operation().unwrap_or_default().to_owned(),
            summary: crate::audit::summary(request),
            node: Some(key.node.clone()),
            vmid: Some(key.vmid),
            name: vm.view.name.clone(),
            task: None,
            outcome: AuditOutcome::Refused,
            detail: Some(ecoman_api::text::EN.tasks.pending_not_permitted.to_owned()),
            request_id: change.request_id.clone(),
        };
        crate::audit::record(&*self.store, &entry).await;
        Ok(())
    }
}

/// Whether the VM of a change is seen to be off.
fn is_ready(node: &NodeEntry, vm: &VmEntry, change: &PendingChange) -> bool {
    !vm.view.stale
        && vm.view.power == PowerState::Off
        && !node.record.settings.read_only
        && node.pending_of(vm).is_some_and(|it| it.id == change.id)
}

/// A change together with what waited before, without what the VM has already.
fn merged(before: Option<&PendingChange>, new: PendingChange, now: &VmSettings) -> PendingChange {
    let (old, old_seen) = before.map_or_else(Default::default, |before| {
        (before.settings.clone(), before.seen.clone())
    });
    // A new value of a setting brings what its requester saw of it.
    let name_seen = match &new.settings.name {
        Some(_) => new.seen.name.clone().or_else(|| now.name.clone()),
        None => old_seen.name,
    };
    let comment_seen = match &new.settings.comment {
        Some(_) => new.seen.comment.clone().or_else(|| now.comment.clone()),
        None => old_seen.comment,
    };
    let name = new.settings.name.clone().or(old.name);
    let comment = new.settings.comment.clone().or(old.comment);
    let name = name.filter(|name| now.name.as_ref() != Some(name));
    let comment = comment.filter(|comment| now.comment.as_ref() != Some(comment));
    PendingChange {
        seen: VmSettings {
            name: name_seen.filter(|_| name.is_some()),
            comment: comment_seen.filter(|_| comment.is_some()),
            ..VmSettings::default()
        },
        settings: VmSettings {
            name,
            comment,
            ..VmSettings::default()
        },
        ..new
    }
}
