//! `vim-cmd vmsvc/get.filelayoutex`, `unregister` and `destroy`: the files of a VM.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::dump::{Data, Object, VimFault, print};
use crate::host::Host;
use crate::snapshot_state::ids;
use crate::vm::Vm;
use crate::{Power, vmx};

use super::Output;
use super::verb::invalid_power_state;

/// The files of a VM, by their place in [`Data`].
#[derive(Default)]
struct Files {
    paths: Vec<(PathBuf, &'static str)>,
}

impl Files {
    fn key(&mut self, path: PathBuf, kind: &'static str) -> Data {
        let known = self.paths.iter().position(|(known, _)| *known == path);
        let place = known.unwrap_or_else(|| {
            self.paths.push((path, kind));
            self.paths.len() - 1
        });
        Data::Number(i128::try_from(place).unwrap_or_default())
    }
}

/// The `.vmx` and what lies beside it that belongs to the VM, disks and snapshots left out.
fn own_files(file: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut files = vec![(file.to_owned(), "config")];
    for (extension, kind) in [
        ("vmsd", "snapshotList"),
        ("nvram", "nvram"),
        ("vswp", "swap"),
    ] {
        files.push((file.with_extension(extension), kind));
    }
    let logs = file
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in logs.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("vmware") && name.ends_with(".log") {
            files.push((entry.path(), "log"));
        }
    }
    files.retain(|(path, _)| path.exists());
    files.sort();
    files
}

fn text_of(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// `vmsvc/get.filelayoutex ID`
pub(super) fn layout(host: &Host, vm: &Vm) -> Output {
    let mut files = Files::default();
    let mut disks = Data::UnsetArray;
    let mut snapshots = Data::UnsetArray;
    if let Some(file) = host.vmx_file(&vm.spec) {
        for (path, kind) in own_files(&file) {
            files.key(path, kind);
        }
        disks = layouts(host, vm, &vmx::disks(&text_of(&file)), &mut files);
        let of_all = ids(&vm.spec.snapshots, None).into_iter();
        let of_all: Vec<Data> = of_all
            .filter_map(|(id, _)| {
                let kept = vm.snapshots.files.get(&id)?;
                let data = files.key(file.with_file_name(&kept.state), "snapshotData");
                let memory = kept.memory.as_ref().map_or(Data::Number(-1), |memory| {
                    files.key(file.with_file_name(memory), "snapshotMemory")
                });
                let key = format!("vim.vm.Snapshot:{}-snapshot-{id}", vm.id);
                let layout = Object::new("vim.vm.FileLayoutEx.SnapshotLayout")
                    .with("key", Data::Reference(key))
                    .with("dataKey", data)
                    .with("memoryKey", memory)
                    .with("disk", layouts(host, vm, &kept.disks, &mut files));
                Some(layout.into())
            })
            .collect();
        if !of_all.is_empty() {
            snapshots = Data::Array("vim.vm.FileLayoutEx.SnapshotLayout", of_all);
        }
    }
    let infos = files.paths.iter().enumerate().map(|(key, (path, kind))| {
        let (size, used) = path
            .metadata()
            .map_or((0, 0), |found| (found.len(), found.blocks() * 512));
        let used = if size > 1 << 20 { used } else { size };
        Object::new("vim.vm.FileLayoutEx.FileInfo")
            .with("key", Data::Number(i128::try_from(key).unwrap_or_default()))
            .with("name", name_of(host, path))
            .with("type", *kind)
            .with("size", size)
            .with("uniqueSize", used)
            .with("backingObjectId", Data::Unset)
            .with("accessible", path.exists())
            .into()
    });
    let infos = Data::Array("vim.vm.FileLayoutEx.FileInfo", infos.collect());
    let layout = Object::new("vim.vm.FileLayoutEx")
        .with("file", infos)
        .with("disk", disks)
        .with("snapshot", snapshots)
        .with("timestamp", Data::time(Some(host.shown(host.now()))));
    Output::ok(print(&layout.into(), host.generation()))
}

fn layouts(host: &Host, vm: &Vm, disks: &[(String, String)], files: &mut Files) -> Data {
    let chains = host.disk_chains(&vm.spec, disks);
    let mut layouts = Vec::new();
    for (key, chain) in (2000_u32..).zip(chains) {
        let mut units = Vec::new();
        for [descriptor, extent] in chain {
            let keys = vec![
                files.key(descriptor, "diskDescriptor"),
                files.key(extent, "diskExtent"),
            ];
            let unit = Object::new("vim.vm.FileLayoutEx.DiskUnit");
            units.push(unit.with("fileKey", Data::Array("int", keys)).into());
        }
        let chain = Data::Array("vim.vm.FileLayoutEx.DiskUnit", units);
        let layout = Object::new("vim.vm.FileLayoutEx.DiskLayout");
        layouts.push(layout.with("key", key).with("chain", chain).into());
    }
    match layouts.is_empty() {
        true => Data::UnsetArray,
        false => Data::Array("vim.vm.FileLayoutEx.DiskLayout", layouts),
    }
}

/// `[datastore1] web/web.vmx`
fn name_of(host: &Host, path: &Path) -> String {
    let inside = path
        .strip_prefix(host.root.join("vmfs/volumes"))
        .unwrap_or(path);
    let inside = inside.to_string_lossy();
    let (uuid, rest) = inside.split_once('/').unwrap_or(("", &inside));
    let store = host.spec.datastores.iter().find(|store| store.uuid == uuid);
    format!("[{}] {rest}", store.map_or("", |store| store.name.as_str()))
}

/// `unregister` and `destroy`. The latter deletes every disk that the `.vmx` names, wherever it is,
/// with what it is built on; what does not belong to the VM stays, and then its directory too.
pub(super) fn remove(host: &mut Host, vm: &Vm, with_files: bool) -> Output {
    if vm.power != Power::Off {
        let fault = invalid_power_state(host.generation(), Power::Off, vm.power);
        return Output::fault(host, &fault);
    }
    if with_files && let Some(file) = host.vmx_file(&vm.spec) {
        let mut doomed: Vec<PathBuf> = own_files(&file).into_iter().map(|(path, _)| path).collect();
        let mut disks = vec![vmx::disks(&text_of(&file))];
        for kept in vm.snapshots.files.values() {
            disks.push(kept.disks.clone());
            let names = std::iter::once(&kept.state).chain(&kept.memory);
            doomed.extend(names.map(|name| file.with_file_name(name)));
        }
        for disks in disks {
            doomed.extend(
                host.disk_chains(&vm.spec, &disks)
                    .into_iter()
                    .flatten()
                    .flatten(),
            );
        }
        doomed.sort();
        doomed.dedup();
        for path in doomed
            .iter()
            .filter(|path| path.is_file() || path.is_symlink())
        {
            if let Err(error) = std::fs::remove_file(path) {
                let fault = VimFault::new("vim.fault.FileFault", &error.to_string())
                    .with("file", name_of(host, path));
                return Output::fault(host, &fault);
            }
        }
        if let Some(folder) = file.parent().filter(|_| vm.spec.vmx_path.contains('/')) {
            // Fails where something else is in it, which stays.
            let _ = std::fs::remove_dir(folder);
        }
        host.give_space(&vm.spec.datastore, vm.spec.committed_bytes);
    }
    host.vms.remove(&vm.id);
    Output::default()
}
