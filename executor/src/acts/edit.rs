//! Changing settings of a VM: look, compare, write the changed `.vmx` beside the one that is there, put
//! it in its place, have the node read it, and see what the node makes of it.
//!
//! The node's `.vmx` is one of the two at any time, whole. It is replaced only while it holds what was
//! read, so that nothing that somebody else has written meanwhile is lost, and a `.vmx` from before a
//! snapshot never comes back. What a run that died has left is found by the id of the task.

mod configuration;

use std::time::Duration;

use ecoman_api::text::EN;
use ecoman_esxi::{Command, edit_vmx, parse, vmx_value};
use ecoman_model::{
    Act as _, Edit, FieldFault, Limits, PowerState, Refusal, Setting, Situation, Step, StepState,
    TaskError, TaskErrorKind, VmFacts, VmSettings, Vmid, marks,
};
use tokio::time::Instant;

use self::configuration::Configuration;
use super::facts::{vm_facts, vm_facts_and_power};
use crate::job::{Job, STATE_LAG, refused};

const LOOK: usize = 0;
const READ: usize = 1;
const WRITE: usize = 2;
const REPLACE: usize = 3;
const RELOAD: usize = 4;
const COMPARE: usize = 5;

/// Between two looks at what the node makes of a change.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Changes settings of a VM.
pub(crate) async fn edit(job: &Job, edit: &Edit) -> Result<(), TaskError> {
    // The dashboard has checked it too; this is the last check before the node.
    let edit = edit
        .clone()
        .check()
        .map_err(|faults| out_of_range(&faults))?;
    job.plan([
        Step::LookAtVm,
        Step::ReadConfiguration,
        Step::WriteBeside,
        Step::ReplaceConfiguration,
        Step::Reload,
        Step::CompareSettings,
    ]);
    let doing = format!("The change of VM {} on {}", edit.vmid, job.name());
    job.begin(LOOK);
    let vm = job.unless_cancelled(&doing, look(job, &edit)).await?;
    let reading = prepare(job, &edit, &vm);
    let change = match job.unless_cancelled(&doing, reading).await {
        Ok(change) => change,
        Err(error) => {
            vm.file.discard_leftover(job).await;
            return Err(error);
        }
    };
    let file = &vm.file;
    if change.is_written() {
        // By a run that has died since, or by hand.
        file.discard_leftover(job).await;
        job.step(WRITE, StepState::Skipped, None);
        job.step(REPLACE, StepState::Skipped, None);
        if differences(&edit.settings, &vm.settings()).is_empty() {
            job.step(RELOAD, StepState::Skipped, None);
            job.step(COMPARE, StepState::Skipped, None);
            return Ok(());
        }
        job.close_cancellation(&doing)?;
        take_over(job, &edit, file).await.map_err(|mut error| {
            error.left = vec![format!(
                "{} on {} holds the change, and the node does not show it.",
                file.path,
                job.name()
            )];
            error
        })?;
        return Ok(());
    }
    job.check_cancelled(&doing)?;
    job.begin(WRITE);
    if let Err(error) = file.write_beside(job, &change.new).await {
        return Err(file.unchanged(job, error).await);
    }
    job.done(WRITE);
    if let Err(error) = job.close_cancellation(&doing) {
        return Err(file.unchanged(job, error).await);
    }
    job.begin(REPLACE);
    if let Err(error) = file.replace(job, &change.old, &change.new).await {
        return Err(file.unchanged(job, error).await);
    }
    job.done(REPLACE);
    match take_over(job, &edit, file).await {
        Ok(()) => Ok(()),
        Err(error) => Err(put_back(job, &vm, &change, error).await),
    }
}

/// A VM as the node shows it before the change.
struct Before {
    vmid: Vmid,
    name: String,
    facts: VmFacts,
    power: PowerState,
    file: Configuration,
}

impl Before {
    fn settings(&self) -> VmSettings {
        shown(&self.facts)
    }
}

/// The settings that `get.summary` shows.
fn shown(facts: &VmFacts) -> VmSettings {
    VmSettings {
        name: facts.name.clone(),
        comment: Some(facts.comment.clone().unwrap_or_default()),
        cpus: facts.cpus,
        memory_mb: facts.memory_mb,
        ..VmSettings::default()
    }
}

/// The change of a `.vmx`.
struct Change {
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Change {
    fn is_written(&self) -> bool {
        self.old == self.new
    }
}

/// Looks at the VM, and whether it can be changed now.
async fn look(job: &Job, edit: &Edit) -> Result<Before, TaskError> {
    let vmid = edit.vmid;
    let (facts, power) = vm_facts_and_power(job, vmid).await?;
    let name = facts.name.clone().unwrap_or_else(|| vmid.to_string());
    let path = facts.vmx_path.as_deref().unwrap_or_default();
    let Some(file) = Configuration::of(path, job.id) else {
        return Err(refused(
            format!(
                "{name} on {} has its configuration at {path:?}, which is on no datastore.",
                job.name()
            ),
            "Change it in the node's own Host Client.",
        ));
    };
    Ok(Before {
        vmid,
        name,
        facts,
        power,
        file,
    })
}

/// Checks the change against the node and its `.vmx`, before anything is written.
async fn prepare(job: &Job, edit: &Edit, vm: &Before) -> Result<Change, TaskError> {
    let situation = Situation {
        power: vm.power,
        connection_state: vm.facts.connection_state.as_deref(),
        ..Situation::default()
    };
    edit.may(&situation)
        .map_err(|refusal| not_now(job, vm, &refusal))?;
    job.step(LOOK, StepState::Done, Some(format!("It is {}.", vm.power)));
    job.begin(READ);
    let old = vm.file.read(job).await?;
    let in_file = |setting: Setting| vmx_value(&old, setting.vmx_key());
    let number = |setting| in_file(setting).and_then(|value| value.trim().parse().ok());
    let now = VmSettings {
        // Both are left out where they are 1.
        cpus: vm.facts.cpus.or_else(|| number(Setting::Cpus)).or(Some(1)),
        cores_per_socket: number(Setting::CoresPerSocket).or(Some(1)),
        guest_os: in_file(Setting::GuestOs),
        ..vm.settings()
    };
    // What is as requested already was done by a run that has died since.
    let seen = without(&edit.seen, |setting| {
        edit.settings.get(setting).is_some() && edit.settings.get(setting) == now.get(setting)
    });
    seen.still_hold(&now)
        .map_err(|refusal| not_now(job, vm, &refusal))?;
    check_node(job, edit, vm, &now).await?;
    let values: Vec<_> = edit
        .settings
        .named()
        .map(|(setting, value)| (setting.vmx_key(), value))
        .collect();
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        // No line says the same as an empty comment.
        .filter(|(key, value)| !value.is_empty() || vmx_value(&old, key).is_some())
        .collect();
    let new = edit_vmx(&old, &values).map_err(|error| {
        refused(
            format!("{} on {}: {error}.", vm.file.path, job.name()),
            "Leave those characters out.",
        )
    })?;
    let changes = differences(&edit.settings, &now);
    let detail = match changes.is_empty() {
        true => "It is so already.".to_owned(),
        false => changes.join("; "),
    };
    job.step(READ, StepState::Done, Some(detail));
    Ok(Change { old, new })
}

/// What the node itself has to allow: the name, the size, the sockets.
async fn check_node(
    job: &Job,
    edit: &Edit,
    vm: &Before,
    now: &VmSettings,
) -> Result<(), TaskError> {
    let doing = format!("Checking whether {} can be changed", vm.name);
    let settings = &edit.settings;
    let mut faults: Vec<FieldFault> = edit.uneven_sockets(now).into_iter().collect();
    if settings.cpus.is_none() && settings.cores_per_socket.is_none() {
        faults.clear();
    }
    if settings.cpus.is_some() || settings.memory_mb.is_some() {
        let summary = job.ask(&Command::host_summary()).await;
        let summary = summary.map_err(|error| job.lost(&doing, &error))?;
        let node = parse::host_summary(&summary.stdout)
            .map_err(|error| job.failed(&doing, &summary, Some(&error)))?;
        let limits = Limits::of(&node, None);
        faults.extend(edit.beyond(&limits, vm.facts.hardware_version.as_deref()));
    }
    if !faults.is_empty() {
        return Err(out_of_range(&faults));
    }
    let new_name = settings
        .name
        .as_ref()
        .filter(|name| now.name.as_ref() != Some(name));
    if let Some(name) = new_name {
        let listing = job.ask(&Command::get_all_vms()).await;
        let listing = listing.map_err(|error| job.lost(&doing, &error))?;
        let list = parse::getallvms(&listing.stdout, &listing.stderr)
            .map_err(|error| job.failed(&doing, &listing, Some(&error)))?;
        let mut others = list.rows.iter().filter(|row| row.vmid != edit.vmid);
        if let Some(other) = others.find(|row| row.name.as_ref() == Some(name)) {
            return Err(refused(
                format!(
                    "VM {} on {} has the name {name} already. Nothing was changed.",
                    other.vmid,
                    job.name()
                ),
                "Choose another name.",
            ));
        }
    }
    Ok(())
}

/// Has the node read the `.vmx`, and compares what it makes of it.
async fn take_over(job: &Job, edit: &Edit, file: &Configuration) -> Result<(), TaskError> {
    let vmid = edit.vmid;
    job.begin(RELOAD);
    reload(job, vmid, file).await?;
    job.done(RELOAD);
    job.begin(COMPARE);
    let until = Instant::now() + STATE_LAG;
    loop {
        let mut now = shown(&vm_facts(job, vmid).await?);
        if edit.settings.guest_os.is_some() || edit.settings.cores_per_socket.is_some() {
            // The summary has neither; the node has written the file again where it did not like it.
            let content = file.read(job).await?;
            now.guest_os = vmx_value(&content, Setting::GuestOs.vmx_key());
            let cores = vmx_value(&content, Setting::CoresPerSocket.vmx_key());
            now.cores_per_socket = cores.map_or(Some(1), |cores| cores.trim().parse().ok());
        }
        let wrong = differences(&as_shown(&edit.settings), &now);
        if wrong.is_empty() {
            job.done(COMPARE);
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(TaskError {
                kind: TaskErrorKind::Node,
                message: format!(
                    "{} did not take the change of VM {vmid}: now and requested are {}.",
                    job.name(),
                    wrong.join("; ")
                ),
                hint:
                    "Look at the VM in the node's own Host Client, and report it with the task's \
                       commands."
                        .to_owned(),
                left: Vec::new(),
            });
        }
        job.pause(BETWEEN_LOOKS).await;
    }
}

async fn reload(job: &Job, vmid: Vmid, file: &Configuration) -> Result<(), TaskError> {
    let doing = format!("Having {} read {}", job.name(), file.path);
    // Sending it twice is harmless.
    let output = job.ask(&Command::reload(vmid)).await;
    let output = output.map_err(|error| job.lost(&doing, &error))?;
    job.complaint(&doing, &output).map_or(Ok(()), Err)
}

/// Settings as the node's own tools show them.
fn as_shown(settings: &VmSettings) -> VmSettings {
    let comment = settings.comment.as_ref();
    VmSettings {
        comment: comment.map(|comment| marks::in_block(comment).into_owned()),
        ..settings.clone()
    }
}

/// Puts the former `.vmx` back after a change that the node has not taken. Returns the error, with
/// what has become of it.
async fn put_back(job: &Job, vm: &Before, change: &Change, mut error: TaskError) -> TaskError {
    let step = job.plan([Step::PutBack]);
    job.begin(step);
    match undo(job, vm, change).await {
        Ok(sentence) => {
            job.step(step, StepState::Done, Some(sentence.to_owned()));
            error.message = format!("{} {sentence}", error.message);
        }
        Err(why) => {
            job.step(step, StepState::Failed, Some(why.message.clone()));
            error.message += " The former configuration could not be put back.";
            error.left = vec![format!(
                "{} on {} may hold the change, and the node may show another one: {}",
                vm.file.path,
                job.name(),
                why.message
            )];
        }
    }
    error
}

async fn undo(job: &Job, vm: &Before, change: &Change) -> Result<&'static str, TaskError> {
    let file = &vm.file;
    let vmid = vm.vmid;
    let rewritten = file.read(job).await? != change.new;
    if !rewritten {
        file.write_beside(job, &change.old).await?;
        if let Err(error) = file.replace(job, &change.new, &change.old).await {
            file.discard_leftover(job).await;
            return Err(error);
        }
    }
    let complaint = reload(job, vmid, file).await.err();
    let differ = differences(&vm.settings(), &shown(&vm_facts(job, vmid).await?));
    if !differ.is_empty() {
        let shows = || refused(format!("it shows {}.", differ.join("; ")), "");
        return Err(complaint.unwrap_or_else(shows));
    }
    Ok(if rewritten {
        "The node has written the configuration over it; the VM is as it was."
    } else {
        "The former configuration was put back."
    })
}

/// In words: which of the settings `wanted` are other ones now, with both values.
fn differences(wanted: &VmSettings, now: &VmSettings) -> Vec<String> {
    wanted
        .named()
        .filter(|(setting, value)| now.get(*setting).is_some_and(|now| now != *value))
        .map(|(setting, value)| {
            let word = (EN.acts.setting)(setting);
            let now = shortened(&now.get(setting).unwrap_or_default());
            format!("{word}: {now} → {}", shortened(&value))
        })
        .collect()
}

/// A value as it fits into a sentence.
fn shortened(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", value.get(..end).unwrap_or_default()),
        None => format!("{value:?}"),
    }
}

/// Settings without those of which `is` holds.
fn without(settings: &VmSettings, is: impl Fn(Setting) -> bool) -> VmSettings {
    let VmSettings {
        name,
        comment,
        cpus,
        cores_per_socket,
        memory_mb,
        guest_os,
    } = settings.clone();
    VmSettings {
        name: name.filter(|_| !is(Setting::Name)),
        comment: comment.filter(|_| !is(Setting::Comment)),
        cpus: cpus.filter(|_| !is(Setting::Cpus)),
        cores_per_socket: cores_per_socket.filter(|_| !is(Setting::CoresPerSocket)),
        memory_mb: memory_mb.filter(|_| !is(Setting::Memory)),
        guest_os: guest_os.filter(|_| !is(Setting::GuestOs)),
    }
}

fn out_of_range(faults: &[FieldFault]) -> TaskError {
    let listed: Vec<String> = faults.iter().map(ToString::to_string).collect();
    refused(
        format!(
            "The VM cannot be changed: {}. Nothing was changed.",
            listed.join("; ")
        ),
        "Change what is named and ask again.",
    )
}

fn not_now(job: &Job, vm: &Before, refusal: &Refusal) -> TaskError {
    let sentence = (EN.refusals.sentence)(refusal);
    let message = format!("{} on {}: {sentence}", vm.name, job.name());
    let hint = "Look at the VM as it is now and decide again.";
    TaskError {
        kind: match refusal {
            Refusal::SettingChanged { .. } => TaskErrorKind::VmChanged,
            _ => TaskErrorKind::Refused,
        },
        ..refused(message, hint)
    }
}
