//! What a client should know before it shows anything.

use chrono::{DateTime, Utc};
use ecoman_model::{Permission, Role, Thresholds};
use serde::{Deserialize, Serialize};

/// Configuration of the server, as far as clients need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Config {
    /// Version of ECoMan.
    #[cfg_attr(feature = "openapi", schema(example = "0.1.0"))]
    pub version: String,
    /// From which size on a VM is large.
    pub thresholds: Thresholds,
    /// Sizes to offer for a new VM.
    pub presets: Vec<Preset>,
    /// Guest operating systems to offer for a new VM.
    pub guest_oses: Vec<GuestOs>,
    /// Seconds between two rounds of the crawler; `null` until it has reported.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, example = 60))]
    pub interval_seconds: Option<u64>,
    /// What is wrong with the server as a whole, for people; the event `config` says that it is
    /// another.
    pub notices: Vec<Notice>,
    /// Who is asking, and what they may do.
    pub identity: Identity,
}

/// Something that is wrong with the server as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notice {
    /// What it is about, for programs.
    pub kind: NoticeKind,
    /// Since when; `null`: not known.
    pub since: Option<DateTime<Utc>>,
    /// What is wrong, in words.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "the disk is full: free some space")
    )]
    pub message: String,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The store takes no changes: requests for changes are refused, and nothing newer is recorded.
    StoreUnwritable,
    /// hosts.yml has changed and cannot be used; what it said before holds. Only admins of all nodes
    /// get it.
    HostsFile,
}

/// A size to offer for a new VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preset {
    /// Name.
    #[cfg_attr(feature = "openapi", schema(example = "small"))]
    pub name: String,
    /// Virtual CPUs.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32, example = 1))]
    pub cpus: u32,
    /// Memory in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, example = 1024))]
    pub memory_mb: u64,
    /// Disk in GB of 1024³ bytes.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 1, example = 30))]
    pub disk_gb: u64,
}

/// A guest operating system to offer for a new VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestOs {
    /// As `guestOS` of a `.vmx` has it.
    #[cfg_attr(feature = "openapi", schema(example = "debian11-64"))]
    pub id: String,
    /// In words.
    #[cfg_attr(feature = "openapi", schema(example = "Debian GNU/Linux 11 (64-bit)"))]
    pub name: String,
    /// The virtual hardware version that a node must have (`newest_hardware`) to know it.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 4, example = 17))]
    pub hardware: u32,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    /// Name; `null` where nobody signs in, or nobody has.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub name: Option<String>,
    /// How people sign in to this server.
    pub mode: SignInMode,
    /// What they are here for; `null` for somebody who has not signed in.
    pub role: Option<Role>,
    /// The nodes that they see and change; `null`: all.
    #[cfg_attr(feature = "openapi", schema(example = json!(["hoge"])))]
    pub nodes: Option<Vec<String>>,
    /// What they may do.
    pub may: Vec<Permission>,
}

/// How people sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignInMode {
    /// Not at all: the server listens on this machine only.
    None,
    /// With name and password.
    Password,
    /// To a proxy in front of the server.
    Proxy,
}
