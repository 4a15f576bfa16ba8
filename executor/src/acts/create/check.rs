//! Checks whether a VM can be created, and whether the created VM is as requested.

use ecoman_esxi::parse;
use ecoman_esxi::{Command, Output};
use ecoman_model::{
    Datastore, Limits, NewVm, NodeFacts, PortGroup, TaskError, TaskErrorKind, VersionFacts, Vmid,
    marks,
};

use crate::acts::files::Files;
use crate::job::{Job, refused};

/// What the check has found out for the VM.
pub(super) struct Found {
    pub(super) version: VersionFacts,
    /// The name of the datastore, as far as it has one.
    pub(super) datastore: String,
    pub(super) network: String,
    pub(super) iso_path: Option<String>,
}

/// Checks whether the VM can be created, before the task changes anything.
pub(super) async fn check(job: &Job, vm: &NewVm, files: &mut Files) -> Result<Found, TaskError> {
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
        Command::is_directory(&files.base),
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
        // As many outputs as commands.
        return Err(refused(doing, ""));
    };
    let unread = |output, error| job.failed(&doing, output, Some(&error));
    let list = parse::getallvms(&listing.stdout, &listing.stderr)
        .map_err(|error| unread(listing, error))?;
    let facts = NodeFacts {
        datastores: parse::filesystem_list(&filesystems.stdout)
            .map_err(|error| unread(filesystems, error))?
            .rows,
        ..parse::host_summary(&summary.stdout).map_err(|error| unread(summary, error))?
    };
    let groups = parse::port_groups(&port_groups.stdout)
        .map_err(|error| unread(port_groups, error))?
        .rows;
    // The summary has the release too, less exactly.
    let version = parse::version(&version.stdout).unwrap_or_else(|_| facts.version.clone());

    files.find_volume(&facts.datastores);
    let node = job.name();
    let taken = taken(node, vm, &list.rows, |row| files.are_of(row));
    let mut faults: Vec<String> = taken.into_iter().collect();
    let volume = vm.volume(settings);
    let place = facts.datastores.iter().find(|it| it.is_called(volume));
    let by_hosts_yml = match vm.datastore {
        None => " (datastore_path of hosts.yml)",
        Some(_) => "",
    };
    if let Some(fault) = no_datastore(node, volume, place, &facts.datastores) {
        faults.push(fault + by_hosts_yml);
    } else if datastore.exit != 0 {
        faults.push(format!(
            "no directory {} on {node}{by_hosts_yml}",
            files.base
        ));
    } else if directory.exit == 0 {
        faults.push(format!("{} on {node} already exists", files.directory));
    }
    let from = match vm.iso_path {
        None => " (installer_iso_path of hosts.yml)",
        Some(_) => "",
    };
    faults.extend(no_iso(node, iso_path, iso).map(|fault| fault + from));
    faults.extend(no_network(node, network, &groups));
    let limits = Limits::of(&facts, place).faults(vm);
    faults.extend(limits.iter().map(ToString::to_string));
    if !faults.is_empty() {
        return Err(refused(
            format!(
                "{} cannot be created: {}. Nothing was changed.",
                vm.name,
                faults.join("; ")
            ),
            "Correct this and try again.",
        ));
    }
    let datastore = place.and_then(|place| place.name.clone());
    Ok(Found {
        version,
        datastore: datastore.unwrap_or_else(|| volume.to_owned()),
        network: network.to_owned(),
        iso_path: iso_path.map(str::to_owned),
    })
}

/// Compares the VM with the request, and checks once more for conflicts that others may have caused
/// since the first check.
pub(super) async fn verify(
    job: &Job,
    vm: &NewVm,
    found: &Found,
    vmid: Vmid,
) -> Result<(), TaskError> {
    let doing = format!("Verifying VM {vmid}");
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
    if facts.comment.as_deref().unwrap_or_default() != marks::in_block(&vm.comment) {
        differs.push("notes");
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
                "{} created VM {vmid} with a different {} than requested.",
                job.name(),
                differs.join(" and ")
            ),
            hint: "Avoid unusual characters, and report this with the task's commands.".to_owned(),
            left: Vec::new(),
        });
    }
    let list = parse::getallvms(&listing.stdout, &listing.stderr)
        .map_err(|error| unread(listing, error))?;
    let groups = parse::port_groups(&port_groups.stdout)
        .map_err(|error| unread(port_groups, error))?
        .rows;
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
            "{} conflicts with a change made on the host meanwhile: {}.",
            vm.name,
            faults.join("; ")
        ),
        "Correct this and try again.",
    ))
}

/// The VM that has the name or the path already.
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
            "VM {vmid} on {node} already has the name {}",
            vm.name
        ));
    }
    let row = rows.iter().find(|row| is_there(row))?;
    let path = row.vmx_path.as_deref().unwrap_or_default();
    let name = row.name.as_deref().unwrap_or("no name");
    Some(format!(
        "VM {} ({name}) on {node} already uses {path}",
        row.vmid
    ))
}

/// Why a volume of this name or UUID cannot take a VM.
fn no_datastore(
    node: &str,
    volume: &str,
    found: Option<&Datastore>,
    datastores: &[Datastore],
) -> Option<String> {
    match found {
        Some(found) if !found.holds_vms() => {
            let kind = &found.kind;
            Some(format!(
                "{volume} on {node} cannot hold VMs: its type is {kind}"
            ))
        }
        Some(found) if !found.accessible => {
            Some(format!("the datastore {volume} on {node} is inaccessible"))
        }
        Some(_) => None,
        None => {
            let known: Vec<&str> = datastores
                .iter()
                .filter(|datastore| datastore.holds_vms())
                .filter_map(|datastore| datastore.name.as_deref())
                .collect();
            let known = known.join(", ");
            Some(format!(
                "{node} has no datastore {volume:?}; it has {known}"
            ))
        }
    }
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
    Some(format!("no ISO image {path} on {node}"))
}
