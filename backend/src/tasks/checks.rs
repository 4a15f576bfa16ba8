//! Checks before a task exists.

use ecoman_api::FieldError;
use ecoman_model::{Datastore, Edit, Limits, NewVm, NodeFacts, Refusal};

use super::error::Error;
use super::guest_os;
use super::new_task::NewTask;
use crate::http;
use crate::inventory::published::{NodeEntry, VmEntry};

/// Checks that a task is possible now, as far as the crawler has seen the node and the VM.
///
/// # Errors
///
/// Why it is not.
pub(super) fn check(
    new_task: &NewTask,
    node: &NodeEntry,
    vm: Option<&VmEntry>,
) -> Result<(), Error> {
    match (new_task.request.new_vm(), vm) {
        (Some(new_vm), _) => check_new_vm(new_vm, node),
        (None, Some(vm)) => {
            let situation = vm.view.situation(node.record.settings.read_only);
            let allowed = new_task.request.act().may(&situation);
            let allowed = allowed.map_err(|refusal| refused(node, vm, refusal));
            let named = new_task.request.removes(vm.view.name.as_deref());
            named.map_err(|refusal| refused(node, vm, refusal))?;
            match new_task.request.edit() {
                Some(edit) => check_edit(edit, node, vm).and(allowed),
                None => allowed,
            }
        }
        (None, None) => Ok(()),
    }
}

pub(super) fn refused(node: &NodeEntry, vm: &VmEntry, refusal: Refusal) -> Error {
    Error::Refused {
        node: node.view.name.clone(),
        vm: display_name(vm),
        refusal,
    }
}

/// Checks that a VM can have the settings, and still has those that the requester saw.
pub(super) fn check_edit(edit: &Edit, node: &NodeEntry, vm: &VmEntry) -> Result<(), Error> {
    let now = vm.view.settings();
    let seen = edit.seen.still_hold(&now);
    seen.map_err(|refusal| refused(node, vm, refusal))?;
    let wanted = edit.settings.name.as_ref();
    let mut others = node.vms.iter().filter(|it| it.view.vmid != vm.view.vmid);
    if let Some(name) = wanted.filter(|name| now.name.as_ref() != Some(name))
        && let Some(other) = others.find(|it| it.view.name.as_ref() == Some(name))
    {
        return Err(Error::NameTaken {
            node: node.view.name.clone(),
            name: name.clone(),
            vmid: other.view.vmid,
        });
    }
    let facts = node.record.facts.as_ref();
    let limits = facts.map_or_else(Limits::default, |facts| Limits::of(facts, None));
    let hardware = vm.view.hardware_version.as_deref();
    let faults = edit.beyond(&limits, hardware);
    let mut errors: Vec<_> = faults.iter().map(FieldError::from).collect();
    // What a guest system needs is in the hardware of the VM, which stays as it is.
    let version = hardware.and_then(|version| version.strip_prefix("vmx-")?.parse().ok());
    errors.extend(
        edit.settings
            .guest_os
            .as_deref()
            .and_then(|id| guest_fault(id, version, "the VM")),
    );
    if errors.is_empty() {
        Ok(())
    } else {
        Err(http::Error::BadBody(errors).into())
    }
}

/// Checks that a node has room for a VM that keeps the rules of every node.
fn check_new_vm(new_vm: &NewVm, node: &NodeEntry) -> Result<(), Error> {
    let settings = &node.record.settings;
    if settings.read_only {
        return Err(Error::ReadOnly(node.view.name.clone()));
    }
    let mut vms = node.vms.iter();
    if let Some(other) = vms.find(|vm| vm.view.name.as_deref() == Some(&new_vm.name)) {
        return Err(Error::NameTaken {
            node: node.view.name.clone(),
            name: new_vm.name.clone(),
            vmid: other.view.vmid,
        });
    }
    let Some(facts) = &node.record.facts else {
        return Ok(());
    };
    let volume = new_vm.volume(settings);
    let datastore = facts.datastores.iter().find(|it| it.is_called(volume));
    let limits = Limits::of(facts, datastore);
    let faults = limits.faults(new_vm);
    let mut errors: Vec<_> = faults.iter().map(FieldError::from).collect();
    errors.extend(datastore_fault(new_vm, datastore, facts));
    errors.extend(guest_fault(
        &new_vm.guest_os,
        facts.version.newest_hardware(),
        "the node",
    ));
    if errors.is_empty() {
        Ok(())
    } else {
        Err(http::Error::BadBody(errors).into())
    }
}

/// A fault if the datastore of a VM cannot hold it, as far as the node has listed what it has.
fn datastore_fault(
    new_vm: &NewVm,
    datastore: Option<&Datastore>,
    facts: &NodeFacts,
) -> Option<FieldError> {
    let named = new_vm.datastore.as_ref();
    let detail = match datastore {
        Some(datastore) if !datastore.holds_vms() => "must be one that holds VMs".to_owned(),
        Some(datastore) if !datastore.accessible => {
            "is not accessible on the node; choose another one".to_owned()
        }
        // The executor looks again, and at the directory of hosts.yml itself.
        None if named.is_some() && !facts.datastores.is_empty() => {
            let names: Vec<_> = facts
                .datastores
                .iter()
                .filter(|datastore| datastore.holds_vms())
                .filter_map(|datastore| datastore.name.as_deref())
                .collect();
            format!("must be a datastore of the node: {}", names.join(", "))
        }
        _ => return None,
    };
    Some(FieldError::new("/datastore", detail))
}

/// A fault if the guest system is newer than the node or the VM supports.
fn guest_fault(id: &str, newest: Option<u32>, of: &str) -> Option<FieldError> {
    let (least, newest) = (guest_os::least_hardware(id)?, newest?);
    (least > newest).then(|| {
        let rule = format!(
            "needs virtual hardware {least}, and {of} has {newest} at most; choose an older \
             version of the system, or otherlinux-64 or other-64"
        );
        FieldError::new("/guest_os", rule)
    })
}

pub(super) fn display_name(vm: &VmEntry) -> String {
    let name = vm.view.name.clone();
    name.unwrap_or_else(|| format!("VM {}", vm.view.vmid))
}
