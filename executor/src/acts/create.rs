//! Creating a VM: check everything, then step by step, and undo all of it when a step fails.

use std::time::Duration;

use ecoman_esxi::parse::{self, FaultClass};
use ecoman_esxi::{Command, NO_FILE_MADE, Output, VmxFor, vmx};
use ecoman_model::{
    Limits, NewVm, NodeFacts, PortGroup, PowerAction, StepState, TaskError, TaskErrorKind, TaskId,
    VersionFacts, Vmid,
};

use super::clean_up::{self, Made, Ours, Registered};
use super::files::Files;
use super::power;
use crate::job::{Job, fault_in, refused};
use crate::locks::lock_of_vm;

/// How long a step may take. A thin disk is made in a moment; a busy datastore takes longer.
const STEP: Duration = Duration::from_secs(120);

/// Virtual hardware version where the node does not tell its release: every ESXi from 5.5 on.
const OLDEST_HARDWARE: u32 = 10;

/// What the node has for the VM.
struct Found {
    version: VersionFacts,
    network: String,
    iso_path: Option<String>,
}

const CHECK: usize = 0;
const DIRECTORY: usize = 1;
const CONFIGURATION: usize = 2;
const DISK: usize = 3;
const REGISTER: usize = 4;
const VERIFY: usize = 5;
const POWER_ON: usize = 6;

/// Creates a VM.
pub(crate) async fn create(job: &Job, vm: &NewVm) -> Result<(), TaskError> {
    // Whoever asks has checked it; what reaches a node is checked here.
    let vm = vm.clone().check().map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        refused(
            format!("The VM cannot be created: {}.", told.join("; ")),
            "Change what is told and ask again.",
        )
    })?;
    let mut steps = vec![
        "Check name, space, network and ISO".to_owned(),
        "Make the directory".to_owned(),
        "Write the configuration".to_owned(),
        format!("Create the disk ({} GB, thin)", vm.disk_gb),
        "Register the VM".to_owned(),
        "Compare it with what was asked".to_owned(),
    ];
    if vm.power_on {
        steps.extend(power::steps(PowerAction::On));
    }
    job.plan(steps);
    let mut files = Files::of(&job.node.host.settings.datastore_path, &vm.name);
    job.begin(CHECK);
    let found = check(job, &vm, &mut files).await?;
    job.done(CHECK);

    let mut ours = Ours::default();
    let vmid = match make(job, &vm, &files, &found, &mut ours).await {
        Ok(vmid) => vmid,
        Err(mut error) => {
            error.left = clean_up::undo(job, &files, &mut ours).await;
            error
                .message
                .push_str(match (ours.anything(), error.left.is_empty()) {
                    (false, _) => " Nothing was changed.",
                    (true, true) => " What had been made was removed again.",
                    (true, false) => " Not all of what had been made could be removed.",
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

/// What there is of a VM that was complete. Somebody may have taken it off the list meanwhile.
async fn made(job: &Job, vm: &NewVm, files: &Files, vmid: Vmid) -> Option<String> {
    let (node, name) = (job.name(), &vm.name);
    match clean_up::look_for_once(job, files).await {
        Ok(Some(row)) if row.vmid == vmid => Some(format!(
            "VM {vmid} ({name}) on {node} is complete and registered."
        )),
        Ok(_) => match clean_up::list(job, files).await {
            Ok(None) => None,
            Ok(Some(_)) => Some(format!(
                "{} on {node}: VM {vmid} was unregistered meanwhile, and not by this task.",
                files.directory
            )),
            Err(_) => Some(format!(
                "{} on {node}, if it is there: VM {vmid} was unregistered meanwhile, and not by \
                 this task.",
                files.directory
            )),
        },
        Err(_) => Some(format!(
            "VM {vmid} ({name}) on {node} was complete and registered when it was last seen."
        )),
    }
}

/// Looks whether it can work, before anything is touched.
async fn check(job: &Job, vm: &NewVm, files: &mut Files) -> Result<Found, TaskError> {
    let settings = &job.node.host.settings;
    let iso_path = match vm.iso_path.as_deref() {
        None => Some(settings.installer_iso_path.as_str()),
        Some("") => None,
        Some(path) => Some(path),
    };
    let network = vm
        .network
        .as_deref()
        .unwrap_or(&settings.network_port_group);
    let mut commands = vec![
        Command::get_all_vms(),
        Command::host_summary(),
        Command::system_version(),
        Command::filesystems(),
        Command::port_groups(),
        Command::is_directory(&settings.datastore_path),
        Command::exists(&files.directory),
    ];
    commands.extend(iso_path.map(Command::is_file));
    let doing = format!("Checking whether {} can be created", vm.name);
    let outputs = job
        .ask_all(&commands)
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    let mut outputs = outputs.iter();
    let (
        Some(listing),
        Some(summary),
        Some(version),
        Some(filesystems),
        Some(port_groups),
        Some(datastore),
        Some(directory),
        iso,
    ) = (
        outputs.next(),
        outputs.next(),
        outputs.next(),
        outputs.next(),
        outputs.next(),
        outputs.next(),
        outputs.next(),
        outputs.next(),
    )
    else {
        // As many answers as there were questions.
        return Err(refused(doing, ""));
    };
    let unread = |output, error| job.failed(&doing, output, Some(&error));
    let list = parse::getallvms(&listing.stdout, &listing.stderr)
        .map_err(|error| unread(listing, error))?;
    let facts = NodeFacts {
        datastores: parse::filesystem_list(&filesystems.stdout)
            .map_err(|error| unread(filesystems, error))?,
        ..parse::host_summary(&summary.stdout).map_err(|error| unread(summary, error))?
    };
    let groups =
        parse::port_groups(&port_groups.stdout).map_err(|error| unread(port_groups, error))?;
    let version = parse::version(&version.stdout).map_err(|error| unread(version, error))?;

    // Where it has none of the kind, the directory is missing too, which is told below.
    files.find_volume(&facts.datastores);
    let node = job.name();
    let taken = taken(node, vm, &list.rows, |row| files.are_of(row));
    let mut faults: Vec<String> = taken.into_iter().collect();
    if datastore.exit != 0 {
        faults.push(format!(
            "there is no directory {} on {node} (datastore_path of hosts.yml)",
            settings.datastore_path
        ));
    } else if directory.exit == 0 {
        faults.push(format!("{} on {node} is there already", files.directory));
    }
    let from = match vm.iso_path {
        None => " (installer_iso_path of hosts.yml)",
        Some(_) => "",
    };
    faults.extend(no_iso(node, iso_path, iso).map(|fault| fault + from));
    faults.extend(no_network(node, network, &groups));
    let limits = Limits::of(settings, &facts).faults(vm);
    faults.extend(limits.iter().map(ToString::to_string));
    if !faults.is_empty() {
        return Err(refused(
            format!(
                "{} cannot be created: {}. Nothing was changed.",
                vm.name,
                faults.join("; ")
            ),
            "Change what is told and ask again.",
        ));
    }
    Ok(Found {
        version,
        network: network.to_owned(),
        iso_path: iso_path.map(str::to_owned),
    })
}

/// Makes it, noting in `ours` what is there because of it.
async fn make(
    job: &Job,
    vm: &NewVm,
    files: &Files,
    found: &Found,
    ours: &mut Ours,
) -> Result<Vmid, TaskError> {
    job.begin(DIRECTORY);
    let doing = format!("Making the directory {}", files.directory);
    ours.directory = Made::Perhaps;
    // Told before it is sent: if this process dies over it, the next one knows where to look.
    job.change(|progress| progress.directory = Some(files.directory.clone()));
    let output = act(job, &doing, &Command::make_directory(&files.directory)).await?;
    if output.exit != 0 {
        ours.directory = Made::No;
        return Err(job.failed(&doing, &output, None));
    }
    ours.directory = Made::Yes;
    job.done(DIRECTORY);

    job.begin(CONFIGURATION);
    let content = configuration(vm, files, found, job.id);
    let doing = format!("Writing {}", files.vmx);
    let write = Command::write_new_file(&files.vmx, content.clone());
    ours.configuration = Made::Perhaps;
    ours.content.clone_from(&content);
    let output = act(job, &doing, &write).await?;
    if output.exit == NO_FILE_MADE {
        ours.configuration = Made::No;
        return Err(job.failed(&doing, &output, None));
    }
    ours.configuration = Made::Yes;
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
                "{} on {} does not hold what was written to it.",
                files.vmx,
                job.name()
            ),
            hint: "Look at the datastore's free space and health.".to_owned(),
            left: Vec::new(),
        });
    }
    job.done(CONFIGURATION);

    job.begin(DISK);
    let doing = format!("Creating the disk {}", files.disk);
    // Whatever vmkfstools says when it fails: a disk that is there before is not this task's.
    let there = clean_up::list(job, files).await?.unwrap_or_default();
    if let Some(name) = files.disk_names().iter().find(|name| there.contains(name)) {
        return Err(refused(
            format!("{doing}: {name} is there already, and not by this task."),
            "Look at the directory.",
        ));
    }
    // Unless it says that there is one, it may have begun with it.
    ours.disk = Made::Perhaps;
    let output = act(job, &doing, &Command::create_disk(&files.disk, vm.disk_gb)).await?;
    if fault_in(&output).is_some_and(|fault| fault.class == FaultClass::AlreadyExists) {
        ours.disk = Made::No;
    }
    if output.exit != 0 {
        return Err(job.failed(&doing, &output, None));
    }
    parse::vmkfstools(&output.stdout).map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    ours.disk = Made::Yes;
    job.done(DISK);

    job.begin(REGISTER);
    let doing = format!("Registering {}", vm.name);
    ours.registered = Registered::Perhaps;
    let output = act(job, &doing, &Command::register(&files.vmx, &vm.name)).await?;
    if fault_in(&output).is_some_and(|fault| fault.class == FaultClass::AlreadyExists) {
        ours.registered = Registered::No;
    }
    let vmid = parse::created_vmid(&output.stdout)
        .map_err(|error| job.failed(&doing, &output, Some(&error)))?;
    ours.registered = Registered::Yes(vmid);
    // From now on others can see it; nobody changes it but this task. Who has the lock may wait
    // for a turn of the node.
    job.rest().await;
    ours.lock = Some(job.node.lock(lock_of_vm(vmid)).await);
    job.made(vmid);
    job.step(REGISTER, StepState::Done, Some(format!("It is VM {vmid}.")));

    job.begin(VERIFY);
    verify(job, vm, found, vmid).await?;
    job.done(VERIFY);
    Ok(vmid)
}

/// Compares the VM with what was asked, and looks once more for what others may have taken since
/// the check.
async fn verify(job: &Job, vm: &NewVm, found: &Found, vmid: Vmid) -> Result<(), TaskError> {
    let doing = format!("Comparing VM {vmid} with what was asked");
    let mut commands = vec![
        Command::summary(vmid),
        Command::get_all_vms(),
        Command::port_groups(),
    ];
    commands.extend(found.iso_path.as_deref().map(Command::is_file));
    let outputs = job
        .ask_all(&commands)
        .await
        .map_err(|error| job.lost(&doing, &error))?;
    let mut outputs = outputs.iter();
    let (Some(summary), Some(listing), Some(port_groups), iso) = (
        outputs.next(),
        outputs.next(),
        outputs.next(),
        outputs.next(),
    ) else {
        // As many answers as there were questions.
        return Err(refused(doing, ""));
    };
    let unread = |output, error| job.failed(&doing, output, Some(&error));
    let facts = parse::summary(&summary.stdout)
        .map_err(|error| unread(summary, error))?
        .facts;
    let mut differs = Vec::new();
    if facts.name.as_deref() != Some(vm.name.as_str()) {
        differs.push("name");
    }
    if facts.comment.as_deref().unwrap_or_default() != vm.comment {
        differs.push("comment");
    }
    if facts.cpus.is_some_and(|cpus| cpus != vm.cpus) {
        differs.push("CPUs");
    }
    if facts.memory_mb.is_some_and(|memory| memory != vm.memory_mb) {
        differs.push("memory");
    }
    if !differs.is_empty() {
        return Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{} took VM {vmid} with another {} than was asked.",
                job.name(),
                differs.join(" and ")
            ),
            hint: "Leave out unusual characters, and report it with the task's commands."
                .to_owned(),
            left: Vec::new(),
        });
    }
    let list = parse::getallvms(&listing.stdout, &listing.stderr)
        .map_err(|error| unread(listing, error))?;
    let groups =
        parse::port_groups(&port_groups.stdout).map_err(|error| unread(port_groups, error))?;
    let node = job.name();
    let others: Vec<_> = list
        .rows
        .into_iter()
        .filter(|row| row.vmid != vmid)
        .collect();
    let faults: Vec<String> = taken(node, vm, &others, |_| false)
        .into_iter()
        .chain(no_network(node, &found.network, &groups))
        .chain(no_iso(node, found.iso_path.as_deref(), iso))
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(refused(
        format!(
            "{} cannot stay: since it was checked, something else has changed the node: {}.",
            vm.name,
            faults.join("; ")
        ),
        "Change what is told and ask again.",
    ))
}

/// Which VM has the name already, or is at the same place.
fn taken(
    node: &str,
    vm: &NewVm,
    rows: &[parse::VmRow],
    is_there: impl Fn(&parse::VmRow) -> bool,
) -> Option<String> {
    let named = |row: &&parse::VmRow| row.name.as_deref() == Some(vm.name.as_str());
    if let Some(row) = rows.iter().find(named) {
        let vmid = row.vmid;
        return Some(format!(
            "VM {vmid} on {node} has the name {} already",
            vm.name
        ));
    }
    let row = rows.iter().find(|row| is_there(row))?;
    let path = row.vmx_path.as_deref().unwrap_or_default();
    let name = row.name.as_deref().unwrap_or("without a name");
    Some(format!(
        "VM {} ({name}) on {node} is at that place already: {path}",
        row.vmid
    ))
}

fn no_network(node: &str, network: &str, groups: &[PortGroup]) -> Option<String> {
    let known: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    (!known.contains(&network)).then(|| {
        let known = known.join(", ");
        format!("{node} has no port group {network:?}; it has {known}")
    })
}

fn no_iso(node: &str, path: Option<&str>, looked: Option<&Output>) -> Option<String> {
    let path = path.filter(|_| looked.is_some_and(|output| output.exit != 0))?;
    Some(format!("there is no ISO image {path} on {node}"))
}

async fn act(job: &Job, doing: &str, command: &Command) -> Result<Output, TaskError> {
    job.act(command, STEP)
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
