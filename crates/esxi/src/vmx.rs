//! The `.vmx`: that of a new VM, and changes of one that is there.

mod devices;
mod edit;

use ecoman_model::{NewVm, TaskId};

pub use devices::{VmxCdrom, VmxDevices, VmxDisk, VmxNic, vmx_devices};
pub use edit::{VmxEditError, edit_vmx, named_files, vmx_value};

/// What a `.vmx` is made for besides the VM itself: what its node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmxFor<'a> {
    /// Virtual hardware version: the newest of the node.
    pub hardware: u32,
    /// Port group of the network card.
    pub network: &'a str,
    /// ISO image for the CD drive; `None`: an empty drive.
    pub iso_path: Option<&'a str>,
    /// Name of the disk's descriptor, in the directory of the `.vmx`.
    pub disk: &'a str,
    /// The task that creates it, written down as `ecoman.task`: files with this mark are the
    /// task's own, and may be removed when it fails.
    pub task: TaskId,
}

/// The key of the mark.
const TASK: &str = "ecoman.task";

/// Writes a `.vmx`: UTF-8, one `key = "value"` a line.
///
/// Disk and network card are those that every guest since 2010 brings drivers for (LSI Logic SAS
/// for Windows, LSI Logic for others, VMXNET 3 as the original's). From virtual hardware 7 on the
/// PCI bridges are named, without which such a VM does not power on. `uuid.action = "create"`
/// keeps the node from asking whether the VM was moved or copied.
#[must_use]
pub fn vmx(vm: &NewVm, node: &VmxFor<'_>) -> String {
    let windows = vm.guest_os.starts_with("win");
    let hardware = node.hardware.to_string();
    let cpus = vm.cpus.to_string();
    let memory = vm.memory_mb.to_string();
    let task = node.task.to_string();
    let mut file = Writer(String::new());
    file.line(".encoding", "UTF-8");
    // Early: a file that was cut off shows all the same whose it is.
    file.line(TASK, &task);
    file.line("config.version", "8");
    file.line("virtualHW.version", &hardware);
    file.line("displayName", &vm.name);
    if !vm.comment.is_empty() {
        file.line("annotation", &vm.comment);
    }
    file.line("guestOS", &vm.guest_os);
    file.line("numvcpus", &cpus);
    file.line("memSize", &memory);
    file.line("uuid.action", "create");
    file.line("pciBridge0.present", "TRUE");
    for bridge in ["pciBridge4", "pciBridge5", "pciBridge6", "pciBridge7"] {
        file.line(&format!("{bridge}.present"), "TRUE");
        file.line(&format!("{bridge}.virtualDev"), "pcieRootPort");
        file.line(&format!("{bridge}.functions"), "8");
    }
    file.line("vmci0.present", "TRUE");
    file.line("hpet0.present", "TRUE");
    file.line("scsi0.present", "TRUE");
    let controller = if windows { "lsisas1068" } else { "lsilogic" };
    file.line("scsi0.virtualDev", controller);
    file.line("scsi0:0.present", "TRUE");
    file.line("scsi0:0.deviceType", "scsi-hardDisk");
    file.line("scsi0:0.fileName", node.disk);
    // SATA came with virtual hardware 10, the oldest that is made here.
    file.line("sata0.present", "TRUE");
    file.line("sata0:0.present", "TRUE");
    match node.iso_path {
        Some(path) => {
            file.line("sata0:0.deviceType", "cdrom-image");
            file.line("sata0:0.fileName", path);
            file.line("sata0:0.startConnected", "TRUE");
        }
        None => {
            file.line("sata0:0.deviceType", "atapi-cdrom");
            file.line("sata0:0.fileName", "auto detect");
            file.line("sata0:0.startConnected", "FALSE");
        }
    }
    file.line("ethernet0.present", "TRUE");
    file.line("ethernet0.virtualDev", "vmxnet3");
    file.line("ethernet0.networkName", node.network);
    file.line("ethernet0.addressType", "generated");
    file.line("ethernet0.wakeOnPcktRcv", "TRUE");
    file.line("powerType.powerOff", "default");
    file.line("powerType.reset", "default");
    file.line("powerType.suspend", "soft");
    file.0
}

/// Whether a `.vmx` carries the mark of this task.
#[must_use]
pub fn is_made_by(vmx: &str, task: TaskId) -> bool {
    let mark = format!("{TASK} = \"{task}\"");
    vmx.lines().any(|line| line.trim_end() == mark)
}

struct Writer(String);

impl Writer {
    /// A line; what would end the value or the line is written as `|HH`.
    fn line(&mut self, key: &str, value: &str) {
        self.0.push_str(key);
        self.0.push_str(" = \"");
        for character in value.chars() {
            match character {
                '"' | '|' | '\0'..='\x1f' | '\x7f' => {
                    self.0.push_str(&format!("|{:02X}", u32::from(character)));
                }
                other => self.0.push(other),
            }
        }
        self.0.push_str("\"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, comment: &str) -> String {
        let vm = NewVm {
            name: name.to_owned(),
            cpus: 2,
            memory_mb: 2048,
            disk_gb: 30,
            comment: comment.to_owned(),
            guest_os: "ubuntu-64".to_owned(),
            datastore: None,
            network: None,
            iso_path: None,
            power_on: false,
        };
        let node = VmxFor {
            hardware: 19,
            network: "VM Network",
            iso_path: Some("/vmfs/volumes/datastore1/a.iso"),
            disk: "web.vmdk",
            task: TaskId(uuid::Uuid::nil()),
        };
        vmx(&vm, &node)
    }

    #[test]
    fn no_value_can_become_a_line() {
        let file = written("a\"b|c", "one\nguestOS = \"other\"\ttwo");
        assert!(file.contains("displayName = \"a|22b|7Cc\"\n"), "{file}");
        let comment = "annotation = \"one|0AguestOS = |22other|22|09two\"\n";
        assert!(file.contains(comment), "{file}");
        assert_eq!(file.matches("guestOS = \"").count(), 1);
    }

    #[test]
    fn any_language_stays_as_it_is() {
        let file = written("ウェブ🦀", "\u{202e}rtl");
        assert!(file.contains("displayName = \"ウェブ🦀\"\n"));
        assert!(file.contains("annotation = \"\u{202e}rtl\"\n"));
    }

    #[test]
    fn the_mark_is_found_and_cannot_be_imitated() {
        let nil = TaskId(uuid::Uuid::nil());
        assert!(is_made_by(&written("web", ""), nil));
        assert!(!is_made_by(&written("web", ""), TaskId(uuid::Uuid::max())));
        let mark = format!("x\n{TASK} = \"{}\"\n", uuid::Uuid::max());
        assert!(!is_made_by(
            &written("web", &mark),
            TaskId(uuid::Uuid::max())
        ));
    }
}
