//! The lines of the history.

use ecoman_model::{EndedTask, Event, EventKind, Initiator, TaskState};

use super::acts::ACTS;
use super::format::megabytes;
use super::spaced;
use crate::text::History;

pub(super) static HISTORY: History = History {
    sentence,
    initiator: |initiator| match initiator {
        Initiator::User | Initiator::Node => None,
        Initiator::Ecoman => Some("ECoMan"),
        Initiator::Outside => Some("ECoMan 以外"),
    },
};

fn sentence(event: &Event) -> String {
    let before = event.before.as_deref().unwrap_or("–");
    let after = event.after.as_deref().unwrap_or("–");
    match event.kind {
        EventKind::VmAppeared => "ホスト上に出現".to_owned(),
        EventKind::VmGone => "ホストから消失".to_owned(),
        EventKind::Power => power(after),
        EventKind::Cpus => format!("CPU {before} → {after}"),
        EventKind::Memory => format!("メモリ {} → {}", size(before), size(after)),
        EventKind::Address if event.times > 1 => {
            let times = event.times.to_string();
            let course = format!("IP アドレスが {times} 回変化、{before} → {after}");
            match before == after {
                true => spaced(&["IP アドレスが", &times, "回変化、再び", after]),
                false => course,
            }
        }
        EventKind::Address => format!("IP アドレス {before} → {after}"),
        EventKind::Notes => match (&event.before, &event.after) {
            (None, _) => "メモを追加".to_owned(),
            (_, None) => "メモを削除".to_owned(),
            _ => "メモを変更".to_owned(),
        },
        EventKind::Name => spaced(&["名前を「", before, "」から「", after, "」に変更"]),
        EventKind::NodeAway => match &event.after {
            Some(reason) => format!("ホストが応答なし: {reason}"),
            None => "ホストが応答なし".to_owned(),
        },
        EventKind::NodeBack => "ホストの応答が復旧".to_owned(),
        EventKind::Task => event.task.as_ref().map_or_else(String::new, task),
    }
}

fn power(after: &str) -> String {
    match after {
        "on" => "パワーオン".to_owned(),
        "off" => "パワーオフ".to_owned(),
        "suspended" => "サスペンド".to_owned(),
        other => format!("電源: {other}"),
    }
}

fn size(mb: &str) -> String {
    mb.parse().map_or_else(|_| mb.to_owned(), megabytes)
}

fn task(task: &EndedTask) -> String {
    let order = match (task.kind.as_str(), task.action) {
        (_, Some(action)) => ACTS.order.of(action),
        ("power", None) => "電源操作",
        ("create", _) => "仮想マシンの作成",
        ("answer", _) => "質問への回答",
        ("unregister", _) => "仮想マシンの登録解除",
        ("destroy", _) => "仮想マシンをディスクから削除",
        ("snapshot_create", _) => "スナップショットの作成",
        ("snapshot_revert", _) => "スナップショットに戻す",
        ("snapshot_remove", _) => "スナップショットの削除",
        ("snapshot_remove_all", _) => "すべてのスナップショットの削除",
        ("cdrom_change", _) => "CD/DVD ドライブの変更",
        ("nic_move", _) => "ネットワーク アダプタの移動",
        ("disk_grow", _) => "ディスクの拡張",
        ("edit", _) => "設定の編集",
        ("clean_up", _) => "中断された作成のクリーンアップ",
        (other, _) => other,
    };
    let end = match task.state {
        TaskState::Failed => "に失敗",
        TaskState::Interrupted => "が中断",
        TaskState::Cancelled => "をキャンセル",
        TaskState::Queued | TaskState::Running | TaskState::Succeeded => "",
    };
    let order = spaced(&[order, end]);
    match &task.error {
        Some(error) => order + ": " + error,
        None => order,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ecoman_model::{PowerAction, TaskId};
    use uuid::Uuid;

    use super::*;

    fn event(kind: EventKind, before: Option<&str>, after: Option<&str>) -> Event {
        Event {
            id: Uuid::nil(),
            at: DateTime::UNIX_EPOCH,
            node: "hoge".parse().expect("a name"),
            vmid: None,
            vm_name: None,
            kind,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            times: 1,
            task: None,
        }
    }

    #[test]
    fn an_event_has_a_sentence() {
        let failed = Event {
            task: Some(EndedTask {
                id: TaskId(Uuid::nil()),
                kind: "power".to_owned(),
                action: Some(PowerAction::On),
                state: TaskState::Failed,
                actor: None,
                millis: None,
                error: Some("No memory.".to_owned()),
            }),
            ..event(EventKind::Task, None, None)
        };
        for (event, expected) in [
            (
                event(EventKind::Memory, Some("512"), Some("65536")),
                "メモリ 512 MB → 64.0 GB",
            ),
            (
                event(EventKind::Name, Some("web"), Some("受付")),
                "名前を「web」から「受付」に変更",
            ),
            (failed, "パワーオンに失敗: No memory."),
        ] {
            assert_eq!(sentence(&event), expected);
        }
    }
}
