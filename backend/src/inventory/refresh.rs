//! Asks the crawler for a poll before its time.

use chrono::{DateTime, Utc};
use ecoman_model::{NodeName, RefreshRequest};
use ecoman_store::Store;
use uuid::Uuid;

use super::error::StoreUnavailable;

/// Has the crawler read a node again, with its setup and the proof of the way it is read. A request
/// that still waits for that is enough.
///
/// # Errors
///
/// [`StoreUnavailable`].
pub(crate) async fn request_poll(
    store: &dyn Store,
    node: &NodeName,
    now: DateTime<Utc>,
) -> Result<(), StoreUnavailable> {
    let failed = |error| StoreUnavailable::at_request(&error);
    let open = store.refresh_requests().await.map_err(failed)?;
    if open
        .iter()
        .any(|request| request.whole && request.node == *node)
    {
        return Ok(());
    }
    let request = RefreshRequest {
        id: Uuid::now_v7(),
        node: node.clone(),
        vmid: None,
        requested_at: now,
        whole: true,
    };
    store.request_refresh(&request).await.map_err(failed)
}
