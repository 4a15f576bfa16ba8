//! Asks the crawler for a poll before its time.

use chrono::{DateTime, Utc};
use ecoman_model::{NodeName, RefreshRequest};
use ecoman_store::Store;
use uuid::Uuid;

use super::error::StoreUnavailable;

/// Has the crawler read a node again, with its setup and the proof of the way it is read. It takes the
/// place of an earlier request: a round for that may have begun before, or failed.
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
    let earlier = open
        .iter()
        .filter(|request| request.whole && request.node == *node);
    let earlier: Vec<Uuid> = earlier.map(|request| request.id).collect();
    let request = RefreshRequest {
        id: Uuid::now_v7(),
        node: node.clone(),
        vmid: None,
        requested_at: now,
        whole: true,
    };
    store.request_refresh(&request).await.map_err(failed)?;
    store
        .remove_refresh_requests(&earlier)
        .await
        .map_err(failed)
}
