//! The frame around every page.

use crate::text::first_load::Frame;

pub(super) const FRAME: Frame = Frame {
    window_title: |title| format!("{title} · ECoMan"),
    skip_to_content: "本文へスキップ",
    home: "ECoMan: すべての仮想マシン",
    pages: "ページ",
    vms: "仮想マシン",
    nodes: "ホスト",
    tasks: "タスク",
    history: "履歴",
    tasks_under_way: " 件実行中",
    tasks_failed: " 件失敗",
    title_attention: crate::text::EN.first_load.frame.title_attention,
    access: "アカウント",
    account_links: "アカウント、API トークン、ユーザー、監査ログ",
    sign_out: "ログアウト",
    not_signed_in: "未ログイン",
    connecting: "接続中",
    live: "リアルタイム",
    not_connected: "未接続",
    colours_system: "テーマ: システム",
    colours_light: "テーマ: ライト",
    colours_dark: "テーマ: ダーク",
    loading_page: "ページを読み込んでいます",
    page_not_loaded: "ページを読み込めませんでした",
    page_not_loaded_why: "サーバが応答していないか、バージョンが更新されています。後者の場合は再読み込みしてください。",
};
