//! A round that reads: hostd is asked once for everything, and what it says is held against
//! `vim-cmd` before it is believed.

use std::collections::{BTreeMap, BTreeSet};

use ecoman_esxi::hostd::{self, HostdError, Reading, VmReading};
use ecoman_esxi::{Command, Host};
use ecoman_model::{
    Datastore, LastKnown, NodeFacts, Timestamp, VmFacts, VmKey, VmRecord, Vmid, Way,
};

use crate::asked::Asked;
use crate::collect::{Collection, INVALID, Scope, Single, collect, listing, node_facts, singles};
use crate::following::{Following, of_session};
use crate::part::collect_part;
use crate::read_apart::read_apart;
use crate::rotation::Rotation;
use crate::sample::{any_of, representative};
use crate::way::{Plan, Ways};

/// Asks a node in the way that is due, and notes how that went.
pub(crate) async fn collect_by(
    asked: Asked<'_>,
    ways: &mut Ways,
    rotation: &mut Rotation,
    following: &mut Following,
) -> Collection {
    let plan = ways.plan(asked.known, asked.at);
    if plan == Plan::VimCmd {
        following.stop();
    }
    let due = match plan {
        Plan::VimCmd => rotation.due(asked.previous.len()),
        Plan::Prove | Plan::Read { .. } => None,
    };
    if let Some(due) = due
        && let Some(mut collection) = collect_part(asked, &due, rotation).await
    {
        if collection.vms.is_ok() {
            rotation.read(&due, asked.at);
        }
        warn(&mut collection, asked.host, ways);
        return collection;
    }
    let mut collection = match plan {
        Plan::VimCmd => asked.by_vim_cmd().await,
        Plan::Prove => asked.prove(ways, following).await,
        Plan::Read { check } => asked.by_reading(check, ways, following).await,
    };
    if collection.vms.is_ok() {
        rotation.all_read(asked.at);
    }
    warn(&mut collection, asked.host, ways);
    collection
}

/// Adds what the user should know of the ways.
fn warn(collection: &mut Collection, host: &Host, ways: &Ways) {
    if collection.vms.is_ok()
        && let Some(warning) = ways.warning()
    {
        collection
            .warnings
            .push(format!("{}: {warning}", host.name));
    }
}

impl Asked<'_> {
    async fn by_vim_cmd(self) -> Collection {
        let Self {
            session,
            host,
            scope,
            timeout,
            known,
            previous,
            at,
        } = self;
        collect(session, host, scope, timeout, known.clone(), previous, at).await
    }

    /// Asks with `vim-cmd` and reads just after it; the next rounds read if both say the same.
    async fn prove(self, ways: &mut Ways, following: &mut Following) -> Collection {
        let collection = self.by_vim_cmd().await;
        let Ok(vms) = &collection.vms else {
            return collection;
        };
        match self.read(ways, following).await {
            Err(error) => ways.failed(&collection.facts, &error, self.at),
            Ok((reading, way)) => {
                ways.answered();
                match self.difference(vms, &collection.facts, &reading).await {
                    Some(words) => ways.differed(&collection.facts, &words, self.at),
                    None => ways.proven(way, &collection.facts, self.at),
                }
            }
        }
        collection
    }

    /// Reads; and asks with `vim-cmd` after all where that fails, or differs.
    async fn by_reading(
        self,
        check: bool,
        ways: &mut Ways,
        following: &mut Following,
    ) -> Collection {
        let picked = if check {
            any_of(self.previous, self.host, self.at)
        } else {
            None
        };
        let before = self.facts_of(picked.as_slice()).await;
        let own = self.scope.setup_commands();
        let (reading, outputs) = tokio::join!(
            self.read(ways, following),
            self.session.run_each(&own, self.timeout)
        );
        let (reading, way) = match reading {
            Ok(read) => read,
            Err(error) => {
                let collection = self.by_vim_cmd().await;
                // Where both fail it is not the way: the connection is lost, or hostd is down.
                if collection.vms.is_ok() {
                    ways.failed(&collection.facts, &error, self.at);
                }
                return collection;
            }
        };
        ways.answered();
        if !ways.look(&reading.facts) {
            return self.prove(ways, following).await;
        }
        let after = self.facts_of(picked.as_slice()).await;
        let mut words = self.difference_in_ids(&reading).await;
        if words.is_none() {
            words = difference_in_facts(&before, &reading, &after);
        }
        if let Some(words) = words {
            let collection = self.by_vim_cmd().await;
            if collection.vms.is_ok() {
                ways.differed(&collection.facts, &words, self.at);
            }
            return collection;
        }
        if check {
            ways.agreed();
        }
        let mut facts = merged(self.known, &reading);
        let (name, mut warnings) = (&self.host.name, Vec::new());
        let mut setup = Vec::new();
        if !own.is_empty() {
            (facts, warnings, setup) = node_facts(name, &own, outputs, facts);
        } else if !are_known(&facts.datastores, &reading) {
            let own = vec![Command::filesystems()];
            let outputs = self.session.run_each(&own, self.timeout).await;
            (facts, warnings, _) = node_facts(name, &own, outputs, facts);
        }
        set_space(&mut facts.datastores, &reading);
        let program = Some(reading.cost.clone());
        let vms = self.records(reading, &mut warnings).await;
        ways.use_reading(way, self.at);
        Collection {
            vms: Ok(vms),
            facts,
            warnings,
            setup_warnings: (self.scope == Scope::WithSetup).then_some(setup),
            program,
        }
    }

    /// One reading, by the program that stays where there can be one, and the way that it was.
    async fn read(
        self,
        ways: &mut Ways,
        following: &mut Following,
    ) -> Result<(Reading, Way), HostdError> {
        // Commands need a session, too.
        if !ways.follows(self.at) || self.session.granted() < 2 {
            following.stop();
            return Ok((self.read_alone().await?, Way::Read));
        }
        let read = match following.read(self.session, self.timeout).await {
            Ok(output) => read_apart(output.bytes(), move || hostd::read(&output)).await,
            Err(error) => Err(error),
        };
        let error = match read {
            Ok(reading) => {
                ways.stayed();
                return Ok((reading, Way::Follow));
            }
            Err(error) => error,
        };
        following.stop();
        match error {
            // Another would fail in the same way.
            HostdError::NoPython { .. }
            | HostdError::NotPermitted { .. }
            | HostdError::SignInRefused { .. }
            | HostdError::HostdDown { .. } => Err(error),
            error => {
                tracing::debug!(node = %self.host.name, %error, "the follow program ended");
                ways.not_stayed(&error, self.at);
                Ok((self.read_alone().await?, Way::Read))
            }
        }
    }

    /// A reading by a program of its own; what was cut off is tried once more.
    pub(crate) async fn read_alone(self) -> Result<Reading, HostdError> {
        match self.read_once().await {
            Err(HostdError::CutOff { .. }) => self.read_once().await,
            outcome => outcome,
        }
    }

    async fn read_once(self) -> Result<Reading, HostdError> {
        let command = Command::read_hostd();
        let output = self.session.run(&command, self.timeout).await;
        let output = output.map_err(|error| of_session(&error))?;
        read_apart(output.bytes(), move || hostd::read(&output)).await
    }

    /// What `vim-cmd` says of these VMs now, of those that it can read.
    async fn facts_of(self, vmids: &[Vmid]) -> BTreeMap<Vmid, VmFacts> {
        let read = singles(self.session, vmids, self.timeout).await;
        let read = read.into_iter();
        read.filter_map(|(vmid, single)| match single {
            Single::Read(facts) => Some((vmid, *facts)),
            Single::Unread(_) => None,
        })
        .collect()
    }

    /// The first difference between a round of `vim-cmd` and the reading after it, in words.
    pub(crate) async fn difference(
        self,
        vms: &[VmRecord],
        facts: &NodeFacts,
        reading: &Reading,
    ) -> Option<String> {
        let chosen = representative(vms);
        let after = self.facts_of(&chosen).await;
        let before: BTreeMap<Vmid, VmFacts> = vms
            .iter()
            .filter(|vm| chosen.contains(&vm.key.vmid))
            .map(|vm| (vm.key.vmid, vm.facts.clone()))
            .collect();
        let listed = vms.iter().map(|vm| vm.key.vmid).collect();
        let mut words = ids_differ(&listed, &reading.vms.keys().copied().collect());
        if words.is_some() {
            // One may have come or gone since.
            words = self.difference_to_listing(reading).await;
        }
        words
            .or_else(|| inventory_differs(reading))
            .or_else(|| difference_in_facts(&before, reading, &after))
            .or_else(|| hosts_differ(facts, &reading.facts))
    }

    /// The same of the ids alone, against what was known before. A VM that is left out looks like
    /// one that is gone: the listing settles it.
    async fn difference_in_ids(self, reading: &Reading) -> Option<String> {
        let is_left_out = self
            .previous
            .keys()
            .any(|vmid| !reading.vms.contains_key(vmid));
        if is_left_out || inventory_differs(reading).is_some() {
            return self.difference_to_listing(reading).await;
        }
        None
    }

    async fn difference_to_listing(self, reading: &Reading) -> Option<String> {
        match listing(self.session, self.host, self.timeout).await {
            Ok(list) if list.may_lack_rows => Some("the list may be incomplete".to_owned()),
            Ok(list) => {
                let rows = list.rows.iter().map(|row| row.vmid);
                let listed = rows.chain(list.invalid.iter().copied()).collect();
                ids_differ(&listed, &reading.vms.keys().copied().collect())
            }
            Err(error) => Some(format!("unreadable list of VMs: {}", error.message)),
        }
    }

    /// The VMs as they are recorded. Those that could not be read are asked for with `vim-cmd`.
    async fn records(self, reading: Reading, warnings: &mut Vec<String>) -> Vec<VmRecord> {
        let unread: Vec<Vmid> = reading
            .vms
            .iter()
            .filter(|(_, vm)| matches!(vm, VmReading::Unread(_)))
            .map(|(&vmid, _)| vmid)
            .collect();
        let mut asked = singles(self.session, &unread, self.timeout).await;
        let vms = reading.vms.into_iter();
        vms.map(|(vmid, vm)| {
            let previous = self.previous.get(&vmid);
            let (facts, observed_at, failure) = match vm {
                VmReading::Read(vm) => {
                    warnings.extend(vm.warnings.iter().map(|said| format!("VM {vmid}: {said}")));
                    as_read(vm.facts, previous, self.at)
                }
                VmReading::Unread(words) => match asked.remove(&vmid) {
                    Some(Single::Read(facts)) => (*facts, self.at, None),
                    Some(Single::Unread(words)) => self.unread_vm(words, previous),
                    None => self.unread_vm(words, previous),
                },
            };
            let node = self.host.name.clone();
            VmRecord {
                key: VmKey { node, vmid },
                facts,
                observed_at,
                failure,
                last_known: LastKnown::default(),
            }
        })
        .collect()
    }

    fn unread_vm(
        self,
        words: String,
        previous: Option<&VmRecord>,
    ) -> (VmFacts, Timestamp, Option<String>) {
        match previous {
            Some(vm) => (vm.facts.clone(), vm.observed_at, Some(words)),
            None => (VmFacts::default(), self.at, Some(words)),
        }
    }
}

/// Facts, their time and what is wrong with them, of a VM that hostd has just given.
pub(crate) fn as_read(
    facts: VmFacts,
    previous: Option<&VmRecord>,
    at: Timestamp,
) -> (VmFacts, Timestamp, Option<String>) {
    if facts.connection_state.as_deref() != Some("invalid") {
        return (facts, at, None);
    }
    let facts = match previous.filter(|_| facts.name.is_none()) {
        Some(vm) => VmFacts {
            connection_state: facts.connection_state,
            ..vm.facts.clone()
        },
        None => facts,
    };
    let observed_at = previous.map_or(at, |vm| vm.observed_at);
    (facts, observed_at, Some(INVALID.to_owned()))
}

fn ids_differ(listed: &BTreeSet<Vmid>, read: &BTreeSet<Vmid>) -> Option<String> {
    let only = |one: &BTreeSet<Vmid>, other: &BTreeSet<Vmid>, way: &str| {
        let vmid = one.difference(other).next()?;
        Some(format!("only {way} lists VM {vmid}"))
    };
    only(listed, read, "vim-cmd").or_else(|| only(read, listed, "read"))
}

fn inventory_differs(reading: &Reading) -> Option<String> {
    let inventory = reading.inventory.as_ref()?;
    let read: BTreeSet<Vmid> = reading.vms.keys().copied().collect();
    let vmid = inventory.symmetric_difference(&read).next()?;
    Some(format!(
        "the host's list of VMs and hostd differ on VM {vmid}"
    ))
}

/// The first fact that hostd gives otherwise than `vim-cmd` did before and after.
fn difference_in_facts(
    before: &BTreeMap<Vmid, VmFacts>,
    reading: &Reading,
    after: &BTreeMap<Vmid, VmFacts>,
) -> Option<String> {
    before.iter().find_map(|(&vmid, before)| {
        let mut after = after.get(&vmid)?.clone();
        let read = match reading.vms.get(&vmid) {
            Some(VmReading::Read(vm)) => &vm.facts,
            Some(VmReading::Unread(words)) => {
                return Some(format!("only vim-cmd can read VM {vmid}: {words}"));
            }
            None => return Some(format!("only vim-cmd lists VM {vmid}")),
        };
        // Before 7.0 only the listing has it.
        let mut before = before.clone();
        for facts in [&mut before, &mut after] {
            if facts.hardware_version.is_none() {
                facts.hardware_version.clone_from(&read.hardware_version);
            }
        }
        let found = hostd::differences(vmid, &before, read, &after);
        found.first().map(ToString::to_string)
    })
}

/// The first of the host's own facts, of those that do not move, that hostd gives otherwise.
fn hosts_differ(by_vim_cmd: &NodeFacts, read: &NodeFacts) -> Option<String> {
    let shown = |facts: &NodeFacts| {
        [
            ("version", format!("{:?}", facts.version.version)),
            ("build", format!("{:?}", facts.version.build)),
            ("vendor", format!("{:?}", facts.vendor)),
            ("model", format!("{:?}", facts.model)),
            ("cpu_model", format!("{:?}", facts.cpu_model)),
            ("cpu_mhz", format!("{:?}", facts.cpu_mhz)),
            ("cpu_packages", format!("{:?}", facts.cpu_packages)),
            ("cpu_cores", format!("{:?}", facts.cpu_cores)),
            ("cpu_threads", format!("{:?}", facts.cpu_threads)),
            ("memory_bytes", format!("{:?}", facts.memory_bytes)),
        ]
    };
    let pairs = shown(by_vim_cmd).into_iter().zip(shown(read));
    pairs
        .into_iter()
        .find_map(|((field, by_vim_cmd), (_, read))| {
            (by_vim_cmd != read).then(|| {
                format!("{field} of the host: {by_vim_cmd} from vim-cmd, {read} from read")
            })
        })
}

/// The node's facts out of a reading, over those that it does not have.
fn merged(known: &NodeFacts, reading: &Reading) -> NodeFacts {
    let read = &reading.facts;
    NodeFacts {
        // The version command says more.
        version: if known.version.version == read.version.version {
            known.version.clone()
        } else {
            read.version.clone()
        },
        datastores: known.datastores.clone(),
        port_groups: known.port_groups.clone(),
        iso_images: known.iso_images.clone(),
        setup_read_at: known.setup_read_at,
        ..read.clone()
    }
}

/// Whether each datastore is known, and each known one was read.
fn are_known(known: &[Datastore], reading: &Reading) -> bool {
    known.len() == reading.datastores.len()
        && known
            .iter()
            .all(|datastore| reading.datastores.contains_key(&datastore.path))
}

fn set_space(datastores: &mut [Datastore], reading: &Reading) {
    for datastore in datastores {
        if let Some(space) = reading.datastores.get(&datastore.path) {
            datastore.free_bytes = space.free_bytes.or(datastore.free_bytes);
            datastore.capacity_bytes = space.capacity_bytes.or(datastore.capacity_bytes);
            datastore.accessible = space.accessible.unwrap_or(datastore.accessible);
        }
    }
}
