//! Query parameters: one error names all that are wrong.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use ecoman_api::FieldError;

use crate::http::error::Error;

/// The extractor of a handler without query parameters: it refuses requests that have any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoParameters;

impl<S: Send + Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let none = Parameters::new(parts.uri.query()).finish("");
        none.map(|()| Self).map_err(Error::BadParameters)
    }
}

/// The parameters of a request that no handler has taken yet, and the errors so far.
#[derive(Debug)]
pub(crate) struct Parameters {
    values: BTreeMap<String, Vec<String>>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// Parses a query string.
    pub(crate) fn new(query: Option<&str>) -> Self {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            values
                .entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// One parameter; `None` if it is missing or invalid. `read` returns the rule that an invalid
    /// one breaks.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let values = self.values.remove(name)?;
        let read = match values.as_slice() {
            [value] => read(value),
            _ => Err("must be there once at most".to_owned()),
        };
        read.map_err(|detail| self.errors.push(field_error(name, detail)))
            .ok()
    }

    /// A parameter with several values, separated by commas.
    pub(crate) fn take_list<T>(&mut self, name: &str) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        self.take(name, |text| {
            text.split(',')
                .map(|item| item.parse().map_err(|error: T::Err| error.to_string()))
                .collect()
        })
    }

    /// A point in time.
    pub(crate) fn take_time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.take(name, |text| {
            text.parse()
                .map_err(|_| "must be a time of RFC 3339, such as 2026-11-22T00:00:00Z".to_owned())
        })
    }

    /// `limit`: how many items are wanted, at most `most`.
    pub(crate) fn take_limit(&mut self, most: usize) -> Option<usize> {
        self.take("limit", |text| {
            whole_number(text)
                .filter(|limit| (1..=most).contains(limit))
                .ok_or_else(|| format!("must be a whole number from 1 to {most}"))
        })
    }

    /// A parameter with several words of a closed list, separated by commas.
    pub(crate) fn take_words<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
    ) -> Vec<T> {
        let read = |text: &str| {
            let mut values = Vec::new();
            for item in text.split(',') {
                let (_, value) = words
                    .iter()
                    .find(|(word, _)| *word == item)
                    .ok_or_else(|| {
                        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                        format!(
                            "must be one or more of {}, with commas between them",
                            words.join(", ")
                        )
                    })?;
                if !values.contains(value) {
                    values.push(*value);
                }
            }
            Ok(values)
        };
        self.take(name, read).unwrap_or_default()
    }

    /// The errors, once the handler has taken all known parameters: the rest is unknown.
    pub(crate) fn finish(mut self, known: &str) -> Result<(), Vec<FieldError>> {
        for name in self.values.into_keys() {
            let detail = if known.is_empty() {
                "is no parameter; there are none".to_owned()
            } else {
                format!("is no parameter; there are {known}")
            };
            self.errors.push(field_error(&name, detail));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(self.errors)
        }
    }
}

/// A whole number: digits only, no sign.
pub(crate) fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn field_error(name: &str, detail: String) -> FieldError {
    FieldError::parameter(name, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_parameter_is_named() {
        let mut parameters = Parameters::new(Some("a=1&b=x,y&b=x&c=x,z&d=%20&d"));
        assert_eq!(
            parameters.take("a", |text| text.parse().map_err(|_| String::new())),
            Some(1)
        );
        let words = [("x", 1), ("y", 2)];
        assert!(parameters.take_words("b", &words).is_empty());
        assert!(parameters.take_words("c", &words).is_empty());
        assert!(parameters.take_words("missing", &words).is_empty());
        let errors = parameters
            .finish("a, b and c")
            .expect_err("three of them are bad");
        let errors: Vec<_> = errors
            .iter()
            .map(|error| (error.pointer.as_str(), error.detail.as_str()))
            .collect();
        assert_eq!(
            errors,
            [
                ("?b", "must be there once at most"),
                (
                    "?c",
                    "must be one or more of x, y, with commas between them"
                ),
                ("?d", "is no parameter; there are a, b and c"),
            ]
        );
    }

    #[test]
    fn a_word_counts_once() {
        let mut parameters = Parameters::new(Some("b=y,x,y"));
        assert_eq!(parameters.take_words("b", &[("x", 1), ("y", 2)]), [2, 1]);
        assert_eq!(parameters.finish("b"), Ok(()));
    }
}
