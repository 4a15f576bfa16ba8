//! The permissions of operations: each handler declares its own, in the attribute with its path.
//!
//! A permission is a [`Permission`]; what anybody may do says so.

use std::fmt;

use axum::http::Method;
use ecoman_model::Permission;
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation as DocumentOperation, PathItem};

use crate::access::operations::{Need, Operation, Operations};

/// The key of the permission in `extensions(…)`.
const EXTENSION: &str = "x-permission";

/// The value that an operation for anybody has there.
const ANYBODY: &str = "anybody";

/// Operations that declare no permission, or one that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndeclaredPermissions(Vec<String>);

impl std::error::Error for UndeclaredPermissions {}

impl fmt::Display for UndeclaredPermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no permission is declared for {}", self.0.join(", "))
    }
}

/// Takes the permissions out of a document: the published one does not have them.
///
/// # Errors
///
/// [`UndeclaredPermissions`].
pub(super) fn take(document: &mut OpenApi) -> Result<Operations, UndeclaredPermissions> {
    let mut known = Vec::new();
    let mut undeclared = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let id = operation.operation_id.clone().unwrap_or_default();
            match take_need(operation) {
                Some(need) => known.push(Operation {
                    method,
                    path: path.clone(),
                    id,
                    need,
                    statuses: operation
                        .responses
                        .responses
                        .keys()
                        .filter_map(|status| status.parse().ok())
                        .collect(),
                }),
                None => undeclared.push(format!("{method} {path}")),
            }
        }
    }
    if undeclared.is_empty() {
        Ok(Operations::new(known))
    } else {
        Err(UndeclaredPermissions(undeclared))
    }
}

/// The operations of a path.
pub(super) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (Method, &mut DocumentOperation)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn take_need(operation: &mut DocumentOperation) -> Option<Need> {
    let extensions = operation.extensions.as_mut()?;
    let declared = extensions.remove(EXTENSION)?;
    if extensions.is_empty() {
        operation.extensions = None;
    }
    need(declared)
}

fn need(declared: Value) -> Option<Need> {
    if declared == ANYBODY {
        return Some(Need::Nothing);
    }
    let permission: Permission = serde_json::from_value(declared).ok()?;
    Some(Need::Permission(permission))
}

#[cfg(test)]
mod tests {
    use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
    use utoipa_axum::routes;

    use super::*;

    #[utoipa::path(
        get,
        path = "/a",
        operation_id = "a",
        extensions(("x-permission" = json!(Permission::Audit)))
    )]
    async fn declared() {}

    #[utoipa::path(
        get,
        path = "/b",
        operation_id = "b",
        extensions(("x-permission" = json!("anybody")))
    )]
    async fn open() {}

    #[utoipa::path(post, path = "/c", operation_id = "c")]
    async fn undeclared() {}

    #[utoipa::path(
        delete,
        path = "/d",
        operation_id = "d",
        extensions(("x-permission" = json!("adit")))
    )]
    async fn misspelt() {}

    fn document(handlers: impl IntoIterator<Item = UtoipaMethodRouter>) -> OpenApi {
        let router = handlers
            .into_iter()
            .fold(OpenApiRouter::new(), OpenApiRouter::routes);
        router.into_openapi()
    }

    #[test]
    fn permissions_are_read_and_taken_out() {
        let mut document = document([routes!(declared), routes!(open)]);
        let operations = take(&mut document).expect("all are declared");
        let need = |path| operations.need(&Method::GET, path);
        assert_eq!(need("/a"), Ok(Need::Permission(Permission::Audit)));
        assert_eq!(need("/b"), Ok(Need::Nothing));
        let text = serde_json::to_string(&document).expect("JSON");
        assert!(!text.contains(EXTENSION), "{text}");
    }

    #[test]
    fn an_operation_without_a_permission_is_named() {
        let mut document = document([routes!(declared), routes!(undeclared), routes!(misspelt)]);
        let error = take(&mut document).expect_err("two are not declared");
        assert_eq!(
            error.to_string(),
            "no permission is declared for POST /c, DELETE /d"
        );
    }
}
