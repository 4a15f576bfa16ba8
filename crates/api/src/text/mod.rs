//! The sentences that people read, in one place per language.
//!
//! Code passes codes and values; a sentence is made from them here. A section is a struct whose
//! fields are the texts: `&'static str`, `fn(…) -> String` where a value stands in the sentence, or
//! [`Template`] where a link or a time does. Each language fills every section in a module of its
//! own, so that a text that a language lacks does not compile.
//!
//! To add a text: a field in the section's struct, and its words in every language's module of
//! the same name. To add a language: one more module beside [`en`] with one `Texts`,
//! and its entry in [`Language`].
//!
//! A sentence is whole: languages order its parts differently, so never join two texts. Numbers,
//! plurals, sizes and times are written by [`Format`].

pub mod en;
pub mod ja;

mod acts;
pub mod deferred;
mod filter_faults;
pub mod first_load;
mod format;
mod history;
mod language;
mod problems;
mod refusals;
mod tasks;
mod template;

pub use acts::{Acts, PerAction, PowerRefusals};
pub use deferred::Deferred;
pub use en::EN;
pub use filter_faults::FilterFaults;
pub use first_load::FirstLoad;
pub use format::Format;
pub use history::History;
pub use ja::JA;
pub use language::{LANGUAGE_COOKIE, Language, LanguageError, spoken};
pub use problems::Problems;
pub use refusals::Refusals;
pub use tasks::Tasks;
pub use template::{Piece, Template};

/// Every text of one language.
///
/// The sections are references: the linker leaves out a section that a program does not read, so
/// the page carries no texts of the servers, and its first load none of the deferred pages.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    /// How values are written.
    pub format: &'static Format,
    /// Details of problems (RFC 9457).
    pub problems: &'static Problems,
    /// The changes that can be asked of a node, and why one is refused.
    pub acts: &'static Acts,
    /// Why an act is refused.
    pub refusals: &'static Refusals,
    /// Why a text is no filter.
    pub filter_faults: &'static FilterFaults,
    /// Titles of tasks.
    pub tasks: &'static Tasks,
    /// Lines of the history.
    pub history: &'static History,
    /// What the page shows on the first load: the frame and the list.
    pub first_load: &'static FirstLoad,
    /// What the deferred pages show.
    pub deferred: &'static Deferred,
}
