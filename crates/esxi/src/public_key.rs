//! Public keys as OpenSSH writes them: in known_hosts, in `.pub` files, by `ssh-keyscan`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A public key: `ecdsa-sha2-nistp256 AAAAE2Vj… comment`, the comment left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicKey<'a> {
    pub(crate) algorithm: &'a str,
    /// The key itself in base64.
    pub(crate) encoded: &'a str,
    digest: [u8; 32],
}

impl<'a> PublicKey<'a> {
    /// `None`: it is no public key. Whether its numbers are a good key is ssh's affair.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (algorithm, encoded) = (words.next()?, words.next()?);
        let key = STANDARD.decode(encoded).ok()?;
        // RFC 4253, 6.6: it begins with the name of its algorithm, which begins with its length.
        let (length, rest) = key.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        (rest.get(..length)? == algorithm.as_bytes()).then(|| Self {
            algorithm,
            encoded,
            digest: Sha256::digest(&key).into(),
        })
    }

    /// `SHA256:` and the hash in base64, as `ssh-keygen -l` shows it.
    pub(crate) fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(self.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIJ5BJKgGRVVW9D6HwC0LRTYZ0O4rqkLJPBOa9RPO2xwU";

    #[test]
    fn a_key_is_read_without_its_comment() {
        let line = format!("{KEY} root@hoge (old one)");
        let key = PublicKey::parse(&line).unwrap();
        assert_eq!(format!("{} {}", key.algorithm, key.encoded), KEY);
        assert_eq!(
            key.fingerprint(),
            "SHA256:aUKMHSA3nCZwvb712Emo4NpA5ewhPsKPxmTlEbkiqnw"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for line in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 %",
            "ssh-ed25519 AAAA",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ5BJKgGRVVW9D6HwC0LRTYZ0O4rqkLJPBOa9RPO2xwU",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
        ] {
            assert!(PublicKey::parse(line).is_none(), "{line}");
        }
    }
}
