//! Snapshots on the disk of a simulated node: delta disks, `.vmsn`, `.vmem`, `.vmsd`, and a `.vmx`
//! that names the disks the VM goes on with.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::dump::VimFault;
use crate::host::{Host, make_sparse};
use crate::snapshot_state::{SnapshotFiles, SnapshotWork, find, find_mut, ids, take_out};
use crate::vm::Vm;
use crate::{Power, SnapshotSpec, Timestamp, VmSpec, VolumeKind, vmx};

/// What a delta disk takes when it begins.
const DELTA_BYTES: u64 = 16 << 20;

fn fault(error: &std::io::Error) -> VimFault {
    VimFault::new("vim.fault.FileFault", &error.to_string())
}

impl Host {
    /// Writes the files of the snapshots that a VM has from the beginning.
    pub(crate) fn lay_out_snapshots(&mut self, id: u32) -> std::io::Result<()> {
        let Some(vm) = self.vms.get_mut(&id) else {
            return Ok(());
        };
        let tree = std::mem::take(&mut vm.spec.snapshots);
        for (snapshot, parent) in ids(&tree, None) {
            let Some(spec) = find(&tree, snapshot) else {
                continue;
            };
            let spec = SnapshotSpec {
                children: Vec::new(),
                ..spec.clone()
            };
            let other = |error: VimFault| std::io::Error::other(error.message);
            if self.current(id) != parent {
                self.go_on_from(id, parent).map_err(other)?;
            }
            self.freeze(id, spec, false).map_err(other)?;
        }
        Ok(())
    }

    fn current(&self, id: u32) -> Option<u32> {
        self.vms.get(&id)?.snapshots.current
    }

    /// Carries out what is due.
    pub(crate) fn do_snapshot_work(
        &mut self,
        id: u32,
        work: &SnapshotWork,
    ) -> Result<(), VimFault> {
        match work {
            SnapshotWork::Create {
                name,
                description,
                memory,
                quiesce,
            } => {
                let created = self.now();
                let vm = self.vms.get(&id).ok_or_else(gone)?;
                let power = match vm.power {
                    Power::On if !memory => Power::Off,
                    power => power,
                };
                let spec = SnapshotSpec {
                    id: vm.snapshots.last_id + 1,
                    name: name.clone(),
                    description: description.clone(),
                    created,
                    power,
                    children: Vec::new(),
                };
                self.freeze(id, spec, *quiesce)
            }
            SnapshotWork::Revert { id: to, keep_off } => self.revert(id, *to, *keep_off),
            SnapshotWork::Remove(snapshot) => self.remove_snapshot(id, *snapshot),
            SnapshotWork::RemoveAll => {
                let vm = self.vms.get(&id).ok_or_else(gone)?;
                for (snapshot, _) in ids(&vm.spec.snapshots, None).into_iter().rev() {
                    self.remove_snapshot(id, snapshot)?;
                }
                Ok(())
            }
        }
    }

    /// Freezes the disks of a VM and lets it go on with new ones.
    fn freeze(&mut self, id: u32, spec: SnapshotSpec, quiesced: bool) -> Result<(), VimFault> {
        let vm = self.vms.get(&id).ok_or_else(gone)?;
        let with_memory = vm.power == Power::On && spec.power == Power::On;
        let (store, memory_mb) = (vm.spec.datastore.clone(), vm.spec.memory_mb);
        let Some(file) = self.vmx_file(&vm.spec) else {
            return self.keep(id, spec, SnapshotFiles::default());
        };
        let stem = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&file).map_err(|error| fault(&error))?;
        let disks = vmx::disks(&text);
        let count = u64::try_from(disks.len()).unwrap_or(u64::MAX);
        let memory_bytes = if with_memory { memory_mb << 20 } else { 0 };
        if self
            .take_space(&store, count * DELTA_BYTES + memory_bytes)
            .is_err()
        {
            return Err(VimFault::new(
                "vim.fault.NoDiskSpace",
                &format!("Insufficient disk space on datastore '{store}'."),
            )
            .with("datastore", store.as_str()));
        }
        let files = SnapshotFiles {
            disks: disks.clone(),
            vmx: text.clone(),
            state: format!("{stem}-Snapshot{}.vmsn", spec.id),
            memory: with_memory.then(|| format!("{stem}-Snapshot{}.vmem", spec.id)),
            quiesced,
        };
        let write = || -> std::io::Result<()> {
            std::fs::write(file.with_file_name(&files.state), &text)?;
            if let Some(memory) = &files.memory {
                make_sparse(&file.with_file_name(memory), memory_bytes)?;
            }
            let text = self.begin_deltas(&file, &text, &disks, &store)?;
            std::fs::write(&file, text)
        };
        write().map_err(|error| fault(&error))?;
        self.keep(id, spec, files)
    }

    /// Makes a delta disk on each of `disks`; returns the `.vmx` with their names.
    fn begin_deltas(
        &self,
        file: &Path,
        text: &str,
        disks: &[(String, String)],
        store: &str,
    ) -> std::io::Result<String> {
        let sparse = self
            .store_named(store)
            .is_some_and(|store| matches!(store.kind, VolumeKind::Vmfs(version) if version >= 6));
        let mut text = text.to_owned();
        for (place, parent) in disks {
            let delta = free_delta(file, parent);
            let extent = extent_of(&delta, sparse);
            let bytes = std::fs::read_to_string(file.with_file_name(parent))
                .ok()
                .and_then(|descriptor| vmx::disk_size(&descriptor))
                .unwrap_or_default();
            make_sparse(&file.with_file_name(&extent), DELTA_BYTES)?;
            let descriptor = delta_descriptor(parent, &extent, bytes, sparse);
            std::fs::write(file.with_file_name(&delta), descriptor)?;
            text = vmx::with_disk(&text, place, &delta);
        }
        Ok(text)
    }

    /// Puts a snapshot into the tree as the current one.
    fn keep(&mut self, id: u32, spec: SnapshotSpec, files: SnapshotFiles) -> Result<(), VimFault> {
        let vm = self.vms.get_mut(&id).ok_or_else(gone)?;
        let snapshot = spec.id;
        let current = vm.snapshots.current;
        let parent = current.and_then(|current| find_mut(&mut vm.spec.snapshots, current));
        match parent {
            Some(parent) => parent.children.push(spec),
            None => vm.spec.snapshots.push(spec),
        }
        vm.snapshots.current = Some(snapshot);
        vm.snapshots.last_id = vm.snapshots.last_id.max(snapshot);
        vm.snapshots.files.insert(snapshot, files);
        self.write_vmsd(id)
    }

    /// Lets a VM go on from another snapshot, with new disks on those that it froze.
    fn go_on_from(&mut self, id: u32, to: Option<u32>) -> Result<(), VimFault> {
        let vm = self.vms.get_mut(&id).ok_or_else(gone)?;
        vm.snapshots.current = to;
        let files = to.and_then(|to| vm.snapshots.files.get(&to)).cloned();
        let spec = vm.spec.clone();
        if let (Some(files), Some(file)) = (files, self.vmx_file(&spec)) {
            let text = self.begin_deltas(&file, &files.vmx, &files.disks, &spec.datastore);
            let written = text.and_then(|text| std::fs::write(&file, text));
            written.map_err(|error| fault(&error))?;
        }
        self.drop_unused(id)
    }

    fn revert(&mut self, id: u32, to: u32, keep_off: bool) -> Result<(), VimFault> {
        let vm = self.vms.get(&id).ok_or_else(gone)?;
        let snapshot = find(&vm.spec.snapshots, to).ok_or_else(no_snapshot)?;
        let power = match snapshot.power {
            Power::On if keep_off => Power::Off,
            power => power,
        };
        self.go_on_from(id, Some(to))?;
        let now = self.now();
        let vm = self.vms.get_mut(&id).ok_or_else(gone)?;
        let kept = vm.snapshots.files.get(&to);
        if let Some(Ok(keys)) = kept.map(|kept| vmx::read(kept.vmx.as_bytes())) {
            vm.spec = vmx::apply(&keys, vm.spec.clone());
        }
        vm.power = power;
        vm.question = None;
        vm.activity = None;
        vm.booted_at = (power == Power::On).then_some(now);
        vm.guest_up_at = vm.booted_at;
        self.write_vmsd(id)
    }

    fn remove_snapshot(&mut self, id: u32, snapshot: u32) -> Result<(), VimFault> {
        let vm = self.vms.get_mut(&id).ok_or_else(gone)?;
        let tree = ids(&vm.spec.snapshots, None);
        let Some((_, parent)) = tree.into_iter().find(|(known, _)| *known == snapshot) else {
            return Err(no_snapshot());
        };
        take_out(&mut vm.spec.snapshots, snapshot);
        if vm.snapshots.current == Some(snapshot) {
            vm.snapshots.current = parent;
        }
        let files = vm.snapshots.files.remove(&snapshot).unwrap_or_default();
        let (store, memory_mb) = (vm.spec.datastore.clone(), vm.spec.memory_mb);
        if let Some(file) = self.vms.get(&id).and_then(|vm| self.vmx_file(&vm.spec)) {
            for name in std::iter::once(&files.state).chain(&files.memory) {
                // One that somebody has removed is gone all the same.
                let _ = std::fs::remove_file(file.with_file_name(name));
            }
        }
        if files.memory.is_some() {
            self.give_space(&store, memory_mb << 20);
        }
        self.drop_unused(id)?;
        self.write_vmsd(id)
    }

    /// Removes the delta disks that nothing is built on, and merges those with one successor that no
    /// snapshot needs.
    fn drop_unused(&mut self, id: u32) -> Result<(), VimFault> {
        let vm = self.vms.get(&id).ok_or_else(gone)?;
        let Some(file) = self.vmx_file(&vm.spec) else {
            return Ok(());
        };
        let store = vm.spec.datastore.clone();
        while let Some(freed) = self.drop_one(id, &file).map_err(|error| fault(&error))? {
            self.give_space(&store, freed);
        }
        Ok(())
    }

    fn drop_one(&mut self, id: u32, file: &Path) -> std::io::Result<Option<u64>> {
        let Some(vm) = self.vms.get_mut(&id) else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(file)?;
        let frozen = vm.snapshots.files.values().flat_map(|files| &files.disks);
        let frozen: BTreeSet<String> = frozen.map(|(_, disk)| disk.clone()).collect();
        let running: Vec<(String, String)> = vmx::disks(&text);
        let stems: BTreeSet<String> = running.iter().map(|(_, disk)| base_of(disk)).collect();
        let deltas = deltas(file, &stems);
        for (delta, parent) in &deltas {
            let built_on = deltas.iter().any(|(_, parent)| parent == delta);
            let runs = running.iter().any(|(_, disk)| disk == delta);
            if !built_on && !runs && !frozen.contains(delta) {
                remove_delta(file, delta)?;
                return Ok(Some(DELTA_BYTES));
            }
            let only = deltas.iter().filter(|(_, other)| other == parent).count() == 1;
            let parent_runs = running.iter().any(|(_, disk)| disk == parent);
            if only && !parent_runs && !frozen.contains(parent) {
                // What was written since goes into the parent, which takes the delta's place.
                for (place, _) in running.iter().filter(|(_, disk)| disk == delta) {
                    std::fs::write(file, vmx::with_disk(&text, place, parent))?;
                }
                for files in vm.snapshots.files.values_mut() {
                    for (place, disk) in &mut files.disks {
                        if disk == delta {
                            disk.clone_from(parent);
                            files.vmx = vmx::with_disk(&files.vmx, place, parent);
                        }
                    }
                }
                for (child, _) in deltas.iter().filter(|(_, parent)| parent == delta) {
                    let path = file.with_file_name(child);
                    let descriptor = std::fs::read_to_string(&path)?;
                    let old = format!("parentFileNameHint=\"{delta}\"");
                    let new = format!("parentFileNameHint=\"{parent}\"");
                    std::fs::write(&path, descriptor.replace(&old, &new))?;
                }
                remove_delta(file, delta)?;
                return Ok(Some(DELTA_BYTES));
            }
        }
        Ok(None)
    }

    fn write_vmsd(&self, id: u32) -> Result<(), VimFault> {
        let vm = self.vms.get(&id).ok_or_else(gone)?;
        let Some(file) = self.vmx_file(&vm.spec) else {
            return Ok(());
        };
        std::fs::write(file.with_extension("vmsd"), vmsd(vm)).map_err(|error| fault(&error))
    }

    /// The files of a VM's disks as chains: the base first, each link with descriptor and extent.
    pub(crate) fn disk_chains(
        &self,
        vm: &VmSpec,
        disks: &[(String, String)],
    ) -> Vec<Vec<[PathBuf; 2]>> {
        let Some(file) = self.vmx_file(vm) else {
            return Vec::new();
        };
        let folder = vm
            .vmx_path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let located = |disk: &str| match disk.starts_with('/') {
            true => self.locate(disk, "/").map(|at| at.file),
            false => self
                .locate(&format!("[{}] {folder}/{disk}", vm.datastore), "/")
                .map(|at| at.file),
        };
        disks
            .iter()
            .map(|(_, disk)| {
                let mut chain = Vec::new();
                let mut next = located(disk);
                while let Some(at) = next.take()
                    && chain.len() < 256
                {
                    let Ok(descriptor) = std::fs::read_to_string(&at) else {
                        break;
                    };
                    let extent = vmx::extent(&descriptor);
                    let extent = at.with_file_name(extent.unwrap_or_default());
                    let parent = vmx::parent_hint(&descriptor);
                    next = parent.and_then(|parent| match parent.starts_with('/') {
                        true => located(&parent),
                        false => Some(at.with_file_name(parent)),
                    });
                    chain.push([at, extent]);
                }
                chain.reverse();
                chain
            })
            .filter(|chain: &Vec<_>| !chain.is_empty() || file.exists())
            .collect()
    }
}

fn gone() -> VimFault {
    VimFault::new(
        "vmodl.fault.ManagedObjectNotFound",
        "The object has already been deleted or has not been completely created",
    )
}

fn no_snapshot() -> VimFault {
    VimFault::new("vim.fault.NotFound", "Unable to find a snapshot")
}

/// `web.vmdk` of `web-000002.vmdk`, and of itself.
fn base_of(disk: &str) -> String {
    let stem = disk.strip_suffix(".vmdk").unwrap_or(disk);
    let base = stem.rsplit_once('-').filter(|(_, number)| {
        number.len() == 6 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    format!("{}.vmdk", base.map_or(stem, |(base, _)| base))
}

/// The first name for a delta of this disk that is free.
fn free_delta(file: &Path, disk: &str) -> String {
    let base = base_of(disk);
    let stem = base.strip_suffix(".vmdk").unwrap_or(&base);
    let names = (1..1_000_000).map(|number| format!("{stem}-{number:06}.vmdk"));
    let mut free = names.filter(|name| !file.with_file_name(name).exists());
    free.next().unwrap_or_default()
}

fn extent_of(delta: &str, sparse: bool) -> String {
    let kind = if sparse { "sesparse" } else { "delta" };
    format!(
        "{}-{kind}.vmdk",
        delta.strip_suffix(".vmdk").unwrap_or(delta)
    )
}

fn delta_descriptor(parent: &str, extent: &str, bytes: u64, sparse: bool) -> String {
    let (kind, extent_kind) = match sparse {
        true => ("seSparse", "SESPARSE"),
        false => ("vmfsSparse", "VMFSSPARSE"),
    };
    format!(
        "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=0f1e2d3c\nparentCID=fffffffe\n\
         createType=\"{kind}\"\nparentFileNameHint=\"{parent}\"\n\n# Extent description\n\
         RW {} {extent_kind} \"{extent}\"\n\n# The Disk Data Base \n#DDB\n\n\
         ddb.longContentID = \"b1c2d3e4f5061728394a5b6c0f1e2d3c\"\n",
        bytes / 512,
    )
}

/// The delta disks of these bases beside a `.vmx`, with their parents.
fn deltas(file: &Path, bases: &BTreeSet<String>) -> Vec<(String, String)> {
    let folder = file
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok());
    let names = folder.into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<_> = names
        .filter(|name| name.ends_with(".vmdk") && base_of(name) != *name)
        .filter(|name| bases.contains(&base_of(name)))
        .filter_map(|name| {
            let descriptor = std::fs::read_to_string(file.with_file_name(&name)).ok()?;
            let parent = vmx::parent_hint(&descriptor)?;
            Some((name, parent))
        })
        .collect();
    found.sort();
    found
}

fn remove_delta(file: &Path, delta: &str) -> std::io::Result<()> {
    let path = file.with_file_name(delta);
    let descriptor = std::fs::read_to_string(&path)?;
    if let Some(extent) = vmx::extent(&descriptor) {
        std::fs::remove_file(file.with_file_name(extent))?;
    }
    std::fs::remove_file(path)
}

/// The text of the `.vmsd`.
fn vmsd(vm: &Vm) -> String {
    let mut text = ".encoding = \"UTF-8\"\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = \"{}\"", vmx::encode(value));
    };
    line("snapshot.lastUID", &vm.snapshots.last_id.to_string());
    if let Some(current) = vm.snapshots.current {
        line("snapshot.current", &current.to_string());
    }
    let tree = ids(&vm.spec.snapshots, None);
    let count = tree.len().to_string();
    for (place, (id, parent)) in tree.into_iter().enumerate() {
        let (Some(spec), Some(files)) = (find(&vm.spec.snapshots, id), vm.snapshots.files.get(&id))
        else {
            continue;
        };
        let mut line = |key: &str, value: &str| line(&format!("snapshot{place}.{key}"), value);
        line("uid", &id.to_string());
        line("filename", &files.state);
        if let Some(parent) = parent {
            line("parent", &parent.to_string());
        }
        line("displayName", &spec.name);
        if !spec.description.is_empty() {
            line("description", &spec.description);
        }
        if files.memory.is_some() {
            line("type", "1");
        }
        let (high, low) = time_halves(spec.created);
        line("createTimeHigh", &high.to_string());
        line("createTimeLow", &low.to_string());
        line("numDisks", &files.disks.len().to_string());
        for (number, (node, disk)) in files.disks.iter().enumerate() {
            line(&format!("disk{number}.fileName"), disk);
            line(&format!("disk{number}.node"), node);
        }
    }
    line("snapshot.numSnapshots", &count);
    text
}

/// Microseconds since 1970 in two halves, the lower one as a signed number.
fn time_halves(time: Timestamp) -> (i64, i32) {
    let micros = time.timestamp_micros();
    let low = u32::try_from(micros & 0xffff_ffff).unwrap_or_default();
    (micros >> 32, low.cast_signed())
}
