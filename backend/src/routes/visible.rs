//! What a caller may see of the published inventory, and answers from it.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};

use crate::access::Caller;
use crate::http::etag::{REVALIDATE, matches_etag, not_modified};
use crate::inventory::error::{Error, StoreUnavailable};
use crate::inventory::published::{Inventory, Snapshot};

/// The part of the snapshot that the caller may see, once the store has been read.
pub(super) fn loaded(inventory: &Inventory, caller: &Caller) -> Result<Arc<Snapshot>, Error> {
    let snapshot = whole(inventory)?;
    Ok(match &caller.grant.nodes {
        None => snapshot,
        Some(nodes) => Arc::new(snapshot.only(nodes)),
    })
}

/// The whole snapshot, once the store has been read.
pub(super) fn whole(inventory: &Inventory) -> Result<Arc<Snapshot>, Error> {
    let snapshot = inventory.snapshot();
    if snapshot.loaded {
        return Ok(snapshot);
    }
    Err(match &snapshot.store_failure {
        Some(failure) => StoreUnavailable::Unreadable(failure.message.clone()).into(),
        None => Error::Starting,
    })
}

/// The entity tag of an answer that depends on path and revision alone; weak, since the bytes
/// differ by encoding.
pub(super) fn etag(snapshot: &Snapshot) -> String {
    format!("W/\"{}{}\"", snapshot.revision, snapshot.scope)
}

/// JSON at the snapshot's revision, unless the client has it already.
pub(super) fn json_at(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    body: impl FnOnce() -> String,
) -> Response {
    let etag = etag(snapshot);
    if matches_etag(headers, &etag) {
        return not_modified(etag);
    }
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CACHE_CONTROL, REVALIDATE.to_owned()),
        (ETAG, etag),
    ];
    (headers, body()).into_response()
}
