//! The private key of a node: whether ssh will be able to use it, asked before ssh is.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ssh_key::{Algorithm, PrivateKey};

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
        std::io::ErrorKind::NotFound => format!("there is no file {shown}"),
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
            "{shown} can be read by other users (mode {:04o}) and ssh refuses such a key: \
             chmod 600 {shown}",
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
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let encrypted = || {
        format!(
            "{shown} is protected by a passphrase, which nobody is there to type: give ECoMan a \
             key of its own without one (ssh-keygen -t ecdsa -N '' -f FILE), or take the \
             passphrase off a copy (ssh-keygen -p -N '' -f {shown})"
        )
    };
    match first {
        "-----BEGIN OPENSSH PRIVATE KEY-----" => {
            let key = PrivateKey::from_openssh(text.trim()).map_err(|error| {
                format!("{shown} begins like a private key, but cannot be read: {error}")
            })?;
            if key.is_encrypted() {
                return Err(encrypted());
            }
            let ed25519 = matches!(key.algorithm(), Algorithm::Ed25519 | Algorithm::SkEd25519);
            Ok(ed25519.then(|| {
                format!(
                    "{shown} is an Ed25519 key, which ESXi refuses: use RSA or ECDSA \
                     (ssh-keygen -t ecdsa -N '' -f FILE)"
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
                return Err(format!("{shown} is cut off: its last line is missing"));
            }
            Ok(None)
        }
        "-----BEGIN ENCRYPTED PRIVATE KEY-----" => Err(encrypted()),
        "-----BEGIN DSA PRIVATE KEY-----" => Err(format!(
            "{shown} is a DSA key, which OpenSSH no longer takes: use RSA or ECDSA \
             (ssh-keygen -t ecdsa -N '' -f FILE)"
        )),
        "" => Err(format!("{shown} is empty")),
        _ if first.starts_with("PuTTY-User-Key-File") => Err(format!(
            "{shown} is a PuTTY key: convert it (puttygen {shown} -O private-openssh -o FILE)"
        )),
        _ if ssh_key::PublicKey::from_openssh(first).is_ok()
            || first.starts_with("-----BEGIN PUBLIC KEY")
            || first.starts_with("---- BEGIN SSH2 PUBLIC KEY") =>
        {
            Err(format!(
                "{shown} is a public key: give the private one (usually the same name without .pub)"
            ))
        }
        _ => Err(format!(
            "{shown} is not a private key (its first line should be like \
             -----BEGIN OPENSSH PRIVATE KEY-----)"
        )),
    }
}
