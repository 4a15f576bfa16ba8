//! The VM as the API shows it.

use chrono::{DateTime, Utc};
use ecoman_model::{PowerState, Resource, Situation};
use serde::{Deserialize, Serialize};

/// A virtual machine. What the node did not say is `null`, never 0 or an empty text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vm {
    /// The node that the VM is registered on.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub node: String,
    /// The id of the VM on its node (`Vmid` of `vim-cmd vmsvc/getallvms`).
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 14))]
    pub vmid: u32,
    /// BIOS UUID.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "564d71c3-1111-2222-3333-5b0e92d7a4c6")
    )]
    pub uuid: Option<String>,
    /// Name. Only VMs that the node itself cannot read (`connection_state` `invalid`) have none.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
    pub name: Option<String>,
    /// Power state.
    pub power: PowerState,
    /// Host name in the guest, as VMware Tools reports it.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
    pub hostname: Option<String>,
    /// Primary IP address of the guest, as VMware Tools reports it; IPv4 or IPv6.
    #[cfg_attr(feature = "openapi", schema(example = "192.0.2.36"))]
    pub ip_address: Option<String>,
    /// Virtual CPUs.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 2))]
    pub cpus: Option<u32>,
    /// Configured memory in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 4096))]
    pub memory_mb: Option<u64>,
    /// Bytes in use on the datastores.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 11_929_387_008_u64))]
    pub storage_bytes: Option<u64>,
    /// Bytes that thin disks may still grow by.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 28_991_029_248_u64))]
    pub storage_uncommitted_bytes: Option<u64>,
    /// Guest operating system in words.
    #[cfg_attr(feature = "openapi", schema(example = "Ubuntu Linux (64-bit)"))]
    pub guest_os: Option<String>,
    /// State of VMware Tools (vSphere: `toolsOk`, `toolsOld`, `toolsNotRunning`,
    /// `toolsNotInstalled`).
    #[cfg_attr(feature = "openapi", schema(example = "toolsOk"))]
    pub tools_status: Option<String>,
    /// Overall status (vSphere: `green`, `yellow`, `red`, `gray`).
    #[cfg_attr(feature = "openapi", schema(example = "green"))]
    pub overall_status: Option<String>,
    /// Whether the node can reach the VM's files (vSphere: `connected`, `disconnected`,
    /// `inaccessible`, `invalid`, `orphaned`).
    #[cfg_attr(feature = "openapi", schema(example = "connected"))]
    pub connection_state: Option<String>,
    /// Seconds since power on, at `observed_at`.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 2_889_844))]
    pub uptime_seconds: Option<u64>,
    /// When it was powered on.
    pub booted_at: Option<DateTime<Utc>>,
    /// CPU use in MHz.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 212))]
    pub cpu_usage_mhz: Option<u64>,
    /// Memory that the guest uses actively, in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 655))]
    pub guest_memory_mb: Option<u64>,
    /// Memory of the node that the VM takes, in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 4127))]
    pub host_memory_mb: Option<u64>,
    /// Network cards.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 1))]
    pub nic_count: Option<u32>,
    /// Virtual disks.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 1))]
    pub disk_count: Option<u32>,
    /// Datastore of the `.vmx` file.
    #[cfg_attr(feature = "openapi", schema(example = "nas-a"))]
    pub datastore: Option<String>,
    /// Path of the `.vmx` file.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "[nas-a] metrics-b/metrics-b.vmx")
    )]
    pub vmx_path: Option<String>,
    /// Virtual hardware version.
    #[cfg_attr(feature = "openapi", schema(example = "vmx-19"))]
    pub hardware_version: Option<String>,
    /// Comment: the VM's annotation ("Notes" in vSphere).
    #[cfg_attr(feature = "openapi", schema(example = "owner: ops"))]
    pub comment: Option<String>,
    /// The resources that have reached their threshold (see `/config`); empty: not a large VM.
    pub large: Vec<Resource>,
    /// When these facts were last seen to be true. For a VM that is not stale, the node's
    /// `observed_at` is at least as recent, and moves on without a `vm` event of its own.
    pub observed_at: DateTime<Utc>,
    /// Whether the facts are old: its node does not answer, the VM could not be read again, or
    /// the crawler has stopped reporting.
    pub stale: bool,
    /// Why the facts are old, as a sentence.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "hoge does not answer: no route to 192.0.2.10:22")
    )]
    pub stale_reason: Option<String>,
}

impl Vm {
    /// What is known when an act is considered: old facts are not. `read_only`: that of the node.
    #[must_use]
    pub fn situation(&self, read_only: bool) -> Situation<'_> {
        let mut situation = Situation {
            read_only,
            ..Situation::default()
        };
        if !self.stale {
            situation.power = self.power;
            situation.tools_status = self.tools_status.as_deref();
            situation.connection_state = self.connection_state.as_deref();
        }
        situation
    }
}

/// A page of the VM list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmPage {
    /// The VMs of this page.
    pub items: Vec<Vm>,
    /// How many VMs there are on all pages together, filter applied.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 340))]
    pub total: u64,
    /// Token of the next page for `page_token`; `null` on the last one.
    pub next_page: Option<String>,
    /// The state that the list shows: `id` of the last event that it contains. Grows.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1_795_372_800_000_017_u64))]
    pub revision: u64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A VM of which nothing is known.
    pub(crate) fn vm(node: &str, vmid: u32) -> Vm {
        Vm {
            node: node.to_owned(),
            vmid,
            uuid: None,
            name: None,
            power: PowerState::Unknown,
            hostname: None,
            ip_address: None,
            cpus: None,
            memory_mb: None,
            storage_bytes: None,
            storage_uncommitted_bytes: None,
            guest_os: None,
            tools_status: None,
            overall_status: None,
            connection_state: None,
            uptime_seconds: None,
            booted_at: None,
            cpu_usage_mhz: None,
            guest_memory_mb: None,
            host_memory_mb: None,
            nic_count: None,
            disk_count: None,
            datastore: None,
            vmx_path: None,
            hardware_version: None,
            comment: None,
            large: Vec::new(),
            observed_at: DateTime::UNIX_EPOCH,
            stale: false,
            stale_reason: None,
        }
    }
}
