//! Tasks and refresh requests in the file.

use async_trait::async_trait;
use ecoman_model::{RefreshRequest, Task, TaskError, TaskId, Timestamp};
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata as _, Table, WriteTransaction};
use uuid::Uuid;

use super::file::{Change, EmbeddedStore, Failure, Shared, stored_position, to_json};
use super::tables::{META, REFRESH_REQUESTS, TASK_CHANGES, TASK_KEYS, TASK_POSITION, TASKS};
use crate::changes::first_revision;
use crate::history::{self, TASKS_COMPARED, first_id_at};
use crate::record::{self, StoredTask};
use crate::tasks::{has_news, oldest_first};
use crate::{Added, StoreError, TaskQuery, TaskStore};

#[async_trait]
impl TaskStore for EmbeddedStore {
    async fn add_task(&self, task: &Task) -> Result<Added, StoreError> {
        let task = task.clone();
        self.write(format!("task {}", task.id), move |shared, transaction| {
            let mut keys = transaction.open_table(TASK_KEYS)?;
            let id = task.id.0.as_u128();
            let same_key = match key_of(&task) {
                Some(key) => keys.get(key)?.map(|id| id.value()),
                None => None,
            };
            let mut tasks = transaction.open_table(TASKS)?;
            for id in [Some(id), same_key].into_iter().flatten() {
                if let Some((_, known)) = shared.task(&tasks, id)? {
                    return Ok((Added::Known(Box::new(known)), Change::None));
                }
            }
            if let Some(key) = key_of(&task) {
                keys.insert(key, id)?;
            }
            let position = put(transaction, &mut tasks, &task, None)?;
            Ok((Added::New, Change::Task(position)))
        })
        .await
    }

    async fn update_task(&self, task: &Task) -> Result<bool, StoreError> {
        let task = task.clone();
        self.write(format!("task {}", task.id), move |shared, transaction| {
            let mut tasks = transaction.open_table(TASKS)?;
            let id = task.id.0.as_u128();
            let Some((before, stored)) = shared.task(&tasks, id)? else {
                return Ok((false, Change::None));
            };
            if stored.progress.state.is_final() {
                return Ok((stored == task, Change::None));
            }
            if key_of(&stored) != key_of(&task) {
                let mut keys = transaction.open_table(TASK_KEYS)?;
                if let Some(key) = key_of(&stored) {
                    keys.remove(key)?;
                }
                if let Some(key) = key_of(&task)
                    && keys.insert(key, id)?.is_some()
                {
                    return Err(Failure::Store(StoreError::Write {
                        what: format!("task {}", task.id),
                        source: "its idempotency key is that of another task".into(),
                    }));
                }
            }
            let position = put(transaction, &mut tasks, &task, Some(before))?;
            if let Some(event) = history::of_task(&task) {
                shared.put_event(transaction, event)?;
            }
            Ok((true, Change::Task(position)))
        })
        .await
    }

    async fn amend_task(&self, id: TaskId, error: &TaskError) -> Result<bool, StoreError> {
        let error = error.clone();
        self.write(format!("task {id}"), move |shared, transaction| {
            let mut tasks = transaction.open_table(TASKS)?;
            let Some((before, mut task)) = shared.task(&tasks, id.0.as_u128())? else {
                return Ok((false, Change::None));
            };
            if !task.progress.state.is_final() || task.progress.error.is_none() {
                return Ok((false, Change::None));
            }
            task.progress.error = Some(error);
            let position = put(transaction, &mut tasks, &task, Some(before))?;
            Ok((true, Change::Task(position)))
        })
        .await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.read(format!("task {id}"), move |shared, database| {
            let tasks = database.begin_read()?.open_table(TASKS)?;
            let found = shared.task(&tasks, id.0.as_u128())?;
            Ok(found.map(|(_, task)| task))
        })
        .await
    }

    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        let query = query.clone();
        self.read("the tasks", move |shared, database| {
            let table = database.begin_read()?.open_table(TASKS)?;
            let mut tasks = Vec::new();
            let before = query.before.map_or(u128::MAX, |before| before.0.as_u128());
            for entry in table.range(..=before)?.rev() {
                let (id, value) = entry?;
                let task = shared.read_task(id.value(), value.value().1)?;
                if query.wants(&task) {
                    tasks.push(task);
                }
                if query.limit != 0 && tasks.len() == query.limit {
                    break;
                }
            }
            Ok(tasks)
        })
        .await
    }

    async fn count_tasks(&self, query: &TaskQuery) -> Result<u64, StoreError> {
        let wanted = TaskQuery {
            before: None,
            ..query.clone()
        };
        self.read("the tasks", move |shared, database| {
            let table = database.begin_read()?.open_table(TASKS)?;
            if wanted.states.is_empty() && wanted.nodes.is_empty() {
                return Ok(table.len()?);
            }
            let mut count = 0;
            for entry in table.iter()? {
                let (id, value) = entry?;
                let task = shared.read_task(id.value(), value.value().1)?;
                count += u64::from(wanted.wants(&task));
            }
            Ok(count)
        })
        .await
    }

    async fn task_position(&self) -> Result<u64, StoreError> {
        self.read("the tasks", |_, database| Ok(stored_position(database)?))
            .await
    }

    async fn tasks_changed(&self, position: u64) -> Result<(u64, Vec<Task>), StoreError> {
        let mut positions = self.shared.task_position.subscribe();
        let mut known = position;
        loop {
            positions
                .wait_for(|&now| now > known)
                .await
                .map_err(|closed| StoreError::Read {
                    what: "the tasks".to_owned(),
                    source: closed.into(),
                })?;
            let (now, tasks) = self
                .read("the tasks", move |shared, database| {
                    let transaction = database.begin_read()?;
                    let table = transaction.open_table(TASKS)?;
                    let mut tasks = Vec::new();
                    for entry in transaction.open_table(TASK_CHANGES)?.range(known + 1..)? {
                        let (_, id) = entry?;
                        tasks.extend(shared.task(&table, id.value())?.map(|(_, task)| task));
                    }
                    let now = transaction.open_table(META)?.get(TASK_POSITION)?;
                    Ok((now.map_or(0, |now| now.value()), tasks))
                })
                .await?;
            if !tasks.is_empty() {
                return Ok((now, tasks));
            }
            // What had changed was forgotten.
            known = known.max(now);
        }
    }

    async fn forget_tasks(&self, before: Timestamp, keep: u64) -> Result<u64, StoreError> {
        self.write("the tasks", move |shared, transaction| {
            let mut tasks = transaction.open_table(TASKS)?;
            let mut forgotten = Vec::new();
            let oldest = tasks.first()?.map(|(id, _)| id.value());
            let old = first_id_at(before);
            if tasks.len()? <= keep || oldest.is_none_or(|oldest| oldest >= old) {
                return Ok((0, Change::None));
            }
            let end = old.min(shared.oldest_kept(&tasks, keep)?);
            for entry in tasks.range(..end)? {
                let (id, value) = entry?;
                let (position, json) = value.value();
                let task = shared.read_task(id.value(), json)?;
                if task.progress.state.is_final() {
                    forgotten.push((position, task));
                }
            }
            let mut changes = transaction.open_table(TASK_CHANGES)?;
            let mut keys = transaction.open_table(TASK_KEYS)?;
            for (position, task) in &forgotten {
                tasks.remove(task.id.0.as_u128())?;
                changes.remove(position)?;
                if let Some(key) = key_of(task) {
                    keys.remove(key)?;
                }
            }
            let change = if forgotten.is_empty() {
                Change::None
            } else {
                Change::Silent
            };
            Ok((u64::try_from(forgotten.len()).unwrap_or(u64::MAX), change))
        })
        .await
    }

    async fn request_refresh(&self, request: &RefreshRequest) -> Result<(), StoreError> {
        let request = request.clone();
        self.write("a refresh request", move |_, transaction| {
            let document = to_json(&request)?;
            let mut requests = transaction.open_table(REFRESH_REQUESTS)?;
            requests.insert(request.id.as_u128(), document.as_slice())?;
            Ok(((), Change::RefreshRequested(request.id)))
        })
        .await
    }

    async fn refresh_requests(&self) -> Result<Vec<RefreshRequest>, StoreError> {
        let mut requests = self
            .read("the refresh requests", |shared, database| {
                let table = database.begin_read()?.open_table(REFRESH_REQUESTS)?;
                let mut requests = Vec::new();
                for entry in table.iter()? {
                    let (id, json) = entry?;
                    requests.push(shared.read_refresh_request(id.value(), json.value())?);
                }
                Ok(requests)
            })
            .await?;
        oldest_first(&mut requests);
        Ok(requests)
    }

    async fn refresh_requests_changed(
        &self,
        known: &[Uuid],
    ) -> Result<Vec<RefreshRequest>, StoreError> {
        let mut ids = self.shared.refresh_requests.subscribe();
        loop {
            ids.wait_for(|ids| has_news(ids, known))
                .await
                .map_err(|closed| StoreError::Read {
                    what: "the refresh requests".to_owned(),
                    source: closed.into(),
                })?;
            let requests = self.refresh_requests().await?;
            // Otherwise it was removed in between.
            if has_news(requests.iter().map(|request| &request.id), known) {
                return Ok(requests);
            }
        }
    }

    async fn remove_refresh_requests(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.write("the refresh requests", move |_, transaction| {
            let mut requests = transaction.open_table(REFRESH_REQUESTS)?;
            let mut removed = Vec::new();
            for id in ids {
                if requests.remove(id.as_u128())?.is_some() {
                    removed.push(id);
                }
            }
            if removed.is_empty() {
                return Ok(((), Change::None));
            }
            Ok(((), Change::RefreshRequestsRemoved(removed)))
        })
        .await
    }
}

fn key_of(task: &Task) -> Option<(Option<&str>, &str)> {
    let key = task.idempotency_key.as_deref()?;
    Some((task.actor.as_deref(), key))
}

/// Writes a task down at a new position, which is returned; `before` is the one that it had.
fn put(
    transaction: &WriteTransaction,
    tasks: &mut Table<'_, u128, (u64, &'static [u8])>,
    task: &Task,
    before: Option<u64>,
) -> Result<u64, Failure> {
    let mut meta = transaction.open_table(META)?;
    let last = meta.get(TASK_POSITION)?.map(|position| position.value());
    // As revisions do, positions begin above all that were ever given out: a reader of a file
    // that was exchanged must not wait until a new count has caught up.
    let position = last.map_or_else(first_revision, |last| last + 1);
    meta.insert(TASK_POSITION, position)?;

    let id = task.id.0.as_u128();
    let mut changes = transaction.open_table(TASK_CHANGES)?;
    if let Some(before) = before {
        changes.remove(before)?;
    }
    changes.insert(position, id)?;
    let document = to_json(&StoredTask(task))?;
    tasks.insert(id, (position, document.as_slice()))?;
    Ok(position)
}

impl Shared {
    /// The newest tasks.
    pub(super) fn newest_of_all_tasks(
        &self,
        transaction: &WriteTransaction,
    ) -> Result<Vec<Task>, Failure> {
        let tasks = transaction.open_table(TASKS)?;
        let newest = tasks.iter()?.rev().take(TASKS_COMPARED);
        newest
            .map(|stored| {
                let (id, value) = stored?;
                let (_, json) = value.value();
                self.read_task(id.value(), json)
            })
            .collect()
    }

    /// The oldest of the `keep` newest tasks that have ended; 0: there are not so many.
    fn oldest_kept(
        &self,
        tasks: &impl ReadableTable<u128, (u64, &'static [u8])>,
        keep: u64,
    ) -> Result<u128, Failure> {
        let mut left = keep;
        if left == 0 {
            return Ok(u128::MAX);
        }
        for entry in tasks.iter()?.rev() {
            let (id, value) = entry?;
            let task = self.read_task(id.value(), value.value().1)?;
            left -= u64::from(task.progress.state.is_final());
            if left == 0 {
                return Ok(id.value());
            }
        }
        Ok(0)
    }

    /// A task with the position of its latest change.
    fn task(
        &self,
        table: &impl ReadableTable<u128, (u64, &'static [u8])>,
        id: u128,
    ) -> Result<Option<(u64, Task)>, Failure> {
        let Some(value) = table.get(id)? else {
            return Ok(None);
        };
        let (position, json) = value.value();
        Ok(Some((position, self.read_task(id, json)?)))
    }

    fn read_task(&self, id: u128, json: &[u8]) -> Result<Task, Failure> {
        record::from_json(json)
            .map_err(|error| self.unreadable(&format!("task {}", Uuid::from_u128(id)), error))
    }

    fn read_refresh_request(&self, id: u128, json: &[u8]) -> Result<RefreshRequest, Failure> {
        record::from_json(json).map_err(|error| {
            self.unreadable(&format!("refresh request {}", Uuid::from_u128(id)), error)
        })
    }
}
