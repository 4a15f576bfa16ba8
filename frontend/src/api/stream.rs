//! The stream of events, and the channel on which the tabs of a browser share it.

use ecoman_api::Event;
use leptos::prelude::document;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, EventSource, MessageEvent, VisibilityState};

use super::http::{ROOT, read_task};
use crate::state::error::Error;
use crate::state::leadership::{Message, RawEvent};
use crate::state::route::base;
use crate::state::wire;

/// The events that the server sends.
const KINDS: [&str; 8] = [
    "vm",
    "vm_removed",
    "node",
    "node_removed",
    "task",
    "config",
    "reset",
    PING,
];

/// The server's sign of life.
pub(crate) const PING: &str = "ping";

/// The tabs of a browser that speak this version of [`Message`], with the base path behind it: below
/// another one is another server.
const CHANNEL: &str = "ecoman-events-1";

/// The stream of events. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct EventStream {
    source: EventSource,
    _on_open: Closure<dyn Fn()>,
    _on_error: Closure<dyn Fn()>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl EventStream {
    /// Opens the stream behind the revision `since`. `on_error` is called once, when it is cut or could
    /// not be opened, with whether the server refused it.
    pub(crate) fn open(
        since: Option<u64>,
        on_open: impl Fn() + 'static,
        on_event: impl Fn(RawEvent) + 'static,
        on_error: impl Fn(bool) + 'static,
    ) -> Result<Self, Error> {
        let since = since.map(|since| format!("?since={since}"));
        let url = format!("{ROOT}/events{}", since.unwrap_or_default());
        let source = EventSource::new(&url).map_err(|_| Error::Unreachable)?;
        let on_open = Closure::<dyn Fn()>::new(on_open);
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn Fn()>::new({
            let source = source.clone();
            move || {
                let refused = source.ready_state() == EventSource::CLOSED;
                // The browser would try again by itself, and wait for an answer as long as it takes.
                source.close();
                on_error(refused);
            }
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            on_event(RawEvent {
                kind: message.type_(),
                revision: message.last_event_id().parse().unwrap_or_default(),
                data: message.data().as_string().unwrap_or_default(),
            });
        });
        for kind in KINDS {
            // Fails only for a listener that is no function.
            let _ =
                source.add_event_listener_with_callback(kind, on_message.as_ref().unchecked_ref());
        }
        Ok(Self {
            source,
            _on_open: on_open,
            _on_error: on_error,
            _on_message: on_message,
        })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.set_onerror(None);
        self.source.close();
    }
}

/// Reads an event; `None`: it says nothing that the page needs.
pub(crate) async fn read_event(event: RawEvent) -> Result<Option<Event>, Error> {
    if event.kind != "task" {
        return wire::event(&event.kind, &event.data).map(Some);
    }
    match read_task(event.data.into_bytes()).await {
        Ok(task) => Ok(Some(Event::Task(Box::new(task)))),
        // Without the code for tasks there are none to be kept current either.
        Err(Error::Unreachable) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The channel to the other tabs.
#[derive(Debug)]
pub(crate) struct Tabs {
    channel: BroadcastChannel,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl Tabs {
    /// Joins the channel; `None`: the browser has none, so each of its tabs is alone.
    pub(crate) fn join(on_message: impl Fn(Message) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(&format!("{CHANNEL}{}", base())).ok()?;
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let text = message.data().as_string().unwrap_or_default();
            if let Some(message) = Message::from_text(&text) {
                on_message(message);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self {
            channel,
            _on_message: on_message,
        })
    }

    /// Sends to all other tabs.
    pub(crate) fn post(&self, message: &Message) {
        // Fails only on a closed channel.
        let _ = self
            .channel
            .post_message(&JsValue::from_str(&message.to_text()));
    }
}

/// A number for this tab, unlike that of every other one.
pub(crate) fn tab_number() -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is within the range"
    )]
    let number = (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
    number
}

/// Calls `act` at each event of this name on the document, as long as the page is there.
pub(crate) fn on_document(name: &str, act: impl Fn() + 'static) {
    let act = Closure::<dyn Fn()>::new(act).into_js_value();
    // Fails only for a listener that is no function.
    let _ = document().add_event_listener_with_callback(name, act.unchecked_ref());
}

/// Whether somebody may look at this tab.
pub(crate) fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}
