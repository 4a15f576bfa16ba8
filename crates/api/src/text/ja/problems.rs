//! Problems: titles and details.

use ecoman_model::Role;

use super::spaced;
use crate::ProblemKind;
use crate::text::Problems;

pub(super) static PROBLEMS: Problems = Problems {
    title,

    bad_parameters: "クエリ パラメータが無効です。詳細は errors を参照してください。",
    bad_body: "リクエストの内容が無効です。詳細は errors を参照してください。",
    bad_idempotency_key: "Idempotency-Key は 1 つだけ、1～255 文字の ASCII 文字で指定してください。",
    unsupported_media_type: "本文は JSON とし、Content-Type: application/json を指定してください。",
    too_large: |kilobytes| format!("本文が大きすぎます。上限は {kilobytes} KB です。"),
    not_acceptable: "形式は application/json と text/csv のみです。Accept ヘッダーを確認してください。",
    not_found: "このアドレスには何もありません。API の説明は /api/v1/openapi.json にあります。",
    method_not_allowed: "このアドレスでは使用できないメソッドです。使用できるメソッドは Allow ヘッダーにあります。",
    foreign_host: |host| {
        format!(
            "ホスト名 {host:?} は受け付けられません。IP アドレスを使用するか、このサーバまたは前段のプロキシの名前であれば DASHBOARD_ALLOWED_HOSTS に追加してください。"
        )
    },
    timeout: "サーバが時間内に応答できませんでした。もう一度実行してください。",
    internal: "サーバでエラーが発生しました。原因は、リクエスト ID とともにサーバのログに記録されています。",
    other_status: |reason| format!("リクエストを処理できません: {reason}"),

    vm_not_found: |node, vmid| {
        spaced(&[
            node,
            "に ID",
            " ",
            vmid,
            "の仮想マシンはありません。削除された可能性があります。",
        ])
    },
    node_not_found: |node| {
        spaced(&[
            "ホスト「",
            node,
            "」はありません。ホストはクローラの hosts.yml で定義します。",
        ])
    },
    starting: "サーバの起動中です。データの読み込みが終わってから、もう一度実行してください。",
    store_unavailable: |why| format!("データベースを読み取れません: {why}"),

    store_unwritable: |why| {
        format!("データベースに書き込めないため、変更は行われていません: {why}")
    },

    task_not_found: |id| format!("タスク {id} はありません。古いタスクは削除されます。"),
    idempotency_key_reused: |task_path| {
        format!("この Idempotency-Key は別のリクエストで使用済みです: {task_path}")
    },
    refused: |vm, node, refusal| format!("{vm}（{node}）: {refusal}"),
    read_only: |node| spaced(&[node, "は読み取り専用です（hosts.yml の read_only: true）。"]),
    name_taken: |node, name, vmid| {
        spaced(&[
            node,
            "には「",
            name,
            "」という名前の仮想マシンがすでにあります（ID",
            " ",
            &vmid.to_string(),
            "）。",
        ])
    },
    no_pending: |node, vm| {
        spaced(&[
            vm,
            "（",
            node,
            "）に待機中の変更はありません。取り消されたか、タスクになりました。",
        ])
    },
    not_cancellable: |why, task_path| format!("{why} 進行状況: {task_path}"),
    cancel_failed: |why, task_path| {
        format!(
            "タスクをキャンセルできませんでした: {why}。もう一度実行してください。進行状況: {task_path}"
        )
    },
    executor_unavailable: |why, node, task_path| {
        spaced(&[
            why,
            " ",
            node,
            "には何も要求していません。もう一度実行してください。記録: ",
            task_path,
        ])
    },
    unfinished: |task_title, task_path| {
        format!("{task_title}: 未完了です。タスクは続行中です。結果: {task_path}")
    },
    not_done: |task_title| format!("{task_title}: 実行されませんでした。"),

    not_signed_in: "ログインするか、API トークンを Authorization: Bearer で送信してください。",
    not_a_bearer_token: "Authorization ヘッダーには Bearer と API トークンを指定してください。",
    token_expired: "この API トークンは有効期限が切れています。新しいトークンを生成してください。",
    token_unknown: "この API トークンは存在しないか、取り消されています。",
    token_owner_removed: "この API トークンのユーザーは削除されています。",
    session_ended: "セッションが終了しました。もう一度ログインしてください。",
    no_role: "ログインしていますが、ECoMan のロールが割り当てられていません。管理者は `ecoman user add --no-password` または DASHBOARD_PROXY_ROLES で割り当てられます。",
    user_removed: "このユーザーは削除されています。",
    wrong_password: "ユーザー名またはパスワードが正しくありません。",
    too_many_tries: |seconds| {
        format!("失敗した試行が多すぎます。{seconds} 秒後にもう一度実行してください。")
    },
    cross_site: "別のサイトのページからのリクエストのため、拒否しました。",
    other_origin: |origin, host| {
        format!(
            "別のサイトのページからのリクエストのため、拒否しました（Origin ヘッダー {origin:?}、Host ヘッダー {host:?}）。プロキシの背後にあるこのサーバ自身のページであれば、ブラウザの Host ヘッダーをポートも含めて渡すようにプロキシを設定してください（nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On）。"
        )
    },
    forbidden: |caller, needed, role, limited| {
        let enough = limited && role >= needed;
        let (needed, own) = (role_name(needed), role_name(role));
        if enough {
            spaced(&[
                caller,
                "のロールは一部のホストの",
                own,
                "です。この操作にはすべてのホストの",
                needed,
                "のロールが必要です。",
            ])
        } else {
            spaced(&[
                caller,
                "のロールは",
                own,
                "です。この操作には",
                needed,
                "のロールが必要です。",
            ])
        }
    },
    out_of_reach: |caller, node, nodes| match nodes {
        [] => spaced(&[
            caller,
            "には",
            node,
            "へのアクセス権限がありません。他のホストへの権限もありません。",
        ]),
        nodes => spaced(&[
            caller,
            "には",
            node,
            "へのアクセス権限がありません。アクセスできるホスト: ",
            &nodes.join("、"),
        ]),
    },
    caller_with_token: |token, owner| spaced(&[owner, "のトークン「", token, "」"]),
    caller_unknown: "ログインしていない呼び出し元",
    no_password_sign_in: "このサーバではパスワードによるログインはできません（DASHBOARD_SIGN_IN）。",
    no_sign_in: "ログインは無効で、すべてのクライアントがすべての権限を持ちます。ユーザーとトークンを使用するには DASHBOARD_SIGN_IN を設定してください。",
    not_by_password: "パスワードを変更できるのは、パスワードでログインしたユーザーだけです。",
    sign_in_unavailable: "ユーザー、セッション、トークンを読み書きできません。原因はサーバのログに記録されています。",
    token_not_found: "この API トークンはありません。取り消された可能性があります。",
    user_not_found: |name| spaced(&["ユーザー「", name, "」はありません。"]),
    user_taken: |name| spaced(&["ユーザー「", name, "」はすでに存在します。"]),
    last_admin: |name| {
        spaced(&[
            "「",
            name,
            "」はすべてのホストの最後の管理者です。先に別のユーザーを管理者にしてください。",
        ])
    },
};

fn role_name(role: Role) -> &'static str {
    super::first_load::PARTS.roles.of(role)
}

fn title(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::BadParameters => "無効なクエリ パラメータ",
        ProblemKind::BadBody | ProblemKind::BadMachineBody => "無効な本文",
        ProblemKind::BadIdempotencyKey => "無効な Idempotency-Key",
        ProblemKind::Http => "無効なリクエスト",
        ProblemKind::UnsupportedMediaType => "サポートされないメディア タイプ",
        ProblemKind::TooLarge => "本文が大きすぎます",
        ProblemKind::NotAcceptable => "提供できない形式",
        ProblemKind::NotFound => "見つかりません",
        ProblemKind::MethodNotAllowed => "許可されないメソッド",
        ProblemKind::ForeignHost => "許可されないホスト名",
        ProblemKind::Timeout => "タイムアウト",
        ProblemKind::Internal => "内部エラー",

        ProblemKind::VmNotFound => "仮想マシンが見つかりません",
        ProblemKind::NodeNotFound => "ホストが見つかりません",
        ProblemKind::Starting => "起動中",
        ProblemKind::StoreUnavailable => "データベースを使用できません",

        ProblemKind::StoreUnwritable => "データベースに書き込めません",

        ProblemKind::TaskNotFound => "タスクが見つかりません",
        ProblemKind::IdempotencyKeyReused => "Idempotency-Key が使用済みです",
        ProblemKind::Refused | ProblemKind::TaskRefused => "現在は実行できません",
        ProblemKind::ReadOnly => "読み取り専用ホスト",
        ProblemKind::NameTaken | ProblemKind::UserTaken => "名前が重複しています",
        ProblemKind::ExecutorUnavailable | ProblemKind::TaskExecutor => "Executor を使用できません",
        ProblemKind::NodeFailed => "ホストで失敗しました",
        ProblemKind::NodeTimeout => "ホストが時間内に応答しませんでした",
        ProblemKind::NotDone => "実行されませんでした",
        ProblemKind::Unfinished => "未完了",
        ProblemKind::TaskNode => "ホストで失敗しました",
        ProblemKind::TaskTimeout => "時間内に完了しませんでした",
        ProblemKind::TaskUnreachable => "ホストに接続できません",
        ProblemKind::TaskQuestion => "質問への回答を待っています",
        ProblemKind::TaskInterrupted => "中断",
        ProblemKind::TaskCancelled => "キャンセル済み",
        ProblemKind::PowerChanged => "電源状態が変更されています",
        ProblemKind::VmChanged => "仮想マシンが変更されています",
        ProblemKind::PendingNotFound => "待機中の変更はありません",
        ProblemKind::NotCancellable => "キャンセルできません",

        ProblemKind::NotSignedIn => "ログインしていません",
        ProblemKind::BadCredentials => "ログインが無効になりました",
        ProblemKind::WrongPassword => "ユーザー名またはパスワードが正しくありません",
        ProblemKind::TooManyTries => "試行回数の超過",
        ProblemKind::CrossSite => "別サイトからのリクエスト",
        ProblemKind::Forbidden => "権限がありません",
        ProblemKind::OutOfReach => "このホストへの権限がありません",
        ProblemKind::SignInOff => "このログイン方式では使用できません",
        ProblemKind::NotByPassword => "パスワードでログインしていません",
        ProblemKind::SignInUnavailable => "ログインを使用できません",
        ProblemKind::TokenNotFound => "トークンが見つかりません",
        ProblemKind::UserNotFound => "ユーザーが見つかりません",
        ProblemKind::LastAdmin => "最後の管理者",

        ProblemKind::Unauthorized => "Executor のトークンが違います",
        ProblemKind::BadOrder => "要求を解釈できません",
        ProblemKind::OtherInstance => "別の実行への要求",
        ProblemKind::OtherOrder => "別の要求の ID",
        ProblemKind::Forgotten => "完了し、保持期間を過ぎたタスク",
        ProblemKind::Stopping => "Executor の停止中",
        ProblemKind::Running => "タスクは実行中です",
    }
}
