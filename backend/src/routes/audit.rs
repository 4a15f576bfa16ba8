//! `/audit`: who did what.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use ecoman_api::{AuditEntry, AuditPage};
use ecoman_model::{AuditOutcome, NodeName, Timestamp, Vmid};
use ecoman_store::AuditQuery;
use uuid::Uuid;

use super::NO_STORE;
use crate::error::Error;
use crate::openapi::failures;
use crate::parameters::{Parameters, whole_number};
use crate::state::AppState;

/// The most entries on one page, and how many there are where nothing is said.
const LIMIT: usize = 1000;
const USUAL: usize = 100;

const OUTCOMES: [(&str, AuditOutcome); 4] = [
    ("pending", AuditOutcome::Pending),
    ("succeeded", AuditOutcome::Succeeded),
    ("failed", AuditOutcome::Failed),
    ("refused", AuditOutcome::Refused),
];

/// Read the audit log
///
/// Every change that somebody asked for, and every sign-in, with what came of it; newest first.
/// Kept for as many days as the server's `DASHBOARD_AUDIT_DAYS` says.
#[utoipa::path(
    get,
    path = "/audit",
    operation_id = "listAudit",
    tag = "Access",
    params(
        ("actor" = Option<String>, Query, description = "Of these users; several with commas between them.", example = "alice,bob"),
        ("node" = Option<String>, Query, description = "Asked of these nodes; several with commas between them.", example = "hoge,fuga"),
        ("vmid" = Option<u32>, Query, description = "About the VM with this id.", maximum = 4_294_967_295_u32, example = 14),
        ("operation" = Option<String>, Query, description = "These operations of this document; several with commas between them.", example = "setPower,createVm"),
        ("outcome" = Option<String>, Query, description = "With these outcomes; several with commas between them: `pending`, `succeeded`, `failed`, `refused`.", example = "failed,refused"),
        ("since" = Option<String>, Query, description = "From this time on.", format = DateTime, example = "2026-11-22T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this time.", format = DateTime, example = "2026-11-23T00:00:00Z"),
        ("limit" = Option<u32>, Query, description = "Entries on a page; 100 where nothing is said.", minimum = 1, maximum = 1000, example = 100),
        ("page_token" = Option<String>, Query, description = "`next_page` of the answer before; the other parameters have to be the same.", example = "019aad5e-7a00-7000-8000-000000000001"),
    ),
    responses(
        (status = 200, description = "The entries.", body = AuditPage),
        failures::BadParameters,
        failures::StoreAway,
    )
)]
pub(crate) async fn list_audit(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let mut parameters = Parameters::new(query.as_deref());
    let actors = parameters.take("actor", |text| Ok(names(text)));
    let nodes = parameters.take("node", |text| {
        text.split(',')
            .map(|name| name.parse::<NodeName>().map_err(|error| error.to_string()))
            .collect::<Result<Vec<_>, _>>()
    });
    let vmid = parameters.take("vmid", |text| {
        whole_number(text)
            .map(Vmid)
            .ok_or_else(|| "must be the id of a VM, a whole number".to_owned())
    });
    let operations = parameters.take("operation", |text| Ok(names(text)));
    let outcomes = parameters.take_words("outcome", &OUTCOMES);
    let time = |text: &str| {
        text.parse::<Timestamp>()
            .map_err(|_| "must be a time of RFC 3339, such as 2026-11-22T00:00:00Z".to_owned())
    };
    let since = parameters.take("since", time);
    let until = parameters.take("until", time);
    let limit = parameters.take("limit", |text| {
        whole_number(text)
            .filter(|limit| (1..=LIMIT).contains(limit))
            .ok_or_else(|| format!("must be a whole number from 1 to {LIMIT}"))
    });
    let before = parameters.take("page_token", |text| {
        text.parse::<Uuid>()
            .map_err(|_| "must be the next_page of an earlier answer".to_owned())
    });
    parameters
        .finish("actor, node, vmid, operation, outcome, since, until, limit and page_token")
        .map_err(Error::Parameters)?;

    let limit = limit.unwrap_or(USUAL);
    let query = AuditQuery {
        actors: actors.unwrap_or_default(),
        nodes: nodes.unwrap_or_default(),
        vmid,
        operations: operations.unwrap_or_default(),
        outcomes,
        since,
        until,
        before,
        // One more tells whether there is another page.
        limit: limit + 1,
    };
    let entries = state.store.audit(&query).await;
    let mut entries = entries.map_err(|error| Error::of_store(&error))?;
    let is_last = entries.len() <= limit;
    entries.truncate(limit);
    let next_page = entries
        .last()
        .filter(|_| !is_last)
        .map(|entry| entry.id.to_string());
    let page = AuditPage {
        items: entries.into_iter().map(view).collect(),
        next_page,
    };
    Ok(([(CACHE_CONTROL, NO_STORE)], Json(page)).into_response())
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn view(entry: ecoman_model::AuditEntry) -> AuditEntry {
    AuditEntry {
        id: entry.id,
        at: entry.at,
        actor: entry.actor.name,
        by: entry.actor.by,
        token: entry.actor.token,
        address: entry.actor.address.map(|address| address.to_string()),
        operation: entry.operation,
        summary: entry.summary,
        node: entry.node.map(|node| node.to_string()),
        vmid: entry.vmid.map(|vmid| vmid.0),
        name: entry.name,
        task: entry.task,
        outcome: entry.outcome,
        detail: entry.detail,
        request_id: entry.request_id,
    }
}
