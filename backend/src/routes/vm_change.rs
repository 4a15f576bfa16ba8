//! What the handlers of every change of a VM do alike: find the VM, make the task, answer 202.

use std::sync::Arc;

use ecoman_model::{Task, TaskRequest, Vmid};

use super::guard::ChangeContext;
use super::responses::Accepted;
use super::state::AppState;
use super::visible::loaded;
use crate::http::problem::ErrorResponse;
use crate::inventory::error::Error;
use crate::inventory::published::{NodeEntry, VmEntry};
use crate::tasks;

/// A VM of which a change is requested, as the caller sees it.
pub(super) struct VmChange<'a> {
    state: &'a AppState,
    context: &'a ChangeContext,
    pub(super) node: Arc<NodeEntry>,
    pub(super) vm: Arc<VmEntry>,
}

impl<'a> VmChange<'a> {
    /// Finds the VM that a path names.
    ///
    /// # Errors
    ///
    /// The caller sees no such node or VM, or the store has not been read yet.
    pub(super) fn find(
        state: &'a AppState,
        context: &'a ChangeContext,
        node: &str,
        vmid: &str,
    ) -> Result<Self, Error> {
        let snapshot = loaded(&state.inventory, &context.caller)?;
        let (node, vm) = snapshot.find_vm(node, vmid)?;
        Ok(Self {
            state,
            context,
            node: Arc::clone(node),
            vm: Arc::clone(vm),
        })
    }

    /// The VM's id on its node.
    pub(super) fn vmid(&self) -> Vmid {
        Vmid(self.vm.view.vmid)
    }

    /// Makes the task of the change.
    ///
    /// # Errors
    ///
    /// The change is not possible now, or cannot be handed over.
    pub(super) async fn submit(&self, request: TaskRequest) -> Result<Task, tasks::Error> {
        let (context, tasks) = (self.context, &self.state.tasks);
        context
            .submit(tasks, request, &self.node, Some(&self.vm))
            .await
    }

    /// Makes the task of the change, and answers with it.
    ///
    /// # Errors
    ///
    /// As of [`Self::submit`].
    pub(super) async fn accept(&self, request: TaskRequest) -> Result<Accepted, ErrorResponse> {
        Ok(Accepted::new(self.submit(request).await?))
    }
}
