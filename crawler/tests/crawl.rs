//! The crawler against simulated nodes behind a real sshd, recording into the embedded store.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail as the test does"
)]

mod bench;
mod following;
mod reading;
mod refresh_requests;
mod sharing;

use std::time::Duration;

use ecoman_crawler::CrawlerError;
use ecoman_model::{FailureKind, HOSTS_WARNING, NodeState, PowerState};
use ecoman_simulator::{DatastoreSpec, Fault, HostdDown, NodeSpec, Power, Scope, VmSpec};

use crate::bench::{Bench, node};

#[tokio::test(flavor = "multi_thread")]
async fn of_a_listing_in_an_unknown_layout_each_id_is_asked_for() {
    // The last column is not padded, there is one more, and a note has lines that begin with numbers.
    const LISTED: &str = "Vmid   Name   UUID   File   Guest OS   Version   Annotation\n\
                          1   web   5e-1   [datastore1] web/web.vmx   otherGuest   vmx-13   wine\n\
                          99 bottles\n\
                          2   db   5e-2   [datastore1] db/db.vmx   otherGuest   vmx-13\n\
                          4   new   5e-4   [datastore1] new/new.vmx   otherGuest   vmx-13\n";
    let vms = ["web", "db", "unlisted"].map(VmSpec::new);
    let node = node(NodeSpec::new("hoge").vms(vms));
    let bench = Bench::new(&[&node]).await;
    bench.crawler().once().await.expect("a round");
    let names = |state: &NodeState| -> Vec<_> {
        let vms = state.vms.iter();
        vms.map(|vm| (vm.key.vmid.0, vm.facts.name.clone().unwrap_or_default()))
            .collect()
    };
    let before = bench.state("hoge").await;
    assert_eq!(names(&before).len(), 3);

    node.remove_vm(2).unwrap();
    assert_eq!(node.add_vm(VmSpec::new("new")).unwrap(), 4);
    let listing = Scope::command("getallvms");
    node.set_fault(Fault::Says(listing, LISTED.to_owned(), String::new(), 0))
        .unwrap();
    bench.crawler().once().await.expect("a round");

    let state = bench.state("hoge").await;
    assert_eq!(state.node.failure, None);
    let expected = [(1, "web"), (3, "unlisted"), (4, "new")];
    assert_eq!(
        names(&state),
        expected.map(|(id, name)| (id, name.to_owned()))
    );
    assert!(state.vms.iter().all(|vm| vm.failure.is_none()));
    let [warning] = &state.node.warnings[..] else {
        panic!("{:?}", state.node.warnings);
    };
    assert!(
        warning.contains("layout of `vim-cmd vmsvc/getallvms` is unknown"),
        "{warning}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn once_records_every_vm_of_every_node_as_it_is() {
    let one = node(NodeSpec::demo(0, 12));
    let two = node(NodeSpec::demo(1, 12));
    let bench = Bench::new(&[&one, &two]).await;

    let report = bench.crawler().once().await.expect("a round");

    assert_eq!(report.failed, []);
    assert_eq!(report.answered.len(), 2);
    for node in [&one, &two] {
        let state = bench.state(node.name()).await;
        assert_eq!(state.node.failure, None);
        assert_eq!(state.node.warnings, Vec::<String>::new());
        let facts = state.node.facts.expect("facts of the node");
        assert!(facts.memory_bytes > Some(0) && facts.cpu_cores > Some(0));
        assert!(
            facts
                .datastores
                .iter()
                .any(|volume| volume.free_bytes.is_some())
        );
        assert!(
            facts
                .port_groups
                .iter()
                .any(|group| group.name == "VM Network")
        );
        let images: Vec<_> = facts.iso_images.iter().map(|image| &image.path).collect();
        let installer = &state.node.settings.installer_iso_path;
        assert!(images.contains(&installer), "{images:?}");
        assert_eq!(facts.setup_read_at, state.node.observed_at);
        assert!(
            facts.version.update.is_some(),
            "the version command says more than the summary"
        );
        let truth = node.vms();
        assert_eq!(state.vms.len(), truth.len());
        for (seen, vm) in state.vms.iter().zip(truth) {
            assert_eq!(seen.key.vmid.0, vm.id);
            assert_eq!(seen.failure, None);
            assert_eq!(seen.facts.name.as_deref(), Some(vm.spec.name.as_str()));
            assert_eq!(seen.facts.cpus, Some(vm.spec.cpus));
            assert_eq!(seen.facts.memory_mb, Some(vm.spec.memory_mb));
            assert_eq!(
                seen.facts.comment.as_deref().unwrap_or(""),
                vm.spec.annotation
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_cannot_be_read_is_a_warning_and_costs_no_iso_image() {
    let node = node(NodeSpec::demo(0, 2));
    let bench = Bench::new(&[&node]).await;
    bench.crawler().once().await.expect("a round");
    let before = bench.state(node.name()).await.node.facts.expect("facts");
    assert_ne!(before.iso_images, []);
    // A volume that is listed and is not there.
    node.edit(|spec| {
        let mut gone = spec.datastores[0].clone();
        gone.name = "gone".to_owned();
        gone.uuid = "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b99".to_owned();
        spec.datastores.push(gone);
    });
    let new = "/vmfs/volumes/datastore1/os-images/a-new-one.iso";
    std::fs::write(node.file(new), "").unwrap();

    bench.crawler().once().await.expect("a round");

    let state = bench.state(node.name()).await;
    assert_eq!(state.node.failure, None);
    let [warning] = &state.node.warnings[..] else {
        panic!("{:?}", state.node.warnings);
    };
    let expected = "the list of ISO images is incomplete: find: /vmfs/volumes/gone/: No such file";
    assert!(warning.contains(expected), "{warning}");
    let after = state.node.facts.expect("facts");
    let (added, rest): (Vec<_>, Vec<_>) = after
        .iso_images
        .into_iter()
        .partition(|image| image.path == new);
    assert_eq!((added.len(), rest), (1, before.iso_images));
    assert_eq!(after.setup_read_at, before.setup_read_at);
    assert_eq!(state.vms.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_says_which_nodes_did_not_answer_and_records_the_others() {
    let good = node(NodeSpec::new("good").vm(VmSpec::new("a")));
    let away = node(NodeSpec::new("away").vm(VmSpec::new("b")));
    let liar = node(NodeSpec::new("liar").vm(VmSpec::new("c")));
    let stranger = node(NodeSpec::new("stranger").vm(VmSpec::new("d")));
    let closed = node(NodeSpec::new("closed").vm(VmSpec::new("e")));
    let hangs = node(NodeSpec::new("hangs").vm(VmSpec::new("f")));
    let mute = node(NodeSpec::new("mute").vm(VmSpec::new("g")));
    let no_hostd = node(NodeSpec::new("no-hostd").vm(VmSpec::new("h")));
    let bench = Bench::new(&[
        &good, &away, &liar, &stranger, &closed, &hangs, &mute, &no_hostd,
    ])
    .await;
    away.stop().unwrap();
    liar.set_fault(Fault::Garbage(Scope::command("getallvms")))
        .unwrap();
    stranger.set_fault(Fault::WrongHostKey).unwrap();
    closed.set_fault(Fault::AuthenticationRefused).unwrap();
    hangs
        .set_fault(Fault::Hang(Scope::command("getallvms")))
        .unwrap();
    mute.set_fault(Fault::Unresponsive).unwrap();
    no_hostd
        .set_fault(Fault::HostdDown(HostdDown::ConnectionReset))
        .unwrap();

    let report = bench.crawler().once().await.expect("a round");

    assert_eq!(report.answered, [("good".parse().unwrap(), 1)]);
    let kinds: Vec<_> = report
        .failed
        .iter()
        .map(|(name, failure)| (name.as_str(), failure.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("away", FailureKind::Unreachable),
            ("liar", FailureKind::Protocol),
            ("stranger", FailureKind::HostKey),
            ("closed", FailureKind::Authentication),
            ("hangs", FailureKind::Timeout),
            ("mute", FailureKind::Timeout),
            ("no-hostd", FailureKind::Hostd),
        ]
    );
    for (name, failure) in &report.failed {
        assert!(
            failure.message.contains(name.as_str()),
            "{}",
            failure.message
        );
        assert!(!failure.hint.is_empty());
        let state = bench.state(name.as_str()).await;
        assert_eq!(state.node.failure.as_ref(), Some(failure));
        assert_eq!(state.node.observed_at, None);
    }
    assert!(
        report
            .failed
            .iter()
            .any(|(_, failure)| failure.hint.contains("ecoman trust stranger"))
    );
    assert_eq!(bench.state("good").await.vms.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_away_keeps_its_vms_and_is_fresh_when_it_comes_back() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web").on())
            .vm(VmSpec::new("db")),
    );
    let bench = Bench::new(&[&node]).await;
    let running = bench.start();
    let before = bench.until("both VMs", |state| state.vms.len() == 2).await;

    node.stop().unwrap();
    let away = bench
        .until("a failure", |state| state.node.failure.is_some())
        .await;
    let failure = away.node.failure.clone().unwrap();
    assert!(
        matches!(
            failure.kind,
            FailureKind::Unreachable | FailureKind::Disconnected
        ),
        "{failure:?}"
    );
    assert_eq!(away.vms.len(), 2);
    assert!(away.node.observed_at >= before.node.observed_at);

    let later = bench
        .until("another failure", |state| {
            state.node.attempted_at > away.node.attempted_at
        })
        .await;
    let since = later.node.failure.map(|failure| failure.since);
    assert_eq!(since, Some(failure.since), "since when, not when last");

    node.start_again().unwrap();
    let back = bench
        .until("an answer", |state| state.node.failure.is_none())
        .await;
    assert_eq!(back.vms.len(), 2);
    assert!(back.node.observed_at > away.node.observed_at);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_that_come_change_and_go_are_followed() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web").on())
            .vm(VmSpec::new("db")),
    );
    let bench = Bench::new(&[&node]).await;
    let running = bench.start();
    bench.until("both VMs", |state| state.vms.len() == 2).await;

    let added = node.add_vm(VmSpec::new("new")).unwrap();
    let db = node.vm_named("db").unwrap().id;
    node.edit_vm(db, |vm| vm.spec.annotation = "changed".to_owned())
        .unwrap();
    let web = node.vm_named("web").unwrap().id;
    node.remove_vm(web).unwrap();
    let after = bench
        .until("the new VM and the change", |state| {
            state.vms.iter().any(|vm| vm.key.vmid.0 == added)
                && state
                    .vms
                    .iter()
                    .any(|vm| vm.facts.comment.as_deref() == Some("changed"))
                && state.vms.iter().all(|vm| vm.key.vmid.0 != web)
        })
        .await;
    assert_eq!(after.vms.len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_cannot_be_read_keeps_its_facts_with_the_reason() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web").on())
            .vm(VmSpec::new("db")),
    );
    let web = node.vm_named("web").unwrap().id;
    let summary_of_web = || Scope::command("get.summary").and_vm(web);
    let bench = Bench::new(&[&node]).await;
    let running = bench.start();
    let before = bench.until("both VMs", |state| state.vms.len() == 2).await;
    let facts = |state: &NodeState| {
        state
            .vms
            .iter()
            .find(|vm| vm.key.vmid.0 == web)
            .cloned()
            .expect("the VM")
    };

    for fault in [
        Fault::Garbage(summary_of_web()),
        Fault::Truncated(summary_of_web(), 700),
        Fault::Hang(summary_of_web()),
    ] {
        node.set_fault(fault.clone()).unwrap();
        let unread = bench
            .until("an unread VM", |state| facts(state).failure.is_some())
            .await;
        assert_eq!(
            unread.node.failure, None,
            "{fault:?}: the node itself is well"
        );
        assert_eq!(unread.vms.len(), 2);
        assert_eq!(facts(&unread).facts.name.as_deref(), Some("web"));
        assert_eq!(facts(&unread).facts.power, PowerState::On);
        assert_eq!(facts(&unread).facts.uuid, facts(&before).facts.uuid);
        assert!(
            unread
                .node
                .warnings
                .iter()
                .any(|text| text.contains(&format!("VM {web}"))),
            "{:?}",
            unread.node.warnings
        );
        node.clear_faults().unwrap();
        bench
            .until("a VM that is read again", |state| {
                facts(state).failure.is_none()
            })
            .await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_address_is_remembered_while_a_vm_reports_none() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").on().ip("192.0.2.17")));
    let bench = Bench::new(&[&node]).await;
    let read = async || {
        bench.crawler().once().await.expect("a round");
        bench.state(node.name()).await
    };
    let on = read().await;
    assert_eq!(
        on.vms[0].facts.ip_address.as_deref(),
        Some("192.0.2.17"),
        "the fixture"
    );
    assert!(on.vms[0].last_known.is_empty());
    let seen_at = on.vms[0].seen_at(&on.node);
    let check = |state: &NodeState, what: &str| {
        let known = &state.vms[0].last_known;
        for (last, value) in [(&known.ip_address, "192.0.2.17"), (&known.hostname, "web")] {
            let last = last.as_ref().expect(what);
            assert_eq!(
                (last.value.as_str(), last.seen_at),
                (value, seen_at),
                "{what}"
            );
        }
    };

    node.edit_vm(1, |vm| vm.power = Power::Off).unwrap();
    let off = read().await;
    assert_eq!(off.vms[0].facts.power, PowerState::Off);
    assert_eq!(off.vms[0].facts.ip_address, None);
    check(&off, "off");
    check(&read().await, "still off");

    node.set_fault(Fault::Garbage(Scope::command("get.summary").and_vm(1)))
        .unwrap();
    let unread = read().await;
    assert_ne!(unread.vms[0].failure, None);
    check(&unread, "a reading that fails is no reading");
    node.clear_faults().unwrap();

    node.edit_vm(1, |vm| {
        vm.power = Power::On;
        vm.spec.guest.ip_addresses = Vec::new();
        vm.spec.guest.host_name = None;
    })
    .unwrap();
    let starting = read().await;
    assert_eq!(starting.vms[0].facts.power, PowerState::On);
    check(&starting, "on, and the guest reports none");

    let other = vec!["192.0.2.18".to_owned()];
    node.edit_vm(1, |vm| vm.spec.guest.ip_addresses = other)
        .unwrap();
    let moved = read().await;
    assert_eq!(moved.vms[0].facts.ip_address.as_deref(), Some("192.0.2.18"));
    assert_eq!(moved.vms[0].last_known.ip_address, None);
    assert_ne!(moved.vms[0].last_known.hostname, None);
}

/// What a node may say of a VM whose files are away: nothing of it means that the VM is gone.
const FILES_AWAY: [(&str, &str, u8, &str); 8] = [
    (
        include_str!("../../crates/esxi/tests/data/samples/get.summary.file-not-found.7.0.txt"),
        "",
        1,
        "File [usb backup] db/db.vmx was not found",
    ),
    (
        include_str!("../../crates/esxi/tests/data/samples/get.summary.invalid-path.7.0.txt"),
        "",
        1,
        "Invalid datastore path '[usb backup] db/db.vmx'",
    ),
    (
        "",
        include_str!("../../crates/esxi/tests/data/samples/get.summary.library-gone.stderr.txt"),
        127,
        "libvim.so: cannot open shared object file",
    ),
    ("", "Killed\n", 137, "Killed (exit code 137)"),
    (
        "",
        "sh: /bin/vim-cmd: Input/output error\n",
        126,
        "Input/output error (exit code 126)",
    ),
    ("", "", 1, "Exit code 1, no output"),
    (
        "(vim.fault.NotFound) {\n   msg = \"Unable to find a VM corresponding to \"40\"\"\n}\n",
        "",
        1,
        "corresponding to \"40\"",
    ),
    (
        "(vmodl.fault.ManagedObjectNotFound) {\n   faultMessage = <unset>, \n   obj = \
         'vim.Datastore:2'\n   msg = \"The object 'vim.Datastore:2' has already been deleted or has \
         not been completely created\"\n}\n",
        "",
        1,
        "'vim.Datastore:2' has already been deleted",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_vm_whose_files_are_away_stays_with_its_facts_and_the_reason() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web").on())
            .vm(VmSpec::new("db").on()),
    );
    let db = node.vm_named("db").unwrap().id;
    let bench = Bench::new(&[&node]).await;
    bench.crawler().once().await.expect("a round");
    for (stdout, stderr, exit, words) in FILES_AWAY {
        node.set_fault(Fault::Says(
            Scope::command("get.summary").and_vm(db),
            stdout.to_owned(),
            stderr.to_owned(),
            exit,
        ))
        .unwrap();
        bench.crawler().once().await.expect("a round");
        let state = bench.state("hoge").await;
        assert_eq!(state.vms.len(), 2, "{words}");
        let vm = state.vms.iter().find(|vm| vm.key.vmid.0 == db).unwrap();
        assert_eq!(vm.facts.power, PowerState::On);
        let failure = vm.failure.as_deref().unwrap_or_default();
        assert!(failure.contains(words), "{failure}");
        let [warning] = &state.node.warnings[..] else {
            panic!("{:?}", state.node.warnings);
        };
        assert!(warning.contains(words), "{warning}");
        node.clear_faults().unwrap();
    }
    // All of them at once: nothing is lost either.
    let (stdout, stderr, exit, _) = FILES_AWAY[2];
    node.set_fault(Fault::Says(
        Scope::command("get.summary"),
        stdout.to_owned(),
        stderr.to_owned(),
        exit,
    ))
    .unwrap();
    bench.crawler().once().await.expect("a round");
    assert_eq!(bench.state("hoge").await.vms.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_esxcli_cannot_read_is_a_warning_and_costs_no_other() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await;
    let list = include_str!(
        "../../crates/esxi/tests/data/samples/esxcli.storage.filesystem.list.csv.errors-first.6.5.txt"
    );
    node.set_fault(Fault::Says(
        Scope::command("filesystem"),
        list.to_owned(),
        String::new(),
        0,
    ))
    .unwrap();
    let report = bench.crawler().once().await.expect("a round");
    let state = bench.state("hoge").await;
    assert_eq!(
        report.warnings,
        [("hoge".parse().unwrap(), state.node.warnings.clone())]
    );
    let facts = state.node.facts.expect("facts");
    assert_eq!(facts.datastores.len(), 1);
    assert!(
        state.node.warnings[0].contains("Cannot open volume: /vmfs/volumes/5f0a1b2c"),
        "{:?}",
        state.node.warnings
    );
    node.clear_faults().unwrap();
    node.set_fault(Fault::Says(
        Scope::command("filesystem"),
        String::new(),
        include_str!(
            "../../crates/esxi/tests/data/samples/esxcli.storage.filesystem.list.traceback.stderr.txt"
        )
        .to_owned(),
        1,
    ))
    .unwrap();
    bench.crawler().once().await.expect("a round");
    let warnings = bench.state("hoge").await.node.warnings;
    assert!(
        warnings[0].contains("ImportError: cannot import name Session"),
        "{warnings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_stands_still_costs_no_vm_and_is_warned_about_as_long_as_it_does() {
    let mut spec = NodeSpec::new("hoge").vm(VmSpec::new("web"));
    let nas = "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b99";
    spec.datastores.insert(
        0,
        DatastoreSpec::nfs("nas", nas, "nas.example.org:/vms", 1 << 40).file("a.iso", 1),
    );
    let node = node(spec);
    let installer = "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso".to_owned();
    let stands_still = Fault::Hang(Scope::command("/vmfs/volumes/nas/"));
    node.set_fault(stands_still.clone()).unwrap();
    let no_port_groups = Fault::Says(
        Scope::command("portgroup"),
        String::new(),
        "No such switch\n".to_owned(),
        1,
    );
    node.set_fault(no_port_groups.clone()).unwrap();
    let bench = Bench::with_timeout(&[&node], Duration::from_secs(8)).await;
    let running = bench.start();

    // The VMs are there while the search stands still.
    let first = bench.until("the VM", |state| state.vms.len() == 1).await;
    assert_eq!(first.node.facts.expect("facts").iso_images, []);
    let warned = |state: &NodeState| {
        let has = |words: &str| state.node.warnings.iter().any(|text| text.contains(words));
        (
            has("the list of ISO images is incomplete"),
            has("No such switch"),
        )
    };
    let mut state = bench
        .until("a warning", |state| warned(state) == (true, true))
        .await;
    let warnings = &state.node.warnings;
    assert!(
        warnings
            .iter()
            .any(|text| text.contains("/vmfs/volumes/nas/"))
    );
    for _ in 0..2 {
        let seen = state.node.observed_at;
        state = bench
            .until("another round", |state| state.node.observed_at > seen)
            .await;
        assert_eq!(warned(&state), (true, true), "{:?}", state.node.warnings);
        let facts = state.node.facts.as_ref().expect("facts");
        let images: Vec<_> = facts.iso_images.iter().map(|image| &image.path).collect();
        assert_eq!(images, [&installer]);
        assert_eq!(facts.setup_read_at, None);
    }

    // The setup is read again over a new connection; until then the warnings stay.
    node.clear_fault(&stands_still).unwrap();
    node.clear_fault(&no_port_groups).unwrap();
    node.cut_connections().unwrap();
    let state = bench
        .until("the end of the warnings", |state| {
            state.node.warnings.is_empty()
        })
        .await;
    let facts = state.node.facts.expect("facts");
    assert_eq!(facts.iso_images.len(), 2);
    assert!(facts.setup_read_at.is_some());

    // What was known of it stays, in each later round with the warning.
    node.set_fault(stands_still).unwrap();
    node.cut_connections().unwrap();
    let mut state = bench
        .until("the warning again", |state| warned(state) == (true, false))
        .await;
    for _ in 0..3 {
        let seen = state.node.observed_at;
        state = bench
            .until("another round", |state| state.node.observed_at > seen)
            .await;
        assert_eq!(warned(&state), (true, false), "{:?}", state.node.warnings);
        let known = state.node.facts.as_ref().expect("facts");
        assert_eq!(known.iso_images, facts.iso_images);
        assert_eq!(known.setup_read_at, facts.setup_read_at);
        assert_eq!(state.vms.len(), 1);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_node_costs_the_others_nothing_and_is_reported_by_name() {
    let hostile = node(
        NodeSpec::new("hostile").vms((0..30).map(|index| VmSpec::new(&format!("vm-{index}")))),
    );
    let good = node(NodeSpec::new("good").vm(VmSpec::new("b")));
    let bench = Bench::with_timeout(&[&hostile, &good], Duration::from_secs(20)).await;
    let running = bench.start();
    bench
        .until_of("hostile", "all VMs", |state| state.vms.len() == 30)
        .await;
    let says =
        |command: &str, text: String| Fault::Says(Scope::command(command), text, String::new(), 0);
    let row = |id: u32| {
        format!(
            "{id:<6}   n      [datastore1] n/n.vmx   otherGuest   vmx-19    {:10}\n",
            ""
        )
    };
    let header = "Vmid     Name          File           Guest OS    Version   Annotation\n";
    let rows: String = (1..=10_000).map(row).collect();
    for (fault, words) in [
        (
            says("filesystem", "a,".repeat(10_000_000)),
            "printed more than 1 MiB",
        ),
        (
            says("getallvms", "x".repeat(40_000_000)),
            "printed more than 256 KiB",
        ),
        (
            says("getallvms", format!("{header}{rows}")),
            "cannot be read",
        ),
        (
            says("getallvms", format!("{header}{}", rows.repeat(10))),
            "printed more than 1 MiB",
        ),
        (
            says("get.summary", "(vim.vm.Summary) {\n".repeat(100_000)),
            "printed more than 1 MiB",
        ),
    ] {
        hostile.set_fault(fault).unwrap();
        let state = bench
            .until_of("hostile", "the reason", |state| {
                let failure = state.node.failure.as_ref().map(|failure| &failure.message);
                let reasons = state.node.warnings.iter().chain(failure);
                reasons.clone().any(|text| text.contains(words))
            })
            .await;
        assert_eq!(state.vms.len(), 30, "{words}");
        // The other node goes on at its interval.
        let mut seen = bench.state("good").await.node.observed_at;
        for _ in 0..2 {
            let began = std::time::Instant::now();
            let now = bench
                .until_of("good", "a round", |state| state.node.observed_at > seen)
                .await;
            seen = now.node.observed_at;
            assert!(began.elapsed() < Duration::from_secs(10), "{words}");
        }
        hostile.clear_faults().unwrap();
        bench
            .until_of("hostile", "a good round", |state| {
                state.node.failure.is_none() && state.node.warnings.is_empty()
            })
            .await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_is_cut_short_removes_nothing() {
    let vms = (0..20).map(|index| VmSpec::new(&format!("vm-{index}")));
    let node = node(NodeSpec::new("hoge").vms(vms));
    let bench = Bench::new(&[&node]).await;
    let running = bench.start();
    bench.until("all VMs", |state| state.vms.len() == 20).await;

    for length in [0, 60, 500, 1000] {
        node.set_fault(Fault::Truncated(Scope::command("getallvms"), length))
            .unwrap();
        let cut = bench
            .until("a failure", |state| state.node.failure.is_some())
            .await;
        assert_eq!(
            cut.node.failure.map(|failure| failure.kind),
            Some(FailureKind::Protocol)
        );
        assert_eq!(cut.vms.len(), 20, "cut at {length} bytes");
        node.clear_faults().unwrap();
        let whole = bench
            .until("an answer", |state| state.node.failure.is_none())
            .await;
        assert_eq!(whole.vms.len(), 20);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_vanishes_between_listing_and_reading_is_gone_and_no_fault() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web"))
            .vm(VmSpec::new("db")),
    );
    let web = node.vm_named("web").unwrap().id;
    let bench = Bench::new(&[&node]).await;
    node.set_fault(Fault::Vanishing(web)).unwrap();

    let report = bench.crawler().once().await.expect("a round");

    assert_eq!(report.answered, [("hoge".parse().unwrap(), 1)]);
    let state = bench.state("hoge").await;
    assert_eq!(state.node.warnings, Vec::<String>::new());
    assert_eq!(
        state
            .vms
            .iter()
            .map(|vm| vm.key.vmid.0 == web)
            .collect::<Vec<_>>(),
        [false]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_the_node_cannot_load_stays_on_the_list_with_what_is_known() {
    let node = node(
        NodeSpec::new("hoge")
            .vm(VmSpec::new("web"))
            .vm(VmSpec::new("db")),
    );
    let web = node.vm_named("web").unwrap().id;
    let bench = Bench::new(&[&node]).await;
    bench.crawler().once().await.expect("a round");
    node.set_fault(Fault::InvalidVm(web)).unwrap();

    bench.crawler().once().await.expect("a round");

    let state = bench.state("hoge").await;
    let vm = state
        .vms
        .iter()
        .find(|vm| vm.key.vmid.0 == web)
        .expect("the invalid VM");
    assert_eq!(vm.facts.name.as_deref(), Some("web"));
    assert_eq!(vm.facts.connection_state.as_deref(), Some("invalid"));
    assert!(vm.failure.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_allows_one_session_is_crawled_all_the_same() {
    let vms = (0..10).map(|index| VmSpec::new(&format!("vm-{index}")));
    let node = node(NodeSpec::new("stig").vms(vms));
    node.set_fault(Fault::MaxSessions(1)).unwrap();
    let bench = Bench::new(&[&node]).await;

    let report = bench.crawler().once().await.expect("a round");

    assert_eq!(report.answered, [("stig".parse().unwrap(), 10)]);
    assert_eq!(
        bench.state("stig").await.node.warnings,
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_cut_between_rounds_is_made_again_within_the_round() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await;
    let running = bench.start();
    let before = bench.until("the VM", |state| state.vms.len() == 1).await;

    node.cut_connections().unwrap();
    let after = bench
        .until("two more rounds", |state| {
            assert_eq!(state.node.failure, None);
            node.logins() == 2 && state.node.observed_at > before.node.observed_at
        })
        .await;
    assert_eq!(after.vms.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_not_repeated_until_the_node_is_changed_in_hosts_yml() {
    let refused = node(NodeSpec::new("refused").vm(VmSpec::new("a")));
    let other = node(NodeSpec::new("other").vm(VmSpec::new("b")));
    let bench = Bench::new(&[&refused, &other]).await;
    refused.set_fault(Fault::AuthenticationRefused).unwrap();
    let running = bench.start();
    bench
        .until_of("refused", "a failure", |state| {
            state
                .node
                .failure
                .as_ref()
                .is_some_and(|why| why.kind == FailureKind::Authentication)
        })
        .await;

    // Three rounds of the other node: three times in which the first could have been asked.
    for _ in 0..3 {
        let seen = bench
            .maybe_state("other")
            .await
            .and_then(|state| state.node.observed_at);
        bench
            .until_of("other", "a round", |state| state.node.observed_at > seen)
            .await;
    }
    assert_eq!(
        refused.connections(),
        1,
        "a second login would bring the account nearer to a lock"
    );

    refused.clear_faults().unwrap();
    bench.write_hosts(&[&refused, &other], "  max_sessions: 3\n");
    bench
        .until_of("refused", "an answer", |state| state.node.failure.is_none())
        .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_yml_is_followed_and_a_broken_one_keeps_the_last_good_one() {
    let one = node(NodeSpec::new("one").vm(VmSpec::new("a")));
    let two = node(NodeSpec::new("two").vm(VmSpec::new("b")));
    let bench = Bench::new(&[&one]).await;
    let running = bench.start();
    bench
        .until_of("one", "its VM", |state| state.vms.len() == 1)
        .await;

    bench.write_hosts(&[&one, &two], "");
    bench
        .until_of("two", "its VM", |state| state.vms.len() == 1)
        .await;

    std::fs::write(bench.hosts_path(), "one: [").unwrap();
    let warns = |state: &NodeState| {
        let mut warnings = state.node.warnings.iter();
        warnings.any(|warning| warning.starts_with(HOSTS_WARNING))
    };
    for name in ["one", "two"] {
        bench.until_of(name, "a warning of hosts.yml", warns).await;
    }
    let seen = bench.state("two").await.node.observed_at;
    bench
        .until_of("two", "a round", |state| state.node.observed_at > seen)
        .await;

    bench.write_hosts(&[&two], "");
    bench.until_forgotten("one").await;
    bench
        .until_of("two", "no such warning", |state| !warns(state))
        .await;
    assert_eq!(bench.state("two").await.vms.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_node_costs_the_others_nothing() {
    let slow = node(NodeSpec::new("slow").vm(VmSpec::new("a")));
    let quick = node(NodeSpec::new("quick").vm(VmSpec::new("b")));
    let bench = Bench::with_timeout(&[&slow, &quick], Duration::from_secs(600)).await;
    slow.set_fault(Fault::Hang(Scope::command("getallvms")))
        .unwrap();
    let running = bench.start();
    for _ in 0..3 {
        let seen = bench
            .maybe_state("quick")
            .await
            .and_then(|state| state.node.observed_at);
        bench
            .until_of("quick", "a round", |state| state.node.observed_at > seen)
            .await;
    }
    assert!(
        bench.maybe_state("slow").await.is_none(),
        "its first round has not ended"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_the_store_could_not_take_is_recorded_when_it_is_back() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await;
    let running = bench.start();
    bench.until("the VM", |state| state.vms.len() == 1).await;

    bench.store().go_away();
    bench.store().until_refused(1).await;
    let added = node.add_vm(VmSpec::new("new")).unwrap();
    // Two more writes are refused: at least one whole round has seen the new VM.
    bench.store().until_refused(3).await;
    node.stop().unwrap();
    bench.store().come_back();
    bench
        .until("the VM that was seen while the store was away", |state| {
            state.vms.iter().any(|vm| vm.key.vmid.0 == added)
        })
        .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_fails_the_one_round() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::new(&[&node]).await;
    bench.store().go_away();
    let error = bench.crawler().once().await.expect_err("no store");
    assert!(matches!(error, CrawlerError::Store(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_leaves_no_connection_behind() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let bench = Bench::with_timeout(&[&node], Duration::from_secs(600)).await;
    let running = bench.start();
    bench.until("the VM", |state| state.vms.len() == 1).await;
    node.set_fault(Fault::Hang(Scope::command("getallvms")))
        .unwrap();
    bench
        .condition("a call that hangs", || {
            node.calls().iter().any(|call| {
                matches!(call.outcome, ecoman_simulator::CallOutcome::Running)
                    && call.line().contains("getallvms")
            })
        })
        .await;
    running.stop().await;
    bench
        .condition("the end of the remote call", || {
            node.calls()
                .iter()
                .all(|call| !matches!(call.outcome, ecoman_simulator::CallOutcome::Running))
        })
        .await;
}
