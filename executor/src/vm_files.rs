//! The files of a VM, read from its node: which deleting it would remove, which stay, and what
//! forbids it.
//!
//! hostd deletes every disk that the `.vmx` names, wherever it is, and what it is built on. So a disk
//! that is outside the VM's directory, or that something else names, forbids it, and so does
//! everything that cannot be found out.

use std::collections::{BTreeMap, BTreeSet};

use ecoman_esxi::parse::{self, FileLayout};
use ecoman_esxi::{Command, named_files};
use ecoman_model::{Obstacle, ObstacleKind, PowerState, Stays, VmFacts, VmFile, VmFiles, Vmid};
use futures::future::try_join_all;
use sha2::{Digest as _, Sha256};

use crate::nodes::Node;
use crate::reading::{Ask, ReadError, VOLUMES, on_volume};
use crate::volumes::{Volumes, lines, names, sizes};

/// Reads the files of a VM, beside what runs on the node.
pub(crate) async fn read(node: &Node, vmid: Vmid) -> Result<VmFiles, ReadError> {
    // Many readers cost a node no more than one.
    let _turn = node.reading.lock().await;
    let session = node.session().await?;
    let seen = look(&*session, vmid).await?;
    let seen = look_at_files(&*session, vmid, &seen.facts).await?;
    Ok(seen.files)
}

/// A VM as its node shows it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) facts: VmFacts,
    pub(crate) power: PowerState,
    /// The keys of hostd's tasks of the VM; `None` where the node does not list them.
    pub(crate) tasks: Option<Vec<String>>,
    /// Whether one of them is under way.
    pub(crate) is_busy: bool,
}

/// Its files.
#[derive(Debug)]
pub(crate) struct SeenFiles {
    /// Where the `.vmx` is in the node's shell; empty: on no datastore.
    pub(crate) vmx_file: String,
    /// What is in it.
    pub(crate) vmx: Vec<u8>,
    pub(crate) files: VmFiles,
}

/// Looks at a VM.
pub(crate) async fn look(asks: &impl Ask, vmid: Vmid) -> Result<Seen, ReadError> {
    let commands = [
        Command::summary(vmid),
        Command::power_state(vmid),
        Command::vm_tasks(vmid),
    ];
    let outputs = try_join_all(commands.iter().map(|command| asks.ask(command))).await?;
    let [summary, power, tasks] = outputs.as_slice() else {
        // As many outputs as commands.
        return Err(ReadError::NoVm(vmid));
    };
    let facts = parse::summary(&summary.stdout)
        .map_err(|error| ReadError::of(vmid, summary, &error))?
        .facts;
    let power =
        parse::power_state(&power.stdout).map_err(|error| ReadError::of(vmid, power, &error))?;
    let tasks = parse::task_list(&tasks.stdout).ok();
    let newest = tasks.iter().flatten().rev().take(4);
    let newest: Vec<Command> = newest.map(|key| Command::task_info(key)).collect();
    let infos = try_join_all(newest.iter().map(|command| asks.ask(command))).await?;
    let is_busy = infos.iter().any(|info| {
        let info = parse::task_info(&info.stdout);
        info.is_ok_and(|info| {
            matches!(
                info.state,
                parse::TaskState::Queued | parse::TaskState::Running
            )
        })
    });
    Ok(Seen {
        facts,
        power,
        tasks,
        is_busy,
    })
}

/// Looks at the files of a VM that was just looked at.
pub(crate) async fn look_at_files(
    asks: &impl Ask,
    vmid: Vmid,
    facts: &VmFacts,
) -> Result<SeenFiles, ReadError> {
    let own_path = facts.vmx_path.as_deref().unwrap_or_default();
    let directory = on_volume(own_path).and_then(|file| {
        let (directory, _) = file.rsplit_once('/')?;
        // At the top of a volume everything on it would be beside it.
        let inside = directory.strip_prefix(VOLUMES)?.contains('/');
        let is_plain = !directory.contains("/../") && !directory.ends_with("/..");
        (inside && is_plain).then(|| directory.to_owned())
    });
    let (Some(vmx_file), Some(directory)) = (on_volume(own_path), directory) else {
        return Ok(SeenFiles {
            vmx_file: String::new(),
            vmx: Vec::new(),
            files: VmFiles {
                obstacles: vec![obstacle(ObstacleKind::Unsure, own_path, None)],
                ..VmFiles::default()
            },
        });
    };
    let commands = [
        Command::file_layout(vmid),
        Command::get_all_vms(),
        Command::filesystems(),
        Command::read_private_file(&vmx_file),
        Command::list_directory(&directory),
        Command::links(&directory),
    ];
    let outputs = try_join_all(commands.iter().map(|command| asks.ask(command))).await?;
    let [layout, listing, volumes, vmx, list, links] = outputs.as_slice() else {
        // As many outputs as commands.
        return Err(ReadError::NoVm(vmid));
    };
    let read_layout =
        parse::file_layout(&layout.stdout).map_err(|error| ReadError::of(vmid, layout, &error))?;
    let read_listing = parse::getallvms(&listing.stdout, &listing.stderr)
        .map_err(|error| ReadError::of(vmid, listing, &error))?;
    let volumes = parse::filesystem_list(&volumes.stdout)
        .map_err(|error| ReadError::of(vmid, volumes, &error))?;
    let volumes = Volumes(volumes.rows);
    for output in [vmx, list, links] {
        if output.exit != 0 {
            let why = parse::reason(&output.stdout, &output.stderr, output.exit);
            return Err(ReadError::Node(why));
        }
    }
    let mut sorted = Sorted::new(&volumes, &vmx_file, &directory);
    let list = lines(&list.stdout);
    sorted.own_files(&read_layout, &list);
    sorted.named_by_vmx(&vmx.stdout);
    for link in lines(&links.stdout) {
        let canonical = volumes.canonical(&link);
        if canonical == sorted.directory || sorted.goes.contains_key(&canonical) {
            sorted.forbid(ObstacleKind::Link, &canonical, None);
        }
    }
    sorted.foreign(&list);
    let others = read_listing.rows.iter().filter(|row| row.vmid != vmid);
    let others: Vec<String> = others
        .filter_map(|row| on_volume(row.vmx_path.as_deref()?))
        .collect();
    let named = named_elsewhere(asks, &mut sorted, &others).await?;
    sorted.needed_by_others(&named);
    locks(asks, &mut sorted, &list).await?;
    let files = sorted.finish(asks, &vmx.stdout).await?;
    Ok(SeenFiles {
        vmx_file,
        vmx: vmx.stdout.clone(),
        files,
    })
}

/// The files, sorted by what becomes of them; paths are canonical.
struct Sorted<'v> {
    volumes: &'v Volumes,
    vmx: String,
    directory: String,
    /// With their size where the node has said it.
    goes: BTreeMap<String, Option<u64>>,
    stays: BTreeMap<String, Stays>,
    obstacles: Vec<Obstacle>,
}

impl<'v> Sorted<'v> {
    fn new(volumes: &'v Volumes, vmx_file: &str, directory: &str) -> Self {
        Self {
            volumes,
            vmx: volumes.canonical(vmx_file),
            directory: volumes.canonical(directory),
            goes: BTreeMap::new(),
            stays: BTreeMap::new(),
            obstacles: Vec::new(),
        }
    }

    fn forbid(&mut self, kind: ObstacleKind, path: &str, by: Option<String>) {
        let found = obstacle(kind, &self.volumes.shown(path), by);
        if !self.obstacles.contains(&found) {
            self.obstacles.push(found);
        }
    }

    fn is_inside(&self, path: &str) -> bool {
        let parent = path.rsplit_once('/').map(|(parent, _)| parent);
        parent == Some(&self.directory)
    }

    /// What the node calls the VM's files; `list` is in the directory.
    fn own_files(&mut self, layout: &FileLayout, list: &[String]) {
        let there: BTreeSet<String> = list.iter().map(|it| self.volumes.canonical(it)).collect();
        self.goes.insert(self.vmx.clone(), None);
        for file in &layout.files {
            let path = self.volumes.resolved(&file.name, &self.directory);
            if !self.is_inside(&path) {
                // A disk is named by its descriptor alone.
                if file.kind != "diskExtent" {
                    self.forbid(ObstacleKind::Elsewhere, &path, None);
                }
                self.stays.insert(path, Stays::Elsewhere);
            } else if there.contains(&path) {
                self.goes.insert(path, file.size_bytes);
            }
        }
        let elsewhere = self.stays.keys().next().cloned();
        if let (true, Some(path)) = (self.obstacles.is_empty(), elsewhere) {
            self.forbid(ObstacleKind::Elsewhere, &path, None);
        }
    }

    /// What the `.vmx` names: a disk that the layout lacks counts all the same.
    fn named_by_vmx(&mut self, vmx: &[u8]) {
        for name in named_files(vmx) {
            let path = self.volumes.resolved(&name, &self.directory);
            let lower = path.to_ascii_lowercase();
            let is_disk = lower.ends_with(".vmdk");
            match (self.is_inside(&path), is_disk) {
                (true, true) => {
                    self.goes.entry(path).or_default();
                }
                (false, true) => {
                    self.forbid(ObstacleKind::Elsewhere, &path, None);
                    self.stays.insert(path, Stays::Elsewhere);
                }
                (false, false) if path.starts_with(VOLUMES) => {
                    let why = match lower.ends_with(".iso") {
                        true => Stays::Iso,
                        false => Stays::Elsewhere,
                    };
                    self.stays.insert(path, why);
                }
                _ => {}
            }
        }
    }

    fn foreign(&mut self, list: &[String]) {
        for path in list {
            let path = self.volumes.canonical(path);
            if self.is_inside(&path) && !self.goes.contains_key(&path) {
                let iso = path.to_ascii_lowercase().ends_with(".iso");
                let why = if iso { Stays::Iso } else { Stays::Foreign };
                self.stays.insert(path, why);
            }
        }
    }

    /// What other files name, by their canonical path.
    fn needed_by_others(&mut self, named: &BTreeMap<String, Vec<String>>) {
        let list = self.vmx.replace(".vmx", ".vmsd");
        for (file, names) in named {
            let is_own = self.goes.contains_key(file) || *file == list;
            let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
            for name in names {
                let path = self.volumes.resolved(name, directory);
                if is_own {
                    // What a disk of the VM is built on.
                    if path.ends_with(".vmdk") && !self.is_inside(&path) {
                        self.forbid(ObstacleKind::Elsewhere, &path, None);
                        self.stays.insert(path, Stays::Elsewhere);
                    }
                } else if self.goes.contains_key(&path) {
                    let by = self.volumes.shown(file);
                    self.forbid(ObstacleKind::Shared, &path, Some(by));
                    self.stays.insert(path, Stays::Shared);
                }
            }
        }
    }

    /// The files with their sizes.
    async fn finish(self, asks: &impl Ask, vmx: &[u8]) -> Result<VmFiles, ReadError> {
        let Self {
            volumes,
            directory,
            goes,
            stays,
            obstacles,
            ..
        } = self;
        let mut fingerprint = Sha256::new();
        fingerprint.update(vmx);
        for path in goes.keys() {
            fingerprint.update([0]);
            fingerprint.update(path);
        }
        let fingerprint = fingerprint.finalize();
        let fingerprint = fingerprint
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"));
        let unknown = goes.iter().filter(|(_, size)| size.is_none());
        let unknown = unknown.map(|(path, _)| path).chain(stays.keys());
        let sizes = sizes(asks, &unknown.cloned().collect::<Vec<_>>()).await?;
        let file = |path: &String, size: Option<u64>, stays: Option<Stays>| VmFile {
            path: volumes.shown(path),
            size_bytes: size.or_else(|| sizes.get(path).copied()),
            stays,
        };
        let going = goes.iter().filter(|(path, _)| !stays.contains_key(*path));
        let going = going.map(|(path, size)| file(path, *size, None));
        let staying = stays.iter().map(|(path, why)| {
            let size = goes.get(path).copied().flatten();
            file(path, size, Some(*why))
        });
        Ok(VmFiles {
            directory: volumes.shown(&directory),
            items: going.chain(staying).collect(),
            obstacles,
            fingerprint: fingerprint.collect(),
        })
    }
}

fn obstacle(kind: ObstacleKind, path: &str, by: Option<String>) -> Obstacle {
    Obstacle {
        kind,
        path: path.to_owned(),
        by,
    }
}

/// What the `.vmx` files, lists of snapshots and descriptors of disks name that are on the volumes
/// of the VM and of the node's `others`.
async fn named_elsewhere(
    asks: &impl Ask,
    sorted: &mut Sorted<'_>,
    others: &[String],
) -> Result<BTreeMap<String, Vec<String>>, ReadError> {
    let others: BTreeSet<String> = others
        .iter()
        .map(|path| sorted.volumes.canonical(path))
        .collect();
    if others.contains(&sorted.vmx) {
        let vmx = sorted.vmx.clone();
        sorted.forbid(ObstacleKind::Shared, &vmx, None);
    }
    let own = std::slice::from_ref(&sorted.vmx);
    let names = names(asks, sorted.volumes, own, &others).await?;
    for unread in &names.unread {
        sorted.forbid(ObstacleKind::Unsure, unread, None);
    }
    Ok(names.by_file)
}

/// Whether a host uses the files. VMFS says who holds each; other volumes have files for locks.
async fn locks(asks: &impl Ask, sorted: &mut Sorted<'_>, list: &[String]) -> Result<(), ReadError> {
    let is_lock = |path: &str| {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        name.starts_with(".lck") || name.ends_with(".lck")
    };
    let going = sorted
        .goes
        .keys()
        .filter(|path| [".vmx", ".vmdk"].iter().any(|it| path.ends_with(it)) || is_lock(path));
    let beside = list.iter().filter(|path| is_lock(path));
    let mut paths: Vec<String> = going.cloned().collect();
    paths.extend(beside.map(|path| sorted.volumes.canonical(path)));
    paths.sort();
    paths.dedup();
    let commands: Vec<Command> = paths.iter().map(|path| Command::file_lock(path)).collect();
    let outputs = try_join_all(commands.iter().map(|command| asks.ask(command))).await?;
    for (path, output) in paths.iter().zip(&outputs) {
        match parse::file_lock(&output.stdout) {
            Ok(lock) if lock.is_free() => {}
            Ok(lock) => {
                let holder = lock.owner.rsplit('-').next().map(str::to_owned);
                let holder = holder.filter(|it| it.bytes().any(|byte| byte != b'0'));
                sorted.forbid(ObstacleKind::InUse, path, holder);
            }
            // A volume that has no such locks, or a release that prints them elsewhere.
            Err(_) if is_lock(path) => sorted.forbid(ObstacleKind::InUse, path, None),
            Err(_) => {}
        }
    }
    Ok(())
}
