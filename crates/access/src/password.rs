//! Passwords, as Argon2id hashes in the PHC string format.

use std::ops::RangeInclusive;
use std::sync::{LazyLock, Mutex, PoisonError};

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::AccessError;

/// How many characters a password has (NIST SP 800-63B, 5.1.1.2: 8 at least, no other rules).
pub const PASSWORD_CHARACTERS: RangeInclusive<usize> = 8..=256;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordFault {
    /// Too short or too long.
    #[error("a password must have {} to {} characters", PASSWORD_CHARACTERS.start(), PASSWORD_CHARACTERS.end())]
    Length,
    /// The user's own name.
    #[error("the password must not be the user name")]
    Name,
}

/// Whether a user may have a password.
pub(crate) fn check(name: &str, password: &str) -> Result<(), PasswordFault> {
    if !PASSWORD_CHARACTERS.contains(&password.chars().count()) {
        return Err(PasswordFault::Length);
    }
    if password.eq_ignore_ascii_case(name) {
        return Err(PasswordFault::Name);
    }
    Ok(())
}

/// OWASP's parameters for Argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The stored form of a password.
pub(crate) fn hash(password: &str) -> Result<String, AccessError> {
    let argon2 = argon2();
    let salt = SaltString::generate(&mut OsRng);
    let stored = || {
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(salt.as_salt()),
            hash: Some(output(
                &argon2,
                password,
                salt.as_salt(),
                Params::DEFAULT_OUTPUT_LEN,
            )?),
        };
        Ok::<_, password_hash::Error>(hash.to_string())
    };
    stored().map_err(|error| AccessError::Hash(error.to_string()))
}

/// Whether a password is the one that was hashed; without a hash it never is, and takes as long.
pub(crate) fn verify(password: &str, hash: Option<&str>) -> bool {
    /// Of no password that anybody has.
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| self::hash("").ok());
    let (known, hash) = match hash {
        Some(hash) => (true, hash),
        None => (false, NOBODY.as_deref().unwrap_or_default()),
    };
    known & fits(password, hash).unwrap_or(false)
}

/// Whether a password is that of a stored form.
fn fits(password: &str, stored: &str) -> Result<bool, password_hash::Error> {
    let stored = PasswordHash::new(stored)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Ok(false);
    };
    let argon2 = Argon2::new(
        Algorithm::try_from(stored.algorithm)?,
        match stored.version {
            Some(version) => Version::try_from(version)?,
            None => Version::default(),
        },
        Params::try_from(&stored)?,
    );
    // Compared in constant time.
    Ok(output(&argon2, password, salt, expected.len())? == expected)
}

/// Hashes in one buffer that is kept: one of 19 MiB for each thread that ever hashed would stay with
/// the allocator, and hundreds of sign-ins at once use as many threads.
fn output(
    argon2: &Argon2<'_>,
    password: &str,
    salt: Salt<'_>,
    length: usize,
) -> Result<Output, password_hash::Error> {
    static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut salt_bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut salt_bytes)?;
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let used = memory.get_mut(..blocks).unwrap_or_default();
    let output = Output::init_with(length, |out| {
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut *used)?)
    });
    // Nothing that follows from a password stays in it.
    used.fill(Block::new());
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let stored = hash("correct horse battery").unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(verify("correct horse battery", Some(&stored)));
        assert!(!verify("correct horse battery ", Some(&stored)));
        assert!(!verify("", None));
        assert!(!verify("x", Some("no hash")));
    }

    #[test]
    fn a_hash_that_an_earlier_version_stored_still_fits() {
        use argon2::password_hash::PasswordHasher as _;
        let salt = SaltString::generate(&mut OsRng);
        let earlier = argon2()
            .hash_password(b"staple battery horse", &salt)
            .unwrap();
        assert!(verify("staple battery horse", Some(&earlier.to_string())));
    }
}
