//! What the table asks of the browser: the order of its rows, its height, the width of the screen.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// Puts the rows of the pool in order, that of slot `first` first.
pub(super) fn put_in_order(pool: &web_sys::Element, slots: usize, first: usize) {
    for place in 0..slots {
        let slot = (first + place) % slots;
        let row = pool.query_selector(&format!("[data-slot=\"{slot}\"]"));
        if let Ok(Some(row)) = row {
            // Fails only where a row would become its own parent.
            let _ = pool.append_child(&row);
        }
    }
}

/// Turns the rows of the pool round until that of slot `first` is the first.
pub(super) fn turn(pool: &web_sys::Element, first: usize) {
    let slots = pool.child_element_count() as usize;
    let slot_of =
        |row: &web_sys::Element| -> Option<usize> { row.get_attribute("data-slot")?.parse().ok() };
    let Some(now) = pool.first_element_child().and_then(|row| slot_of(&row)) else {
        return;
    };
    let ahead = (first + slots - now) % slots;
    // The shorter way round; a row that is moved is laid out again.
    let moved = if ahead <= slots / 2 {
        (0..ahead).try_for_each(|_| {
            let row = pool.first_element_child()?;
            pool.append_child(&row).ok().map(drop)
        })
    } else {
        (ahead..slots).try_for_each(|_| {
            let row = pool.last_element_child()?;
            pool.prepend_with_node_1(&row).ok()
        })
    };
    debug_assert!(moved.is_some(), "the rows of the pool can be moved");
}

/// Whether a media query holds, now and later.
pub(super) fn media(query: &str) -> ReadSignal<bool> {
    let list = window().match_media(query).ok().flatten();
    let (matches, set_matches) =
        signal(list.as_ref().is_some_and(web_sys::MediaQueryList::matches));
    if let Some(list) = list {
        let changed = Closure::<dyn Fn()>::new({
            let list = list.clone();
            move || set_matches.set(list.matches())
        });
        list.set_onchange(Some(changed.as_ref().unchecked_ref()));
        let kept = StoredValue::new_local((list, changed));
        on_cleanup(move || {
            kept.try_update_value(|(list, _)| list.set_onchange(None));
        });
    }
    matches
}

/// Follows the height of the part that scrolls. While there are no rows it is no height: what takes
/// their place has the room, and the slots of the rows are kept until they come back.
pub(super) fn watch_height(
    scroller: NodeRef<html::Div>,
    count: Memo<usize>,
    height: RwSignal<f64>,
) {
    let observer = StoredValue::new_local(None);
    Effect::new(move || {
        let Some(element) = scroller.get() else {
            return;
        };
        let measure = {
            let element = element.clone();
            move || {
                if count.get_untracked() > 0 {
                    height.set(f64::from(element.client_height()));
                }
            }
        };
        measure();
        let callback = Closure::<dyn Fn()>::new(measure);
        if let Ok(watcher) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            watcher.observe(&element);
            observer.set_value(Some((watcher, callback)));
        }
    });
    on_cleanup(move || {
        observer.try_update_value(|observer| {
            if let Some((watcher, _)) = observer.take() {
                watcher.disconnect();
            }
        });
    });
}
