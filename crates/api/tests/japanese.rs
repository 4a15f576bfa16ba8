//! The style of the Japanese texts, read from their source: every literal of `src/text/ja`.

#![allow(
    clippy::expect_used,
    reason = "the helpers of a test fail as the test does"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Forms that VMware's products do not have, and theirs.
const WORDS: [(&str, &str); 22] = [
    ("サーバー", "サーバ"),
    ("フォルダー", "フォルダ"),
    ("アダプター", "アダプタ"),
    ("フィルター", "フィルタ"),
    ("クラスター", "クラスタ"),
    ("コンピューター", "コンピュータ"),
    ("ドライバー", "ドライバ"),
    ("マネージャー", "マネージャ"),
    ("パラメーター", "パラメータ"),
    ("ブラウザー", "ブラウザ"),
    ("メモリー", "メモリ"),
    ("サマリー", "サマリ"),
    ("オペレーター", "オペレータ"),
    ("クローラー", "クローラ"),
    ("プロセッサー", "プロセッサ"),
    ("ヘッダを", "ヘッダー"),
    ("ノード", "ホスト"),
    ("サインイン", "ログイン"),
    ("ディレクトリー", "ディレクトリ"),
    ("電源オン", "パワーオン"),
    ("電源オフ", "パワーオフ"),
    ("ください。。", "。"),
];

/// Words in katakana that VMware writes apart.
const COMPOUNDS: [(&str, &str); 8] = [
    ("ネットワークアダプタ", "ネットワーク アダプタ"),
    ("メンテナンスモード", "メンテナンス モード"),
    ("ポートグループ", "ポート グループ"),
    ("シンプロビジョニング", "シン プロビジョニング"),
    ("ハードウェアバージョン", "ハードウェア バージョン"),
    ("リモートコンソール", "リモート コンソール"),
    ("コマンドパレット", "コマンド パレット"),
    ("クエリパラメータ", "クエリ パラメータ"),
];

#[test]
fn words_are_those_of_vmware() {
    let mut faults = Vec::new();
    for (file, text) in texts() {
        for (wrong, right) in WORDS.iter().chain(&COMPOUNDS) {
            if text.contains(wrong) {
                faults.push(format!("{file}: {wrong} is {right}: {text}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn spaces_and_punctuation_are_those_of_vmware() {
    let mut faults = Vec::new();
    for (file, text) in texts() {
        let letters: Vec<char> = text.chars().collect();
        for pair in letters.windows(2) {
            let &[left, right] = pair else { continue };
            if let Some(fault) = fault(left, right) {
                faults.push(format!(
                    "{file}: {fault} between {left} and {right}: {text}"
                ));
            }
        }
        // Headings, labels and buttons end without one, sentences with one.
        if (text.ends_with("ます") || text.ends_with("です") || text.ends_with("ください"))
            && text.contains('。')
        {
            faults.push(format!("{file}: no 。 behind the last sentence: {text}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn fault(left: char, right: char) -> Option<&'static str> {
    let borders = |a, b| is_japanese(a) && is_latin(b) || is_latin(a) && is_japanese(b);
    let mark = |letter| matches!(letter, '、' | '。' | '「' | '」' | '（' | '）' | '？');
    if borders(left, right) {
        Some("a space is missing")
    } else if left == ' ' && mark(right) || mark(left) && right == ' ' {
        Some("a space too many")
    } else if is_japanese(left) && matches!(right, ',' | '.' | '(' | '?' | '!')
        || matches!(left, ',' | '(' | ')') && is_japanese(right)
    {
        Some("half-width punctuation")
    } else if (is_japanese(left) || is_japanese(right)) && (left == '：' || right == '：') {
        Some("a full-width colon")
    } else if matches!(left, '０'..='９' | 'Ａ'..='ｚ') || matches!(left, 'ｦ'..='ﾟ') {
        Some("the wrong width")
    } else {
        None
    }
}

/// `{` and `}`: a value, which the texts take for Latin.
fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '{' | '}' | '%')
}

fn is_japanese(letter: char) -> bool {
    matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '一'..='鿿' | '々')
}

/// The literals with Japanese in them, with the names of their files.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text/ja");
    let mut texts = Vec::new();
    let mut open: Vec<PathBuf> = vec![root];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let source = fs::read_to_string(&path).expect("a file");
        let file = path.display().to_string();
        // Tests have texts that are no texts of the page.
        let (source, _) = source.split_once("#[cfg(test)]").unwrap_or((&source, ""));
        for literal in literals(source) {
            if literal.chars().any(is_japanese) {
                texts.push((file.clone(), literal));
            }
        }
    }
    assert!(texts.len() > 500, "only {} texts", texts.len());
    texts
}

fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        let mut rest = line;
        while let Some((_, behind)) = rest.split_once('"') {
            let Some((literal, after)) = behind.split_once('"') else {
                break;
            };
            found.push(literal.to_owned());
            rest = after;
        }
    }
    found
}
