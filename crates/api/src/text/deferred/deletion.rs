//! Deleting a VM: the dialog on its page.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use ecoman_model::{Obstacle, Stays};

/// Deleting a VM: the dialog on its page.
#[derive(Clone, Copy, Debug)]
pub struct DeletionPages {
    pub open: &'static str,
    pub open_tip: &'static str,
    pub question: fn(vm: &str, host: &str) -> String,
    pub what: &'static str,
    pub unregister: &'static str,
    pub unregister_means: &'static str,
    pub delete: &'static str,
    pub delete_means: &'static str,
    pub files_at: &'static str,
    pub looking: &'static str,
    pub not_looked_at: fn(why: &str) -> String,
    pub look_again: &'static str,
    pub forbidden: &'static str,
    pub goes: fn(count: usize, size: &str) -> String,
    pub stays: fn(count: usize) -> String,
    pub nothing_stays: &'static str,
    pub why_stays: fn(why: Stays) -> &'static str,
    pub obstacle: fn(obstacle: &Obstacle) -> String,
    pub type_name: &'static str,
    pub not_off: &'static str,
    pub typed_name: &'static str,
}
