//! The state of a running node: what hostd knows. Its volumes are real directories below the
//! chroot; `.vmx` and `.vmdk` files lie there for the remote shell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;

use crate::dump::VimFault;
use crate::snapshot_state::SnapshotWork;
use crate::vm::{Activity, Vm, later};
use crate::{
    DatastoreSpec, Fault, Generation, NodeSpec, Power, PowerOn, Question, Timestamp, Tools, VmSpec,
    VolumeKind, vmx,
};

/// The node's time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// This machine's, moved by so much.
    Running(TimeDelta),
    /// Standing still.
    Standing(Timestamp),
}

/// A change that hostd carries or carried out.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) number: u32,
    pub(crate) verb: &'static str,
    pub(crate) vm: u32,
    pub(crate) vm_name: String,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) error: Option<VimFault>,
    pub(crate) event_chain: u32,
    /// Work on snapshots, and when it will be done.
    pub(crate) work: Option<(SnapshotWork, Timestamp)>,
}

impl Task {
    /// `haTask-14-vim.VirtualMachine.powerOn-4107`
    pub(crate) fn key(&self) -> String {
        format!("haTask-{}-{}-{}", self.vm, self.method(), self.number)
    }

    /// `vim.VirtualMachine.powerOn`
    pub(crate) fn method(&self) -> String {
        match self.verb.starts_with("Snapshot.") {
            true => format!("vim.vm.{}", self.verb),
            false => format!("vim.VirtualMachine.{}", self.verb),
        }
    }

    /// How much of the work is done, in percent.
    pub(crate) fn progress(&self, now: Timestamp) -> Option<u32> {
        let (_, due) = self.work.as_ref().filter(|_| self.completed_at.is_none())?;
        let all = (*due - self.started_at).num_milliseconds().max(1);
        let done = (now - self.started_at).num_milliseconds().clamp(0, all);
        u32::try_from(done * 99 / all).ok()
    }
}

/// How many finished tasks hostd remembers.
const TASKS_KEPT: usize = 50;

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) spec: NodeSpec,
    /// The chroot, seen from this machine.
    pub(crate) root: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) vms: BTreeMap<u32, Vm>,
    pub(crate) invalid: BTreeSet<u32>,
    pub(crate) faults: Vec<Fault>,
    /// Its Python, and the port of the SOAP side of hostd.
    pub(crate) python: Option<(PathBuf, u16)>,
    pub(crate) tasks: Vec<Task>,
    next_id: u32,
    next_task: u32,
}

impl Host {
    /// The node's state, with its volumes and VMs laid out below `root`.
    pub(crate) fn new(spec: NodeSpec, root: PathBuf) -> std::io::Result<Self> {
        let mut host = Self {
            clock: spec
                .clock
                .map_or(Clock::Running(TimeDelta::zero()), Clock::Standing),
            vms: BTreeMap::new(),
            invalid: spec.invalid_vms.iter().copied().collect(),
            faults: Vec::new(),
            python: None,
            tasks: Vec::new(),
            next_id: 1,
            next_task: 4107,
            root,
            spec,
        };
        host.make_volumes()?;
        for vm in std::mem::take(&mut host.spec.vms) {
            host.add(vm)?;
        }
        Ok(host)
    }

    fn make_volumes(&self) -> std::io::Result<()> {
        let volumes = self.root.join("vmfs/volumes");
        for store in &self.spec.datastores {
            let folder = volumes.join(&store.uuid);
            std::fs::create_dir_all(&folder)?;
            if !store.name.is_empty() {
                std::os::unix::fs::symlink(&store.uuid, volumes.join(&store.name))?;
            }
            for (path, size) in &store.files {
                make_sparse(&folder.join(path), *size)?;
            }
        }
        Ok(())
    }

    /// Registers a VM and writes its files. Returns its id.
    pub(crate) fn add(&mut self, spec: VmSpec) -> std::io::Result<u32> {
        let id = spec.id.unwrap_or_else(|| self.free_id());
        self.next_id = self.next_id.max(id + 1);
        let vm = Vm::new(id, spec, self.spec.booted_at);
        self.write_files(&vm)?;
        self.vms.insert(id, vm);
        self.lay_out_snapshots(id)?;
        Ok(id)
    }

    /// Registers a VM whose files are there already.
    pub(crate) fn register(&mut self, spec: VmSpec) -> u32 {
        let id = self.free_id();
        self.next_id = id + 1;
        let vm = Vm::new(id, spec, self.spec.booted_at);
        self.vms.insert(id, vm);
        id
    }

    /// The next id; ids are never used twice.
    fn free_id(&self) -> u32 {
        let beyond_invalid = self.invalid.last().map_or(1, |last| last + 1);
        self.next_id.max(beyond_invalid)
    }

    /// Writes the VM's `.vmx` and empty disks of the right size, which take no room.
    fn write_files(&self, vm: &Vm) -> std::io::Result<()> {
        let Some(file) = self.vmx_file(&vm.spec) else {
            return Ok(());
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        for (number, size) in vm.spec.disks.iter().enumerate() {
            let disk = vmx::disk_name(&stem, number);
            std::fs::write(
                file.with_file_name(&disk),
                vmx::disk_descriptor(&disk, *size),
            )?;
            make_sparse(&file.with_file_name(vmx::flat_name(&disk)), *size)?;
        }
        std::fs::write(
            &file,
            vmx::write(vm, &self.uuid(vm), &self.instance_uuid(vm)),
        )
    }

    /// Writes what hostd keeps of a VM over its `.vmx`, as it does whenever the VM is switched on or
    /// off: whatever somebody has put there while it ran is lost.
    pub(crate) fn write_configuration(&self, id: u32) {
        let Some(vm) = self.vms.get(&id) else {
            return;
        };
        let Some(file) = self.vmx_file(&vm.spec) else {
            return;
        };
        if let Ok(before) = std::fs::read(&file) {
            // A volume that cannot be written to keeps the file as it is.
            let _ = std::fs::write(&file, vmx::written_over(&before, &vm.spec));
        }
    }

    /// Where the VM's `.vmx` lies on this machine; `None` if on no volume of the node.
    pub(crate) fn vmx_file(&self, spec: &VmSpec) -> Option<PathBuf> {
        let store = self.store_named(&spec.datastore)?;
        spec.vmx_name.is_none().then(|| {
            self.root
                .join("vmfs/volumes")
                .join(&store.uuid)
                .join(&spec.vmx_path)
        })
    }

    pub(crate) fn generation(&self) -> Generation {
        self.spec.generation
    }

    /// The node's time.
    pub(crate) fn now(&self) -> Timestamp {
        match self.clock {
            Clock::Running(offset) => Timestamp::from(SystemTime::now()) + offset,
            Clock::Standing(time) => time,
        }
    }

    /// A time as the node prints it: a wrong clock is wrong about all of them.
    pub(crate) fn shown(&self, time: Timestamp) -> Timestamp {
        self.faults.iter().fold(time, |time, fault| match fault {
            Fault::ClockWrong(seconds) => time + TimeDelta::seconds(*seconds),
            _ => time,
        })
    }

    /// Moves the node's time on.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock = match self.clock {
            Clock::Running(offset) => {
                Clock::Running(offset + TimeDelta::from_std(by).unwrap_or(TimeDelta::zero()))
            }
            Clock::Standing(time) => Clock::Standing(later(time, by)),
        };
    }

    /// Finishes what is due.
    pub(crate) fn settle(&mut self) {
        let now = self.now();
        let mut switched = Vec::new();
        for vm in self.vms.values_mut() {
            let before = vm.power;
            vm.settle(now, &self.spec.timing);
            if vm.power != before {
                switched.push(vm.id);
            }
        }
        for id in switched {
            self.write_configuration(id);
        }
        self.settle_snapshots(now);
        for task in &mut self.tasks {
            let vm = self.vms.get(&task.vm);
            if task.completed_at.is_none()
                && task.work.is_none()
                && vm.is_none_or(|vm| vm.activity.is_none())
            {
                task.completed_at = Some(now);
            }
        }
        let finished = self
            .tasks
            .iter()
            .filter(|task| task.completed_at.is_some())
            .count();
        for _ in TASKS_KEPT..finished {
            if let Some(oldest) = self
                .tasks
                .iter()
                .position(|task| task.completed_at.is_some())
            {
                self.tasks.remove(oldest);
            }
        }
    }

    /// Carries out the work on snapshots that is due.
    fn settle_snapshots(&mut self, now: Timestamp) {
        let is_due = |task: &Task| {
            let due = task.work.as_ref().is_some_and(|(_, due)| *due <= now);
            task.completed_at.is_none() && due
        };
        while let Some(place) = self.tasks.iter().position(is_due) {
            let Some((vm, (work, due))) = self
                .tasks
                .get(place)
                .and_then(|task| Some((task.vm, task.work.clone()?)))
            else {
                return;
            };
            let done = match self.faults.contains(&Fault::SnapshotFails(vm)) {
                true => Err(VimFault::new(
                    "vim.fault.GenericVmConfigFault",
                    "An error occurred while consolidating disks: 12 (Cannot allocate memory).",
                )),
                false => self.do_snapshot_work(vm, &work),
            };
            if let Some(task) = self.tasks.get_mut(place) {
                task.completed_at = Some(due);
                task.error = done.err();
            }
        }
    }

    /// Begins a change of a VM's snapshots; returns the number of its task.
    pub(crate) fn begin_snapshot_work(&mut self, id: u32, work: SnapshotWork) -> u32 {
        self.note_task(id, work.verb(), None);
        let due = later(self.now(), self.spec.timing.snapshot);
        let number = self.next_task - 1;
        if let Some(task) = self.tasks.last_mut() {
            task.work = Some((work, due));
        }
        self.settle();
        number
    }

    /// Whether hostd works on the snapshots of a VM.
    pub(crate) fn is_busy(&self, id: u32) -> bool {
        let of_vm = |task: &&Task| task.vm == id && task.work.is_some();
        let mut tasks = self.tasks.iter().filter(of_vm);
        tasks.any(|task| task.completed_at.is_none())
    }

    /// Until when nothing changes by itself, as far as is known.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        let now = match self.clock {
            Clock::Running(_) => self.now(),
            Clock::Standing(_) => return None,
        };
        let due = self.vms.values().filter_map(|vm| vm.activity);
        let working = self.tasks.iter().filter(|task| task.completed_at.is_none());
        let working = working.filter_map(|task| Some(task.work.as_ref()?.1));
        due.map(|(_, at)| at)
            .chain(working)
            .map(|at| (at - now).to_std().unwrap_or_default())
            .min()
    }

    /// The VM that the tools were asked about.
    pub(crate) fn find(&self, id: &str) -> Result<&Vm, VimFault> {
        let number = id.parse::<u32>().ok();
        if let Some(number) = number.filter(|n| self.faults.contains(&Fault::Vanishing(*n))) {
            return Err(VimFault::new(
                "vmodl.fault.ManagedObjectNotFound",
                "The object has already been deleted or has not been completely created",
            )
            .with(
                "obj",
                crate::dump::Data::Reference(format!("vim.VirtualMachine:{number}")),
            ));
        }
        number
            .filter(|number| !self.is_invalid(*number))
            .and_then(|number| self.vms.get(&number))
            .ok_or_else(|| {
                VimFault::new(
                    "vim.fault.NotFound",
                    &format!("Unable to find a VM corresponding to \"{id}\""),
                )
            })
    }

    /// Whether a registered VM cannot be read.
    pub(crate) fn is_invalid(&self, id: u32) -> bool {
        self.invalid.contains(&id) || self.faults.contains(&Fault::InvalidVm(id))
    }

    /// Begins a change of a VM as a task.
    pub(crate) fn begin(
        &mut self,
        id: u32,
        verb: &'static str,
        activity: Activity,
        duration: Duration,
    ) {
        let now = self.now();
        if let Some(vm) = self.vms.get_mut(&id) {
            vm.begin(activity, now, duration);
        }
        self.note_task(id, verb, None);
        self.settle();
    }

    /// Remembers a task; one with an error is over.
    pub(crate) fn note_task(&mut self, id: u32, verb: &'static str, error: Option<VimFault>) {
        let now = self.now();
        let number = self.next_task;
        self.next_task += 1;
        self.tasks.push(Task {
            number,
            verb,
            vm: id,
            vm_name: self
                .vms
                .get(&id)
                .map(|vm| vm.spec.name.clone())
                .unwrap_or_default(),
            started_at: now,
            completed_at: error.is_some().then_some(now),
            error,
            event_chain: number + 1284,
            work: None,
        });
    }

    /// Ends what is under way on a VM, as if a user had cancelled it.
    pub(crate) fn cancel_task(&mut self, id: u32) {
        let now = self.now();
        let running = |task: &&mut Task| task.vm == id && task.completed_at.is_none();
        for task in self.tasks.iter_mut().filter(running) {
            task.completed_at = Some(now);
            task.error = Some(VimFault::new(
                "vmodl.fault.RequestCanceled",
                "The task was canceled by a user.",
            ));
        }
    }

    /// Why the last change of a VM failed, if it did.
    pub(crate) fn last_error(&self, id: u32) -> Option<VimFault> {
        let last = self.tasks.iter().rev().find(|task| task.vm == id)?;
        last.error.clone()
    }

    /// What powering this VM on will come to.
    pub(crate) fn at_power_on(&self, vm: &Vm) -> PowerOn {
        if self.faults.contains(&Fault::LacksMemory(vm.id)) {
            PowerOn::LacksMemory
        } else if self.faults.contains(&Fault::Misconfigured(vm.id)) {
            PowerOn::Misconfigured
        } else if self.faults.contains(&Fault::Question(vm.id)) {
            PowerOn::Asks
        } else {
            vm.spec.power_on
        }
    }

    /// The VMware Tools of a VM.
    pub(crate) fn tools(&self, vm: &Vm) -> Tools {
        if self.faults.contains(&Fault::NoTools(vm.id)) {
            Tools::Missing
        } else {
            vm.spec.tools
        }
    }

    /// Whether they run now.
    pub(crate) fn tools_run(&self, vm: &Vm) -> bool {
        self.tools(vm) != Tools::Missing && vm.tools_run(self.now())
    }

    /// Lets a VM that runs ask its question.
    pub(crate) fn ask(&mut self, id: u32) {
        if let Some(vm) = self.vms.get_mut(&id)
            && vm.power == Power::On
        {
            vm.question = Some(Question::moved_or_copied());
        }
    }

    /// `VMware ESXi 7.0.3 build-21053776`
    pub(crate) fn full_name(&self) -> String {
        let release = &self.spec.release;
        format!("VMware ESXi {} build-{}", release.version, release.build)
    }

    /// CPU in MHz and memory in MB that are in use.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let now = self.now();
        let running = self.vms.values().filter(|vm| vm.power == Power::On);
        running.fold(
            (self.spec.cpu_usage_mhz, self.spec.memory_usage_mb),
            |(cpu, memory), vm| (cpu + vm.usage(now).0, memory + vm.spec.host_memory_mb),
        )
    }

    /// The BIOS UUID as get.summary spells it.
    pub(crate) fn uuid(&self, vm: &Vm) -> String {
        vm.spec
            .uuid
            .clone()
            .unwrap_or_else(|| self.made_uuid("564d", vm.id))
    }

    /// The instance UUID.
    pub(crate) fn instance_uuid(&self, vm: &Vm) -> String {
        vm.spec
            .instance_uuid
            .clone()
            .unwrap_or_else(|| self.made_uuid("52cc", vm.id))
    }

    fn made_uuid(&self, head: &str, id: u32) -> String {
        let node = self.spec.name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let mixed = u64::from(node ^ id.rotate_left(13)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{head}{:04x}-{:04x}-{:04x}-{:04x}-{:04x}{id:08x}",
            node & 0xffff,
            node >> 16,
            (mixed >> 16) & 0xffff,
            (mixed >> 32) & 0xffff,
            mixed >> 48,
        )
    }

    /// The generated address of a network card: its last bytes are those of the UUID.
    pub(crate) fn mac_address(&self, vm: &Vm, card: usize) -> String {
        let uuid = self.uuid(vm);
        let tail = uuid.get(uuid.len().saturating_sub(6)..).unwrap_or("000000");
        let number = u32::from_str_radix(tail, 16).unwrap_or_default();
        let number = number.wrapping_add(u32::try_from(card).unwrap_or_default() * 10);
        format!(
            "00:0c:29:{:02x}:{:02x}:{:02x}",
            (number >> 16) & 0xff,
            (number >> 8) & 0xff,
            number & 0xff
        )
    }

    /// The volumes that hold VMs.
    pub(crate) fn vm_volumes(&self) -> impl Iterator<Item = &DatastoreSpec> {
        self.spec.datastores.iter().filter(|store| {
            matches!(
                store.kind,
                VolumeKind::Vmfs(_) | VolumeKind::Nfs(_) | VolumeKind::Vsan
            )
        })
    }

    pub(crate) fn store_named(&self, name: &str) -> Option<&DatastoreSpec> {
        self.spec
            .datastores
            .iter()
            .find(|store| !name.is_empty() && store.name == name)
    }

    /// The free space of a volume.
    pub(crate) fn free(&self, store: &DatastoreSpec) -> u64 {
        if self.faults.contains(&Fault::DiskFull) {
            0
        } else {
            store.free_bytes
        }
    }

    /// Takes space from a volume, or says that there is not enough.
    pub(crate) fn take_space(&mut self, store: &str, bytes: u64) -> Result<(), ()> {
        let full = self.faults.contains(&Fault::DiskFull);
        let store = self
            .spec
            .datastores
            .iter_mut()
            .find(|candidate| candidate.name == store)
            .ok_or(())?;
        if full || store.free_bytes < bytes {
            return Err(());
        }
        store.free_bytes -= bytes;
        Ok(())
    }

    /// Gives space back to a volume.
    pub(crate) fn give_space(&mut self, store: &str, bytes: u64) {
        if let Some(store) = self
            .spec
            .datastores
            .iter_mut()
            .find(|candidate| candidate.name == store)
        {
            store.free_bytes = (store.free_bytes + bytes).min(store.capacity_bytes);
        }
    }

    /// Finds what a path on the node means: `/vmfs/volumes/NAME/…`, `/vmfs/volumes/UUID/…`,
    /// `[NAME] …`, or one relative to `directory`.
    pub(crate) fn locate(&self, path: &str, directory: &str) -> Option<Located> {
        if let Some(rest) = path.strip_prefix('[') {
            let (name, rest) = rest.split_once(']')?;
            let store = self.store_named(name)?;
            return Some(self.located(store, rest.trim_start_matches([' ', '/'])));
        }
        let absolute = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{directory}/{path}")
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in absolute.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let ["vmfs", "volumes", volume, rest @ ..] = parts.as_slice() else {
            return None;
        };
        let store = self
            .spec
            .datastores
            .iter()
            .find(|store| store.name == *volume || store.uuid == *volume)?;
        Some(self.located(store, &rest.join("/")))
    }

    fn located(&self, store: &DatastoreSpec, path: &str) -> Located {
        let path = path.trim_end_matches('/').to_owned();
        Located {
            file: self.root.join("vmfs/volumes").join(&store.uuid).join(&path),
            datastore: store.name.clone(),
            path,
        }
    }
}

/// A path on a volume of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// The volume's name.
    pub(crate) datastore: String,
    /// The path below it.
    pub(crate) path: String,
    /// The same on this machine.
    pub(crate) file: PathBuf,
}

impl Located {
    /// `[datastore1] web/web.vmx`
    pub(crate) fn name(&self) -> String {
        format!("[{}] {}", self.datastore, self.path)
    }
}

/// A file of that size which takes no room.
pub(crate) fn make_sparse(file: &Path, size: u64) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::File::create(file)?.set_len(size)
}
