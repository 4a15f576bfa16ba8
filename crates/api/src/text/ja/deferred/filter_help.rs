//! The help on filters.

use crate::text::deferred::FilterHelp;

pub(super) const FILTER_HELP: FilterHelp = FilterHelp {
    terms: "すべての条件に一致するものを表示します。大文字と小文字は区別しません。",
    fields: "フィールドを挿入",
    field: |meaning| format!(": {meaning}"),
    word: "名前、メモ、IP アドレス、ホスト名、ゲスト OS、ホストに含む",
    quotes: "語句をそのまま含む",
    values: "いずれかの値",
    compare: "比較（両方を満たす）",
    network: "このネットワーク内のアドレス",
    not: "メモに含まない",
    or: "いずれか。括弧でグループ化",
    star: "前方一致",
    whole: "名前が完全に一致",
};
