//! The acts: how each is carried out, undone and followed, an act a file.

mod answer;
mod clean_up;
mod configuration;
mod create;
mod created_files;
mod device;
mod disk;
mod edit;
mod facts;
mod files;
mod hostd_task;
mod last_look;
mod power;
mod question;
mod removal;
mod snapshot;
mod vmx_change;

use ecoman_model::{NodeName, TaskError, TaskRequest};

use crate::job::Job;

/// Carries out an act. The only match over the acts in this crate.
pub(crate) async fn run(job: &Job, request: &TaskRequest) -> Result<(), TaskError> {
    match request {
        TaskRequest::Power(change) => power::change(job, change).await,
        TaskRequest::Answer(answer) => answer::answer(job, answer).await,
        TaskRequest::Create(vm) => create::create(job, vm).await,
        TaskRequest::Edit(change) => edit::edit(job, change).await,
        TaskRequest::DiskGrow(act) => disk::grow(job, act).await,
        TaskRequest::CdromChange(act) => device::change_cdrom(job, act).await,
        TaskRequest::NicMove(act) => device::move_nic(job, act).await,
        TaskRequest::Unregister(act) => removal::unregister(job, act).await,
        TaskRequest::Destroy(act) => removal::destroy(job, act).await,
        TaskRequest::CleanUp(clean_up) => clean_up::clean_up_interrupted(job, clean_up).await,
        TaskRequest::SnapshotCreate(act) => snapshot::create(job, act).await,
        TaskRequest::SnapshotRevert(act) => snapshot::revert(job, act).await,
        TaskRequest::SnapshotRemove(act) => snapshot::remove(job, act).await,
        TaskRequest::SnapshotRemoveAll(act) => snapshot::remove_all(job, act).await,
    }
}

/// What may be on the node if a task stops before it has looked.
pub(crate) fn possible_leftovers(node: &NodeName, request: &TaskRequest) -> Option<String> {
    let clean_up = request.clean_up()?;
    Some(clean_up::possible_leftovers(node.as_str(), clean_up))
}
