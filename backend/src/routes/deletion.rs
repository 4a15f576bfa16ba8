//! Deleting a VM: `DELETE /vms/{node}/{vmid}`, and a look at its files before.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use ecoman_api::VmFiles;
use ecoman_model::{Destroy, ObstacleKind, Permission, TaskRequest, Unregister, Vmid};

use super::guard::ChangeContext;
use super::paths::VmPath;
use super::responses::Accepted;
use super::state::AppState;
use super::visible::loaded;
use super::vm_change::VmChange;
use super::{parameters, responses};
use crate::access::Caller;
use crate::http;
use crate::http::etag::NO_STORE;
use crate::http::problem::ErrorResponse;
use crate::http::query::{NoParameters, Parameters};

/// List a VM's files
///
/// What deleting the VM from disk would remove, what stays and why, and what forbids it. Read from
/// the node at the moment, through the executor: it takes some seconds.
#[utoipa::path(
    get,
    path = "/vms/{node}/{vmid}/files",
    operation_id = "listVmFiles",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Delete))),
    params(VmPath),
    responses(
        (status = 200, description = "The files, and what forbids deleting them.", body = VmFiles),
        responses::NoParameters,
        responses::NoSuchVm,
        responses::NodeNotRead,
    )
)]
pub(crate) async fn list_vm_files(
    State(state): State<AppState>,
    caller: Caller,
    path: VmPath,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let (node, vm) = snapshot.find_vm(&path.node, &path.vmid)?;
    let mut files = state.tasks.files(node, vm).await?;
    for obstacle in &mut files.obstacles {
        let reaches = |node: &String| caller.grant.reaches(node);
        if obstacle.kind == ObstacleKind::OtherNode && !obstacle.by.as_ref().is_some_and(reaches) {
            obstacle.by = None;
        }
    }
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(files)).into_response())
}

/// Delete a VM
///
/// Makes a task. `files=keep` takes the VM off the node's inventory (“Unregister”) and changes no
/// file. `files=delete` deletes it from disk: the files that `GET …/files` shows to go, and no others.
/// It is refused while the VM is not off, while another task of it is under way, and where a disk of
/// it is elsewhere, is needed by something else, is locked by a host, or cannot be looked at; and where
/// another node has a VM in the same directory of the same volume. The node is looked at once more
/// right before.
///
/// The `.vmx` of a VM that was deleted from disk is kept with the task: `GET /tasks/{id}/vmx`.
#[utoipa::path(
    delete,
    path = "/vms/{node}/{vmid}",
    operation_id = "deleteVm",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Delete))),
    params(
        VmPath,
        (
            "files" = inline(FileChoice),
            Query,
            description = "`keep`: unregister the VM and keep its files. `delete`: delete them \
                           from disk.",
            example = "keep"
        ),
        (
            "name" = String,
            Query,
            description = "The VM's name, as a confirmation; its ID if it has no name.",
            example = "metrics-b"
        ),
        (
            "fingerprint" = Option<String>,
            Query,
            description = "That of the files that were seen (`GET …/files`): where they are others by \
                the time of the task, it fails with `vm-changed` and deletes nothing.",
            example = "5f0c1a2b9d3e4f507a1c3cecef1a2b30"
        ),
        parameters::IdempotencyKey,
    ),
    responses(
        Accepted,
        responses::BadParameters,
        responses::NoSuchVm,
        responses::DeletionRefused,
        responses::ExecutorAway,
        responses::NodeNotLookedAt,
    )
)]
pub(crate) async fn delete_vm(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    RawQuery(query): RawQuery,
) -> Result<Accepted, ErrorResponse> {
    let mut parameters = Parameters::new(query.as_deref());
    let files = parameters.take("files", |text| match text {
        "keep" => Ok(FileChoice::Keep),
        "delete" => Ok(FileChoice::Delete),
        _ => Err("must be keep or delete".to_owned()),
    });
    let name = parameters.take("name", |text| Ok::<_, String>(text.to_owned()));
    let fingerprint = parameters.take("fingerprint", |text| Ok::<_, String>(text.to_owned()));
    let known = parameters.finish("files, name, fingerprint");
    known.map_err(http::Error::BadParameters)?;
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let missing = |name| ecoman_api::FieldError::parameter(name, "must be given");
    let required = files.ok_or_else(|| missing("files"));
    let (files, name) = match (required, name.ok_or_else(|| missing("name"))) {
        (Ok(files), Ok(name)) => (files, name),
        (files, name) => {
            let faults = files.err().into_iter().chain(name.err()).collect();
            return Err(http::Error::BadParameters(faults).into());
        }
    };
    let vmid = Vmid(vm.vm.view.vmid);
    let request = match files {
        FileChoice::Keep => TaskRequest::Unregister(Unregister { vmid, name }),
        FileChoice::Delete => TaskRequest::Destroy(Destroy {
            vmid,
            name,
            fingerprint,
        }),
    };
    vm.accept(request).await
}

/// What becomes of the files of a VM that is deleted.
#[derive(Clone, Copy, Debug, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum FileChoice {
    /// They stay.
    Keep,
    /// They are deleted.
    Delete,
}
