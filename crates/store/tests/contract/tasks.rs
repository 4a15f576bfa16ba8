//! What every store has to do with tasks and refresh requests.

use std::collections::BTreeSet;
use std::slice;
use std::time::Duration;

use ecoman_model::{
    Answer, Cancelled, Choice, CleanUp, CommandRun, NewVm, PowerAction, PowerChange, Question,
    RefreshRequest, StepState, Task, TaskError, TaskErrorKind, TaskId, TaskProgress, TaskRequest,
    TaskState, TaskStep, VmPlace, Vmid,
};
use ecoman_store::{Added, Store, TaskQuery};
use tokio::time::timeout;
use uuid::Uuid;

use super::{MOST, PATIENCE, Place, cut_off_after, name, time};

pub(crate) async fn every_field_of_a_task_comes_back_as_it_went_in(place: &mut impl Place) {
    let store = place.handle().await;
    let mut tasks: Vec<_> = requests().into_iter().zip(1..).map(full_task).collect();
    tasks.push(task(50));
    tasks.extend(PowerAction::ALL.into_iter().zip(100..).map(|(action, id)| {
        let request = TaskRequest::Power(PowerChange {
            vmid: Vmid(0),
            action,
            guest_seconds: 0,
            if_power: None,
        });
        full_task((request, id))
    }));
    let kinds = [
        TaskErrorKind::Refused,
        TaskErrorKind::Node,
        TaskErrorKind::Timeout,
        TaskErrorKind::Unreachable,
        TaskErrorKind::Question,
        TaskErrorKind::Executor,
        TaskErrorKind::Interrupted,
    ];
    tasks.extend(kinds.into_iter().zip(200..).map(|(kind, id)| {
        let mut task = task(id);
        task.progress.error = Some(TaskError {
            kind,
            message: String::new(),
            hint: String::new(),
            left: Vec::new(),
        });
        task
    }));
    for task in &tasks {
        assert_eq!(store.add_task(task).await.unwrap(), Added::New);
        assert_eq!(store.task(task.id).await.unwrap().as_ref(), Some(task));
    }
    drop(store);
    place.reopen().await;
    let store = place.handle().await;
    tasks.sort_by_key(|task| std::cmp::Reverse(task.id));
    assert_eq!(
        store.tasks(&TaskQuery::default()).await.unwrap(),
        tasks,
        "after a restart"
    );
}

pub(crate) async fn a_store_without_tasks_says_so(place: &mut impl Place) {
    let store = place.handle().await;
    let unknown = task(1);
    assert_eq!(store.task(unknown.id).await.unwrap(), None);
    assert_eq!(store.tasks(&TaskQuery::default()).await.unwrap(), []);
    assert_eq!(store.task_position().await.unwrap(), 0);
    assert_eq!(store.forget_tasks(later(), 0).await.unwrap(), 0);
    assert!(!store.update_task(&unknown).await.unwrap());
    assert_eq!(store.task(unknown.id).await.unwrap(), None);
    store
        .remove_refresh_requests(&[Uuid::from_u128(1)])
        .await
        .unwrap();
    store.remove_refresh_requests(&[]).await.unwrap();
}

pub(crate) async fn of_equal_requests_at_the_same_time_one_becomes_a_task(place: &mut impl Place) {
    const AT_ONCE: u128 = 8;
    let handles: Vec<_> = futures::future::join_all((0..AT_ONCE).map(|_| place.handle())).await;
    for round in 0..5 {
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|number| Task {
                actor: Some("oper@tor".to_owned()),
                idempotency_key: Some(format!("key {round}")),
                ..task(round * 100 + number)
            })
            .collect();
        let added = handles
            .iter()
            .zip(&tasks)
            .map(|(store, task)| async { store.add_task(task).await.unwrap() });
        let added = futures::future::join_all(added).await;
        let new: Vec<_> = tasks
            .iter()
            .zip(&added)
            .filter(|(_, added)| **added == Added::New)
            .map(|(task, _)| task)
            .collect();
        let [winner] = new[..] else {
            panic!("{} of {AT_ONCE} were new", new.len());
        };
        for added in added.iter().filter(|added| **added != Added::New) {
            assert_eq!(*added, Added::Known(Box::new(winner.clone())));
        }
        for task in tasks.iter().filter(|task| task.id != winner.id) {
            assert_eq!(handles[0].task(task.id).await.unwrap(), None);
        }
    }
}

pub(crate) async fn a_key_is_that_of_its_actor_until_it_is_given_up(place: &mut impl Place) {
    let store = place.handle().await;
    let with = |id, actor: Option<&str>, key: Option<&str>| Task {
        actor: actor.map(str::to_owned),
        idempotency_key: key.map(str::to_owned),
        ..task(id)
    };
    // None of these is the same as another.
    for other in [
        with(1, None, None),
        with(2, None, None),
        with(3, None, Some("k")),
        with(4, Some(""), Some("k")),
        with(5, Some("a"), Some("k")),
        with(6, Some("a"), Some("K")),
        with(7, Some("a"), Some("")),
        with(8, Some("ak"), Some("")),
        with(9, Some("a"), None),
    ] {
        assert_eq!(store.add_task(&other).await.unwrap(), Added::New);
    }
    let first = with(5, Some("a"), Some("k"));
    let again = with(10, Some("a"), Some("k"));
    let known = Added::Known(Box::new(first.clone()));
    assert_eq!(store.add_task(&again).await.unwrap(), known);

    // Also after it has ended, until the key is given up.
    let mut ended = first;
    ended.progress.state = TaskState::Running;
    assert!(store.update_task(&ended).await.unwrap());
    let known = Added::Known(Box::new(ended.clone()));
    assert_eq!(store.add_task(&again).await.unwrap(), known);
    ended.progress.state = TaskState::Failed;
    ended.idempotency_key = None;
    assert!(store.update_task(&ended).await.unwrap());
    assert_eq!(store.add_task(&again).await.unwrap(), Added::New);
    let third = with(11, Some("a"), Some("k"));
    let known = Added::Known(Box::new(again));
    assert_eq!(store.add_task(&third).await.unwrap(), known);
}

pub(crate) async fn a_task_that_was_added_can_be_added_again(place: &mut impl Place) {
    let store = place.handle().await;
    let mut task = task(1);
    assert_eq!(store.add_task(&task).await.unwrap(), Added::New);
    task.progress.state = TaskState::Running;
    assert!(store.update_task(&task).await.unwrap());
    // A second request hears how far it is by now.
    let known = Added::Known(Box::new(task.clone()));
    let mut late = task.clone();
    late.progress.state = TaskState::Queued;
    assert_eq!(store.add_task(&late).await.unwrap(), known);
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));
}

pub(crate) async fn a_task_that_has_ended_stays_as_it_is(place: &mut impl Place) {
    let store = place.handle().await;
    let ends = [
        TaskState::Succeeded,
        TaskState::Failed,
        TaskState::Interrupted,
    ];
    for (end, id) in ends.into_iter().zip(1..) {
        let mut task = task(id);
        store.add_task(&task).await.unwrap();
        for state in [TaskState::Queued, TaskState::Running, end] {
            task.progress.state = state;
            task.progress.percent = Some(100);
            assert!(store.update_task(&task).await.unwrap(), "{state:?}");
            assert_eq!(store.task(task.id).await.unwrap().as_ref(), Some(&task));
        }
        let position = store.task_position().await.unwrap();
        for state in [TaskState::Queued, TaskState::Running]
            .into_iter()
            .chain(ends)
        {
            let mut late = task.clone();
            late.progress.state = state;
            late.progress.percent = Some(7);
            assert!(!store.update_task(&late).await.unwrap(), "{state:?}");
            assert_eq!(store.task(task.id).await.unwrap().as_ref(), Some(&task));
        }
        // The very same, by a caller that did not hear that it had worked.
        assert!(store.update_task(&task).await.unwrap());
        assert_eq!(store.task_position().await.unwrap(), position);
    }
}

pub(crate) async fn more_may_be_reported_of_a_failure(place: &mut impl Place) {
    let store = place.handle().await;
    let mut failed = task(1);
    let mut error = TaskError {
        kind: TaskErrorKind::Interrupted,
        message: "The executor stopped.".to_owned(),
        hint: "Wait.".to_owned(),
        left: vec!["Nobody knows.".to_owned()],
    };
    assert!(
        !store.amend_task(failed.id, &error).await.unwrap(),
        "unknown"
    );
    store.add_task(&failed).await.unwrap();
    assert!(
        !store.amend_task(failed.id, &error).await.unwrap(),
        "queued"
    );
    failed.progress.state = TaskState::Interrupted;
    failed.progress.error = Some(error.clone());
    assert!(store.update_task(&failed).await.unwrap());

    error.left.clear();
    let position = store.task_position().await.unwrap();
    assert!(store.amend_task(failed.id, &error).await.unwrap());
    failed.progress.error = Some(error.clone());
    let (_, changed) = store.tasks_changed(position).await.unwrap();
    assert_eq!(changed, [failed.clone()]);
    assert_eq!(store.task(failed.id).await.unwrap(), Some(failed));

    let mut done = task(2);
    store.add_task(&done).await.unwrap();
    done.progress.state = TaskState::Succeeded;
    assert!(store.update_task(&done).await.unwrap());
    assert!(
        !store.amend_task(done.id, &error).await.unwrap(),
        "no error"
    );
    assert_eq!(store.task(done.id).await.unwrap(), Some(done));
}

pub(crate) async fn of_several_ends_at_the_same_time_one_holds(place: &mut impl Place) {
    let (one, two) = (place.handle().await, place.handle().await);
    for id in 1..=10 {
        let task = task(id);
        one.add_task(&task).await.unwrap();
        let end = |state| {
            let mut task = task.clone();
            task.progress.state = state;
            task
        };
        let (failed, interrupted) = (end(TaskState::Failed), end(TaskState::Interrupted));
        let (first, second) = tokio::join!(one.update_task(&failed), two.update_task(&interrupted));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(first != second, "{first} and {second}");
        let kept = one.task(task.id).await.unwrap().unwrap();
        assert_eq!(kept, if first { failed } else { interrupted });
    }
}

pub(crate) async fn tasks_come_newest_first_in_pages(place: &mut impl Place) {
    let store = place.handle().await;
    let states = [
        TaskState::Queued,
        TaskState::Running,
        TaskState::Succeeded,
        TaskState::Failed,
        TaskState::Interrupted,
    ];
    let nodes = ["a", "b", "a.b"];
    let mut all = Vec::new();
    // Added in another order than they were made.
    for number in [7, 1, 12, 3, 9, 5, 0, 11, 2, 8, 14, 6, 4, 13, 10] {
        let mut task = task(number);
        task.node = name(nodes[usize::try_from(number % 3).unwrap()]);
        task.progress.state = states[usize::try_from(number % 5).unwrap()];
        store.add_task(&task).await.unwrap();
        all.push(task);
    }
    all.sort_by_key(|task| std::cmp::Reverse(task.id));
    for wanted_states in [&[][..], &states[1..2], &states[2..], &states] {
        for wanted_nodes in [&[][..], &nodes[..1], &nodes[1..]] {
            let expected: Vec<_> = all
                .iter()
                .filter(|task| {
                    (wanted_states.is_empty() || wanted_states.contains(&task.progress.state))
                        && (wanted_nodes.is_empty() || wanted_nodes.contains(&task.node.as_str()))
                })
                .cloned()
                .collect();
            for limit in [0, 1, 2, 100] {
                let mut pages = Vec::new();
                let mut query = TaskQuery {
                    states: wanted_states.to_vec(),
                    nodes: wanted_nodes.iter().map(|node| name(node)).collect(),
                    before: None,
                    limit,
                };
                loop {
                    let page = store.tasks(&query).await.unwrap();
                    assert!(limit == 0 || page.len() <= limit, "{query:?}");
                    let Some(last) = page.last() else {
                        break;
                    };
                    query.before = Some(last.id);
                    pages.extend(page);
                }
                assert_eq!(pages, expected, "{query:?}");
                // Asked with the place of the last page: it reports all of them.
                let count = store.count_tasks(&query).await.unwrap();
                assert_eq!(count, expected.len() as u64, "{query:?}");
            }
        }
    }
    // A page begins after a task that is forgotten by now, too.
    let query = TaskQuery {
        before: Some(id(1_000)),
        limit: 1,
        ..TaskQuery::default()
    };
    assert_eq!(store.tasks(&query).await.unwrap(), all[..1]);
}

pub(crate) async fn a_waiting_reader_hears_of_every_change_of_a_task(place: &mut impl Place) {
    let (writer, reader) = (place.handle().await, place.handle().await);
    let mut position = reader.task_position().await.unwrap();
    let mut task = task(1);
    for step in 0..4 {
        let change = async {
            match step {
                0 => drop(writer.add_task(&task).await.unwrap()),
                1 => assert!(writer.update_task(&task).await.unwrap()),
                2 => {
                    task.progress.state = TaskState::Running;
                    assert!(writer.update_task(&task).await.unwrap());
                }
                _ => {
                    task.progress.state = TaskState::Succeeded;
                    assert!(writer.update_task(&task).await.unwrap());
                }
            }
        };
        let mut waiting = reader.tasks_changed(position);
        let heard = async {
            // The reader waits before anything changes.
            let early = futures::poll!(waiting.as_mut());
            assert!(early.is_pending(), "step {step}: {early:?}");
            change.await;
            waiting.await.unwrap()
        };
        let (now, tasks) = timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("the reader did not hear of step {step}"));
        assert_eq!(tasks, [task.clone()], "step {step}");
        assert!(now > position, "step {step}: {now} after {position}");
        assert_eq!(reader.task_position().await.unwrap(), now);
        position = now;
    }
    // What changes nothing wakes nobody, and neither does forgetting.
    assert!(writer.update_task(&task).await.unwrap());
    writer.add_task(&task).await.unwrap();
    writer.forget_tasks(later(), 0).await.unwrap();
    assert_eq!(writer.task_position().await.unwrap(), position);
}

pub(crate) async fn a_reader_hears_at_once_of_tasks_that_it_missed(place: &mut impl Place) {
    let store = place.handle().await;
    let mut tasks: Vec<_> = (1..=3).map(task).collect();
    for task in &tasks {
        store.add_task(task).await.unwrap();
    }
    let between = store.task_position().await.unwrap();
    for percent in [10, 20] {
        for task in &mut tasks[..2] {
            task.progress.percent = Some(percent);
            store.update_task(task).await.unwrap();
        }
    }
    let now = store.task_position().await.unwrap();
    let heard = timeout(PATIENCE, store.tasks_changed(between)).await;
    let expected = tasks[..2].to_vec();
    assert_eq!(heard.unwrap().unwrap(), (now, expected), "each comes once");
    let heard = timeout(PATIENCE, store.tasks_changed(0)).await;
    let expected = vec![tasks[2].clone(), tasks[0].clone(), tasks[1].clone()];
    assert_eq!(heard.unwrap().unwrap(), (now, expected));

    // A task that is forgotten does not come, and does not hide those behind it.
    let mut ended = tasks[1].clone();
    ended.progress.state = TaskState::Failed;
    store.update_task(&ended).await.unwrap();
    assert_eq!(store.forget_tasks(later(), 0).await.unwrap(), 1);
    let mut waiting = store.tasks_changed(now);
    let early = timeout(Duration::from_millis(1), waiting.as_mut()).await;
    assert!(early.is_err(), "{early:?}");
    store.update_task(&tasks[2]).await.unwrap();
    let (_, heard) = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(heard, tasks[2..]);
}

pub(crate) async fn no_change_of_a_task_is_missed_among_many_writers(place: &mut impl Place) {
    const WRITERS: u128 = 6;
    const CHANGES: u8 = 15;
    let reader = place.handle().await;
    let mut position = reader.task_position().await.unwrap();
    let writers = (0..WRITERS).map(|number| {
        let store = place.handle();
        async move {
            let store = store.await;
            let mut task = task(number);
            store.add_task(&task).await.unwrap();
            for percent in 1..=CHANGES {
                task.progress.percent = Some(percent);
                assert!(store.update_task(&task).await.unwrap());
            }
        }
    });
    let read = async {
        let mut seen = std::collections::BTreeMap::new();
        loop {
            let (now, tasks) = reader.tasks_changed(position).await.unwrap();
            assert!(now > position, "{now} after {position}");
            position = now;
            let ids: BTreeSet<_> = tasks.iter().map(|task| task.id).collect();
            assert_eq!(ids.len(), tasks.len(), "a task came twice");
            for task in tasks {
                let before = seen.insert(task.id, task.progress.percent);
                assert!(before.is_none_or(|before| before <= task.progress.percent));
            }
            // The last word of each: if one were missed, this would wait without end.
            if seen.values().filter(|&&seen| seen == Some(CHANGES)).count()
                == usize::try_from(WRITERS).unwrap()
            {
                break;
            }
        }
    };
    let both = async { tokio::join!(futures::future::join_all(writers), read) };
    timeout(PATIENCE, both)
        .await
        .expect("the reader missed the last change of a task");
}

pub(crate) async fn a_change_of_a_task_that_was_cut_off_can_be_made_again(place: &mut impl Place) {
    let (writer, reader) = (place.handle().await, place.handle().await);
    let mut cut_off = 0;
    for polls in 1..20 {
        let mut task = task(polls.into());
        let position = reader.task_position().await.unwrap();
        if cut_off_after(polls, writer.add_task(&task)).await.is_none() {
            cut_off += 1;
        }
        let added = writer.add_task(&task).await.unwrap();
        assert!(
            added == Added::New || added == Added::Known(Box::new(task.clone())),
            "{added:?}"
        );
        task.progress.state = TaskState::Succeeded;
        if cut_off_after(polls, writer.update_task(&task))
            .await
            .is_none()
        {
            cut_off += 1;
        }
        assert!(writer.update_task(&task).await.unwrap(), "{polls} polls");
        // Whichever call wrote it, readers hear of it.
        let heard = async {
            let mut position = position;
            loop {
                let (now, tasks) = reader.tasks_changed(position).await.unwrap();
                if tasks.contains(&task) {
                    break;
                }
                position = now;
            }
        };
        timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("nobody hears of the task after {polls} polls"));
    }
    assert!(cut_off > 0, "nothing was cut off");
}

pub(crate) async fn the_oldest_tasks_that_have_ended_are_forgotten(place: &mut impl Place) {
    let store = place.handle().await;
    for number in [3, 1, 6, 2, 5, 4] {
        let mut task = task(number);
        task.idempotency_key = Some(number.to_string());
        task.progress.state = match number {
            1 => TaskState::Running,
            4 => TaskState::Queued,
            _ => TaskState::Succeeded,
        };
        store.add_task(&task).await.unwrap();
    }
    let left = async || {
        let tasks = store.tasks(&TaskQuery::default()).await.unwrap();
        let ids = tasks.into_iter().map(|task| task.id.0.as_u128() & 0xFF);
        ids.collect::<Vec<_>>()
    };
    let forget = async |before, keep| store.forget_tasks(before, keep).await.unwrap();
    assert_eq!(forget(later(), 4).await, 0);
    assert_eq!(forget(later(), u64::from(u32::MAX)).await, 0);
    // As old as they have to be, but there must be so many; and many enough, but too young.
    assert_eq!(forget(requested_at(6), 4).await, 0);
    assert_eq!(forget(requested_at(2), 0).await, 0);
    assert_eq!(left().await, [6, 5, 4, 3, 2, 1]);
    // The older one of the two that are too many is old enough.
    assert_eq!(forget(requested_at(3), 2).await, 1);
    assert_eq!(left().await, [6, 5, 4, 3, 1]);
    assert_eq!(forget(later(), 2).await, 1);
    assert_eq!(left().await, [6, 5, 4, 1]);
    assert_eq!(forget(requested_at(6), 0).await, 1);
    assert_eq!(left().await, [6, 4, 1]);
    assert_eq!(forget(later(), 0).await, 1);
    assert_eq!(left().await, [4, 1]);
    assert_eq!(store.task(id(6)).await.unwrap(), None);

    // Their keys are free, those of the others are not.
    let again = |number: u128, key: &str| Task {
        idempotency_key: Some(key.to_owned()),
        ..task(number)
    };
    let added = store.add_task(&again(10, "6")).await.unwrap();
    assert_eq!(added, Added::New);
    let added = store.add_task(&again(11, "4")).await.unwrap();
    assert!(matches!(added, Added::Known(_)), "{added:?}");
}

pub(crate) async fn notes_are_left_seen_and_removed(place: &mut impl Place) {
    let (dashboard, crawler) = (place.handle().await, place.handle().await);
    let request = |number: u128, second: u32, vmid: Option<u32>| RefreshRequest {
        id: Uuid::from_u128(number),
        node: name("ノード 1"),
        vmid: vmid.map(Vmid),
        requested_at: time(&format!("2026-11-22T10:00:{second:02}.000000001Z")),
        whole: vmid.is_none(),
    };
    let (first, second, third) = (
        request(2, 1, Some(14)),
        request(1, 2, None),
        request(3, 0, Some(0)),
    );
    assert_eq!(crawler.refresh_requests().await.unwrap(), []);
    let mut waiting = crawler.refresh_requests_changed(&[]);
    let early = futures::poll!(waiting.as_mut());
    assert!(early.is_pending(), "{early:?}");
    dashboard.request_refresh(&first).await.unwrap();
    let seen = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(seen, slice::from_ref(&first));

    // Those that are known wake nobody; the next one does, and all come, oldest first.
    let known = [first.id, third.id];
    let mut waiting = crawler.refresh_requests_changed(&known);
    dashboard.request_refresh(&first).await.unwrap();
    dashboard.request_refresh(&third).await.unwrap();
    let early = timeout(Duration::from_millis(700), waiting.as_mut()).await;
    assert!(early.is_err(), "{early:?}");
    dashboard.request_refresh(&second).await.unwrap();
    let seen = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(seen, [third.clone(), first.clone(), second.clone()]);
    assert_eq!(crawler.refresh_requests().await.unwrap(), seen);

    // They outlive both processes.
    drop((dashboard, crawler));
    place.reopen().await;
    let (dashboard, crawler) = (place.handle().await, place.handle().await);
    let seen = timeout(PATIENCE, crawler.refresh_requests_changed(&[]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen, [third.clone(), first.clone(), second.clone()]);

    crawler
        .remove_refresh_requests(&[third.id, first.id, Uuid::from_u128(99)])
        .await
        .unwrap();
    crawler.remove_refresh_requests(&[third.id]).await.unwrap();
    let seen = timeout(PATIENCE, crawler.refresh_requests_changed(&[]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen, slice::from_ref(&second));
    crawler.remove_refresh_requests(&[second.id]).await.unwrap();
    let mut waiting = crawler.refresh_requests_changed(&[]);
    let early = futures::poll!(waiting.as_mut());
    assert!(early.is_pending(), "{early:?}");
    // One that was removed can be left again.
    dashboard.request_refresh(&second).await.unwrap();
    let seen = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(seen, [second]);
}

/// A task that waits, and of which nothing else is known.
pub(crate) fn task(number: u128) -> Task {
    Task {
        id: id(number),
        node: name("hoge"),
        request: TaskRequest::Power(PowerChange {
            vmid: Vmid(14),
            action: PowerAction::On,
            guest_seconds: 120,
            if_power: None,
        }),
        vm_name: None,
        actor: None,
        idempotency_key: None,
        request_id: String::new(),
        created_at: time("2026-11-22T10:00:00Z"),
        executor: None,
        cancelled: None,
        progress: TaskProgress::default(),
    }
}

/// When the task with [`id`] of this number was requested, to the millisecond.
fn requested_at(number: i64) -> ecoman_model::Timestamp {
    ecoman_model::Timestamp::from_timestamp_millis(0x019a_c0de_0000 + number).unwrap()
}

/// A time after all of them.
fn later() -> ecoman_model::Timestamp {
    requested_at(1_000_000)
}

/// An id as version 7 makes them.
pub(crate) fn id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(
        0x019a_c0de_0000_7000_8000_0000_0000_0000 + (number << 80) + number,
    ))
}

pub(crate) async fn add(store: &dyn Store, task: &Task) {
    assert_eq!(store.add_task(task).await.unwrap(), Added::New);
}

fn requests() -> Vec<TaskRequest> {
    let vm = NewVm {
        name: "$(reboot) 漢字 \u{1F642}".to_owned(),
        cpus: u32::MAX,
        memory_mb: MOST,
        disk_gb: MOST,
        comment: "所有者:\r\n\u{1b}[1m{\"$set\": 1}\u{10FFFF}".to_owned(),
        guest_os: "ubuntu-64".to_owned(),
        datastore: None,
        network: Some("$管理.ネットワーク".to_owned()),
        iso_path: Some(String::new()),
        power_on: true,
    };
    let plain = NewVm {
        datastore: None,
        network: None,
        iso_path: None,
        power_on: false,
        ..vm.clone()
    };
    vec![
        TaskRequest::Create(Box::new(vm)),
        TaskRequest::Create(Box::new(plain.clone())),
        TaskRequest::Answer(Answer {
            vmid: Vmid(u32::MAX),
            question: "_vmx1".to_owned(),
            choice: u32::MAX,
        }),
        TaskRequest::CleanUp(CleanUp {
            task: id(9),
            vm: Box::new(plain),
            directory: Some("/vmfs/volumes/a b/ウェブ".to_owned()),
        }),
    ]
}

fn full_task((request, number): (TaskRequest, u128)) -> Task {
    let at = time("2026-11-22T10:00:00.123456789Z");
    let steps = [
        StepState::Pending,
        StepState::Running,
        StepState::Done,
        StepState::Skipped,
        StepState::Failed,
        StepState::Undone,
    ];
    let command = CommandRun {
        command: "vim-cmd vmsvc/power.on 14".to_owned(),
        at,
        times: u32::MAX,
        millis: Some(MOST),
        exit: Some(i32::MIN),
        expected: true,
        stdout: "\0\u{FFFD}\n".to_owned(),
        stderr: "行".repeat(4_096),
        failure: Some("the connection was lost".to_owned()),
    };
    let running = CommandRun {
        millis: None,
        exit: None,
        failure: None,
        ..command.clone()
    };
    let choice = |index, default| Choice {
        index,
        label: "I Copied It".to_owned(),
        default,
    };
    Task {
        id: id(number),
        node: name("ノード 1"),
        request,
        vm_name: Some("metrics/b %2f".to_owned()),
        actor: Some("$actor.名".to_owned()),
        idempotency_key: Some(format!("key {number}")),
        request_id: "r-1".to_owned(),
        created_at: at,
        executor: Some(Uuid::from_u128(u128::MAX)),
        cancelled: Some(Cancelled {
            by: Some("alice".to_owned()),
            at: ecoman_model::Timestamp::UNIX_EPOCH,
        }),
        progress: TaskProgress {
            state: TaskState::Running,
            steps: steps
                .into_iter()
                .map(|state| TaskStep {
                    title: "Register the VM".to_owned(),
                    code: Some(ecoman_model::Step::CreateDisk {
                        gb: u64::from(u32::MAX),
                    }),
                    state,
                    detail: (state == StepState::Failed).then(String::new),
                })
                .collect(),
            percent: Some(u8::MAX),
            started_at: Some(at),
            finished_at: Some(at),
            commands: vec![command, running],
            directory: Some("/vmfs/volumes/a b/ウェブ".to_owned()),
            place: Some(VmPlace {
                datastore: "a b".to_owned(),
                network: "VM Network".to_owned(),
                iso_path: None,
            }),
            vmid: Some(Vmid(u32::MAX)),
            before: Some(ecoman_model::NodeBefore {
                snapshots: vec![1, u32::MAX],
                tasks: Some(vec![
                    "haTask-1-vim.VirtualMachine.createSnapshot-7".to_owned(),
                ]),
            }),
            removal: Some(ecoman_model::Removal {
                vmx_path: "[a b] ウェブ/ウェブ.vmx".to_owned(),
                directory: Some("/vmfs/volumes/a b/ウェブ".to_owned()),
                files: vec!["/vmfs/volumes/a b/ウェブ/$x.vmdk".to_owned()],
                vmx: Some(".encoding = \"UTF-8\"\r\n\0".to_owned()),
            }),
            question: Some(Question {
                id: "_vmx1".to_owned(),
                text: "moved or\ncopied?".to_owned(),
                choices: vec![choice(0, false), choice(u32::MAX, true)],
            }),
            error: Some(TaskError {
                kind: TaskErrorKind::Node,
                message: "hoge: the disk is full".to_owned(),
                hint: "Make space.".to_owned(),
                left: vec!["VM 31 is registered".to_owned(), String::new()],
            }),
        },
    }
}
