//! The words of the page, in English.

use ecoman_api::text::{Acts, EN, Format, Page, Pages};

/// The words of the first load: the frame and the list.
pub(crate) fn page() -> &'static Page {
    EN.page
}

/// The words of the deferred pages. Called by their code alone, so that the words are in its file.
pub(crate) fn pages() -> &'static Pages {
    EN.pages
}

/// The words of the acts.
pub(crate) fn acts() -> &'static Acts {
    EN.acts
}

/// How the language writes values.
pub(crate) fn format() -> &'static Format {
    EN.format
}
