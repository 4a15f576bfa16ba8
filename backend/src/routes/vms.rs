//! `/vms`: the list, and one VM.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LINK,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use chrono::Utc;
use ecoman_api::{VM_FIELDS, Vm, VmPage};
use ecoman_model::Permission;
use futures::stream;

use super::paths::VmPath;
use super::visible::{etag, json_at, loaded};
use super::{parameters, responses};
use crate::access::Caller;
use crate::http;
use crate::http::accept::Format;
use crate::http::body_cache::{Content, Encoding, ListBody as _};
use crate::http::csv::{self, TEXT_CSV};
use crate::http::etag::{NO_STORE, REVALIDATE, matches_etag, not_modified};
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;
use crate::inventory::list::{LIMIT, ListPage, NO_LIMIT, VmQuery};
use crate::inventory::published::Snapshot;
use crate::routes::state::AppState;

/// List VMs
///
/// All VMs of all nodes, or those that match; in the default order by node and id. Conditions in
/// several parameters must all hold.
///
/// With `Accept: text/csv` the list is a table (RFC 4180): a header line, then a line for each VM,
/// with the fields of a VM as columns, in their order. An unknown value is an empty cell; the
/// words of `large` have blanks between them. A text that begins with `=`, `+`, `-`, `@`, a tab or
/// a line break gets a `'` in front, as spreadsheets would take it for a formula. Without `limit`
/// it is the whole list; else `Link` leads to the next page.
#[utoipa::path(
    get,
    path = "/vms",
    operation_id = "listVms",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        (
            "q" = Option<String>,
            Query,
            description = "Filter, in the language of the page's filter box: words that are all part \
                of the name, comment, IP address, host name, guest OS or node; \"phrases\"; `*` for \
                anything; `field:value` with `name`, `node`, `vmid`, `ip` (also a network), `hostname`, \
                `comment`, `guest`, `power`, `tools`, `datastore`, `uuid`, `large`, `stale`, \
                `question`, or what they are called elsewhere (`host`, `id`, `os`, `notes`), a comma \
                for any of several values, `field:=value` for the whole text; comparisons as `cpus:>4`, \
                `memory>=8GB`, `storage:<50GB`, `uptime:>7d`, `seen:>1h` (units B KB MB GB TB by 1024, s m h d \
                w); `-term` or `NOT term` for the opposite; `OR`, `AND` and brackets. What is unknown \
                matches no comparison. Upper and lower case are the same. The reference is \
                `docs/filter.md` in the sources.",
            example = "web power:on memory:>=8GB"
        ),
        (
            "node" = Option<String>,
            Query,
            description = "Names of hosts, separated by commas.",
            example = "hoge,fuga"
        ),
        (
            "power" = Option<String>,
            Query,
            description = "Power states, separated by commas: `on`, `off`, `suspended`, \
                           `unknown`.",
            example = "on"
        ),
        (
            "large" = Option<String>,
            Query,
            description = "Whether the VM is large (`true`, `false`), or by which resource \
                           (`cpu`, `memory`, `storage`); several separated by commas.",
            example = "true"
        ),
        (
            "sort" = Option<String>,
            Query,
            description = "Keys, separated by commas, `-` before a key for descending order: \
                           `node`, `vmid`, `name`, `power`, `ip`, `uptime`, `cpus`, `memory`, \
                           `storage`, `comment`, `guest_os`, `observed_at`, `large`. VMs that are \
                           equal by all keys are sorted by node and id; unknown values come last \
                           in both directions.",
            example = "-memory,name"
        ),
        (
            "limit" = Option<u32>,
            Query,
            description = "The most VMs on one page; by default 10000 in JSON, all in CSV.",
            minimum = 1,
            maximum = 10_000,
            example = 10_000
        ),
        (
            "page_token" = Option<String>,
            Query,
            description = "`next_page` of the answer before, for the page behind it; the other \
                parameters but `limit` have to be the same. No VM comes twice and none is left out \
                but those that change their place in the order meanwhile. Tokens do not expire.",
            min_length = 1,
            pattern = "^[A-Za-z0-9_-]+$",
            example = "eyJsaXN0Ijoi4oCmIiwiYWZ0ZXIiOiJ7fSJ9"
        ),
        parameters::IfNoneMatch,
    ),
    responses(
        (
            status = 200,
            description = "The VMs.",
            content(
                (VmPage = "application/json"),
                (String = "text/csv", example = "node,vmid,uuid,name,power\r\nhoge,14,,metrics-b,on\r\n")
            ),
            headers(
                (
                    "ETag" = String,
                    description = "For `If-None-Match`; another one for each form. Absent where `q` \
                        compares with the time of the request (`seen`, `expires:<30d`)."
                ),
                (
                    "Link" = String,
                    description = "With CSV: `<ADDRESS>; rel=\"next\"` where there is a next page."
                ),
                (
                    "X-Total-Count" = u64,
                    description = "With CSV: how many VMs there are on all pages together."
                )
            )
        ),
        (status = 304, description = "Nothing has changed since the answer with that `ETag`."),
        responses::BadParameters,
        responses::NotAcceptable,
        responses::NothingToShow,
    )
)]
pub(crate) async fn list_vms(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    match Format::accepted(&headers).ok_or(http::Error::NotAcceptable)? {
        Format::Json => list_json(&state, &caller, query.as_deref(), &headers).await,
        Format::Csv => list_csv(&state, &caller, query.as_deref(), &headers).await,
    }
}

async fn list_json(
    state: &AppState,
    caller: &Caller,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, ErrorResponse> {
    let query = VmQuery::parse(query, LIMIT).map_err(http::Error::BadParameters)?;
    let snapshot = loaded(&state.inventory, caller)?;
    let etag = (!query.depends_on_time()).then(|| etag(&snapshot));
    if let Some(etag) = etag.as_ref().filter(|etag| matches_etag(headers, etag)) {
        return Ok(with_vary(not_modified(etag.clone())));
    }
    let content = content(state, query, snapshot, Encoding::accepted(headers)).await?;

    let (encoding, len, body) = match content {
        Content::Identity(page) => {
            let len = page.len();
            let chunks = stream::iter(page.chunks().map(Ok::<_, Infallible>));
            (Encoding::Identity, len, Body::from_stream(chunks))
        }
        Content::Compressed(encoding, bytes) => (encoding, bytes.len(), bytes.into()),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, len.into());
    set_validity(headers, etag)?;
    if let Some(name) = encoding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Ok(with_vary(response))
}

/// The list that is asked for: that of the revision is made once, one that depends on the time for
/// each request.
async fn content(
    state: &AppState,
    query: VmQuery,
    snapshot: Arc<Snapshot>,
    encoding: Encoding,
) -> Result<Content<ListPage>, http::Error> {
    let body = match query.depends_on_time() {
        true => state.bodies.of_one_request(),
        false => {
            let question = query.canonical(&snapshot.scope);
            state.bodies.body(snapshot.revision, question)
        }
    };
    let now = (state.authenticator.clock)();
    let answer = move || query.answer(&snapshot, now);
    let content = body.get(encoding, answer).await;
    content.map_err(|error| http::Error::internal(&error))
}

/// Says how long an answer holds: with its entity tag until the next revision, without one only at
/// this moment.
fn set_validity(headers: &mut HeaderMap, etag: Option<String>) -> Result<(), http::Error> {
    let control = if etag.is_some() { REVALIDATE } else { NO_STORE };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
    if let Some(etag) = etag {
        headers.insert(ETAG, header(etag)?);
    }
    Ok(())
}

/// The list as a table, which is written and compressed while it is sent, and not cached.
async fn list_csv(
    state: &AppState,
    caller: &Caller,
    parameters: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, ErrorResponse> {
    let query = VmQuery::parse(parameters, NO_LIMIT).map_err(http::Error::BadParameters)?;
    let snapshot = loaded(&state.inventory, caller)?;
    let etag = format!("W/\"{}{}-csv\"", snapshot.revision, snapshot.scope);
    let etag = Some(etag).filter(|_| !query.depends_on_time());
    if let Some(etag) = etag.as_ref().filter(|etag| matches_etag(headers, etag)) {
        return Ok(with_vary(not_modified(etag.clone())));
    }
    let content = content(state, query, snapshot, Encoding::Identity).await?;
    let Content::Identity(page) = content else {
        return Err(http::Error::Internal.into());
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT_CSV));
    set_validity(headers, etag)?;
    headers.insert(
        CONTENT_DISPOSITION,
        header(csv::attachment("vms", Utc::now()))?,
    );
    headers.insert("x-total-count", page.total().into());
    if let Some(token) = page.next_page() {
        let next = next_page(parameters, token);
        headers.insert(LINK, header(format!("</api/v1/vms?{next}>; rel=\"next\""))?);
    }
    *response.body_mut() = Body::from_stream(stream::iter(csv::chunks(VM_FIELDS, page.vms())));
    Ok(with_vary(response))
}

/// The parameters of the next page.
fn next_page(parameters: Option<&str>, token: &str) -> String {
    let parameters = form_urlencoded::parse(parameters.unwrap_or_default().as_bytes());
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters.filter(|(name, _)| name != "page_token"))
        .append_pair("page_token", token)
        .finish()
}

fn header(text: String) -> Result<HeaderValue, http::Error> {
    HeaderValue::try_from(text).map_err(|error| http::Error::internal(&error))
}

/// Adds the request headers that the answer depends on, for caches.
fn with_vary(mut response: Response) -> Response {
    let vary = HeaderValue::from_static("Accept, Accept-Encoding");
    response.headers_mut().insert(VARY, vary);
    response
}

/// Get a VM
///
/// As last seen by the crawler; `stale` marks outdated data.
#[utoipa::path(
    get,
    path = "/vms/{node}/{vmid}",
    operation_id = "getVm",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        VmPath,
        parameters::IfNoneMatch,
    ),
    responses(
        (
            status = 200,
            description = "The VM.",
            body = Vm,
            headers(("ETag" = String, description = "For `If-None-Match`."))
        ),
        (status = 304, description = "Nothing has changed since the answer with that `ETag`."),
        responses::NoParameters,
        responses::NoSuchVm,
        responses::NothingToShow,
    )
)]
pub(crate) async fn get_vm(
    State(state): State<AppState>,
    caller: Caller,
    path: VmPath,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let snapshot = loaded(&state.inventory, &caller)?;
    let (_, vm) = snapshot.find_vm(&path.node, &path.vmid)?;
    Ok(json_at(&snapshot, &headers, || vm.json.to_string()))
}
