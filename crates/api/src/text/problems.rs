//! Details of problems: what happened this time, and what to do about it.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// The texts of [`crate::Problem`].
#[derive(Clone, Copy, Debug)]
pub struct Problems {
    pub bad_parameters: &'static str,
    pub bad_body: &'static str,
    pub vm_not_found: fn(node: &str, vmid: &str) -> String,
    pub node_not_found: fn(node: &str) -> String,
}
