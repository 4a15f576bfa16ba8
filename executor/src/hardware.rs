//! Disks, CD/DVD drives and network adapters of a VM, read from its node. What changes them: `acts/`.

use std::collections::{BTreeMap, BTreeSet};

use ecoman_esxi::parse::{self, DiskDescriptor};
use ecoman_esxi::{Command, VmxDevices, VmxDisk, vmx_devices};
use ecoman_model::{
    CdromDrive, FixedDisk, FixedDiskKind, NetworkAdapter, VirtualDisk, VmHardware, Vmid,
};
use futures::future::{try_join, try_join_all};

use crate::nodes::Node;
use crate::reading::{Ask, ReadError, on_volume};
use crate::snapshot_tree::{Sizes, read_tree};
use crate::volumes::{LONGEST_TEXT, Names, Volumes, lines, names, sizes, volume_of};

/// The bytes of a GB.
pub(crate) const GIB: u64 = 1 << 30;

/// Reads the hardware of a VM, beside what runs on the node.
pub(crate) async fn read(node: &Node, vmid: Vmid) -> Result<VmHardware, ReadError> {
    // Many readers cost a node no more than one.
    let _turn = node.reading.lock().await;
    let session = node.session().await?;
    Ok(look(&*session, vmid).await?.hardware)
}

/// The hardware of a VM, with what a task has to know besides.
#[derive(Debug)]
pub(crate) struct SeenHardware {
    /// Where the `.vmx` is in the node's shell.
    pub(crate) vmx_file: String,
    /// What is in it.
    pub(crate) vmx: Vec<u8>,
    pub(crate) hardware: VmHardware,
    volumes: Volumes,
}

impl SeenHardware {
    /// The free space of the volume that a file is on, in bytes; `None` where the node does not say.
    pub(crate) fn free_beside(&self, file: &str) -> Option<u64> {
        let volume = volume_of(&self.volumes.canonical(file))?;
        let of_file = |it: &&ecoman_model::Datastore| it.path == volume;
        self.volumes.0.iter().find(of_file)?.free_bytes
    }
}

/// Looks at the hardware of a VM.
pub(crate) async fn look(asks: &impl Ask, vmid: Vmid) -> Result<SeenHardware, ReadError> {
    let summary = asks.ask(&Command::summary(vmid)).await?;
    let facts = parse::summary(&summary.stdout)
        .map_err(|error| ReadError::of(vmid, &summary, &error))?
        .facts;
    let own_path = facts.vmx_path.unwrap_or_default();
    let Some(vmx_file) = on_volume(&own_path) else {
        let why = format!("The VM's configuration is at {own_path:?}, which is on no datastore.");
        return Err(ReadError::Node(why));
    };
    let commands = [
        Command::get_all_vms(),
        Command::filesystems(),
        Command::read_private_file(&vmx_file),
    ];
    let asking = try_join_all(commands.iter().map(|command| asks.ask(command)));
    let asking = async { asking.await.map_err(ReadError::from) };
    let tree = async {
        let tree = read_tree(asks, vmid, Sizes::No).await;
        tree.map_err(|unread| unread.of(vmid))
    };
    let (outputs, tree) = try_join(asking, tree).await?;
    let [listing, volumes, vmx] = outputs.as_slice() else {
        // As many outputs as commands.
        return Err(ReadError::NoVm(vmid));
    };
    let list = parse::getallvms(&listing.stdout, &listing.stderr)
        .map_err(|error| ReadError::of(vmid, listing, &error))?;
    let volumes = parse::filesystem_list(&volumes.stdout)
        .map_err(|error| ReadError::of(vmid, volumes, &error))?;
    let volumes = Volumes(volumes.rows);
    if vmx.exit != 0 {
        let why = parse::reason(&vmx.stdout, &vmx.stderr, vmx.exit);
        return Err(ReadError::Node(why));
    }
    let vmx = vmx.stdout.clone();
    let devices = vmx_devices(&vmx);
    let place = Place::new(&volumes, &vmx_file);
    let others = list.rows.iter().filter(|row| row.vmid != vmid);
    let others: BTreeSet<String> = others
        .filter_map(|row| on_volume(row.vmx_path.as_deref()?))
        .map(|path| volumes.canonical(&path))
        .collect();
    let has_snapshots = !tree.items.is_empty();
    let disks = disks(asks, &place, &devices.disks, &others, has_snapshots).await?;
    let hardware = hardware(&devices, disks, &place);
    Ok(SeenHardware {
        vmx_file,
        vmx,
        hardware,
        volumes,
    })
}

/// Reads the descriptor of a disk; `None`: it cannot be read.
pub(crate) async fn descriptor(
    asks: &impl Ask,
    file: &str,
) -> Result<Option<DiskDescriptor>, ReadError> {
    let output = asks.ask(&Command::read_file(file)).await?;
    let read = parse::disk_descriptor(&output.stdout).ok();
    Ok(read.filter(|_| output.exit == 0))
}

/// Where a VM is; all paths are canonical.
struct Place<'v> {
    volumes: &'v Volumes,
    vmx: String,
    directory: String,
}

impl<'v> Place<'v> {
    fn new(volumes: &'v Volumes, vmx_file: &str) -> Self {
        let vmx = volumes.canonical(vmx_file);
        let directory = vmx.rsplit_once('/').map_or("", |(directory, _)| directory);
        Self {
            volumes,
            directory: directory.to_owned(),
            vmx,
        }
    }

    fn of(&self, name: &str) -> String {
        self.volumes.resolved(name, &self.directory)
    }
}

fn hardware(devices: &VmxDevices, disks: Vec<VirtualDisk>, place: &Place<'_>) -> VmHardware {
    let cdroms = devices.cdroms.iter().map(|drive| CdromDrive {
        key: drive.key.clone(),
        iso_path: drive
            .image
            .as_ref()
            .map(|image| place.volumes.shown(&place.of(image))),
        connected: drive.connected,
    });
    let nics = devices.nics.iter().map(|nic| NetworkAdapter {
        key: nic.key.clone(),
        network: nic.network.clone(),
        mac_address: nic.mac_address.clone(),
        adapter: nic.adapter.clone(),
        connected: nic.connected,
    });
    VmHardware {
        disks,
        cdroms: cdroms.collect(),
        nics: nics.collect(),
    }
}

async fn disks(
    asks: &impl Ask,
    place: &Place<'_>,
    disks: &[VmxDisk],
    others: &BTreeSet<String>,
    has_snapshots: bool,
) -> Result<Vec<VirtualDisk>, ReadError> {
    if disks.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<String> = disks.iter().map(|disk| place.of(&disk.file)).collect();
    let names = names(asks, place.volumes, &paths, others);
    let (sizes, names) = try_join(sizes(asks, &paths), names).await?;
    let links = links(asks, place.volumes, &paths).await?;
    // What is longer holds the data itself.
    let read = paths.iter().filter(|path| {
        let size = sizes.get(*path);
        size.is_some_and(|size| *size < LONGEST_TEXT)
    });
    let read = read.map(async |path| Ok::<_, ReadError>((path, descriptor(asks, path).await?)));
    let descriptors: BTreeMap<_, _> = try_join_all(read).await?.into_iter().collect();
    let shown = disks.iter().zip(&paths).map(|(disk, path)| {
        let descriptor = descriptors.get(path).and_then(Option::as_ref);
        let is_twice = paths.iter().filter(|other| *other == path).count() > 1;
        let found = Found {
            disk,
            path,
            descriptor,
            has_snapshots,
            is_twice,
        };
        let size_bytes = descriptor.map(|it| it.size_bytes);
        VirtualDisk {
            key: disk.key.clone(),
            file: place.volumes.shown(path),
            size_gb: size_bytes.map(|bytes| bytes / GIB),
            size_bytes,
            thin: descriptor.and_then(|it| it.thin),
            fixed: found.fixed(place, others, &names, &links),
        }
    });
    Ok(shown.collect())
}

/// The links in the directories of files, and the directories that are links: what is behind one is
/// known by another path.
async fn links(
    asks: &impl Ask,
    volumes: &Volumes,
    paths: &[String],
) -> Result<BTreeSet<String>, ReadError> {
    let directories = paths.iter().filter_map(|path| path.rsplit_once('/'));
    let directories: BTreeSet<&str> = directories.map(|(directory, _)| directory).collect();
    let commands: Vec<Command> = directories.into_iter().map(Command::links).collect();
    let outputs = try_join_all(commands.iter().map(|command| asks.ask(command))).await?;
    let links = outputs.iter().flat_map(|output| lines(&output.stdout));
    Ok(links.map(|link| volumes.canonical(&link)).collect())
}

/// A disk, and what was found of it.
struct Found<'a> {
    disk: &'a VmxDisk,
    path: &'a String,
    descriptor: Option<&'a DiskDescriptor>,
    has_snapshots: bool,
    /// Whether the VM has it in two slots.
    is_twice: bool,
}

impl Found<'_> {
    /// Why it cannot be made larger.
    fn fixed(
        &self,
        place: &Place<'_>,
        others: &BTreeSet<String>,
        names: &Names,
        links: &BTreeSet<String>,
    ) -> Option<FixedDisk> {
        let because = |kind, by| Some(FixedDisk { kind, by });
        let is_raw = self.descriptor.is_some_and(DiskDescriptor::is_raw);
        if self.disk.is_raw || is_raw {
            return because(FixedDiskKind::RawDevice, None);
        }
        let has_parent = self.descriptor.is_some_and(|it| it.has_parent);
        if self.has_snapshots || has_parent || is_of_snapshot(self.path) {
            return because(FixedDiskKind::Snapshots, None);
        }
        if self.disk.is_shared || self.is_twice {
            return because(FixedDiskKind::Shared, None);
        }
        if others.contains(&place.vmx) {
            let by = place.volumes.shown(&place.vmx);
            return because(FixedDiskKind::Needed, Some(by));
        }
        let list = place.vmx.replace(".vmx", ".vmsd");
        let needed_by = names.by_file.iter().find(|(file, named)| {
            let is_own = **file == place.vmx || **file == list;
            let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
            let mut named = named.iter();
            !is_own && named.any(|name| place.volumes.resolved(name, directory) == *self.path)
        });
        if let Some((file, _)) = needed_by {
            let by = place.volumes.shown(file);
            return because(FixedDiskKind::Needed, Some(by));
        }
        let unsure = || because(FixedDiskKind::Unsure, Some(place.volumes.shown(self.path)));
        let Some(descriptor) = self.descriptor else {
            return unsure();
        };
        let (directory, name) = self.path.rsplit_once('/').unwrap_or_default();
        if links.contains(self.path)
            || links.contains(directory)
            || self.disk.file.split('/').any(|part| part == "..")
        {
            return unsure();
        }
        if !descriptor.is_of_host() {
            let kind = descriptor.create_type.clone();
            return because(FixedDiskKind::Format, Some(kind));
        }
        // Two descriptors may name the same data.
        let own = name
            .strip_suffix(".vmdk")
            .map(|stem| format!("{stem}-flat.vmdk"));
        if descriptor.extents.iter().map(Some).ne([own.as_ref()]) {
            return unsure();
        }
        let unread = names.unread.iter().next()?;
        because(FixedDiskKind::Unsure, Some(place.volumes.shown(unread)))
    }
}

/// Whether it is called as disks of snapshots are: `web-000001.vmdk`.
fn is_of_snapshot(path: &str) -> bool {
    let number = path
        .strip_suffix(".vmdk")
        .and_then(|stem| Some(stem.rsplit_once('-')?.1));
    number.is_some_and(|it| it.len() == 6 && it.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_a_snapshot_is_known_by_its_name() {
        assert!(is_of_snapshot("/vmfs/volumes/a/web/web-000001.vmdk"));
        for path in [
            "web.vmdk",
            "web-1.vmdk",
            "web-0000001.vmdk",
            "000001.vmdk",
            "a-00000x.vmdk",
        ] {
            assert!(!is_of_snapshot(path), "{path}");
        }
    }
}
