//! Checks before a task exists.

use ecoman_api::FieldError;
use ecoman_model::{Datastore, Limits, NewVm, NodeFacts};

use super::error::Error;
use super::guest_os;
use super::new_task::NewTask;
use crate::http;
use crate::inventory::snapshot::{NodeEntry, VmEntry};

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
            allowed.map_err(|refusal| Error::Refused {
                node: node.view.name.clone(),
                vm: display_name(vm),
                refusal,
            })
        }
        (None, None) => Ok(()),
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

/// A fault if the guest system is newer than the node supports.
fn guest_fault(id: &str, newest: Option<u32>) -> Option<FieldError> {
    let (least, newest) = (guest_os::least_hardware(id)?, newest?);
    (least > newest).then(|| {
        let rule = format!(
            "needs virtual hardware {least}, and the node has {newest} at most; choose an older \
             version of the system, or otherlinux-64 or other-64"
        );
        FieldError::new("/guest_os", rule)
    })
}

fn display_name(vm: &VmEntry) -> String {
    let name = vm.view.name.clone();
    name.unwrap_or_else(|| format!("VM {}", vm.view.vmid))
}
