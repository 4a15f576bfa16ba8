//! `vmkfstools`: create, extend, clone, delete and rename virtual disks.

use crate::host::{Host, Located};
use crate::vmx;
use crate::{Fault, Power, VolumeKind};

use super::Output;
use super::vim_cmd::write_disk;

/// What a failing call exits with.
const FAILED: u8 = 255;

pub(super) fn run(host: &mut Host, arguments: &[&str], directory: &str) -> Output {
    let mut operation = None;
    let mut format = "zeroedthick";
    let mut files = Vec::new();
    let mut words = arguments.iter();
    while let Some(&word) = words.next() {
        match word {
            "-c"
            | "--createvirtualdisk"
            | "-X"
            | "--extendvirtualdisk"
            | "-i"
            | "--clonevirtualdisk"
            | "-E"
            | "--renamevirtualdisk" => {
                operation = words.next().map(|&value| (word, value));
            }
            "-U" | "--deletevirtualdisk" | "-D" => operation = Some((word, "")),
            "-d" | "--diskformat" => format = words.next().copied().unwrap_or_default(),
            "-a" | "--adaptertype" => {
                words.next();
            }
            file => files.push(file),
        }
    }
    let (Some((operation, value)), [file]) = (operation, files.as_slice()) else {
        return usage();
    };
    if !matches!(format, "thin" | "zeroedthick" | "eagerzeroedthick") {
        return Output::refused(format!("Invalid disk format {format}\n"), 1);
    }
    let Some(disk) = host.locate(file, directory) else {
        return Output::refused(
            format!("Failed to open '{file}': The system cannot find the file specified (25).\n"),
            FAILED,
        );
    };
    match operation {
        "-c" | "--createvirtualdisk" => create(host, value, format, file, &disk),
        "-X" | "--extendvirtualdisk" => extend(host, value, file, &disk),
        "-i" | "--clonevirtualdisk" => {
            let source = host.locate(value, directory);
            clone(host, value, source.as_ref(), format, &disk)
        }
        "-E" | "--renamevirtualdisk" => {
            let source = host.locate(value, directory);
            rename(value, source.as_ref(), &disk)
        }
        "-D" => lock(host, file, &disk),
        _ => delete(host, file, &disk),
    }
}

/// `-D`: who holds a file. NFS has no such locks.
fn lock(host: &Host, file: &str, disk: &Located) -> Output {
    let kind = host.store_named(&disk.datastore).map(|store| &store.kind);
    if !matches!(kind, Some(VolumeKind::Vmfs(_))) {
        return Output::refused(
            format!("Could not get the dump information for '{file}' (rv -1)\n"),
            FAILED,
        );
    }
    if !disk.file.exists() {
        return missing(file);
    }
    let elsewhere = host.faults.iter().any(|fault| {
        let held = match fault {
            Fault::Held(held) => host.locate(held, "/"),
            _ => None,
        };
        held.is_some_and(|held| held.file == disk.file)
    });
    let (mode, owner) = match elsewhere || in_use(host, disk) {
        true => (1, "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30"),
        false => (0, "00000000-00000000-0000-000000000000"),
    };
    Output::ok(format!(
        "Lock [type 10c00001 offset 187432960 v 31, hb offset 3608576\n\
         gen 4711, mode {mode}, owner {owner} mtime 10822 nHld 0 nOvf 0]\n\
         Addr <4, 412, 9>, gen 5, links 1, type reg, flags 0, uid 0, gid 0, mode 600\n\
         len 541, nb 0 tbz 0, cow 0, newSinceEpoch 0, zla 4305, bs 8192\n"
    ))
}

fn usage() -> Output {
    Output::refused("vmkfstools: wrong arguments\n", 1)
}

fn create(host: &mut Host, size: &str, format: &str, file: &str, disk: &Located) -> Output {
    let Some(bytes) = bytes(size) else {
        return Output::refused(format!("Invalid size: {size}\n"), 1);
    };
    if disk.file.exists() {
        return Output::refused(
            "Failed to create virtual disk: The file already exists (39).\n",
            FAILED,
        );
    }
    if !disk.file.parent().is_some_and(std::path::Path::is_dir) {
        return Output::refused(
            "Failed to create virtual disk: The destination path is not valid (3).\n",
            FAILED,
        );
    }
    let taken = if format == "thin" { 1 << 20 } else { bytes };
    if lacks_space(host, disk) || host.take_space(&disk.datastore, taken).is_err() {
        return Output::refused(
            "Failed to create virtual disk: There is not enough space on the file system for \
             the selected operation (13).\n",
            FAILED,
        );
    }
    if let Err(error) = write_disk(disk, bytes) {
        return Output::refused(format!("Failed to create virtual disk: {error}\n"), FAILED);
    }
    if format == "eagerzeroedthick" {
        return Output::ok(format!(
            "Creating disk '{file}' and zeroing it out...\nCreate: 100% done.\n"
        ));
    }
    Output::ok("\rCreate: 0% done.\rCreate: 100% done.\n")
}

/// Whether the node is set up to have no space for the VM of this disk.
fn lacks_space(host: &Host, disk: &Located) -> bool {
    let vm = disk.file.file_stem().and_then(std::ffi::OsStr::to_str);
    vm.is_some_and(|vm| host.spec.lacks_space_for.iter().any(|name| name == vm))
}

fn extend(host: &mut Host, size: &str, file: &str, disk: &Located) -> Output {
    let refused =
        |why: &str| Output::refused(format!("Failed to extend the disk: {why}\n"), FAILED);
    let Some(bytes) = bytes(size) else {
        return Output::refused(format!("Invalid size: {size}\n"), 1);
    };
    let descriptor = std::fs::read_to_string(&disk.file).unwrap_or_default();
    let Some(now) = vmx::disk_size(&descriptor) else {
        return missing(file);
    };
    if in_use(host, disk) {
        return locked(file);
    }
    let is_vmfs = descriptor.contains("createType=\"vmfs\"");
    if bytes < now || !is_vmfs || vmx::parent_hint(&descriptor).is_some() {
        return refused("One of the parameters supplied is invalid (1).");
    }
    // A thin one takes space as it is written to.
    let is_thin = descriptor.contains("ddb.thinProvisioned = \"1\"");
    let taken = if is_thin { 0 } else { bytes - now };
    if lacks_space(host, disk) || host.take_space(&disk.datastore, taken).is_err() {
        return refused("No space left on device (1835017).");
    }
    match grow(disk, &descriptor, bytes) {
        Ok(()) => Output::ok("Grow: 100% done.\n"),
        Err(error) => refused(&error.to_string()),
    }
}

/// Gives a disk another size: its data, then its descriptor, of which everything else stays.
fn grow(disk: &Located, descriptor: &str, bytes: u64) -> std::io::Result<()> {
    let sectors = bytes / 512;
    if let Some(extent) = vmx::extent(descriptor) {
        let extent = disk.file.with_file_name(extent);
        let data = std::fs::OpenOptions::new().write(true).open(extent)?;
        data.set_len(bytes)?;
    }
    let lines = descriptor.lines().map(|line| {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.nth(1)) {
            (Some("RW"), Some(rest)) => format!("RW {sectors} {rest}\n"),
            (Some("ddb.geometry.cylinders"), _) => {
                format!("ddb.geometry.cylinders = \"{}\"\n", sectors / (255 * 63))
            }
            _ => format!("{line}\n"),
        }
    });
    std::fs::write(&disk.file, lines.collect::<String>())
}

fn clone(
    host: &mut Host,
    name: &str,
    source: Option<&Located>,
    format: &str,
    disk: &Located,
) -> Output {
    let Some(bytes) = source.and_then(size_of) else {
        return missing(name);
    };
    if source.is_some_and(|source| in_use(host, source)) {
        return locked(name);
    }
    if disk.file.exists() {
        return Output::refused(
            "Failed to clone disk: The file already exists (39).\n",
            FAILED,
        );
    }
    let taken = if format == "thin" { 1 << 20 } else { bytes };
    if lacks_space(host, disk) || host.take_space(&disk.datastore, taken).is_err() {
        return Output::refused(
            "Failed to clone disk : No space left on device (1835017).\n",
            FAILED,
        );
    }
    match write_disk(disk, bytes) {
        Ok(()) => Output::ok(format!(
            "Destination disk format: VMFS {format}\nCloning disk '{name}'...\n\
             \rClone: 100% done.\n"
        )),
        Err(error) => Output::refused(format!("Failed to clone disk: {error}\n"), FAILED),
    }
}

fn rename(name: &str, source: Option<&Located>, disk: &Located) -> Output {
    let Some((source, bytes)) = source.and_then(|at| Some((at, size_of(at)?))) else {
        return missing(name);
    };
    if disk.file.exists() {
        return Output::refused(
            "Failed to rename disk: The file already exists (39).\n",
            FAILED,
        );
    }
    match write_disk(disk, bytes).and_then(|()| remove_disk(source)) {
        Ok(()) => Output::default(),
        Err(error) => Output::refused(format!("Failed to rename disk: {error}\n"), FAILED),
    }
}

fn delete(host: &mut Host, file: &str, disk: &Located) -> Output {
    if size_of(disk).is_none() {
        return missing(file);
    }
    if in_use(host, disk) {
        return locked(file);
    }
    match remove_disk(disk) {
        Ok(()) => {
            host.give_space(&disk.datastore, 1 << 20);
            Output::default()
        }
        Err(error) => Output::refused(format!("Failed to delete virtual disk: {error}\n"), FAILED),
    }
}

fn remove_disk(disk: &Located) -> std::io::Result<()> {
    let name = disk
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    std::fs::remove_file(disk.file.with_file_name(vmx::flat_name(&name)))?;
    std::fs::remove_file(&disk.file)
}

fn missing(file: &str) -> Output {
    Output::refused(
        format!("Failed to open '{file}': The system cannot find the file specified (25).\n"),
        FAILED,
    )
}

fn locked(file: &str) -> Output {
    Output::refused(
        format!("Failed to open '{file}': Failed to lock the file (16392).\n"),
        FAILED,
    )
}

fn size_of(disk: &Located) -> Option<u64> {
    vmx::disk_size(&std::fs::read_to_string(&disk.file).ok()?)
}

/// Whether a running VM holds the disk: one that lies in the folder of its `.vmx`.
fn in_use(host: &Host, disk: &Located) -> bool {
    host.vms.values().any(|vm| {
        vm.power == Power::On
            && host
                .vmx_file(&vm.spec)
                .is_some_and(|vmx| vmx.parent() == disk.file.parent())
    })
}

/// `30G`, `512m`, `1048576`: 1024 to the next unit, bytes without one.
fn bytes(size: &str) -> Option<u64> {
    let (digits, shift) = match size.as_bytes().last()? {
        b'k' | b'K' => (size.get(..size.len() - 1)?, 10),
        b'm' | b'M' => (size.get(..size.len() - 1)?, 20),
        b'g' | b'G' => (size.get(..size.len() - 1)?, 30),
        b't' | b'T' => (size.get(..size.len() - 1)?, 40),
        b's' | b'S' => (size.get(..size.len() - 1)?, 9),
        _ => (size, 0),
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        assert_eq!(bytes("30G"), Some(30 << 30));
        assert_eq!(bytes("512m"), Some(512 << 20));
        assert_eq!(bytes("1048576"), Some(1 << 20));
        for wrong in ["", "G", "-1G", "0", "9999999999T", "1.5G"] {
            assert_eq!(bytes(wrong), None, "{wrong:?}");
        }
    }
}
