//! The page of a VM.

use crate::text::Template;
use crate::text::deferred::VmPage;
use crate::text::ja::format::{bytes, counted, grouped, megabytes};
use crate::text::ja::spaced;

pub(super) const VM: VmPage = VmPage {
    title: |vmid, node| format!("仮想マシン {vmid} · {node}"),
    title_named: |name, node| format!("{name} · {node}"),
    loading: "仮想マシンを読み込んでいます",
    not_loaded: "仮想マシンを読み込めませんでした",
    place_in_list: "リスト内の位置",
    previous: "前の仮想マシン",
    next: "次の仮想マシン",
    gone: |vmid, node| {
        let vmid = vmid.to_string();
        spaced(&[node, "に ID", " ", &vmid, "の仮想マシンはありません"])
    },
    gone_named: |name, vmid, node| {
        let vmid = vmid.to_string();
        spaced(&[node, "に", name, "（ID ", &vmid, "）はありません"])
    },
    gone_why: |node| {
        spaced(&[
            node,
            "から削除されたか、別の ID で再登録されたか、アクセス権限がない可能性があります。",
        ])
    },
    stale: Template::new("情報が古くなっています。最終更新: {0}。"),
    not_seen_again: "前回の収集では検出されませんでした。",
    large: "大規模",
    large_because: Template::new("大規模: {0}"),
    overview: "概要",
    node: "ホスト",
    vmid: "仮想マシン ID",
    guest_os: "ゲスト OS",
    host_name: "ホスト名",
    ip_address: "IP アドレス",
    copy_ip_address: "IP アドレスをコピー",
    last_known: Template::new("最後に確認された値（{0} まで報告）"),
    uptime: "稼働時間",
    since: Template::new("（{0} から）"),
    tools: "VMware Tools",
    tools_running: "実行中",
    tools_old: "実行中（旧バージョン）",
    tools_not_running: "停止中",
    tools_not_installed: "未インストール",
    status: "全体のステータス",
    status_with_files: |status, files| spaced(&[status, "、ファイル: ", files]),
    last_seen: "最終確認",
    owner: "所有者",
    expires_on: "有効期限",
    comment: "メモ",
    hardware: "ハードウェア",
    cpu: "CPU",
    ram: "メモリ",
    ram_exact: |mb| format!("{}（{} MB）", megabytes(mb), grouped(mb)),
    storage_in_use: "使用済みストレージ",
    storage_exact: |size| format!("{}（{}）", bytes(size), counted(size, "バイト")),
    may_grow_by: "今後の増加分",
    disks: "ディスク",
    network_cards: "ネットワーク アダプタ",
    hardware_version: "ハードウェア バージョン",
    usage: "使用状況",
    guest_memory: "ゲスト メモリ",
    host_memory: "ホスト メモリ",
    storage: "ストレージ",
    files: "ファイル",
    datastore: "データストア",
    configuration: "構成ファイル",
    copy_path: "パスをコピー",
    bios_uuid: "BIOS UUID",
    copy_uuid: "UUID をコピー",
    log_in_to: Template::new("{0} へのログイン"),
    ask_for_this_vm: "この仮想マシンの詳細（vim-cmd）",
    copy_vim_cmd_line: "vim-cmd コマンドをコピー",
    raw_facts: "すべてのプロパティ",
    copy_json: "JSON としてコピー",
};
