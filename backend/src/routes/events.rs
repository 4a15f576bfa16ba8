//! `/events`: what changes, as it changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use ecoman_api::{Ping, Reset};
use ecoman_model::{Grant, Permission};
use futures::StreamExt as _;
use futures::stream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{parameters, responses};
use crate::access::{Authenticator, Caller, Credentials, Identity, SignIn};
use crate::http;
use crate::http::problem::ErrorResponse;
use crate::http::query::{Parameters, whole_number};
use crate::inventory::published::{Inventory, Missed, SentEvent};
use crate::routes::state::AppState;

/// Stream events
///
/// Server-sent events. `event` is `vm`, `vm_removed`, `node`, `node_removed`, `task`, `config`,
/// `reset` or `ping`; `data` is JSON: the whole VM, node or task, or what the schemas `VmRemoved`,
/// `NodeRemoved`, `ConfigChanged`, `Reset` and `Ping` say; `id` is the revision that the event leads
/// to, and every event but `ping` has its own. A
/// node's event follows those of its VMs; its `observed_at` is also that of its VMs that are not
/// stale. A task that changes quickly is published some five times a second, and its end always.
///
/// A client that reconnects with `Last-Event-ID` gets the events that it missed. After `reset` it
/// must load the lists again: too many events, or the server was restarted. A client that has just
/// loaded a list can continue from it with `since`.
///
/// A `ping` follows after 15 seconds without other events. A client that gets nothing for 30
/// seconds has lost the server, even if the connection is open, and should reconnect.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "streamEvents",
    tag = "Events",
    extensions(("x-permission" = json!(Permission::Read))),
    params(
        (
            "since" = Option<u64>,
            Query,
            description = "Start after this revision, that of a list; `Last-Event-ID` overrides \
                           it.",
            minimum = 0,
            maximum = 9_223_372_036_854_775_807_u64,
            example = 1_795_372_800_000_017_u64
        ),
        parameters::LastEventId,
    ),
    responses(
        (
            status = 200,
            description = "The stream. It ends when the server stops.",
            body = ecoman_api::Event,
            content_type = "text/event-stream",
            example = "event: vm_removed\nid: 1795372800000018\ndata: {\"node\":\"hoge\",\"vmid\":14}\n\n"
        ),
        responses::BadParameters,
    )
)]
pub(crate) async fn stream_events(
    State(state): State<AppState>,
    caller: Caller,
    Extension(credentials): Extension<Credentials>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let mut parameters = Parameters::new(query.as_deref());
    let since = parameters.take("since", |text| {
        whole_number::<u64>(text)
            .filter(|revision| *revision <= LATEST)
            .ok_or_else(|| "must be the revision of an earlier answer".to_owned())
    });
    parameters
        .finish("since")
        .map_err(http::Error::BadParameters)?;
    let last_event_id = headers.get("last-event-id").map(|id| {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        // A revision that this server never had is one that it does not remember.
        id.unwrap_or(0)
    });

    let reader = Reader::new(
        &state.inventory,
        last_event_id.or(since),
        caller.grant.clone(),
    );
    let hello = Event::default().retry(RETRY).id(reader.seen.to_string());
    let events = stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        let event = Event::default()
            .event(event.name)
            .id(event.revision.to_string())
            .data(&event.data);
        Some((event, reader))
    });
    let open = state.metrics.stream();
    let stream = stream::iter([hello])
        .chain(events)
        .map(move |event| {
            // Counted as long as somebody could ask for the next.
            let _ = &open;
            Ok::<_, Infallible>(event)
        })
        .take_until(state.shutdown.cancelled_owned())
        .take_until(lapse(state.authenticator, credentials, caller));
    let ping = SentEvent::new(0, &ecoman_api::Event::Ping(Ping {}));
    let ping = Event::default().event(ping.name).data(&ping.data);
    let ping = KeepAlive::new().interval(PING).event(ping);
    // A proxy that collects the stream would deliver it at its end.
    let headers = [("x-accel-buffering", "no")];
    Ok((headers, Sse::new(stream).keep_alive(ping)).into_response())
}

/// Waits until somebody is no longer who they were: signed out, expired, with other rights. They
/// have to show again who they are.
async fn lapse(authenticator: Authenticator, credentials: Credentials, caller: Caller) {
    const EVERY: Duration = Duration::from_secs(5);
    if authenticator.sign_in == SignIn::None {
        return std::future::pending().await;
    }
    loop {
        sleep(EVERY).await;
        match authenticator.identify(&credentials).await {
            Ok(Identity::Known(now)) if now.grant == caller.grant => {}
            // Users and tokens cannot be read at the moment: that changes nothing.
            Err(_) => {}
            Ok(_) => return,
        }
    }
}

/// No revision is later: they are microseconds since 1970, and clients count them in 64 bits with a
/// sign.
const LATEST: u64 = i64::MAX.unsigned_abs();

/// The longest silence: proxies, browsers and the page see by it that the stream is alive. As an event,
/// since browsers hide comments from the page.
const PING: Duration = Duration::from_secs(15);

/// How soon a browser comes back when the stream has ended.
const RETRY: Duration = Duration::from_secs(2);

/// Where one client stands. It has no queue that grows while it is slow: what it has missed is
/// looked up, and if that is no longer remembered it is asked to load again.
struct Reader {
    inventory: Arc<Inventory>,
    updates: watch::Receiver<u64>,
    /// The revision that the client has.
    seen: u64,
    /// What it may see.
    grant: Grant,
    next: VecDeque<SentEvent>,
}

/// Events that are looked up at once.
const BATCH: usize = 64;

impl Reader {
    fn new(inventory: &Arc<Inventory>, seen: Option<u64>, grant: Grant) -> Self {
        let updates = inventory.subscribe();
        let current = *updates.borrow();
        Self {
            inventory: Arc::clone(inventory),
            updates,
            seen: seen.unwrap_or(current),
            grant,
            next: VecDeque::new(),
        }
    }

    /// Waits for the next event; `None`: there will be no more.
    async fn next(&mut self) -> Option<SentEvent> {
        loop {
            if let Some(event) = self.next.pop_front() {
                self.seen = event.revision;
                let node = event.node.as_deref();
                if node.is_none_or(|node| self.grant.reaches(node)) {
                    return Some(event);
                }
                continue;
            }
            // Marked as seen before the log is read: a change in between wakes us up again.
            self.updates.mark_unchanged();
            let loaded = self.inventory.snapshot().loaded;
            match self.inventory.since(self.seen, BATCH) {
                Missed::Events(events) if !events.is_empty() => self.next = events.into(),
                Missed::TooMuch(revision) if loaded => {
                    let reset = ecoman_api::Event::Reset(Reset { revision });
                    self.next.push_back(SentEvent::new(revision, &reset));
                }
                _ => self.updates.changed().await.ok()?,
            }
        }
    }
}
