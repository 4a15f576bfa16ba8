//! The form for a new VM.

use crate::text::Template;
use crate::text::deferred::NewVmPage;
use crate::text::ja::format::{bytes, cases, grouped, megabytes};
use crate::text::ja::spaced;

pub(super) const NEW_VM: NewVmPage = NewVmPage {
    title: "新規仮想マシンの作成",
    no_nodes: "ホストはまだありません",
    no_nodes_why: "仮想マシンの作成にはホストが必要です。hosts.yml にホストを追加すると、ここに表示されます。",
    part_name: "名前",
    part_size: "サイズ",
    part_node: "ホスト",
    part_system: "システム",
    node: "ホスト",
    name: "名前",
    cpus: "CPU",
    memory: "メモリ",
    disk: "ディスク",
    guest_os: "ゲスト OS",
    datastore: "データストア",
    network: "ネットワーク",
    iso_image: "ISO イメージ",
    comment: "メモ",
    name_hint: "ホスト内で重複しない名前。フォルダ名とファイル名にも使用",
    comment_hint: "所有者、用途、有効期限",
    memory_hint: "MB 単位",
    disk_hint: "GB 単位、シン プロビジョニング",
    up_to: |most| spaced(&["最大", &grouped(most)]),
    hint_up_to: |hint, most| spaced(&[hint, "、最大", &grouped(most)]),
    field_wrong: |field, rule| spaced(&[field, ": ", rule]),
    presets: "プリセット",
    suggested: "推奨",
    blocked: |why| format!("{why} · "),
    not_on_this_node: |value| spaced(&[value, "（このホストにはありません）"]),
    guests_of_node: |node, hardware| {
        let hardware = hardware.to_string();
        spaced(&[
            node,
            "がサポートするゲスト OS（ハードウェア バージョン",
            " ",
            &hardware,
            "）",
        ])
    },
    by_hosts_yml: |value| spaced(&[value, "（デフォルト）"]),
    datastore_free: |name, free, all| {
        spaced(&[name, ": 空き容量", &bytes(free), " / ", &bytes(all)])
    },
    datastore_not_accessible: |name| spaced(&[name, ": アクセス不能"]),
    missing: |words| spaced(&[words, ": このホストにありません"]),
    port_group: |name, switch| spaced(&[name, "（", switch, "）"]),
    port_group_vlan: |name, switch, vlan| {
        spaced(&[name, "（", switch, "、VLAN ", &vlan.to_string(), "）"])
    },
    no_iso: "なし（空の CD/DVD ドライブ）",
    iso_sized: |path, size| spaced(&[path, "（", &bytes(size), "）"]),
    read_from: |node, ago| spaced(&[node, "のインベントリ（", ago, "）"]),
    not_read_yet: |node| spaced(&[node, "のインベントリはまだ取得されていません。"]),
    power_on: "作成後にパワーオンする",
    summary: "サマリ",
    create: "作成",
    may_not_create: "現在のロールでは仮想マシンを作成できません。管理者に問い合わせてください。",
    no_name_yet: "（名前未入力）",
    on_no_node: "ホスト未選択",
    on_node: |node| spaced(&["ホスト: ", node]),
    size: |cpus, memory_mb, disk_gb| {
        spaced(&[
            "CPU",
            " ",
            &cpus.to_string(),
            "、メモリ",
            &megabytes(memory_mb),
            "、ディスク",
            &grouped(disk_gb),
            " GB（シン プロビジョニング）",
        ])
    },
    preset_size: |cpus, memory_mb, disk_gb| {
        format!("CPU {cpus} · {} · {disk_gb} GB", megabytes(memory_mb))
    },
    on_network: |network| spaced(&["ネットワーク: ", network]),
    empty_drive: "空の CD/DVD ドライブ",
    in_drive: |file| spaced(&["CD/DVD ドライブ: ", file]),
    powered_on: "作成後にパワーオン",
    left_off: "パワーオフのまま",
    as_of: Template::new("ホスト情報の最終更新: {0}。"),
    errors_to_fix: |faults| {
        spaced(&[
            "仮想マシンを作成するには、",
            &cases(faults),
            "のエラーを修正してください。",
        ])
    },
    order: "空きメモリの割合（50 %）、データストアの空き容量の割合（30 %）、パワーオン状態の仮想マシンに対するメモリのオーバーコミット（20 %）の順位です。いずれもこの仮想マシンを含めて計算します。メモリが不足するホストは最後になり、推奨されません。",
    memory_free: |free, all| spaced(&["空きメモリ", &megabytes(free), " / ", &megabytes(all)]),
    memory_unknown: "空きメモリ不明",
    free_on: |free, datastore| spaced(&[datastore, "の空き容量", &bytes(free)]),
    datastore_unknown: "データストア不明",
    provisioned: ratio,
    over_committed: |hundredths| ratio(hundredths) + "（オーバーコミット）",
    does_not_fit: |short_mb| {
        spaced(&[
            "メモリが",
            &megabytes(short_mb),
            "不足しているため配置できません",
        ])
    },
    free_memory: "空きメモリ",
    then_free: "作成後の空き",
    free_disk: "空き容量",
    provisioned_then: "プロビジョニング済み",
    memory_after: |mb, node| spaced(&["作成後の", node, "の空きメモリ", &megabytes(mb)]),
    disk_after: |size, datastore| spaced(&["作成後の", datastore, "の空き容量", &bytes(size)]),
    read_only: "読み取り専用（hosts.yml の read_only: true）",
    no_answer: "応答なし",
    in_maintenance: "メンテナンス モード",
    few_threads: |threads| spaced(&["スレッドは", &threads.to_string(), "個だけです"]),
    little_memory: |mb| spaced(&["メモリは", &megabytes(mb), "だけです"]),
    little_disk: |gb, datastore| spaced(&[datastore, "の空き容量は", &grouped(gb), " GB だけです"]),
    not_a_number: "整数を入力してください",
    not_chosen: "選択してください",
    name_taken: |node| spaced(&[node, "に同じ名前の仮想マシンがあります"]),
    guest_unknown: |node| spaced(&[node, "は古いため、このゲスト OS をサポートしていません"]),
    no_port_group: |node| spaced(&[node, "のポート グループを選択してください"]),
    no_datastore: |node| spaced(&[node, "のデータストアを選択してください"]),
    datastore_away: |node| {
        spaced(&[
            node,
            "からアクセスできません（別のデータストアを選択してください）",
        ])
    },
};

/// `1.31 : 1`, as vSphere writes over-commitment.
fn ratio(hundredths: u64) -> String {
    format!("{}.{:02} : 1", hundredths / 100, hundredths % 100)
}
