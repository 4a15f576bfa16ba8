//! Whole numbers of requests. In JSON `2.0` is as whole as `2` (JSON Schema has it so too), and some
//! languages know no other way to write it.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// A whole number, for `deserialize_with`.
///
/// # Errors
///
/// It is no number, is not whole, or does not fit.
pub(crate) fn number<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(Whole(PhantomData))
}

/// A whole number or `null`, for `deserialize_with`.
///
/// # Errors
///
/// As [`number`].
pub(crate) fn optional<'de, D: Deserializer<'de>, T: TryFrom<u64>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    from.deserialize_option(Optional(PhantomData))
}

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<u64>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<T>())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        u64::try_from(value)
            .ok()
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and fits"
    )]
    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        // 2⁶⁴ itself is a float, and the first that does not fit.
        const END: f64 = 18_446_744_073_709_551_616.0;
        if value.fract() != 0.0 {
            return Err(E::invalid_type(Unexpected::Float(value), &self));
        }
        (0.0..END)
            .contains(&value)
            .then_some(value as u64)
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }
}

struct Optional<T>(PhantomData<T>);

impl<'de, T: TryFrom<u64>> Visitor<'de> for Optional<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Whole(self.0).expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        number(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use crate::SetPower;

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        for (text, expected) in [
            ("70", Ok(Some(70))),
            ("70.0", Ok(Some(70))),
            ("7e1", Ok(Some(70))),
            ("null", Ok(None)),
            (
                "70.5",
                Err("invalid type: floating point `70.5`, expected u32"),
            ),
            ("-1", Err("invalid value: integer `-1`, expected u32")),
            (
                "-1.0",
                Err("invalid value: floating point `-1.0`, expected u32"),
            ),
            (
                "4294967296",
                Err("invalid value: integer `4294967296`, expected u32"),
            ),
            (
                "1e300",
                Err("invalid value: floating point `1e+300`, expected u32"),
            ),
            ("\"70\"", Err("invalid type: string \"70\", expected u32")),
        ] {
            let body = format!(r#"{{"action":"on","guest_seconds":{text}}}"#);
            let read = serde_json::from_str::<SetPower>(&body).map(|body| body.guest_seconds);
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().starts_with(expected), "{text}: {error}");
                }
                (read, expected) => panic!("{text}: {read:?} instead of {expected:?}"),
            }
        }
    }
}
