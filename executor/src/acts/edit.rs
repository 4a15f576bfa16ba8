//! Changing settings of a VM: checked against the node, then a change of its `.vmx`.

use ecoman_api::text::EN;
use ecoman_esxi::{Command, parse, vmx_value};
use ecoman_model::{
    Act as _, Edit, FieldFault, Limits, Refusal, Setting, Situation, StepState, TaskError,
    TaskErrorKind, VmFacts, VmSettings, marks,
};

use super::facts::vm_facts;
use super::vmx_change::{Before, Change, LOOK, READ, STEPS, Shown, carry_out, look};
use crate::job::{Job, refused};

/// Changes settings of a VM.
pub(crate) async fn edit(job: &Job, edit: &Edit) -> Result<(), TaskError> {
    // The dashboard has checked it too; this is the last check before the node.
    let edit = edit
        .clone()
        .check()
        .map_err(|faults| out_of_range(&faults))?;
    job.plan(STEPS);
    let doing = format!("The change of VM {} on {}", edit.vmid, job.name());
    job.begin(LOOK);
    let vm = job.unless_cancelled(&doing, look(job, edit.vmid)).await?;
    let reading = prepare(job, &edit, &vm);
    let change = match job.unless_cancelled(&doing, reading).await {
        Ok(change) => change,
        Err(error) => {
            vm.file.discard_leftover(job).await;
            return Err(error);
        }
    };
    let before = shown(&vm.facts);
    let settings = Settings {
        edit: &edit,
        before,
    };
    carry_out(job, &vm, &change, &settings, &doing).await
}

/// The settings, as the node shows them.
struct Settings<'a> {
    edit: &'a Edit,
    before: VmSettings,
}

impl Shown for Settings<'_> {
    fn is_shown(&self) -> bool {
        differences(&self.edit.settings, &self.before).is_empty()
    }

    fn is_asked_of_node(&self) -> bool {
        true
    }

    async fn differs(&self, job: &Job, vm: &Before) -> Result<Vec<String>, TaskError> {
        let settings = &self.edit.settings;
        let mut now = shown(&vm_facts(job, vm.vmid).await?);
        if settings.guest_os.is_some() || settings.cores_per_socket.is_some() {
            // The summary has neither; the node has written the file again where it did not like it.
            let content = vm.file.read(job).await?;
            now.guest_os = vmx_value(&content, Setting::GuestOs.vmx_key());
            let cores = vmx_value(&content, Setting::CoresPerSocket.vmx_key());
            now.cores_per_socket = cores.map_or(Some(1), |cores| cores.trim().parse().ok());
        }
        Ok(differences(&as_shown(settings), &now))
    }

    async fn is_not_back(&self, job: &Job, vm: &Before) -> Result<Vec<String>, TaskError> {
        Ok(differences(
            &self.before,
            &shown(&vm_facts(job, vm.vmid).await?),
        ))
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
        ..shown(&vm.facts)
    };
    // What is as requested already was done by a run that has died since.
    let seen = without(&edit.seen, |setting| {
        edit.settings.get(setting).is_some() && edit.settings.get(setting) == now.get(setting)
    });
    seen.still_hold(&now)
        .map_err(|refusal| not_now(job, vm, &refusal))?;
    check_node(job, edit, vm, &now).await?;
    let values = edit.settings.named();
    let values = values.map(|(setting, value)| (setting.vmx_key().to_owned(), value));
    let change = Change::of(job, vm, old, &values.collect::<Vec<_>>())?;
    let changes = differences(&edit.settings, &now);
    let detail = match changes.is_empty() {
        true => "It is so already.".to_owned(),
        false => changes.join("; "),
    };
    job.step(READ, StepState::Done, Some(detail));
    Ok(change)
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

/// Settings as the node's own tools show them.
fn as_shown(settings: &VmSettings) -> VmSettings {
    let comment = settings.comment.as_ref();
    VmSettings {
        comment: comment.map(|comment| marks::in_block(comment).into_owned()),
        ..settings.clone()
    }
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
