//! JSON: the strict reader of request bodies, and the writer of answers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use ecoman_api::FieldError;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::http::error::Error;

/// A JSON body. Other content types are refused, which also keeps out forms of other sites: a
/// browser sends JSON across origins only after a preflight request, which no handler answers.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
            other => Error::Status(other),
        })?;
        parse(&bytes)
            .map(Self)
            .map_err(|error| Error::BadBody(vec![error]))
    }
}

/// A value of the API as JSON, on one line.
pub(crate) fn json(value: &impl serde::Serialize) -> Arc<str> {
    #[expect(
        clippy::expect_used,
        reason = "the types of the API have no map with keys other than text, and no serializer \
                  of their own: nothing in them can fail"
    )]
    let text = serde_json::to_string(value).expect("the types of the API are JSON");
    text.into()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FieldError> {
    // serde also reads a struct from an array of its fields; the OpenAPI document says object.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(FieldError::new("", "must be an object, and is an array"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let mut pointer = pointer(error.path());
        let error = error.into_inner();
        let is_syntax = !error.is_data();
        let message = error.to_string();
        if is_syntax {
            return FieldError::new("", format!("is no JSON: {message}"));
        }
        // The pointer names the place; line and column mean nothing to a client whose library
        // writes the JSON.
        let message = message
            .rfind(" at line ")
            .map_or(&*message, |end| message.get(..end).unwrap_or(&message));
        let rule = if let Some(field) = quoted(message, "missing field `") {
            pointer = format!("{pointer}/{}", escaped(field));
            "is missing".to_owned()
        } else if let Some(field) = quoted(message, "duplicate field `") {
            if !pointer.ends_with(&format!("/{field}")) {
                pointer = format!("{pointer}/{}", escaped(field));
            }
            "is there twice".to_owned()
        } else if quoted(message, "unknown field `").is_some() {
            let known = message.rsplit_once("`, expected ");
            let known = known.map_or("no field", |(_, known)| known);
            format!("is not known; expected {known}")
        } else if let Some(expected) = message
            .strip_prefix("unknown variant `")
            .and_then(|rest| rest.rsplit_once("`, expected "))
            .map(|(_, expected)| expected)
        {
            format!("must be {expected}")
        } else if let Some((found, expected)) = message
            .strip_prefix("invalid type: ")
            .or_else(|| message.strip_prefix("invalid value: "))
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            format!("must be {}, and is {}", wanted(expected), given(found))
        } else {
            message.to_owned()
        };
        FieldError::new(&pointer, rule)
    })?;
    reader
        .end()
        .map_err(|error| FieldError::new("", format!("is no JSON: {error}")))?;
    Ok(value)
}

/// The type that serde expects, in JSON's terms.
fn wanted(expected: &str) -> String {
    let most = match expected {
        "u8" => u32::from(u8::MAX),
        "u16" => u32::from(u16::MAX),
        "u32" => u32::MAX,
        "u64" => return "a whole number of 0 or more".to_owned(),
        "a boolean" => return "true or false".to_owned(),
        _ if expected.starts_with("struct ") => return "an object".to_owned(),
        _ => return expected.to_owned(),
    };
    format!("a whole number from 0 to {most}")
}

/// The value that serde found, in JSON's terms.
fn given(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        "null" => "null".to_owned(),
        _ => match found.split_once(' ') {
            Some(("integer" | "floating", number)) => {
                format!("the number {}", number.trim_start_matches("point "))
            }
            Some((kind @ ("string" | "boolean"), value)) => format!("the {kind} {value}"),
            _ => found.to_owned(),
        },
    }
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(before)?;
    rest.split('`').next()
}

/// The JSON pointer of a path (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { variant } => format!("/{}", escaped(variant)),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use ecoman_api::{CreateVm, SetPower};

    use super::*;

    #[track_caller]
    fn check<T: DeserializeOwned>(body: &str, pointer: &str, detail: &str) {
        let Err(error) = parse::<T>(body.as_bytes()) else {
            panic!("{body} was taken");
        };
        assert_eq!(
            (error.pointer.as_str(), error.detail.as_str()),
            (pointer, detail),
            "{body}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        check::<SetPower>(
            "",
            "#",
            "is no JSON: EOF while parsing a value at line 1 column 0",
        );
        check::<SetPower>(
            r#"{"action":"on"} x"#,
            "#",
            "is no JSON: trailing characters at line 1 column 17",
        );
        check::<SetPower>("{}", "#/action", "is missing");
        check::<SetPower>(
            r#"{"action":"explode"}"#,
            "#/action",
            "must be one of `on`, `off`, `shutdown`, `reboot`, `reset`, `suspend`",
        );
        check::<SetPower>(
            r#"{"action":"on","a/b~":1}"#,
            "#/a~1b~0",
            "is not known; expected one of `action`, `guest_seconds`, `if_power`",
        );
        check::<SetPower>(
            r#"{"action":"on","action":"off"}"#,
            "#/action",
            "is there twice",
        );
        check::<CreateVm>(
            r#"{"node":"hoge","name":"web","cpus":-1}"#,
            "#/cpus",
            "must be a whole number from 0 to 4294967295, and is the number `-1`",
        );
        check::<CreateVm>(
            r#"{"node":"hoge","name":"web","memory_mb":1.5}"#,
            "#/memory_mb",
            "must be a whole number of 0 or more, and is the number `1.5`",
        );
        check::<CreateVm>(
            r#"{"node":"hoge","name":{}}"#,
            "#/name",
            "must be a string, and is an object",
        );
        check::<SetPower>(
            r#"{"action":"off","guest_seconds":"9, expected"}"#,
            "#/guest_seconds",
            "must be a whole number from 0 to 4294967295, and is the string \"9, expected\"",
        );
        check::<SetPower>("7", "#", "must be an object, and is the number `7`");
        for array in ["[1]", " []", "[\"off\"]"] {
            check::<SetPower>(array, "#", "must be an object, and is an array");
        }
        check::<SetPower>(
            r#"{"action":null}"#,
            "#/action",
            "must be a string, and is null",
        );
        check::<SetPower>(
            r#"{"action":{"on":null}}"#,
            "#/action",
            "must be a string, and is an object",
        );
        check::<SetPower>(
            r#"{"action":"x`, expected `boom"}"#,
            "#/action",
            "must be one of `on`, `off`, `shutdown`, `reboot`, `reset`, `suspend`",
        );
        check::<SetPower>(
            r#"{"action":"on","a, b":1}"#,
            "#/a,%20b",
            "is not known; expected one of `action`, `guest_seconds`, `if_power`",
        );
    }
}
