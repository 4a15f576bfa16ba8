//! Problems (RFC 9457): the titles of their kinds, and details, which say what happened this time
//! and what to do about it.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use ecoman_model::Role;

use crate::ProblemKind;

/// The texts of [`crate::Problem`].
#[derive(Clone, Copy, Debug)]
pub struct Problems {
    pub title: fn(ProblemKind) -> &'static str,

    // Transport.
    pub bad_parameters: &'static str,
    pub bad_body: &'static str,
    pub bad_idempotency_key: &'static str,
    pub unsupported_media_type: &'static str,
    pub too_large: fn(kilobytes: usize) -> String,
    pub not_acceptable: &'static str,
    pub not_found: &'static str,
    pub method_not_allowed: &'static str,
    pub foreign_host: fn(host: &str) -> String,
    pub timeout: &'static str,
    pub internal: &'static str,
    pub other_status: fn(reason: &str) -> String,

    // Nodes and VMs.
    pub vm_not_found: fn(node: &str, vmid: &str) -> String,
    pub node_not_found: fn(node: &str) -> String,
    pub starting: &'static str,
    pub store_unavailable: fn(why: &str) -> String,
    pub store_unwritable: fn(why: &str) -> String,

    // Tasks.
    pub task_not_found: fn(id: &str) -> String,
    pub idempotency_key_reused: fn(task_path: &str) -> String,
    pub refused: fn(vm: &str, node: &str, refusal: &str) -> String,
    pub read_only: fn(node: &str) -> String,
    pub name_taken: fn(node: &str, name: &str, vmid: u32) -> String,
    pub no_pending: fn(node: &str, vm: &str) -> String,
    pub not_cancellable: fn(why: &str, task_path: &str) -> String,
    pub cancel_failed: fn(why: &str, task_path: &str) -> String,
    pub executor_unavailable: fn(why: &str, node: &str, task_path: &str) -> String,
    pub unfinished: fn(task_title: &str, task_path: &str) -> String,
    pub not_done: fn(task_title: &str) -> String,

    // Sign-in.
    pub not_signed_in: &'static str,
    pub not_a_bearer_token: &'static str,
    pub token_expired: &'static str,
    pub token_unknown: &'static str,
    pub token_owner_removed: &'static str,
    pub session_ended: &'static str,
    pub no_role: &'static str,
    pub user_removed: &'static str,
    pub wrong_password: &'static str,
    pub too_many_tries: fn(seconds: u64) -> String,
    pub cross_site: &'static str,
    /// `origin`, `host`: what the headers say.
    pub other_origin: fn(origin: &str, host: &str) -> String,
    pub forbidden: fn(caller: &str, needed: Role, role: Role, limited: bool) -> String,
    /// `nodes`: the names of those that the caller reaches.
    pub out_of_reach: fn(caller: &str, node: &str, nodes: &[String]) -> String,
    pub caller_with_token: fn(token: &str, owner: &str) -> String,
    pub caller_unknown: &'static str,
    pub no_password_sign_in: &'static str,
    pub no_sign_in: &'static str,
    pub not_by_password: &'static str,
    pub sign_in_unavailable: &'static str,
    pub token_not_found: &'static str,
    pub user_not_found: fn(name: &str) -> String,
    pub user_taken: fn(name: &str) -> String,
    pub last_admin: fn(name: &str) -> String,
}
