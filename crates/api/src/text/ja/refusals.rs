//! Why an act is refused.

use ecoman_model::{PowerAction, PowerState, Refusal};

use super::acts::ACTS;
use super::spaced;
use crate::text::Refusals;

pub(super) static REFUSALS: Refusals = Refusals { sentence };

fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::ReadOnly => ACTS.refused.read_only.to_owned(),
        Refusal::Unusable(state) => spaced(&[
            "この仮想マシンはホスト上で",
            &state.to_string(),
            "と報告されています。解消するまで操作できません。",
        ]),
        Refusal::Changed { expected, now } => spaced(&[
            "仮想マシンは現在",
            power(*now),
            "です（要求時は",
            power(*expected),
            "）。",
        ]),
        Refusal::Already(state) => spaced(&["仮想マシンはすでに", power(*state), "です。"]),
        Refusal::NotOn(state, action) => spaced(&[
            "仮想マシンは",
            power(*state),
            "です。",
            ACTS.order.of(*action),
            "できるのはパワーオン状態の仮想マシンだけです。",
        ]),
        Refusal::NoMemoryToKeep(state) => spaced(&[
            "仮想マシンは",
            power(*state),
            "です。メモリの保存と静止ができるのはパワーオン状態のときだけです。",
        ]),
        Refusal::NotQuiesced { installed } => {
            let tools = match installed {
                true => "停止中の",
                false => "インストールされていない",
            };
            spaced(&[
                "ゲスト OS の VMware Tools が",
                tools,
                "ため、ファイル システムを静止できません。静止なしでは、強制的なパワーオフと同じ状態が保存されます。",
            ])
        }
        Refusal::NotOff(state) => spaced(&[
            "仮想マシンは",
            power(*state),
            "です。設定を編集できるのはパワーオフ状態のときだけです。",
        ]),
        Refusal::NotOffToDelete(state) => spaced(&[
            "仮想マシンは",
            power(*state),
            "です。削除できるのはパワーオフ状態のときだけです。",
        ]),
        Refusal::OtherName { typed } => spaced(&[
            "「",
            typed,
            "」はこの仮想マシンの名前ではありません。変更は行われていません。",
        ]),
        Refusal::UnderWay => "この仮想マシンの別のタスクが実行中です。".to_owned(),
        Refusal::SettingChanged {
            setting,
            expected,
            now,
        } => spaced(&[
            (ACTS.setting)(*setting),
            "は現在「",
            now,
            "」です（要求時は「",
            expected,
            "」）。変更は行われていません。",
        ]),
        Refusal::NoTools { installed, action } => {
            let tools = match installed {
                true => "停止中の",
                false => "インストールされていない",
            };
            let instead = match action {
                PowerAction::Reboot => PowerAction::Reset,
                _ => PowerAction::Off,
            };
            spaced(&[
                "ゲスト OS の VMware Tools が",
                tools,
                "ため、",
                ACTS.order.of(*action),
                "できません。",
                ACTS.order.of(instead),
                "は実行できます。",
            ])
        }
    }
}

/// A power state within a sentence.
pub(super) fn power(state: PowerState) -> &'static str {
    match state {
        PowerState::On => "パワーオン状態",
        PowerState::Off => "パワーオフ状態",
        PowerState::Suspended => "サスペンド状態",
        PowerState::Unknown => "不明な状態",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_lack_of_tools_says_what_is_possible_without() {
        let refusal = Refusal::NoTools {
            installed: true,
            action: PowerAction::Reboot,
        };
        assert_eq!(
            sentence(&refusal),
            "ゲスト OS の VMware Tools が停止中のため、再起動できません。リセットは実行できます。"
        );
    }
}
