//! The reading program on simulated nodes: what it brings, what it costs, and how it fails.

#![expect(
    clippy::unwrap_used,
    reason = "what goes wrong in a helper of a test fails the test"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use ecoman_esxi::hostd::{self, HostdError, News, Reading, VmReading};
use ecoman_esxi::{Command, Hosts, Output, Session, SessionOptions, parse};
use ecoman_model::Vmid;
use ecoman_simulator::{
    DatastoreSpec, Fault, Generation, NodeSpec, Scope, SimulatedNode, SoapFault, Tools, VmSpec,
};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(120);

struct Connected {
    node: SimulatedNode,
    session: Session,
    _files: TempDir,
}

impl Connected {
    async fn start(spec: NodeSpec) -> Self {
        let node = SimulatedNode::start(spec).unwrap();
        let files = TempDir::new().unwrap();
        let path = files.path().join("hosts.yml");
        std::fs::write(&path, node.hosts_yml_entry()).unwrap();
        let known_hosts = files.path().join("known_hosts");
        std::fs::write(&known_hosts, node.known_hosts_line()).unwrap();
        let host = Hosts::load(&path).unwrap().nodes.remove(0);
        let session = Session::connect(&host, &SessionOptions::new(known_hosts))
            .await
            .unwrap();
        Self {
            node,
            session,
            _files: files,
        }
    }

    async fn output(&self) -> Output {
        let command = Command::read_hostd();
        self.session.run(&command, LIMIT).await.unwrap()
    }

    async fn read(&self) -> Result<Reading, HostdError> {
        hostd::read(&self.output().await)
    }

    async fn refused(&self, fault: Fault) -> HostdError {
        self.node.set_fault(fault.clone()).unwrap();
        let error = self.read().await.unwrap_err();
        self.node.clear_faults().unwrap();
        assert_eq!(
            self.node.open_soap_sessions(),
            0,
            "{fault:?} leaves a session"
        );
        error
    }
}

/// VMs that differ in all that a way of asking could get wrong.
fn vms() -> Vec<VmSpec> {
    let mut all = vec![
        VmSpec::new("on").on().ip("192.0.2.1"),
        VmSpec::new("off"),
        VmSpec::new("suspended").suspended_since("2026-11-01T07:08:09Z".parse().unwrap()),
        VmSpec::new("a & <b> \"c\"")
            .annotation("one\n  two: \"x\"\n\nproduct = none,\n</annotation>]]>"),
        VmSpec::new("ファイル").annotation("Prüfstand ✓"),
    ];
    let mut without_tools = VmSpec::new("without-tools").on();
    without_tools.tools = Tools::Missing;
    all.push(without_tools);
    all
}

#[tokio::test]
async fn every_release_gives_the_facts_that_its_dumps_give() {
    for generation in Generation::ALL {
        let nas = DatastoreSpec::nfs("nas-a", "7bd04e91-2c6fa835", "192.0.2.9:/nas", 1 << 40);
        let spec = NodeSpec::new("esxi")
            .generation(generation)
            .datastore(nas)
            .vms(vms())
            .python();
        let mut spec = spec.generation(generation);
        spec.clock = Some("2026-11-29T12:00:00Z".parse().unwrap());
        let connected = Connected::start(spec).await;
        connected.node.set_fault(Fault::Question(1)).unwrap();
        connected.node.forget_calls();
        let reading = connected.read().await.unwrap();
        assert_eq!(connected.node.calls().len(), 1, "{generation}");
        assert_eq!(connected.node.hostd_sign_ins(), 1, "{generation}");
        assert_eq!(connected.node.open_soap_sessions(), 0, "{generation}");

        let ids: BTreeSet<Vmid> = reading.vms.keys().copied().collect();
        assert_eq!(reading.inventory, Some(ids.clone()), "{generation}");
        assert_eq!(ids.len(), 6, "{generation}");
        for vmid in ids {
            let command = Command::summary(vmid);
            let output = connected.session.run(&command, LIMIT).await.unwrap();
            let mut dumped = parse::summary(&output.stdout).unwrap();
            let Some(VmReading::Read(read)) = reading.vms.get(&vmid) else {
                panic!("{generation}: VM {vmid} is not read");
            };
            // Before 7.0 only the listing has it.
            dumped.facts.hardware_version = read.facts.hardware_version.clone();
            assert!(read.facts.hardware_version.is_some());
            assert_eq!(**read, dumped, "{generation}");
        }
        let command = Command::host_summary();
        let output = connected.session.run(&command, LIMIT).await.unwrap();
        let host = parse::host_summary(&output.stdout).unwrap();
        assert_eq!(reading.facts, host, "{generation}");
        let command = Command::filesystems();
        let output = connected.session.run(&command, LIMIT).await.unwrap();
        let listed = parse::filesystem_list(&output.stdout).unwrap().rows;
        let listed = listed.into_iter().filter(|volume| volume.holds_vms());
        for volume in listed {
            let space = reading.datastores.get(&volume.path).unwrap();
            assert_eq!(space.name, volume.name, "{generation}");
            assert_eq!(space.capacity_bytes, volume.capacity_bytes);
            assert_eq!(space.free_bytes, volume.free_bytes);
            assert_eq!(space.accessible, Some(volume.accessible));
        }
        assert!(reading.cost.python.is_some());
    }
}

#[tokio::test]
async fn pages_are_followed_and_a_refusal_is_met_with_a_second_try() {
    let connected = Connected::start(NodeSpec::new("esxi").vms(vms()).python()).await;
    let reading = connected.read().await.unwrap();
    let same_vms = |other: &Reading| other.vms.keys().eq(reading.vms.keys());
    for fault in [
        SoapFault::Pages(1),
        SoapFault::Pages(3),
        SoapFault::TicketsRefused(1),
        SoapFault::LoginsRefused(1),
    ] {
        connected
            .node
            .set_fault(Fault::Soap(fault.clone()))
            .unwrap();
        let again = connected.read().await;
        assert!(again.as_ref().is_ok_and(same_vms), "{fault:?}: {again:?}");
        connected.node.clear_faults().unwrap();
    }
    assert_eq!(connected.node.open_soap_sessions(), 0);
}

#[tokio::test]
async fn each_failure_has_its_class() {
    let connected = Connected::start(NodeSpec::new("esxi").vms(vms()).python()).await;
    let python = || Scope::command("python3");
    let says = |words: &str, code| Fault::Says(python(), String::new(), words.to_owned(), code);
    for (fault, class) in [
        (
            says("sh: /bin/python3: Operation not permitted\n", 126),
            "NotPermitted",
        ),
        (says("sh: /bin/python3: not found\n", 127), "NoPython"),
        (
            says(
                "  File \"<stdin>\", line 2\nSyntaxError: invalid syntax\n",
                1,
            ),
            "NoPython",
        ),
        (says("MemoryError\n", 1), "OutOfMemory"),
        (says("", 137), "OutOfMemory"),
        (Fault::Soap(SoapFault::Starting), "HostdDown"),
        (Fault::Soap(SoapFault::TicketsRefused(2)), "SignInRefused"),
        (Fault::Soap(SoapFault::TicketMissing), "SignInRefused"),
        (Fault::Soap(SoapFault::LoginsRefused(2)), "SignInRefused"),
        (Fault::Soap(SoapFault::NoPermission(1)), "NoPermission"),
        (Fault::Soap(SoapFault::UnknownPath), "NotUnderstood"),
        (Fault::Soap(SoapFault::Nonsense), "NotUnderstood"),
        (Fault::Soap(SoapFault::Repeats(2)), "NotUnderstood"),
        (Fault::Soap(SoapFault::CutAfter(0)), "HostdDown"),
        (Fault::Soap(SoapFault::CutAfter(4000)), "HostdDown"),
    ] {
        let shown = format!("{fault:?}");
        let error = connected.refused(fault).await;
        assert!(
            format!("{error:?}").starts_with(class),
            "{shown} is {error:?}"
        );
    }
    let nothing = Connected::start(NodeSpec::new("esxi-02")).await;
    let error = nothing.read().await.unwrap_err();
    assert!(matches!(error, HostdError::NoPython { .. }), "{error:?}");
}

#[tokio::test]
async fn what_only_hostd_says_wrongly_is_a_difference() {
    let connected = Connected::start(NodeSpec::new("esxi").vms(vms()).python()).await;
    let before = connected.read().await.unwrap();
    let wrong = SoapFault::Says(2, "memorySizeMB", "77".to_owned());
    connected.node.set_fault(Fault::Soap(wrong)).unwrap();
    let after = connected.read().await.unwrap();
    let facts = |reading: &Reading| match reading.vms.get(&Vmid(2)) {
        Some(VmReading::Read(vm)) => vm.facts.clone(),
        other => panic!("{other:?}"),
    };
    let (true_facts, wrong_facts) = (facts(&before), facts(&after));
    let found = hostd::differences(Vmid(2), &true_facts, &wrong_facts, &true_facts);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].field, "memory_mb");
    assert_eq!(found[0].read, "77");
}

#[tokio::test]
async fn nothing_is_left_on_the_node() {
    let connected = Connected::start(NodeSpec::new("esxi").vms(vms()).python()).await;
    let files = || -> BTreeSet<String> {
        let mut folders = vec![connected.node.file("/")];
        let mut found = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
                found.insert(entry.path().display().to_string());
            }
        }
        found
    };
    // The host itself writes its list and the ticket.
    connected.read().await.unwrap();
    let before = files();
    connected.read().await.unwrap();
    let new: Vec<String> = files().difference(&before).cloned().collect();
    assert!(
        new.iter().all(|path| path.contains("vmware-hostd-ticket")),
        "{new:?}"
    );
}

/// The next that the program that stays says by itself.
async fn news(follower: &mut hostd::Follower) -> News {
    let news = tokio::time::timeout(LIMIT, follower.news()).await;
    news.unwrap()
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let waited = tokio::time::timeout(LIMIT, waiting).await;
    assert!(waited.is_ok(), "no {what} within {LIMIT:?}");
}

#[tokio::test]
async fn the_program_that_stays_reads_what_the_other_reads_and_says_what_changes() {
    for generation in [Generation::V5_5, Generation::V8_0] {
        let spec = NodeSpec::new("esxi").generation(generation).vms(vms());
        let connected = Connected::start(spec.python()).await;
        let once = connected.read().await.unwrap();
        let mut follower = connected.session.follow().await.unwrap();
        let output = follower.read(LIMIT).await.unwrap();
        let reading = hostd::read(&output).unwrap();
        assert_eq!(
            reading.vms.keys().collect::<Vec<_>>(),
            once.vms.keys().collect::<Vec<_>>()
        );
        assert_eq!(reading.inventory, once.inventory);
        assert_eq!(reading.facts.version, once.facts.version);

        let note = "one\n]]> <objectSet><kind>leave</kind> & two";
        let edit = |vm: &mut ecoman_simulator::Vm| vm.spec.annotation = note.to_owned();
        connected.node.edit_vm(2, edit).unwrap();
        let News::Changed(output) = news(&mut follower).await else {
            panic!("{generation}: no change");
        };
        let changed = hostd::read_vms(&output).unwrap();
        let [(vmid, VmReading::Read(vm))] = &changed.into_iter().collect::<Vec<_>>()[..] else {
            panic!("{generation}: more than VM 2");
        };
        assert_eq!(*vmid, Vmid(2));
        assert_eq!(vm.facts.comment.as_deref(), Some(note));

        connected.node.remove_vm(2).unwrap();
        assert!(matches!(news(&mut follower).await, News::Moved));
        // It goes on in the same session.
        let output = follower.read(LIMIT).await.unwrap();
        assert!(!hostd::read(&output).unwrap().vms.contains_key(&Vmid(2)));
        assert_eq!(connected.node.open_soap_sessions(), 1);
        drop(follower);
        until("sign-out", || connected.node.open_soap_sessions() == 0).await;
    }
}

#[tokio::test]
async fn the_program_that_stays_says_why_it_ends() {
    let connected = Connected::start(NodeSpec::new("esxi").vms(vms()).python()).await;
    let faults = [
        (
            SoapFault::LoginsRefused(u32::MAX),
            "refuses the local login of the user",
        ),
        (SoapFault::NoFilters, "unexpected response of hostd"),
        (SoapFault::Starting, "hostd does not respond"),
    ];
    for (fault, words) in faults {
        connected.node.set_fault(Fault::Soap(fault)).unwrap();
        let mut follower = connected.session.follow().await.unwrap();
        let error = follower.read(LIMIT).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        connected.node.clear_faults().unwrap();
    }
    // While it runs.
    let mut follower = connected.session.follow().await.unwrap();
    follower.read(LIMIT).await.unwrap();
    connected
        .node
        .set_fault(Fault::Soap(SoapFault::Starting))
        .unwrap();
    connected.node.edit_vm(1, |vm| vm.spec.cpus = 7).unwrap();
    let News::Ended(HostdError::HostdDown { .. } | HostdError::CutOff { .. }) =
        news(&mut follower).await
    else {
        panic!("it goes on");
    };
    connected.node.clear_faults().unwrap();

    let mut follower = connected.session.follow().await.unwrap();
    follower.read(LIMIT).await.unwrap();
    connected.node.cut_connections().unwrap();
    assert!(matches!(news(&mut follower).await, News::Ended(_)));

    let without = Connected::start(NodeSpec::new("esxi").vms(vms())).await;
    let mut follower = without.session.follow().await.unwrap();
    let error = follower.read(LIMIT).await.unwrap_err();
    assert!(matches!(error, HostdError::NoPython { .. }), "{error}");
}
