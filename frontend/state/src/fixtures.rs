//! Tasks for the tests of this crate and of the page.

#![expect(clippy::expect_used, reason = "only tests use it")]

use chrono::{DateTime, Utc};
use ecoman_api::Task;

/// A change of power of VM 1 of hoge.
#[must_use]
pub fn power(id: u32, action: &str, state: &str) -> Task {
    serde_json::from_value(serde_json::json!({
        "id": format!("00000000-0000-7000-8000-{id:012}"), "title": "Change", "node": "hoge",
        "vm": { "vmid": 1, "name": "web" },
        "request": { "kind": "power", "vmid": 1, "action": action, "guest_seconds": 120 },
        "state": state, "steps": [], "step": "Wait until the VM is off",
        "created_at": "2026-11-22T12:00:00Z", "commands": [], "left": [],
    }))
    .expect("a task needs no more than this")
}

/// The time of an RFC 3339 text.
#[must_use]
pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 time")
}
