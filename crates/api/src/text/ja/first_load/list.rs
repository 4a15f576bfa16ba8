//! The list of VMs.

use crate::text::Template;
use crate::text::first_load::{Chips, Columns, List};
use crate::text::ja::format::{bytes, hosts, units, vms};
use crate::text::ja::spaced;

pub(super) const LIST: List = List {
    heading: "仮想マシン",
    title: "仮想マシン",
    title_counted: |counted| spaced(&["仮想マシン", " ", counted, "台"]),
    some_of_all: |some, all| spaced(&[all, "台中", some]),
    counted: Template::new("{0} 台"),
    loading: "仮想マシンを読み込んでいます",
    server_starting: "サーバの起動中です。保存されたデータを読み込んでいます。",
    not_loaded: "仮想マシンを読み込めませんでした",
    no_nodes: "ホストはまだありません",
    no_nodes_why: "hosts.yml に ESXi ホストが記述されていません。追加すると、1 分以内に仮想マシンが自動的に表示されます。",
    no_nodes_next: Template::new(
        "追加したら {0} でホスト鍵を登録し、{1} で不足している設定を確認してください。",
    ),
    no_vms: "仮想マシンはありません",
    no_node_listed: |nodes| spaced(&[&hosts(nodes), "のインベントリはまだ取得されていません。"]),
    some_nodes_empty: |answered, nodes| {
        spaced(&[
            &hosts(nodes),
            "中",
            &units(answered),
            "が応答し、仮想マシンはありません。",
        ])
    },
    all_nodes_empty: |nodes| {
        spaced(&[
            &hosts(nodes),
            "が応答し、登録された仮想マシンはありません。",
        ])
    },
    to_nodes: "ホストを表示",
    no_match: "一致する仮想マシンはありません",
    no_match_chips: |count| {
        spaced(&[
            &vms(count),
            "の中に、選択した条件に一致するものはありません。",
        ])
    },
    no_match_filter: |count, filter| {
        spaced(&[
            &vms(count),
            "の中に、「",
            filter,
            "」に一致するものはありません。",
        ])
    },
    no_match_both: |count, filter| {
        spaced(&[
            &vms(count),
            "の中に、「",
            filter,
            "」と選択した条件の両方に一致するものはありません。",
        ])
    },
    clear_filter: "フィルタをクリア",
    search: "仮想マシン",
    show_only: "表示を限定",
    filter: "フィルタ",
    filter_help: "フィルタのヘルプ",
    at_character: |place| format!("{place} 文字目: "),
    use_suggestion: |filter| spaced(&[filter, "を使用"]),
    order: "並べ替え",
    save_csv: "このリストを CSV に保存",
    csv_needs_filter: "フィルタに誤りがあります。",
    new_vm: "仮想マシンの作成",
    no_new_vm: "現在のロールでは仮想マシンを作成できません。管理者に問い合わせてください。",
    chips: Chips {
        running: "パワーオン",
        off: "パワーオフ",
        large: "大規模",
        stale: "古い情報",
        question: "回答待ち",
        pending: "パワーオフ待ち",
    },
    columns: Columns {
        power: "電源",
        node: "ホスト",
        vmid: "ID",
        name: "名前",
        ip: "IP アドレス",
        uptime: "稼働時間",
        cpus: "CPU",
        memory: "メモリ",
        storage: "使用済み",
        guest_os: "ゲスト OS",
        comment: "メモ",
        age: "最終確認",
    },
    failed_change: |order, why| spaced(&[order, "に失敗しました: ", why]),
    edit_vm: |name| spaced(&[name, "を編集"]),
    pending: "パワーオフ後に適用される変更があります",
    answer_vm: |name| spaced(&[name, "の質問に回答"]),
    select_all: "一致するものをすべて選択",
    select_vm: |name| spaced(&[name, "を選択"]),
    stale_spoken: |reason| format!("、情報が古い: {reason}"),
    not_seen_again: "前回の収集では検出されませんでした",
    large: "大規模",
    large_because: |reason| format!("大規模: {reason}"),
    large_spoken: "、大規模",
    large_spoken_because: |reason| format!("、大規模: {reason}"),
    last_known: |time| format!("最後に確認された値（{time} まで報告）"),
    last_known_spoken: "、最後に確認された値",
    large_cpus: |cpus, limit| format!("{cpus} ≥ {limit}"),
    large_memory: |mb, limit| format!("{mb} MB ≥ {limit} MB"),
    large_storage: |size, limit| format!("{} ≥ {limit} GB", bytes(size)),
    by_cpu: |reason| format!("CPU {reason}"),
    by_memory: |reason| format!("メモリ {reason}"),
    by_storage: |reason| format!("ストレージ {reason}"),
    selected_vms: "選択した仮想マシン",
    selected: Template::new("{0} 台を選択"),
    selected_hidden: Template::new("{0} 台を選択（うち {1} 台は非表示）"),
    none_can: |count, why| match count {
        1 => format!("実行できません。{why}"),
        count => spaced(&["実行できません（", &units(count), "すべて）。", why]),
    },
    order_for_some: |order, count| spaced(&[order, "（", count, "台）"]),
    power: "電源",
    select_none: "選択を解除",
};
