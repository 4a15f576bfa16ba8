//! `/nodes`: the list, one node, and a poll of it.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use ecoman_api::text::EN;
use ecoman_api::{Node, NodePage};
use ecoman_model::Permission;

use super::guard::AuditDraft;
use super::paths::NodePath;
use super::visible::{json_at, loaded};
use super::{parameters, responses};
use crate::access::Caller;
use crate::http::etag::NO_STORE;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::inventory::refresh::request_poll;
use crate::routes::state::AppState;

/// List nodes
///
/// All nodes of the crawler's `hosts.yml`, by name, with their capacity and the sums over their
/// VMs.
#[utoipa::path(
    get,
    path = "/nodes",
    operation_id = "listNodes",
    tag = "Nodes",
    extensions(("x-permission" = json!(Permission::Read))),
    params(parameters::IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The nodes.",
            body = NodePage,
            headers(("ETag" = String, description = "For `If-None-Match`."))
        ),
        responses::NotModified,
        responses::NoParameters,
        responses::NothingToShow,
    )
)]
pub(crate) async fn list_nodes(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    Ok(json_at(&snapshot, &headers, || {
        let items: Vec<&str> = snapshot.nodes.iter().map(|node| &*node.json).collect();
        format!(
            "{{\"items\":[{}],\"total\":{},\"revision\":{}}}",
            items.join(","),
            items.len(),
            snapshot.revision
        )
    }))
}

/// Get a node
///
/// With its capacity, its datastores, networks and ISO images, and the sums over its VMs; or why it
/// is not responding.
#[utoipa::path(
    get,
    path = "/nodes/{node}",
    operation_id = "getNode",
    tag = "Nodes",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        NodePath,
        parameters::IfNoneMatch,
    ),
    responses(
        (
            status = 200,
            description = "The node.",
            body = Node,
            headers(("ETag" = String, description = "For `If-None-Match`."))
        ),
        responses::NotModified,
        responses::NoParameters,
        responses::NoSuchNode,
        responses::NothingToShow,
    )
)]
pub(crate) async fn get_node(
    State(state): State<AppState>,
    caller: Caller,
    path: NodePath,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let node = snapshot.find_node(&path.node)?;
    Ok(json_at(&snapshot, &headers, || node.json.to_string()))
}

/// Poll a node now
///
/// The crawler reads the node as soon as it can, with datastores, networks and ISO images, and verifies
/// again the method by which it is read (`collecting`). The poll is done when `attempted_at`, its end, less
/// `round_millis` is later than this request; `last_error` says whether it failed. Requests that arrive before that count as one.
/// After a refused login a node is polled at `next_attempt_at` and no sooner, since ESXi locks accounts.
#[utoipa::path(
    post,
    path = "/nodes/{node}/poll",
    operation_id = "pollNode",
    tag = "Nodes",
    extensions(("x-permission" = json!(Permission::Power))),
    params(NodePath),
    responses(
        (status = ACCEPTED, description = "The node as it was read last.", body = Node),
        responses::NoParameters,
        responses::NoSuchNode,
        responses::NothingToShow,
    )
)]
pub(crate) async fn poll_node(
    State(state): State<AppState>,
    Extension(draft): Extension<AuditDraft>,
    caller: Caller,
    path: NodePath,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let node = snapshot.find_node(&path.node)?;
    draft.describe(EN.tasks.poll_summary, None);
    let now = (state.authenticator.clock)();
    request_poll(&*state.store, &node.record.name, now).await?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, NO_STORE),
    ];
    Ok((StatusCode::ACCEPTED, headers, node.json.to_string()).into_response())
}
