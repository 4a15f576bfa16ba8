//! The private key of a node: whether ssh will be able to use it, asked before ssh is.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::public_key::PublicKey;

/// A key file that ssh can use.
pub(crate) struct Key {
    pub(crate) content: Vec<u8>,
    /// What will hardly work with ESXi.
    pub(crate) warning: Option<String>,
}

/// Private keys are a few kilobytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads and checks a private key; the error is a message for the user.
pub(crate) fn inspect(path: &Path) -> Result<Key, String> {
    let shown = path.display();
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("no file {shown}"),
        _ => format!("cannot read {shown}: {error}"),
    })?;
    if !metadata.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("{shown} is too big to be a private key"));
    }
    let content = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let warning = check_content(&content, path)?;
    if others_may_read(&metadata) {
        return Err(format!(
            "other users can read {shown} (mode {:04o}), and ssh refuses such a key: chmod 600 \
             {shown}",
            metadata.mode() & 0o7777
        ));
    }
    Ok(Key { content, warning })
}

/// OpenSSH's own rule (`sshkey_perm_ok`): it looks at the mode only where the file is ours.
fn others_may_read(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::getuid().as_raw() && metadata.mode() & 0o077 != 0
}

fn check_content(content: &[u8], path: &Path) -> Result<Option<String>, String> {
    let shown = path.display();
    let text = String::from_utf8_lossy(content);
    // OpenSSL reads behind a byte order mark; OpenSSH's own format is checked byte by byte below.
    let text = text.trim_start_matches('\u{feff}');
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let encrypted = || {
        format!(
            "{shown} is protected by a passphrase. Use a key without one (ssh-keygen -t ecdsa -N \
             '' -f FILE), or remove the passphrase from a copy (ssh-keygen -p -N '' -f {shown})"
        )
    };
    match first {
        "-----BEGIN OPENSSH PRIVATE KEY-----" => {
            let header = Header::read(text)
                .ok_or_else(|| format!("{shown} is a truncated or damaged private key"))?;
            if header.cipher != "none" {
                return Err(encrypted());
            }
            if let Some(fault) = unloadable(content) {
                return Err(format!(
                    "ssh cannot load {shown}: {fault}. Copy the original key file, or repair this \
                     one (check: `ssh-keygen -y -f {shown}`)"
                ));
            }
            let ed25519 = header.algorithm.contains("ed25519");
            Ok(ed25519.then(|| {
                format!(
                    "{shown} is an Ed25519 key; ESXi refuses it. Use RSA or ECDSA (ssh-keygen -t \
                     ecdsa -N '' -f FILE)"
                )
            }))
        }
        "-----BEGIN RSA PRIVATE KEY-----"
        | "-----BEGIN EC PRIVATE KEY-----"
        | "-----BEGIN PRIVATE KEY-----" => {
            if text.contains("Proc-Type: 4,ENCRYPTED") {
                return Err(encrypted());
            }
            if !text.contains("-----END ") {
                return Err(format!("{shown} is truncated: its last line is missing"));
            }
            // OpenSSL looks for both marks at the beginning of a line.
            for mark in ["-----BEGIN ", "-----END "] {
                if !text.lines().any(|line| line.starts_with(mark)) {
                    return Err(format!(
                        "ssh cannot load {shown}: its lines have leading spaces. Copy the \
                         original key file, or repair this one (check: `ssh-keygen -y -f \
                         {shown}`)"
                    ));
                }
            }
            Ok(None)
        }
        "-----BEGIN ENCRYPTED PRIVATE KEY-----" => Err(encrypted()),
        "-----BEGIN DSA PRIVATE KEY-----" => Err(format!(
            "{shown} is a DSA key; OpenSSH refuses it. Use RSA or ECDSA (ssh-keygen -t ecdsa -N \
             '' -f FILE)"
        )),
        "" => Err(format!("{shown} is empty")),
        _ if first.starts_with("PuTTY-User-Key-File") => Err(format!(
            "{shown} is a PuTTY key: convert it (puttygen {shown} -O private-openssh -o FILE)"
        )),
        _ if PublicKey::parse(first).is_some()
            || first.starts_with("-----BEGIN PUBLIC KEY")
            || first.starts_with("---- BEGIN SSH2 PUBLIC KEY") =>
        {
            Err(format!(
                "{shown} is a public key: use the private one (usually the same name without \
                 .pub)"
            ))
        }
        _ => Err(format!(
            "{shown} is not a private key (its first line should be like \
             -----BEGIN OPENSSH PRIVATE KEY-----)"
        )),
    }
}

/// Why OpenSSH does not load a key in its own format, though all of it is there: it takes the first
/// and the last line byte by byte (`sshkey_parse_private2` looks for the mark with its line end at
/// the very beginning, and for a line end before the last mark and behind it).
fn unloadable(content: &[u8]) -> Option<&'static str> {
    const BEGIN: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----";
    const END: &[u8] = b"\n-----END OPENSSH PRIVATE KEY-----";
    if !content.starts_with(BEGIN) {
        return Some(match content.first() {
            Some(b'\n' | b'\r') => "there is a blank line before its first line",
            Some(0xef) => "there is a byte order mark before its first line",
            _ => "its first line has leading spaces",
        });
    }
    if content.get(BEGIN.len()) == Some(&b'\r') {
        return Some("its lines end with CR LF (Windows); they must end with LF");
    }
    if content.get(BEGIN.len()) != Some(&b'\n') {
        return Some("its first line has trailing spaces");
    }
    let end = memchr::memmem::find(content, END);
    match end.and_then(|end| content.get(end + END.len())) {
        Some(b'\n') => None,
        Some(_) => Some("its last line has trailing characters"),
        None if end.is_some() => Some("its last line has no line break"),
        None => Some("its last line is malformed (leading spaces?)"),
    }
}

/// The readable part of a private key in OpenSSH's own format (`PROTOCOL.key` of OpenSSH): what
/// the messages need, and no more, so that no key is refused which ssh can read.
struct Header {
    cipher: String,
    algorithm: String,
}

impl Header {
    fn read(text: &str) -> Option<Self> {
        let body = text
            .lines()
            .map(str::trim)
            .skip_while(|line| !line.starts_with("-----BEGIN "))
            .skip(1);
        let mut base64 = String::new();
        let mut complete = false;
        for line in body {
            if line.starts_with("-----END ") {
                complete = true;
                break;
            }
            base64.push_str(line);
        }
        if !complete {
            return None;
        }
        let bytes = STANDARD.decode(base64).ok()?;
        let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
        let cipher = string(&mut rest)?;
        let _key_derivation = string(&mut rest)?;
        let _its_options = string(&mut rest)?;
        let _count = take(&mut rest, 4)?;
        let mut public = string(&mut rest)?;
        let algorithm = string(&mut public)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Self {
            cipher: text(cipher),
            algorithm: text(algorithm),
        })
    }
}

/// A length of four bytes and so many bytes.
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(rest, 4)?.try_into().map(u32::from_be_bytes).ok()?;
    take(rest, usize::try_from(length).ok()?)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
