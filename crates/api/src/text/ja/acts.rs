//! The changes that can be asked of a node.

use ecoman_model::Setting;

use super::spaced;
use crate::text::{Acts, PerAction, PowerRefusals};

pub(super) static ACTS: Acts = Acts {
    order: PerAction {
        on: "パワーオン",
        off: "パワーオフ",
        shutdown: "シャットダウン",
        reboot: "再起動",
        reset: "リセット",
        suspend: "サスペンド",
    },
    under_way: PerAction {
        on: "起動中…",
        off: "停止中…",
        shutdown: "シャットダウン中…",
        reboot: "再起動中…",
        reset: "リセット中…",
        suspend: "サスペンド中…",
    },
    meaning: PerAction {
        on: "パワーオンします。サスペンド状態の仮想マシンは再開します。",
        off: "強制的にパワーオフします。ゲスト OS の未保存データは失われます。",
        shutdown: "VMware Tools を使用してゲスト OS をシャットダウンします。制限時間内に停止しない場合、タスクは失敗し、仮想マシンはパワーオン状態のままになります。",
        reboot: "VMware Tools を使用してゲスト OS を再起動します。",
        reset: "強制的にリセットします。ゲスト OS の未保存データは失われます。",
        suspend: "メモリの内容をディスクに保存して仮想マシンを停止します。パワーオンすると再開します。",
    },
    refused: PowerRefusals {
        read_only: "このホストは読み取り専用です（hosts.yml の read_only: true）。",
        not_permitted: "仮想マシンの電源操作は許可されていません。管理者に問い合わせてください。",
        under_way: |doing| {
            spaced(&[
                "別の操作を実行中です: ",
                doing.trim_end_matches('…'),
                "。完了を待つか、キャンセルしてください。",
            ])
        },
    },
    setting: |setting| match setting {
        Setting::Name => "名前",
        Setting::Comment => "メモ",
        Setting::Cpus => "CPU",
        Setting::CoresPerSocket => "ソケットあたりのコア数",
        Setting::Memory => "メモリ",
        Setting::GuestOs => "ゲスト OS",
    },
};
