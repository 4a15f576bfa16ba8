//! Short explanations at the pointer, the keyboard's row or the finger.
//!
//! An element with `data-tip` has one. Whatever it says is also in the accessible text.

use std::time::Duration;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::Element;

const DELAY: Duration = Duration::from_millis(350);
/// Distance to the element and to the edges of the window, in CSS pixels.
const GAP: f64 = 6.0;

/// The explanation that is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tooltip {
    shown: RwSignal<Option<Shown>>,
    /// Counts what was asked for, so that what was overtaken is not shown any more.
    asked: StoredValue<u32>,
    /// What was clicked: who has done that needs no explanation until the pointer comes again.
    clicked: StoredValue<Option<Element>, LocalStorage>,
}

#[derive(Clone, Debug, PartialEq)]
struct Shown {
    text: String,
    left: f64,
    top: f64,
    bottom: f64,
}

impl Tooltip {
    /// No explanation.
    pub(crate) fn new() -> Self {
        Self {
            shown: RwSignal::new(None),
            asked: StoredValue::new(0),
            clicked: StoredValue::new_local(None),
        }
    }

    /// Shows that of `element` after a moment.
    pub(crate) fn show_soon(self, element: Element) {
        let ticket = self.next();
        set_timeout(
            move || {
                if self.asked.try_get_value() == Some(ticket) {
                    self.place(&element);
                }
            },
            DELAY,
        );
    }

    /// Takes it away.
    pub(crate) fn hide(self) {
        self.next();
        if self.shown.with_untracked(Option::is_some) {
            self.shown.set(None);
        }
    }

    fn next(self) -> u32 {
        self.asked
            .update_value(|asked| *asked = asked.wrapping_add(1));
        self.asked.get_value()
    }

    fn place(self, element: &Element) {
        let Some(text) = element
            .get_attribute("data-tip")
            .filter(|text| !text.is_empty())
        else {
            return;
        };
        let rect = element.get_bounding_client_rect();
        self.shown.set(Some(Shown {
            text,
            left: rect.left(),
            top: rect.top(),
            bottom: rect.bottom(),
        }));
    }
}

/// Shows the explanations of everything within the document.
#[component]
pub(crate) fn TooltipLayer() -> impl IntoView {
    let tip: Tooltip = expect_context();
    let bubble = NodeRef::<html::Div>::new();

    let over = window_event_listener(ev::pointerover, move |event| {
        if event.pointer_type() == "mouse" {
            let element = target(&event);
            if element.is_some() && tip.clicked.get_value() == element {
                return;
            }
            tip.clicked.set_value(None);
            match element {
                Some(element) => tip.show_soon(element),
                None => tip.hide(),
            }
        }
    });
    // A finger has no way to hover: a tap on a sign explains it.
    let tap = window_event_listener(ev::pointerdown, move |event| {
        tip.hide();
        if event.pointer_type() == "mouse" {
            tip.clicked.set_value(target(&event));
        } else if let Some(element) = target(&event).filter(|it| it.class_list().contains("mark")) {
            tip.place(&element);
        }
    });
    let focus = window_event_listener(ev::focusin, move |event| {
        // By the keyboard: a click has said what it wants.
        let by_keyboard = |it: &Element| it.matches(":focus-visible").unwrap_or(true);
        let element = target(&event).filter(|it| it.has_attribute("tabindex"));
        if let Some(element) = element.filter(by_keyboard) {
            tip.show_soon(element);
        }
    });
    let key = window_event_listener(ev::keydown, move |_| tip.hide());
    let wheel = window_event_listener(ev::wheel, move |_| tip.hide());
    on_cleanup(move || {
        over.remove();
        tap.remove();
        focus.remove();
        key.remove();
        wheel.remove();
    });

    // Placed once its size is known: beneath the element or, where there is no room, above it.
    Effect::new(move || {
        let (Some(shown), Some(bubble)) = (tip.shown.get(), bubble.get()) else {
            return;
        };
        let size = bubble.get_bounding_client_rect();
        let room = |length: Result<wasm_bindgen::JsValue, _>| {
            length
                .ok()
                .and_then(|length| length.as_f64())
                .unwrap_or_default()
        };
        let (width, height) = (room(window().inner_width()), room(window().inner_height()));
        let left = shown.left.min(width - size.width() - GAP).max(GAP);
        let below = shown.bottom + GAP;
        let top = if below + size.height() > height {
            (shown.top - GAP - size.height()).max(GAP)
        } else {
            below
        };
        let style = web_sys::HtmlElement::style(&bubble);
        // Fails only where the style is read-only, as of a foreign style sheet.
        let _ = style.set_property("left", &format!("{left}px"));
        let _ = style.set_property("top", &format!("{top}px"));
    });

    view! {
        <div class="tip" role="tooltip" node_ref=bubble hidden=move || tip.shown.with(Option::is_none)>
            {move || tip.shown.with(|shown| shown.as_ref().map(|shown| shown.text.clone()))}
        </div>
    }
}

fn target(event: &web_sys::Event) -> Option<Element> {
    let element: Element = event.target()?.dyn_into().ok()?;
    element.closest("[data-tip]").ok().flatten()
}
