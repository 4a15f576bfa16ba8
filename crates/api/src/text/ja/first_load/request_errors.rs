//! Why the server did not answer a request.

use crate::text::first_load::RequestErrors;

pub(super) const REQUEST_ERRORS: RequestErrors = RequestErrors {
    unreachable: "サーバが応答しません。サーバが動作していて、このコンピュータから接続できることを確認してください。",
    timed_out: |seconds| format!("サーバが {seconds} 秒以内に応答しませんでした。"),
    change_timed_out: |seconds| {
        format!(
            "送信できませんでした: サーバが {seconds} 秒以内に応答しませんでした。リクエストは取り下げられ、後で実行されることはありません。届いていた場合は [タスク] に表示されます。"
        )
    },
    bad_status: |status| {
        format!(
            "サーバが理由を示さずにステータス {status} を返しました。途中のプロキシを確認してください。"
        )
    },
    unreadable: |why| {
        format!(
            "サーバの応答を解釈できませんでした（{why}）。ページのバージョンが古い可能性があります。再読み込みしてください。"
        )
    },
};
