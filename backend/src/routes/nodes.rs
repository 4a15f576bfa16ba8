//! `/nodes`: the list, and one node.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ecoman_api::{Node, NodePage};
use ecoman_model::Permission;

use super::paths::NodePath;
use super::visible::{json_at, loaded};
use super::{parameters, responses};
use crate::access::Caller;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
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
/// does not answer.
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
