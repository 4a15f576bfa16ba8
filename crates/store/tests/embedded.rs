//! The store in one file.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod contract;
mod records;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use async_trait::async_trait;
use ecoman_model::{NodeState, Round, RoundVms, Timestamp};
use ecoman_store::{AuditQuery, AuditStore, EmbeddedStore, Store, StoreError, TaskStore};
use redb::{Database, ReadableDatabase, TableDefinition, TableHandle};

use contract::{Place, add, contract_tests, entry, id, name, node, record, state, task, vm};

contract_tests!(Folder::new().await);

/// A store in a directory of its own.
struct Folder {
    directory: tempfile::TempDir,
    store: Option<EmbeddedStore>,
}

impl Folder {
    async fn new() -> Self {
        let mut folder = Self {
            directory: tempfile::tempdir().unwrap(),
            store: None,
        };
        folder.reopen().await;
        folder
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("ecoman.redb")
    }

    fn store(&self) -> &EmbeddedStore {
        self.store.as_ref().unwrap()
    }

    /// Closes the store and lets `change` at its file.
    fn tamper(&mut self, change: impl FnOnce(&Path)) {
        self.store = None;
        change(&self.path());
    }
}

#[async_trait]
impl Place for Folder {
    async fn handle(&self) -> Box<dyn Store> {
        Box::new(self.store().clone())
    }

    async fn reopen(&mut self) {
        self.store = None;
        self.store = Some(EmbeddedStore::open(&self.path()).await.unwrap());
    }
}

#[tokio::test]
async fn the_file_and_a_new_directory_are_for_their_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let new = directory.path().join("var/data");
    let path = new.join("ecoman.redb");
    let _store = EmbeddedStore::open(&path).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(format!("{:o}", mode(&new)), "700");
    assert_eq!(format!("{:o}", mode(&path)), "600");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("ecoman.redb");
    let error = EmbeddedStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot open {}", path.display()));
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("(os error "), "{cause}");
}

#[tokio::test]
async fn a_second_process_is_turned_away() {
    let folder = Folder::new().await;
    record(folder.store(), node("hoge", 0), vec![]).await;
    let mut other = other_process("open", &folder.path());
    let said = lines(&mut other).collect::<String>();
    other.wait().unwrap();
    assert!(
        said.contains("another ecoman") && said.contains(&folder.path().display().to_string()),
        "{said}"
    );
    // The first one goes on.
    record(folder.store(), node("hoge", 1), vec![]).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let folder = Folder::new().await;
    let path = folder.path();
    drop(folder.store);
    for _ in 0..3 {
        let mut other = other_process("write", &path);
        let mut acknowledged = lines(&mut other).skip(20);
        let acknowledged: u64 = acknowledged.next().unwrap().parse().unwrap();
        other.kill().unwrap();
        other.wait().unwrap();

        let store = EmbeddedStore::open(&path).await.unwrap();
        let state = state(&store, "hoge").await;
        let generation = state.node.interval_seconds;
        assert!(generation >= acknowledged, "{generation} < {acknowledged}");
        assert_eq!(state, written(generation));
    }
}

#[tokio::test]
async fn a_file_of_something_else_is_left_alone() {
    let long = "x".repeat(100_000);
    for text in ["[General]\ncolour = blue\n", long.as_str()] {
        let mut folder = Folder::new().await;
        folder.tamper(|path| std::fs::write(path, text).unwrap());
        let error = EmbeddedStore::open(&folder.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(std::fs::read_to_string(folder.path()).unwrap(), text);
    }
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_other_facts() {
    const PAGE: usize = 4096;
    let mut folder = Folder::new().await;
    let mut possible = Vec::new();
    for generation in 0..4 {
        let NodeState { node, vms, .. } = written(generation);
        record(folder.store(), node, vms).await;
        possible.push(written(generation));
    }
    let mut whole = Vec::new();
    folder.tamper(|path| whole = std::fs::read(path).unwrap());

    let mut outcomes = BTreeSet::new();
    // The allocated part of the file: redb grows it in steps and leaves the rest zero.
    let used = whole.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let flipped = (0..used).step_by(PAGE / 4).map(|at| {
        let mut bytes = whole.clone();
        bytes[at..]
            .iter_mut()
            .take(64)
            .for_each(|byte| *byte ^= 0x5A);
        (format!("flipped at {at}"), bytes)
    });
    let cut = (0..used)
        .step_by(PAGE)
        .map(|at| (format!("cut at {at}"), whole[..at].to_vec()));
    for (what, bytes) in flipped.chain(cut) {
        folder.tamper(|path| std::fs::write(path, &bytes).unwrap());
        let outcome = match EmbeddedStore::open(&folder.path()).await {
            Err(StoreError::Damaged { .. }) => "damaged",
            Err(error) => panic!("{what}: {error:?}"),
            Ok(store) => match store.node_state(&name("hoge")).await {
                // redb keeps the state before the last write, for crashes.
                Ok(Some(state)) => {
                    assert!(possible.contains(&state), "{what}: {state:?}");
                    "whole"
                }
                Ok(None) => {
                    assert!(bytes.is_empty(), "{what}: the node is gone");
                    "empty"
                }
                Err(error) => panic!("{what}: {error:?}"),
            },
        };
        outcomes.insert(outcome);
    }
    assert!(outcomes.contains("damaged"), "{outcomes:?}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_not_touched() {
    const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
    let mut folder = Folder::new().await;
    folder.tamper(|path| {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("format", 2).unwrap();
        drop(meta);
        transaction.commit().unwrap();
    });
    let error = EmbeddedStore::open(&folder.path()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} has format 2; this version of ECoMan supports formats up to 1. Use the newer \
             version, or move the file away: the next poll fills a new one",
            folder.path().display()
        )
    );
}

#[tokio::test]
async fn a_file_from_before_there_were_tasks_and_an_audit_log_takes_them() {
    const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
    let mut folder = Folder::new().await;
    record(folder.store(), node("hoge", 0), vec![vm("hoge", 14, "a")]).await;
    let revisions = folder.store().revisions().await.unwrap();
    folder.tamper(|path| {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        let tables: Vec<_> = transaction.list_tables().unwrap().collect();
        for table in tables {
            if !["meta", "nodes", "vms"].contains(&table.name()) {
                transaction.delete_table(table).unwrap();
            }
        }
        transaction.commit().unwrap();
    });
    folder.reopen().await;
    assert_eq!(folder.store().revisions().await.unwrap(), revisions);
    let vms = state(folder.store(), "hoge").await.vms;
    assert_eq!(vms, [vm("hoge", 14, "a")]);
    add(folder.store(), &task(1)).await;
    assert!(folder.store().task(id(1)).await.unwrap().is_some());
    folder.store().record_audit(&entry(1)).await.unwrap();
    let recorded = folder.store().audit_entry(entry(1).id).await.unwrap();
    assert_eq!(recorded, Some(entry(1)));

    // Older versions know the format by its number.
    folder.tamper(|path| {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_read().unwrap();
        let meta = transaction.open_table(META).unwrap();
        assert_eq!(meta.get("format").unwrap().unwrap().value(), 1);
    });
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_named() {
    const TASKS: TableDefinition<u128, (u64, &[u8])> = TableDefinition::new("tasks");
    let mut folder = Folder::new().await;
    add(folder.store(), &task(1)).await;
    folder.tamper(|path| {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut tasks = transaction.open_table(TASKS).unwrap();
        let wrong = br#"{"node": "hoge"}"#.as_slice();
        tasks.insert(id(1).0.as_u128(), (1, wrong)).unwrap();
        drop(tasks);
        transaction.commit().unwrap();
    });
    folder.reopen().await;
    for error in [
        folder.store().task(id(1)).await.unwrap_err(),
        folder.store().add_task(&task(1)).await.unwrap_err(),
        folder.store().update_task(&task(1)).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Record { .. }), "{error:?}");
        let begin = format!("the record of task {} in ", id(1));
        assert!(error.to_string().starts_with(&begin), "{error}");
    }
}

#[tokio::test]
async fn an_audit_entry_that_cannot_be_read_is_named() {
    const AUDIT: TableDefinition<u128, &[u8]> = TableDefinition::new("audit");
    let mut folder = Folder::new().await;
    let id = entry(1).id;
    for wrong in [r#"{"at": "noon"}"#, "", "\0", "[]"] {
        folder.tamper(|path| {
            let database = Database::open(path).unwrap();
            let transaction = database.begin_write().unwrap();
            let mut audit = transaction.open_table(AUDIT).unwrap();
            audit.insert(id.as_u128(), wrong.as_bytes()).unwrap();
            drop(audit);
            transaction.commit().unwrap();
        });
        folder.reopen().await;
        let store = folder.store();
        for error in [
            store.audit_entry(id).await.unwrap_err(),
            store.audit(&AuditQuery::default()).await.unwrap_err(),
            store.forget_audit(Timestamp::MAX_UTC).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Record { .. }), "{error:?}");
            let begin = format!("the record of audit entry {id} in ");
            assert!(error.to_string().starts_with(&begin), "{error}");
        }
        // The log goes on.
        store.record_audit(&entry(2)).await.unwrap();
        store.record_audit(&entry(1)).await.unwrap();
        let entries = store.audit(&AuditQuery::default()).await.unwrap();
        assert_eq!(entries, [entry(2), entry(1)]);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named() {
    const VMS: TableDefinition<(&str, u32), &[u8]> = TableDefinition::new("vms");
    let mut folder = Folder::new().await;
    record(folder.store(), node("hoge", 0), vec![vm("hoge", 14, "a")]).await;
    folder.tamper(|path| {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut vms = transaction.open_table(VMS).unwrap();
        vms.insert(("hoge", 14), br#"{"node": "hoge"}"#.as_slice())
            .unwrap();
        drop(vms);
        transaction.commit().unwrap();
    });
    folder.reopen().await;
    let round = Round {
        node: node("hoge", 1),
        vms: RoundVms::Complete(vec![vm("hoge", 14, "a")]),
    };
    for error in [
        folder.store().node_state(&name("hoge")).await.unwrap_err(),
        folder.store().record_round(&round).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Record { .. }), "{error:?}");
        let message = error.to_string();
        let begin = "the record of VM hoge/14 in ";
        assert!(message.starts_with(begin), "{message}");
    }
}

/// What every later version must read (see [`records`]).
#[tokio::test]
async fn the_file_of_format_1_is_read() {
    let mut folder = Folder::new().await;
    folder.tamper(|path| {
        std::fs::copy(records::path(1, "ecoman.redb"), path).unwrap();
    });
    folder.reopen().await;
    records::check(folder.store()).await;
}

#[tokio::test]
async fn the_records_of_format_1_are_read() {
    const NODES: TableDefinition<&str, (u64, &[u8])> = TableDefinition::new("nodes");
    const VMS: TableDefinition<(&str, u32), &[u8]> = TableDefinition::new("vms");
    const TASKS: TableDefinition<u128, (u64, &[u8])> = TableDefinition::new("tasks");
    const REFRESH_REQUESTS: TableDefinition<u128, &[u8]> = TableDefinition::new("notes");
    const AUDIT: TableDefinition<u128, &[u8]> = TableDefinition::new("audit");
    let mut folder = Folder::new().await;
    folder.tamper(|path| {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut nodes = transaction.open_table(NODES).unwrap();
        for record in golden_lines("nodes.jsonl") {
            let name = text_of(&record, "name");
            nodes.insert(&*name, (1, record.as_bytes())).unwrap();
        }
        let mut vms = transaction.open_table(VMS).unwrap();
        for record in golden_lines("vms.jsonl") {
            let fields: serde_json::Value = serde_json::from_str(&record).unwrap();
            let vmid = u32::try_from(fields["vmid"].as_u64().unwrap()).unwrap();
            let key = (fields["node"].as_str().unwrap(), vmid);
            vms.insert(key, record.as_bytes()).unwrap();
        }
        let mut tasks = transaction.open_table(TASKS).unwrap();
        for record in golden_lines("tasks.jsonl") {
            tasks
                .insert(id_of(&record), (1, record.as_bytes()))
                .unwrap();
        }
        for (table, file) in [(REFRESH_REQUESTS, "notes.jsonl"), (AUDIT, "audit.jsonl")] {
            let mut table = transaction.open_table(table).unwrap();
            for record in golden_lines(file) {
                table.insert(id_of(&record), record.as_bytes()).unwrap();
            }
        }
        drop((nodes, vms, tasks));
        transaction.commit().unwrap();
    });
    folder.reopen().await;
    records::check(folder.store()).await;
}

/// The records of a golden file.
fn golden_lines(file: &str) -> Vec<String> {
    let lines = std::fs::read_to_string(records::path(1, file)).unwrap();
    lines.lines().map(str::to_owned).collect()
}

fn text_of(record: &str, field: &str) -> String {
    let fields: serde_json::Value = serde_json::from_str(record).unwrap();
    fields[field].as_str().unwrap().to_owned()
}

fn id_of(record: &str) -> u128 {
    let id: uuid::Uuid = text_of(record, "id").parse().unwrap();
    id.as_u128()
}

/// Not a test of its own: what [`other_process`] runs.
#[tokio::test]
async fn the_other_process() {
    let Some(path) = std::env::var_os("ECOMAN_TEST_PATH").map(PathBuf::from) else {
        return;
    };
    let store = match EmbeddedStore::open(&path).await {
        Ok(store) => store,
        Err(error) => {
            println!("> {error}");
            return;
        }
    };
    if std::env::var_os("ECOMAN_TEST_WORK").is_some_and(|work| work == "write") {
        let from = store.node_state(&name("hoge")).await.unwrap();
        let from = from.map_or(0, |state| state.node.interval_seconds + 1);
        for generation in from.. {
            let NodeState { node, vms, .. } = written(generation);
            record(&store, node, vms).await;
            println!("> {generation}");
        }
    }
}

/// Runs this very program as another process that does `work` on the store at `path`.
fn other_process(work: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_other_process", "--nocapture"])
        .env("ECOMAN_TEST_WORK", work)
        .env("ECOMAN_TEST_PATH", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the other process says, less what its test runner says.
fn lines(process: &mut Child) -> impl Iterator<Item = String> + use<> {
    let output = process.stdout.take().unwrap();
    BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| Some(line.split_once("> ")?.1.to_owned()))
}

/// What the other process writes in its `generation`th round.
fn written(generation: u64) -> NodeState {
    let text = format!("generation {generation}");
    NodeState {
        node: node("hoge", generation),
        vms: (0..20).map(|vmid| vm("hoge", vmid, &text)).collect(),
        pending: Vec::new(),
    }
}

#[tokio::test]
async fn a_damaged_file_gives_back_what_can_be_read_of_it() {
    const PAGE: usize = 4096;
    const TASKS: u128 = 300;
    let mut folder = Folder::new().await;
    for number in 0..TASKS {
        add(folder.store(), &task(number)).await;
    }
    record(folder.store(), node("hoge", 1), vec![vm("hoge", 1, "web")]).await;
    let mut whole = Vec::new();
    folder.tamper(|path| whole = std::fs::read(path).unwrap());
    let used = whole.iter().rposition(|&byte| byte != 0).unwrap() + 1;

    let mut outcomes = BTreeSet::new();
    for page in 0..used.div_ceil(PAGE) {
        let mut bytes = whole.clone();
        bytes[page * PAGE..]
            .iter_mut()
            .take(PAGE)
            .for_each(|byte| *byte ^= 0x5A);
        for file in std::fs::read_dir(folder.directory.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        std::fs::write(folder.path(), &bytes).unwrap();
        let outcome = match EmbeddedStore::open_or_salvage(&folder.path()).await {
            Err(StoreError::Damaged { .. }) => {
                // It is where it was.
                assert_eq!(std::fs::read(folder.path()).unwrap(), bytes, "page {page}");
                "nothing"
            }
            Err(error) => panic!("page {page}: {error:?}"),
            Ok((_, None)) => "whole",
            Ok((store, Some(salvage))) => {
                assert_eq!(std::fs::read(&salvage.damaged).unwrap(), bytes);
                // It works, whatever was read.
                record(&store, node("hoge", 2), vec![vm("hoge", 1, "web")]).await;
                add(&store, &task(TASKS)).await;
                let tasks = salvage.tables.iter().find(|(table, ..)| *table == "tasks");
                let (_, records, complete) = tasks.unwrap();
                assert!(u128::from(*records) <= TASKS);
                if *complete {
                    assert!(salvage.to_string().contains("; tasks: "), "{salvage}");
                } else {
                    assert!(
                        salvage.to_string().contains("and then no more"),
                        "{salvage}"
                    );
                }
                "salvaged"
            }
        };
        outcomes.insert(outcome);
    }
    assert!(outcomes.contains("salvaged"), "{outcomes:?}");
}

#[tokio::test]
async fn the_daily_copy_is_offered_when_nothing_can_be_read() {
    let mut folder = Folder::new().await;
    add(folder.store(), &task(1)).await;
    assert!(folder.store().copy_daily().await.unwrap());
    add(folder.store(), &task(2)).await;
    // It is not a day old.
    assert!(!folder.store().copy_daily().await.unwrap());
    folder.tamper(|path| std::fs::write(path, "no file of redb").unwrap());
    let error = EmbeddedStore::open_or_salvage(&folder.path())
        .await
        .unwrap_err();
    let copy = folder.path().with_file_name("ecoman.redb.daily");
    assert!(
        error.to_string().contains(&copy.display().to_string()),
        "{error}"
    );
    std::fs::rename(&copy, folder.path()).unwrap();
    folder.reopen().await;
    assert_eq!(folder.store().task(id(1)).await.unwrap(), Some(task(1)));
    assert_eq!(folder.store().task(id(2)).await.unwrap(), None);
    // Positions go on, so that no reader misses a change.
    let position = folder.store().task_position().await.unwrap();
    add(folder.store(), &task(3)).await;
    assert!(folder.store().task_position().await.unwrap() > position);
}

#[tokio::test]
async fn whether_it_can_be_written_leaves_no_trace() {
    let folder = Folder::new().await;
    folder.store().check_write().await.unwrap();
    let files = std::fs::read_dir(folder.directory.path()).unwrap();
    assert_eq!(files.count(), 1);
}
