//! `vmkfstools -D FILE`: who holds a file of a VMFS volume.

use serde::Serialize;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, digits};

/// The lock of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileLock {
    /// `mode`: 0 is free.
    pub mode: u32,
    /// `owner`: all zeros where nobody holds it; the last part is the MAC address of the holder.
    pub owner: String,
}

impl FileLock {
    /// Whether nobody holds the file.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.mode == 0 && self.owner.bytes().all(|byte| matches!(byte, b'0' | b'-'))
    }
}

/// Reads what `vmkfstools -D FILE` printed.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault instead; [`ParseError::Unexpected`] where
/// mode or owner are missing.
pub fn file_lock(stdout: &[u8]) -> Result<FileLock, ParseError> {
    let input = Input::with_text("vmkfstools.lock", stdout)?;
    if !input.bytes.starts_with(b"Lock [type ") {
        return Err(fault_reader::or_unexpected(&input, "no line `Lock [type`"));
    }
    let lock = memchr::memchr(b']', &input.bytes);
    let Some(lock) = lock.map(|end| input.slice(0, end)) else {
        return Err(input.truncated("the lock has no end"));
    };
    let words: Vec<&[u8]> = lock
        .split(|byte| byte.is_ascii_whitespace() || *byte == b',')
        .filter(|word| !word.is_empty())
        .collect();
    let after = |name: &[u8]| {
        let place = words.iter().position(|word| *word == name)?;
        words.get(place + 1).copied()
    };
    let mode = after(b"mode").and_then(digits);
    let owner = after(b"owner").filter(|owner| {
        let legal = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        owner.iter().all(legal)
    });
    match (mode, owner) {
        (Some(mode), Some(owner)) => Ok(FileLock {
            mode,
            owner: String::from_utf8_lossy(owner).into_owned(),
        }),
        _ => Err(input.unexpected(0, "neither mode nor owner of the lock")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_file_names_its_holder() {
        let output = b"Lock [type 10c00001 offset 187432960 v 31, hb offset 3608576\n\
            gen 4711, mode 1, owner 5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30 mtime 10822\n\
            num 0 gblnum 0 gblgen 0 gblbrk 0]\nAddr <4, 412, 9>\n";
        let lock = file_lock(output).unwrap();
        assert!(!lock.is_free());
        assert_eq!(lock.mode, 1);
        assert!(lock.owner.ends_with("-3cecef1a2b30"), "{lock:?}");
        assert!(file_lock(b"Lock [type 10c00001 mode 0]\n").is_err());
        assert!(file_lock(b"").is_err());
    }
}
