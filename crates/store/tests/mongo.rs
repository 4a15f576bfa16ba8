//! The store in MongoDB, on a real mongod.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod contract;
mod mongod;
mod records;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ecoman_model::{RefreshRequest, Round, RoundVms, TaskState, Timestamp};
use ecoman_store::{
    AuditQuery, AuditStore, MongoSettings, MongoStore, Store, StoreError, TaskQuery, TaskStore,
};
use mongodb::Database;
use mongodb::bson::{Document, doc};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use contract::{Place, add, contract_tests, entry, id, name, node, record, state, task, vm};
use mongod::Mongod;

contract_tests!(Scratch::new().await);

/// Long enough for a machine under load; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database of its own on a mongod that all tests of this file share.
struct Scratch {
    settings: MongoSettings,
}

impl Scratch {
    async fn new() -> Self {
        static MONGOD: OnceCell<Mongod> = OnceCell::const_new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mongod = MONGOD.get_or_init(|| Mongod::start(&[])).await;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            settings: mongod.settings(&format!("test-{number}")),
        }
    }

    async fn store(&self) -> MongoStore {
        MongoStore::connect(&self.settings).await.unwrap()
    }

    /// The same database as MongoDB's own client sees it.
    async fn database(&self) -> Database {
        let uri = format!("mongodb://{}", self.settings.host);
        let client = mongodb::Client::with_uri_str(uri).await.unwrap();
        client.database(&self.settings.dbname)
    }
}

#[async_trait]
impl Place for Scratch {
    async fn handle(&self) -> Box<dyn Store> {
        Box::new(self.store().await)
    }

    async fn reopen(&mut self) {}
}

#[tokio::test]
async fn mongod_may_be_killed_and_come_back() {
    let mut mongod = Mongod::start(&[]).await;
    let settings = mongod.settings("ecoman");
    let writer = MongoStore::connect(&settings).await.unwrap();
    let reader = MongoStore::connect(&settings).await.unwrap();
    record(&writer, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    let known = reader.revisions().await.unwrap();

    for generation in 1..=2 {
        mongod.kill();
        let round = Round {
            node: node("hoge", generation),
            vms: RoundVms::Complete(vec![vm("hoge", 1, &format!("generation {generation}"))]),
        };
        for error in [
            writer.ping().await.unwrap_err(),
            writer.record_round(&round).await.unwrap_err(),
            reader.revisions().await.unwrap_err(),
            reader.changed(&known).await.unwrap_err(),
            reader.node_state(&name("hoge")).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
            assert!(error.to_string().contains(&mongod.address()), "{error}");
        }

        mongod.restart().await;
        // What was acknowledged is still there, and the same handles work.
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = reader.ping().await {
            assert!(Instant::now() < deadline, "{error}");
        }
        let before = state(&reader, "hoge").await;
        assert_eq!(before.node, node("hoge", generation - 1));
        let known = reader.revisions().await.unwrap();
        let write = async {
            while let Err(error) = writer.record_round(&round).await {
                assert!(Instant::now() < deadline, "{error}");
            }
        };
        let (heard, ()) = tokio::join!(timeout(PATIENCE, reader.changed(&known)), write);
        assert_ne!(heard.unwrap().unwrap(), known);
        let now = state(&reader, "hoge").await;
        assert_eq!(now.node, round.node);
        assert_eq!(RoundVms::Complete(now.vms), round.vms);
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let mut mongod = Mongod::start(&[]).await;
    let store = MongoStore::connect(&mongod.settings("ecoman"))
        .await
        .unwrap();
    for generation in 0..5 {
        let text = format!("generation {generation}");
        record(&store, node("hoge", generation), vec![vm("hoge", 1, &text)]).await;
        let before = store.revisions().await.unwrap();
        mongod.kill();
        mongod.restart().await;
        let deadline = Instant::now() + PATIENCE;
        let now = loop {
            match store.revisions().await {
                Ok(now) => break now,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        };
        assert_eq!(now, before);
        assert_eq!(state(&store, "hoge").await.vms, [vm("hoge", 1, &text)]);
    }
}

#[tokio::test]
async fn a_mongod_that_hangs_does_not_hang_its_callers() {
    let mongod = Mongod::start(&[]).await;
    let store = MongoStore::connect(&mongod.settings("ecoman"))
        .await
        .unwrap();
    record(&store, node("hoge", 0), vec![]).await;
    mongod.signal("STOP");
    let asked = async {
        // Its threads stop one after the other, and may answer until then.
        let error = loop {
            if let Err(error) = store.ping().await {
                break error;
            }
        };
        for error in [error, store.revisions().await.unwrap_err()] {
            assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
        }
    };
    timeout(PATIENCE, asked).await.expect("the store hangs");
    mongod.signal("CONT");
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = store.ping().await {
        assert!(Instant::now() < deadline, "{error}");
    }
}

#[tokio::test]
async fn a_role_starts_while_mongod_is_away() {
    let settings = MongoSettings {
        // The port of the discard service, where nobody listens.
        host: "127.0.0.1:9".to_owned(),
        uri: None,
        username: "operator".to_owned(),
        password: "secret".to_owned(),
        dbname: "ecoman".to_owned(),
    };
    let store = MongoStore::connect(&settings).await.unwrap();
    let error = store.ping().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "MongoDB at 127.0.0.1:9 is not responding; check that it runs there and that MONGO_HOST \
         (or MONGO_URI) is right"
    );
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("Connection refused"), "{cause}");
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named() {
    let table = [
        ("MONGO_HOST", "host", ""),
        ("MONGO_HOST", "host", "mongo:port"),
        ("MONGO_HOST", "host", "mongo:0"),
        ("MONGO_HOST", "host", "mongo:65536"),
        ("MONGO_HOST", "host", ":27017"),
        ("MONGO_HOST", "host", "[::1"),
        ("MONGO_HOST", "host", "a,b"),
        ("MONGO_HOST", "host", "mongodb://mongo"),
        ("MONGO_HOST", "host", "operator@mongo"),
        ("MONGO_HOST", "host", "mongo 1"),
        ("MONGO_URI", "uri", ""),
        ("MONGO_URI", "uri", "mongo:27017"),
        ("MONGO_URI", "uri", "http://mongo"),
        ("MONGO_URI", "uri", "mongodb://"),
        ("MONGO_URI", "uri", "mongodb://mongo/?retryWrites=perhaps"),
        (
            "MONGO_URI",
            "uri",
            "mongodb://mongo/?tls=true&tlsCAFile=/nowhere/ca.pem",
        ),
        ("MONGO_URI", "uri", "mongodb://mongo/admin"),
        ("MONGO_URI", "uri", "mongodb://mongo/a.b"),
        ("MONGO_DBNAME", "dbname", ""),
        ("MONGO_DBNAME", "dbname", "a b"),
        ("MONGO_DBNAME", "dbname", "a/b"),
        ("MONGO_DBNAME", "dbname", "config"),
        ("MONGO_DBNAME", "dbname", &"x".repeat(64)),
    ];
    for (variable, field, value) in table {
        let mut settings = MongoSettings {
            uri: None,
            host: "127.0.0.1".to_owned(),
            username: String::new(),
            password: String::new(),
            dbname: "ecoman".to_owned(),
        };
        match field {
            "host" => settings.host = value.to_owned(),
            "uri" => settings.uri = Some(value.to_owned()),
            _ => settings.dbname = value.to_owned(),
        }
        let error = MongoStore::connect(&settings).await.expect_err(value);
        let StoreError::Setting {
            variable: named, ..
        } = error
        else {
            panic!("{value:?}: {error:?}");
        };
        assert_eq!(named, variable, "{value:?}: {error}");
        assert!(error.to_string().len() > variable.len() + 10, "{error}");
    }
}

#[tokio::test]
async fn a_password_in_a_broken_uri_is_not_shown() {
    for login in [
        "operator:hunter2/x",
        "operator:hunter2?x",
        "operator:hunter2#x",
        "operator:hunter2@x",
        "operator:hunter2:x",
        "operator:hunter2%zz",
        "operator:hunter2%",
        "operator:hunter2%é",
        "operator:hunter2é",
        "operator:hunter2 x",
        "operator:hunter2[x]",
    ] {
        let settings = MongoSettings {
            uri: Some(format!("mongodb://{login}@127.0.0.1:9/ecoman")),
            host: String::new(),
            username: String::new(),
            password: String::new(),
            dbname: String::new(),
        };
        let error = MongoStore::connect(&settings).await.expect_err(login);
        assert!(error.to_string().contains("MONGO_URI"), "{login}: {error}");
        assert!(
            error.to_string().contains("percent-encode special"),
            "{error}"
        );
        check_hidden("hunter2", &error);
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_login_is_needed_where_mongod_asks_for_one() {
    const PASSWORD: &str = "p@ss:/?#[]%é 漢";
    let mongod = Mongod::start(&["--auth"]).await;
    // A client on the same machine may make the first user, and nothing else.
    let address = mongod.address();
    let user = doc! { "createUser": "root", "pwd": "root", "roles": ["root"] };
    let admin = mongod.client().await.database("admin");
    admin.run_command(user).await.unwrap();
    let root = mongodb::Client::with_uri_str(format!("mongodb://root:root@{address}")).await;
    let role = doc! { "role": "readWrite", "db": "ecoman" };
    let user = doc! { "createUser": "oper@tor", "pwd": PASSWORD, "roles": [role] };
    let admin = root.unwrap().database("admin");
    admin.run_command(user).await.unwrap();

    let right = MongoSettings {
        username: "oper@tor".to_owned(),
        password: PASSWORD.to_owned(),
        ..mongod.settings("ecoman")
    };
    let store = MongoStore::connect(&right).await.unwrap();
    record(&store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    assert_eq!(state(&store, "hoge").await.vms, [vm("hoge", 1, "a")]);
    assert!(!format!("{right:?} {store:?}").contains("p@ss"));

    let uri = format!(
        "mongodb://oper%40tor:p%40ss%3A%2F%3F%23%5B%5D%25%C3%A9%20%E6%BC%A2@{address}/ecoman\
         ?authSource=admin"
    );
    let by_uri = MongoSettings {
        uri: Some(uri),
        host: "elsewhere".to_owned(),
        username: "nobody".to_owned(),
        password: String::new(),
        dbname: "another".to_owned(),
    };
    let store = MongoStore::connect(&by_uri).await.unwrap();
    assert_eq!(state(&store, "hoge").await.vms, [vm("hoge", 1, "a")]);
    assert!(!format!("{by_uri:?} {store:?}").contains("p%40ss"));

    let wrong_password = MongoSettings {
        password: "hunter2".to_owned(),
        ..right.clone()
    };
    let nobody = MongoSettings {
        username: String::new(),
        password: String::new(),
        ..right.clone()
    };
    let elsewhere = MongoSettings {
        dbname: "another".to_owned(),
        ..right
    };
    for settings in [wrong_password, nobody, elsewhere] {
        let store = MongoStore::connect(&settings).await.unwrap();
        for error in [
            store.revisions().await.unwrap_err(),
            store.retain_nodes(&[]).await.unwrap_err(),
        ] {
            assert!(
                matches!(error, StoreError::Access { .. }),
                "{settings:?}: {error:?}"
            );
            assert!(error.to_string().contains("MONGO_USERNAME"), "{error}");
            check_hidden("hunter2", &error);
        }
    }
}

#[tokio::test]
async fn a_vm_larger_than_mongodb_takes_is_an_error_that_names_it() {
    const LIMIT: usize = 16 * 1024 * 1024;
    let scratch = Scratch::new().await;
    let store = scratch.store().await;
    let before = vec![vm("hoge", 1, "a"), vm("hoge", 2, "b")];
    record(&store, node("hoge", 0), before.clone()).await;

    let mut vms = before.clone();
    vms[0].facts.cpus = Some(2);
    vms[1].facts.comment = Some("x".repeat(LIMIT));
    let round = Round {
        node: node("hoge", 1),
        vms: RoundVms::Complete(vms.clone()),
    };
    let error = store.record_round(&round).await.unwrap_err();
    let StoreError::TooLarge { what, bytes, limit } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((what.as_str(), *limit), ("VM hoge/2", LIMIT));
    // Nothing of the round is written.
    assert_eq!(state(&store, "hoge").await.vms, before);
    assert_eq!(state(&store, "hoge").await.node, node("hoge", 0));

    // To the byte what MongoDB keeps, and a request with more than one of those.
    vms[1].facts.comment = Some("x".repeat(LIMIT - (bytes - LIMIT)));
    let mut another = vms[1].clone();
    another.key.vmid.0 = 3;
    vms.push(another);
    record(&store, node("hoge", 1), vms.clone()).await;
    assert_eq!(state(&store, "hoge").await.vms, vms);

    let mut large = node("fuga", 0);
    large.warnings = vec!["x".repeat(LIMIT)];
    let round = Round {
        node: large,
        vms: RoundVms::Unchanged,
    };
    let error = store.record_round(&round).await.unwrap_err();
    assert!(error.to_string().starts_with("node fuga takes "), "{error}");
    assert_eq!(store.node_state(&name("fuga")).await.unwrap(), None);
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_named() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    record(&store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    let vms = database.collection::<Document>("vms");
    let nodes = database.collection::<Document>("nodes");

    let hibernated = doc! { "$set": { "facts.power": "hibernated" } };
    vms.update_one(doc! { "_id": "hoge/1" }, hibernated)
        .await
        .unwrap();
    let round = Round {
        node: node("hoge", 1),
        vms: RoundVms::Complete(vec![vm("hoge", 1, "a")]),
    };
    for error in [
        store.node_state(&name("hoge")).await.unwrap_err(),
        store.record_round(&round).await.unwrap_err(),
        store.record_vm(&vm("hoge", 1, "b")).await.unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            format!(
                "the document hoge/1 in the collection vms of the MongoDB database {} has a \
                 format that this version of ECoMan does not know; use the version that wrote it, \
                 or delete it: the next poll writes it again",
                scratch.settings.dbname
            )
        );
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("hibernated"), "{cause}");
    }

    // The remedy works.
    vms.delete_one(doc! { "_id": "hoge/1" }).await.unwrap();
    store.record_round(&round).await.unwrap();
    assert_eq!(state(&store, "hoge").await.vms, [vm("hoge", 1, "a")]);

    for (id, revision) in [("fuga", "many"), ("a/b", "1")] {
        let revision = revision
            .parse::<i64>()
            .map_or_else(|_| revision.into(), mongodb::bson::Bson::from);
        let wrong = doc! { "_id": id, "name": id, "revision": revision };
        nodes.insert_one(wrong).await.unwrap();
        let error = store.revisions().await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("the document {id} in the collection nodes")),
            "{error}"
        );
        nodes.delete_one(doc! { "_id": id }).await.unwrap();
    }
}

#[tokio::test]
async fn fields_of_a_newer_version_are_passed_over() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    record(&store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    let newer = doc! { "$set": { "tags": ["x"], "facts.encrypted": true } };
    for collection in ["vms", "nodes"] {
        database
            .collection::<Document>(collection)
            .update_many(doc! {}, newer.clone())
            .await
            .unwrap();
    }
    let state = state(&store, "hoge").await;
    assert_eq!(state.node, node("hoge", 0));
    assert_eq!(state.vms, [vm("hoge", 1, "a")]);
}

#[tokio::test]
async fn a_document_of_a_newer_format_is_refused() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    record(&store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    add(&store, &task(1)).await;
    for (collection, of, remedy) in [
        (
            "vms",
            "hoge/1".to_owned(),
            "delete it: the next poll writes it again",
        ),
        ("tasks", id(1).to_string(), "delete it"),
    ] {
        let documents = database.collection::<Document>(collection);
        let stamp = |format: i64| doc! { "$set": { "format": format } };
        documents.update_one(doc! {}, stamp(2)).await.unwrap();
        let error = match collection {
            "vms" => store.node_state(&name("hoge")).await.unwrap_err(),
            _ => store.task(id(1)).await.unwrap_err(),
        };
        assert!(matches!(error, StoreError::Format { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!(
                "the document {of} in the collection {collection} of the MongoDB database {} has \
                 format 2; this version of ECoMan supports formats up to 1. Use the newer \
                 version, or {remedy}",
                scratch.settings.dbname
            )
        );
        documents.update_one(doc! {}, stamp(1)).await.unwrap();
    }
    assert_eq!(state(&store, "hoge").await.vms, [vm("hoge", 1, "a")]);
    assert_eq!(store.task(id(1)).await.unwrap(), Some(task(1)));
}

#[tokio::test]
async fn a_writer_that_died_hides_nothing() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    let vms = vec![vm("hoge", 1, "a")];
    record(&store, node("hoge", 0), vms.clone()).await;
    let known = store.revisions().await.unwrap();
    let nodes = database.collection::<Document>("nodes");
    let mark = doc! { "$set": { "writing": true } };
    nodes.update_one(doc! {}, mark).await.unwrap();

    // A reader waits for the writer, but not without end.
    let shown = timeout(PATIENCE, state(&store, "hoge")).await.unwrap();
    assert_eq!(shown.vms, vms);

    // Readers hear of what it had written even where the next round finds nothing new.
    record(&store, node("hoge", 0), vms).await;
    assert_ne!(store.revisions().await.unwrap(), known);
    let marked = nodes.count_documents(doc! { "writing": true }).await;
    assert_eq!(marked.unwrap(), 0);
}

#[tokio::test]
async fn a_first_round_that_is_not_yet_written_is_no_node() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    let begun = doc! { "_id": "hoge", "writing": true, "revision": 1_i64 };
    let nodes = database.collection::<Document>("nodes");
    nodes.insert_one(begun).await.unwrap();
    assert_eq!(store.node_state(&name("hoge")).await.unwrap(), None);
    assert_eq!(store.revisions().await.unwrap(), BTreeMap::new());
    let error = store.record_vm(&vm("hoge", 1, "a")).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownNode(_)), "{error:?}");

    record(&store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    assert_eq!(state(&store, "hoge").await.vms, [vm("hoge", 1, "a")]);
}

#[tokio::test]
async fn vms_are_found_by_an_index() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    record(&store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    let explained = database
        .run_command(doc! {
            "explain": { "find": "vms", "filter": { "node": "hoge" } },
            "verbosity": "queryPlanner",
        })
        .await
        .unwrap();
    let plan = explained.get_document("queryPlanner").unwrap().to_string();
    assert!(plan.contains("IXSCAN"), "{plan}");
}

#[tokio::test]
async fn tasks_and_notes_survive_that_mongod_is_killed() {
    let mut mongod = Mongod::start(&[]).await;
    let settings = mongod.settings("ecoman");
    let store = MongoStore::connect(&settings).await.unwrap();
    let reader = MongoStore::connect(&settings).await.unwrap();
    let mut task = task(1);
    add(&store, &task).await;
    let request = RefreshRequest {
        id: task.id.0,
        node: task.node.clone(),
        vmid: task.vmid(),
        requested_at: task.created_at,
        whole: false,
    };
    store.request_refresh(&request).await.unwrap();
    let position = reader.task_position().await.unwrap();

    mongod.kill();
    task.progress.state = TaskState::Running;
    let ids = [request.id];
    for error in [
        store.add_task(&task).await.unwrap_err(),
        store.update_task(&task).await.unwrap_err(),
        store.task(task.id).await.unwrap_err(),
        store.tasks(&TaskQuery::default()).await.unwrap_err(),
        store.task_position().await.unwrap_err(),
        store.tasks_changed(position).await.unwrap_err(),
        store.forget_tasks(task.created_at, 0).await.unwrap_err(),
        store.request_refresh(&request).await.unwrap_err(),
        store.refresh_requests_changed(&ids).await.unwrap_err(),
        store.remove_refresh_requests(&ids).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
    }

    mongod.restart().await;
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = store.update_task(&task).await {
        assert!(Instant::now() < deadline, "{error}");
    }
    let changed = async {
        loop {
            match reader.tasks_changed(position).await {
                Ok((_, tasks)) => break tasks,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        }
    };
    let heard = timeout(PATIENCE, changed).await;
    assert_eq!(heard.expect("the change is not published"), [task]);
    let requests = timeout(PATIENCE, reader.refresh_requests_changed(&[])).await;
    assert_eq!(requests.unwrap().unwrap(), [request]);
}

#[tokio::test]
async fn a_writer_of_tasks_that_died_hides_nothing() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    let mut task = task(1);
    add(&store, &task).await;
    let position = store.task_position().await.unwrap();
    // As far as a write goes before it counts.
    let written = doc! { "$set": { "vm_name": "web", "unannounced": "mine" } };
    let tasks = database.collection::<Document>("tasks");
    tasks.update_one(doc! {}, written).await.unwrap();
    task.vm_name = Some("web".to_owned());
    let heard = timeout(PATIENCE, store.tasks_changed(position)).await;
    let (now, heard) = heard.expect("the change is not published").unwrap();
    assert_eq!(heard, [task.clone()]);
    assert!(now > position);

    // And it is reported once.
    add(&store, &contract::task(2)).await;
    let (_, heard) = store.tasks_changed(now).await.unwrap();
    assert_eq!(heard, [contract::task(2)]);
}

#[tokio::test]
async fn a_reader_of_tasks_follows_into_a_database_that_was_dropped() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    for number in 0..20 {
        add(&store, &task(number)).await;
    }
    let position = store.task_position().await.unwrap();
    database.drop().await.unwrap();
    let store = scratch.store().await;
    assert_eq!(store.task_position().await.unwrap(), 0);
    add(&store, &task(1)).await;
    let heard = timeout(PATIENCE, store.tasks_changed(position)).await;
    let (_, heard) = heard.expect("the new task is not published").unwrap();
    assert_eq!(heard, [task(1)]);
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_named() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    add(&store, &task(1)).await;
    let wrong = doc! { "$set": { "request.action": "hibernate" } };
    let tasks = database.collection::<Document>("tasks");
    tasks.update_one(doc! {}, wrong).await.unwrap();
    let error = store.task(id(1)).await.unwrap_err();
    let begin = format!("the document {} in the collection tasks", id(1));
    assert!(error.to_string().starts_with(&begin), "{error}");
    assert!(error.source().unwrap().to_string().contains("hibernate"));
}

#[tokio::test]
async fn tasks_are_found_by_indexes() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    add(&store, &task(1)).await;
    let key = doc! { "$eq": "k", "$type": "string" };
    let key = doc! { "actor": null, "idempotency_key": key };
    for (filter, sort) in [
        (
            doc! { "position": { "$gt": 1_i64 } },
            doc! { "position": 1 },
        ),
        (doc! { "unannounced": { "$exists": true } }, doc! {}),
        (doc! { "$or": [{ "_id": "x" }, key] }, doc! {}),
        (doc! { "progress.state": "running" }, doc! { "_id": -1 }),
        (doc! { "node": "hoge" }, doc! { "_id": -1 }),
    ] {
        check_indexed(&database, "tasks", filter, sort).await;
    }
}

#[tokio::test]
async fn the_audit_log_survives_that_mongod_is_killed() {
    let mut mongod = Mongod::start(&[]).await;
    let settings = mongod.settings("ecoman");
    let store = MongoStore::connect(&settings).await.unwrap();
    store.record_audit(&entry(1)).await.unwrap();

    mongod.kill();
    for error in [
        store.record_audit(&entry(2)).await.unwrap_err(),
        store.audit_entry(entry(1).id).await.unwrap_err(),
        store.audit(&AuditQuery::default()).await.unwrap_err(),
        store.forget_audit(Timestamp::MAX_UTC).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
    }

    mongod.restart().await;
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = store.record_audit(&entry(2)).await {
        assert!(Instant::now() < deadline, "{error}");
    }
    let entries = store.audit(&AuditQuery::default()).await.unwrap();
    assert_eq!(entries, [entry(2), entry(1)]);
}

#[tokio::test]
async fn an_audit_entry_that_cannot_be_read_is_named() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    let audit = database.collection::<Document>("audit");
    let id = entry(1).id;
    for wrong in [
        doc! { "$set": { "outcome": "postponed" } },
        doc! { "$set": { "actor.address": "router" } },
        doc! { "$set": { "at": mongodb::bson::DateTime::MIN } },
        doc! { "$set": { "vmid": -1 } },
        doc! { "$unset": { "actor": "" } },
    ] {
        store.record_audit(&entry(1)).await.unwrap();
        audit.update_one(doc! {}, wrong.clone()).await.unwrap();
        for error in [
            store.audit_entry(id).await.unwrap_err(),
            store.audit(&AuditQuery::default()).await.unwrap_err(),
        ] {
            assert!(
                matches!(error, StoreError::Record { .. }),
                "{wrong}: {error:?}"
            );
            assert_eq!(
                error.to_string(),
                format!(
                    "the document {id} in the collection audit of the MongoDB database {} has a \
                     format that this version of ECoMan does not know; use the version that wrote \
                     it, or delete it",
                    scratch.settings.dbname
                )
            );
        }
    }
    // The remedy works.
    audit.delete_one(doc! {}).await.unwrap();
    assert_eq!(store.audit(&AuditQuery::default()).await.unwrap(), []);
}

#[tokio::test]
async fn audit_entries_are_found_by_indexes() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    store.record_audit(&entry(1)).await.unwrap();
    let newest_first = doc! { "_id": -1 };
    for (index, filter, sort) in [
        ("_id_", doc! { "_id": { "$lt": "x" } }, newest_first.clone()),
        (
            "node_1__id_-1",
            doc! { "node": { "$in": ["a", "b"] } },
            newest_first.clone(),
        ),
        (
            "actor.name_1__id_-1",
            doc! { "actor.name": { "$in": ["a", "b"] } },
            newest_first,
        ),
        ("at_1", doc! { "at": { "$lt": "2026" } }, doc! {}),
    ] {
        let plan = check_indexed(&database, "audit", filter, sort).await;
        assert!(
            plan.contains(&format!("\"indexName\": \"{index}\"")),
            "{plan}"
        );
    }
}

/// What every later version must read (see [`records`]).
#[tokio::test]
async fn the_documents_of_format_1_are_read() {
    let scratch = Scratch::new().await;
    let (store, database) = (scratch.store().await, scratch.database().await);
    for name in ["nodes", "vms", "tasks", "notes", "audit", "counters"] {
        let bytes = std::fs::read(records::path(1, &format!("{name}.bson"))).unwrap();
        let mut rest = bytes.as_slice();
        let mut documents = Vec::new();
        while !rest.is_empty() {
            documents.push(Document::from_reader(&mut rest).unwrap());
        }
        let collection = database.collection::<Document>(name);
        collection.insert_many(documents).await.unwrap();
    }
    records::check(&store).await;
}

/// What `filter` finds comes in the order of `sort` from indexes alone. Returns MongoDB's plan.
async fn check_indexed(
    database: &Database,
    collection: &str,
    filter: Document,
    sort: Document,
) -> String {
    let find = doc! { "find": collection, "filter": filter.clone(), "sort": sort };
    let explained = database
        .run_command(doc! { "explain": find, "verbosity": "queryPlanner" })
        .await
        .unwrap();
    let plan = explained
        .get_document("queryPlanner")
        .unwrap()
        .get_document("winningPlan")
        .unwrap()
        .to_string();
    assert!(plan.contains("IXSCAN"), "{filter}: {plan}");
    assert!(!plan.contains("COLLSCAN"), "{filter}: {plan}");
    assert!(!plan.contains("\"SORT\""), "{filter}: {plan}");
    plan
}

/// Nothing of an error shows `secret`, neither to a user nor in a log.
fn check_hidden(secret: &str, error: &StoreError) {
    let mut texts = vec![format!("{error:?}"), format!("{error:#?}")];
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    for text in texts {
        assert!(!text.contains(secret), "{text}");
    }
}
