//! What every store has to do with the history.

use std::time::Duration;

use chrono::TimeDelta;
use ecoman_model::{
    Event, EventKind, FailureKind, NodeFailure, NodeRecord, PowerAction, PowerChange, PowerState,
    Task, TaskRequest, TaskState, Timestamp, VmKey, VmRecord, Vmid,
};
use ecoman_store::{HistoryQuery, Store};

use super::{Place, add, name, node, record, record_unanswered, task, time, vm};

/// A time that many minutes into the test.
fn at(minutes: i64) -> Timestamp {
    time("2026-11-22T10:00:00Z") + TimeDelta::minutes(minutes)
}

/// The node of a round that began then.
fn node_at(minutes: i64) -> NodeRecord {
    NodeRecord {
        observed_at: Some(at(minutes)),
        attempted_at: Some(at(minutes)),
        vms_read_at: Vec::new(),
        ..node("hoge", 60)
    }
}

/// A VM that was read then.
fn vm_at(vmid: u32, minutes: i64, change: impl FnOnce(&mut VmRecord)) -> VmRecord {
    let mut vm = vm("hoge", vmid, "web");
    vm.facts.uuid = Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned());
    vm.observed_at = at(minutes);
    change(&mut vm);
    vm
}

async fn all(store: &dyn Store) -> Vec<Event> {
    let page = store.history(&HistoryQuery::default()).await.unwrap();
    assert_eq!(page.next, None);
    page.events
}

/// Kind, value before and value after of each event, newest first.
fn reported(events: &[Event]) -> Vec<(EventKind, Option<&str>, Option<&str>)> {
    events
        .iter()
        .map(|event| (event.kind, event.before.as_deref(), event.after.as_deref()))
        .collect()
}

pub(crate) async fn events_say_what_changed_outside_ecoman(place: &mut impl Place) {
    let store = place.handle().await;
    assert_eq!(all(&*store).await, []);
    // The first round on a node is no news.
    record(&*store, node_at(0), vec![vm_at(1, 0, |_| ())]).await;
    assert_eq!(all(&*store).await, []);

    let changed = vm_at(1, 1, |vm| {
        vm.facts.power = PowerState::Off;
        vm.facts.cpus = Some(4);
    });
    record(&*store, node_at(1), vec![changed, vm_at(2, 1, |_| ())]).await;
    let changed = vm_at(1, 2, |vm| {
        vm.facts.power = PowerState::Off;
        vm.facts.cpus = Some(8);
        vm.facts.comment = Some("new notes".to_owned());
        vm.facts.name = Some("web-1".to_owned());
    });
    record(&*store, node_at(2), vec![changed.clone()]).await;
    let failing = NodeRecord {
        failure: Some(NodeFailure {
            kind: FailureKind::Unreachable,
            message: "hoge is away".to_owned(),
            hint: String::new(),
            since: at(3),
        }),
        attempted_at: Some(at(3)),
        ..node_at(2)
    };
    record_unanswered(&*store, failing).await;
    record(&*store, node_at(4), vec![changed]).await;

    let events = all(&*store).await;
    let mut seen = reported(&events);
    seen.sort();
    let mut expected = vec![
        (EventKind::VmAppeared, None, None),
        (EventKind::VmGone, None, None),
        // That nothing was said of the CPUs before is no event.
        (EventKind::Power, Some("on"), Some("off")),
        (EventKind::Cpus, Some("4"), Some("8")),
        (EventKind::Notes, None, Some("new notes")),
        (EventKind::Name, Some("web"), Some("web-1")),
        (EventKind::NodeAway, None, Some("hoge is away")),
        (EventKind::NodeBack, None, None),
    ];
    expected.sort();
    assert_eq!(seen, expected);
    assert!(events.is_sorted_by(|one, two| one.id > two.id));
    // Those of the node itself are among those of the node.
    let of_node = HistoryQuery {
        nodes: vec![name("hoge")],
        ..HistoryQuery::default()
    };
    assert_eq!(store.history(&of_node).await.unwrap().events, events);
    let gone = events.iter().find(|event| event.kind == EventKind::VmGone);
    let gone = gone.unwrap();
    assert_eq!(
        (gone.vmid, gone.vm_name.as_deref()),
        (Some(Vmid(2)), Some("web"))
    );
    assert_eq!(gone.at, at(2));
}

pub(crate) async fn a_reading_that_failed_is_no_event(place: &mut impl Place) {
    let store = place.handle().await;
    record(&*store, node_at(0), vec![vm_at(1, 0, |_| ())]).await;
    let unread = vm_at(1, 0, |vm| vm.failure = Some("could not be read".to_owned()));
    record(&*store, node_at(1), vec![unread]).await;
    record(&*store, node_at(2), vec![vm_at(1, 2, |_| ())]).await;
    // One that could never be read has no facts but those of its row.
    let row = vm_at(2, 3, |vm| {
        vm.facts = ecoman_model::VmFacts::default();
        vm.failure = Some("could not be read".to_owned());
    });
    record(&*store, node_at(3), vec![vm_at(1, 2, |_| ()), row]).await;
    record(
        &*store,
        node_at(4),
        vec![
            vm_at(1, 2, |_| ()),
            vm_at(2, 4, |vm| vm.facts.comment = Some("a".to_owned())),
        ],
    )
    .await;
    assert_eq!(
        reported(&all(&*store).await),
        [(EventKind::VmAppeared, None, None)]
    );
    // What a node does not say any more is no change.
    let silent = vm_at(1, 5, |vm| {
        vm.facts.power = PowerState::Unknown;
        vm.facts.name = None;
    });
    let other = vm_at(2, 4, |vm| vm.facts.comment = Some("a".to_owned()));
    record(&*store, node_at(5), vec![silent, other]).await;
    assert_eq!(all(&*store).await.len(), 1);
}

fn power_task(number: u128, action: PowerAction, vmid: u32) -> Task {
    Task {
        request: TaskRequest::Power(PowerChange {
            vmid: Vmid(vmid),
            action,
            guest_seconds: 120,
            if_power: None,
        }),
        vm_name: Some("web".to_owned()),
        actor: Some("ada".to_owned()),
        ..task(number)
    }
}

pub(crate) async fn a_change_by_a_task_is_one_line(place: &mut impl Place) {
    let store = place.handle().await;
    let both = |minutes, power| {
        let power = move |vm: &mut VmRecord| vm.facts.power = power;
        vec![vm_at(1, minutes, power), vm_at(2, minutes, power)]
    };
    record(&*store, node_at(0), both(0, PowerState::On)).await;
    let mut running = power_task(1, PowerAction::Off, 1);
    add(&*store, &running).await;
    running.progress.state = TaskState::Running;
    running.progress.started_at = Some(at(1));
    assert!(store.update_task(&running).await.unwrap());
    // Both are off by now: one by the task, the other by somebody else.
    record(&*store, node_at(2), both(2, PowerState::Off)).await;
    running.progress.state = TaskState::Succeeded;
    running.progress.finished_at = Some(at(3));
    for _ in 0..2 {
        assert!(store.update_task(&running).await.unwrap());
    }

    let events = all(&*store).await;
    let [ended, by_others] = &events[..] else {
        panic!("{events:#?}");
    };
    assert_eq!(
        (by_others.kind, by_others.vmid),
        (EventKind::Power, Some(Vmid(2)))
    );
    assert_eq!(
        (ended.kind, ended.vmid, ended.at),
        (EventKind::Task, Some(Vmid(1)), at(3))
    );
    let task = ended.task.as_ref().unwrap();
    assert_eq!((task.id, task.kind.as_str()), (running.id, "power"));
    assert_eq!(task.state, TaskState::Succeeded);
    assert_eq!(task.actor.as_deref(), Some("ada"));
    assert_eq!(
        (task.action, task.millis),
        (Some(PowerAction::Off), Some(120_000))
    );

    // Long after the task it is somebody else.
    record(&*store, node_at(10), both(10, PowerState::On)).await;
    record(&*store, node_at(20), both(20, PowerState::Off)).await;
    let of_vm = HistoryQuery {
        vm: Some(VmKey {
            node: name("hoge"),
            vmid: Vmid(1),
        }),
        kinds: vec![EventKind::Power],
        ..HistoryQuery::default()
    };
    let page = store.history(&of_vm).await.unwrap();
    assert_eq!(
        reported(&page.events),
        [
            (EventKind::Power, Some("on"), Some("off")),
            (EventKind::Power, Some("off"), Some("on")),
        ]
    );
}

pub(crate) async fn an_address_that_flaps_is_one_event(place: &mut impl Place) {
    let store = place.handle().await;
    let with = |minutes, address: &str| {
        let address = Some(address.to_owned());
        vec![vm_at(1, minutes, |vm| vm.facts.ip_address = address)]
    };
    record(&*store, node_at(0), with(0, "192.0.2.1")).await;
    for (minutes, address) in [(10, "192.0.2.2"), (20, "192.0.2.1"), (30, "192.0.2.3")] {
        record(&*store, node_at(minutes), with(minutes, address)).await;
    }
    record(&*store, node_at(100), with(100, "192.0.2.4")).await;
    let events = all(&*store).await;
    assert_eq!(
        reported(&events),
        [
            (EventKind::Address, Some("192.0.2.3"), Some("192.0.2.4")),
            (EventKind::Address, Some("192.0.2.1"), Some("192.0.2.3")),
        ]
    );
    let times: Vec<_> = events.iter().map(|event| event.times).collect();
    assert_eq!(times, [1, 3]);
}

pub(crate) async fn a_task_that_failed_hides_no_change(place: &mut impl Place) {
    let store = place.handle().await;
    let power = |minutes, power| vec![vm_at(1, minutes, |vm| vm.facts.power = power)];
    record(&*store, node_at(0), power(0, PowerState::Off)).await;
    let mut failed = power_task(1, PowerAction::On, 1);
    add(&*store, &failed).await;
    failed.progress.state = TaskState::Failed;
    failed.progress.started_at = Some(at(1));
    failed.progress.finished_at = Some(at(2));
    assert!(store.update_task(&failed).await.unwrap());
    record(&*store, node_at(3), power(3, PowerState::On)).await;
    assert_eq!(
        reported(&all(&*store).await),
        [
            (EventKind::Power, Some("off"), Some("on")),
            (EventKind::Task, None, None),
        ]
    );
}

pub(crate) async fn the_history_comes_newest_first_in_pages_and_by_each_filter(
    place: &mut impl Place,
) {
    let store = place.handle().await;
    let power = |minutes: i64| {
        let power = [PowerState::On, PowerState::Off][usize::try_from(minutes % 2).unwrap()];
        vec![
            vm_at(1, minutes, |vm| vm.facts.power = power),
            vm_at(2, minutes, |vm| {
                vm.facts.power = power;
                vm.facts.name = Some("ÄPFEL".to_owned());
            }),
        ]
    };
    for minutes in 0..=20 {
        record(&*store, node_at(minutes), power(minutes)).await;
    }
    let mut ended = power_task(7, PowerAction::On, 9);
    add(&*store, &ended).await;
    ended.progress.state = TaskState::Succeeded;
    ended.progress.finished_at = Some(at(30));
    assert!(store.update_task(&ended).await.unwrap());

    let everything = all(&*store).await;
    assert_eq!(everything.len(), 41);
    assert!(everything.is_sorted_by(|one, two| one.id > two.id));
    let vm_2 = VmKey {
        node: name("hoge"),
        vmid: Vmid(2),
    };
    let any = HistoryQuery::default();
    let queries = [
        (any.clone(), 41),
        (
            HistoryQuery {
                vm: Some(vm_2.clone()),
                ..any.clone()
            },
            20,
        ),
        (
            HistoryQuery {
                nodes: vec![name("hoge")],
                ..any.clone()
            },
            41,
        ),
        (
            HistoryQuery {
                nodes: vec![name("fuga"), name("hoge"), name("hoge")],
                ..any.clone()
            },
            41,
        ),
        (
            HistoryQuery {
                nodes: vec![name("hoge")],
                since: Some(at(2)),
                until: Some(at(4)),
                ..any.clone()
            },
            4,
        ),
        (
            HistoryQuery {
                nodes: vec![name("fuga")],
                ..any.clone()
            },
            0,
        ),
        (
            HistoryQuery {
                users: vec!["ada".to_owned()],
                ..any.clone()
            },
            1,
        ),
        (
            HistoryQuery {
                kinds: vec![EventKind::Task],
                ..any.clone()
            },
            1,
        ),
        (
            HistoryQuery {
                kinds: vec![EventKind::Power],
                ..any.clone()
            },
            40,
        ),
        (
            HistoryQuery {
                since: Some(at(20)),
                ..any.clone()
            },
            3,
        ),
        (
            HistoryQuery {
                until: Some(at(2)),
                ..any.clone()
            },
            2,
        ),
        (
            HistoryQuery {
                since: Some(at(2)),
                until: Some(at(4)),
                ..any.clone()
            },
            4,
        ),
        (
            HistoryQuery {
                since: Some(at(4)),
                until: Some(at(2)),
                ..any.clone()
            },
            0,
        ),
        (
            HistoryQuery {
                text: "äpf".to_owned(),
                ..any.clone()
            },
            20,
        ),
        (
            HistoryQuery {
                text: "ADA".to_owned(),
                ..any.clone()
            },
            1,
        ),
        (
            HistoryQuery {
                text: " on  ÄPFEL ".to_owned(),
                ..any.clone()
            },
            20,
        ),
        (
            HistoryQuery {
                text: "äpfel is suspended".to_owned(),
                ..any.clone()
            },
            0,
        ),
        (
            HistoryQuery {
                text: "switched äpf".to_owned(),
                words: Some(|event| match event.kind {
                    EventKind::Power => "Was SWITCHED".to_owned(),
                    _ => String::new(),
                }),
                ..any.clone()
            },
            20,
        ),
        (
            HistoryQuery {
                kinds: vec![EventKind::Task],
                users: vec!["bob".to_owned(), "ada".to_owned()],
                text: "web".to_owned(),
                ..any.clone()
            },
            1,
        ),
        (
            HistoryQuery {
                vm: Some(vm_2),
                since: Some(at(11)),
                text: "off".to_owned(),
                ..any.clone()
            },
            10,
        ),
    ];
    for (query, count) in queries {
        let whole = store.history(&query).await.unwrap();
        assert_eq!((whole.events.len(), whole.next), (count, None), "{query:?}");
        // Three a page, and as many pages as a search without any patience takes.
        for (limit, patience) in [(3, query.patience), (100, Duration::ZERO)] {
            let mut paged = Vec::new();
            let mut page = HistoryQuery {
                limit,
                patience,
                ..query.clone()
            };
            loop {
                let got = store.history(&page).await.unwrap();
                assert!(got.events.len() <= limit);
                paged.extend(got.events);
                match got.next {
                    Some(next) => page.before = Some(next),
                    None => break,
                }
            }
            assert_eq!(paged, whole.events, "{page:?}");
        }
    }
}

pub(crate) async fn old_events_are_forgotten(place: &mut impl Place) {
    let store = place.handle().await;
    for minutes in 0..=10 {
        let power = [PowerState::On, PowerState::Off][usize::try_from(minutes % 2).unwrap()];
        let vms = vec![vm_at(1, minutes, |vm| vm.facts.power = power)];
        record(&*store, node_at(minutes), vms).await;
    }
    assert_eq!(all(&*store).await.len(), 10);
    assert_eq!(store.forget_events(at(4)).await.unwrap(), 3);
    assert_eq!(store.forget_events(at(4)).await.unwrap(), 0);
    let of_vm = HistoryQuery {
        vm: Some(VmKey {
            node: name("hoge"),
            vmid: Vmid(1),
        }),
        ..HistoryQuery::default()
    };
    for query in [HistoryQuery::default(), of_vm] {
        let left = store.history(&query).await.unwrap().events;
        assert_eq!(left.len(), 7);
        assert!(left.iter().all(|event| event.at >= at(4)));
    }
}
