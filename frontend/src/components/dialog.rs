//! The modal dialog: the browser's own, which keeps the focus inside and gives it back.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::focus::focus;

/// A dialog that is open while `open` says so. `ids` are those of its heading and of the element
/// that has the focus first. `close` is called when the reader leaves it.
pub(crate) fn dialog(
    open: Memo<bool>,
    ids: (&'static str, &'static str),
    close: impl Fn() + Copy + 'static,
    content: AnyView,
) -> AnyView {
    form_dialog(open, ids, RwSignal::new(false), close, content)
}

/// A dialog that a click beside it does not close while `typed` says that something would be lost.
pub(crate) fn form_dialog(
    open: Memo<bool>,
    ids: (&'static str, &'static str),
    typed: RwSignal<bool>,
    close: impl Fn() + Copy + 'static,
    content: AnyView,
) -> AnyView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let open_now = open.get();
        let Some(element) = element.get() else {
            return;
        };
        if open_now && !element.open() {
            // What it says is in the document by the next frame.
            request_animation_frame(move || {
                if open.try_get_untracked() == Some(true) && !element.open() {
                    // Fails only for a dialog that is open or not in the document.
                    let _ = element.show_modal();
                    focus(ids.1);
                }
            });
        } else if !open_now && element.open() {
            element.close();
        }
    });
    let keydown = move |event: ev::KeyboardEvent| {
        // What happens in it is no business of the page behind it.
        event.stop_propagation();
    };
    let cancel = move |event: web_sys::Event| {
        event.prevent_default();
        close();
    };
    let click = move |event: ev::MouseEvent| {
        // Beside it: what is in it lies within a part of its own.
        let beside = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if beside.is_some() && !typed.get_untracked() {
            close();
        }
    };
    view! {
        <dialog
            class="dialog"
            aria-labelledby=ids.0
            node_ref=element
            on:keydown=keydown
            on:cancel=cancel
            on:click=click
        >
            <div class="inner">{content}</div>
        </dialog>
    }
    .into_any()
}
