//! Snapshots: taken, reverted to, removed. The tree that the node shows before and after decides
//! (`snapshot_tree.rs`).

use ecoman_api::text::EN;
use ecoman_esxi::Command;
use ecoman_model::{
    Act, NodeBefore, PowerState, SNAPSHOT_DEPTH, Situation, SnapshotCreate, SnapshotRemove,
    SnapshotRemoveAll, SnapshotRevert, SnapshotTree, Step, StepState, TaskError, TaskErrorKind,
    Vmid, least_snapshot_bytes,
};

use super::facts::{snapshots, vm_facts};
use super::hostd_task::{Ended, Work};
use crate::job::{Job, refused};

const CREATE: &[&str] = &["createsnapshot"];
const REVERT: &[&str] = &["snapshot.revert", "reverttosnapshot"];
const REMOVE: &[&str] = &["snapshot.remove", "removesnapshot"];
const REMOVE_ALL: &[&str] = &["removeallsnapshots"];

/// A VM as it was looked at before its snapshots are changed.
struct Seen {
    name: String,
    power: PowerState,
    memory_mb: Option<u64>,
    tree: SnapshotTree,
}

/// Takes a snapshot.
pub(super) async fn create(job: &Job, act: &SnapshotCreate) -> Result<(), TaskError> {
    let work = Work {
        vmid: act.vmid,
        verbs: CREATE,
    };
    if let Some(before) = job.earlier() {
        let before = before.before.clone();
        return follow(job, work, before.clone(), |now, _| {
            let known = before.as_ref().map(|before| before.snapshots.as_slice());
            let mut same = now.items.iter().filter(|snapshot| {
                snapshot.name == act.name
                    && snapshot.description.as_deref().unwrap_or_default() == act.description
            });
            match known {
                Some(known) => match same.find(|snapshot| !known.contains(&snapshot.id)) {
                    Some(snapshot) => Followed::Done(format!("Snapshot ID {}.", snapshot.id)),
                    None => Followed::NotDone("The snapshot was not taken.".to_owned()),
                },
                None if same.next().is_some() => Followed::Unknown(
                    "A snapshot with this name exists; it is unknown whether this task took it."
                        .to_owned(),
                ),
                None => Followed::NotDone("No snapshot has this name.".to_owned()),
            }
        })
        .await;
    }
    let first = job.plan([
        Step::ReadSnapshots,
        Step::TakeSnapshot,
        Step::CompareSnapshots,
    ]);
    let seen = look(job, act.vmid, act, first).await?;
    let deepest = seen.tree.current.map_or(0, |id| seen.tree.depth(id) + 1);
    if deepest >= SNAPSHOT_DEPTH {
        return Err(refused(
            format!(
                "{} on {} has a chain of {deepest} snapshots, the maximum on ESXi.",
                seen.name,
                job.name()
            ),
            "Remove some snapshots first.",
        ));
    }
    let holds_memory = act.memory && seen.power == PowerState::On;
    let memory_mb = holds_memory.then(|| seen.memory_mb.unwrap_or_default());
    enough_space(job, &seen, least_snapshot_bytes(memory_mb))?;
    let doing = format!("Taking the snapshot of {}", seen.name);
    let command = Command::create_snapshot(
        act.vmid,
        &act.name,
        &act.description,
        act.memory,
        act.quiesce,
    );
    let ended = change(job, work, &command, &seen, first + 1, &doing).await?;
    job.begin(first + 2);
    let now = snapshots(job, act.vmid).await?;
    let new = now
        .items
        .iter()
        .find(|snapshot| seen.tree.get(snapshot.id).is_none());
    let Some(new) = new else {
        return Err(not_done(job, ended, &doing, "has no new snapshot"));
    };
    finish(job, first, &ended, format!("Snapshot ID {}.", new.id));
    Ok(())
}

/// Goes back to a snapshot.
pub(super) async fn revert(job: &Job, act: &SnapshotRevert) -> Result<(), TaskError> {
    let work = Work {
        vmid: act.vmid,
        verbs: REVERT,
    };
    if let Some(before) = job.earlier() {
        return follow(job, work, before.before.clone(), |now, ended| {
            match (now.current == Some(act.snapshot), ended) {
                (true, true) => Followed::Done("The VM is at the snapshot.".to_owned()),
                // It may have been there before.
                (true, false) => Followed::Unknown(
                    "The VM is at the snapshot; it is unknown whether this task reverted it."
                        .to_owned(),
                ),
                (false, _) => Followed::NotDone("The VM is not at the snapshot.".to_owned()),
            }
        })
        .await;
    }
    let first = job.plan([
        Step::ReadSnapshots,
        Step::RevertToSnapshot,
        Step::CompareSnapshots,
    ]);
    let seen = look(job, act.vmid, act, first).await?;
    there(job, &seen, act.snapshot)?;
    let doing = format!("Reverting {} to snapshot {}", seen.name, act.snapshot);
    let command = Command::revert_to_snapshot(act.vmid, act.snapshot, act.keep_off);
    let ended = change(job, work, &command, &seen, first + 1, &doing).await?;
    job.begin(first + 2);
    let now = snapshots(job, act.vmid).await?;
    if now.current != Some(act.snapshot) {
        return Err(not_done(job, ended, &doing, "is not at the snapshot"));
    }
    // At the same snapshot as before nothing but the node's own word says that it was done.
    if let (Ended::Complaining(error), true) = (&ended, seen.tree.current == now.current) {
        return Err(error.clone());
    }
    finish(job, first, &ended, "The VM is at the snapshot.".to_owned());
    Ok(())
}

/// Removes a snapshot, and those that are built on it where that is asked: the last first, one at a
/// time, since vim-cmd removes one.
pub(super) async fn remove(job: &Job, act: &SnapshotRemove) -> Result<(), TaskError> {
    let work = Work {
        vmid: act.vmid,
        verbs: REMOVE,
    };
    if let Some(before) = job.earlier() {
        return follow(job, work, before.before.clone(), |now, _| {
            match now.get(act.snapshot) {
                None => Followed::Done("The snapshot is gone.".to_owned()),
                Some(_) => Followed::NotDone("The snapshot is still there.".to_owned()),
            }
        })
        .await;
    }
    let first = job.plan([Step::ReadSnapshots]);
    let seen = look(job, act.vmid, act, first).await?;
    there(job, &seen, act.snapshot)?;
    let mut ids = vec![act.snapshot];
    if act.children {
        let below = seen.tree.below(act.snapshot);
        ids.extend(below.iter().map(|snapshot| snapshot.id));
    }
    ids.reverse();
    let count = ids.len();
    job.plan([Step::RemoveSnapshots { count }, Step::CompareSnapshots]);
    let mut seen = seen;
    let mut ended = Ended::Quietly;
    for (done, id) in ids.iter().enumerate() {
        let doing = format!("Removing snapshot {id} of {}", seen.name);
        job.share_of_work(done, count);
        let command = Command::remove_snapshot(act.vmid, *id);
        ended = change(job, work, &command, &seen, first + 1, &doing).await?;
        let now = snapshots(job, act.vmid).await?;
        if now.get(*id).is_some() {
            let mut error = not_done(job, ended, &doing, "still has the snapshot");
            if done > 0 {
                error.left = vec![format!("{done} of {count} snapshots were already removed.")];
            }
            return Err(error);
        }
        seen.tree = now;
    }
    job.begin(first + 2);
    finish(
        job,
        first,
        &ended,
        (EN.tasks.snapshots_left)(seen.tree.items.len()),
    );
    Ok(())
}

/// Removes all snapshots.
pub(super) async fn remove_all(job: &Job, act: &SnapshotRemoveAll) -> Result<(), TaskError> {
    let work = Work {
        vmid: act.vmid,
        verbs: REMOVE_ALL,
    };
    if let Some(before) = job.earlier() {
        return follow(job, work, before.before.clone(), |now, _| {
            match now.items.len() {
                0 => Followed::Done("No snapshot is left.".to_owned()),
                left => Followed::NotDone(format!("{left} snapshots are still there.")),
            }
        })
        .await;
    }
    let first = job.plan([
        Step::ReadSnapshots,
        Step::RemoveSnapshots { count: 0 },
        Step::CompareSnapshots,
    ]);
    let seen = look(job, act.vmid, act, first).await?;
    if seen.tree.items.is_empty() {
        job.step(first + 1, StepState::Skipped, None);
        job.step(first + 2, StepState::Skipped, None);
        return Ok(());
    }
    let doing = format!("Removing all snapshots of {}", seen.name);
    let command = Command::remove_all_snapshots(act.vmid);
    let ended = change(job, work, &command, &seen, first + 1, &doing).await?;
    job.begin(first + 2);
    let now = snapshots(job, act.vmid).await?;
    if !now.items.is_empty() {
        return Err(not_done(job, ended, &doing, "still has snapshots"));
    }
    finish(job, first, &ended, (EN.tasks.snapshots_left)(0));
    Ok(())
}

/// Looks at the VM and its snapshots, in step `first`. Refuses what cannot be done.
async fn look(
    job: &Job,
    vmid: Vmid,
    act: &(dyn Act + Sync),
    first: usize,
) -> Result<Seen, TaskError> {
    job.begin(first);
    let doing = format!("The task for VM {vmid} on {}", job.name());
    let looking = async {
        let facts = vm_facts(job, vmid).await?;
        let name = facts.name.clone().unwrap_or_else(|| format!("VM {vmid}"));
        let power = facts.power;
        let situation = Situation {
            power,
            tools_status: facts.tools_status.as_deref(),
            connection_state: facts.connection_state.as_deref(),
            read_only: false,
        };
        act.may(&situation).map_err(|refusal| {
            let why = (EN.refusals.sentence)(&refusal);
            refused(
                format!("{name} on {}: {why}", job.name()),
                "Check the VM's current state, then try again if needed.",
            )
        })?;
        let tree = snapshots(job, vmid).await?;
        Ok(Seen {
            name,
            power,
            memory_mb: facts.memory_mb,
            tree,
        })
    };
    let seen = job.unless_cancelled(&doing, looking).await?;
    let found = (EN.tasks.snapshots_left)(seen.tree.items.len());
    job.step(first, StepState::Done, Some(found));
    Ok(seen)
}

fn enough_space(job: &Job, seen: &Seen, needed: u64) -> Result<(), TaskError> {
    match seen.tree.free_bytes {
        Some(free) if free < needed => Err(refused(
            format!(
                "The datastore of {} on {} has {} free; the snapshot needs at least {}.",
                seen.name,
                job.name(),
                (EN.format.bytes)(free),
                (EN.format.bytes)(needed),
            ),
            "Free some space, or take the snapshot without memory.",
        )),
        _ => Ok(()),
    }
}

fn there(job: &Job, seen: &Seen, id: u32) -> Result<(), TaskError> {
    match seen.tree.get(id) {
        Some(_) => Ok(()),
        None => Err(refused(
            format!(
                "{} on {} no longer has snapshot {id}.",
                seen.name,
                job.name()
            ),
            "Reload its snapshots.",
        )),
    }
}

/// Sends a command in step `step`, after it has reported what was there before.
async fn change(
    job: &Job,
    work: Work,
    command: &Command,
    seen: &Seen,
    step: usize,
    doing: &str,
) -> Result<Ended, TaskError> {
    let tasks = work.tasks(job).await;
    let tasks = tasks.map_err(|error| job.lost(doing, &error))?;
    job.close_cancellation(doing)?;
    let snapshots = seen.tree.items.iter().map(|snapshot| snapshot.id);
    job.change(|progress| {
        progress.before = Some(NodeBefore {
            snapshots: snapshots.collect(),
            tasks: tasks.clone(),
        });
    });
    job.begin(step);
    work.send(job, command, tasks.as_deref(), doing).await
}

/// The node has it as requested, whatever the command printed.
fn finish(job: &Job, first: usize, ended: &Ended, detail: String) {
    let said = match ended {
        Ended::Quietly => None,
        Ended::Complaining(_) => {
            Some("The command reported a failure, but the host shows it as done.".to_owned())
        }
    };
    job.step(first + 1, StepState::Done, said);
    job.step(first + 2, StepState::Done, Some(detail));
}

/// The error of work that the node does not show as done.
fn not_done(job: &Job, ended: Ended, doing: &str, is: &str) -> TaskError {
    match ended {
        Ended::Complaining(error) => error,
        Ended::Quietly => TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{doing}: {} reports no failure, but the VM {is}.",
                job.name()
            ),
            hint: "Check its snapshots in Host Client.".to_owned(),
            left: Vec::new(),
        },
    }
}

/// What the node shows of the work of an earlier run.
enum Followed {
    /// It is done.
    Done(String),
    /// It is not, and nothing is under way.
    NotDone(String),
    /// The node does not say whose it is.
    Unknown(String),
}

/// Follows what an earlier run of the executor may have asked for; sends nothing. `judge` gets the
/// tree as it is then, and whether hostd says that such work has ended well.
async fn follow(
    job: &Job,
    work: Work,
    before: Option<NodeBefore>,
    judge: impl FnOnce(&SnapshotTree, bool) -> Followed,
) -> Result<(), TaskError> {
    let first = job.plan([Step::FollowOnNode, Step::CompareSnapshots]);
    job.close_cancellation("The task")?;
    job.begin(first);
    let doing = format!("The snapshot task of VM {}", work.vmid);
    let tasks = before.and_then(|before| before.tasks);
    let ended = work.resume(job, tasks.as_deref(), &doing).await?;
    job.done(first);
    job.begin(first + 1);
    let now = snapshots(job, work.vmid).await?;
    let ended_well = matches!(ended, Some(Ended::Quietly));
    let unfinished = |detail: String| TaskError {
        kind: TaskErrorKind::Node,
        message: format!("{} {detail}", (EN.tasks.interrupted)(job.name())),
        hint: "Nothing was repeated. Check the snapshots, then try again if needed.".to_owned(),
        left: Vec::new(),
    };
    match (judge(&now, ended_well), ended) {
        (Followed::Done(detail), _) => {
            job.step(first + 1, StepState::Done, Some(detail));
            Ok(())
        }
        // The node's own reason is worth more.
        (Followed::NotDone(_), Some(Ended::Complaining(error))) => Err(error),
        (Followed::NotDone(detail) | Followed::Unknown(detail), _) => Err(unfinished(detail)),
    }
}
