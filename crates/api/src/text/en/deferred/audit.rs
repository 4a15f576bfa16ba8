//! The audit log.

use crate::text::Template;
use crate::text::deferred::AuditPage;

pub(super) const AUDIT: AuditPage = AuditPage {
    save_csv: "Save this log as CSV",
    loading: "Loading the audit log",
    not_loaded: "The audit log could not be loaded",
    under_way: "Under way",
    done: "Done",
    failed: "Failed",
    refused: "Refused",
    user: "User",
    node: "Node",
    none: "Nothing has been done yet",
    none_why: "Every change that somebody asks for, every sign-in and every refusal of \
            either is written down here.",
    no_such_entry: "There is no such entry",
    whole_log: "The whole log",
    when: "When",
    what: "What",
    who: "Who",
    from: "From",
    result: "Result",
    by_nobody: "nobody signs in",
    by_password: "password",
    by_proxy: "proxy",
    by_token: "token",
    by_token_named: |token| format!("token “{token}”"),
    on_node: Template::new("on {0}"),
    older: "Older entries",
};
