//! What becomes of a task, whatever goes wrong on its way.

use chrono::{TimeDelta, Utc};
use ecoman_api::{CleanUp, Task, TaskId, TaskRequest, TaskState, TaskStep};
use ecoman_model::{AuditOutcome, StepState, TaskError, TaskErrorKind, TaskProgress, Vmid};
use ecoman_store::{AuditStore as _, Store as _, TaskStore as _};
use reqwest::{Method, StatusCode};

use crate::changes::{accepted, create, hoge, power_on};
use crate::executor::{BEGUN, Executor};
use crate::server::{Server, at, facts, vm};

async fn server() -> (Server, Executor) {
    Server::start_with_executor(vec![hoge()]).await
}

/// A task that the executor has begun.
async fn begun(server: &Server, executor: &Executor) -> TaskId {
    let id = accepted(power_on(server)).await.id;
    server.begun(executor, 1).await;
    executor.report(id, running);
    server.state(id, TaskState::Running).await;
    id
}

fn running(progress: &mut TaskProgress) {
    progress.state = TaskState::Running;
    let step = |title: &str, state| TaskStep {
        title: title.to_owned(),
        code: None,
        state,
        detail: None,
    };
    progress.steps = vec![
        step("Check power state", StepState::Done),
        step("Power it on", StepState::Running),
        step("Wait until it is on", StepState::Pending),
    ];
    progress.percent = Some(33);
}

#[tokio::test]
async fn a_task_is_followed_to_its_end_and_the_crawler_is_notified() {
    let (server, executor) = server().await;
    let mut events = server.events(server.request("/api/v1/events")).await;
    let id = begun(&server, &executor).await;
    let task = server.task(id).await;
    assert_eq!(task.step.as_deref(), Some("Power it on"));
    assert_eq!((task.progress, task.steps.len()), (Some(33), 3));
    assert!(executor.remembers(id));

    let waiting = tokio::spawn({
        let request = server.request(&format!("/api/v1/tasks/{id}?wait=60"));
        async move {
            request
                .send()
                .await
                .expect("an answer")
                .json::<Task>()
                .await
        }
    });
    executor.succeed(id);
    let ended = waiting.await.expect("no panic").expect("a task");
    assert_eq!(ended.state, TaskState::Succeeded);

    server
        .until("the executor to forget the task", async || {
            (!executor.remembers(id)).then_some(())
        })
        .await;
    let notes = server.store.refresh_requests().await.expect("notes");
    let [note] = notes.as_slice() else {
        panic!("one note, not {notes:?}");
    };
    assert_eq!((note.node.as_str(), note.vmid), ("hoge", Some(Vmid(2))));

    let mut states = Vec::new();
    while states.last() != Some(&TaskState::Succeeded) {
        let event = events.next().await;
        assert_eq!(event.event, "task");
        let task: Task = serde_json::from_str(&event.data).expect("a task");
        assert_eq!(task.id, id);
        states.push(task.state);
    }
    states.dedup();
    let expected = [TaskState::Queued, TaskState::Running, TaskState::Succeeded];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn a_task_that_failed_says_why_and_what_is_left() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    executor.report(id, |progress| {
        progress.state = TaskState::Failed;
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Timeout,
            message: "web on hoge was still off after 60 s.".to_owned(),
            hint: "Look at its console.".to_owned(),
            left: vec!["/vmfs/volumes/datastore1/web".to_owned()],
        });
    });
    let task = server.state(id, TaskState::Failed).await;
    let error = task.error.expect("an error");
    assert_eq!(
        (error.status, error.kind.as_str()),
        (504, "urn:ecoman:problem:task-timeout")
    );
    assert_eq!(
        error.detail,
        "web on hoge was still off after 60 s. Look at its console."
    );
    assert_eq!(error.instance, format!("/api/v1/tasks/{id}"));
    assert_eq!(task.left, ["/vmfs/volumes/datastore1/web"]);
}

#[tokio::test]
async fn a_task_whose_answer_is_lost_is_not_run_twice() {
    let (server, executor) = server().await;
    executor.lose_next_answer();
    let id = accepted(power_on(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn a_task_that_is_lost_on_its_way_is_handed_over_again() {
    let (server, executor) = server().await;
    executor.lose_next_order();
    let id = accepted(power_on(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn a_task_goes_on_when_the_way_to_the_executor_was_cut() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    executor.go_away();
    executor.report(id, |progress| progress.percent = Some(90));
    executor.come_back();
    server
        .until("the progress from meanwhile", async || {
            (server.task(id).await.progress == Some(90)).then_some(())
        })
        .await;
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn an_order_that_comes_too_late_does_not_repeat_what_another_dashboard_has_handled() {
    let (server, executor) = server().await;
    let on_its_way = executor.hold_next_order();
    let id = accepted(power_on(&server)).await.id;
    server
        .until("the order to be on its way", async || {
            executor.is_holding().then_some(())
        })
        .await;
    let store = &server.store;
    let mut task = store.task(id).await.expect("an answer").expect("a task");
    task.progress.state = TaskState::Succeeded;
    assert!(store.update_task(&task).await.expect("kept"));
    executor.has_forgotten(id);
    drop(on_its_way);

    server
        .until("the order to be answered", async || {
            (!executor.is_holding()).then_some(())
        })
        .await;
    // The next one goes its way, and the first has stayed as it was.
    let next = accepted(power_on(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.succeed(next);
    server.state(next, TaskState::Succeeded).await;
    assert_eq!(executor.begun()[0].id, next);
    assert_eq!(server.task(id).await.state, TaskState::Succeeded);
    // This one has nothing to say of it.
    let entry = store.audit_entry(id.0).await.expect("an answer");
    let outcome = entry.expect("an entry").outcome;
    assert_eq!(outcome, AuditOutcome::Pending);
    assert_eq!(
        store.refresh_requests().await.expect("notes").len(),
        1,
        "of the next"
    );
}

#[tokio::test]
async fn a_task_that_another_dashboard_has_handled_is_not_interrupted_by_a_new_executor() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    executor.go_away();
    // The other one still hears of its end, and then the executor is restarted.
    let store = &server.store;
    let mut task = store.task(id).await.expect("an answer").expect("a task");
    task.progress.state = TaskState::Succeeded;
    assert!(store.update_task(&task).await.expect("kept"));
    let asked = executor.asked();
    executor.restart();
    server
        .until("the new run to be noticed", async || {
            (executor.asked() > asked).then_some(())
        })
        .await;
    let next = accepted(power_on(&server)).await.id;
    server.begun(&executor, 2).await;
    executor.succeed(next);
    server.state(next, TaskState::Succeeded).await;
    assert_eq!(server.task(id).await.state, TaskState::Succeeded);
    let entry = store.audit_entry(id.0).await.expect("an answer");
    let outcome = entry.expect("an entry").outcome;
    assert_eq!(outcome, AuditOutcome::Pending, "reported by the other one");
}

#[tokio::test]
async fn an_executor_that_was_restarted_gets_what_the_old_one_never_had() {
    let (server, executor) = server().await;
    executor.change_run_before_next_order();
    let id = accepted(power_on(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
}

#[tokio::test]
async fn a_task_is_interrupted_when_its_executor_dies_and_never_run_again() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    executor.restart();
    let task = server.state(id, TaskState::Interrupted).await;
    let error = task.error.expect("an error");
    assert_eq!(
        (error.status, error.kind.as_str()),
        (500, "urn:ecoman:problem:task-interrupted")
    );
    assert_eq!(task.step.as_deref(), Some("Power it on"), "it died here");
    assert_eq!(task.steps[1].state, StepState::Failed);
    assert_eq!(executor.begun().len(), 1);
    let notes = server.until("a note for the crawler", async || {
        let notes = server.store.refresh_requests().await.expect("notes");
        (!notes.is_empty()).then_some(notes)
    });
    assert_eq!(notes.await[0].vmid, Some(Vmid(2)));
    let server = server.restart(&executor).await;
    assert_eq!(server.task(id).await.state, TaskState::Interrupted);
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn a_task_whose_answer_is_lost_with_its_executor_is_not_run_by_the_next() {
    let (server, executor) = server().await;
    executor.lose_next_answer();
    let id = accepted(power_on(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.restart();
    server.state(id, TaskState::Interrupted).await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn a_task_that_the_executor_has_lost_is_interrupted() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    executor.go_away();
    executor.lose_memory();
    executor.come_back();
    server.state(id, TaskState::Interrupted).await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn what_an_interrupted_creation_has_left_is_cleaned_up_by_a_task_of_its_own() {
    let (server, executor) = server().await;
    let id = accepted(create(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.report(id, running);
    server.state(id, TaskState::Running).await;
    executor.restart();

    let orders = server.begun(&executor, 2).await;
    let TaskRequest::CleanUp(CleanUp {
        task,
        vm,
        directory,
    }) = &orders[1].request
    else {
        panic!("no clean-up: {:?}", orders[1]);
    };
    assert_eq!(*directory, None, "it is not known to have begun");
    assert_eq!((*task, vm.name.as_str()), (id, "ウェブ $(reboot)"));
    let interrupted = server.state(id, TaskState::Interrupted).await;
    let path = format!("/api/v1/tasks/{}", orders[1].id);
    assert!(interrupted.error.expect("an error").detail.contains(&path));
    assert!(
        interrupted.left[0].contains(&path),
        "{:?}",
        interrupted.left
    );

    // Cleaning up is done until it is done: it removes only what is there.
    server.state(orders[1].id, TaskState::Queued).await;
    executor.report(orders[1].id, running);
    server.state(orders[1].id, TaskState::Running).await;
    executor.restart();
    let again = server.begun(&executor, 3).await;
    assert_eq!(
        (again[2].id, &again[2].request),
        (orders[1].id, &orders[1].request)
    );

    executor.succeed(orders[1].id);
    let clean_up = server.state(orders[1].id, TaskState::Succeeded).await;
    assert_eq!(
        clean_up.title,
        "Clean up after the interrupted creation of ウェブ $(reboot) on hoge"
    );
    assert_eq!(executor.begun().len(), 3);
    // The creation reports it itself.
    let reported = server.task(id).await;
    assert_eq!(reported.left, [""; 0], "{reported:?}");
    let detail = reported.error.expect("an error").detail;
    assert!(detail.contains("nothing of it is left on hoge"), "{detail}");
}

#[tokio::test]
async fn who_waits_for_a_vm_to_be_created_finds_it() {
    let (server, executor) = server().await;
    let id = accepted(create(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.report(id, |progress| {
        progress.state = TaskState::Succeeded;
        progress.vmid = Some(Vmid(77));
        // However long the test takes until it waits.
        progress.finished_at = Some(Utc::now() + TimeDelta::minutes(5));
    });
    server.state(id, TaskState::Succeeded).await;
    assert_eq!(
        server.store.refresh_requests().await.expect("notes")[0].vmid,
        Some(Vmid(77)),
        "the crawler is notified before the end is reported"
    );
    let found = server.get("/api/v1/vms/hoge/77").await;
    assert_eq!(found.status(), StatusCode::NOT_FOUND, "nobody has looked");
    // The crawler looks while somebody waits.
    let new = vm("hoge", 77, facts("new"));
    let path = format!("/api/v1/tasks/{id}?wait=60");
    let (task, _) = tokio::join!(server.json::<Task>(&path), async {
        server.store.record_vm(&new).await.expect("recorded")
    });
    assert_eq!(task.state, TaskState::Succeeded);
    let found = server.get("/api/v1/vms/hoge/77").await;
    assert_eq!(found.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_clean_up_that_could_not_look_takes_back_nothing_of_what_was_reported() {
    let (server, executor) = server().await;
    let id = accepted(create(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.restart();
    let orders = server.begun(&executor, 2).await;
    let reported = server.state(id, TaskState::Interrupted).await.left;
    assert_eq!(reported.len(), 1);
    executor.report(orders[1].id, |progress| {
        progress.state = TaskState::Failed;
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Refused,
            message: "hoge is read-only.".to_owned(),
            hint: "Change hosts.yml.".to_owned(),
            left: Vec::new(),
        });
    });
    server.state(orders[1].id, TaskState::Failed).await;
    let now = server.task(id).await;
    assert_eq!(now.left, reported);
    let detail = now.error.expect("an error").detail;
    assert!(detail.contains("hoge is read-only."), "{detail}");
}

#[tokio::test]
async fn what_cleaning_up_could_not_remove_is_reported_by_the_creation() {
    let (server, executor) = server().await;
    let id = accepted(create(&server)).await.id;
    server.begun(&executor, 1).await;
    executor.report(id, |progress| {
        running(progress);
        progress.directory = Some("/vmfs/volumes/datastore1/web".to_owned());
    });
    server.state(id, TaskState::Running).await;
    executor.restart();
    let orders = server.begun(&executor, 2).await;
    let TaskRequest::CleanUp(CleanUp { directory, .. }) = &orders[1].request else {
        panic!("no clean-up: {:?}", orders[1]);
    };
    assert_eq!(directory.as_deref(), Some("/vmfs/volumes/datastore1/web"));
    executor.report(orders[1].id, |progress| {
        progress.state = TaskState::Failed;
        progress.error = Some(TaskError {
            kind: TaskErrorKind::Refused,
            message: "VM 7 had been registered.".to_owned(),
            hint: "Use it.".to_owned(),
            left: vec!["VM 7 on hoge.".to_owned()],
        });
    });
    server.state(orders[1].id, TaskState::Failed).await;
    let reported = server.task(id).await;
    assert_eq!(reported.left, ["VM 7 on hoge."]);
    let detail = reported.error.expect("an error").detail;
    assert!(
        detail.contains("VM 7 had been registered. Use it."),
        "{detail}"
    );
}

#[tokio::test]
async fn a_dashboard_that_is_started_again_takes_up_what_runs() {
    let (mut server, executor) = server().await;
    let running_id = begun(&server, &executor).await;
    let ended_id = accepted(create(&server)).await.id;
    server.begun(&executor, 2).await;
    server.stop().await;
    executor.succeed(ended_id);

    let server = server.restart(&executor).await;
    server.state(ended_id, TaskState::Succeeded).await;
    executor.succeed(running_id);
    server.state(running_id, TaskState::Succeeded).await;
    assert_eq!(executor.begun().len(), 2);
}

#[tokio::test]
async fn a_dashboard_that_comes_back_to_another_executor_runs_nothing_again() {
    let (mut server, executor) = server().await;
    let id = begun(&server, &executor).await;
    server.stop().await;
    executor.restart();
    let server = server.restart(&executor).await;
    server.state(id, TaskState::Interrupted).await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn what_could_not_be_handed_over_in_time_is_given_up() {
    let (mut server, executor) = server().await;
    let never_arrives = executor.hold_next_order();
    let id = accepted(power_on(&server)).await.id;
    server
        .until("the order to be on its way", async || {
            executor.is_holding().then_some(())
        })
        .await;
    server.stop().await;
    server.set_clock(61);
    let server = server.restart(&executor).await;
    let task = server.state(id, TaskState::Failed).await;
    let error = task.error.expect("an error");
    assert_eq!(error.kind, "urn:ecoman:problem:task-executor");
    assert!(
        error.detail.contains("Nothing was sent to hoge"),
        "{}",
        error.detail
    );
    assert_eq!(executor.begun().len(), 0);
    drop(never_arrives);
}

#[tokio::test]
async fn an_end_outlasts_a_store_that_is_away() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    server.store.set_there(false);
    executor.report(id, |progress| progress.percent = Some(66));
    executor.succeed(id);
    server
        .until("the end to be refused twice", async || {
            (server.store.refused_ends() >= 2).then_some(())
        })
        .await;
    let response = server.get(&format!("/api/v1/tasks/{id}")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(executor.remembers(id), "nobody has kept the end yet");
    server.store.set_there(true);
    server.state(id, TaskState::Succeeded).await;
    server
        .until("the executor to forget the task", async || {
            (!executor.remembers(id)).then_some(())
        })
        .await;
    assert_eq!(executor.begun().len(), 1);
}

#[tokio::test]
async fn tasks_are_listed_newest_first_by_state_and_node_in_pages() {
    let (server, executor) = server().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(accepted(power_on(&server)).await.id);
    }
    server.begun(&executor, 5).await;
    executor.succeed(ids[1]);
    server.state(ids[1], TaskState::Succeeded).await;
    let listed = async |query: &str| {
        let page = server.tasks(query).await;
        let ids: Vec<_> = page.items.iter().map(|task| task.id).collect();
        (ids, page.next_page)
    };
    assert_eq!(
        listed("").await,
        (vec![ids[4], ids[3], ids[2], ids[1], ids[0]], None)
    );
    assert_eq!(
        listed("?state=succeeded,failed").await,
        (vec![ids[1]], None)
    );
    assert_eq!(listed("?node=fuga").await.0, []);
    let (first, next) = listed("?limit=2&node=hoge").await;
    assert_eq!(first, [ids[4], ids[3]]);
    let next = next.expect("another page");
    // What is new meanwhile comes before the first page and moves nothing.
    let sixth = accepted(power_on(&server)).await.id;
    let (second, next) = listed(&format!("?limit=2&node=hoge&page_token={next}")).await;
    assert_eq!(second, [ids[2], ids[1]]);
    let next = next.expect("another page");
    assert_eq!(
        listed(&format!("?limit=2&node=hoge&page_token={next}")).await,
        (vec![ids[0]], None)
    );
    for (query, total) in [
        ("", 6),
        ("?limit=1", 6),
        (&*format!("?limit=2&node=hoge&page_token={next}"), 6),
        ("?state=succeeded", 1),
        ("?node=fuga", 0),
    ] {
        assert_eq!(server.tasks(query).await.total, total, "{query}");
    }
    for (query, detail) in [
        (
            format!("?page_token={next}"),
            "belongs to a list with other state or node; begin again without it",
        ),
        (
            format!("?page_token={}", ids[0]),
            "must be the next_page of an earlier answer",
        ),
    ] {
        let response = server.get(&format!("/api/v1/tasks{query}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let problem: ecoman_api::Problem = response.json().await.expect("a problem");
        assert_eq!(problem.errors[0].pointer, "?page_token", "{query}");
        assert_eq!(problem.errors[0].detail, detail, "{query}");
    }
    assert_eq!(server.tasks("?limit=1").await.items[0].id, sixth);

    for path in [
        "/api/v1/tasks?state=done",
        "/api/v1/tasks?limit=501",
        "/api/v1/tasks?page_token=x",
        "/api/v1/tasks?q=a",
        &format!("/api/v1/tasks/{}?wait=61", ids[0]),
    ] {
        assert_eq!(
            server.get(path).await.status(),
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
    for path in [
        "/api/v1/tasks/x",
        "/api/v1/tasks/019aad5e-7a00-7000-8000-000000000001",
    ] {
        assert_eq!(
            server.get(path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_wait_that_is_over_shows_the_task_as_it_is() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    let task: Task = server.json(&format!("/api/v1/tasks/{id}?wait=1")).await;
    assert_eq!(task.state, TaskState::Running);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_the_tasks_that_it_has_missed() {
    let (server, executor) = server().await;
    let seen = server.revision().await;
    let id = begun(&server, &executor).await;
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
    assert_eq!(
        server.revision().await,
        seen,
        "nothing of the lists has changed"
    );
    let request = server
        .request("/api/v1/events")
        .header("Last-Event-ID", seen);
    let mut events = server.events(request).await;
    let mut next = seen;
    loop {
        let event = events.next().await;
        next += 1;
        assert_eq!((event.event.as_str(), event.id), ("task", next.to_string()));
        let task: Task = serde_json::from_str(&event.data).expect("a task");
        if task.state == TaskState::Succeeded {
            break;
        }
    }
}

#[tokio::test]
async fn what_a_task_has_changed_is_not_refused_for_what_was_seen_before_it() {
    let (server, executor) = server().await;
    let reset = || {
        let request = server.method(Method::PUT, "/api/v1/vms/hoge/2/power");
        request.json(&serde_json::json!({"action": "reset"})).send()
    };
    assert_eq!(
        reset().await.expect("an answer").status(),
        StatusCode::CONFLICT
    );
    let id = begun(&server, &executor).await;
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
    // The crawler has not looked since: the VM is still off in the list.
    accepted(
        server
            .method(Method::PUT, "/api/v1/vms/hoge/2/power")
            .json(&serde_json::json!({"action": "reset"})),
    )
    .await;
}

async fn cancel(server: &Server, id: TaskId) -> (StatusCode, String) {
    let path = format!("/api/v1/tasks/{id}/cancel");
    let request = server.method(Method::POST, &path);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    (status, answer.text().await.expect("a body"))
}

#[tokio::test]
async fn a_task_is_cancelled_and_not_once_it_has_ended() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    let (status, text) = cancel(&server, id).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let task = server.state(id, TaskState::Cancelled).await;
    let error = task.error.expect("an error");
    assert_eq!(error.kind, "urn:ecoman:problem:task-cancelled");
    let (status, text) = cancel(&server, id).await;
    assert_eq!(status, StatusCode::CONFLICT, "{text}");
    assert!(
        text.contains("urn:ecoman:problem:not-cancellable"),
        "{text}"
    );
    let (status, _) = cancel(
        &server,
        "019aad5e-7a00-7000-8000-000000000001".parse().unwrap(),
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_task_that_the_executor_cannot_stop_goes_on() {
    let (server, executor) = server().await;
    let id = begun(&server, &executor).await;
    executor.report(id, |progress| progress.percent = Some(BEGUN));
    let (status, text) = cancel(&server, id).await;
    assert_eq!(status, StatusCode::CONFLICT, "{text}");
    assert!(
        text.contains("The executor says not-cancellable."),
        "{text}"
    );
    executor.succeed(id);
    server.state(id, TaskState::Succeeded).await;
}

#[tokio::test]
async fn a_task_that_is_cancelled_on_its_way_to_the_executor_is_not_begun() {
    let (server, executor) = server().await;
    executor.lose_next_order();
    let id = accepted(power_on(&server)).await.id;
    let (status, text) = cancel(&server, id).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let task = server.state(id, TaskState::Cancelled).await;
    let error = task.error.expect("an error");
    assert!(
        error.detail.contains("Nothing was sent to hoge"),
        "{error:?}"
    );
    assert!(executor.begun().is_empty());
}

#[tokio::test]
async fn a_cancellation_outlives_the_dashboard_that_accepted_it() {
    let (mut server, executor) = server().await;
    let _released = executor.hold_next_order();
    let id = accepted(power_on(&server)).await.id;
    server
        .until("the order to be on its way", async || {
            executor.is_holding().then_some(())
        })
        .await;
    let (status, text) = cancel(&server, id).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    // It dies while the order is on its way.
    server.stop().await;
    let server = server.restart(&executor).await;
    let task = server.state(id, TaskState::Cancelled).await;
    let error = task.error.expect("an error");
    assert!(
        error.detail.contains("Nothing was sent to hoge"),
        "{error:?}"
    );
    assert!(executor.begun().is_empty());
}

#[tokio::test]
async fn a_task_that_found_another_power_says_who_changed_it() {
    let (server, executor) = server().await;
    let found = |progress: &mut TaskProgress| {
        progress.state = TaskState::Failed;
        progress.finished_at = Some(at(7));
        progress.error = Some(TaskError {
            kind: TaskErrorKind::PowerChanged,
            message: "web on hoge: It is on now.".to_owned(),
            hint: String::new(),
            left: Vec::new(),
        });
    };
    let ask = async |count: usize| {
        let body = serde_json::json!({"action": "on", "if_power": "off"});
        let request = server.method(Method::PUT, "/api/v1/vms/hoge/2/power");
        let id = accepted(request.json(&body)).await.id;
        server.begun(&executor, count).await;
        id
    };
    let outside = ask(1).await;
    executor.report(outside, found);
    let task = server.state(outside, TaskState::Failed).await;
    let error = task.error.expect("an error");
    assert!(
        error.detail.contains(
            "web on hoge: It is on now. It was changed outside ECoMan, seen at \
             2026-11-22T20:00:07Z."
        ),
        "{error:?}"
    );

    let first = ask(2).await;
    let second = ask(3).await;
    executor.report(first, |progress| {
        progress.state = TaskState::Succeeded;
        progress.finished_at = Some(at(5));
    });
    server.state(first, TaskState::Succeeded).await;
    executor.report(second, found);
    let task = server.state(second, TaskState::Failed).await;
    let error = task.error.expect("an error");
    assert!(
        error
            .detail
            .contains("Power on web on hoge, completed at 2026-11-22T20:00:05Z."),
        "{error:?}"
    );
}
