//! The space between Japanese and other scripts.

/// The pieces in a row, with a space where Japanese meets a Latin letter or a digit: a value may be
/// either. None stands beside 、。「」（）.
pub(super) fn spaced(pieces: &[&str]) -> String {
    let mut out = String::with_capacity(pieces.iter().map(|piece| piece.len() + 1).sum());
    for piece in pieces {
        if let (Some(before), Some(after)) = (out.chars().next_back(), piece.chars().next())
            && (is_japanese(before) && is_western(after)
                || is_western(before) && is_japanese(after))
        {
            out.push(' ');
        }
        out.push_str(piece);
    }
    out
}

/// Kana and kanji, with 々〆〇 and the long mark; no punctuation.
fn is_japanese(letter: char) -> bool {
    matches!(
        letter,
        '々'..='〇' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー'..='ヿ' | '㐀'..='鿿' | '豈'..='﫿' | 'ｦ'..='ﾟ' | '𠀀'..='𯨟'
    )
}

/// Any other letter or digit, and the signs that belong to a word: `%`, `"`, `)`.
fn is_western(letter: char) -> bool {
    !is_japanese(letter)
        && (letter.is_alphanumeric() || letter.is_ascii_punctuation())
        && !matches!(letter, ',' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_stands_where_scripts_meet() {
        for (pieces, text) in [
            (["web", "は停止中です"], "web は停止中です"),
            (["受付サーバ", "は停止中です"], "受付サーバは停止中です"),
            (["最終更新は", "40 秒前"], "最終更新は 40 秒前"),
            (["最終更新は", "たった今"], "最終更新はたった今"),
            (["「", "web"], "「web"),
            (["web", "」に一致する"], "web」に一致する"),
            (["ホスト", ""], "ホスト"),
            (["（", "メモリ"], "（メモリ"),
            (["90 %", "使用"], "90 % 使用"),
            (["Проект", "は"], "Проект は"),
            (["サーバー", "a"], "サーバー a"),
            (["web: ", "停止"], "web: 停止"),
        ] {
            assert_eq!(spaced(&pieces), text);
        }
    }
}
