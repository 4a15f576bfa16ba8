//! Changes settings of a `.vmx` that is there, and no other byte of it.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::{Encoding, UTF_8};

/// The key that names the encoding of a file.
const ENCODING: &str = ".encoding";

/// A setting cannot be written into a `.vmx`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VmxEditError {
    /// The file names an encoding that is not known here, and the text is not ASCII.
    #[error("its encoding, {0:?}, is not known here, and {1} holds more than ASCII")]
    UnknownEncoding(String, String),
    /// The encoding of the file lacks a character of the text.
    #[error("its encoding, {encoding}, does not have all characters of {key}")]
    NotInEncoding {
        /// The encoding's name.
        encoding: &'static str,
        /// The key of the setting.
        key: String,
    },
}

/// A `.vmx` with other values for some keys. Everything else stays as it is, byte for byte:
/// comments, order, blanks, line ends, the spelling of keys, keys that nobody knows.
///
/// Keys are the same in upper and lower case. Where a key occurs several times, each gets the
/// value, so that it does not matter which of them the node takes. A key that the file lacks comes
/// at its end.
///
/// # Errors
///
/// A value cannot be written in the file's encoding.
pub fn edit_vmx(file: &[u8], settings: &[(&str, &str)]) -> Result<Vec<u8>, VmxEditError> {
    let mut replaced: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    let mut missing = Vec::new();
    for (key, value) in settings {
        let written = quoted(file, key, value)?;
        let mut is_there = false;
        for entry in entries(file).filter(|entry| entry.has_key(file, key)) {
            is_there = true;
            if entry.text(file).as_deref() != Some(*value) {
                replaced.push((entry.value, written.clone()));
            }
        }
        if !is_there {
            missing.push([key.as_bytes(), b" = ", &written].concat());
        }
    }
    replaced.sort_by_key(|(place, _)| place.start);
    let mut edited = Vec::with_capacity(file.len() + 256);
    let mut kept = 0;
    for (place, value) in replaced {
        edited.extend_from_slice(file.get(kept..place.start).unwrap_or_default());
        edited.extend_from_slice(&value);
        kept = place.end;
    }
    edited.extend_from_slice(file.get(kept..).unwrap_or_default());
    let end_of_line: &[u8] = if file.windows(2).any(|pair| pair == b"\r\n") {
        b"\r\n"
    } else {
        b"\n"
    };
    for line in missing {
        if !edited.is_empty() && !edited.ends_with(b"\n") {
            edited.extend_from_slice(end_of_line);
        }
        edited.extend_from_slice(&line);
        edited.extend_from_slice(end_of_line);
    }
    Ok(edited)
}

/// The value of a key in a `.vmx`: that of the last line that has the key. `None`: there is none, or
/// it cannot be read.
#[must_use]
pub fn vmx_value(file: &[u8], key: &str) -> Option<String> {
    entries(file)
        .filter(|entry| entry.has_key(file, key))
        .last()?
        .text(file)
}

/// The keys of a `.vmx`, in lower case, with their values, in the order of the file. What cannot be read
/// is left out.
pub(super) fn keys(file: &[u8]) -> impl Iterator<Item = (String, String)> {
    entries(file).filter_map(|entry| {
        let key = file.get(entry.key.clone()).unwrap_or_default();
        let key = std::str::from_utf8(key).ok()?.to_ascii_lowercase();
        Some((key, entry.text(file)?))
    })
}

/// The files that a `.vmx`, a `.vmsd` or the descriptor of a disk names: disks, ISO images, parents.
/// Where the encoding is unknown, what is ASCII is still right.
#[must_use]
pub fn named_files(file: &[u8]) -> Vec<String> {
    let names_file = |entry: &Entry| {
        let key = file.get(entry.key.clone()).unwrap_or_default();
        let key = key.to_ascii_lowercase();
        key.ends_with(b".filename") || key == b"parentfilenamehint"
    };
    entries(file)
        .filter(names_file)
        .map(|entry| {
            let text = entry.text(file);
            text.unwrap_or_else(|| {
                String::from_utf8_lossy(&unescaped(entry.raw(file))).into_owned()
            })
        })
        .collect()
}

/// A line `key = value`, as places in the file.
struct Entry {
    key: Range<usize>,
    /// The quotes belong to it.
    value: Range<usize>,
}

impl Entry {
    fn has_key(&self, file: &[u8], key: &str) -> bool {
        let own = file.get(self.key.clone()).unwrap_or_default();
        own.eq_ignore_ascii_case(key.as_bytes())
    }

    /// The value without quotes and escapes.
    fn text(&self, file: &[u8]) -> Option<String> {
        let raw = unescaped(self.raw(file));
        let encoding = encoding_of(file).ok()?;
        encoding
            .decode_without_bom_handling_and_without_replacement(&raw)
            .map(Cow::into_owned)
    }

    fn raw<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        let value = file.get(self.value.clone()).unwrap_or_default();
        let inner = value.strip_prefix(b"\"");
        inner.map_or(value, |inner| inner.strip_suffix(b"\"").unwrap_or(inner))
    }
}

/// The lines that set a key. In no encoding that hosts use do the bytes of `=`, `"`, `#` and the
/// line feed stand for a part of another character.
fn entries(file: &[u8]) -> impl Iterator<Item = Entry> {
    let mut from = 0;
    let lines = file
        .split_inclusive(|byte| *byte == b'\n')
        .map(move |line| {
            let start = from;
            from += line.len();
            (start, line)
        });
    lines.filter_map(|(start, line)| {
        let mark = if start == 0 && line.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let body = trimmed(line, mark..line.len());
        if line.get(body.start) == Some(&b'#') {
            return None;
        }
        let equals = body.start + line.get(body.clone())?.iter().position(|it| *it == b'=')?;
        let key = trimmed(line, body.start..equals);
        let rest = trimmed(line, equals + 1..body.end);
        let value = rest.start..end_of_value(line, rest);
        let moved = |place: Range<usize>| start + place.start..start + place.end;
        (!key.is_empty()).then(|| Entry {
            key: moved(key),
            value: moved(value),
        })
    })
}

/// Where a value ends: behind its second quote, or before a comment.
fn end_of_value(line: &[u8], rest: Range<usize>) -> usize {
    let value = line.get(rest.clone()).unwrap_or_default();
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let closing = quoted.iter().position(|byte| *byte == b'"');
        return closing.map_or(rest.end, |closing| rest.start + closing + 2);
    }
    let comment = value.iter().position(|byte| *byte == b'#');
    comment.map_or(rest.end, |comment| {
        trimmed(line, rest.start..rest.start + comment).end
    })
}

/// A place without the blanks around it.
fn trimmed(line: &[u8], place: Range<usize>) -> Range<usize> {
    let text = line.get(place.clone()).unwrap_or_default();
    let start = place.start + (text.len() - text.trim_ascii_start().len());
    let end = start + text.trim_ascii().len();
    start..end
}

/// Undoes `|HH`. What is no such escape stays.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'|');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(code.unwrap_or(byte));
        rest = if code.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    plain
}

/// A value as it stands in the file: in its encoding, escaped, in quotes.
fn quoted(file: &[u8], key: &str, value: &str) -> Result<Vec<u8>, VmxEditError> {
    let bytes = if value.is_ascii() {
        Cow::Borrowed(value.as_bytes())
    } else {
        let encoding = encoding_of(file)
            .map_err(|name| VmxEditError::UnknownEncoding(name, key.to_owned()))?;
        let (bytes, _, lacks_characters) = encoding.encode(value);
        if lacks_characters {
            return Err(VmxEditError::NotInEncoding {
                encoding: encoding.name(),
                key: key.to_owned(),
            });
        }
        bytes
    };
    let mut written = vec![b'"'];
    for byte in bytes.iter() {
        match byte {
            b'"' | b'|' | 0..=0x1f | 0x7f => {
                written.extend_from_slice(format!("|{byte:02X}").as_bytes());
            }
            other => written.push(*other),
        }
    }
    written.push(b'"');
    Ok(written)
}

/// The encoding of a file: UTF-8 where it names none, as hosts have it.
///
/// # Errors
///
/// The name of an encoding that is not known here.
fn encoding_of(file: &[u8]) -> Result<&'static Encoding, String> {
    let named = entries(file).find(|entry| entry.has_key(file, ENCODING));
    let Some(named) = named else {
        return Ok(UTF_8);
    };
    let label = named.raw(file);
    // As Windows numbers its code pages.
    let label = match label.to_ascii_lowercase().as_slice() {
        b"windows-932" | b"cp932" => b"shift_jis".to_vec(),
        b"windows-936" | b"cp936" => b"gbk".to_vec(),
        b"windows-949" | b"cp949" => b"euc-kr".to_vec(),
        b"windows-950" | b"cp950" => b"big5".to_vec(),
        other => other.to_vec(),
    };
    Encoding::for_label_no_replacement(&label)
        // A file in one of them would have no line that can be read.
        .filter(|encoding| encoding.is_ascii_compatible())
        .ok_or_else(|| String::from_utf8_lossy(&label).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(file: &[u8], settings: &[(&str, &str)]) -> String {
        let edited = edit_vmx(file, settings).unwrap();
        String::from_utf8(edited).unwrap()
    }

    #[test]
    fn only_the_value_changes() {
        let file = b"#!/usr/bin/vmware\n.encoding = \"UTF-8\"\r\n  MemSize=1024   \n\
                     # memsize = \"1\"\nodd line\nguestinfo.x = \"memsize = |22\" # why\n";
        let expected = "#!/usr/bin/vmware\n.encoding = \"UTF-8\"\r\n  MemSize=\"2048\"   \n\
                        # memsize = \"1\"\nodd line\nguestinfo.x = \"memsize = |22\" # why\n";
        assert_eq!(edited(file, &[("memSize", "2048")]), expected);
        // What is so already stays, also without quotes.
        assert_eq!(
            edit_vmx(file, &[("memSize", "1024")]).as_deref(),
            Ok(&file[..])
        );
    }

    #[test]
    fn each_of_several_gets_the_value() {
        let file = b"memSize = \"32\"\nMEMSIZE = 4096\nmemsize = \"64\"";
        let expected = "memSize = \"128\"\nMEMSIZE = \"128\"\nmemsize = \"128\"";
        assert_eq!(edited(file, &[("memSize", "128")]), expected);
        assert_eq!(vmx_value(file, "memSize").as_deref(), Some("64"));
    }

    #[test]
    fn what_is_missing_comes_at_the_end() {
        let changes = [("annotation", "a\n\"b\"|")];
        assert_eq!(
            edited(b"a = \"1\"\r\nb = \"2\"", &changes),
            "a = \"1\"\r\nb = \"2\"\r\nannotation = \"a|0A|22b|22|7C\"\r\n"
        );
        assert_eq!(edited(b"", &changes), "annotation = \"a|0A|22b|22|7C\"\n");
        let back = edited(b"", &changes);
        let value = vmx_value(back.as_bytes(), "ANNOTATION");
        assert_eq!(value.as_deref(), Some("a\n\"b\"|"));
    }

    #[test]
    fn a_text_is_written_in_the_encoding_of_the_file() {
        let file = b".encoding = \"Shift_JIS\"\ndisplayName = \"\x83E\x83F\x83u\"\n";
        assert_eq!(vmx_value(file, "displayname").as_deref(), Some("ウェブ"));
        let japanese = edit_vmx(file, &[("displayName", "表")]).unwrap();
        assert_eq!(
            japanese,
            b".encoding = \"Shift_JIS\"\ndisplayName = \"\x95\x5c\"\n"
        );
        assert_eq!(vmx_value(&japanese, "displayName").as_deref(), Some("表"));
        let crab = edit_vmx(file, &[("displayName", "🦀")]);
        assert_eq!(
            crab.unwrap_err().to_string(),
            "its encoding, Shift_JIS, does not have all characters of displayName"
        );
        let odd = b".encoding = \"EBCDIC-37\"\n";
        assert!(edit_vmx(odd, &[("displayName", "ü")]).is_err());
        assert!(edit_vmx(odd, &[("displayName", "u")]).is_ok());
        assert!(edit_vmx(b".encoding = \"UTF-16LE\"\n", &[("a", "ü")]).is_err());
    }

    #[test]
    fn a_value_without_its_second_quote_is_replaced_to_the_end_of_the_line() {
        assert_eq!(
            edited(b"memSize = \"32 \r\nb = \"2\"\r\n", &[("memsize", "64")]),
            "memSize = \"64\" \r\nb = \"2\"\r\n"
        );
        assert_eq!(edited(b"= \"1\"\nmemsize", &[]), "= \"1\"\nmemsize");
    }
}
