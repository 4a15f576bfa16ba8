//! What every store has to do, whatever it keeps things in: one suite, run on each of them.

mod audit;
mod history;
mod pending;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use ecoman_model::{
    Choice, Datastore, FailureKind, IsoImage, LastKnown, LastValue, NodeFacts, NodeFailure,
    NodeName, NodeRecord, NodeSettings, NodeState, PortGroup, PowerState, Question, Round,
    RoundVms, Timestamp, VersionFacts, VmFacts, VmKey, VmRecord, Vmid,
};
use ecoman_store::{Store, StoreError, Written};
use tokio::time::{Instant, timeout};

/// A store's own test makes one of these, empty, for each test of the suite.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// A handle of the store, beside those that there are.
    async fn handle(&self) -> Box<dyn Store>;

    /// Closes the store as a process does that ends, and opens it again.
    async fn reopen(&mut self);
}

/// Makes a test of each function of the suite; `$place` makes the [`Place`].
macro_rules! contract_tests {
    ($place:expr) => {
        contract_tests!(@each $place;
            every_field_comes_back_as_it_went_in
            what_is_not_known_stays_unknown
            a_comment_of_a_megabyte_comes_back
            vms_are_ordered_by_number
            an_empty_node_is_a_node
            a_node_that_was_never_recorded_is_not_there
            a_vm_that_is_gone_is_removed
            a_node_that_did_not_answer_keeps_its_vms
            a_round_writes_only_what_changed
            a_round_that_contradicts_itself_is_refused
            a_revision_moves_with_every_change_and_with_nothing_else
            one_vm_is_recorded_on_its_own
            nodes_that_are_no_longer_wanted_are_forgotten
            a_node_that_comes_back_has_another_revision
            nodes_with_similar_names_do_not_mix
            rounds_on_many_nodes_run_side_by_side
            a_waiting_reader_hears_at_once_what_it_missed
            a_waiting_reader_hears_of_every_kind_of_change
            a_reader_never_sees_half_a_round
            a_round_that_was_cut_off_can_be_made_again
            everything_is_there_after_a_restart
            every_field_of_a_task_comes_back_as_it_went_in
            a_store_without_tasks_says_so
            of_equal_requests_at_the_same_time_one_becomes_a_task
            a_key_is_that_of_its_actor_until_it_is_given_up
            a_task_that_was_added_can_be_added_again
            a_task_that_has_ended_stays_as_it_is
            more_may_be_reported_of_a_failure
            of_several_ends_at_the_same_time_one_holds
            tasks_come_newest_first_in_pages
            a_waiting_reader_hears_of_every_change_of_a_task
            a_reader_hears_at_once_of_tasks_that_it_missed
            no_change_of_a_task_is_missed_among_many_writers
            a_change_of_a_task_that_was_cut_off_can_be_made_again
            the_oldest_tasks_that_have_ended_are_forgotten
            notes_are_left_seen_and_removed
            a_change_that_waits_comes_with_its_node_until_it_is_taken_back
            a_change_that_waits_goes_with_its_vm
            only_the_change_that_is_meant_is_taken_back
            every_field_of_an_audit_entry_comes_back_as_it_went_in
            a_store_without_audit_entries_says_so
            an_audit_entry_with_the_same_id_is_replaced_whole
            the_end_of_a_task_replaces_its_pending_audit_entry
            audit_entries_of_many_writers_are_all_there_once
            audit_entries_are_found_by_each_filter_and_by_several
            audit_entries_of_a_time_are_found_to_the_nanosecond
            audit_entries_come_newest_first_in_pages
            old_audit_entries_are_forgotten
            an_audit_entry_that_was_cut_off_can_be_recorded_again
            events_say_what_changed_outside_ecoman
            a_reading_that_failed_is_no_event
            a_change_by_a_task_is_one_line
            a_task_that_failed_hides_no_change
            an_address_that_flaps_is_one_event
            the_history_comes_newest_first_in_pages_and_by_each_filter
            old_events_are_forgotten
        );
    };
    (@each $place:expr; $($name:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                contract::$name(&mut $place).await;
            }
        )+
    };
}
pub(crate) use audit::*;
pub(crate) use contract_tests;
pub(crate) use history::*;
pub(crate) use pending::*;
pub(crate) use tasks::*;

/// The largest number of a record: what parsers take, and BSON can keep.
const MOST: u64 = i64::MAX.unsigned_abs();

/// Long enough for a machine under load; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn every_field_comes_back_as_it_went_in(place: &mut impl Place) {
    let store = place.handle().await;
    let failures = [
        FailureKind::Configuration,
        FailureKind::Unreachable,
        FailureKind::HostKey,
        FailureKind::Authentication,
        FailureKind::Timeout,
        FailureKind::Disconnected,
        FailureKind::Hostd,
        FailureKind::Protocol,
    ];
    for kind in failures {
        let mut node = full_node("ノード 1");
        if let Some(failure) = &mut node.failure {
            failure.kind = kind;
        }
        let vms = [
            PowerState::On,
            PowerState::Off,
            PowerState::Suspended,
            PowerState::Unknown,
        ];
        let vms = (0..)
            .zip(vms)
            .map(|(vmid, power)| {
                let mut vm = full_vm("ノード 1", vmid);
                vm.facts.power = power;
                vm
            })
            .collect();
        check_round_trip(&*store, node, vms).await;
    }
}

pub(crate) async fn what_is_not_known_stays_unknown(place: &mut impl Place) {
    let vm = VmRecord {
        facts: VmFacts::default(),
        failure: None,
        ..full_vm("hoge", 0)
    };
    let node = NodeRecord {
        facts: None,
        observed_at: None,
        attempted_at: None,
        next_attempt_at: None,
        interval_seconds: 0,
        round_millis: None,
        failure: None,
        warnings: Vec::new(),
        collecting: None,
        vms_read_at: Vec::new(),
        ..full_node("hoge")
    };
    let facts = NodeRecord {
        facts: Some(NodeFacts::default()),
        ..node.clone()
    };
    let store = place.handle().await;
    check_round_trip(&*store, node, vec![vm.clone()]).await;
    check_round_trip(&*store, facts, vec![vm]).await;
}

pub(crate) async fn a_comment_of_a_megabyte_comes_back(place: &mut impl Place) {
    let mut vm = vm("hoge", 1, "long");
    vm.facts.comment = Some("行\r\n\t\"'\\\u{1F642}".repeat(60_000));
    let store = place.handle().await;
    check_round_trip(&*store, node("hoge", 0), vec![vm]).await;
}

pub(crate) async fn vms_are_ordered_by_number(place: &mut impl Place) {
    let store = place.handle().await;
    let numbers = [10, u32::MAX, 9, 0, 100];
    let vms = numbers.map(|vmid| vm("hoge", vmid, "a")).to_vec();
    record(&*store, node("hoge", 0), vms).await;
    let state = state(&*store, "hoge").await;
    let found: Vec<_> = state.vms.iter().map(|vm| vm.key.vmid.0).collect();
    assert_eq!(found, [0, 9, 10, 100, u32::MAX]);
}

pub(crate) async fn an_empty_node_is_a_node(place: &mut impl Place) {
    let store = place.handle().await;
    check_round_trip(&*store, node("hoge", 0), vec![]).await;
    record_unanswered(&*store, node("fuga", 0)).await;
    assert_eq!(state(&*store, "fuga").await.vms, []);
    assert_eq!(names(&*store).await, ["fuga", "hoge"]);
}

pub(crate) async fn a_node_that_was_never_recorded_is_not_there(place: &mut impl Place) {
    let store = place.handle().await;
    store.ping().await.unwrap();
    assert_eq!(store.node_state(&name("hoge")).await.unwrap(), None);
    assert_eq!(store.revisions().await.unwrap(), BTreeMap::new());
    assert_eq!(store.retain_nodes(&[name("hoge")]).await.unwrap(), []);

    let error = store.record_vm(&vm("hoge", 1, "a")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::UnknownNode(node) if node.as_str() == "hoge"),
        "{error:?}"
    );
    assert_eq!(store.node_state(&name("hoge")).await.unwrap(), None);
    assert_eq!(store.revisions().await.unwrap(), BTreeMap::new());
}

pub(crate) async fn a_vm_that_is_gone_is_removed(place: &mut impl Place) {
    let store = place.handle().await;
    let (a, b, c) = (vm("hoge", 1, "a"), vm("hoge", 2, "b"), vm("hoge", 3, "c"));
    record(&*store, node("hoge", 0), vec![a.clone(), b.clone()]).await;
    let written = record(&*store, node("hoge", 1), vec![b.clone(), c.clone()]).await;
    assert_eq!(written, Written { vms: 1, removed: 1 });
    assert_eq!(state(&*store, "hoge").await.vms, [b, c]);
    let written = record(&*store, node("hoge", 2), vec![]).await;
    assert_eq!(written, Written { vms: 0, removed: 2 });
    assert_eq!(state(&*store, "hoge").await.vms, []);
}

pub(crate) async fn a_node_that_did_not_answer_keeps_its_vms(place: &mut impl Place) {
    let store = place.handle().await;
    let vms = vec![vm("hoge", 1, "a"), vm("hoge", 2, "b")];
    record(&*store, node("hoge", 0), vms.clone()).await;
    let silent = NodeRecord {
        failure: full_node("hoge").failure,
        ..node("hoge", 1)
    };
    let written = record_unanswered(&*store, silent.clone()).await;
    assert_eq!(written, Written::default());
    let expected = NodeState {
        node: silent,
        vms,
        pending: Vec::new(),
    };
    assert_eq!(state(&*store, "hoge").await, expected);
}

pub(crate) async fn a_round_writes_only_what_changed(place: &mut impl Place) {
    let store = place.handle().await;
    let first = vec![vm("hoge", 1, "a"), vm("hoge", 2, "b"), vm("hoge", 3, "c")];
    let written = record(&*store, node("hoge", 0), first.clone()).await;
    assert_eq!(written, Written { vms: 3, removed: 0 });

    let later: Vec<_> = first.iter().cloned().map(a_minute_later).collect();
    let written = record(&*store, node("hoge", 1), later.clone()).await;
    assert_eq!(written, Written::default());
    let kept = state(&*store, "hoge").await;
    assert_eq!(kept.vms, first, "the same VMs keep the times they have");
    assert_eq!(kept.node, node("hoge", 1));

    let mut changed = later;
    changed[1].facts.comment = Some("new".to_owned());
    changed[2].failure = Some("VM 3 could not be read".to_owned());
    let written = record(&*store, node("hoge", 2), changed.clone()).await;
    assert_eq!(written, Written { vms: 2, removed: 0 });
    let now = state(&*store, "hoge").await.vms;
    assert_eq!(
        now,
        [first[0].clone(), changed[1].clone(), changed[2].clone()]
    );
}

pub(crate) async fn a_round_that_contradicts_itself_is_refused(place: &mut impl Place) {
    let store = place.handle().await;
    let before = vec![vm("hoge", 1, "a")];
    record(&*store, node("hoge", 0), before.clone()).await;
    for vms in [
        vec![vm("hoge", 1, "b"), vm("fuga", 2, "b")],
        vec![vm("hoge", 1, "b"), vm("hoge", 1, "c")],
    ] {
        let round = Round {
            node: node("hoge", 1),
            vms: RoundVms::Complete(vms),
        };
        let error = store.record_round(&round).await.unwrap_err();
        assert!(matches!(error, StoreError::Round { .. }), "{error:?}");
    }
    let expected = NodeState {
        node: node("hoge", 0),
        vms: before,
        pending: Vec::new(),
    };
    assert_eq!(state(&*store, "hoge").await, expected);
}

pub(crate) async fn a_revision_moves_with_every_change_and_with_nothing_else(
    place: &mut impl Place,
) {
    let store = place.handle().await;
    let vms = vec![vm("hoge", 1, "a")];
    record(&*store, node("fuga", 0), vec![]).await;
    record(&*store, node("hoge", 0), vms.clone()).await;
    let begin = store.revisions().await.unwrap();
    let mut seen = BTreeSet::from([begin[&name("hoge")]]);
    let mut moved = async |what: &str| {
        let revisions = store.revisions().await.unwrap();
        assert!(seen.insert(revisions[&name("hoge")]), "{what}: {seen:?}");
        assert_eq!(revisions[&name("fuga")], begin[&name("fuga")], "{what}");
        revisions
    };

    record(&*store, node("hoge", 1), vms.clone()).await;
    moved("the node changed").await;
    record_unanswered(&*store, node("hoge", 2)).await;
    moved("the node did not answer").await;
    record(&*store, node("hoge", 2), vec![vm("hoge", 1, "b")]).await;
    moved("a VM changed").await;
    store.record_vm(&vm("hoge", 1, "c")).await.unwrap();
    moved("one VM changed").await;
    record(&*store, node("hoge", 2), vec![]).await;
    let last = moved("a VM is gone").await;

    record(&*store, node("hoge", 2), vec![]).await;
    record_unanswered(&*store, node("hoge", 2)).await;
    let both = [name("hoge"), name("fuga")];
    assert_eq!(store.retain_nodes(&both).await.unwrap(), []);
    assert_eq!(store.revisions().await.unwrap(), last);
}

pub(crate) async fn one_vm_is_recorded_on_its_own(place: &mut impl Place) {
    let store = place.handle().await;
    let (a, b) = (vm("hoge", 1, "a"), vm("hoge", 2, "b"));
    record(&*store, node("hoge", 0), vec![a.clone(), b.clone()]).await;

    let mut off = a_minute_later(a.clone());
    off.facts.power = PowerState::Off;
    let one = Written { vms: 1, removed: 0 };
    assert_eq!(store.record_vm(&off).await.unwrap(), one);
    let new = vm("hoge", 3, "c");
    assert_eq!(store.record_vm(&new).await.unwrap(), one);
    let expected = NodeState {
        node: node("hoge", 0),
        vms: vec![off.clone(), b, new],
        pending: Vec::new(),
    };
    assert_eq!(state(&*store, "hoge").await, expected);

    let before = store.revisions().await.unwrap();
    let same = a_minute_later(off);
    assert_eq!(store.record_vm(&same).await.unwrap(), Written::default());
    assert_eq!(store.revisions().await.unwrap(), before);
    assert_eq!(state(&*store, "hoge").await, expected);
}

pub(crate) async fn nodes_that_are_no_longer_wanted_are_forgotten(place: &mut impl Place) {
    let store = place.handle().await;
    for text in ["a", "b", "c"] {
        record(&*store, node(text, 0), vec![vm(text, 1, "x")]).await;
    }
    let wanted = [name("b"), name("d")];
    let forgotten = store.retain_nodes(&wanted).await.unwrap();
    assert_eq!(forgotten, [name("a"), name("c")]);
    assert_eq!(names(&*store).await, ["b"]);
    assert_eq!(store.node_state(&name("a")).await.unwrap(), None);
    assert_eq!(state(&*store, "b").await.vms, [vm("b", 1, "x")]);
    assert_eq!(store.retain_nodes(&wanted).await.unwrap(), []);

    // Its VMs went with it.
    record_unanswered(&*store, node("a", 1)).await;
    assert_eq!(state(&*store, "a").await.vms, []);

    let forgotten = store.retain_nodes(&[]).await.unwrap();
    assert_eq!(forgotten, [name("a"), name("b")]);
    assert_eq!(store.revisions().await.unwrap(), BTreeMap::new());
}

pub(crate) async fn a_node_that_comes_back_has_another_revision(place: &mut impl Place) {
    let store = place.handle().await;
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        for text in ["a", "b", "c"] {
            record(&*store, node("hoge", 0), vec![vm("hoge", 1, text)]).await;
            let revision = store.revisions().await.unwrap()[&name("hoge")];
            assert!(seen.insert(revision), "{revision} again: {seen:?}");
        }
        store.retain_nodes(&[]).await.unwrap();
    }
}

pub(crate) async fn nodes_with_similar_names_do_not_mix(place: &mut impl Place) {
    let store = place.handle().await;
    let texts = [
        "a", "a 1", "a.1", "a0", "aa", "A", "$a", "a$", "ä", "a\u{308}", "a*", "^a",
    ];
    for text in texts {
        record(&*store, node(text, 0), vec![vm(text, 1, text)]).await;
    }
    for text in texts {
        let expected = NodeState {
            node: node(text, 0),
            vms: vec![vm(text, 1, text)],
            pending: Vec::new(),
        };
        assert_eq!(state(&*store, text).await, expected);
    }
    let others: Vec<_> = texts[1..].iter().map(|text| name(text)).collect();
    assert_eq!(store.retain_nodes(&others).await.unwrap(), [name("a")]);
    for text in &texts[1..] {
        assert_eq!(state(&*store, text).await.vms.len(), 1, "{text}");
    }
}

pub(crate) async fn rounds_on_many_nodes_run_side_by_side(place: &mut impl Place) {
    let store = place.handle().await;
    let rounds = (0..16).map(|number| {
        let store = &store;
        let text = format!("node-{number}");
        async move {
            for generation in 0..5 {
                let vms = generation_vms(&text, generation);
                record(&**store, node(&text, generation), vms).await;
            }
        }
    });
    futures::future::join_all(rounds).await;
    assert_eq!(store.revisions().await.unwrap().len(), 16);
    for number in 0..16 {
        let text = format!("node-{number}");
        let expected = NodeState {
            node: node(&text, 4),
            vms: generation_vms(&text, 4),
            pending: Vec::new(),
        };
        assert_eq!(state(&*store, &text).await, expected);
    }
}

pub(crate) async fn a_waiting_reader_hears_at_once_what_it_missed(place: &mut impl Place) {
    let store = place.handle().await;
    record(&*store, node("hoge", 0), vec![]).await;
    let old = store.revisions().await.unwrap();
    record(&*store, node("hoge", 1), vec![]).await;
    let now = store.revisions().await.unwrap();
    for known in [BTreeMap::new(), old] {
        // One look, no waiting in between.
        let changed = store.changed(&known);
        let heard = timeout(PATIENCE, changed).await.unwrap().unwrap();
        assert_eq!(heard, now);
    }
}

pub(crate) async fn a_waiting_reader_hears_of_every_kind_of_change(place: &mut impl Place) {
    let (writer, reader) = (place.handle().await, place.handle().await);
    record(&*writer, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    let mut known = reader.revisions().await.unwrap();
    for step in 0..4 {
        let change = async {
            match step {
                0 => drop(record(&*writer, node("hoge", 1), vec![]).await),
                1 => drop(record_unanswered(&*writer, node("hoge", 2)).await),
                2 => drop(writer.record_vm(&vm("hoge", 1, "b")).await.unwrap()),
                _ => drop(writer.retain_nodes(&[]).await.unwrap()),
            }
        };
        let mut waiting = reader.changed(&known);
        let heard = async {
            // The reader waits before anything changes.
            let early = futures::poll!(waiting.as_mut());
            assert!(early.is_pending(), "step {step}: {early:?}");
            change.await;
            waiting.await.unwrap()
        };
        let heard = timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("the reader did not hear of step {step}"));
        assert_ne!(heard, known, "step {step}");
        known = heard;
    }
    assert_eq!(known, BTreeMap::new());
}

pub(crate) async fn a_reader_never_sees_half_a_round(place: &mut impl Place) {
    const SEEN: usize = 20;
    let (writer, reader) = (place.handle().await, place.handle().await);
    record(&*writer, node("hoge", 0), generation_vms("hoge", 0)).await;

    // However slow the machine is, there is writing while there is reading.
    let write = async {
        for generation in 1.. {
            let begin = Instant::now();
            let vms = generation_vms("hoge", generation);
            record(&*writer, node("hoge", generation), vms).await;
            // As in life, there is more time between the rounds than in them.
            tokio::time::sleep(begin.elapsed() * 3).await;
        }
    };
    let read = async {
        let mut generations = BTreeSet::new();
        let mut since = Instant::now();
        while generations.len() < SEEN {
            assert!(since.elapsed() < PATIENCE, "nothing after {generations:?}");
            let state = state(&*reader, "hoge").await;
            let generation = state.node.interval_seconds;
            assert_eq!(state.vms, generation_vms("hoge", generation));
            let newest = generations.last().copied().unwrap_or(0);
            assert!(generation >= newest, "{generation} after {newest}");
            if generations.insert(generation) {
                since = Instant::now();
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

pub(crate) async fn a_round_that_was_cut_off_can_be_made_again(place: &mut impl Place) {
    let (writer, reader) = (place.handle().await, place.handle().await);
    let mut known = BTreeMap::new();
    let mut cut_off = 0;
    for polls in 1..40 {
        let generation = polls;
        let round = Round {
            node: node("hoge", generation),
            vms: RoundVms::Complete(generation_vms("hoge", generation)),
        };
        if cut_off_after(polls, writer.record_round(&round))
            .await
            .is_none()
        {
            cut_off += 1;
        }
        writer.record_round(&round).await.unwrap();
        let now = reader.revisions().await.unwrap();
        assert_ne!(now, known, "nobody hears of the round after {polls} polls");
        known = now;
        let state = state(&*reader, "hoge").await;
        assert_eq!(state.node, round.node);
        assert_eq!(state.vms, generation_vms("hoge", generation));
    }
    assert!(cut_off > 0, "no round was cut off");
}

pub(crate) async fn everything_is_there_after_a_restart(place: &mut impl Place) {
    let vms: Vec<_> = (0..5).map(|vmid| full_vm("hoge", vmid)).collect();
    let (revisions, before) = {
        let store = place.handle().await;
        record(&*store, full_node("hoge"), vms).await;
        record(&*store, node("fuga", 0), vec![]).await;
        store.retain_nodes(&[name("hoge")]).await.unwrap();
        (
            store.revisions().await.unwrap(),
            state(&*store, "hoge").await,
        )
    };
    place.reopen().await;
    let store = place.handle().await;
    assert_eq!(store.revisions().await.unwrap(), revisions);
    assert_eq!(state(&*store, "hoge").await, before);
    assert_eq!(store.node_state(&name("fuga")).await.unwrap(), None);
}

/// A node whose record reports `generation`.
pub(crate) fn node(text: &str, generation: u64) -> NodeRecord {
    NodeRecord {
        interval_seconds: generation,
        failure: None,
        ..full_node(text)
    }
}

pub(crate) fn vm(node: &str, vmid: u32, text: &str) -> VmRecord {
    VmRecord {
        key: VmKey {
            node: name(node),
            vmid: Vmid(vmid),
        },
        facts: VmFacts {
            name: Some(text.to_owned()),
            power: PowerState::On,
            ..VmFacts::default()
        },
        observed_at: time("2026-11-22T10:00:00Z"),
        failure: None,
        last_known: LastKnown::default(),
    }
}

pub(crate) fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

pub(crate) async fn record(store: &dyn Store, node: NodeRecord, vms: Vec<VmRecord>) -> Written {
    let vms = RoundVms::Complete(vms);
    store.record_round(&Round { node, vms }).await.unwrap()
}

pub(crate) async fn state(store: &dyn Store, node: &str) -> NodeState {
    let state = store.node_state(&name(node)).await.unwrap();
    state.unwrap_or_else(|| panic!("the store has no node {node}"))
}

/// Between 2 and 8 VMs that all report `generation`; which ones there are differs, too.
fn generation_vms(node: &str, generation: u64) -> Vec<VmRecord> {
    let generation = u32::try_from(generation).unwrap();
    (0..2 + generation % 7)
        .map(|number| {
            let vmid = number * (1 + generation % 3);
            let mut vm = vm(node, vmid, &format!("generation {generation}"));
            // More than fits in one network packet, so that a write takes its time.
            vm.facts.comment = Some("x".repeat(20_000));
            vm
        })
        .collect()
}

fn full_node(text: &str) -> NodeRecord {
    NodeRecord {
        name: name(text),
        settings: NodeSettings {
            address: "2001:db8::1".to_owned(),
            port: u16::MAX,
            username: "root".to_owned(),
            datastore_path: "/vmfs/volumes/datastore1".to_owned(),
            installer_iso_path: "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso".to_owned(),
            network_port_group: "$set: {管理 ネットワーク}".to_owned(),
            max_sessions: u8::MAX,
            read_only: true,
        },
        facts: Some(NodeFacts {
            version: VersionFacts {
                product: Some("VMware ESXi".to_owned()),
                version: Some("7.0.3".to_owned()),
                build: Some("21053776".to_owned()),
                update: Some(3),
                patch: Some(u32::MAX),
            },
            vendor: Some("Example".to_owned()),
            model: Some("$model".to_owned()),
            cpu_model: Some("Example(R) CPU X-1400 @ 3.30GHz".to_owned()),
            cpu_mhz: Some(3303),
            cpu_packages: Some(1),
            cpu_cores: Some(4),
            cpu_threads: Some(u32::MAX),
            memory_bytes: Some(MOST),
            cpu_usage_mhz: Some(0),
            memory_usage_mb: Some(51_240),
            booted_at: Some(time("2026-01-02T03:04:05.678901234Z")),
            in_maintenance_mode: Some(false),
            overall_status: Some("green".to_owned()),
            datastores: vec![
                Datastore {
                    name: Some("datastore1".to_owned()),
                    path: "/vmfs/volumes/5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30".to_owned(),
                    kind: "VMFS-6".to_owned(),
                    accessible: true,
                    capacity_bytes: Some(499_826_819_072),
                    free_bytes: Some(MOST),
                },
                Datastore {
                    name: None,
                    path: String::new(),
                    kind: "vfat".to_owned(),
                    accessible: false,
                    capacity_bytes: None,
                    free_bytes: None,
                },
            ],
            port_groups: vec![PortGroup {
                name: "VM Network".to_owned(),
                virtual_switch: "vSwitch0".to_owned(),
                active_clients: u32::MAX,
                vlan_id: 4095,
            }],
            iso_images: vec![IsoImage {
                path: "/vmfs/volumes/データ 1/os/ubuntu.iso".to_owned(),
                bytes: Some(MOST),
            }],
            setup_read_at: Some(time("2026-11-22T10:00:00.000000001Z")),
        }),
        observed_at: Some(time("2026-11-22T10:00:00.000001Z")),
        attempted_at: Some(time("2026-11-22T10:00:01.999999999Z")),
        next_attempt_at: Some(time("2026-11-22T10:01:00Z")),
        interval_seconds: MOST,
        round_millis: Some(MOST),
        failure: Some(NodeFailure {
            kind: FailureKind::Timeout,
            message: format!("{text} did not answer within 30 s"),
            hint: "Is it very busy?".to_owned(),
            since: time("1969-12-31T23:59:59.5Z"),
        }),
        warnings: vec![String::new(), "esxcli: \u{FFFD}".to_owned()],
        collecting: None,
        vms_read_at: vec![
            time("2026-11-22T10:00:00.000001Z"),
            time("1969-12-31T23:59:59.5Z"),
        ],
    }
}

fn full_vm(node: &str, vmid: u32) -> VmRecord {
    VmRecord {
        key: VmKey {
            node: name(node),
            vmid: Vmid(vmid),
        },
        facts: VmFacts {
            name: Some("metrics/b %2f \u{1F642}".to_owned()),
            uuid: Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned()),
            power: PowerState::On,
            hostname: Some("ホスト".to_owned()),
            ip_address: Some("2001:db8::36".to_owned()),
            cpus: Some(u32::MAX),
            memory_mb: Some(MOST),
            storage_bytes: Some(MOST),
            storage_uncommitted_bytes: Some(MOST - 1),
            guest_os: Some("Ubuntu Linux (64-bit)".to_owned()),
            tools_status: Some("toolsOk".to_owned()),
            overall_status: Some("gray".to_owned()),
            connection_state: Some("connected".to_owned()),
            uptime_seconds: Some(0),
            booted_at: Some(time("2026-11-22T09:59:59.123456789Z")),
            cpu_usage_mhz: Some(212),
            guest_memory_mb: Some(655),
            host_memory_mb: Some(4127),
            nic_count: Some(0),
            disk_count: Some(u32::MAX),
            datastore: Some("nas-a".to_owned()),
            vmx_path: Some("[nas-a] metrics-b/metrics-b.vmx".to_owned()),
            hardware_version: Some("vmx-19".to_owned()),
            comment: Some("所有者:\0\r\n\u{1b}[1m\u{2028}{\"$set\": 1}\u{10FFFF}".to_owned()),
            question: Some(Question {
                id: "_vmx1".to_owned(),
                text: "Moved or copied?".to_owned(),
                choices: vec![Choice {
                    index: 2,
                    label: "I Copied It".to_owned(),
                    default: true,
                }],
            }),
        },
        observed_at: time("2026-11-22T10:00:00.123456789Z"),
        failure: Some("VM 14 could not be read: the dump ends in line 3".to_owned()),
        last_known: LastKnown {
            ip_address: Some(LastValue {
                value: "2001:db8::17".to_owned(),
                seen_at: time("2026-11-22T09:00:00.123456789Z"),
            }),
            hostname: None,
        },
    }
}

fn a_minute_later(mut vm: VmRecord) -> VmRecord {
    vm.observed_at += Duration::from_secs(60);
    vm
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn record_unanswered(store: &dyn Store, node: NodeRecord) -> Written {
    let vms = RoundVms::Unchanged;
    store.record_round(&Round { node, vms }).await.unwrap()
}

async fn names(store: &dyn Store) -> Vec<String> {
    let revisions = store.revisions().await.unwrap();
    revisions.into_keys().map(String::from).collect()
}

async fn check_round_trip(store: &dyn Store, node: NodeRecord, vms: Vec<VmRecord>) {
    record(store, node.clone(), vms.clone()).await;
    let text = node.name.to_string();
    let expected = NodeState {
        node,
        vms,
        pending: Vec::new(),
    };
    assert_eq!(state(store, &text).await, expected);
}

/// Drives a future by so many polls, and drops it; its result if that was
/// enough.
async fn cut_off_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        let Some(rest) = left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        left = rest;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
