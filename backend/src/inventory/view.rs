//! Model → API: VMs and nodes as the API shows them.

use ecoman_api as api;
use ecoman_model as model;
use ecoman_model::{LastKnown, NodeRecord, Thresholds, VmRecord};

use crate::inventory::note_patterns::NotePatterns;

/// What of a VM depends on the dashboard's settings.
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    pub(crate) thresholds: Thresholds,
    pub(crate) notes: NotePatterns,
}

/// A VM of a node, as fresh as its record says. Whether the node is old is added by
/// [`set_staleness`].
pub(crate) fn vm(record: VmRecord, node: &NodeRecord, derived: &Derived) -> api::Vm {
    let observed_at = record.seen_at(node);
    let VmRecord {
        key,
        facts,
        failure,
        last_known,
        ..
    } = record;
    let LastKnown {
        ip_address,
        hostname,
    } = last_known;
    let large = derived
        .thresholds
        .large(&facts)
        .into_iter()
        .map(|reason| reason.resource)
        .collect();
    let comment = facts.comment.as_deref().unwrap_or_default();
    let owner = derived.notes.owner(comment);
    let expires_on = derived.notes.expires_on(comment);
    api::Vm {
        large,
        owner,
        expires_on,
        stale: failure.is_some(),
        stale_reason: failure,
        last_ip_address_at: ip_address.as_ref().map(|last| last.seen_at),
        last_ip_address: ip_address.map(|last| last.value),
        last_hostname_at: hostname.as_ref().map(|last| last.seen_at),
        last_hostname: hostname.map(|last| last.value),
        ..api::Vm::new(&key, facts, observed_at)
    }
}

/// Marks a VM as stale or current: by its node, else by itself.
pub(crate) fn set_staleness(vm: &mut api::Vm, of_node: Option<&str>, own: Option<&str>) {
    vm.stale_reason = of_node.or(own).map(str::to_owned);
    vm.stale = vm.stale_reason.is_some();
}

/// Shows what waits of a VM.
pub(crate) fn set_pending(vm: &mut api::Vm, pending: &[model::PendingChange]) {
    let mut pending = pending.iter();
    let waits = pending.find(|change| change.is_of(vm.vmid, vm.uuid.as_deref()));
    vm.pending = waits.map(|change| api::Pending {
        name: change.settings.name.clone(),
        comment: change.settings.comment.clone(),
        by: change.actor.name.clone(),
        at: change.at,
    });
}

/// A node with the sums over its VMs.
pub(crate) fn node<'a>(
    record: &NodeRecord,
    vms: impl Iterator<Item = &'a api::Vm>,
    stale_reason: Option<String>,
) -> api::Node {
    let settings = &record.settings;
    let facts = record.facts.as_ref();
    let sums = sums(vms);
    api::Node {
        name: record.name.as_str().to_owned(),
        address: settings.address.clone(),
        port: settings.port,
        username: settings.username.clone(),
        read_only: settings.read_only,
        datastore_path: settings.datastore_path.clone(),
        installer_iso_path: settings.installer_iso_path.clone(),
        network_port_group: settings.network_port_group.clone(),
        reachable: record.attempted_at.map(|_| record.failure.is_none()),
        last_error: record.failure.clone(),
        warnings: record.warnings.clone(),
        observed_at: record.observed_at,
        vms_read_at: record.vms_read_at.clone(),
        attempted_at: record.attempted_at,
        next_attempt_at: record.next_attempt_at,
        round_millis: record.round_millis,
        collecting: record.collecting.clone(),
        stale: stale_reason.is_some(),
        stale_reason,
        version: facts.and_then(|facts| facts.version.version.clone()),
        build: facts.and_then(|facts| facts.version.build.clone()),
        vendor: facts.and_then(|facts| facts.vendor.clone()),
        model: facts.and_then(|facts| facts.model.clone()),
        booted_at: facts.and_then(|facts| facts.booted_at),
        in_maintenance_mode: facts.and_then(|facts| facts.in_maintenance_mode),
        cpu: facts.map(cpu).unwrap_or_default(),
        memory: facts.map(memory).unwrap_or_default(),
        datastores: facts.map(datastores).unwrap_or_default(),
        port_groups: facts.map(port_groups).unwrap_or_default(),
        iso_images: facts
            .map(|facts| facts.iso_images.clone())
            .unwrap_or_default(),
        setup_read_at: facts.and_then(|facts| facts.setup_read_at),
        newest_hardware: facts.and_then(|facts| facts.version.newest_hardware()),
        allocated: sums.allocated,
        allocated_on: sums.allocated_on,
        vms: sums.counts,
    }
}

fn cpu(facts: &model::NodeFacts) -> api::Cpu {
    api::Cpu {
        model: facts.cpu_model.clone(),
        packages: facts.cpu_packages,
        cores: facts.cpu_cores,
        threads: facts.cpu_threads,
        mhz: facts.cpu_mhz,
        usage_mhz: facts.cpu_usage_mhz,
    }
}

fn memory(facts: &model::NodeFacts) -> api::Memory {
    let capacity_mb = facts.memory_bytes.map(|bytes| bytes >> 20);
    let used = capacity_mb.zip(facts.memory_usage_mb);
    api::Memory {
        capacity_bytes: facts.memory_bytes,
        usage_mb: facts.memory_usage_mb,
        free_mb: used.map(|(all, used)| all.saturating_sub(used)),
    }
}

fn datastores(facts: &model::NodeFacts) -> Vec<api::Datastore> {
    facts
        .datastores
        .iter()
        .filter(|datastore| datastore.holds_vms())
        .cloned()
        .collect()
}

fn port_groups(facts: &model::NodeFacts) -> Vec<api::PortGroup> {
    facts
        .port_groups
        .iter()
        .map(|group| api::PortGroup {
            name: group.name.clone(),
            virtual_switch: group.virtual_switch.clone(),
            vlan_id: group.vlan_id,
        })
        .collect()
}

/// What is counted over the VMs of a node.
#[derive(Default)]
struct Sums {
    allocated: api::Allocated,
    allocated_on: api::Allocated,
    counts: api::VmCounts,
}

fn sums<'a>(vms: impl Iterator<Item = &'a api::Vm>) -> Sums {
    let mut sums = Sums::default();
    for vm in vms {
        add(&mut sums.allocated, vm);
        if vm.power == api::PowerState::On {
            add(&mut sums.allocated_on, vm);
        }
        let counts = &mut sums.counts;
        counts.total += 1;
        counts.large += u64::from(!vm.large.is_empty());
        *match vm.power {
            api::PowerState::On => &mut counts.on,
            api::PowerState::Off => &mut counts.off,
            api::PowerState::Suspended => &mut counts.suspended,
            api::PowerState::Unknown => &mut counts.unknown,
        } += 1;
    }
    sums
}

/// Adds what a VM is given. A node that claims more than 64 bits hold is at the end of the scale.
fn add(allocated: &mut api::Allocated, vm: &api::Vm) {
    let storage = [vm.storage_bytes, vm.storage_uncommitted_bytes];
    allocated.cpus = allocated.cpus.saturating_add(vm.cpus.unwrap_or(0).into());
    allocated.memory_mb = allocated
        .memory_mb
        .saturating_add(vm.memory_mb.unwrap_or(0));
    allocated.storage_bytes = storage
        .into_iter()
        .flatten()
        .fold(allocated.storage_bytes, u64::saturating_add);
}
