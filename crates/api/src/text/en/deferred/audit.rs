//! The audit log.

use crate::text::Template;
use crate::text::deferred::AuditPage;

pub(super) const AUDIT: AuditPage = AuditPage {
    save_csv: "Download this log as CSV",
    loading: "Loading the audit log",
    not_loaded: "The audit log could not be loaded",
    under_way: "In progress",
    done: "Completed",
    failed: "Failed",
    refused: "Refused",
    user: "User",
    node: "Host",
    none: "No entries yet",
    none_why: "Every requested change, every sign-in and every refusal is recorded here.",
    no_such_entry: "No matching entries",
    whole_log: "Clear filter",
    when: "Time",
    what: "Action",
    who: "Initiator",
    from: "From",
    result: "Result",
    by_nobody: "sign-in disabled",
    by_password: "password",
    by_proxy: "proxy",
    by_token: "token",
    by_token_named: |token| format!("token “{token}”"),
    on_node: Template::new("on {0}"),
    older: "Older entries",
};
