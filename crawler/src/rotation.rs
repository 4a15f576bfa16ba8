//! Which VMs a round of `vim-cmd` reads: each of them costs the node a process, so most rounds read
//! those that seem to have changed and, in turn, a share of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use ecoman_model::{Timestamp, VmRecord, Vmid};

/// Shares, and so rounds until each VM was read.
const SHARES: usize = 5;

/// So few VMs are read in each round: to look for changes would cost as much.
const FEW: usize = 5;

/// Facts may be so old. Where rounds are so far apart that they would be older, each reads all VMs.
const OLDEST: Duration = Duration::from_secs(10 * 60);

/// How long files are not looked at after a look that took too long: what blocks there cannot even
/// be killed, and each look leaves another process behind.
const FILES_REST: TimeDelta = TimeDelta::minutes(10);

/// Whose turn it is, and what the last look at the VMs showed.
#[derive(Debug)]
pub(crate) struct Rotation {
    /// Whether rounds are close enough to each other.
    is_used: bool,
    /// Whether the next round reads all VMs.
    all: bool,
    /// When each share was read.
    read_at: [Timestamp; SHARES],
    /// The share whose turn it is.
    next: usize,
    /// Shares that are read before their turn.
    hurried: BTreeSet<usize>,
    /// What the `.vmx` of each VM looked like.
    files: BTreeMap<Vmid, String>,
    files_rest_until: Option<Timestamp>,
}

impl Rotation {
    pub(crate) fn new(interval: Duration) -> Self {
        let shares = u32::try_from(SHARES).unwrap_or(u32::MAX);
        Self {
            is_used: interval.saturating_mul(shares) <= OLDEST,
            all: true,
            read_at: [Timestamp::UNIX_EPOCH; SHARES],
            next: 0,
            hurried: BTreeSet::new(),
            files: BTreeMap::new(),
            files_rest_until: None,
        }
    }

    /// Lets the next round read all VMs.
    pub(crate) fn read_all(&mut self) {
        self.all = true;
    }

    /// Lets the next round read this VM, with its share: only so is it known when it was read.
    pub(crate) fn hurry(&mut self, vmid: Vmid) {
        self.hurried.insert(share(vmid));
    }

    /// The shares that are due; `None`: all VMs are.
    pub(crate) fn due(&self, vms: usize) -> Option<Due> {
        if self.all || !self.is_used || vms <= FEW {
            return None;
        }
        let mut shares = self.hurried.clone();
        shares.insert(self.next);
        Some(Due(shares))
    }

    /// All VMs were read in the round that began `at`.
    pub(crate) fn all_read(&mut self, at: Timestamp) {
        self.all = false;
        self.read_at = [at; SHARES];
        self.next = 0;
        self.hurried.clear();
    }

    /// These shares were read in the round that began `at`.
    pub(crate) fn read(&mut self, due: &Due, at: Timestamp) {
        for &share in &due.0 {
            if let Some(read_at) = self.read_at.get_mut(share) {
                *read_at = at;
            }
        }
        self.next = (self.next + 1) % SHARES;
        self.hurried.clear();
    }

    /// When each share was read; nothing where all were read together.
    pub(crate) fn read_at(&self) -> Vec<Timestamp> {
        let [first, others @ ..] = &self.read_at;
        match others.iter().all(|other| other == first) {
            true => Vec::new(),
            false => self.read_at.to_vec(),
        }
    }

    /// Whether files may be looked at.
    pub(crate) fn looks_at_files(&self, now: Timestamp) -> bool {
        self.files_rest_until.is_none_or(|until| now >= until)
    }

    /// A look at the files took too long.
    pub(crate) fn files_block(&mut self, now: Timestamp) {
        self.files_rest_until = Some(now + FILES_REST);
        self.files.clear();
    }

    /// Takes what the files look like now, and returns the VMs whose file looked otherwise before.
    pub(crate) fn files(&mut self, files: BTreeMap<Vmid, String>) -> BTreeSet<Vmid> {
        let changed = files.iter().filter(|(vmid, now)| {
            let before = self.files.get(vmid);
            before.is_some_and(|before| before != *now)
        });
        let changed = changed.map(|(&vmid, _)| vmid).collect();
        self.files = files;
        changed
    }
}

/// Shares that are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due(BTreeSet<usize>);

impl Due {
    /// Whether the VM is in one of them, or must be read whatever its share: it could not be read,
    /// or something about it is not as usual.
    pub(crate) fn has(&self, vm: &VmRecord) -> bool {
        use ecoman_model::PowerState;
        let facts = &vm.facts;
        let connection = facts.connection_state.as_deref();
        self.0.contains(&share(vm.key.vmid))
            || vm.failure.is_some()
            || facts.question.is_some()
            || facts.power == PowerState::Unknown
            || connection.is_some_and(|state| state != "connected")
    }
}

fn share(vmid: Vmid) -> usize {
    usize::try_from(vmid.0).unwrap_or_default() % SHARES
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use ecoman_model::{LastKnown, PowerState, VmFacts, VmKey};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: i64) -> Timestamp {
        "2026-11-29T12:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minutes)
    }

    fn vm(vmid: u32) -> VmRecord {
        VmRecord {
            key: VmKey {
                node: "hoge".parse().unwrap(),
                vmid: Vmid(vmid),
            },
            facts: VmFacts {
                power: PowerState::On,
                ..VmFacts::default()
            },
            observed_at: at(0),
            failure: None,
            last_known: LastKnown::default(),
        }
    }

    #[test]
    fn no_vm_is_older_than_five_rounds() {
        let mut rotation = Rotation::new(MINUTE);
        assert_eq!(rotation.due(50), None, "the first round");
        rotation.all_read(at(0));
        assert!(rotation.read_at().is_empty());
        let mut last = BTreeMap::new();
        for round in 1..=15 {
            let due = rotation.due(50).unwrap();
            rotation.read(&due, at(round));
            for id in 1..=50 {
                if due.has(&vm(id)) {
                    last.insert(id, at(round));
                }
                let read_at = last.get(&id).copied().unwrap_or(at(0));
                assert!(at(round) - read_at < TimeDelta::minutes(5), "VM {id}");
                let share = usize::try_from(id).unwrap() % SHARES;
                assert_eq!(rotation.read_at()[share], read_at, "VM {id}");
            }
        }
    }

    #[test]
    fn few_vms_and_rare_rounds_are_read_whole() {
        let mut rotation = Rotation::new(MINUTE);
        rotation.all_read(at(0));
        assert_eq!(rotation.due(FEW), None);
        let mut rotation = Rotation::new(5 * MINUTE);
        rotation.all_read(at(0));
        assert_eq!(rotation.due(50), None);
    }

    #[test]
    fn what_is_asked_for_or_unusual_is_read_before_its_turn() {
        let mut rotation = Rotation::new(MINUTE);
        rotation.all_read(at(0));
        let due = rotation.due(50).unwrap();
        assert!(!due.has(&vm(3)));
        let unusual: [fn(&mut VmRecord); 3] = [
            |vm| vm.failure = Some("unread".to_owned()),
            |vm| vm.facts.power = PowerState::Unknown,
            |vm| vm.facts.connection_state = Some("inaccessible".to_owned()),
        ];
        for change in unusual {
            let mut vm = vm(3);
            change(&mut vm);
            assert!(due.has(&vm), "{vm:?}");
        }
        rotation.hurry(Vmid(3));
        assert!(rotation.due(50).unwrap().has(&vm(3)));
        rotation.read_all();
        assert_eq!(rotation.due(50), None);
    }

    #[test]
    fn a_file_that_is_seen_for_the_first_time_has_not_changed() {
        let mut rotation = Rotation::new(MINUTE);
        let files = |marks: [&str; 2]| {
            let marks = marks.map(str::to_owned);
            BTreeMap::from_iter([Vmid(1), Vmid(2)].into_iter().zip(marks))
        };
        assert_eq!(rotation.files(files(["a", "b"])), BTreeSet::new());
        assert_eq!(rotation.files(files(["a", "c"])), BTreeSet::from([Vmid(2)]));
        rotation.files_block(at(0));
        assert!(!rotation.looks_at_files(at(9)));
        assert!(rotation.looks_at_files(at(10)));
        assert_eq!(rotation.files(files(["d", "e"])), BTreeSet::new());
    }
}
