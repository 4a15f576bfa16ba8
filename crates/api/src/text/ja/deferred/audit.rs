//! The audit log.

use crate::text::Template;
use crate::text::deferred::AuditPage;
use crate::text::ja::spaced;

pub(super) const AUDIT: AuditPage = AuditPage {
    save_csv: "この監査ログを CSV に保存",
    loading: "監査ログを読み込んでいます",
    not_loaded: "監査ログを読み込めませんでした",
    under_way: "実行中",
    done: "完了",
    failed: "失敗",
    refused: "拒否",
    user: "ユーザー",
    node: "ホスト",
    none: "監査ログの記録はまだありません",
    none_why: "変更の要求、ログイン、およびそれらの拒否がすべて記録されます。",
    no_such_entry: "一致する記録はありません",
    whole_log: "フィルタをクリア",
    when: "日時",
    what: "操作",
    who: "ユーザー",
    from: "接続元",
    result: "結果",
    by_nobody: "ログインなし",
    by_password: "パスワード",
    by_proxy: "プロキシ",
    by_token: "トークン",
    by_token_named: |token| spaced(&["トークン「", token, "」"]),
    on_node: Template::new("（{0}）"),
    older: "以前の記録",
};
