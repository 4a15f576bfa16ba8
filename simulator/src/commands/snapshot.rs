//! `vim-cmd vmsvc/snapshot.*` and `get.snapshotinfo`

use crate::dump::{Data, Object, VimFault, print};
use crate::host::Host;
use crate::snapshot_state::{SnapshotWork, find};
use crate::vm::Vm;
use crate::{Power, SnapshotSpec, Tools};

use super::verb::Verb;
use super::{Output, Reply};

const CREATE: Verb = Verb {
    begins: "Create Snapshot:\n",
    fails: "Create snapshot failed",
};
const REVERT: Verb = Verb {
    begins: "Revert Snapshot:\n",
    fails: "Revert snapshot failed",
};
const REMOVE: Verb = Verb {
    begins: "Remove Snapshot:\n",
    fails: "Remove snapshot failed",
};
const REMOVE_ALL: Verb = Verb {
    begins: "Remove All Snapshots:\n",
    fails: "Remove all snapshots failed",
};

pub(super) fn run(host: &mut Host, vm: &Vm, command: &str, arguments: &[&str]) -> Reply {
    let on = |flag: Option<&&str>| flag.is_some_and(|flag| *flag == "1");
    match (command, arguments) {
        ("vmsvc/snapshot.get", []) => {
            Output::ok(format!("Get Snapshot:\n{}", tree(host, vm))).into()
        }
        ("vmsvc/get.snapshotinfo", []) => info(host, vm).into(),
        ("vmsvc/snapshot.create", [name, more @ ..]) => {
            let work = SnapshotWork::Create {
                name: (*name).to_owned(),
                description: more.first().copied().unwrap_or_default().to_owned(),
                memory: on(more.get(1)) && vm.power == Power::On,
                quiesce: on(more.get(2)),
            };
            work_on(host, vm, CREATE, work)
        }
        ("vmsvc/snapshot.revert", [id, keep_off]) => match id.parse() {
            Ok(id) => {
                let keep_off = *keep_off == "1";
                work_on(host, vm, REVERT, SnapshotWork::Revert { id, keep_off })
            }
            Err(_) => insufficient(),
        },
        ("vmsvc/snapshot.remove", [id]) => match id.parse() {
            Ok(id) => work_on(host, vm, REMOVE, SnapshotWork::Remove(id)),
            Err(_) => insufficient(),
        },
        ("vmsvc/snapshot.removeall", []) => work_on(host, vm, REMOVE_ALL, SnapshotWork::RemoveAll),
        _ => insufficient(),
    }
}

fn insufficient() -> Reply {
    Output::failed("Insufficient arguments.\n", 1).into()
}

/// Why hostd refuses the work at once.
fn objection(host: &Host, vm: &Vm, work: &SnapshotWork) -> Option<VimFault> {
    if host.is_busy(vm.id) {
        return Some(VimFault::new(
            "vim.fault.TaskInProgress",
            "The operation is not allowed in the current state: Operation failed since another task is \
             in progress.",
        ));
    }
    match work {
        SnapshotWork::Create { quiesce: true, .. }
            if host.tools(vm) == Tools::Missing || !host.tools_run(vm) =>
        {
            Some(VimFault::new(
                "vim.fault.ApplicationQuiesceFault",
                "An error occurred while quiescing the virtual machine.",
            ))
        }
        SnapshotWork::Create { .. } if depth(vm) >= 32 => Some(VimFault::new(
            "vim.fault.SnapshotFault",
            "Too many levels of redo logs.",
        )),
        SnapshotWork::Revert { id, .. } | SnapshotWork::Remove(id)
            if find(&vm.spec.snapshots, *id).is_none() =>
        {
            Some(VimFault::new(
                "vim.fault.NotFound",
                "Unable to find a snapshot with this id",
            ))
        }
        _ => None,
    }
}

fn depth(vm: &Vm) -> usize {
    fn of(list: &[SnapshotSpec]) -> usize {
        list.iter()
            .map(|one| 1 + of(&one.children))
            .max()
            .unwrap_or(0)
    }
    of(&vm.spec.snapshots)
}

/// Prints the verb's line at once, and the rest when hostd has done the work.
fn work_on(host: &mut Host, vm: &Vm, verb: Verb, work: SnapshotWork) -> Reply {
    let id = vm.id;
    let shows_tree = matches!(work, SnapshotWork::Revert { .. } | SnapshotWork::Remove(_));
    if let Some(fault) = objection(host, vm, &work) {
        host.note_task(id, work.verb(), Some(fault.clone()));
        return verb.failure(host.generation(), &fault).into();
    }
    let number = host.begin_snapshot_work(id, work);
    let end = move |host: &mut Host| -> Option<Output> {
        host.settle();
        let task = host.tasks.iter().find(|task| task.number == number);
        let Some(task) = task else {
            return Some(Output::default());
        };
        task.completed_at?;
        Some(match (&task.error, host.vms.get(&id)) {
            (Some(fault), _) => {
                let mut output = verb.failure(host.generation(), fault);
                output.stdout.clear();
                output
            }
            (None, Some(vm)) if shows_tree => Output::ok(tree(host, vm)),
            (None, _) => Output::default(),
        })
    };
    let mut end: super::output::Rest = Box::new(end);
    match end(host) {
        Some(rest) => Output {
            stdout: [verb.begins.as_bytes(), &rest.stdout].concat(),
            ..rest
        }
        .into(),
        None => Reply::Later(Output::ok(verb.begins), end),
    }
}

fn tree(host: &Host, vm: &Vm) -> String {
    let mut text = String::new();
    for root in &vm.spec.snapshots {
        text += "|-ROOT\n";
        snapshot(host, root, 1, &mut text);
    }
    text
}

fn snapshot(host: &Host, of: &SnapshotSpec, depth: usize, text: &mut String) {
    let dashes = "--".repeat(depth);
    let power = match of.power {
        Power::On => "powered on",
        Power::Off => "powered off",
        Power::Suspended => "suspended",
    };
    let created = host.shown(of.created).format("%-m/%-d/%Y %-H:%-M:%-S");
    *text += &format!(
        "{dashes}Snapshot Name        : {}\n\
         {dashes}Snapshot Id        : {}\n\
         {dashes}Snapshot Desciption  : {}\n\
         {dashes}Snapshot Created On  : {created}\n\
         {dashes}Snapshot State       : {power}\n",
        of.name, of.id, of.description,
    );
    for child in &of.children {
        *text += &format!("{dashes}|-CHILD\n");
        snapshot(host, child, depth + 1, text);
    }
}

fn reference(vm: &Vm, id: u32) -> Data {
    Data::Reference(format!("vim.vm.Snapshot:{}-snapshot-{id}", vm.id))
}

fn info(host: &Host, vm: &Vm) -> Output {
    let generation = host.generation();
    let data = match vm.spec.snapshots.is_empty() {
        true => Data::Null("vim.vm.SnapshotInfo"),
        false => {
            let current = vm.snapshots.current;
            Object::new("vim.vm.SnapshotInfo")
                .with(
                    "currentSnapshot",
                    current.map_or(Data::Unset, |id| reference(vm, id)),
                )
                .with("rootSnapshotList", list(host, vm, &vm.spec.snapshots))
                .into()
        }
    };
    Output::ok(format!("Get Snapshot Info:\n{}", print(&data, generation)))
}

fn list(host: &Host, vm: &Vm, snapshots: &[SnapshotSpec]) -> Data {
    if snapshots.is_empty() {
        return Data::UnsetArray;
    }
    let node = |of: &SnapshotSpec| -> Data {
        let state = match of.power {
            Power::On => "poweredOn",
            Power::Off => "poweredOff",
            Power::Suspended => "suspended",
        };
        let files = vm.snapshots.files.get(&of.id);
        Object::new("vim.vm.SnapshotTree")
            .with("snapshot", reference(vm, of.id))
            .with(
                "vm",
                Data::Reference(format!("vim.VirtualMachine:{}", vm.id)),
            )
            .with("name", of.name.as_str())
            .with("description", of.description.as_str())
            .with("id", of.id)
            .with("createTime", Data::time(Some(host.shown(of.created))))
            .with("state", state)
            .with("quiesced", files.is_some_and(|files| files.quiesced))
            .with("backupManifest", Data::Unset)
            .with("childSnapshotList", list(host, vm, &of.children))
            .with("replaySupported", false)
            .into()
    };
    Data::Array("vim.vm.SnapshotTree", snapshots.iter().map(node).collect())
}
