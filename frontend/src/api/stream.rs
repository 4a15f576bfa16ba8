//! The stream of events.

use ecoman_api::Event;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{EventSource, MessageEvent};

use super::http::{ROOT, read_task};
use crate::state::error::Error;
use crate::state::wire::event;

/// The stream of events. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct EventStream {
    source: EventSource,
    _on_open: Closure<dyn Fn()>,
    _on_error: Closure<dyn Fn()>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl EventStream {
    /// Opens the stream. `on_open` is called for every connection, also when the browser has made
    /// a new one by itself, in which case the stream goes on where it was cut. `on_error` is called
    /// whether the browser has given up (`true`) or is trying again.
    pub(crate) fn open(
        on_open: impl Fn() + 'static,
        on_event: impl Fn(u64, Result<Event, Error>) + Copy + 'static,
        on_error: impl Fn(bool) + 'static,
    ) -> Result<Self, Error> {
        let source = EventSource::new(&format!("{ROOT}/events")).map_err(|_| Error::Unreachable)?;
        let on_open = Closure::<dyn Fn()>::new(on_open);
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn Fn()>::new({
            let source = source.clone();
            move || on_error(source.ready_state() == EventSource::CLOSED)
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let data = message.data().as_string().unwrap_or_default();
            let revision = message.last_event_id().parse().unwrap_or_default();
            if message.type_() == "task" {
                spawn_local(async move {
                    match read_task(data.into_bytes()).await {
                        Ok(task) => on_event(revision, Ok(Event::Task(Box::new(task)))),
                        // Without the code for tasks there are none to be kept current either.
                        Err(Error::Unreachable) => {}
                        Err(error) => on_event(revision, Err(error)),
                    }
                });
            } else {
                on_event(revision, event(&message.type_(), &data));
            }
        });
        for kind in ["vm", "vm_removed", "node", "node_removed", "task", "reset"] {
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

    /// Whether the browser has given up.
    pub(crate) fn is_closed(&self) -> bool {
        self.source.ready_state() == EventSource::CLOSED
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.close();
    }
}
