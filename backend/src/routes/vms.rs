//! `/vms`: the list, and one VM.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use ecoman_api::{Vm, VmPage};
use ecoman_model::Vmid;
use futures::stream;

use super::{REVALIDATE, etag, json_at, loaded, matches_etag, not_modified};
use crate::access::Caller;
use crate::body::{Content, Encoding};
use crate::error::Error;
use crate::listing::VmQuery;
use crate::openapi::{failures, parameters};
use crate::parameters::Parameters;
use crate::state::AppState;

/// List VMs
///
/// All VMs of all nodes, or those that match; in the default order by node and id. Conditions in
/// several parameters all have to hold.
#[utoipa::path(
    get,
    path = "/vms",
    operation_id = "listVms",
    tag = "Virtual machines",
    params(
        (
            "q" = Option<String>,
            Query,
            description = "Filter, in the language of the page's filter box: words that are all part \
                of the name, comment, IP address, host name, guest OS or node; \"phrases\"; \
                `field:value` with `name`, `node`, `vmid`, `ip` (also a network), `hostname`, \
                `comment`, `guest`, `power`, `tools`, `datastore`, `uuid`, `large`, `stale`, a comma \
                for any of several values; comparisons as `cpus:>4`, `memory:>=8GB`, \
                `storage:<50GB`, `uptime:>7d` (units B KB MB GB TB by 1024, s m h d w); `!term` for \
                the opposite. What is unknown matches no comparison.",
            example = "web power:on memory:>=8GB"
        ),
        (
            "node" = Option<String>,
            Query,
            description = "Names of nodes, with commas between them.",
            example = "hoge,fuga"
        ),
        (
            "power" = Option<String>,
            Query,
            description = "Power states, with commas between them: `on`, `off`, `suspended`, \
                `unknown`.",
            example = "on"
        ),
        (
            "large" = Option<String>,
            Query,
            description = "Whether the VM is large (`true`, `false`), or by which resource (`cpu`, \
                `memory`, `storage`); several with commas between them.",
            example = "true"
        ),
        (
            "sort" = Option<String>,
            Query,
            description = "Keys with commas between them, `-` before a key for the reverse: `node`, \
                `vmid`, `name`, `power`, `ip`, `uptime`, `cpus`, `memory`, `storage`, `comment`, \
                `guest_os`, `observed_at`, `large`. VMs that are equal by all keys come by node and \
                id; unknown values come last in both directions.",
            example = "-memory,name"
        ),
        (
            "limit" = Option<u32>,
            Query,
            description = "The most VMs on one page; 10000 where nothing is said.",
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
            example = "eyJsaXN0Ijoi4oCmIiwiYWZ0ZXIiOiJ7fSJ9"
        ),
        parameters::IfNoneMatch,
    ),
    responses(
        (
            status = 200,
            description = "The VMs.",
            body = VmPage,
            headers(("ETag" = String, description = "For `If-None-Match`."))
        ),
        (status = 304, description = "Nothing has changed since the answer with that `ETag`."),
        failures::BadParameters,
        failures::NothingToShow,
    )
)]
pub(crate) async fn list_vms(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let query = VmQuery::parse(query.as_deref()).map_err(Error::Parameters)?;
    let snapshot = loaded(&state.live, &caller)?;
    let etag = etag(&snapshot);
    if matches_etag(&headers, &etag) {
        return Ok(not_modified(etag));
    }
    let cached = state
        .bodies
        .body(snapshot.revision, query.canonical(&snapshot.scope));
    let content = cached
        .get(Encoding::accepted(&headers), move || {
            query.answer(&snapshot)
        })
        .await
        .map_err(|error| Error::internal(&error))?;

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
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    headers.insert(VARY, ACCEPT_ENCODING.into());
    headers.insert(
        ETAG,
        HeaderValue::try_from(etag).map_err(|error| Error::internal(&error))?,
    );
    if let Some(name) = encoding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Ok(response)
}

/// Get a VM
///
/// As the crawler last saw it; `stale` tells whether that is long ago.
#[utoipa::path(
    get,
    path = "/vms/{node}/{vmid}",
    operation_id = "getVm",
    tag = "Virtual machines",
    params(
        parameters::VmPath,
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
        failures::NoParameters,
        failures::NoSuchVm,
        failures::NothingToShow,
    )
)]
pub(crate) async fn get_vm(
    State(state): State<AppState>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path((node, vmid)) = path.map_err(|_| Error::NoSuchPath)?;
    let no_parameters = Parameters::new(query.as_deref()).finish("");
    no_parameters.map_err(Error::Parameters)?;
    let snapshot = loaded(&state.live, &caller)?;
    if snapshot.node(&node).is_none() {
        return Err(Error::NoSuchNode(node));
    }
    let vm = match vmid.parse::<Vmid>() {
        Ok(vmid) => snapshot.vm(&node, vmid.0),
        // What is no id is the id of no VM.
        Err(_) => None,
    };
    let vm = vm.ok_or(Error::NoSuchVm { node, vmid })?;
    Ok(json_at(&snapshot, &headers, || vm.json.to_string()))
}
