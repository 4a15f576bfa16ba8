//! The audit log.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// The operations of the document that the log has entries of, those of one kind together.
pub const AUDITED: [&str; 20] = [
    "setPower,setMachinePower",
    "createVm,createMachine",
    "updateVm",
    "growDisk,changeCdrom,moveNic",
    "deleteVm",
    "cancelPending",
    "answerQuestion",
    "createSnapshot",
    "revertToSnapshot",
    "removeSnapshot,removeAllSnapshots",
    "cancelTask",
    "pollNode",
    "signIn",
    "signOut",
    "changePassword",
    "createUser",
    "updateUser",
    "deleteUser",
    "createToken",
    "revokeToken",
];

/// The audit log.
#[derive(Clone, Copy, Debug)]
pub struct AuditPage {
    pub save_csv: &'static str,
    pub loading: &'static str,
    pub not_loaded: &'static str,
    pub under_way: &'static str,
    pub done: &'static str,
    pub failed: &'static str,
    pub refused: &'static str,
    pub user: &'static str,
    pub node: &'static str,
    pub operation: &'static str,
    pub every_operation: &'static str,
    /// As [`AUDITED`] has them.
    pub operations: [&'static str; AUDITED.len()],
    pub none: &'static str,
    pub none_why: &'static str,
    pub no_such_entry: &'static str,
    pub whole_log: &'static str,
    pub when: &'static str,
    pub what: &'static str,
    pub who: &'static str,
    pub from: &'static str,
    pub result: &'static str,
    pub by_nobody: &'static str,
    pub by_password: &'static str,
    pub by_proxy: &'static str,
    pub by_token: &'static str,
    pub by_token_named: fn(token: &str) -> String,
    /// `{0}`: the node.
    pub on_node: Template<1>,
    pub older: &'static str,
}
