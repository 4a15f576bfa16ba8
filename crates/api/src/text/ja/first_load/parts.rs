//! Parts that several pages show.

use crate::text::first_load::{Parts, Roles};

pub(in crate::text::ja) const PARTS: Parts = Parts {
    try_now: "再接続",
    retrying: |error| format!("{error} 自動的に再試行しています。"),
    csv: "CSV",
    file_not_saved: "ブラウザがファイルを保存できませんでした。",
    roles: Roles {
        viewer: "閲覧者",
        operator: "オペレータ",
        admin: "管理者",
    },
    power_on: "オン",
    power_off: "オフ",
    power_suspended: "サスペンド",
    power_unknown: "不明",
};
