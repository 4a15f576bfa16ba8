//! `/metrics`.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use ecoman_model::{Grant, Permission, TaskState};
use ecoman_store::{Store, StoreError, TaskQuery};
use tokio::time::timeout;

use super::responses;
use super::visible::loaded;
use crate::access::Caller;
use crate::http;
use crate::http::etag::NO_STORE;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::metrics::{OPEN_METRICS, Scrape};
use crate::routes::state::AppState;

/// Get metrics
///
/// For monitoring: whether each node answers, how long its last round took, the age of its data, its
/// VMs and capacity; tasks; the times of HTTP answers. In the format of OpenMetrics 1.0, which
/// Prometheus reads. A caller who is limited to nodes sees only those.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "Server",
    extensions(("x-permission" = json!(Permission::Read))),
    responses(
        (
            status = 200,
            description = "The metrics; also while the store does not answer.",
            body = str,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
            example = "# HELP ecoman_node_up Whether the node answered the last round of the \
                crawler.\n# TYPE ecoman_node_up gauge\necoman_node_up{node=\"hoge\"} 1\n# EOF\n"
        ),
        responses::NoParameters,
    )
)]
pub(crate) async fn get_metrics(
    State(state): State<AppState>,
    caller: Caller,
    _: NoParameters,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller).ok();
    let unfinished = unfinished_tasks(&*state.store, &caller.grant).await;
    let text = state.metrics.render(&Scrape {
        now: (state.authenticator.clock)(),
        of_everybody: caller.grant.nodes.is_none(),
        snapshot: snapshot.as_deref(),
        store_up: unfinished.is_some(),
        store_writable: unfinished.is_some() && state.writability.failure().is_none(),
        unfinished,
        certificate_ends: state.certificate.as_ref().map(|it| it.not_after()),
    });
    let text = text.map_err(|_| http::Error::Internal)?;
    let headers = [(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, NO_STORE)];
    Ok((headers, text).into_response())
}

/// How many tasks of the caller's nodes are queued and running; `None`: the store does not answer.
async fn unfinished_tasks(store: &dyn Store, grant: &Grant) -> Option<[(TaskState, u64); 2]> {
    /// Prometheus gives up after 10 seconds.
    const TIMEOUT: Duration = Duration::from_secs(5);
    let sees_nothing = grant.nodes.as_ref().is_some_and(BTreeSet::is_empty);
    let count = async |task_state| {
        if sees_nothing {
            // To the store an empty list of nodes means all nodes.
            return store.ping().await.map(|()| (task_state, 0));
        }
        let query = TaskQuery {
            states: vec![task_state],
            nodes: grant.nodes.iter().flatten().cloned().collect(),
            ..TaskQuery::default()
        };
        Ok((task_state, store.count_tasks(&query).await?))
    };
    let counts = async {
        let queued = count(TaskState::Queued).await?;
        let running = count(TaskState::Running).await?;
        Ok::<_, StoreError>([queued, running])
    };
    timeout(TIMEOUT, counts).await.ok()?.ok()
}
