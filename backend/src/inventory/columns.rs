//! The columns of the list of VMs as a table.

use ecoman_api::Vm;

use crate::http::csv::{Cell, Column, column};

/// The table of VMs, with the fields of a VM in their order.
pub(crate) const VM_COLUMNS: &[Column<Vm>] = &[
    column("node", |vm| vm.node.as_str().into()),
    column("vmid", |vm| vm.vmid.into()),
    column("uuid", |vm| vm.uuid.as_deref().into()),
    column("name", |vm| vm.name.as_deref().into()),
    column("power", |vm| vm.power.as_str().into()),
    column("hostname", |vm| vm.hostname.as_deref().into()),
    column("ip_address", |vm| vm.ip_address.as_deref().into()),
    column("cpus", |vm| vm.cpus.into()),
    column("memory_mb", |vm| vm.memory_mb.into()),
    column("storage_bytes", |vm| vm.storage_bytes.into()),
    column("storage_uncommitted_bytes", |vm| {
        vm.storage_uncommitted_bytes.into()
    }),
    column("guest_os", |vm| vm.guest_os.as_deref().into()),
    column("tools_status", |vm| vm.tools_status.as_deref().into()),
    column("overall_status", |vm| vm.overall_status.as_deref().into()),
    column("connection_state", |vm| {
        vm.connection_state.as_deref().into()
    }),
    column("uptime_seconds", |vm| vm.uptime_seconds.into()),
    column("booted_at", |vm| vm.booted_at.into()),
    column("cpu_usage_mhz", |vm| vm.cpu_usage_mhz.into()),
    column("guest_memory_mb", |vm| vm.guest_memory_mb.into()),
    column("host_memory_mb", |vm| vm.host_memory_mb.into()),
    column("nic_count", |vm| vm.nic_count.into()),
    column("disk_count", |vm| vm.disk_count.into()),
    column("datastore", |vm| vm.datastore.as_deref().into()),
    column("vmx_path", |vm| vm.vmx_path.as_deref().into()),
    column("hardware_version", |vm| {
        vm.hardware_version.as_deref().into()
    }),
    column("comment", |vm| vm.comment.as_deref().into()),
    column("large", |vm| {
        let words: Vec<_> = vm.large.iter().map(|resource| resource.as_str()).collect();
        Cell::Plain(words.join(" "))
    }),
    column("observed_at", |vm| vm.observed_at.into()),
    column("stale", |vm| Cell::Plain(vm.stale.to_string())),
    column("stale_reason", |vm| vm.stale_reason.as_deref().into()),
];
