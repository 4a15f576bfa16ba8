//! The tray of tasks.

use crate::text::deferred::Tray;
use crate::text::ja::format::cases;

pub(super) const TRAY: Tray = Tray {
    tray: "最近のタスク",
    summary: |running, questions, failed| {
        let counts = [
            (running, "実行中 "),
            (questions, "質問 "),
            (failed, "失敗 "),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, word)| word.to_owned() + &cases(count));
        counts.collect::<Vec<_>>().join(" · ")
    },
    nothing: "タスクはまだありません。",
    all: "すべてのタスク",
    open: "開く",
    answer: "回答",
};
