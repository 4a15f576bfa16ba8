//! What is wrong, above the page.

use crate::text::Template;
use crate::text::first_load::{Banner, Symptoms};

pub(super) const BANNER: Banner = Banner {
    no_connection: Template::new("{0} からサーバに接続できません"),
    shown_from: Template::new("{0}。表示内容の最終更新: {1}。"),
    node_failed: Template::new("{0}: {1}（{2} から、{3}）。"),
    node_silent: Template::new("{0}: 応答していません。"),
    nodes_failed: Template::new("{0}: 読み取れません（{1}）。"),
    between_nodes: "、",
    shown_as_seen: Template::new("{0}（最終更新: {1}）"),
    store_unwritable_since: Template::new(
        "{0} からデータベースに書き込めません: {1}。変更は拒否され、新しい情報は記録されません。",
    ),
    store_unwritable: Template::new(
        "データベースに書き込めません: {0}。変更は拒否され、新しい情報は記録されません。",
    ),
    hosts_file: Template::new("hosts.yml に誤りがあります。以前の内容で動作しています。{0}"),
    symptom: Symptoms {
        configuration: "構成エラーで使用できません",
        no_answer: "応答していません",
        host_key: "ホスト鍵が信頼されていません",
        authentication: "ログインが拒否されています",
        hostd: "管理エージェントが応答していません",
        protocol: "応答を解釈できません",
    },
};
