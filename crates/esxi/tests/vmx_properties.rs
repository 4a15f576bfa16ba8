//! An edit of any `.vmx` changes the asked keys and not one other byte.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use ecoman_esxi::{edit_vmx, vmx_value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The keys that are asked for, as they are asked for.
const ASKED: [&str; 3] = ["annotation", "memSize", "displayName"];

/// A piece of a file, in bytes.
#[derive(Clone, Debug)]
enum Piece {
    /// Stays as it is, whatever is asked.
    Other(Vec<u8>),
    /// A line with one of the asked keys: before the value, the value, behind it.
    Asked(usize, Vec<u8>, Vec<u8>, Vec<u8>),
}

fn blanks() -> impl Strategy<Value = String> {
    select(vec!["", " ", "\t", "  \t "]).prop_map(str::to_owned)
}

fn end_of_line() -> impl Strategy<Value = &'static str> {
    select(vec!["\n", "\r\n", " \r\n", "\t\n"])
}

fn in_any_case(word: &'static str) -> impl Strategy<Value = String> {
    vec(any::<bool>(), word.len()).prop_map(move |upper| {
        word.chars()
            .zip(upper)
            .map(|(letter, upper)| match upper {
                true => letter.to_ascii_uppercase(),
                false => letter.to_ascii_lowercase(),
            })
            .collect()
    })
}

/// Bytes of any encoding that cannot end a value or a line.
fn inner() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("ends something", |byte| {
        !matches!(byte, b'"' | b'\n' | b'\r' | 0)
    });
    vec(byte, 0..20)
}

/// Lines that set none of the asked keys: comments, other keys, nonsense, such that look like one.
fn other() -> impl Strategy<Value = Piece> {
    let text = prop_oneof![
        inner().prop_map(|inner| [b"#".to_vec(), inner].concat()),
        inner().prop_map(|inner| [&b"# memSize = \"1\""[..], &inner].concat()),
        inner().prop_map(|inner| [&b"guestinfo.x = \"memSize = |22"[..], &inner, b"\""].concat()),
        inner().prop_map(|inner| [&b"memSize2 = \""[..], &inner, b"\""].concat()),
        inner().prop_map(|inner| [&b"x.annotation=\""[..], &inner, b"\" # = \"memSize\""].concat()),
        Just(b"memSize".to_vec()),
        Just(b"= \"memSize\"".to_vec()),
        Just(b"\"memSize\" = \"5\"".to_vec()),
        Just(b"scsi0:0.fileName = \"|22|7C|0A.vmdk".to_vec()),
        Just(Vec::new()),
        inner().prop_map(|inner| {
            let plain = |byte: u8| if byte == b'=' { b'-' } else { byte };
            inner.into_iter().map(plain).collect()
        }),
    ];
    (blanks(), text, end_of_line()).prop_map(|(indent, text, end)| {
        Piece::Other([indent.as_bytes(), &text, end.as_bytes()].concat())
    })
}

/// Lines with one of the asked keys, quoted or not.
fn asked() -> impl Strategy<Value = Piece> {
    (0..ASKED.len()).prop_flat_map(|which| {
        let value = prop_oneof![
            inner().prop_map(|inner| ([b"\"", &inner[..], b"\""].concat(), true)),
            select(vec!["1", "TRUE", "two words", "a|22b", "5\"6"])
                .prop_map(|plain| (plain.as_bytes().to_vec(), false)),
        ];
        let behind = select(vec!["", " # why", "\t#\"x\"", " rest = \"1\""]);
        let ends = (behind, end_of_line());
        (
            blanks(),
            in_any_case(ASKED[which]),
            blanks(),
            blanks(),
            value,
            ends,
        )
            .prop_map(
                move |(indent, key, before, after, (value, quoted), (behind, end))| {
                    // Without quotes all up to a comment is the value.
                    let behind = if quoted || behind.trim_start().starts_with('#') {
                        behind
                    } else {
                        ""
                    };
                    let front = format!("{indent}{key}{before}={after}");
                    let back = format!("{behind}{end}");
                    Piece::Asked(which, front.into_bytes(), value, back.into_bytes())
                },
            )
    })
}

/// What a person may type: no NUL, but everything else.
fn typed() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\u{0}]{0,20}",
        select(vec![
            "a\nguestOS = \"other\"",
            "|22",
            "\"",
            "\"\n# ",
            "|",
            "\r\n",
            "日本語 🦀",
            "",
        ])
        .prop_map(str::to_owned),
    ]
}

fn written(value: &str) -> Vec<u8> {
    let escaped: String = value
        .chars()
        .map(|it| match it {
            '"' | '|' => format!("|{:02X}", u32::from(it)),
            it if it.is_ascii_control() => format!("|{:02X}", u32::from(it)),
            it => it.to_string(),
        })
        .collect();
    format!("\"{escaped}\"").into_bytes()
}

fn joined<'a>(pieces: &'a [Piece], value: impl Fn(usize, &'a [u8]) -> Vec<u8>) -> Vec<u8> {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Other(bytes) => bytes.clone(),
        Piece::Asked(which, front, old, back) => {
            [&front[..], &value(*which, old), &back[..]].concat()
        }
    });
    parts.collect::<Vec<_>>().concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_edit_changes_the_asked_keys_and_not_one_other_byte(
        pieces in vec(prop_oneof![3 => other(), 1 => asked()], 0..14),
        values in (typed(), "[1-9][0-9]{0,5}", typed()),
        mask in 1_u8..8,
    ) {
        let file = joined(&pieces, |_, old| old.to_vec());
        let values = [values.0, values.1, values.2];
        let changes: Vec<(&str, &str)> = (0..ASKED.len())
            .filter(|which| mask & (1 << which) != 0)
            .map(|which| (ASKED[which], values[which].as_str()))
            .collect();
        let edited = edit_vmx(&file, &changes).unwrap();

        // A line whose value is so already stays as it was written.
        let is_so = |which: usize, old: &[u8]| {
            let line = [ASKED[which].as_bytes(), b" = ", old].concat();
            vmx_value(&line, ASKED[which]).as_deref() == Some(values[which].as_str())
        };
        let mut expected = joined(&pieces, |which, old| {
            if mask & (1 << which) == 0 || is_so(which, old) {
                old.to_vec()
            } else {
                written(&values[which])
            }
        });
        let end: &[u8] = if file.windows(2).any(|it| it == b"\r\n") { b"\r\n" } else { b"\n" };
        for (key, value) in &changes {
            let is_there = pieces.iter().any(|piece| {
                matches!(piece, Piece::Asked(which, ..) if ASKED[*which] == *key)
            });
            if !is_there {
                expected.extend([key.as_bytes(), b" = ", &written(value), end].concat());
            }
        }
        prop_assert_eq!(
            String::from_utf8_lossy(&edited),
            String::from_utf8_lossy(&expected)
        );
        prop_assert_eq!(&edited, &expected);

        for (key, value) in &changes {
            prop_assert_eq!(vmx_value(&edited, key), Some((*value).to_owned()));
        }
        // The same again changes nothing.
        prop_assert_eq!(edit_vmx(&edited, &changes).unwrap(), edited);
    }

    #[test]
    fn any_bytes_are_read_and_edited(
        file in vec(any::<u8>(), 0..200),
        value in typed(),
    ) {
        let _ = vmx_value(&file, "memSize");
        if let Ok(edited) = edit_vmx(&file, &[("ecoman.test", &value)]) {
            prop_assert!(edited.starts_with(&file) || file.windows(11).any(|it| it.eq_ignore_ascii_case(b"ecoman.test")));
        }
    }
}
