//! The embedded store behind a door that can be shut: what goes through is the real thing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ecoman_model::{
    AuditEntry, NodeName, NodeState, PendingChange, RefreshRequest, Round, Task, TaskError, TaskId,
    Timestamp, VmKey, VmRecord,
};
use ecoman_store::{
    Added, AuditQuery, AuditStore, EmbeddedStore, HistoryPage, HistoryQuery, HistoryStore,
    PendingStore, Revision, Store, StoreError, TaskQuery, TaskStore, Written,
};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct LeavingStore {
    inner: EmbeddedStore,
    away: AtomicBool,
    refuses_vms: AtomicBool,
    refused: AtomicUsize,
}

impl LeavingStore {
    pub(crate) fn new(inner: EmbeddedStore) -> Self {
        Self {
            inner,
            away: AtomicBool::new(false),
            refuses_vms: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        }
    }

    pub(crate) fn inner(&self) -> &EmbeddedStore {
        &self.inner
    }

    pub(crate) fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// Goes away for single VMs alone.
    pub(crate) fn refuse_vms(&self) {
        self.refuses_vms.store(true, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
        self.refuses_vms.store(false, Ordering::SeqCst);
    }

    /// Waits until so many rounds and single VMs were refused in all.
    pub(crate) async fn until_refused(&self, count: usize) {
        super::loop_until("refused write", async || {
            (self.refused.load(Ordering::SeqCst) >= count).then_some(())
        })
        .await;
    }

    fn door(&self) -> Result<&EmbeddedStore, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            Err(shut())
        } else {
            Ok(&self.inner)
        }
    }
}

fn shut() -> StoreError {
    StoreError::Away {
        server: "the test".to_owned(),
        source: "shut".into(),
    }
}

#[async_trait::async_trait]
impl PendingStore for LeavingStore {
    async fn set_pending(&self, change: &PendingChange) -> Result<(), StoreError> {
        self.door()?.set_pending(change).await
    }

    async fn remove_pending(&self, key: &VmKey, id: Uuid) -> Result<bool, StoreError> {
        self.door()?.remove_pending(key, id).await
    }
}

#[async_trait::async_trait]
impl Store for LeavingStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.door()?.ping().await
    }

    async fn check_write(&self) -> Result<(), StoreError> {
        self.door()?.check_write().await
    }

    async fn record_round(&self, round: &Round) -> Result<Written, StoreError> {
        match self.door() {
            Ok(inner) => inner.record_round(round).await,
            Err(error) => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                // As a database that does not answer: not at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(error)
            }
        }
    }

    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError> {
        if self.refuses_vms.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(shut());
        }
        self.door()?.record_vm(vm).await
    }

    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError> {
        self.door()?.retain_nodes(names).await
    }

    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError> {
        self.door()?.node_state(name).await
    }

    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        self.door()?.revisions().await
    }

    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        self.door()?.changed(known).await
    }
}

#[async_trait::async_trait]
impl TaskStore for LeavingStore {
    async fn add_task(&self, task: &Task) -> Result<Added, StoreError> {
        self.door()?.add_task(task).await
    }

    async fn update_task(&self, task: &Task) -> Result<bool, StoreError> {
        self.door()?.update_task(task).await
    }

    async fn amend_task(&self, id: TaskId, error: &TaskError) -> Result<bool, StoreError> {
        self.door()?.amend_task(id, error).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.door()?.task(id).await
    }

    async fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        self.door()?.tasks(query).await
    }

    async fn task_position(&self) -> Result<u64, StoreError> {
        self.door()?.task_position().await
    }

    async fn tasks_changed(&self, position: u64) -> Result<(u64, Vec<Task>), StoreError> {
        self.door()?.tasks_changed(position).await
    }

    async fn forget_tasks(&self, before: Timestamp, keep: u64) -> Result<u64, StoreError> {
        self.door()?.forget_tasks(before, keep).await
    }

    async fn request_refresh(&self, note: &RefreshRequest) -> Result<(), StoreError> {
        self.door()?.request_refresh(note).await
    }

    async fn refresh_requests(&self) -> Result<Vec<RefreshRequest>, StoreError> {
        self.door()?.refresh_requests().await
    }

    async fn refresh_requests_changed(
        &self,
        known: &[Uuid],
    ) -> Result<Vec<RefreshRequest>, StoreError> {
        self.door()?.refresh_requests_changed(known).await
    }

    async fn remove_refresh_requests(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        self.door()?.remove_refresh_requests(ids).await
    }
}

#[async_trait::async_trait]
impl AuditStore for LeavingStore {
    async fn record_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.door()?.record_audit(entry).await
    }

    async fn audit_entry(&self, id: Uuid) -> Result<Option<AuditEntry>, StoreError> {
        self.door()?.audit_entry(id).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.door()?.audit(query).await
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.door()?.forget_audit(before).await
    }
}

#[async_trait::async_trait]
impl HistoryStore for LeavingStore {
    async fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        self.door()?.history(query).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.door()?.forget_events(before).await
    }
}
