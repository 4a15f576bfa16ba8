//! Why a text is no filter.

use super::spaced;
use crate::text::FilterFaults;
use crate::{FilterFault, TermPlace, filter_fields};

pub(super) static FILTER_FAULTS: FilterFaults = FilterFaults { sentence };

fn sentence(fault: &FilterFault) -> String {
    let text = match fault {
        FilterFault::TermMissing(TermPlace::Before(word)) => {
            return spaced(&[word, "の前に条件がありません"]);
        }
        FilterFault::TermMissing(TermPlace::After(word)) => {
            return spaced(&[word, "の後に条件がありません"]);
        }
        FilterFault::DoubleNegation => "否定は 1 つだけ指定できます",
        FilterFault::NoOpenBracket => {
            r#"対応する開き括弧がありません。文字列として検索するには、" " で囲んでください"#
        }
        FilterFault::OpenBracket => "この括弧が閉じられていません",
        FilterFault::EmptyBrackets => "括弧の中が空です",
        FilterFault::TooManyBrackets => "括弧の入れ子が深すぎます",
        FilterFault::NoBlankAfterBracket => "閉じ括弧の後に空白が必要です",
        FilterFault::OpenQuote => "この引用符が閉じられていません",
        FilterFault::EmptyQuotes => "引用符の中が空です",
        FilterFault::NoBlankAfterQuote => "閉じ引用符の後に空白が必要です",
        FilterFault::NoCommaAfterQuote => "閉じ引用符の後に空白またはコンマが必要です",
        FilterFault::ValueMissing { field } => {
            return spaced(&[field, ": の後に値がありません"]);
        }
        FilterFault::ValueMissingAfterComma => "コンマの後に値がありません",
        FilterFault::UnknownField {
            typed,
            meant: Some(meant),
        } => {
            return spaced(&[
                "フィールド「",
                typed,
                "」はありません。もしかして: ",
                meant,
                r#"。文字列として検索するには、" " で囲んでください"#,
            ]);
        }
        FilterFault::UnknownField { typed, meant: None } => {
            let known: Vec<_> = filter_fields().iter().map(|field| field.name).collect();
            return spaced(&[
                "フィールド「",
                typed,
                "」はありません。フィールド: ",
                &known.join("、"),
                r#"。文字列として検索するには、" " で囲んでください"#,
            ]);
        }
        FilterFault::UnknownWord { words } => {
            return spaced(&["次のいずれかを指定してください: ", &words.join("、")]);
        }
        FilterFault::NoNetwork => {
            "ネットワークは 192.0.2.0/24 のように、アドレスとプレフィックス長で指定してください"
        }
        FilterFault::NoPrefixLength { most } => {
            return format!("プレフィックス長は 0～{most} の数値で指定してください");
        }
        FilterFault::NumberMissing { example } => {
            return spaced(&["数値がありません。例: ", example]);
        }
        FilterFault::NotOnlyDigits { example } => {
            return spaced(&["数字だけを指定できます。例: ", example]);
        }
        FilterFault::UnitMissing { units } => {
            return spaced(&["単位がありません: ", &units.join("、")]);
        }
        FilterFault::UnknownUnit { units } => {
            return spaced(&["単位は次のいずれかです: ", &units.join("、")]);
        }
        FilterFault::NoNumber { typed, whole } => {
            let kind = match whole {
                true => "」は整数ではありません",
                false => "」は数値ではありません",
            };
            return spaced(&["「", typed, kind]);
        }
        FilterFault::TooLarge => "数値が大きすぎます",
        FilterFault::NoDay => {
            "日付がありません。例: expires:<2027-01-01、今日から数えて expires:<30d"
        }
    };
    text.to_owned()
}
