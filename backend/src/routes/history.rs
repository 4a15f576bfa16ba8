//! `/history`: what happened, events and ended tasks alike.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::SecondsFormat;
use ecoman_api::text::Language;
use ecoman_api::{HistoryItem, HistoryPage, HistoryTask, TaskVm};
use ecoman_model::{Event, EventKind, NodeName, Permission, VmKey, Vmid};
use ecoman_store::{HistoryQuery, Store};
use futures::stream;
use uuid::Uuid;

use super::responses;
use crate::access::Caller;
use crate::http;
use crate::http::accept::Format;
use crate::http::csv::{self, Cell, NamedColumn, TEXT_CSV};
use crate::http::etag::NO_STORE;
use crate::http::language::{DEPENDS_ON, ReaderLanguage};
use crate::http::page_token::List;
use crate::http::problem::ErrorResponse;
use crate::http::query::{Parameters, whole_number};
use crate::inventory::error::StoreUnavailable;
use crate::routes::state::AppState;

/// The most lines on one page, and the default.
const LIMIT: usize = 1000;
const USUAL: usize = 100;

/// The most characters of a text that is searched for.
const TEXT_CHARACTERS: usize = 200;

/// The table of the history: the fields of a line, those of its VM and its task beside them.
const COLUMNS: &[NamedColumn<HistoryItem>] = &[
    ("id", |item| Cell::Plain(item.id.to_string())),
    // Spreadsheets read no fractions of a second together with a zone.
    ("at", |item| {
        Cell::Plain(item.at.to_rfc3339_opts(SecondsFormat::Secs, true))
    }),
    ("kind", |item| item.kind.as_str().into()),
    ("text", |item| item.text.as_str().into()),
    ("node", |item| item.node.as_str().into()),
    ("vmid", |item| item.vm.as_ref().map(|vm| vm.vmid).into()),
    ("name", |item| {
        item.vm.as_ref().and_then(|vm| vm.name.as_deref()).into()
    }),
    ("before", |item| item.before.as_deref().into()),
    ("after", |item| item.after.as_deref().into()),
    ("times", |item| item.times.into()),
    ("initiator", |item| item.initiator.as_str().into()),
    ("user", |item| item.user.as_deref().into()),
    ("task", |item| match &item.task {
        Some(task) => Cell::Plain(task.id.to_string()),
        None => Cell::Empty,
    }),
    ("act", |item| of_task(item, |task| Some(task.act.as_str()))),
    ("action", |item| {
        of_task(item, |task| task.action.map(|action| action.word()))
    }),
    ("state", |item| {
        of_task(item, |task| Some(task.state.word()))
    }),
    ("millis", |item| {
        item.task.as_ref().and_then(|task| task.millis).into()
    }),
    ("error", |item| of_task(item, |task| task.error.as_deref())),
];

fn of_task(item: &HistoryItem, field: fn(&HistoryTask) -> Option<&str>) -> Cell<'_> {
    item.task.as_ref().and_then(field).into()
}

/// Read the history
///
/// What happened to nodes and VMs outside ECoMan, as the crawler saw it, and the tasks that have ended;
/// newest first. A change by a task is one line, that of the task. It is kept for the number of days in
/// the server's `DASHBOARD_EVENT_DAYS`.
///
/// With `Accept: text/csv` it is a table (RFC 4180): a header line, then a line for each item with its
/// fields, those of `vm` and `task` beside them; all matching ones, or at most `limit`. Times are UTC. A
/// text that a spreadsheet would take for a formula is prefixed with `'`.
#[utoipa::path(
    get,
    path = "/history",
    operation_id = "listHistory",
    tag = "Tasks",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        ("since" = Option<String>, Query, description = "Not before this time.", format = DateTime, example = "2026-11-22T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this time.", format = DateTime, example = "2026-11-23T00:00:00Z"),
        ("vm" = Option<String>, Query, description = "Only this VM: `node/id`.", example = "hoge/14"),
        ("node" = Option<String>, Query, description = "Only these hosts and their VMs, separated by commas.", example = "hoge,fuga"),
        ("user" = Option<String>, Query, description = "Only tasks of these users, separated by commas.", example = "alice,bob"),
        (
            "kind" = Option<String>,
            Query,
            description = "Only these kinds, separated by commas: `vm_appeared`, `vm_gone`, \
                           `power`, `cpus`, `memory`, `address`, `notes`, `name`, `node_away`, \
                           `node_back`, `task`.",
            example = "power,task"
        ),
        (
            "q" = Option<String>,
            Query,
            description = "Words that must all be in the line: in its text, a name, a value, a \
                           user or a reason. Not case-sensitive.",
            max_length = 200,
            example = "powered web"
        ),
        ("limit" = Option<u32>, Query, description = "The most lines on one page; 100 by default.", minimum = 1, maximum = 1000, example = 100),
        (
            "page_token" = Option<String>,
            Query,
            description = "`next_page` of the previous page; the other parameters but `limit` must be \
                the same. No line comes twice; new ones come before the first page. Tokens do not expire.",
            example = "AZqtXnoAcACAAAAAAAAAAQ"
        ),
    ),
    responses(
        (
            status = 200,
            description = "The lines.",
            content(
                (HistoryPage = "application/json"),
                (String = "text/csv", example = "id,at,kind,text,node\r\n019aad5e-7a00-7000-8000-000000000001,2026-11-22T20:00:00Z,power,Powered on,hoge\r\n")
            )
        ),
        responses::BadParameters,
        responses::NotAcceptable,
        responses::StoreAway,
    )
)]
pub(crate) async fn list_history(
    State(state): State<AppState>,
    caller: Caller,
    ReaderLanguage(language): ReaderLanguage,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let format = Format::accepted(&headers).ok_or(http::Error::NotAcceptable)?;
    let asked = HistoryParameters::read(query.as_deref())?;
    let nodes = caller.nodes_in_reach(asked.nodes.clone());
    let mut response = match format {
        Format::Json => asked.page(&state, nodes, language).await?,
        Format::Csv => asked.table(&state, nodes, language).await?,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.append(VARY, HeaderValue::from_static(DEPENDS_ON));
    Ok(response)
}

/// The parameters of the history.
struct HistoryParameters {
    query: HistoryQuery,
    nodes: Option<Vec<NodeName>>,
    limit: Option<usize>,
    list: List,
}

impl HistoryParameters {
    fn read(query: Option<&str>) -> Result<Self, http::Error> {
        let mut parameters = Parameters::new(query);
        let since = parameters.take_time("since");
        let until = parameters.take_time("until");
        let vm = parameters.take("vm", vm_key);
        let mut nodes = parameters.take_list::<NodeName>("node");
        let users = parameters.take_list::<String>("user");
        let words = EventKind::ALL.map(|kind| (kind.as_str(), kind));
        let mut kinds = parameters.take_words("kind", &words);
        let text = parameters.take("q", |text| match text.chars().count() {
            0..=TEXT_CHARACTERS => Ok(text.to_owned()),
            _ => Err(format!("must have at most {TEXT_CHARACTERS} characters")),
        });
        let limit = parameters.take_limit(LIMIT);
        // Their order does not make it another list.
        kinds.sort_unstable();
        if let Some(nodes) = &mut nodes {
            nodes.sort_unstable();
        }
        let mut users = users.unwrap_or_default();
        users.sort_unstable();
        let text = text.unwrap_or_default();
        let list = List::new(
            &format!(
                "history\n{since:?}\n{until:?}\n{vm:?}\n{nodes:?}\n{users:?}\n{kinds:?}\n{text}"
            ),
            "parameters",
        );
        let before = parameters.take("page_token", |text| list.after::<Uuid>(text));
        parameters
            .finish("since, until, vm, node, user, kind, q, limit and page_token")
            .map_err(http::Error::BadParameters)?;
        let query = HistoryQuery {
            vm,
            nodes: Vec::new(),
            users,
            kinds,
            since,
            until,
            text,
            words: Some(words_of),
            before,
            ..HistoryQuery::default()
        };
        Ok(Self {
            query,
            nodes,
            limit,
            list,
        })
    }

    /// A page; `nodes`: those that the caller may see, `None`: none of them.
    async fn page(
        self,
        state: &AppState,
        nodes: Option<Vec<NodeName>>,
        language: Language,
    ) -> Result<Response, ErrorResponse> {
        let limit = self.limit.unwrap_or(USUAL);
        let mut page = ecoman_store::HistoryPage::default();
        if let Some(nodes) = nodes {
            // One more shows whether there is another page.
            let query = HistoryQuery {
                nodes,
                limit: limit + 1,
                ..self.query
            };
            page = read(&*state.store, &query).await?;
        }
        if page.events.len() > limit {
            page.events.truncate(limit);
            page.next = page.events.last().map(|event| event.id);
        }
        let page = HistoryPage {
            next_page: page.next.map(|id| self.list.token(&id)),
            items: views(page.events, language),
        };
        Ok(Json(page).into_response())
    }

    /// The whole history as a table, read from the store while it is sent.
    async fn table(
        self,
        state: &AppState,
        nodes: Option<Vec<NodeName>>,
        language: Language,
    ) -> Result<Response, ErrorResponse> {
        let left = self.limit.unwrap_or(usize::MAX);
        let query = HistoryQuery {
            limit: LIMIT.min(left),
            nodes: nodes.clone().unwrap_or_default(),
            ..self.query
        };
        // Before the answer begins, so that a failure of the store still gets its status.
        let first = match nodes {
            Some(_) => read(&*state.store, &query).await?,
            None => ecoman_store::HistoryPage::default(),
        };
        let reading = Reading {
            store: Arc::clone(&state.store),
            query,
            left,
            language,
            next: Some(first),
            is_first: true,
        };
        let parts = stream::try_unfold(reading, |mut reading| async move {
            let part = reading.part().await?;
            Ok::<_, io::Error>(part.map(|part| (part, reading)))
        });
        let name = csv::attachment("history", (state.authenticator.clock)());
        let headers = [
            (CONTENT_TYPE, TEXT_CSV.to_owned()),
            (CONTENT_DISPOSITION, name),
        ];
        Ok((headers, Body::from_stream(parts)).into_response())
    }
}

async fn read(
    store: &dyn Store,
    query: &HistoryQuery,
) -> Result<ecoman_store::HistoryPage, ErrorResponse> {
    let page = store.history(query).await;
    Ok(page.map_err(|error| StoreUnavailable::at_request(&error))?)
}

/// A table that is being read from the store.
struct Reading {
    store: Arc<dyn Store>,
    query: HistoryQuery,
    /// The most lines that are still to be sent.
    left: usize,
    language: Language,
    /// A page that has been read and not been sent; `None` behind the last one.
    next: Option<ecoman_store::HistoryPage>,
    is_first: bool,
}

impl Reading {
    /// The next part of the table; `None` at its end.
    async fn part(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(page) = self.next.take() else {
                return Ok(None);
            };
            self.left = self.left.saturating_sub(page.events.len());
            let items = views(page.events, self.language);
            let is_first = std::mem::replace(&mut self.is_first, false);
            if page.next.is_some() && self.left > 0 {
                self.query.before = page.next;
                self.query.limit = LIMIT.min(self.left);
                let next = self.store.history(&self.query).await;
                // Aborts the answer, so that the client sees that the table is incomplete.
                self.next = Some(next.map_err(io::Error::other)?);
            }
            if is_first || !items.is_empty() {
                return csv::part(COLUMNS, is_first, &items).map(Some);
            }
        }
    }
}

/// A VM as the address of its page names it.
fn vm_key(text: &str) -> Result<VmKey, String> {
    let parts = text.rsplit_once('/').and_then(|(node, vmid)| {
        let node = node.parse::<NodeName>().ok()?;
        Some((node, whole_number(vmid)?))
    });
    let (node, vmid) =
        parts.ok_or_else(|| "must be a node and the id of a VM, such as hoge/14".to_owned())?;
    Ok(VmKey {
        node,
        vmid: Vmid(vmid),
    })
}

/// What people read of an event, in every language: who searches may have it from somebody else.
fn words_of(event: &Event) -> String {
    let words = Language::ALL.map(|language| {
        let texts = language.texts().history;
        let initiator = (texts.initiator)(event.initiator());
        (texts.sentence)(event) + " " + initiator.unwrap_or_default()
    });
    words.join(" ")
}

fn views(events: Vec<Event>, language: Language) -> Vec<HistoryItem> {
    let views = events.into_iter().map(|event| view(event, language));
    views.collect()
}

fn view(event: Event, language: Language) -> HistoryItem {
    let text = (language.texts().history.sentence)(&event);
    let initiator = event.initiator();
    HistoryItem {
        id: event.id,
        at: event.at,
        kind: event.kind,
        text,
        node: event.node.into(),
        vm: event.vmid.map(|vmid| TaskVm {
            vmid: vmid.0,
            name: event.vm_name,
        }),
        before: event.before,
        after: event.after,
        times: event.times,
        initiator,
        user: event.task.as_ref().and_then(|task| task.actor.clone()),
        task: event.task.map(|task| HistoryTask {
            id: task.id,
            act: task.kind,
            action: task.action,
            state: task.state,
            millis: task.millis,
            error: task.error,
        }),
    }
}
