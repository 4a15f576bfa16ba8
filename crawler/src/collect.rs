//! One node, asked once: facts and errors, never an exception. Knows nothing of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecoman_esxi::hostd::Cost;
use ecoman_esxi::parse::{self, ParseError, VmList, VmRow};
use ecoman_esxi::{Command, Host, Output, Quota, Session, SessionError};
use ecoman_model::{LastKnown, NodeFacts, NodeName, Timestamp, VmFacts, VmKey, VmRecord, Vmid};
use tokio::sync::mpsc;

use crate::error::{CollectError, failed, fault_in, unreadable};
use crate::read_apart::read_apart;

/// What a node brought.
#[derive(Debug)]
pub(crate) struct Collection {
    /// All its VMs, or why it did not list them.
    pub(crate) vms: Result<Vec<VmRecord>, CollectError>,
    /// Its own facts: what could be read now, over what was known before.
    pub(crate) facts: NodeFacts,
    /// What went wrong without spoiling the round: sentences for the user.
    pub(crate) warnings: Vec<String>,
    /// The same of facts that few rounds read; `None` where this one did not.
    pub(crate) setup_warnings: Option<Vec<String>>,
    /// What the reading program says of itself, where there was one.
    pub(crate) program: Option<Cost>,
}

impl Collection {
    /// The node did not list its VMs.
    pub(crate) fn failed(error: CollectError, known: NodeFacts) -> Self {
        Self {
            vms: Err(error),
            facts: known,
            warnings: Vec::new(),
            setup_warnings: None,
            program: None,
        }
    }
}

/// How much of a node's own facts is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What changes by itself: use of CPU and memory, free space.
    Usual,
    /// Version and port groups too.
    WithSetup,
}

/// Asks a node for its VMs and, at the same time, for its own facts.
///
/// `known` are the node's facts so far, kept where they cannot be read now. `previous` are its
/// VMs so far: a VM whose dump cannot be read keeps its facts, with the reason. `at` is the
/// beginning of the round.
pub(crate) async fn collect(
    session: &Session,
    host: &Host,
    scope: Scope,
    timeout: Duration,
    known: NodeFacts,
    previous: &BTreeMap<Vmid, VmRecord>,
    at: Timestamp,
) -> Collection {
    let quota = Quota::new(ROUND_BYTES, ROUND_TIME);
    // One batch beside the listing, so that no session waits: the node's own facts, and the VMs
    // of the last round, before the listing says which are left.
    let own = scope.commands();
    let before: Vec<Vmid> = previous.keys().copied().collect();
    let asked = tokio::try_join!(listing(session, host, timeout), async {
        Ok(answers(session, &own, &before, timeout, &quota).await)
    });
    let (list, answers) = match asked {
        Ok(asked) => asked,
        Err(error) => return Collection::failed(error, known),
    };
    let bytes = answers.own.iter().flatten().map(Output::bytes).sum();
    let (name, outputs) = (host.name.clone(), answers.own);
    let read = move || node_facts(&name, &own, outputs, known);
    let (facts, mut warnings, setup) = read_apart(bytes, read).await;
    let round = RoundOnVms {
        session,
        host,
        timeout,
        quota: &quota,
        previous,
        at,
    };
    let (vms, unread) = round.vms(list, answers.summaries, &BTreeSet::new()).await;
    warnings.extend(unread);
    Collection {
        vms: Ok(vms),
        facts,
        warnings,
        setup_warnings: (scope == Scope::WithSetup).then_some(setup),
        program: None,
    }
}

/// Reads one VM on its own, without the node's listing. `previous` is its record so far; `at` is
/// now.
///
/// `None` if this is not enough: the node does not know the VM, could not be asked, or lists it in
/// a way that only a whole round sees.
pub(crate) async fn collect_vm(
    session: &Session,
    host: &Host,
    vmid: Vmid,
    previous: Option<&VmRecord>,
    timeout: Duration,
    at: Timestamp,
) -> Option<VmRecord> {
    if previous.is_some_and(|vm| vm.failure.is_some()) {
        return None;
    }
    let output = session.run(&Command::summary(vmid), timeout).await;
    let (Summary::Read(mut facts), _) = read_summary(vmid, output).await else {
        return None;
    };
    // Before 7.0 only the listing has it, and it changes by hand alone.
    facts.hardware_version = facts
        .hardware_version
        .or_else(|| previous?.facts.hardware_version.clone());
    Some(VmRecord {
        key: VmKey {
            node: host.name.clone(),
            vmid,
        },
        facts: *facts,
        observed_at: at,
        failure: None,
        last_known: LastKnown::default(),
    })
}

impl Scope {
    /// Whether the setup is read.
    pub(crate) fn has_setup(self) -> bool {
        self == Self::WithSetup
    }

    /// What hostd is not asked for in the usual reading: nothing but the setup.
    pub(crate) fn setup_commands(self) -> Vec<Command> {
        match self {
            Self::Usual => Vec::new(),
            Self::WithSetup => vec![
                Command::filesystems(),
                Command::system_version(),
                Command::port_groups(),
            ],
        }
    }

    /// What asks for the facts. In this order: the version command knows more than the host
    /// summary.
    pub(crate) fn commands(self) -> Vec<Command> {
        let mut commands = vec![Command::host_summary(), Command::filesystems()];
        if self == Self::WithSetup {
            commands.extend([Command::system_version(), Command::port_groups()]);
        }
        commands
    }
}

/// What a node may print in a round beside its listing, and so what is kept of it: 1,024 VMs with
/// a dump of 16 KB each. Hosts print 5 KB a VM and a note of 4,096 characters at most.
pub(crate) const ROUND_BYTES: usize = 16 * 1024 * 1024;

/// How long a round may ask for single VMs, however many are listed. Healthy hosts need less than
/// a second a VM, and answer several at once.
pub(crate) const ROUND_TIME: Duration = Duration::from_secs(10 * 60);

type Answer = Result<Output, SessionError>;

/// The answers of a batch.
struct Answers {
    /// To the commands about the node itself, in their order.
    own: Vec<Answer>,
    summaries: BTreeMap<Vmid, (Summary, Vec<String>)>,
}

/// Asks commands about the node, and for the summaries of VMs. Summaries are read as they come, so
/// that the dumps are never kept together.
async fn answers(
    session: &Session,
    own: &[Command],
    vmids: &[Vmid],
    timeout: Duration,
    quota: &Quota,
) -> Answers {
    let summaries = vmids.iter().copied().map(Command::summary);
    let commands: Vec<Command> = own.iter().cloned().chain(summaries).collect();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut outputs: BTreeMap<usize, Answer> = BTreeMap::new();
    let mut summaries = BTreeMap::new();
    tokio::join!(
        session.run_each_within(&commands, timeout, quota, sender),
        async {
            while let Some((index, answer)) = receiver.recv().await {
                match index
                    .checked_sub(own.len())
                    .and_then(|place| vmids.get(place))
                {
                    None => {
                        outputs.insert(index, answer);
                    }
                    Some(&vmid) => {
                        summaries.insert(vmid, read_summary(vmid, answer).await);
                    }
                }
            }
        }
    );
    Answers {
        own: outputs.into_values().collect(),
        summaries,
    }
}

/// One VM, asked for by itself.
pub(crate) enum Single {
    /// What the node says of it.
    Read(Box<VmFacts>),
    /// Why it could not be read.
    Unread(String),
}

/// Asks for single VMs.
pub(crate) async fn singles(
    session: &Session,
    vmids: &[Vmid],
    timeout: Duration,
) -> BTreeMap<Vmid, Single> {
    let quota = Quota::new(ROUND_BYTES, ROUND_TIME);
    let answers = answers(session, &[], vmids, timeout, &quota).await;
    let summaries = answers.summaries.into_iter();
    summaries
        .map(|(vmid, (read, _))| {
            let single = match read {
                Summary::Read(facts) => Single::Read(facts),
                Summary::Gone => Single::Unread("the host does not know it".to_owned()),
                Summary::Unread(reason) => Single::Unread(reason),
            };
            (vmid, single)
        })
        .collect()
}

/// The part of a round that is about the VMs.
pub(crate) struct RoundOnVms<'r> {
    pub(crate) session: &'r Session,
    pub(crate) host: &'r Host,
    pub(crate) timeout: Duration,
    pub(crate) quota: &'r Quota,
    pub(crate) previous: &'r BTreeMap<Vmid, VmRecord>,
    pub(crate) at: Timestamp,
}

impl RoundOnVms<'_> {
    /// The VMs of the node, and what was lost in reading them. `summaries` are those that were
    /// read beside the listing; `kept` are listed, and need not be read.
    pub(crate) async fn vms(
        &self,
        list: VmList,
        mut summaries: BTreeMap<Vmid, (Summary, Vec<String>)>,
        kept: &BTreeSet<Vmid>,
    ) -> (Vec<VmRecord>, Vec<String>) {
        let mut listed: Vec<(Vmid, Listed<'_>)> = Vec::with_capacity(list.rows.len());
        listed.extend(list.rows.iter().map(|row| (row.vmid, Listed::Row(row))));
        listed.extend(list.invalid.iter().map(|&vmid| (vmid, Listed::Invalid)));
        if list.may_lack_rows {
            let seen: BTreeSet<Vmid> = listed.iter().map(|&(vmid, _)| vmid).collect();
            let known: BTreeSet<Vmid> = self.previous.keys().copied().collect();
            let proposed = list.proposed.iter().copied().collect();
            let missing = known.union(&proposed).filter(|&vmid| !seen.contains(vmid));
            listed.extend(missing.map(|&vmid| (vmid, Listed::Missing)));
        }
        let new: Vec<Vmid> = listed
            .iter()
            .map(|&(vmid, _)| vmid)
            .filter(|vmid| !summaries.contains_key(vmid) && !kept.contains(vmid))
            .collect();
        let answers = answers(self.session, &[], &new, self.timeout, self.quota).await;
        summaries.extend(answers.summaries);

        let mut records = Vec::with_capacity(listed.len());
        let mut warnings = list.warnings;
        let mut unread = Vec::new();
        for (vmid, listed) in listed {
            if kept.contains(&vmid) {
                records.extend(self.previous.get(&vmid).cloned());
                continue;
            }
            // Each id is listed once, and was asked for.
            let Some((read, said)) = summaries.remove(&vmid) else {
                continue;
            };
            warnings.extend(said);
            if let (Summary::Unread(reason), Listed::Row(_) | Listed::Missing) = (&read, listed) {
                unread.push((vmid, reason.clone()));
            }
            let previous = self.previous.get(&vmid);
            records.extend(record(self.host, vmid, listed, read, previous, self.at));
        }
        records.sort_by_key(|vm| vm.key.vmid);
        warnings.extend(warning(&unread));
        (records, warnings)
    }
}

/// The node's listing of its VMs.
pub(crate) async fn listing(
    session: &Session,
    host: &Host,
    timeout: Duration,
) -> Result<VmList, CollectError> {
    let command = Command::get_all_vms();
    let output = session.run(&command, timeout).await?;
    let (list, output) = read_apart(output.bytes(), move || {
        (parse::getallvms(&output.stdout, &output.stderr), output)
    })
    .await;
    let list = match list {
        // The node goes on, and so do we: each id is asked for, and its answer settles it.
        Err(error @ (ParseError::Unexpected { .. } | ParseError::Value { .. })) => {
            let mut list = parse::proposed_vms(&output.stdout, &output.stderr)
                .filter(|_| output.exit == 0 && fault_in(&output).is_none())
                .ok_or_else(|| unreadable(&host.name, &command, &output, &error))?;
            list.warnings.push(format!(
                "{}: the layout of `{command}` is unknown, so each VM is read by its ID; creating, \
                 renaming, disks and deletion are refused on this host: {error}",
                host.name
            ));
            list
        }
        list => list.map_err(|error| unreadable(&host.name, &command, &output, &error))?,
    };
    if output.exit != 0 {
        return Err(failed(&host.name, &command, &output));
    }
    Ok(list)
}

/// How a VM stands in the node's listing.
#[derive(Clone, Copy)]
enum Listed<'a> {
    /// With a row.
    Row(&'a VmRow),
    /// Without one: the node itself cannot load it. It may still have a summary.
    Invalid,
    /// Not at all, in a listing that may lack a row, or by its id alone: only the node's word that
    /// there is no such VM makes it gone.
    Missing,
}

/// The outcome of reading one VM.
pub(crate) enum Summary {
    Read(Box<VmFacts>),
    /// The node does not know the VM (any more).
    Gone,
    Unread(String),
}

/// Reads the answer about a VM; with warnings.
async fn read_summary(vmid: Vmid, answer: Answer) -> (Summary, Vec<String>) {
    match answer {
        Ok(output) => read_apart(output.bytes(), move || summary_of(vmid, &output)).await,
        Err(error) => (Summary::Unread(error.to_string()), Vec::new()),
    }
}

fn summary_of(vmid: Vmid, output: &Output) -> (Summary, Vec<String>) {
    let mut warnings = Vec::new();
    let summary = match parse::summary(&output.stdout) {
        Ok(summary) if summary.vmid.is_some_and(|said| said != vmid) => {
            Summary::Unread("the host returned another VM".to_owned())
        }
        Ok(_) if output.exit != 0 => {
            Summary::Unread(format!("the command ended with exit code {}", output.exit))
        }
        Ok(summary) => {
            warnings = summary
                .warnings
                .iter()
                .map(|warning| format!("VM {vmid}: {warning}"))
                .collect();
            Summary::Read(Box::new(summary.facts))
        }
        Err(error) => match fault_in(output) {
            Some(fault) if fault.says_unknown(vmid) => Summary::Gone,
            Some(fault) => Summary::Unread(fault.sentence()),
            None if output.exit != 0 && (is_blank(&output.stdout) || !is_blank(&output.stderr)) => {
                // A part of a summary is no reason.
                Summary::Unread(parse::reason(&[], &output.stderr, output.exit))
            }
            None => Summary::Unread(format!("unreadable summary: {error}")),
        },
    };
    (summary, warnings)
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.trim_ascii().is_empty()
}

/// What to record of one VM; `None` for one that is gone.
fn record(
    host: &Host,
    vmid: Vmid,
    listed: Listed<'_>,
    read: Summary,
    previous: Option<&VmRecord>,
    at: Timestamp,
) -> Option<VmRecord> {
    let key = VmKey {
        node: host.name.clone(),
        vmid,
    };
    let (facts, observed_at, failure) = match (listed, read) {
        (Listed::Row(_) | Listed::Missing, Summary::Gone) => return None,
        (Listed::Row(row), Summary::Read(mut facts)) => {
            // Before 7.0 the summary lacks the hardware version.
            facts.hardware_version = facts
                .hardware_version
                .or_else(|| row.hardware_version.clone());
            (*facts, at, None)
        }
        (Listed::Missing, Summary::Read(mut facts)) => {
            facts.hardware_version = facts
                .hardware_version
                .or_else(|| previous?.facts.hardware_version.clone());
            (*facts, at, None)
        }
        (Listed::Row(row), Summary::Unread(reason)) => {
            match previous.filter(|vm| is_same(vm, row)) {
                Some(vm) => (vm.facts.clone(), vm.observed_at, Some(reason)),
                None => (row.facts(), at, Some(reason)),
            }
        }
        (Listed::Missing, Summary::Unread(reason)) => {
            let vm = previous?;
            (vm.facts.clone(), vm.observed_at, Some(reason))
        }
        (Listed::Invalid, read) => {
            let (facts, observed_at) = match (read, previous) {
                (Summary::Read(facts), _) => (*facts, at),
                (_, Some(vm)) => (vm.facts.clone(), vm.observed_at),
                (_, None) => (VmFacts::default(), at),
            };
            let facts = VmFacts {
                connection_state: Some("invalid".to_owned()),
                ..facts
            };
            (facts, observed_at, Some(INVALID.to_owned()))
        }
    };
    Some(VmRecord {
        key,
        facts,
        observed_at,
        failure,
        last_known: LastKnown::default(),
    })
}

pub(crate) const INVALID: &str =
    "the host lists the VM as invalid: it cannot load the configuration";

/// Whether a record is still about the VM of this row. Ids are not used again on a node, but
/// the node behind a name may have been exchanged.
pub(crate) fn is_same(record: &VmRecord, row: &VmRow) -> bool {
    match (&record.facts.vmx_path, &row.vmx_path) {
        (Some(before), Some(now)) => before == now,
        _ => true,
    }
}

/// One sentence for all VMs that could not be read.
fn warning(unread: &[(Vmid, String)]) -> Option<String> {
    let (first, reason) = unread.first()?;
    Some(match unread.len() {
        1 => format!("VM {first} cannot be read: {reason}"),
        count => format!("{count} VMs cannot be read; the first is VM {first}: {reason}"),
    })
}

/// The node's own facts over the known ones; and what could not be read of those that every round
/// reads, and of the others.
pub(crate) fn node_facts(
    node: &NodeName,
    commands: &[Command],
    outputs: Vec<Result<Output, SessionError>>,
    known: NodeFacts,
) -> (NodeFacts, Vec<String>, Vec<String>) {
    let mut facts = known;
    let mut usual = Vec::new();
    let mut setup = Vec::new();
    for (command, output) in commands.iter().zip(outputs) {
        let warnings = if Scope::Usual.commands().contains(command) {
            &mut usual
        } else {
            &mut setup
        };
        match output {
            // A list may be there all the same, less what could not be read.
            Ok(output) => match take(command, &output, &mut facts) {
                Ok(mut said) if output.exit == 0 || !said.is_empty() => {
                    // The other stream may say what it could not read.
                    let complaint = parse::fault(&output.stderr).ok().flatten();
                    said.extend(complaint.map(|fault| fault.sentence()));
                    let of_node = |words: String| format!("{node}: {words}");
                    warnings.extend(said.into_iter().map(of_node));
                }
                Ok(_) => warnings.push(failed(node, command, &output).message),
                Err(error) => warnings.push(unreadable(node, command, &output, &error).message),
            },
            Err(error) => warnings.push(error.to_string()),
        }
    }
    (facts, usual, setup)
}

/// Reads one answer about the node into its facts; what could not be read of it, a sentence each.
fn take(
    command: &Command,
    output: &Output,
    facts: &mut NodeFacts,
) -> Result<Vec<String>, ParseError> {
    if *command == Command::host_summary() {
        let read = parse::host_summary(&output.stdout)?;
        let setup = std::mem::take(facts);
        *facts = NodeFacts {
            version: if setup.version.version == read.version.version {
                setup.version
            } else {
                read.version
            },
            datastores: setup.datastores,
            port_groups: setup.port_groups,
            iso_images: setup.iso_images,
            setup_read_at: setup.setup_read_at,
            ..read
        };
    } else if *command == Command::filesystems() {
        let list = parse::filesystem_list(&output.stdout)?;
        facts.datastores = list
            .rows
            .into_iter()
            .filter(|volume| volume.holds_vms())
            .collect();
        return Ok(list.warnings);
    } else if *command == Command::system_version() {
        facts.version = parse::version(&output.stdout)?;
    } else if *command == Command::port_groups() {
        let list = parse::port_groups(&output.stdout)?;
        facts.port_groups = list.rows;
        return Ok(list.warnings);
    }
    Ok(Vec::new())
}
