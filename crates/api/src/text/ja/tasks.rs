//! Tasks: their titles, their steps, and their summaries in the audit log.

use chrono::{DateTime, SecondsFormat, Utc};
use ecoman_model::{
    Edit, FixedDisk, FixedDiskKind, Obstacle, ObstacleKind, PowerAction, Setting, Step, TaskRequest,
};

use super::acts::ACTS;
use super::refusals::power;
use super::spaced;
use crate::text::Tasks;

pub(super) static TASKS: Tasks = Tasks {
    title,
    step,
    summary,
    obstacle,
    fixed_disk,
    cancel_summary: |request| format!("キャンセル: {request}"),
    pending_summary: |request| format!("{request}、パワーオフ後に適用"),
    pending_not_permitted: "パワーオフ時に、要求者には変更する権限がありませんでした。",
    pending_cancelled: "パワーオフ待ちの変更の取り消し",
    poll_summary: "今すぐ取得",
    changed_by: |title, actor, at| {
        let at = time(at);
        match actor {
            Some(actor) => spaced(&[title, "（要求者: ", actor, "、終了: ", &at, "）。"]),
            None => spaced(&[title, "（終了: ", &at, "）。"]),
        }
    },
    changed_outside: |seen_at| {
        spaced(&[
            "ECoMan 以外で変更されました（検出: ",
            &time(seen_at),
            "）。",
        ])
    },
    not_handed_over: |why, node| spaced(&[why, " ", node, "には何も要求していません。"]),
    not_handed_over_hint: "Executor が復旧してから、もう一度実行してください。",
    too_late: "時間内に Executor へ渡せませんでした。",
    interrupted: |node| {
        spaced(&[
            node,
            "での実行中に Executor が停止しました。どこまで進んだかは不明です。",
        ])
    },
    interrupted_hint: "自動では再実行されません。クローラがホストを確認しています。状態を確認し、必要であればもう一度実行してください。",
    executor_died: "途中で Executor が停止しました。結果は不明です。",
    snapshots_left: |count| match count {
        0 => "スナップショットはありません。".to_owned(),
        count => format!("スナップショット {count} 個。"),
    },
    vm_by_id: |vmid| format!("仮想マシン {vmid}"),
    some_vm: "仮想マシン",
};

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn title(request: &TaskRequest, vm: &str, node: &str) -> String {
    match request {
        TaskRequest::Power(change) => {
            spaced(&[vm, "（", node, "）の", ACTS.order.of(change.action)])
        }
        TaskRequest::Create(new_vm) => spaced(&[&new_vm.name, "（", node, "）の作成"]),
        TaskRequest::Answer(_) => spaced(&[vm, "（", node, "）の質問への回答"]),
        TaskRequest::CleanUp(clean_up) => spaced(&[
            &clean_up.vm.name,
            "（",
            node,
            "）の中断された作成のクリーンアップ",
        ]),
        TaskRequest::SnapshotCreate(_) => spaced(&[vm, "（", node, "）のスナップショットの作成"]),
        TaskRequest::SnapshotRevert(_) => spaced(&[vm, "（", node, "）をスナップショットに戻す"]),
        TaskRequest::SnapshotRemove(act) if act.children => spaced(&[
            vm,
            "（",
            node,
            "）のスナップショットと下位のスナップショットの削除",
        ]),
        TaskRequest::SnapshotRemove(_) => spaced(&[vm, "（", node, "）のスナップショットの削除"]),
        TaskRequest::SnapshotRemoveAll(_) => {
            spaced(&[vm, "（", node, "）のすべてのスナップショットの削除"])
        }
        TaskRequest::Unregister(_) => spaced(&[vm, "（", node, "）の登録解除"]),
        TaskRequest::Destroy(_) => spaced(&[vm, "（", node, "）をディスクから削除"]),
        TaskRequest::Edit(edit) => spaced(&[vm, "（", node, "）の", &settings(edit), "の編集"]),
        TaskRequest::CdromChange(act) => match act.iso_path {
            Some(_) => spaced(&[vm, "（", node, "）への ISO イメージの挿入"]),
            None => spaced(&[vm, "（", node, "）からの ISO イメージの取り出し"]),
        },
        TaskRequest::NicMove(act) => spaced(&[
            vm,
            "（",
            node,
            "）の",
            act.nic.as_str(),
            "を",
            &act.network,
            "に移動",
        ]),
        TaskRequest::DiskGrow(act) => spaced(&[
            vm,
            "（",
            node,
            "）のディスク",
            act.disk.as_str(),
            "を",
            &format!("{} GB", act.size_gb),
            "に拡張",
        ]),
    }
}

/// Which settings are changed.
fn settings(edit: &Edit) -> String {
    let settings = edit.settings.named();
    let words: Vec<_> = settings
        .map(|(setting, _)| (ACTS.setting)(setting))
        .collect();
    match words.is_empty() {
        true => "設定".to_owned(),
        false => words.join("、"),
    }
}

fn step(step: Step) -> String {
    let order = match step {
        Step::Power {
            action: PowerAction::Shutdown,
        } => "ゲスト OS のシャットダウン要求",
        Step::Power {
            action: PowerAction::Reboot,
        } => "ゲスト OS の再起動要求",
        Step::Power { action } => ACTS.order.of(action),
        Step::WaitFor { power: state } => return spaced(&[power(state), "になるまで待機"]),
        Step::CreateDisk { gb } => {
            return format!("ディスクの作成（{gb} GB、シン プロビジョニング）");
        }
        Step::GrowDisk { gb } => return format!("ディスクを {gb} GB に拡張"),
        Step::RemoveSnapshots { count } if count > 1 => {
            return format!("スナップショット {count} 個の削除");
        }
        Step::RemoveSnapshots { count: 0 } => "すべてのスナップショットの削除",
        Step::RemoveSnapshots { .. } => "スナップショットの削除",
        Step::ReadSnapshots => "仮想マシンとスナップショットの確認",
        Step::TakeSnapshot => "スナップショットの作成",
        Step::RevertToSnapshot => "スナップショットに戻す",
        Step::CompareSnapshots => "スナップショットの検証",
        Step::LookAtDisk => "ディスクと使用状況の確認",
        Step::CompareDisk => "サイズの検証",
        Step::LookAtFiles => "仮想マシンとファイルの確認",
        Step::Unregister => "仮想マシンの登録解除",
        Step::Destroy => "ディスクから削除",
        Step::LookWhatIsLeft => "削除結果と残存ファイルの確認",
        Step::FollowOnNode => "ホストでの進行状況の確認",
        Step::LookAtVm => "仮想マシンの確認",
        Step::SeeThatOn => "パワーオン状態の確認",
        Step::LookAtQuestion => "質問の確認",
        Step::Answer => "質問に回答",
        Step::WaitForVm => "処理の再開を待機",
        Step::CheckNewVm => "名前、空き容量、ネットワーク、ISO イメージの確認",
        Step::MakeDirectory => "ディレクトリの作成",
        Step::WriteConfiguration => "構成ファイルの書き込み",
        Step::Register => "仮想マシンの登録",
        Step::CompareVm => "構成の検証",
        Step::ReadConfiguration => "構成ファイルの読み取りと比較",
        Step::WriteBeside => "変更した構成ファイルの書き込み",
        Step::ReplaceConfiguration => "構成ファイルの置き換え",
        Step::Reload => "ホストによる再読み込み",
        Step::CompareSettings => "設定の検証",
        Step::PutBack => "ロールバック（以前の構成ファイルに戻す）",
        Step::Undo => "ロールバック",
        Step::LookForLeftovers => "残存ファイルの確認",
        Step::RemoveLeftovers => "残存ファイルの削除",
    };
    order.to_owned()
}

fn summary(request: &TaskRequest) -> String {
    match request {
        TaskRequest::Power(change) => ACTS.order.of(change.action).to_owned(),
        TaskRequest::Create(vm) => format!(
            "作成（CPU {}、メモリ {} MB、ディスク {} GB）",
            vm.cpus, vm.memory_mb, vm.disk_gb
        ),
        TaskRequest::Answer(answer) => format!("質問に回答（選択肢 {}）", answer.choice),
        TaskRequest::CleanUp(clean_up) => {
            format!("タスク {} のクリーンアップ", clean_up.task)
        }
        TaskRequest::SnapshotCreate(act) => spaced(&[
            "スナップショット「",
            &act.name,
            "」の作成",
            if act.memory {
                "、メモリを含む"
            } else {
                ""
            },
            if act.quiesce { "、静止" } else { "" },
        ]),
        TaskRequest::SnapshotRevert(act) => spaced(&[
            "スナップショット",
            &act.snapshot.to_string(),
            "に戻す",
            if act.keep_off {
                "、パワーオフのまま"
            } else {
                ""
            },
        ]),
        TaskRequest::SnapshotRemove(act) => spaced(&[
            "スナップショット",
            &act.snapshot.to_string(),
            "の削除",
            if act.children {
                "、下位を含む"
            } else {
                ""
            },
        ]),
        TaskRequest::SnapshotRemoveAll(_) => "すべてのスナップショットの削除".to_owned(),
        TaskRequest::Unregister(_) => "登録解除".to_owned(),
        TaskRequest::Destroy(_) => "ディスクから削除".to_owned(),
        TaskRequest::Edit(edit) => {
            let changes: Vec<_> = edit.settings.named().map(new_value).collect();
            spaced(&["設定の編集（", &changes.join("、"), "）"])
        }
        TaskRequest::CdromChange(act) => match &act.iso_path {
            Some(path) => spaced(&[path, "の挿入"]),
            None => "ISO イメージの取り出し".to_owned(),
        },
        TaskRequest::NicMove(act) => spaced(&[act.nic.as_str(), "を", &act.network, "に移動"]),
        TaskRequest::DiskGrow(act) => spaced(&[
            "ディスク",
            act.disk.as_str(),
            "を",
            &format!("{} GB", act.size_gb),
            "に拡張",
        ]),
    }
}

pub(super) fn obstacle(it: &Obstacle) -> String {
    let Obstacle { kind, path, by } = it;
    match (kind, by) {
        (ObstacleKind::Elsewhere, _) => spaced(&[
            path,
            "は仮想マシンのディレクトリの外にあります。先にディスクを仮想マシンから取り外すか、登録解除してください。",
        ]),
        (ObstacleKind::Shared, by) => {
            let by = by.as_deref().unwrap_or("別の仮想マシン");
            spaced(&[path, "は", by, "でも使用されています。"])
        }
        (ObstacleKind::Link, _) => spaced(&[path, "はリンクです。リンク先を確認してください。"]),
        (ObstacleKind::InUse, Some(by)) => {
            spaced(&[path, "は使用中です（ロックの所有者: ", by, "）。"])
        }
        (ObstacleKind::InUse, None) => spaced(&[path, "は使用中です（ロックあり）。"]),
        (ObstacleKind::OtherNode, by) => {
            let by = by.as_deref().unwrap_or("別のホスト");
            spaced(&[
                "同じボリュームの",
                path,
                "に",
                by,
                "の仮想マシンがあります。どちらかを登録解除してください。",
            ])
        }
        (ObstacleKind::Unsure, _) => spaced(&[
            path,
            "を確認できないため、ファイルがほかで使用されていないか不明です。",
        ]),
    }
}

pub(super) fn fixed_disk(it: &FixedDisk) -> String {
    let by = it.by.as_deref();
    match it.kind {
        FixedDiskKind::Snapshots => {
            "仮想マシンにスナップショットがあるか、ディスクが別のディスクを基にしています。先にスナップショットを削除してください。"
                .to_owned()
        }
        FixedDiskKind::RawDevice => "raw デバイス マッピングです。".to_owned(),
        FixedDiskKind::Shared => {
            "複数の仮想マシンが書き込むことのできる共有ディスクです。".to_owned()
        }
        FixedDiskKind::Needed => {
            spaced(&[by.unwrap_or("別の仮想マシン"), "でも使用されています。"])
        }
        FixedDiskKind::Format => spaced(&[
            by.unwrap_or("この"),
            "形式のディスクは、ホストでは拡張できません。",
        ]),
        FixedDiskKind::Unsure => spaced(&[
            by.unwrap_or("ファイル"),
            "を確認できないため、ディスクがほかで使用されていないか不明です。",
        ]),
    }
}

/// A new value in a few words.
fn new_value((setting, value): (Setting, String)) -> String {
    const MOST: usize = 30;
    let word = (ACTS.setting)(setting);
    match setting {
        Setting::Memory => format!("{word}: {value} MB"),
        Setting::Comment if value.is_empty() => format!("{word}: なし"),
        Setting::Comment => {
            let line = value.lines().next().unwrap_or_default();
            let short: String = line.chars().take(MOST).collect();
            let more = if short.len() < value.len() { "…" } else { "" };
            format!("{word}: {short}{more}")
        }
        _ => format!("{word}: {value}"),
    }
}
