//! In place of every page, for a person who has not signed in.

use crate::text::deferred::SignInPage;

pub(super) const SIGN_IN: SignInPage = SignInPage {
    loading: "読み込んでいます",
    not_possible: "現在ログインできません",
    no_access: "アクセス権限がありません",
    elsewhere: "ログインしていません",
    elsewhere_how: "ログインは組織のプロキシで行います。再読み込みしてください。",
    elsewhere_why: |why| {
        format!("{why} ログインは組織のプロキシで行います。再読み込みしてください。")
    },
    reload: "再読み込み",
    title: "ログイン",
    session_ended: "セッションが終了しました。もう一度ログインしてください。",
    name: "ユーザー名",
    password: "パスワード",
    sign_in: "ログイン",
    signing_in: "ログインしています…",
};
