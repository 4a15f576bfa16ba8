//! Deleting a VM: the dialog on its page.

use ecoman_model::Stays;

use crate::text::deferred::DeletionPages;
use crate::text::ja::spaced;
use crate::text::ja::tasks;

pub(super) const DELETION: DeletionPages = DeletionPages {
    open: "削除…",
    open_tip: "仮想マシンの登録解除、またはディスクから削除",
    question: |vm, host| spaced(&[vm, "（", host, "）を削除しますか？"]),
    what: "削除の範囲",
    unregister: "登録解除",
    unregister_means: "仮想マシンをホストのインベントリから削除します。ファイルは残り、再登録できます。",
    delete: "ディスクから削除",
    delete_means: "仮想マシンとファイルを削除します。元に戻すことはできません。",
    files_at: "残るファイルの場所:",
    looking: "ホスト上のファイルを確認しています…",
    not_looked_at: |why| spaced(&["ファイルを確認できませんでした: ", why]),
    look_again: "再確認",
    forbidden: "ディスクから削除できません:",
    goes: |count, size| {
        spaced(&[
            "削除されるファイル: ",
            &count.to_string(),
            "個（",
            size,
            "）",
        ])
    },
    stays: |count| spaced(&["残るファイル: ", &count.to_string(), "個"]),
    nothing_stays: "ディレクトリには何も残りません。",
    why_stays: |why| match why {
        Stays::Foreign => "この仮想マシンのファイルではありません",
        Stays::Iso => "ISO イメージ",
        Stays::Elsewhere => "仮想マシンのディレクトリの外",
        Stays::Shared => "ほかで使用中",
    },
    obstacle: tasks::obstacle,
    type_name: "確認のため、仮想マシンの名前を入力してください",
    not_off: "削除できるのはパワーオフ状態の仮想マシンだけです。",
    typed_name: "確認した名前",
};
