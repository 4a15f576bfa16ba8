//! The help on filters.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// The help on filters.
#[derive(Clone, Copy, Debug)]
pub struct FilterHelp {
    pub terms: &'static str,
    pub fields: &'static str,
    pub field: fn(meaning: &str) -> String,
    pub word: &'static str,
    pub quotes: &'static str,
    pub values: &'static str,
    pub compare: &'static str,
    pub network: &'static str,
    pub not: &'static str,
    pub or: &'static str,
    pub star: &'static str,
    pub whole: &'static str,
}
