//! Changes of power: the dialog, and the result of the last one.

use crate::text::Template;
use crate::text::deferred::PowerPages;
use crate::text::ja::format::{cases, grouped, hosts, units, vms};
use crate::text::ja::spaced;

pub(super) const POWER: PowerPages = PowerPages {
    list_not_loaded: "仮想マシンのリストを読み込んでいます。",
    under_way: Template::new("{0}: {1}"),
    unsuccessful: Template::new("{0}: 失敗（{1}）: {2}"),
    more: "その他の電源操作",
    still_on: "ゲスト OS はまだ動作しています",
    wait_longer: "待機を続ける",
    wait_longer_tip: |time| {
        spaced(&[
            "ゲスト OS にもう一度シャットダウンを要求し、最大",
            time,
            "待機します。",
        ])
    },
    power_off: "パワーオフ…",
    power_off_now: "今すぐパワーオフ",
    stop_waiting: "待機を終了",
    stop_waiting_tip: "シャットダウンは要求済みのため、この後に停止することがあります。",
    waits_for_answer: "この仮想マシンは質問への回答を待っています",
    type_the_number: Template::new("確認のため {0} と入力してください"),
    seconds_to_wait: |least, most| {
        format!(
            "ゲスト OS の制限時間（{least}～{} 秒）",
            grouped(most.into())
        )
    },
    none_of_these: |order| spaced(&[order, "できる仮想マシンはありません"]),
    question: |order, vms| spaced(&[vms, "を", order, "しますか？"]),
    heading: |order, vms| spaced(&[vms, "の", order]),
    confirm_many: |order, count| spaced(&[order, "（", &units(count), "）"]),
    instead: |order| spaced(&["代わりに", order]),
    instead_for_some: |order, some, all| {
        spaced(&[
            "代わりに",
            order,
            "（",
            &units(all),
            "中",
            &units(some),
            "）",
        ])
    },
    no_vm_left: "対象の仮想マシンがなくなりました。",
    from_to: |from, to| format!("{from} → {to}"),
    loses_memory: "サスペンド状態のため、保存されたメモリの内容が失われます。",
    many_lose_memory: |count| {
        spaced(&[
            "サスペンド状態の",
            &units(count),
            "は、保存されたメモリの内容が失われます。",
        ])
    },
    short_of_memory: |node, wanted, free| {
        spaced(&[
            node,
            ": 必要なメモリは",
            wanted,
            "、空きメモリは",
            free,
            "です。",
        ])
    },
    changed_meanwhile: "このダイアログを開いた後に変更されました",
    was_removed: Template::new("{0} は {1} から削除されました。"),
    is_other: Template::new("{0}: {1}（{2}）"),
    is_changing: Template::new("{0}: 変更中（{1}）。"),
    was_changed: Template::new("{0}: 変更済み（{1}）。"),
    cannot_now: Template::new("{0}: {1}"),
    change: Template::new("{0}、{1}"),
    change_by: Template::new("{0}、実行者 {1}、{2}"),
    change_outside: "ECoMan 以外",
    node_silent: Template::new(
        "{0} は {1} から応答していません。表示内容が古い可能性があり、操作は失敗することがあります。",
    ),
    review: "再確認",
    review_tip: "現在の状態の仮想マシンについて、もう一度確認します。",
    and_more: |count| spaced(&["他", &units(count)]),
    left_out_listed_last: |count| {
        spaced(&[&units(count), "はスキップされます（リストの末尾を参照）。"])
    },
    all_left_out: |count| spaced(&[&units(count), "はスキップされます。"]),
    preview: "対象と変更内容",
    left_out: "スキップ",
    sending: "送信中",
    tally: |done, failed, under_way| {
        format!(
            "完了 {}、失敗 {}、実行中 {}",
            cases(done),
            cases(failed),
            cases(under_way)
        )
    },
    results: "結果",
    goes_on: Template::new("このダイアログは閉じてもかまいません。進行状況は {0} で確認できます。"),
    is_over: Template::new("手順とコマンドは {0} で確認できます。"),
    tasks: "[タスク]",
    vm_on_node: |vm, node| spaced(&[vm, "（", node, "）"]),
    vms,
    vms_on_nodes: |count, nodes| spaced(&[&hosts(nodes), "上の", &vms(count)]),
};
