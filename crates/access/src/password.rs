//! Passwords, as Argon2id hashes in the PHC string format.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::AccessError;

/// How many characters a password has (NIST SP 800-63B, 5.1.1.2: 8 at least, no other rules).
pub const PASSWORD_CHARACTERS: RangeInclusive<usize> = 8..=256;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordFault {
    /// Too short or too long.
    #[error("a password has {} to {} characters", PASSWORD_CHARACTERS.start(), PASSWORD_CHARACTERS.end())]
    Length,
    /// The user's own name.
    #[error("the password is the user's name")]
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
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon2()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| AccessError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed; without a hash it never is, and takes as long.
pub(crate) fn verify(password: &str, hash: Option<&str>) -> bool {
    /// Of no password that anybody has.
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| self::hash("").ok());
    let (known, hash) = match hash {
        Some(hash) => (true, hash),
        None => (false, NOBODY.as_deref().unwrap_or_default()),
    };
    let fits = PasswordHash::new(hash)
        .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
    known && fits
}
