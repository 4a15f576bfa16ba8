//! `.vmx` files and disk descriptors, as far as a simulated host needs them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::vm::Vm;
use crate::{VmSpec, guest_os};

/// The keys of a `.vmx`, in lower case, with their values; the last of several wins.
///
/// Lines that are no `key = value` are errors, as on a host, which calls such a VM invalid.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let mut keys = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("line {}: no value", number + 1));
        };
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .map_or(Some(value), |rest| rest.strip_suffix('"'))
            .filter(|value| !value.contains('"'))
            .ok_or_else(|| format!("line {}: quotes do not match", number + 1))?;
        keys.insert(key.trim().to_ascii_lowercase(), decode(value)?);
    }
    Ok(keys)
}

/// Undoes `|HH`.
fn decode(value: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'|' {
            bytes.push(byte);
            continue;
        }
        let code = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| "| without two hexadecimal digits".to_owned())?;
        bytes.push(code);
        rest = rest.get(2..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

pub(crate) fn encode(value: &str) -> String {
    value.chars().fold(String::new(), |mut text, character| {
        match character {
            '"' | '|' | '\n' | '\r' | '\t' => {
                let _ = write!(text, "|{:02X}", u32::from(character));
            }
            other => text.push(other),
        }
        text
    })
}

/// What a registered `.vmx` makes of a VM: the rest stays as `base` has it.
pub(crate) fn apply(keys: &BTreeMap<String, String>, mut base: VmSpec) -> VmSpec {
    let text = |key: &str| keys.get(key).cloned();
    let number = |key: &str| keys.get(key).and_then(|value| value.trim().parse().ok());
    let yes = |key: &str| {
        keys.get(key)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    if let Some(name) = text("displayname") {
        base.name = name;
    }
    base.annotation = text("annotation").unwrap_or_default().replace("\r\n", "\n");
    if let Some(guest) = text("guestos") {
        base.guest_id = guest_os::from_vmx(&guest);
    }
    base.guest_full_name = None;
    base.cpus = number("numvcpus").unwrap_or(1);
    base.memory_mb = number("memsize").unwrap_or(32).into();
    base.host_memory_mb = base.memory_mb + 16;
    base.guest_memory_mb = base.memory_mb / 4;
    if let Some(version) = number("virtualhw.version") {
        base.hardware = version;
    }
    base.networks = keys
        .keys()
        .filter_map(|key| key.strip_suffix(".present"))
        .filter(|device| device.starts_with("ethernet") && yes(&format!("{device}.present")))
        .map(|device| text(&format!("{device}.networkname")).unwrap_or_default())
        .collect();
    if let Some(uuid) = text("uuid.bios") {
        base.uuid = Some(plain_uuid(&uuid));
    }
    if let Some(uuid) = text("vc.uuid") {
        base.instance_uuid = Some(plain_uuid(&uuid));
    }
    base
}

/// The file with what hostd keeps of the VM in memory written over it. Lines of other keys, and what
/// is no setting at all, stay where they are.
pub(crate) fn written_over(bytes: &[u8], spec: &VmSpec) -> Vec<u8> {
    let mut kept: Vec<(&str, String)> = vec![
        ("displayName", spec.name.clone()),
        ("annotation", spec.annotation.clone()),
        ("numvcpus", spec.cpus.to_string()),
        ("memSize", spec.memory_mb.to_string()),
    ];
    let text = String::from_utf8_lossy(bytes);
    let mut lines = Vec::new();
    for line in text.lines() {
        let key = line.split('=').next().unwrap_or_default().trim();
        let of_hostd = ["displayName", "annotation", "numvcpus", "memSize"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(key));
        match of_hostd {
            None => lines.push(line.to_owned()),
            // Once: hostd writes no key twice.
            Some(known) => {
                if let Some(at) = kept.iter().position(|(kept, _)| *kept == known) {
                    let (key, value) = kept.remove(at);
                    lines.push(format!("{key} = \"{}\"", encode(&value)));
                }
            }
        }
    }
    for (key, value) in kept {
        if !value.is_empty() {
            lines.push(format!("{key} = \"{}\"", encode(&value)));
        }
    }
    (lines.join("\n") + "\n").into_bytes()
}

/// The file names of the disks that are attached, CD drives left out.
pub(crate) fn disk_files(keys: &BTreeMap<String, String>) -> Vec<String> {
    keys.iter()
        .filter_map(|(key, file)| Some((key.strip_suffix(".filename")?, file)))
        .filter(|(device, file)| {
            let kind = keys.get(&format!("{device}.devicetype"));
            let present = keys
                .get(&format!("{device}.present"))
                .is_none_or(|present| present.eq_ignore_ascii_case("true"));
            present && file.ends_with(".vmdk") && kind.is_none_or(|kind| !kind.contains("cdrom"))
        })
        .map(|(_, file)| file.clone())
        .collect()
}

/// The disks that a `.vmx` names, by their place: `scsi0:0`, `web.vmdk`.
pub(crate) fn disks(text: &str) -> Vec<(String, String)> {
    let keys = read(text.as_bytes()).unwrap_or_default();
    let files = disk_files(&keys);
    keys.iter()
        .filter_map(|(key, file)| Some((key.strip_suffix(".filename")?.to_owned(), file.clone())))
        .filter(|(_, file)| files.contains(file))
        .collect()
}

/// The same `.vmx` with another disk in a place.
pub(crate) fn with_disk(text: &str, place: &str, disk: &str) -> String {
    let wanted = format!("{place}.filename");
    text.lines()
        .map(|line| match line.split_once('=') {
            Some((key, _)) if key.trim().eq_ignore_ascii_case(&wanted) => {
                format!("{} = \"{}\"\n", key.trim(), encode(disk))
            }
            _ => format!("{line}\n"),
        })
        .collect()
}

/// The file that holds the data of a disk, by its descriptor.
pub(crate) fn extent(descriptor: &str) -> Option<String> {
    let line = descriptor.lines().find(|line| line.starts_with("RW "))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// The disk that another one is built on, by its descriptor.
pub(crate) fn parent_hint(descriptor: &str) -> Option<String> {
    let mut lines = descriptor.lines();
    let hint = lines.find_map(|line| line.strip_prefix("parentFileNameHint="))?;
    Some(hint.trim_matches('"').to_owned())
}

/// The `.vmx` of a VM.
pub(crate) fn write(vm: &Vm, uuid: &str, instance_uuid: &str) -> String {
    let spec = &vm.spec;
    let stem = spec
        .vmx_path
        .rsplit('/')
        .next()
        .and_then(|file| file.strip_suffix(".vmx"))
        .unwrap_or_default();
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = \"{}\"", encode(value));
    };
    line(".encoding", "UTF-8");
    line("config.version", "8");
    line("virtualHW.version", &spec.hardware.to_string());
    line("vmci0.present", "TRUE");
    line("floppy0.present", "FALSE");
    line("numvcpus", &spec.cpus.to_string());
    line("memSize", &spec.memory_mb.to_string());
    line("powerType.suspend", "soft");
    line("tools.upgrade.policy", "manual");
    line("sched.cpu.units", "mhz");
    if !spec.disks.is_empty() {
        line("scsi0.virtualDev", "lsilogic");
        line("scsi0.present", "TRUE");
    }
    for number in 0..spec.disks.len() {
        // The controller itself is unit 7.
        let unit = number + usize::from(number >= 7);
        line(&format!("scsi0:{unit}.deviceType"), "scsi-hardDisk");
        line(&format!("scsi0:{unit}.fileName"), &disk_name(stem, number));
        line(&format!("sched.scsi0:{unit}.shares"), "normal");
        line(&format!("scsi0:{unit}.present"), "TRUE");
    }
    for (number, network) in spec.networks.iter().enumerate() {
        line(&format!("ethernet{number}.virtualDev"), "vmxnet3");
        line(&format!("ethernet{number}.networkName"), network);
        line(&format!("ethernet{number}.addressType"), "generated");
        line(&format!("ethernet{number}.present"), "TRUE");
    }
    line("displayName", &spec.name);
    if !spec.annotation.is_empty() {
        line("annotation", &spec.annotation);
    }
    line("guestOS", &guest_os::to_vmx(&spec.guest_id));
    line("uuid.bios", &spaced_uuid(uuid));
    line("uuid.location", &spaced_uuid(uuid));
    line("vc.uuid", &spaced_uuid(instance_uuid));
    for key in [
        "cpu.min",
        "cpu.shares",
        "mem.min",
        "mem.minSize",
        "mem.shares",
    ] {
        let value = if key.ends_with("shares") {
            "normal"
        } else {
            "0"
        };
        line(&format!("sched.{key}"), value);
    }
    text
}

/// `web.vmdk`, `web_1.vmdk`, …
pub(crate) fn disk_name(stem: &str, number: usize) -> String {
    match number {
        0 => format!("{stem}.vmdk"),
        more => format!("{stem}_{more}.vmdk"),
    }
}

/// `web-flat.vmdk`, which holds the data of `web.vmdk`.
pub(crate) fn flat_name(disk: &str) -> String {
    format!("{}-flat.vmdk", disk.strip_suffix(".vmdk").unwrap_or(disk))
}

/// The text of a VMFS disk's descriptor.
pub(crate) fn disk_descriptor(disk: &str, bytes: u64) -> String {
    let sectors = bytes / 512;
    format!(
        "# Disk DescriptorFile\n\
         version=1\n\
         CID=fffffffe\n\
         parentCID=ffffffff\n\
         createType=\"vmfs\"\n\
         \n\
         # Extent description\n\
         RW {sectors} VMFS \"{}\"\n\
         \n\
         # The Disk Data Base\n\
         #DDB\n\
         \n\
         ddb.adapterType = \"lsilogic\"\n\
         ddb.geometry.cylinders = \"{}\"\n\
         ddb.geometry.heads = \"255\"\n\
         ddb.geometry.sectors = \"63\"\n\
         ddb.thinProvisioned = \"1\"\n\
         ddb.virtualHWVersion = \"10\"\n",
        flat_name(disk),
        sectors / (255 * 63),
    )
}

/// The size that a descriptor gives, in bytes.
pub(crate) fn disk_size(descriptor: &str) -> Option<u64> {
    descriptor.lines().find_map(|line| {
        let mut words = line.split(' ');
        if words.next() != Some("RW") {
            return None;
        }
        words.next()?.parse::<u64>().ok()?.checked_mul(512)
    })
}

/// `56 4d c2 0e 00 00 00 00-00 00 71 b9 4f e6 d0 35`
pub(crate) fn spaced_uuid(uuid: &str) -> String {
    let digits: Vec<char> = uuid.chars().filter(char::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .enumerate()
        .fold(String::new(), |mut text, (number, pair)| {
            if number > 0 {
                text.push(if number == 8 { '-' } else { ' ' });
            }
            text.extend(pair);
            text
        })
}

/// `564dc20e-0000-0000-0000-71b94fe6d035`
fn plain_uuid(spaced: &str) -> String {
    spaced
        .chars()
        .filter(char::is_ascii_hexdigit)
        .enumerate()
        .fold(String::new(), |mut text, (number, digit)| {
            if matches!(number, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_reads_back_the_same() {
        let mut spec = VmSpec::new("Ünï \"quoted\" | x")
            .annotation("first\n\tsecond \"line\"")
            .size(3, 3072)
            .guest_id("debian12_64Guest");
        spec.networks = vec!["VM Network".to_owned(), "Lab (trunk)".to_owned()];
        let vm = Vm::new(7, spec.clone(), crate::Timestamp::UNIX_EPOCH);
        let uuid = "564dc20e-0000-0000-0000-71b94fe6d035";
        let keys = read(write(&vm, uuid, uuid).as_bytes()).unwrap();
        let back = apply(&keys, VmSpec::new("other"));
        assert_eq!(back.name, spec.name);
        assert_eq!(back.annotation, spec.annotation);
        assert_eq!((back.cpus, back.memory_mb), (3, 3072));
        assert_eq!(back.networks, spec.networks);
        assert_eq!(back.guest_id, spec.guest_id);
        assert_eq!(back.uuid.as_deref(), Some(uuid));
        assert_eq!(disk_files(&keys).len(), 1);
    }

    #[test]
    fn the_last_of_two_equal_keys_wins_whatever_their_case() {
        let keys = read(b"memSize = \"32\"\nMEMSIZE = 4096\n# a comment\n").unwrap();
        assert_eq!(keys.get("memsize").map(String::as_str), Some("4096"));
    }

    #[test]
    fn a_broken_file_is_reported_with_its_line() {
        assert_eq!(
            read(b"a = \"1\"\nb = \"2").unwrap_err(),
            "line 2: quotes do not match"
        );
        assert_eq!(read(b"nonsense").unwrap_err(), "line 1: no value");
    }
}
