//! Which VMs two ways of asking are compared on.

use std::collections::BTreeMap;

use ecoman_esxi::Host;
use ecoman_model::{PowerState, Timestamp, VmRecord, Vmid};

/// So many at most.
const MOST: usize = 5;

/// VMs that differ in what a way of asking could get wrong, as far as there are such.
pub(crate) fn representative(vms: &[VmRecord]) -> Vec<Vmid> {
    let kinds: [fn(&VmRecord) -> bool; 6] = [
        |vm| vm.facts.power == PowerState::On,
        |vm| vm.facts.power == PowerState::Off,
        |vm| vm.facts.power == PowerState::Suspended,
        |vm| {
            vm.facts.power == PowerState::On
                && vm.facts.tools_status.as_deref() == Some("toolsNotInstalled")
        },
        |vm| {
            let note = vm.facts.comment.as_deref().unwrap_or_default();
            let name = vm.facts.name.as_deref().unwrap_or_default();
            note.contains('\n') || !note.is_ascii() || !name.is_ascii()
        },
        |_| true,
    ];
    let mut chosen: Vec<Vmid> = Vec::new();
    for kind in kinds {
        let found = vms
            .iter()
            .find(|vm| vm.failure.is_none() && !chosen.contains(&vm.key.vmid) && kind(vm));
        if chosen.len() < MOST {
            chosen.extend(found.map(|vm| vm.key.vmid));
        }
    }
    chosen
}

/// Any VM, of those that can be read: another one each time.
pub(crate) fn any_of(vms: &BTreeMap<Vmid, VmRecord>, host: &Host, at: Timestamp) -> Option<Vmid> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let readable: Vec<Vmid> = vms
        .values()
        .filter(|vm| vm.failure.is_none())
        .map(|vm| vm.key.vmid)
        .collect();
    let mut hasher = DefaultHasher::new();
    (host.name.as_str(), at.timestamp_micros()).hash(&mut hasher);
    let count = u64::try_from(readable.len())
        .ok()
        .filter(|&count| count > 0)?;
    let place = usize::try_from(hasher.finish() % count).ok()?;
    readable.get(place).copied()
}
