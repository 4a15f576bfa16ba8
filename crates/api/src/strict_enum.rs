//! Words out of a closed list, in requests. The document says string; serde takes an object with
//! the word as its only key too.

use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer};

/// A word, for `deserialize_with`.
///
/// # Errors
///
/// It is no string, or none of the words.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(from)?.into_deserializer())
}

/// A word or `null`, for `deserialize_with`.
///
/// # Errors
///
/// As [`required`].
pub(crate) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let word: Option<String> = Deserialize::deserialize(from)?;
    word.map(|word| T::deserialize(word.into_deserializer()))
        .transpose()
}
