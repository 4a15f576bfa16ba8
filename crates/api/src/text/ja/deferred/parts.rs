//! Parts that several of these pages show.

use crate::text::Template;
use crate::text::deferred::PageParts;

pub(super) const PARTS: PageParts = PageParts {
    copied: "コピーしました",
    not_copied: "コピーできませんでした: テキストを選択して Ctrl+C を押してください",
    in_brackets: Template::new("（{0}）"),
    all_vms: "すべての仮想マシン",
    all_nodes: "すべてのホスト",
    all_tasks: "すべてのタスク",
    up: "上へ",
    cancel: "キャンセル",
    close: "閉じる",
    show_only: "表示を限定",
    every_node: "すべてのホスト",
    show_others: "条件を変更するか、すべてを表示してください。",
    host_client: "Host Client",
    shell: "シェル",
    copy_ssh_line: "ssh コマンドをコピー",
    used_of: |used, total| format!("{used} / {total}"),
    vm_by_id: |vmid| format!("仮想マシン {vmid}"),
    actions: "アクション",
    task_queued: "待機中",
    task_running: "実行中",
    task_succeeded: "完了",
    task_failed: "失敗",
    task_interrupted: "中断",
    task_cancelled: "キャンセル済み",
    not_found: "見つかりません",
    no_such_page: "このページはありません",
    no_such_page_why: "アドレスを確認するか、仮想マシンのリストに移動してください。",
};
