//! The sentences that people read, in one place per language.
//!
//! Code passes codes and values; a sentence is made from them here. A section is a struct whose
//! fields are the texts: `&'static str`, or `fn(…) -> String` where a value stands in the sentence.
//! Each language fills every section in a module of its own, so that a text that a language lacks
//! does not compile.
//!
//! To add a text: a field in the section's struct, and its words in every language's module of
//! the same name. To add a language: one more module beside [`en`] with one `static Texts`.
//!
//! A sentence is whole: languages order its parts differently, so never join two texts. Numbers,
//! plurals, sizes and times are formatted by the language's own functions.

mod acts;
pub mod en;
mod page;
mod problems;

pub use acts::{Acts, PerAction, PowerRefusals};
pub use en::EN;
pub use page::Page;
pub use problems::Problems;

/// Every text of one language.
///
/// The sections are references: the linker leaves out a section that a program does not read, so
/// the page carries no texts of the server.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    /// Titles and details of problems (RFC 9457).
    pub problems: &'static Problems,
    /// The changes that can be asked of a node, and why one is refused.
    pub acts: &'static Acts,
    /// What the page says by itself.
    pub page: &'static Page,
}
