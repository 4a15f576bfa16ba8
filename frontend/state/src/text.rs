//! The words of the page, in the language that `language.rs` has chosen.

use std::sync::OnceLock;

use ecoman_api::text::{Acts, Deferred, EN, FirstLoad, Format, Refusals, Texts};

/// The language, unless it is English.
static CHOSEN: OnceLock<&'static Texts> = OnceLock::new();

/// Shows the page in another language than English. Only the first call counts, and only before
/// anything is drawn: texts are not followed like signals.
#[cfg(feature = "pseudo")]
pub fn choose(texts: &'static Texts) {
    // Fails where a language was chosen already.
    let _ = CHOSEN.set(texts);
}

/// The words of the first load: the frame and the list.
pub fn first_load() -> &'static FirstLoad {
    CHOSEN.get().map_or(EN.first_load, |texts| texts.first_load)
}

/// The words of the deferred pages. Called by their code alone, so that the words are in its file.
pub fn deferred() -> &'static Deferred {
    CHOSEN.get().map_or(EN.deferred, |texts| texts.deferred)
}

/// The words of the acts.
pub fn acts() -> &'static Acts {
    CHOSEN.get().map_or(EN.acts, |texts| texts.acts)
}

/// Why an act is refused.
pub fn refusals() -> &'static Refusals {
    CHOSEN.get().map_or(EN.refusals, |texts| texts.refusals)
}

/// How the language writes values.
pub fn format() -> &'static Format {
    CHOSEN.get().map_or(EN.format, |texts| texts.format)
}
