//! `vim-cmd`

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dump::{Data, Object, VimFault, print};
use crate::guest_os;
use crate::host::{Host, Located, Task, make_sparse};
use crate::summary;
use crate::vm::{Activity, Question, Vm};
use crate::{Power, PowerOn, Tools, VmSpec, vmx};

use super::table::{centred, pad};
use super::verb::{Verb, invalid_power_state};
use super::{Output, Reply, files, snapshot};

pub(super) fn run(host: &mut Host, arguments: &[&str]) -> Reply {
    match arguments {
        ["vmsvc/getallvms"] => getallvms(host).into(),
        ["hostsvc/hostsummary"] => {
            Output::ok(print(&summary::host_summary(host), host.generation())).into()
        }
        ["hostsvc/datastore/listsummary"] => {
            Output::ok(print(&summary::datastores(host), host.generation())).into()
        }
        ["vimsvc/task_list"] => task_list(host).into(),
        ["vimsvc/task_info", key] => task_info(host, key).into(),
        ["solo/registervm", path, name @ ..] => {
            register(host, path, name.first().copied()).into()
        }
        ["vmsvc/createdummyvm", name, path] => create_dummy(host, name, path).into(),
        [command, id, rest @ ..] if command.starts_with("vmsvc/") => {
            of_vm(host, command, id, rest)
        }
        [command] if command.starts_with("vmsvc/") || command.starts_with("solo/") => {
            Output::failed("Insufficient arguments.\n", 1).into()
        }
        [] => Output::failed("Commands available under /:\nhbrsvc/       internalsvc/  solo/         vmsvc/\nhostsvc/      proxysvc/     vimsvc/       help\n", 0).into(),
        [command, ..] => Output::failed(format!("Invalid command '{command}'.\n"), 1).into(),
    }
}

/// A command about one VM.
fn of_vm(host: &mut Host, command: &str, id: &str, rest: &[&str]) -> Reply {
    let vm = match host.find(id) {
        Ok(vm) => vm.clone(),
        Err(fault) => return Output::fault(host, &fault).into(),
    };
    let generation = host.generation();
    let labelled =
        |label: &str, data: &Data| Output::ok(format!("{label}\n\n{}", print(data, generation)));
    match (command, rest) {
        ("vmsvc/get.summary", []) => {
            labelled("Listsummary:", &summary::vm_summary(host, &vm)).into()
        }
        ("vmsvc/get.guest", []) => {
            labelled("Guest information:", &summary::guest_info(host, &vm)).into()
        }
        ("vmsvc/get.runtime", []) => labelled(
            "Runtime information",
            &summary::vm_runtime(host, &vm).into(),
        )
        .into(),
        ("vmsvc/get.config", []) => labelled("Configuration:", &config(host, &vm)).into(),
        ("vmsvc/get.datastores", []) => get_datastores(host, &vm).into(),
        ("vmsvc/get.filelayoutex", []) => files::layout(host, &vm).into(),
        ("vmsvc/get.tasklist", []) => tasks_of(host, &vm).into(),
        (command, arguments) if command.contains("snapshot") => {
            snapshot::run(host, &vm, command, arguments)
        }
        ("vmsvc/message", []) => message(&vm).into(),
        ("vmsvc/message", [question, choice]) => answer(host, &vm, question, choice),
        ("vmsvc/power.getstate", []) => {
            let state = match vm.power {
                Power::On => "Powered on",
                Power::Off => "Powered off",
                Power::Suspended => "Suspended",
            };
            Output::ok(format!("Retrieved runtime info\n{state}\n")).into()
        }
        ("vmsvc/power.on", []) => power_on(host, &vm),
        ("vmsvc/power.off", []) => power_off(host, &vm),
        ("vmsvc/power.suspend", []) => suspend(host, &vm),
        ("vmsvc/power.reset", []) => reset(host, &vm).into(),
        ("vmsvc/power.shutdown", []) => ask_guest(host, &vm, Activity::ShuttingDown).into(),
        ("vmsvc/power.reboot", []) => ask_guest(host, &vm, Activity::Rebooting).into(),
        ("vmsvc/reload", []) => reload(host, &vm).into(),
        ("vmsvc/unregister", []) => files::remove(host, &vm, false).into(),
        ("vmsvc/destroy", []) => files::remove(host, &vm, true).into(),
        _ => Output::failed(format!("Invalid command '{command}'.\n"), 1).into(),
    }
}

/// Invalid VMs have no row, but a line on standard error. Rows are ordered by id as text.
fn getallvms(host: &Host) -> Output {
    let mut vms: Vec<(String, &Vm)> = host
        .vms
        .values()
        .filter(|vm| !host.is_invalid(vm.id))
        .map(|vm| (vm.id.to_string(), vm))
        .collect();
    vms.sort_by(|(one, _), (other, _)| one.cmp(other));
    let rows: Vec<[String; 6]> = vms
        .into_iter()
        .map(|(id, vm)| {
            [
                id,
                vm.spec.name.clone(),
                vm.vmx_name(),
                vm.spec.guest_id.clone(),
                format!("vmx-{:02}", vm.spec.hardware),
                vm.spec.annotation.clone(),
            ]
        })
        .collect();
    let by_fault = host.vms.keys().filter(|id| host.is_invalid(**id));
    let mut invalid: Vec<u32> = host.invalid.iter().chain(by_fault).copied().collect();
    invalid.sort_unstable();
    invalid.dedup();
    Output {
        stdout: centred(
            ["Vmid", "Name", "File", "Guest OS", "Version", "Annotation"],
            &rows,
        )
        .into_bytes(),
        stderr: invalid
            .iter()
            .flat_map(|id| format!("Skipping invalid VM '{id}'\n").into_bytes())
            .collect(),
        code: 0,
    }
}

/// The configuration's members that tools look at; a real host prints many more.
fn config(host: &Host, vm: &Vm) -> Data {
    let full_name = vm
        .spec
        .guest_full_name
        .clone()
        .unwrap_or_else(|| guest_os::full_name(&vm.spec.guest_id));
    let folder = vm.vmx_name();
    let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
    let files = Object::new("vim.vm.FileInfo")
        .with("vmPathName", vm.vmx_name())
        .with("snapshotDirectory", format!("{folder}/"))
        .with("suspendDirectory", format!("{folder}/"))
        .with("logDirectory", format!("{folder}/"));
    let hardware = Object::new("vim.vm.VirtualHardware")
        .with("numCPU", vm.spec.cpus)
        .with("numCoresPerSocket", 1_u32)
        .with("memoryMB", vm.spec.memory_mb)
        .with("virtualICH7MPresent", false)
        .with("virtualSMCPresent", false)
        .with("device", Data::UnsetArray);
    Object::new("vim.vm.ConfigInfo")
        .with(
            "changeVersion",
            Data::time(Some(host.shown(host.spec.booted_at))),
        )
        .with("modified", "1970-01-01T00:00:00Z")
        .with("name", vm.spec.name.as_str())
        .with("guestFullName", full_name)
        .with("version", format!("vmx-{:02}", vm.spec.hardware))
        .with("uuid", host.uuid(vm))
        .with("instanceUuid", host.instance_uuid(vm))
        .with("template", false)
        .with("guestId", vm.spec.guest_id.as_str())
        .with("alternateGuestName", "")
        .with("annotation", vm.spec.annotation.as_str())
        .with("files", files)
        .with("hardware", hardware)
        .into()
}

fn get_datastores(host: &Host, vm: &Vm) -> Output {
    let names = std::iter::once(&vm.spec.datastore).chain(&vm.spec.further_datastores);
    let columns: Vec<[String; 7]> = names
        .filter_map(|name| host.store_named(name))
        .map(|store| {
            [
                store.name.clone(),
                format!("/vmfs/volumes/{}", store.uuid),
                store.capacity_bytes.to_string(),
                host.free(store).to_string(),
                u8::from(store.accessible).to_string(),
                summary::volume_type(store).to_owned(),
                "<unset>".to_owned(),
            ]
        })
        .collect();
    let labels = [
        "name",
        "url",
        "capacity",
        "freeSpace",
        "accessible",
        "type",
        "multipleHostAccess",
    ];
    let mut text = String::new();
    for (row, label) in labels.iter().enumerate() {
        text += &pad(label, 18);
        for column in &columns {
            let width = column.iter().map(String::len).max().unwrap_or(0);
            text += "   ";
            text += &pad(column.get(row).map_or("", String::as_str), width);
        }
        text.push('\n');
    }
    Output::ok(text)
}

fn message(vm: &Vm) -> Output {
    let Some(question) = &vm.question else {
        return Output::ok("No message.\n");
    };
    let mut text = format!(
        "Virtual machine message {}:\n{}\n",
        question.id, question.text
    );
    for (number, (key, label)) in question.choices.iter().enumerate() {
        let default = if question.default == Some(number) {
            " [default]"
        } else {
            ""
        };
        text += &format!("   {number}. {key} ({label}){default}\n");
    }
    Output::ok(text)
}

/// `vmsvc/message ID QUESTION CHOICE`: the first choice of the question about the UUID cancels.
fn answer(host: &mut Host, vm: &Vm, question: &str, choice: &str) -> Reply {
    let known = vm.question.as_ref().filter(|asked| {
        question == asked.id.to_string() || question == format!("_vmx{}", asked.id)
    });
    let choice = choice.parse::<usize>().ok();
    let Some((key, _)) = known
        .zip(choice)
        .and_then(|(asked, choice)| asked.choices.get(choice))
    else {
        let fault = VimFault::new(
            "vmodl.fault.InvalidArgument",
            "A specified parameter was not correct: questionId or answerChoice",
        )
        .with("invalidProperty", Data::Unset);
        return Output::fault(host, &fault).into();
    };
    let cancelled = key.ends_with(".cancel");
    if cancelled {
        host.cancel_task(vm.id);
    }
    host.faults
        .retain(|fault| *fault != crate::Fault::Question(vm.id));
    if let Some(vm) = host.vms.get_mut(&vm.id) {
        vm.question = None;
        if cancelled {
            vm.activity = None;
        }
        vm.spec.power_on = match vm.spec.power_on {
            PowerOn::AsksEachTime => PowerOn::AsksEachTime,
            _ if cancelled => PowerOn::Asks,
            _ => PowerOn::Starts,
        };
    }
    host.settle();
    Output::default().into()
}

const POWER_ON: Verb = Verb {
    begins: "Powering on VM:\n",
    fails: "Power on failed",
};
const POWER_OFF: Verb = Verb {
    begins: "Powering off VM:\n",
    fails: "Power off failed",
};
const SUSPEND: Verb = Verb {
    begins: "Suspending VM:\n",
    fails: "Suspend failed",
};
const RESET: Verb = Verb {
    begins: "Reset VM:\n",
    fails: "Reset failed",
};

fn power_on(host: &mut Host, vm: &Vm) -> Reply {
    let generation = host.generation();
    let fails = |host: &mut Host, fault: VimFault| {
        host.note_task(vm.id, "powerOn", Some(fault.clone()));
        POWER_ON.failure(generation, &fault).into()
    };
    if vm.power == Power::On {
        return fails(host, invalid_power_state(generation, Power::On, Power::On));
    }
    match host.at_power_on(vm) {
        PowerOn::LacksMemory => {
            let requested = vm.spec.memory_mb << 20;
            let fault = VimFault::new(
                "vim.fault.InsufficientMemoryResourcesFault",
                "The host does not have sufficient memory resources to satisfy the reservation.",
            )
            .with("unreserved", 1_073_741_824_u64)
            .with("requested", requested);
            return fails(host, fault);
        }
        PowerOn::Misconfigured => return fails(host, no_slot()),
        PowerOn::Asks | PowerOn::AsksEachTime => {
            if let Some(vm) = host.vms.get_mut(&vm.id) {
                vm.question.get_or_insert_with(Question::moved_or_copied);
            }
        }
        PowerOn::Starts => {}
    }
    if vm.activity.is_none() {
        let duration = host.spec.timing.power_on;
        host.begin(vm.id, "powerOn", Activity::PoweringOn, duration);
    }
    when_done(host, vm.id, POWER_ON, Power::On)
}

fn no_slot() -> VimFault {
    const REASON: &str = "No PCIe slot available for SCSI0. Remove SCSI0 and try again.";
    let message = |key: &str, arg: Data, text: &str| {
        Object::new("vmodl.LocalizableMessage")
            .with("key", key)
            .with("arg", arg)
            .with("message", text)
            .into()
    };
    let module = Object::new("vmodl.KeyAnyValue")
        .with("key", "1")
        .with("value", "DevicePowerOn");
    let mut fault = VimFault::new("vim.fault.GenericVmConfigFault", REASON).with("reason", REASON);
    fault.messages = Some(Data::Array(
        "vmodl.LocalizableMessage",
        vec![
            message("msg.pci.noslotavail", Data::UnsetArray, REASON),
            message(
                "msg.moduletable.powerOnFailed",
                Data::Array("vmodl.KeyAnyValue", vec![module.into()]),
                "Module 'DevicePowerOn' power on failed.\n",
            ),
            message(
                "msg.vmx.poweron.failed",
                Data::UnsetArray,
                "Failed to start the virtual machine.",
            ),
        ],
    ));
    fault
}

fn power_off(host: &mut Host, vm: &Vm) -> Reply {
    let generation = host.generation();
    if vm.power == Power::Off && vm.activity.is_none() {
        let fault = invalid_power_state(generation, Power::Off, Power::Off);
        host.note_task(vm.id, "powerOff", Some(fault.clone()));
        return POWER_OFF.failure(generation, &fault).into();
    }
    if let Some(vm) = host.vms.get_mut(&vm.id) {
        vm.question = None;
    }
    let duration = host.spec.timing.power_off;
    host.begin(vm.id, "powerOff", Activity::PoweringOff, duration);
    when_done(host, vm.id, POWER_OFF, Power::Off)
}

fn suspend(host: &mut Host, vm: &Vm) -> Reply {
    let generation = host.generation();
    if vm.power != Power::On {
        let fault = invalid_power_state(generation, Power::On, vm.power);
        host.note_task(vm.id, "suspend", Some(fault.clone()));
        return SUSPEND.failure(generation, &fault).into();
    }
    let duration = host.spec.timing.suspend;
    host.begin(vm.id, "suspend", Activity::Suspending, duration);
    when_done(host, vm.id, SUSPEND, Power::Suspended)
}

fn reset(host: &mut Host, vm: &Vm) -> Output {
    let generation = host.generation();
    if vm.power != Power::On {
        let fault = invalid_power_state(generation, Power::On, vm.power);
        host.note_task(vm.id, "reset", Some(fault.clone()));
        return RESET.failure(generation, &fault);
    }
    host.begin(vm.id, "reset", Activity::Rebooting, Duration::ZERO);
    Output::ok(RESET.begins)
}

/// `power.shutdown` and `power.reboot` only ask the guest: they print nothing and are back
/// long before it has happened.
fn ask_guest(host: &mut Host, vm: &Vm, activity: Activity) -> Output {
    let generation = host.generation();
    let fault = if vm.power != Power::On {
        invalid_power_state(generation, Power::On, vm.power)
    } else if host.tools(vm) == Tools::Missing || !host.tools_run(vm) {
        VimFault::new(
            "vim.fault.ToolsUnavailable",
            "Cannot complete operation because VMware Tools is not running in this virtual \
             machine.",
        )
    } else if activity == Activity::ShuttingDown && vm.spec.ignores_shutdown {
        // The node has handed the request on, and that is all it knows.
        host.note_task(vm.id, "shutdownGuest", None);
        host.settle();
        return Output::default();
    } else {
        let verb = match activity {
            Activity::Rebooting => "rebootGuest",
            _ => "shutdownGuest",
        };
        host.begin(vm.id, verb, activity, host.spec.timing.guest_shutdown);
        return Output::default();
    };
    Output::refused(fault.print(generation), 1)
}

/// Prints the verb's line at once and ends when the VM has come to the state.
fn when_done(host: &mut Host, id: u32, verb: Verb, wanted: Power) -> Reply {
    let check = move |host: &mut Host| -> Option<Output> {
        host.settle();
        match host.vms.get(&id) {
            Some(vm) if vm.activity.is_some() => None,
            Some(vm) if vm.power == wanted => Some(Output::default()),
            vm => {
                let existing = vm.map_or(Power::Off, |vm| vm.power);
                let fault = host
                    .last_error(id)
                    .unwrap_or_else(|| invalid_power_state(host.generation(), wanted, existing));
                let mut output = verb.failure(host.generation(), &fault);
                output.stdout.clear();
                Some(output)
            }
        }
    };
    let begun = Output::ok(verb.begins);
    match check(host) {
        Some(end) => Output {
            stdout: [begun.stdout, end.stdout].concat(),
            ..end
        }
        .into(),
        None => Reply::Later(begun, Box::new(check)),
    }
}

/// `vmsvc/get.tasklist ID`
fn tasks_of(host: &Host, vm: &Vm) -> Output {
    list_tasks(host, |task| task.vm == vm.id)
}

fn task_list(host: &Host) -> Output {
    list_tasks(host, |_| true)
}

fn list_tasks(host: &Host, of: impl Fn(&Task) -> bool) -> Output {
    let keys = host
        .tasks
        .iter()
        .filter(|task| of(task))
        .map(|task| Data::Reference(format!("vim.Task:{}", task.key())));
    Output::ok(print(
        &Data::Array("ManagedObjectReference", keys.collect()),
        host.generation(),
    ))
}

fn task_info(host: &Host, key: &str) -> Output {
    match host.tasks.iter().find(|task| task.key() == key) {
        Some(task) => Output::ok(print(&summary::task_info(host, task), host.generation())),
        None => {
            let fault = VimFault::new(
                "vmodl.fault.ManagedObjectNotFound",
                "The object has already been deleted or has not been completely created",
            )
            .with("obj", Data::Reference(format!("vim.Task:{key}")));
            Output::fault(host, &fault)
        }
    }
}

fn not_there() -> VimFault {
    VimFault::new(
        "vim.fault.NotFound",
        "The object or item referred to could not be found.",
    )
}

/// `solo/registervm PATH [NAME]`
fn register(host: &mut Host, path: &str, name: Option<&str>) -> Output {
    let Some(at) = host.locate(path, "/").filter(|at| at.file.is_file()) else {
        return Output::fault(host, &not_there());
    };
    let holder = host.vms.values().find(|vm| {
        vm.spec.vmx_name.is_none()
            && vm.spec.datastore == at.datastore
            && vm.spec.vmx_path == at.path
    });
    if let Some(holder) = holder {
        let id = holder.id.to_string();
        let fault = VimFault::new(
            "vim.fault.AlreadyExists",
            &format!("The specified key, name, or identifier '{id}' already exists."),
        )
        .with("name", id);
        return Output::fault(host, &fault);
    }
    match read_vm(host, &at) {
        Ok(mut spec) => {
            if let Some(name) = name {
                spec.name = name.to_owned();
            }
            Output::ok(format!("{}\n", host.register(spec)))
        }
        Err(reason) => Output::fault(host, &invalid_file(&at, &reason)),
    }
}

fn invalid_file(at: &Located, reason: &str) -> VimFault {
    VimFault::new(
        "vim.fault.InvalidVmConfig",
        &format!("The virtual machine configuration file is invalid: {reason}"),
    )
    .with("property", Data::Unset)
    .with("file", at.name())
}

/// What the `.vmx` there describes.
fn read_vm(host: &Host, at: &Located) -> Result<VmSpec, String> {
    let bytes = std::fs::read(&at.file).map_err(|error| error.to_string())?;
    let keys = vmx::read(&bytes)?;
    let stem = at
        .path
        .rsplit('/')
        .next()
        .and_then(|file| file.strip_suffix(".vmx"))
        .unwrap_or(&at.path);
    let mut spec = VmSpec::new(stem).stored(&at.datastore, &at.path);
    spec.hardware = host.generation().newest_hardware();
    spec.tools = Tools::Missing;
    spec.guest.host_name = None;
    spec.disks = disk_sizes(host, at, &keys);
    // What is in the .vmx is a few kilobytes; the thin disks have nothing in them yet.
    spec.committed_bytes = 4096;
    spec.uncommitted_bytes = spec.disks.iter().sum();
    Ok(vmx::apply(&keys, spec))
}

/// The sizes of the disks that a `.vmx` names, by their descriptors.
fn disk_sizes(host: &Host, at: &Located, keys: &BTreeMap<String, String>) -> Vec<u64> {
    let folder = at.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let files = vmx::disk_files(keys);
    let sizes = files.iter().filter_map(|disk| {
        let path = if disk.starts_with('/') {
            disk.clone()
        } else {
            format!("[{}] {folder}/{disk}", at.datastore)
        };
        let descriptor = std::fs::read_to_string(host.locate(&path, "/")?.file).ok()?;
        vmx::disk_size(&descriptor)
    });
    sizes.collect()
}

fn reload(host: &mut Host, vm: &Vm) -> Output {
    let Some(at) = host.locate(&vm.vmx_name(), "/") else {
        return Output::default();
    };
    host.note_task(vm.id, "reload", None);
    if vm.power != Power::Off || host.faults.contains(&crate::Fault::TakesNoEdit(vm.id)) {
        host.write_configuration(vm.id);
        return Output::default();
    }
    let read = std::fs::read(&at.file)
        .map_err(|error| error.to_string())
        .and_then(|bytes| vmx::read(&bytes));
    match read {
        Ok(keys) => {
            let disks = disk_sizes(host, &at, &keys);
            if let Some(vm) = host.vms.get_mut(&vm.id) {
                let sum = |disks: &[u64]| disks.iter().sum::<u64>();
                // Nothing is written to what a disk has got more.
                let more = sum(&disks).saturating_sub(sum(&vm.spec.disks));
                vm.spec.uncommitted_bytes += more;
                vm.spec.disks = disks;
                vm.spec = vmx::apply(&keys, vm.spec.clone());
            }
            Output::default()
        }
        Err(reason) => Output::fault(host, &invalid_file(&at, &reason)),
    }
}

/// `createdummyvm NAME PATH`: a VM with 32 MB and a disk of 1 MB, and no network card.
fn create_dummy(host: &mut Host, name: &str, path: &str) -> Output {
    const DISK: u64 = 1 << 20;
    let Some(given) = host.locate(path, "/") else {
        return Output::fault(host, &not_there());
    };
    let inside = if given.path.is_empty() {
        format!("{name}/{name}.vmx")
    } else if given.path.ends_with(".vmx") {
        given.path.clone()
    } else {
        format!("{}/{name}/{name}.vmx", given.path)
    };
    let Some(at) = host.locate(&format!("[{}] {inside}", given.datastore), "/") else {
        return Output::fault(host, &not_there());
    };
    let folder = at.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if at.file.parent().is_some_and(std::path::Path::exists) && !folder.is_empty() {
        let fault = VimFault::new(
            "vim.fault.AlreadyExists",
            "The specified key, name, or identifier already exists.",
        )
        .with("name", at.name());
        return Output::fault(host, &fault);
    }
    if host.take_space(&at.datastore, DISK).is_err() {
        let fault = VimFault::new(
            "vim.fault.NoDiskSpace",
            &format!("Insufficient disk space on datastore '{}'.", at.datastore),
        )
        .with("file", format!("[{}] {folder}", at.datastore))
        .with("datastore", at.datastore.as_str());
        return Output::fault(host, &fault);
    }
    let mut spec = VmSpec::new(name).stored(&at.datastore, &at.path);
    spec.guest_id = "otherGuest".to_owned();
    spec.memory_mb = 32;
    spec.networks.clear();
    spec.disks = vec![DISK];
    spec.committed_bytes = DISK;
    spec.uncommitted_bytes = 0;
    spec.tools = Tools::Missing;
    spec.guest.host_name = None;
    spec.hardware = host.generation().newest_hardware();
    match host.add(spec) {
        Ok(id) => Output::ok(format!("{id}\n")),
        Err(error) => Output::fault(
            host,
            &VimFault::new("vim.fault.FileFault", &error.to_string()).with("file", at.name()),
        ),
    }
}

/// Writes a disk: its descriptor and the file of its size.
pub(super) fn write_disk(at: &Located, bytes: u64) -> std::io::Result<()> {
    let name = at
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    make_sparse(&at.file.with_file_name(vmx::flat_name(&name)), bytes)?;
    std::fs::write(&at.file, vmx::disk_descriptor(&name, bytes))
}
