//! What every store has to do with the audit log.

use ecoman_model::{
    Actor, AuditEntry, AuditOutcome, Authentication, Task, TaskId, Timestamp, Vmid,
};
use ecoman_store::{AuditQuery, Store};
use uuid::Uuid;

use super::{Place, cut_off_after, id, name, task, time};

const OUTCOMES: [AuditOutcome; 4] = [
    AuditOutcome::Pending,
    AuditOutcome::Succeeded,
    AuditOutcome::Failed,
    AuditOutcome::Refused,
];

pub(crate) async fn every_field_of_an_audit_entry_comes_back_as_it_went_in(place: &mut impl Place) {
    let authentications = [
        Authentication::None,
        Authentication::Password,
        Authentication::Proxy,
        Authentication::Token,
    ];
    let addresses = [
        "127.0.0.1",
        "255.255.255.255",
        "::",
        "2001:db8::7",
        "fe80::1:2:3:4",
        "::ffff:192.0.2.1",
    ];
    let mut entries = Vec::new();
    for outcome in OUTCOMES {
        for by in authentications {
            for address in addresses {
                let mut entry = full_entry(entries.len());
                entry.outcome = outcome;
                entry.actor.by = by;
                entry.actor.address = Some(address.parse().unwrap());
                entries.push(entry);
            }
        }
    }
    for at in [
        "1970-01-01T00:00:00Z",
        "2026-11-22T10:00:00.5Z",
        "2026-11-22T10:00:00.000000001Z",
        "9999-12-31T23:59:59.999999999Z",
    ] {
        let mut entry = entry(entries.len());
        entry.at = time(at);
        entries.push(entry);
    }

    let store = place.handle().await;
    for entry in &entries {
        store.record_audit(entry).await.unwrap();
        let stored = store.audit_entry(entry.id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(entry));
    }
    drop(store);
    place.reopen().await;
    entries.reverse();
    assert_eq!(
        all(&*place.handle().await).await,
        entries,
        "after a restart"
    );
}

pub(crate) async fn a_store_without_audit_entries_says_so(place: &mut impl Place) {
    let store = place.handle().await;
    assert_eq!(store.audit_entry(entry(1).id).await.unwrap(), None);
    assert_eq!(all(&*store).await, []);
    assert_eq!(store.forget_audit(Timestamp::MAX_UTC).await.unwrap(), 0);
}

pub(crate) async fn an_audit_entry_with_the_same_id_is_replaced_whole(place: &mut impl Place) {
    let (one, other) = (place.handle().await, place.handle().await);
    let (full, plain) = (full_entry(1), entry(1));
    assert_eq!(full.id, plain.id);
    for entry in [&full, &plain, &full, &full] {
        one.record_audit(entry).await.unwrap();
        assert_eq!(all(&*other).await, std::slice::from_ref(entry));
    }
}

pub(crate) async fn the_end_of_a_task_replaces_its_pending_audit_entry(place: &mut impl Place) {
    let store = place.handle().await;
    let Task { id, created_at, .. } = task(5);
    let pending = AuditEntry {
        id: id.0,
        at: created_at,
        task: Some(id),
        outcome: AuditOutcome::Pending,
        detail: None,
        ..full_entry(5)
    };
    let failed = AuditEntry {
        outcome: AuditOutcome::Failed,
        detail: Some("the node was restarted".to_owned()),
        ..pending.clone()
    };
    for number in [4, 6] {
        store.record_audit(&entry(number)).await.unwrap();
    }
    store.record_audit(&pending).await.unwrap();
    let by_outcome = async |outcome| {
        let query = AuditQuery {
            outcomes: vec![outcome],
            ..AuditQuery::default()
        };
        store.audit(&query).await.unwrap()
    };
    assert_eq!(by_outcome(AuditOutcome::Pending).await, [pending]);
    store.record_audit(&failed).await.unwrap();
    assert_eq!(by_outcome(AuditOutcome::Pending).await, []);
    assert_eq!(
        by_outcome(AuditOutcome::Failed).await,
        std::slice::from_ref(&failed)
    );
    // It stays where it was, between those before and after it.
    assert_eq!(all(&*store).await, [entry(6), failed, entry(4)]);
}

pub(crate) async fn audit_entries_of_many_writers_are_all_there_once(place: &mut impl Place) {
    const WRITERS: usize = 8;
    let handles: Vec<_> = futures::future::join_all((0..WRITERS).map(|_| place.handle())).await;
    for round in 0..5 {
        let writing = handles.iter().zip(1..).map(|(store, writer)| async move {
            // One of its own, and one that all write.
            let own = entry(round * 100 + writer);
            store.record_audit(&own).await.unwrap();
            store.record_audit(&entry(round * 100)).await.unwrap();
        });
        futures::future::join_all(writing).await;
    }
    let expected: Vec<_> = (0..5)
        .flat_map(|round| (0..=WRITERS).map(move |writer| round * 100 + writer))
        .rev()
        .map(entry)
        .collect();
    assert_eq!(all(&*handles[0]).await, expected);
}

pub(crate) async fn audit_entries_are_found_by_each_filter_and_by_several(place: &mut impl Place) {
    let store = place.handle().await;
    // Recorded in another order than they were made.
    for number in [3, 1, 6, 2, 7, 5, 4] {
        store.record_audit(&various_entry(number)).await.unwrap();
    }
    let texts = |texts: &[&str]| texts.iter().copied().map(str::to_owned).collect::<Vec<_>>();
    let nodes = |names: &[&str]| names.iter().copied().map(name).collect::<Vec<_>>();
    let second = |second: u32| Some(time(&format!("2026-11-22T10:00:{second:02}Z")));
    let any = AuditQuery::default();
    let queries = [
        (any.clone(), &[7, 6, 5, 4, 3, 2, 1][..]),
        (
            AuditQuery {
                actors: texts(&["alice"]),
                ..any.clone()
            },
            &[5, 2, 1],
        ),
        (
            AuditQuery {
                actors: texts(&["$ne", "alice", "nobody"]),
                ..any.clone()
            },
            &[5, 3, 2, 1],
        ),
        (
            AuditQuery {
                actors: texts(&["", "ALICE", "alic"]),
                ..any.clone()
            },
            &[],
        ),
        (
            AuditQuery {
                nodes: nodes(&["a"]),
                ..any.clone()
            },
            &[4, 2, 1],
        ),
        (
            AuditQuery {
                nodes: nodes(&["a.b", "ノード 1", "c"]),
                ..any.clone()
            },
            &[5, 3],
        ),
        (
            AuditQuery {
                vmid: Some(Vmid(14)),
                ..any.clone()
            },
            &[5, 1],
        ),
        (
            AuditQuery {
                vmid: Some(Vmid(0)),
                ..any.clone()
            },
            &[2],
        ),
        (
            AuditQuery {
                vmid: Some(Vmid(u32::MAX)),
                ..any.clone()
            },
            &[4],
        ),
        (
            AuditQuery {
                operations: texts(&["setPower"]),
                ..any.clone()
            },
            &[5, 4, 2, 1],
        ),
        (
            AuditQuery {
                operations: texts(&["signIn", "createVm", "nothing"]),
                ..any.clone()
            },
            &[7, 6, 3],
        ),
        (
            AuditQuery {
                outcomes: vec![AuditOutcome::Refused],
                ..any.clone()
            },
            &[7, 3],
        ),
        (
            AuditQuery {
                outcomes: OUTCOMES[..2].to_vec(),
                ..any.clone()
            },
            &[5, 4, 1],
        ),
        (
            AuditQuery {
                outcomes: OUTCOMES.to_vec(),
                ..any.clone()
            },
            &[7, 6, 5, 4, 3, 2, 1],
        ),
        (
            AuditQuery {
                since: second(5),
                ..any.clone()
            },
            &[7, 6, 5],
        ),
        (
            AuditQuery {
                until: second(5),
                ..any.clone()
            },
            &[4, 3, 2, 1],
        ),
        (
            AuditQuery {
                since: second(3),
                until: second(6),
                ..any.clone()
            },
            &[5, 4, 3],
        ),
        (
            AuditQuery {
                since: second(6),
                until: second(6),
                ..any.clone()
            },
            &[],
        ),
        (
            AuditQuery {
                before: Some(various_entry(3).id),
                ..any.clone()
            },
            &[2, 1],
        ),
        (
            AuditQuery {
                before: Some(Uuid::nil()),
                ..any.clone()
            },
            &[],
        ),
        (
            AuditQuery {
                before: Some(Uuid::max()),
                limit: 2,
                ..any.clone()
            },
            &[7, 6],
        ),
        (
            AuditQuery {
                actors: texts(&["alice", "bob"]),
                nodes: nodes(&["a", "a.b"]),
                vmid: Some(Vmid(14)),
                operations: texts(&["setPower", "createVm"]),
                outcomes: vec![AuditOutcome::Succeeded, AuditOutcome::Refused],
                since: second(1),
                until: second(6),
                before: Some(various_entry(7).id),
                limit: 10,
            },
            &[5, 1],
        ),
        (
            AuditQuery {
                actors: texts(&["alice"]),
                nodes: nodes(&["a"]),
                limit: 1,
                ..any.clone()
            },
            &[2],
        ),
        (
            AuditQuery {
                actors: texts(&["$ne"]),
                nodes: nodes(&["a"]),
                ..any
            },
            &[],
        ),
    ];
    for (query, expected) in queries {
        let found = store.audit(&query).await.unwrap();
        let expected: Vec<_> = expected.iter().copied().map(various_entry).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

pub(crate) async fn audit_entries_of_a_time_are_found_to_the_nanosecond(place: &mut impl Place) {
    let store = place.handle().await;
    let times = [
        "2026-11-22T09:59:59.999999999Z",
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00.000000001Z",
        "2026-11-22T10:00:00.25Z",
        "2026-11-22T10:00:00.250001Z",
        "2026-11-22T10:00:01Z",
    ]
    .map(time);
    // An entry's place in the log is its id's, not its time's.
    for (number, at) in times.iter().rev().enumerate() {
        let entry = AuditEntry {
            at: *at,
            ..entry(number)
        };
        store.record_audit(&entry).await.unwrap();
    }
    let far = [Timestamp::MIN_UTC, Timestamp::MAX_UTC];
    let bounds = || times.into_iter().chain(far).map(Some).chain([None]);
    for since in bounds() {
        for until in bounds() {
            let query = AuditQuery {
                since,
                until,
                ..AuditQuery::default()
            };
            let found = store.audit(&query).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|entry| entry.at).collect();
            let mut expected = times.to_vec();
            expected.retain(|at| since.is_none_or(|since| since <= *at));
            expected.retain(|at| until.is_none_or(|until| *at < until));
            assert_eq!(found, expected, "{query:?}");
        }
    }
}

pub(crate) async fn audit_entries_come_newest_first_in_pages(place: &mut impl Place) {
    let store = place.handle().await;
    for number in [7, 1, 12, 3, 9, 5, 0, 11, 2, 8, 14, 6, 4, 13, 10] {
        store.record_audit(&paged_entry(number)).await.unwrap();
    }
    for (node, expected) in [
        (None, (0..15).rev().collect::<Vec<_>>()),
        (Some("even"), (0..15).step_by(2).rev().collect()),
        (Some("odd"), (1..15).step_by(2).rev().collect()),
    ] {
        let expected: Vec<_> = expected.into_iter().map(paged_entry).collect();
        for limit in [1, 2, 7, 8, 100] {
            let mut query = AuditQuery {
                nodes: node.into_iter().map(name).collect(),
                limit,
                ..AuditQuery::default()
            };
            let mut pages = Vec::new();
            loop {
                let page = store.audit(&query).await.unwrap();
                assert!(page.len() <= limit, "{query:?}");
                let Some(last) = page.last() else {
                    break;
                };
                query.before = Some(last.id);
                pages.extend(page);
                assert!(pages.len() <= expected.len(), "{query:?}: {pages:?}");
            }
            assert_eq!(pages, expected, "{query:?}");
        }
    }

    // A page token outlives its entry; what is new comes before the page.
    let later = paged_entry(15);
    store.record_audit(&later).await.unwrap();
    let query = AuditQuery {
        before: Some(Uuid::from_u128(paged_entry(3).id.as_u128() + 1)),
        limit: 2,
        ..AuditQuery::default()
    };
    let page = store.audit(&query).await.unwrap();
    assert_eq!(page, [paged_entry(3), paged_entry(2)]);
}

pub(crate) async fn old_audit_entries_are_forgotten(place: &mut impl Place) {
    let store = place.handle().await;
    let at = |number| AuditEntry {
        at: time(&format!("2026-11-22T10:00:00.{number}Z")),
        outcome: OUTCOMES[number % 4],
        ..entry(number)
    };
    for number in [3, 1, 6, 2, 5, 4] {
        store.record_audit(&at(number)).await.unwrap();
    }
    let before = |text: &str| store.forget_audit(time(text));
    assert_eq!(before("2026-11-22T10:00:00Z").await.unwrap(), 0);
    assert_eq!(before("2026-11-22T10:00:00.1Z").await.unwrap(), 0);
    assert_eq!(
        store.forget_audit(Timestamp::MIN_UTC).await.unwrap(),
        0,
        "nothing is that old"
    );
    assert_eq!(before("2026-11-22T10:00:00.300000001Z").await.unwrap(), 3);
    assert_eq!(all(&*store).await, [at(6), at(5), at(4)]);
    assert_eq!(store.audit_entry(at(3).id).await.unwrap(), None);
    assert_eq!(before("2026-11-22T10:00:00.300000001Z").await.unwrap(), 0);
    drop(store);
    place.reopen().await;
    let store = place.handle().await;
    assert_eq!(all(&*store).await, [at(6), at(5), at(4)]);
    assert_eq!(store.forget_audit(Timestamp::MAX_UTC).await.unwrap(), 3);
    assert_eq!(all(&*store).await, []);
}

pub(crate) async fn an_audit_entry_that_was_cut_off_can_be_recorded_again(place: &mut impl Place) {
    let store = place.handle().await;
    let mut expected = Vec::new();
    for polls in 1..=20 {
        let pending = AuditEntry {
            outcome: AuditOutcome::Pending,
            ..entry(usize::try_from(polls).unwrap())
        };
        store.record_audit(&pending).await.unwrap();
        let ended = full_entry(usize::try_from(polls).unwrap());
        cut_off_after(polls, store.record_audit(&ended)).await;
        let stored = store.audit_entry(ended.id).await.unwrap();
        assert!(
            stored.as_ref() == Some(&pending) || stored.as_ref() == Some(&ended),
            "{stored:?}"
        );
        store.record_audit(&ended).await.unwrap();
        expected.insert(0, ended);
    }
    assert_eq!(all(&*store).await, expected);
}

/// An entry with nothing in it that need not be.
pub(crate) fn entry(number: usize) -> AuditEntry {
    AuditEntry {
        id: audit_id(number),
        at: time("2026-11-22T10:00:00Z"),
        actor: Actor {
            name: None,
            by: Authentication::None,
            token: None,
            address: None,
        },
        operation: "signIn".to_owned(),
        summary: String::new(),
        node: None,
        vmid: None,
        name: None,
        task: None,
        outcome: AuditOutcome::Refused,
        detail: None,
        request_id: String::new(),
    }
}

fn audit_id(number: usize) -> Uuid {
    let TaskId(id) = id(u128::try_from(number).unwrap());
    id
}

/// An entry with all that can be in one.
fn full_entry(number: usize) -> AuditEntry {
    AuditEntry {
        id: audit_id(number),
        at: time("2026-11-22T10:00:00.123456789Z"),
        actor: Actor {
            name: Some("$漢字.\0\u{1F642}".to_owned()),
            by: Authentication::Token,
            token: Some("ci \"{\"$set\": 1}\"\u{10FFFF}".to_owned()),
            address: Some("2001:db8::7".parse().unwrap()),
        },
        operation: "createVm".to_owned(),
        summary: "create \"$(reboot) 漢字\"\r\n\t\u{1b}[1m".to_owned(),
        node: Some(name("ノード 1")),
        vmid: Some(Vmid(u32::MAX)),
        name: Some(String::new()),
        task: Some(id(7)),
        outcome: AuditOutcome::Failed,
        detail: Some("行".repeat(4_096)),
        request_id: "\u{FFFD}'\\".to_owned(),
    }
}

/// Of 1 to 7 each another, a second apart.
fn various_entry(number: usize) -> AuditEntry {
    use AuditOutcome::{Failed, Pending, Refused, Succeeded};
    let (actor, node, vmid, operation, outcome) = match number {
        1 => (Some("alice"), Some("a"), Some(14), "setPower", Succeeded),
        2 => (Some("alice"), Some("a"), Some(0), "setPower", Failed),
        3 => (Some("$ne"), Some("ノード 1"), None, "createVm", Refused),
        4 => (None, Some("a"), Some(u32::MAX), "setPower", Pending),
        5 => (Some("alice"), Some("a.b"), Some(14), "setPower", Succeeded),
        6 => (Some("bob"), None, None, "signIn", Failed),
        _ => (None, None, None, "signIn", Refused),
    };
    let mut entry = entry(number);
    entry.at = time(&format!("2026-11-22T10:00:{number:02}Z"));
    entry.actor.name = actor.map(str::to_owned);
    entry.node = node.map(name);
    entry.vmid = vmid.map(Vmid);
    entry.operation = operation.to_owned();
    entry.outcome = outcome;
    entry
}

fn paged_entry(number: usize) -> AuditEntry {
    let parity = if number.is_multiple_of(2) {
        "even"
    } else {
        "odd"
    };
    AuditEntry {
        node: Some(name(parity)),
        ..entry(number)
    }
}

async fn all(store: &dyn Store) -> Vec<AuditEntry> {
    store.audit(&AuditQuery::default()).await.unwrap()
}
