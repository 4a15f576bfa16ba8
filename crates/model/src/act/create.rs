//! Creating a VM: rules that hold on every node, and limits of one node.

use serde::{Deserialize, Serialize};

use super::declaration::{Act, AfterCrash, LockName, Refusal, Situation};
use super::field_fault::{FieldFault, broken_rules, if_given};
use crate::{Datastore, Event, EventKind, NodeFacts, NodeSettings, Permission, Vmid};

/// A VM to be created. Made by [`NewVm::check`] only, so its texts keep their rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(description = "A VM to be created, with what was not said.")
)]
pub struct NewVm {
    /// Name, directory and file name in one.
    pub name: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory, in MB of 1024² bytes.
    pub memory_mb: u64,
    /// Size of the disk, in GB of 1024³ bytes.
    pub disk_gb: u64,
    /// Comment; may be empty.
    pub comment: String,
    /// Guest operating system, as `guestOS` of a `.vmx` has it.
    pub guest_os: String,
    /// Datastore; `None`: the directory that `hosts.yml` names for new VMs.
    pub datastore: Option<String>,
    /// Port group; `None`: the one of `hosts.yml`.
    pub network: Option<String>,
    /// ISO image for the CD drive; `None`: the one of `hosts.yml`. An empty text: an empty drive.
    pub iso_path: Option<String>,
    /// Whether to power it on at the end.
    pub power_on: bool,
}

/// Most characters of a name, as vSphere has it.
pub const NAME_CHARACTERS: usize = 80;
/// Most bytes of a name: a file name has 255, and `-flat.vmdk` and the like come behind it.
pub const NAME_BYTES: usize = 200;
/// Most bytes of a comment.
pub const COMMENT_BYTES: usize = 4096;
/// The guest operating system where nothing is said, as the original's.
pub const DEFAULT_GUEST_OS: &str = "ubuntu-64";

/// What a node leaves room for. `None`: the node did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most virtual CPUs: a VM cannot have more than the node has threads.
    pub cpus: Option<u32>,
    /// Most memory: that of the node.
    pub memory_mb: Option<u64>,
    /// Largest disk: what is free on the datastore for new VMs.
    pub disk_gb: Option<u64>,
}

impl Limits {
    /// What a node leaves room for, with the disk on a datastore.
    #[must_use]
    pub fn of(facts: &NodeFacts, datastore: Option<&Datastore>) -> Self {
        Self {
            cpus: facts.cpu_threads,
            memory_mb: facts.memory_bytes.map(|bytes| bytes >> 20),
            disk_gb: datastore
                .and_then(|datastore| datastore.free_bytes)
                .map(|bytes| bytes >> 30),
        }
    }

    /// The fields of a VM that do not fit.
    #[must_use]
    pub fn faults(&self, vm: &NewVm) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let mut limit = |field, value: u64, most: Option<u64>, of: &str| {
            if let Some(most) = most
                && value > most
            {
                faults.push(FieldFault {
                    field,
                    rule: format!("must be at most {most}, {of}"),
                });
            }
        };
        let cpus = self.cpus.map(u64::from);
        limit("cpus", vm.cpus.into(), cpus, "the threads of the node");
        limit(
            "memory_mb",
            vm.memory_mb,
            self.memory_mb,
            "the memory of the node",
        );
        limit(
            "disk_gb",
            vm.disk_gb,
            self.disk_gb,
            "what is free on the datastore",
        );
        faults
    }
}

/// Where a VM without a datastore of its own goes: the volume of `datastore_path` of `hosts.yml`.
///
/// A name or a UUID; the path may lead deeper.
#[must_use]
pub fn volume_of(datastore_path: &str) -> &str {
    let path = datastore_path.trim_start_matches('/');
    let path = path.strip_prefix("vmfs/volumes/").unwrap_or(path);
    let path = path.trim_start_matches('/');
    path.split('/').next().unwrap_or(path)
}

impl NewVm {
    /// The volume that it goes to: a name or a UUID.
    #[must_use]
    pub fn volume<'a>(&'a self, settings: &'a NodeSettings) -> &'a str {
        let named = self.datastore.as_deref();
        named.unwrap_or_else(|| volume_of(&settings.datastore_path))
    }

    /// The directory that its own directory is made in.
    #[must_use]
    pub fn parent_directory(&self, settings: &NodeSettings) -> String {
        match &self.datastore {
            Some(name) => format!("/vmfs/volumes/{name}"),
            None => settings.datastore_path.clone(),
        }
    }

    /// Checks the rules that hold on every node.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn check(self) -> Result<Self, Vec<FieldFault>> {
        let faults = broken_rules([
            ("name", name(&self.name)),
            ("cpus", at_least_one(self.cpus.into())),
            ("memory_mb", memory(self.memory_mb)),
            ("disk_gb", at_least_one(self.disk_gb)),
            ("comment", comment(&self.comment)),
            ("guest_os", guest_os(&self.guest_os)),
            ("datastore", if_given(self.datastore.as_deref(), datastore)),
            ("network", if_given(self.network.as_deref(), network)),
            ("iso_path", if_given(self.iso_path.as_deref(), iso_path)),
        ]);
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(faults)
        }
    }
}

impl Act for NewVm {
    fn kind(&self) -> &'static str {
        "create"
    }

    fn operation(&self) -> Option<&'static str> {
        Some("createVm")
    }

    fn permission(&self) -> Permission {
        Permission::Create
    }

    fn vmid(&self) -> Option<Vmid> {
        None
    }

    /// Of the node; [`Limits`] and the names that are taken are faults of fields.
    fn may(&self, now: &Situation<'_>) -> Result<(), Refusal> {
        now.takes_changes()
    }

    fn lock(&self) -> LockName {
        LockName::Name(self.name.to_lowercase())
    }

    fn takes_slot(&self) -> bool {
        true
    }

    fn explains(&self, event: &Event) -> bool {
        !matches!(
            event.kind,
            EventKind::NodeAway | EventKind::NodeBack | EventKind::Task
        )
    }

    fn after_crash(&self) -> AfterCrash {
        AfterCrash::Interrupted
    }
}

pub(super) fn name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("must not be empty")
    } else if text.chars().count() > NAME_CHARACTERS {
        Err("must have at most 80 characters")
    } else if text.len() > NAME_BYTES {
        Err("must have at most 200 bytes as UTF-8")
    } else if text.chars().any(char::is_control) {
        Err("must not contain line breaks or other control characters")
    } else if text.contains(['/', '\\', '%']) {
        // vSphere stores them as %2f, %5c and %25, and not all of its tools turn them back.
        Err("must not contain / \\ or %")
    } else if text.starts_with('.') {
        Err("must not begin with a dot")
    } else if text.trim() != text {
        Err("must not begin or end with a blank")
    } else {
        Ok(())
    }
}

pub(super) fn at_least_one(value: u64) -> Result<(), &'static str> {
    if value == 0 {
        Err("must be at least 1")
    } else {
        int64(value)
    }
}

/// The integers of the API and of MongoDB end here.
fn int64(value: u64) -> Result<(), &'static str> {
    i64::try_from(value)
        .map(drop)
        .map_err(|_| "must be at most 9223372036854775807")
}

/// `memSize` is a multiple of 4 MB.
pub(super) fn memory(mb: u64) -> Result<(), &'static str> {
    if mb == 0 {
        Err("must be at least 4")
    } else if mb.is_multiple_of(4) {
        int64(mb)
    } else {
        Err("must be a multiple of 4")
    }
}

pub(super) fn comment(text: &str) -> Result<(), &'static str> {
    if text.len() > COMMENT_BYTES {
        Err("must have at most 4096 bytes as UTF-8")
    } else if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
    {
        Err("must not contain control characters other than line feeds and tabs")
    } else {
        Ok(())
    }
}

pub(super) fn guest_os(text: &str) -> Result<(), &'static str> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(legal) && !text.starts_with('-') {
        Ok(())
    } else {
        Err("must be an id such as ubuntu-64: up to 64 lower-case letters, digits and hyphens")
    }
}

fn datastore(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("must not be empty")
    } else if text.len() > 255 {
        Err("must have at most 255 bytes as UTF-8")
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else if text.contains('/') || matches!(text, "." | "..") {
        Err("must be the name of a datastore, without a path")
    } else {
        Ok(())
    }
}

pub(super) fn network(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("must not be empty")
    } else if text.len() > 255 {
        Err("must have at most 255 bytes as UTF-8")
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else {
        Ok(())
    }
}

pub(super) fn iso_path(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Ok(());
    }
    let segments = || text.split('/').skip(1);
    if text.len() > 1024 {
        Err("must have at most 1024 bytes as UTF-8")
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else if !text.starts_with("/vmfs/volumes/") || segments().count() < 4 {
        Err("must be a file on a volume: /vmfs/volumes/DATASTORE/PATH.iso")
    } else if segments().any(|segment| matches!(segment, "" | "." | "..")) {
        Err("must not contain empty parts, . or ..")
    } else if !text.to_ascii_lowercase().ends_with(".iso") {
        Err("must end in .iso")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm() -> NewVm {
        NewVm {
            name: "web".to_owned(),
            cpus: 1,
            memory_mb: 1024,
            disk_gb: 30,
            comment: String::new(),
            guest_os: DEFAULT_GUEST_OS.to_owned(),
            datastore: None,
            network: None,
            iso_path: None,
            power_on: true,
        }
    }

    fn faults(vm: NewVm) -> Vec<&'static str> {
        vm.check()
            .err()
            .unwrap_or_default()
            .iter()
            .map(|fault| fault.field)
            .collect()
    }

    #[test]
    fn any_language_is_a_name() {
        for name in [
            "web",
            "ウェブ 1",
            "$(reboot)",
            "a\"b'c",
            "-rf",
            "🦀",
            "a]b[c",
            "x|22",
        ] {
            let vm = NewVm {
                name: name.to_owned(),
                ..vm()
            };
            assert_eq!(faults(vm), [""; 0], "{name:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_file_name_is_no_name() {
        let long = "x".repeat(81);
        let crabs = "🦀".repeat(51);
        for name in [
            "", ".", "..", ".hidden", "a/b", "a\\b", "100%", " a", "a ", "a\nb", "a\0b", &long,
            &crabs,
        ] {
            let vm = NewVm {
                name: name.to_owned(),
                ..vm()
            };
            assert_eq!(faults(vm), ["name"], "{name:?}");
        }
    }

    #[test]
    fn an_iso_is_a_file_on_a_volume() {
        for (path, right) in [
            ("", true),
            ("/vmfs/volumes/ds 1/a/b.iso", true),
            ("/vmfs/volumes/ds/B.ISO", true),
            ("/vmfs/volumes/b.iso", false),
            ("/vmfs/volumes/ds/../b.iso", false),
            ("/vmfs/volumes/ds//b.iso", false),
            ("/etc/passwd.iso", false),
            ("/vmfs/volumes/ds/b.vmdk", false),
            ("b.iso", false),
        ] {
            let vm = NewVm {
                iso_path: Some(path.to_owned()),
                ..vm()
            };
            assert_eq!(faults(vm).is_empty(), right, "{path:?}");
        }
    }

    #[test]
    fn every_wrong_field_is_reported_at_once() {
        let wrong = NewVm {
            cpus: 0,
            memory_mb: 1023,
            disk_gb: 0,
            comment: "bell\u{7}".to_owned(),
            guest_os: "Ubuntu".to_owned(),
            datastore: None,
            network: Some(String::new()),
            ..vm()
        };
        let expected = [
            "cpus",
            "memory_mb",
            "disk_gb",
            "comment",
            "guest_os",
            "network",
        ];
        assert_eq!(faults(wrong), expected);
    }

    #[test]
    fn a_size_is_a_number_that_the_api_and_the_store_have() {
        let sizes = |memory_mb, disk_gb| {
            faults(NewVm {
                memory_mb,
                disk_gb,
                ..vm()
            })
        };
        assert_eq!(sizes((1 << 63) - 4, (1 << 63) - 1), [""; 0]);
        assert_eq!(sizes(1 << 63, 1 << 63), ["memory_mb", "disk_gb"]);
    }

    #[test]
    fn limits_report_the_allowed_range() {
        let limits = Limits {
            cpus: Some(8),
            memory_mb: Some(2048),
            disk_gb: None,
        };
        let big = NewVm {
            cpus: 9,
            memory_mb: 4096,
            ..vm()
        };
        let reported: Vec<String> = limits
            .faults(&big)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            reported,
            [
                "cpus must be at most 8, the threads of the node",
                "memory_mb must be at most 2048, the memory of the node"
            ]
        );
    }
}
