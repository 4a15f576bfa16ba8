//! The tray of tasks.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// The tray of tasks.
#[derive(Clone, Copy, Debug)]
pub struct Tray {
    pub tray: &'static str,
    pub summary: fn(running: usize, questions: usize, failed: usize) -> String,
    pub nothing: &'static str,
    pub all: &'static str,
    pub open: &'static str,
    pub answer: &'static str,
}
