//! `/audit`: who did what.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ecoman_api::{AuditEntry, AuditPage};
use ecoman_model::{AuditOutcome, NodeName, Permission, Vmid};
use ecoman_store::{AuditQuery, Store};
use futures::stream;
use uuid::Uuid;

use super::responses;
use crate::http;
use crate::http::accept::Format;
use crate::http::csv::{self, Cell, NamedColumn, TEXT_CSV};
use crate::http::etag::NO_STORE;
use crate::http::problem::ErrorResponse;
use crate::http::query::{Parameters, whole_number};
use crate::inventory::error::StoreUnavailable;
use crate::routes::state::AppState;

/// The most entries on one page, and the default.
const LIMIT: usize = 1000;
const USUAL: usize = 100;

const OUTCOMES: [(&str, AuditOutcome); 4] = [
    ("pending", AuditOutcome::Pending),
    ("succeeded", AuditOutcome::Succeeded),
    ("failed", AuditOutcome::Failed),
    ("refused", AuditOutcome::Refused),
];

/// The table of the audit log, with the fields of an entry in their order.
const COLUMNS: &[NamedColumn<AuditEntry>] = &[
    ("id", |entry| Cell::Plain(entry.id.to_string())),
    ("at", |entry| entry.at.into()),
    ("actor", |entry| entry.actor.as_deref().into()),
    ("by", |entry| entry.by.as_str().into()),
    ("token", |entry| entry.token.as_deref().into()),
    ("address", |entry| entry.address.as_deref().into()),
    ("operation", |entry| entry.operation.as_str().into()),
    ("summary", |entry| entry.summary.as_str().into()),
    ("node", |entry| entry.node.as_deref().into()),
    ("vmid", |entry| entry.vmid.into()),
    ("name", |entry| entry.name.as_deref().into()),
    ("task", |entry| match entry.task {
        Some(task) => Cell::Plain(task.to_string()),
        None => Cell::Empty,
    }),
    ("outcome", |entry| entry.outcome.as_str().into()),
    ("detail", |entry| entry.detail.as_deref().into()),
    ("request_id", |entry| entry.request_id.as_str().into()),
];

/// Read the audit log
///
/// Every requested change and every sign-in, with its outcome; newest first. Entries are kept for
/// the number of days in the server's `DASHBOARD_AUDIT_DAYS`.
///
/// With `Accept: text/csv` the log is a table (RFC 4180): a header line, then a line for each entry
/// with its fields in their order; all matching entries, or at most `limit`. A text that a
/// spreadsheet would take for a formula is prefixed with `'`.
#[utoipa::path(
    get,
    path = "/audit",
    operation_id = "listAudit",
    tag = "Access",
    extensions(("x-permission" = json!(Permission::Audit))),
    params(
        ("actor" = Option<String>, Query, description = "Only these users, separated by commas.", example = "alice,bob"),
        ("node" = Option<String>, Query, description = "Only these hosts, separated by commas.", example = "hoge,fuga"),
        ("vmid" = Option<u32>, Query, description = "Only the VM with this ID.", maximum = 4_294_967_295_u32, example = 14),
        ("operation" = Option<String>, Query, description = "Only these operations of this document, separated by commas.", example = "setPower,createVm"),
        ("outcome" = Option<String>, Query, description = "Only these outcomes, separated by commas: `pending`, `succeeded`, `failed`, `refused`.", example = "failed,refused"),
        ("since" = Option<String>, Query, description = "Not before this time.", format = DateTime, example = "2026-11-22T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this time.", format = DateTime, example = "2026-11-23T00:00:00Z"),
        ("limit" = Option<u32>, Query, description = "The most entries on one page; 100 by default.", minimum = 1, maximum = 1000, example = 100),
        ("page_token" = Option<String>, Query, description = "`next_page` of the previous page; the other parameters must be the same.", format = Uuid, example = "019aad5e-7a00-7000-8000-000000000001"),
    ),
    responses(
        (
            status = 200,
            description = "The entries.",
            content(
                (AuditPage = "application/json"),
                (String = "text/csv", example = "id,at,actor,by\r\n019aad5e-7a00-7000-8000-000000000001,2026-11-22T20:00:00Z,alice,password\r\n")
            )
        ),
        responses::BadParameters,
        responses::NotAcceptable,
        responses::StoreAway,
    )
)]
pub(crate) async fn list_audit(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let format = Format::accepted(&headers).ok_or(http::Error::NotAcceptable)?;
    let (query, limit) = parse(query.as_deref())?;
    let mut response = match format {
        Format::Json => page(&state, query, limit.unwrap_or(USUAL)).await?,
        Format::Csv => table(&state, query, limit).await?,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// What the parameters ask for, and at most how many entries of it.
fn parse(query: Option<&str>) -> Result<(AuditQuery, Option<usize>), http::Error> {
    let mut parameters = Parameters::new(query);
    let actors = parameters.take_list("actor");
    let nodes = parameters.take_list::<NodeName>("node");
    let vmid = parameters.take("vmid", |text| {
        whole_number(text)
            .map(Vmid)
            .ok_or_else(|| "must be the id of a VM, a whole number".to_owned())
    });
    let operations = parameters.take_list("operation");
    let outcomes = parameters.take_words("outcome", &OUTCOMES);
    let since = parameters.take_time("since");
    let until = parameters.take_time("until");
    let limit = parameters.take_limit(LIMIT);
    let before = parameters.take("page_token", |text| {
        text.parse::<Uuid>()
            .map_err(|_| "must be the next_page of an earlier answer".to_owned())
    });
    parameters
        .finish("actor, node, vmid, operation, outcome, since, until, limit and page_token")
        .map_err(http::Error::BadParameters)?;

    let query = AuditQuery {
        actors: actors.unwrap_or_default(),
        nodes: nodes.unwrap_or_default(),
        vmid,
        operations: operations.unwrap_or_default(),
        outcomes,
        since,
        until,
        before,
        limit: 0,
    };
    Ok((query, limit))
}

async fn page(
    state: &AppState,
    query: AuditQuery,
    limit: usize,
) -> Result<Response, ErrorResponse> {
    // One more shows whether there is another page.
    let query = AuditQuery {
        limit: limit + 1,
        ..query
    };
    let entries = state.store.audit(&query).await;
    let mut entries = entries.map_err(|error| StoreUnavailable::at_request(&error))?;
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
    Ok(Json(page).into_response())
}

/// The log as a table, read from the store while it is sent.
async fn table(
    state: &AppState,
    mut query: AuditQuery,
    limit: Option<usize>,
) -> Result<Response, ErrorResponse> {
    let left = limit.unwrap_or(usize::MAX);
    query.limit = LIMIT.min(left);
    // Before the answer begins, so that a failure of the store still gets its status.
    let first = state.store.audit(&query).await;
    let first = first.map_err(|error| StoreUnavailable::at_request(&error))?;
    let reading = Reading {
        store: Arc::clone(&state.store),
        query,
        left,
        next: Some(first),
        is_first: true,
    };
    let parts = stream::try_unfold(reading, |mut reading| async move {
        let part = reading.part().await?;
        Ok::<_, io::Error>(part.map(|part| (part, reading)))
    });
    let name = csv::attachment("audit", (state.authenticator.clock)());
    let headers = [
        (CONTENT_TYPE, TEXT_CSV.to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// A table that is being read from the store.
struct Reading {
    store: Arc<dyn Store>,
    query: AuditQuery,
    /// The most entries that are still to be sent.
    left: usize,
    /// Entries that have been read and not been sent.
    next: Option<Vec<ecoman_model::AuditEntry>>,
    is_first: bool,
}

impl Reading {
    /// The next part of the table; `None` at its end.
    async fn part(&mut self) -> io::Result<Option<Bytes>> {
        let entries = match self.next.take() {
            Some(entries) => entries,
            None if self.left == 0 => return Ok(None),
            None => {
                let entries = self.store.audit(&self.query).await;
                // Aborts the answer, so that the client sees that the table is incomplete.
                entries.map_err(io::Error::other)?
            }
        };
        if entries.is_empty() && !self.is_first {
            return Ok(None);
        }
        self.left = match entries.last() {
            Some(last) if entries.len() == self.query.limit => {
                self.query.before = Some(last.id);
                self.left.saturating_sub(entries.len())
            }
            _ => 0,
        };
        self.query.limit = LIMIT.min(self.left);
        let entries: Vec<_> = entries.into_iter().map(view).collect();
        let is_first = std::mem::replace(&mut self.is_first, false);
        csv::part(COLUMNS, is_first, &entries).map(Some)
    }
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
