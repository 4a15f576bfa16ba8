//! The language of the page.
//!
//! English is part of the page. The words of another language are a file of their own, which the
//! browser fetches before the page draws anything, and never for a person who reads English. To add
//! one: its `Texts` in `ecoman_api::text`, a function below that returns it, and an arm in
//! `start`.

/// Draws the page, in the language of the person.
#[cfg(not(feature = "pseudo"))]
pub(crate) fn start(draw: fn()) {
    // English is the only language so far, and its words are here.
    draw();
}

/// Draws the page, in the language of the person.
#[cfg(feature = "pseudo")]
pub(crate) fn start(draw: fn()) {
    leptos::task::spawn_local(async move {
        if other::is_wanted()
            && let Ok(texts) = other::pseudo().await
        {
            crate::state::text::choose(texts);
        }
        draw();
    });
}

#[cfg(feature = "pseudo")]
mod other {
    use ecoman_api::text::{PSEUDO, Texts};
    use leptos::prelude::window;

    use crate::later::later;
    use crate::state::error::Error;

    /// Whether this browser remembers that the person reads it.
    pub(super) fn is_wanted() -> bool {
        let kept = window().local_storage().ok().flatten();
        let kept = kept.and_then(|kept| kept.get_item("ecoman-language").ok().flatten());
        kept.as_deref() == Some("pseudo")
    }

    later! {
        in language_pseudo;
        pub(super) fn pseudo() -> Result<&'static Texts, Error> {
            Ok(&PSEUDO)
        }
    }
}
