//! The header `Idempotency-Key`.

use axum::http::HeaderMap;

use crate::http::error::Error;

/// The key of a request, if it has one.
///
/// # Errors
///
/// [`Error::BadIdempotencyKey`].
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| {
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match (key, keys.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Error::BadIdempotencyKey),
    }
}
