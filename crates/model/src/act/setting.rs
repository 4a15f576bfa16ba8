//! The settings of a VM that can be changed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Settings of a VM. Those that are not named stay as they are, or are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct VmSettings {
    /// Name. Its files keep theirs.
    pub name: Option<String>,
    /// Comment; an empty text: none.
    pub comment: Option<String>,
    /// Virtual CPUs.
    pub cpus: Option<u32>,
    /// How many of the virtual CPUs are in one socket.
    pub cores_per_socket: Option<u32>,
    /// Memory in MB of 1024² bytes.
    pub memory_mb: Option<u64>,
    /// Guest operating system, as `guestOS` of a `.vmx` has it.
    pub guest_os: Option<String>,
}

/// Which of the settings of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// The name.
    Name,
    /// The comment.
    Comment,
    /// Virtual CPUs.
    Cpus,
    /// Virtual CPUs in one socket.
    CoresPerSocket,
    /// Memory.
    Memory,
    /// Guest operating system.
    GuestOs,
}

impl Setting {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Name,
        Self::Comment,
        Self::Cpus,
        Self::CoresPerSocket,
        Self::Memory,
        Self::GuestOs,
    ];

    /// Its field in the API.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Comment => "comment",
            Self::Cpus => "cpus",
            Self::CoresPerSocket => "cores_per_socket",
            Self::Memory => "memory_mb",
            Self::GuestOs => "guest_os",
        }
    }

    /// Its key in a `.vmx`.
    #[must_use]
    pub const fn vmx_key(self) -> &'static str {
        match self {
            Self::Name => "displayName",
            Self::Comment => "annotation",
            Self::Cpus => "numvcpus",
            Self::CoresPerSocket => "cpuid.coresPerSocket",
            Self::Memory => "memSize",
            Self::GuestOs => "guestOS",
        }
    }

    /// Whether it is a text that says something of the VM, and no part of what the guest sees.
    #[must_use]
    pub const fn is_label(self) -> bool {
        matches!(self, Self::Name | Self::Comment)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())
    }
}

impl VmSettings {
    /// The value of one of them as a text.
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<String> {
        match setting {
            Setting::Name => self.name.clone(),
            Setting::Comment => self.comment.clone(),
            Setting::Cpus => self.cpus.map(|value| value.to_string()),
            Setting::CoresPerSocket => self.cores_per_socket.map(|value| value.to_string()),
            Setting::Memory => self.memory_mb.map(|value| value.to_string()),
            Setting::GuestOs => self.guest_os.clone(),
        }
    }

    /// Those that are named, with their values as texts.
    pub fn named(&self) -> impl Iterator<Item = (Setting, String)> {
        Setting::ALL
            .into_iter()
            .filter_map(|setting| Some((setting, self.get(setting)?)))
    }

    /// Whether none is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.named().next().is_none()
    }

    /// Whether nothing but name and comment is named.
    #[must_use]
    pub fn is_labels(&self) -> bool {
        self.named().all(|(setting, _)| setting.is_label())
    }
}
