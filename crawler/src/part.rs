//! A round of `vim-cmd` that reads some of a node's VMs: those that have changed, as far as two
//! cheap commands show it, and those whose turn it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecoman_esxi::parse::{self, Process, VmList, VmRow};
use ecoman_esxi::{Command, Output, Quota, SessionError};
use ecoman_model::{Datastore, PowerState, VmRecord, Vmid, split_datastore_path};

use crate::asked::Asked;
use crate::collect::{
    Collection, ROUND_BYTES, ROUND_TIME, RoundOnVms, is_same, listing, node_facts,
};
use crate::read_apart::read_apart;
use crate::rotation::{Due, Rotation};

/// How long a look at the files may take: a datastore that is gone blocks it.
const FILES_TIME: Duration = Duration::from_secs(5);

/// Asks a node for its listing, its own facts, and the VMs that are due or have changed. `None`:
/// it could not be seen which VMs run, so that all must be read.
pub(crate) async fn collect_part(
    asked: Asked<'_>,
    due: &Due,
    rotation: &mut Rotation,
) -> Option<Collection> {
    let Asked {
        session,
        host,
        timeout,
        known,
        previous,
        at,
        ..
    } = asked;
    let mut own = asked.scope.commands();
    own.push(Command::processes());
    let places = places(previous, &known.datastores);
    let looks = rotation.looks_at_files(at);
    let (list, mut outputs, files) = tokio::join!(
        listing(session, host, timeout),
        session.run_each(&own, timeout),
        async {
            match looks && !places.is_empty() {
                true => {
                    let command = Command::file_times(places.values());
                    Some(session.run(&command, FILES_TIME.min(timeout)).await)
                }
                false => None,
            }
        }
    );
    let list = match list {
        Ok(list) => list,
        Err(error) => return Some(Collection::failed(error, known.clone())),
    };
    let running = running(outputs.pop()?)?;
    let mut changed = match files {
        Some(Ok(output)) => rotation.files(marks(&output, &places)),
        Some(Err(_)) => {
            rotation.files_block(at);
            BTreeSet::new()
        }
        None => BTreeSet::new(),
    };
    changed.extend(switched(previous, &places, &running));
    let kept = kept(&list, previous, |vm| {
        due.has(vm) || changed.contains(&vm.key.vmid)
    });

    let bytes = outputs.iter().flatten().map(Output::bytes).sum();
    let (name, known) = (host.name.clone(), known.clone());
    let read = move || node_facts(&name, &own, outputs, known);
    let (facts, mut warnings, setup) = read_apart(bytes, read).await;
    let quota = Quota::new(ROUND_BYTES, ROUND_TIME);
    let round = RoundOnVms {
        session,
        host,
        timeout,
        quota: &quota,
        previous,
        at,
    };
    let (vms, unread) = round.vms(list, BTreeMap::new(), &kept).await;
    warnings.extend(unread);
    Some(Collection {
        vms: Ok(vms),
        facts,
        warnings,
        setup_warnings: asked.scope.has_setup().then_some(setup),
        program: None,
    })
}

/// The VMs of the listing that need not be read.
fn kept(
    list: &VmList,
    previous: &BTreeMap<Vmid, VmRecord>,
    must_be_read: impl Fn(&VmRecord) -> bool,
) -> BTreeSet<Vmid> {
    let invalid: BTreeSet<Vmid> = list.invalid.iter().copied().collect();
    let rows = list.rows.iter().filter(|row| {
        let Some(vm) = previous.get(&row.vmid) else {
            return false;
        };
        is_same(vm, row) && is_called(vm, row) && !must_be_read(vm)
    });
    rows.map(|row| row.vmid)
        .filter(|vmid| !invalid.contains(vmid))
        .collect()
}

/// Whether the VM has the name of the row, which lacks blanks at its end.
fn is_called(vm: &VmRecord, row: &VmRow) -> bool {
    let trimmed = |name: &Option<String>| name.as_deref().map(|name| name.trim_end().to_owned());
    trimmed(&vm.facts.name) == trimmed(&row.name)
}

/// Where the `.vmx` of each VM is, as far as its datastore is known and can be reached.
fn places(previous: &BTreeMap<Vmid, VmRecord>, datastores: &[Datastore]) -> BTreeMap<Vmid, String> {
    let place = |vm: &VmRecord| {
        let path = vm.facts.vmx_path.as_deref()?;
        let (name, file) = split_datastore_path(path)?;
        let mut reachable = datastores.iter().filter(|datastore| datastore.accessible);
        let datastore = reachable.find(|datastore| datastore.name.as_deref() == Some(name))?;
        Some(format!("{}/{file}", datastore.path))
    };
    previous
        .values()
        .filter_map(|vm| Some((vm.key.vmid, place(vm)?)))
        .collect()
}

/// The VMs that run; `None` where the node did not say.
fn running(answer: Result<Output, SessionError>) -> Option<Vec<Process>> {
    let output = answer.ok().filter(|output| output.exit == 0)?;
    parse::process_list(&output.stdout).ok()
}

/// The VMs that were on and are not, or the other way round.
fn switched(
    previous: &BTreeMap<Vmid, VmRecord>,
    places: &BTreeMap<Vmid, String>,
    running: &[Process],
) -> BTreeSet<Vmid> {
    let files: BTreeSet<&str> = running.iter().map(|one| one.vmx_path.as_str()).collect();
    let uuids: BTreeSet<&str> = running.iter().map(|one| one.uuid.as_str()).collect();
    let runs = |vm: &VmRecord| match places.get(&vm.key.vmid) {
        Some(place) => files.contains(place.as_str()),
        // Copies may have the same: then the VM is read once too often.
        None => {
            let uuid = vm.facts.uuid.as_deref();
            uuid.is_some_and(|uuid| uuids.contains(uuid))
        }
    };
    previous
        .values()
        .filter(|vm| (vm.facts.power == PowerState::On) != runs(vm))
        .map(|vm| vm.key.vmid)
        .collect()
}

/// Time and size of each file, of those that are there.
fn marks(output: &Output, places: &BTreeMap<Vmid, String>) -> BTreeMap<Vmid, String> {
    let text = String::from_utf8_lossy(&output.stdout);
    // `TIME SIZE PATH`
    let found: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let (time, rest) = line.split_once(' ')?;
            let (size, path) = rest.split_once(' ')?;
            Some((path, line.get(..time.len() + 1 + size.len())?))
        })
        .collect();
    places
        .iter()
        .filter_map(|(&vmid, place)| Some((vmid, (*found.get(place.as_str())?).to_owned())))
        .collect()
}
