//! What the node says of a VM, and of its snapshots, asked as a part of a task.

use ecoman_esxi::{Command, Output, SessionError, parse};
use ecoman_model::{PowerState, SnapshotTree, TaskError, VmFacts, Vmid};

use crate::job::Job;
use crate::reading::Ask;
use crate::snapshot_tree::{Sizes, Unread, read_tree};

impl Ask for Job {
    fn ask(&self, command: &Command) -> impl Future<Output = Result<Output, SessionError>> + Send {
        Job::ask(self, command)
    }
}

/// Reads the facts of a VM.
pub(super) async fn vm_facts(job: &Job, vmid: Vmid) -> Result<VmFacts, TaskError> {
    let doing = looking_at(vmid);
    let output = job.ask(&Command::summary(vmid)).await;
    let output = output.map_err(|error| job.lost(&doing, &error))?;
    of_summary(job, &doing, &output)
}

/// Reads the facts of a VM and its power state, which is newer than that of the facts.
pub(super) async fn vm_facts_and_power(
    job: &Job,
    vmid: Vmid,
) -> Result<(VmFacts, PowerState), TaskError> {
    let doing = looking_at(vmid);
    let lost = |error| job.lost(&doing, &error);
    let (summary, power) = (Command::summary(vmid), Command::power_state(vmid));
    let asking = futures::future::try_join(job.ask(&summary), job.ask(&power));
    let (summary, power) = asking.await.map_err(lost)?;
    let facts = of_summary(job, &doing, &summary)?;
    let power = of_power_state(job, &doing, &power)?;
    Ok((facts, power))
}

/// Reads the power state of a VM.
pub(super) async fn power_state(job: &Job, vmid: Vmid) -> Result<PowerState, TaskError> {
    let doing = format!("Reading the power state of VM {vmid}");
    let output = job.ask(&Command::power_state(vmid)).await;
    let output = output.map_err(|error| job.lost(&doing, &error))?;
    of_power_state(job, &doing, &output)
}

/// Reads the snapshots of a VM, without their sizes, and the free space.
pub(super) async fn snapshots(job: &Job, vmid: Vmid) -> Result<SnapshotTree, TaskError> {
    let doing = format!("Reading the snapshots of VM {vmid}");
    let tree = read_tree(job, vmid, Sizes::No).await;
    tree.map_err(|unread| match unread {
        Unread::Lost(error) => job.lost(&doing, &error),
        Unread::Answer(output, error) => job.failed(&doing, &output, Some(&error)),
    })
}

fn looking_at(vmid: Vmid) -> String {
    format!("Reading VM {vmid}")
}

fn of_summary(job: &Job, doing: &str, output: &Output) -> Result<VmFacts, TaskError> {
    let summary = parse::summary(&output.stdout);
    let summary = summary.map_err(|error| job.failed(doing, output, Some(&error)))?;
    Ok(summary.facts)
}

fn of_power_state(job: &Job, doing: &str, output: &Output) -> Result<PowerState, TaskError> {
    let power = parse::power_state(&output.stdout);
    power.map_err(|error| job.failed(doing, output, Some(&error)))
}
