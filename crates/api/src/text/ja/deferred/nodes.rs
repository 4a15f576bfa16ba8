//! The pages of the nodes.

use crate::text::Template;
use crate::text::deferred::NodePages;
use crate::text::ja::format::{bytes, grouped, hosts, megabytes, units};
use crate::text::ja::spaced;
use crate::{RoundCost, Way};

pub(super) const NODES: NodePages = NodePages {
    nodes: "ホスト",
    title: hosts,
    title_some: |answering, nodes| spaced(&[&hosts(nodes), "中", &units(answering)]),
    some_answer: |answering, nodes| spaced(&[&hosts(nodes), "中", &units(answering), "が応答"]),
    loading: "ホストを読み込んでいます",
    not_loaded: "ホストを読み込めませんでした",
    none: "ホストはまだありません",
    none_why: "hosts.yml にホストが記述されていないか、クローラがまだ読み込んでいません。追加すると、自動的に表示されます。",
    node: "ホスト",
    state: "状態",
    vms: "仮想マシン",
    cpu: "CPU",
    memory: "メモリ",
    free_memory: "空きメモリ",
    provisioned_on: "割り当て（オン）",
    provisioned_all: "割り当て（すべて）",
    vms_of_which_on: "仮想マシン（オン / すべて）",
    sort_by: |column| spaced(&[column, "で並べ替え"]),
    totals: "合計",
    of_memory: |mb| format!("/ {}", megabytes(mb)),
    ratio: |hundredths| format!("{}.{:02} : 1", hundredths / 100, hundredths % 100),
    memory_bar: |used, on, all| {
        format!(
            "使用済み {used}、パワーオン状態の仮想マシンへのプロビジョニング済み {on}、合計 {all}"
        )
    },
    datastores: "データストア",
    esxi: "ESXi",
    not_tried: "未接続",
    not_answering: "応答なし",
    not_reported: "最近の情報なし",
    reachable: "接続済み",
    in_maintenance: "メンテナンス モード",
    read_only: "読み取り専用",
    seen: Template::new("最終確認: {0}"),
    failed: |node, symptom| spaced(&[node, ": ", symptom, ": "]),
    failed_since: Template::new("（{0} から）"),
    on: "オン",
    off: "オフ",
    suspended: "サスペンド",
    unknown: "不明",
    large: "大規模",
    in_all: |size| format!("合計 {size}"),
    vcpus: |cpus| spaced(&["仮想 CPU", " ", &grouped(cpus)]),
    vcpus_on_threads: |cpus, threads| {
        spaced(&[
            "仮想 CPU",
            " ",
            &grouped(cpus),
            "、スレッド",
            &grouped(threads.into()),
        ])
    },
    vcpus_to_threads: |cpus, threads| {
        spaced(&[
            "vCPU",
            " ",
            &grouped(cpus),
            " : スレッド",
            &grouped(threads.into()),
        ])
    },
    cpu_of: |node| spaced(&[node, "の CPU"]),
    memory_of: |node| spaced(&[node, "のメモリ"]),
    datastore_named: |name| spaced(&["データストア", " ", name]),
    not_accessible: "アクセス不能",
    free: |size| format!("空き {}", bytes(size)),
    version: |version, build| format!("{version} ({build})"),
    loading_one: "ホストを読み込んでいます",
    one_not_loaded: "ホストを読み込めませんでした",
    no_such_node: |node| spaced(&["ホスト「", node, "」はありません"]),
    no_such_node_why: "hosts.yml に記述されていないか、削除されています。",
    new_vm_here: "仮想マシンの作成",
    capacity: "容量",
    provisioned: "メモリの割り当て",
    storage_provisioned: "ストレージの割り当て",
    storage_to_vms: "（今後の増加分を含む）",
    memory_provisioned: |on, all| {
        format!(
            "パワーオン状態 {}、すべて {}",
            megabytes(on),
            megabytes(all)
        )
    },
    machine: "ハードウェア",
    model: "モデル",
    processor: "プロセッサ",
    cores: "コア",
    sockets_cores_threads,
    started: "起動日時",
    address: "アドレス",
    address_and_port: |address, port| format!("{address}、ポート {port}"),
    user: "ユーザー",
    rounds: "インベントリ収集",
    last_complete: "前回の成功",
    last_tried: "前回の試行",
    took: "所要時間",
    next: "次回",
    asked_by: "収集方法",
    way: |way| match way {
        Way::Follow => "常駐プログラム",
        Way::Read => "収集ごとに 1 つのプログラム",
        Way::VimCmd => "vim-cmd",
    },
    asked_since: "この方法の開始",
    asked_why: "理由",
    round_costs: "前回の負荷",
    round_cost,
    poll: "今すぐ取得",
    poll_tip: "ホスト、データストア、ネットワークを再取得し、収集方法を検証し直します。",
    poll_paused: "ログインが拒否されたため、アカウントのロックを避けて一時停止しています。次回の試行時刻は下に表示されます。",
    poll_not_begun: "60 秒経っても取得が始まりません。crawler が動作しているか確認してください。",
    for_new_vms: "新規仮想マシンのデフォルト",
    directory: "ディレクトリ",
    installer_iso: "インストーラ ISO",
    port_group: "ポート グループ",
    port_groups: "ポート グループ",
    all_vlans: |switch| spaced(&[switch, "、すべての VLAN"]),
    vlan: |switch, vlan| format!("{switch}、VLAN {vlan}"),
};

/// `コマンド 2、ログイン 1、CPU 40 ms、メモリ 18 MB`, as far as it is known.
fn round_cost(cost: &RoundCost) -> String {
    let mut parts = vec![
        format!("コマンド {}", grouped(cost.commands)),
        format!("ログイン {}", grouped(cost.sign_ins)),
    ];
    let millis = cost.cpu_millis.map(grouped);
    parts.extend(millis.map(|millis| format!("CPU {millis} ms")));
    let mb = cost.memory_kib.map(|kib| megabytes(kib >> 10));
    parts.extend(mb.map(|mb| format!("メモリ {mb}")));
    parts.join("、")
}

/// `ソケット 2、コア 16、スレッド 32`, as far as they are known.
fn sockets_cores_threads(sockets: Option<u32>, cores: Option<u32>, threads: Option<u32>) -> String {
    [
        (sockets, "ソケット "),
        (cores, "コア "),
        (threads, "スレッド "),
    ]
    .into_iter()
    .filter_map(|(count, word)| Some(word.to_owned() + &grouped(count?.into())))
    .collect::<Vec<_>>()
    .join("、")
}
