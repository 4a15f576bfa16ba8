//! The tray of tasks.

use crate::text::deferred::Tray;
use crate::text::en::format;

pub(super) const TRAY: Tray = Tray {
    tray: "Recent tasks",
    summary: |running, questions, failed| {
        let counts = [
            (running, "running", "running"),
            (questions, "question", "questions"),
            (failed, "failed", "failed"),
        ];
        let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
        let counts = counts.map(|(count, one, many)| format::plural(count, one, many));
        counts.collect::<Vec<_>>().join(" · ")
    },
    nothing: "No tasks yet.",
    all: "All tasks",
    open: "Open",
    answer: "Answer",
};
