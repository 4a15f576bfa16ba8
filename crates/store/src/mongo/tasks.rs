//! Tasks and refresh requests in MongoDB.
//!
//! Readers follow tasks by position, and positions come from one counter. As a standalone server
//! cannot write a task and count in one step, a write goes like this: write the task with a mark
//! of its own, count, and give the task the position in exchange for the mark. A reader looks at
//! the counter first and exchanges the marks that it meets itself, so that up to the position
//! that it saw it has everything, though a writer may be slow or dead.

use async_trait::async_trait;
use ecoman_model::{RefreshRequest, Task, TaskError, TaskId, TaskState, Timestamp};
use futures::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use mongodb::options::{IndexOptions, ReturnDocument};
use serde::Deserialize;
use tokio::time::sleep;
use uuid::Uuid;

use super::connection::{COUNTERS, Doing};
use super::{MongoStore, POLL_INTERVAL, encode, encode_record};
use crate::changes::first_revision;
use crate::history::{self, first_id_at};
use crate::record::StoredTask;
use crate::tasks::{has_news, oldest_first};
use crate::{Added, StoreError, TaskQuery, TaskStore};

/// The collection of tasks. `_id` is the id; besides the fields of [`Task`] each has
/// `position`, that of its latest change, and while that is being written [`MARK`].
pub(super) const TASKS: &str = "tasks";

/// The collection of refresh requests: [`RefreshRequest`] with the id as `_id`. It keeps the name that
/// it always had.
const REFRESH_REQUESTS: &str = "notes";

/// The field of a task that is written and has no position yet: another value each time.
const MARK: &str = "unannounced";

/// The states of tasks that have ended.
const ENDED: [TaskState; 4] = [
    TaskState::Succeeded,
    TaskState::Failed,
    TaskState::Interrupted,
    TaskState::Cancelled,
];

/// How often a task is looked for that stood in the way of a new one and was gone when it was
/// read: each time somebody else must just have given up its key.
const ADD_ATTEMPTS: usize = 5;

/// The code of a write that would make a unique value twofold: DuplicateKey.
const DUPLICATE_KEY: i32 = 11_000;

#[async_trait]
impl TaskStore for MongoStore {
    async fn add_task(&self, task: &Task) -> Result<Added, StoreError> {
        self.ensure_task_indexes().await?;
        let tasks = self.connection.collection(TASKS).await?;
        let doing = Doing::Write(format!("task {}", task.id));
        let (mut fields, mark) = encode_task(task)?;
        fields.insert("_id", task.id.to_string());
        let document = RawDocumentBuf::try_from(&fields).map_err(|error| StoreError::Write {
            what: format!("task {}", task.id),
            source: error.into(),
        })?;
        for _ in 0..ADD_ATTEMPTS {
            let inserted = async {
                match tasks.insert_one(&document).await {
                    Ok(_) => Ok(true),
                    Err(error) if is_duplicate(&error) => Ok(false),
                    Err(error) => Err(error),
                }
            };
            if self.connection.request(&doing, inserted).await? {
                self.announce(&task.id.to_string(), &mark).await?;
                return Ok(Added::New);
            }
            let mut same = vec![doc! { "_id": task.id.to_string() }];
            if let Some(key) = &task.idempotency_key {
                // The type makes MongoDB see that the index has all of these.
                let key = doc! { "$eq": key, "$type": "string" };
                same.push(doc! { "actor": &task.actor, "idempotency_key": key });
            }
            let known = self.find_tasks(doc! { "$or": same }, doc! {}, 1).await?;
            if let Some(known) = known.into_iter().next() {
                return Ok(Added::Known(Box::new(known)));
            }
        }
        Err(StoreError::Write {
            what: format!("task {}", task.id),
            source: "others with the same idempotency key come and go".into(),
        })
    }

    async fn update_task(&self, task: &Task) -> Result<bool, StoreError> {
        let tasks = self.connection.collection(TASKS).await?;
        let id = task.id.to_string();
        let doing = Doing::Write(format!("task {id}"));
        let (fields, mark) = encode_task(task)?;
        let unfinished = doc! {
            "_id": &id,
            "progress.state": { "$in": words(&[TaskState::Queued, TaskState::Running]) },
        };
        let updated = tasks.update_one(unfinished, doc! { "$set": fields });
        if self
            .connection
            .request(&doing, updated)
            .await?
            .matched_count
            > 0
        {
            self.announce(&id, &mark).await?;
            self.record_end(task).await?;
            return Ok(true);
        }
        let same = self.task(task.id).await?.as_ref() == Some(task);
        if same {
            // The writer may have died before it.
            self.record_end(task).await?;
        }
        Ok(same)
    }

    async fn amend_task(&self, id: TaskId, error: &TaskError) -> Result<bool, StoreError> {
        let tasks = self.connection.collection(TASKS).await?;
        let what = format!("task {id}");
        let failed = doc! {
            "_id": id.to_string(),
            "progress.state": { "$in": words(&ENDED) },
            "progress.error": { "$type": "object" },
        };
        let error = encode(what.clone(), error)?;
        let mark = Uuid::new_v4().to_string();
        let amended = doc! { "$set": { "progress.error": error, MARK: &mark } };
        let updated = tasks.update_one(failed, amended);
        let updated = self
            .connection
            .request(&Doing::Write(what), updated)
            .await?;
        if updated.matched_count == 0 {
            return Ok(false);
        }
        self.announce(&id.to_string(), &mark).await?;
        Ok(true)
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        let this = doc! { "_id": id.to_string() };
        let found = self.find_tasks(this, doc! {}, 1).await?;
        Ok(found.into_iter().next())
    }

    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        let mut filter = wanted(query);
        if let Some(before) = query.before {
            filter.insert("_id", doc! { "$lt": before.to_string() });
        }
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        self.find_tasks(filter, doc! { "_id": -1 }, limit).await
    }

    async fn count_tasks(&self, query: &TaskQuery) -> Result<u64, StoreError> {
        let tasks = self.connection.collection(TASKS).await?;
        let doing = Doing::Read("the number of tasks".into());
        let count = tasks.count_documents(wanted(query));
        self.connection.request(&doing, count).await
    }

    async fn task_position(&self) -> Result<u64, StoreError> {
        let counters = self.connection.collection(COUNTERS).await?;
        let counter = counters.find_one(doc! { "_id": TASKS });
        let doing = Doing::Read("the counter of tasks".into());
        let Some(counter) = self.connection.request(&doing, counter).await? else {
            return Ok(0);
        };
        let counter: Counter = self.connection.read_document(COUNTERS, &counter)?;
        Ok(counter.position)
    }

    async fn tasks_changed(&self, position: u64) -> Result<(u64, Vec<Task>), StoreError> {
        self.ensure_task_indexes().await?;
        let mut known = position;
        loop {
            // In this order: a task that is counted up to `now` has its mark by now or has had
            // it, and is found by one of the two looks.
            let now = self.task_position().await?;
            self.announce_others().await?;
            if now > known {
                let changed = doc! { "position": { "$gt": number(known), "$lte": number(now) } };
                let order = doc! { "position": 1 };
                let tasks = self.find_tasks(changed, order, 0).await?;
                if !tasks.is_empty() {
                    return Ok((now, tasks));
                }
                // What had changed was forgotten, or has changed again.
                known = now;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn forget_tasks(&self, before: Timestamp, keep: u64) -> Result<u64, StoreError> {
        let tasks = self.connection.collection(TASKS).await?;
        let doing = Doing::Write("the tasks".into());
        let ended = doc! { "progress.state": { "$in": words(&ENDED) } };
        let newest = tasks
            .find_one(ended.clone())
            .sort(doc! { "_id": -1 })
            .skip(keep)
            .projection(doc! { "_id": 1 });
        let Some(newest) = self.connection.request(&doing, newest).await? else {
            return Ok(0);
        };
        let newest: super::nodes::Id = self.connection.read_document(TASKS, &newest)?;
        let mut forgotten = ended;
        let old = Uuid::from_u128(first_id_at(before)).to_string();
        forgotten.insert("_id", doc! { "$lte": newest.id, "$lt": old });
        let deleted = self
            .connection
            .request(&doing, tasks.delete_many(forgotten))
            .await?;
        Ok(deleted.deleted_count)
    }

    async fn request_refresh(&self, request: &RefreshRequest) -> Result<(), StoreError> {
        let requests = self.connection.collection(REFRESH_REQUESTS).await?;
        let fields = encode_record("a refresh request".into(), request)?;
        let this = doc! { "_id": request.id.to_string() };
        let left = requests
            .update_one(this, doc! { "$set": fields })
            .upsert(true);
        self.connection
            .request(&Doing::Write("a refresh request".into()), left)
            .await?;
        Ok(())
    }

    async fn refresh_requests(&self) -> Result<Vec<RefreshRequest>, StoreError> {
        let doing = Doing::Read("the refresh requests".into());
        let documents = self
            .connection
            .find(REFRESH_REQUESTS, doc! {}, doc! {}, 0, &doing)
            .await?;
        let mut requests = self.connection.read_records(REFRESH_REQUESTS, &documents)?;
        oldest_first(&mut requests);
        Ok(requests)
    }

    async fn refresh_requests_changed(
        &self,
        known: &[Uuid],
    ) -> Result<Vec<RefreshRequest>, StoreError> {
        loop {
            let requests = self.refresh_requests().await?;
            if has_news(requests.iter().map(|request| &request.id), known) {
                return Ok(requests);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn remove_refresh_requests(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
        let requests = self.connection.collection(REFRESH_REQUESTS).await?;
        let gone = requests.delete_many(doc! { "_id": { "$in": ids } });
        self.connection
            .request(&Doing::Write("the refresh requests".into()), gone)
            .await?;
        Ok(())
    }
}

/// The document of [`COUNTERS`] whose `_id` is [`TASKS`].
#[derive(Deserialize)]
struct Counter {
    position: u64,
}

/// A task that has no position yet.
#[derive(Deserialize)]
struct Unannounced {
    #[serde(rename = "_id")]
    id: String,
    unannounced: String,
}

impl MongoStore {
    /// Records the end of a task in the history.
    async fn record_end(&self, task: &Task) -> Result<(), StoreError> {
        match history::of_task(task) {
            Some(event) => self.put_event(event).await,
            None => Ok(()),
        }
    }

    /// Gives a task that carries this mark the next position. If it carries another one by now,
    /// or none, somebody else has done so or will.
    async fn announce(&self, id: &str, mark: &str) -> Result<(), StoreError> {
        let doing = Doing::Write("the counter of tasks".into());
        let counters = self.connection.collection(COUNTERS).await?;
        // As revisions do, positions begin above all that were ever given out: a reader of a
        // database that was dropped must not wait until a new count has caught up.
        let first = number(first_revision());
        let next = doc! { "$add": [{ "$ifNull": ["$position", first] }, 1_i64] };
        let counted = counters
            .find_one_and_update(
                doc! { "_id": TASKS },
                vec![doc! { "$set": { "position": next } }],
            )
            .upsert(true)
            .return_document(ReturnDocument::After);
        let counted = match self.connection.request(&doing, counted).await? {
            Some(counter) => self
                .connection
                .read_document::<Counter>(COUNTERS, &counter)?,
            None => {
                return Err(StoreError::Write {
                    what: "the counter of tasks".to_owned(),
                    source: "MongoDB returned none".into(),
                });
            }
        };
        let tasks = self.connection.collection(TASKS).await?;
        let placed = tasks.update_one(
            doc! { "_id": id, MARK: mark },
            doc! {
                "$set": { "position": number(counted.position) },
                "$unset": { MARK: "" },
            },
        );
        self.connection.request(&doing, placed).await?;
        Ok(())
    }

    /// Announces what other writers have written and not yet announced.
    async fn announce_others(&self) -> Result<(), StoreError> {
        let doing = Doing::Read("the tasks".into());
        let marked = doc! { MARK: { "$exists": true } };
        let tasks = self.connection.collection(TASKS).await?;
        let found = async {
            let found = tasks.find(marked).projection(doc! { MARK: 1 });
            found.await?.try_collect::<Vec<_>>().await
        };
        for document in self.connection.request(&doing, found).await? {
            let task: Unannounced = self.connection.read_document(TASKS, &document)?;
            self.announce(&task.id, &task.unannounced).await?;
        }
        Ok(())
    }

    async fn find_tasks(
        &self,
        filter: Document,
        order: Document,
        limit: i64,
    ) -> Result<Vec<Task>, StoreError> {
        let doing = Doing::Read("the tasks".into());
        let documents = self
            .connection
            .find(TASKS, filter, order, limit, &doing)
            .await?;
        self.connection.read_records(TASKS, &documents)
    }

    /// Makes sure that an idempotency key is there once, and that nothing needs to look at all
    /// tasks.
    async fn ensure_task_indexes(&self) -> Result<(), StoreError> {
        self.tasks_indexed
            .get_or_try_init(|| async {
                let by_key = IndexModel::builder()
                    .keys(doc! { "actor": 1, "idempotency_key": 1 })
                    .options(
                        IndexOptions::builder()
                            .unique(true)
                            .partial_filter_expression(
                                doc! { "idempotency_key": { "$type": "string" } },
                            )
                            .build(),
                    )
                    .build();
                let unannounced = IndexModel::builder()
                    .keys(doc! { MARK: 1 })
                    .options(
                        IndexOptions::builder()
                            .partial_filter_expression(doc! { MARK: { "$exists": true } })
                            .build(),
                    )
                    .build();
                let plain = |keys| IndexModel::builder().keys(keys).build();
                let tasks = self.connection.collection(TASKS).await?;
                let indexes = tasks.create_indexes([
                    by_key,
                    unannounced,
                    plain(doc! { "position": 1 }),
                    plain(doc! { "progress.state": 1, "_id": -1 }),
                    plain(doc! { "node": 1, "_id": -1 }),
                ]);
                let doing = Doing::Write("the indexes of the tasks".into());
                self.connection.request(&doing, indexes).await?;
                Ok(())
            })
            .await
            .copied()
    }
}

/// The fields of a task with a new mark, and the mark.
fn encode_task(task: &Task) -> Result<(Document, String), StoreError> {
    let mut fields = encode_record(format!("task {}", task.id), &StoredTask(task))?;
    let mark = Uuid::new_v4().to_string();
    fields.insert(MARK, &mark);
    Ok((fields, mark))
}

/// What a query asks for, on all of its pages.
fn wanted(query: &TaskQuery) -> Document {
    let mut filter = Document::new();
    if !query.states.is_empty() {
        filter.insert("progress.state", doc! { "$in": words(&query.states) });
    }
    if !query.nodes.is_empty() {
        let nodes: Vec<_> = query.nodes.iter().map(|node| node.as_str()).collect();
        filter.insert("node", doc! { "$in": nodes });
    }
    filter
}

fn words(states: &[TaskState]) -> Vec<&'static str> {
    states.iter().map(|state| state.word()).collect()
}

/// A position as BSON has it, whose integers end at 2⁶³ − 1.
fn number(position: u64) -> Bson {
    Bson::Int64(i64::try_from(position).unwrap_or(i64::MAX))
}

fn is_duplicate(error: &DriverError) -> bool {
    matches!(
        &*error.kind,
        ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == DUPLICATE_KEY
    )
}
