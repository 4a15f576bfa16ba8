//! Creating a VM: check everything, then step by step, and undo all of it when a step fails.

use std::time::Duration;

use ecoman_esxi::parse::{self, FaultClass};
use ecoman_esxi::{Command, NO_FILE_MADE, Output, VmxFor, vmx};
use ecoman_model::{
    LockName, NewVm, PowerAction, Step, StepState, TaskError, TaskErrorKind, TaskId, VmPlace, Vmid,
};

use super::created_files::{list, look_for_once};
use super::files::Files;
use super::power;
use crate::job::{Job, fault_in, refused};

mod check;
mod undo;

use check::{Found, check, verify};
use undo::{Created, CreatedFiles, Registered};

/// How long a step may take. A thin disk is made in a moment; a busy datastore takes longer.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);

/// Virtual hardware version if the release is unknown: every ESXi from 5.5 on supports it.
const OLDEST_HARDWARE: u32 = 10;

const CHECK: usize = 0;
const DIRECTORY: usize = 1;
const CONFIGURATION: usize = 2;
const DISK: usize = 3;
const REGISTER: usize = 4;
const VERIFY: usize = 5;
const POWER_ON: usize = 6;

/// Creates a VM.
pub(crate) async fn create(job: &Job, vm: &NewVm) -> Result<(), TaskError> {
    // The dashboard has checked it too; this is the last check before the node.
    let vm = vm.clone().check().map_err(|faults| {
        let listed: Vec<String> = faults.iter().map(ToString::to_string).collect();
        refused(
            format!("The VM cannot be created: {}.", listed.join("; ")),
            "Correct this and try again.",
        )
    })?;
    let mut steps = vec![
        Step::CheckNewVm,
        Step::MakeDirectory,
        Step::WriteConfiguration,
        Step::CreateDisk { gb: vm.disk_gb },
        Step::Register,
        Step::CompareVm,
    ];
    if vm.power_on {
        steps.extend(Step::of_power(PowerAction::On));
    }
    job.plan(steps);
    let mut files = Files::of_new(&job.node.host.settings, &vm);
    job.begin(CHECK);
    let doing = format!("Creating {} on {}", vm.name, job.name());
    let checking = check(job, &vm, &mut files);
    let found = job
        .unless_cancelled(&doing, checking)
        .await
        .map_err(|mut error| {
            if error.kind == TaskErrorKind::Cancelled {
                error.message += " Nothing was changed.";
            }
            error
        })?;
    // What hosts.yml stands for may be another value tomorrow.
    let mut resolved = vec![
        files.base.clone(),
        found.network.clone(),
        vm.guest_os.clone(),
    ];
    resolved.extend(found.iso_path.clone());
    job.change(|progress| {
        progress.place = Some(VmPlace {
            datastore: found.datastore.clone(),
            network: found.network.clone(),
            iso_path: found.iso_path.clone(),
        });
    });
    job.step(CHECK, StepState::Done, Some(resolved.join(", ")));

    let mut created = CreatedFiles::default();
    let vmid = match make(job, &vm, &files, &found, &mut created).await {
        Ok(vmid) => vmid,
        Err(mut error) => {
            error.left = undo::undo(job, &files, &mut created).await;
            error
                .message
                .push_str(match (created.anything(), error.left.is_empty()) {
                    (false, _) => " Nothing was changed.",
                    (true, true) => " Rolled back; nothing left behind.",
                    (true, false) => " Rollback incomplete: not everything could be removed.",
                });
            return Err(error);
        }
    };
    if !vm.power_on {
        return Ok(());
    }
    let Err(error) = power::on(job, POWER_ON, vmid, &vm.name).await else {
        return Ok(());
    };
    Err(TaskError {
        message: format!("{} was created as VM {vmid}. {}", vm.name, error.message),
        left: made(job, &vm, &files, vmid).await.into_iter().collect(),
        ..error
    })
}

/// What is left of a VM that was complete, which others may have unregistered meanwhile.
async fn made(job: &Job, vm: &NewVm, files: &Files, vmid: Vmid) -> Option<String> {
    let (node, name) = (job.name(), &vm.name);
    match look_for_once(job, files).await {
        Ok(Some(row)) if row.vmid == vmid => Some(format!(
            "VM {vmid} ({name}) on {node} is complete and registered."
        )),
        Ok(_) => match list(job, files).await {
            Ok(None) => None,
            Ok(Some(_)) => Some(format!(
                "{} on {node}: someone else unregistered VM {vmid} meanwhile.",
                files.directory
            )),
            Err(_) => Some(format!(
                "{} on {node}, if it exists: someone else unregistered VM {vmid} meanwhile.",
                files.directory
            )),
        },
        Err(_) => Some(format!(
            "VM {vmid} ({name}) on {node} was complete and registered when last seen."
        )),
    }
}

/// Creates the VM, and records in `created` what it has made.
async fn make(
    job: &Job,
    vm: &NewVm,
    files: &Files,
    found: &Found,
    created: &mut CreatedFiles,
) -> Result<Vmid, TaskError> {
    let cancelled = format!("Creating {} on {}", vm.name, job.name());
    job.check_cancelled(&cancelled)?;
    job.begin(DIRECTORY);
    let doing = format!("Creating the directory {}", files.directory);
    created.directory = Created::Unknown;
    // Reported before the command is sent: if this process dies, the clean-up knows where to look.
    job.change(|progress| progress.directory = Some(files.directory.clone()));
    let output = act(job, &doing, &files.make_directory()).await?;
    if output.exit != 0 {
        created.directory = Created::No;
        return Err(job.failed(&doing, &output, None));
    }
    created.directory = Created::Yes;
    job.done(DIRECTORY);

    job.check_cancelled(&cancelled)?;
    job.begin(CONFIGURATION);
    let content = configuration(vm, files, found, job.id);
    let doing = format!("Writing {}", files.vmx);
    let write = Command::write_new_file(&files.vmx, content.clone());
    created.configuration = Created::Unknown;
    created.content.clone_from(&content);
    let output = act(job, &doing, &write).await?;
    if output.exit == NO_FILE_MADE {
        created.configuration = Created::No;
        return Err(job.failed(&doing, &output, None));
    }
    created.configuration = Created::Yes;
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    let output = job
        .ask(&Command::read_file(&files.vmx))
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    if output.stdout != content.as_bytes() {
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{} on {} does not contain the data written to it.",
                files.vmx,
                job.name()
            ),
            hint: "Check the datastore's free space and health.".to_owned(),
            left: Vec::new(),
        });
    }
    job.done(CONFIGURATION);

    job.check_cancelled(&cancelled)?;
    job.begin(DISK);
    let doing = format!("Creating the disk {}", files.disk);
    // vmkfstools does not say whether it made a disk that is there; one that is there before is not
    // this task's.
    let there = list(job, files).await?.unwrap_or_default();
    if let Some(name) = files.disk_names().iter().find(|name| there.contains(name)) {
        return Err(refused(
            format!("{doing}: {name} already exists and was not created by this task."),
            "Check the directory.",
        ));
    }
    // Unless it reports a file that exists, it may have begun the disk.
    created.disk = Created::Unknown;
    let output = act(job, &doing, &Command::create_disk(&files.disk, vm.disk_gb)).await?;
    if fault_in(&output).is_some_and(|fault| fault.class == FaultClass::AlreadyExists) {
        created.disk = Created::No;
    }
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    parse::vmkfstools(&output.stdout).map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    created.disk = Created::Yes;
    job.done(DISK);

    // A registered VM is complete: unregistering it again could hit one that somebody uses.
    job.close_cancellation(&cancelled)?;
    job.begin(REGISTER);
    let doing = format!("Registering {}", vm.name);
    created.registered = Registered::Unknown;
    let output = act(job, &doing, &Command::register(&files.vmx, &vm.name)).await?;
    if fault_in(&output).is_some_and(|fault| fault.class == FaultClass::AlreadyExists) {
        created.registered = Registered::No;
    }
    let vmid = parse::created_vmid(&output.stdout)
        .map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    created.registered = Registered::Yes(vmid);
    // Others can see the VM from now on, so lock it. The task that holds the lock may be waiting for
    // a slot.
    job.release_slot().await;
    created.lock = Some(job.node.lock(LockName::Vm(vmid)).await);
    job.made(vmid);
    job.step(REGISTER, StepState::Done, Some(format!("VM ID {vmid}.")));

    job.begin(VERIFY);
    verify(job, vm, found, vmid).await?;
    job.done(VERIFY);
    Ok(vmid)
}

async fn act(job: &Job, doing: &str, command: &Command) -> Result<Output, TaskError> {
    job.act(command, STEP_TIMEOUT)
        .await
        .map_err(|error| job.lost(doing, &error))
}

fn configuration(vm: &NewVm, files: &Files, found: &Found, task: TaskId) -> String {
    vmx(
        vm,
        &VmxFor {
            hardware: found.version.newest_hardware().unwrap_or(OLDEST_HARDWARE),
            network: &found.network,
            iso_path: found.iso_path.as_deref(),
            disk: &files.disk_name(),
            task,
        },
    )
}
