//! Snapshots: the card of a VM, its dialogs, and their tasks.

use crate::text::Template;
use crate::text::deferred::SnapshotPages;
use crate::text::ja::format::counted;
use crate::text::ja::spaced;

pub(super) const SNAPSHOTS: SnapshotPages = SnapshotPages {
    title: "スナップショット",
    loading: "スナップショットを読み込んでいます",
    none: "スナップショットはありません",
    none_why: "変更の前に作成しておくと、その時点に戻せます。",
    not_loaded: |why| format!("スナップショットを読み込めませんでした。{why}"),
    reload: "更新",
    take: "スナップショットの作成",
    take_tip: "現在のディスクの状態を保存し、後で戻せるようにします。",
    remove_all: "すべて削除",
    revert: "戻す",
    remove: "削除",
    revert_to: |name| spaced(&[name, "に戻す"]),
    remove_this: |name| spaced(&[name, "を削除"]),
    you_are_here: "現在点",
    with_memory: "メモリを含む",
    suspended: "サスペンド",
    quiesced: "静止済み",
    free: |free| spaced(&["データストアの空き容量", free]),
    name: "名前",
    description: "説明",
    memory: "仮想マシンのメモリ",
    memory_takes: |size| spaced(&["メモリを含める（", size, "）"]),
    quiesce: "ゲスト ファイル システムを静止（VMware Tools）",
    quiesce_tip: "VMware Tools を使用して、未保存データを先に書き込みます。",
    snapshot_id: "スナップショット ID",
    yes: "はい",
    no: "いいえ",
    step_at: |step, percent| format!("{step}、{percent} %"),
    take_of: |vm| spaced(&[vm, "のスナップショットの作成"]),
    too_little_space: |needed, free| {
        spaced(&[
            "データストアの空き容量は",
            free,
            "です。スナップショットには",
            needed,
            "以上が必要です。",
        ])
    },
    revert_question: |vm, snapshot| spaced(&[vm, "を「", snapshot, "」に戻しますか？"]),
    revert_loses: Template::new(
        "このスナップショット（{0}）より後のディスクの変更は、別のスナップショットに含まれていない限り失われます。",
    ),
    revert_loses_state: "仮想マシンは動作中です。ゲスト OS への確認なしに、現在の状態が失われます。",
    revert_jumps_back: "メモリ、CPU、ネットワーク、メモはその時点の内容に戻ります。",
    revert_runs: "戻した後、その時点から動作を続けます。",
    revert_off: "戻した後はパワーオフ状態になります。",
    revert_suspended: "戻した後はサスペンド状態になります。",
    keep_off: "パワーオフのままにする",
    remove_question: |vm, snapshot| spaced(&[vm, "の「", snapshot, "」を削除しますか？"]),
    remove_keeps_vm: "仮想マシンの現在の状態は変わりません。このスナップショットには戻せなくなります。",
    remove_takes_time: "変更内容を下位のディスクに統合するため、時間がかかり、仮想マシンが遅くなることがあります。途中で停止できません。",
    children: |count| match count {
        1 => "下位のスナップショットも削除".to_owned(),
        count => spaced(&[
            "下位のスナップショット",
            &counted(count as u64, "個"),
            "も削除",
        ]),
    },
    remove_all_question: |vm, count| {
        spaced(&[
            vm,
            "のスナップショット",
            &counted(count as u64, "個"),
            "をすべて削除しますか？",
        ])
    },
    remove_all_keeps_vm: "仮想マシンの現在の状態は変わりません。スナップショットには戻せなくなります。",
    full_warning: |free| {
        spaced(&[
            "データストアの空き容量は",
            free,
            "だけです。処理中に不足する可能性があります。",
        ])
    },
    read_only: "このホストは読み取り専用です（hosts.yml の read_only: true）。",
    not_permitted: "現在のロールでは許可されていません。",
    busy: "この仮想マシンに対する別の操作を実行中です。",
};
