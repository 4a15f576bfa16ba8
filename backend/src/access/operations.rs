//! Looks up what an operation needs. Each handler declares it as `x-permission`; an operation without
//! a declaration is served to nobody.

use axum::http::Method;
use ecoman_model::Permission;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anybody may.
    Nothing,
    /// The permission.
    Permission(Permission),
}

/// The router has a path for which no operation is declared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unlisted;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// With the names of parameters, as the router has it.
    pub(crate) path: String,
    /// Its id in the OpenAPI document; also in the audit log and the metrics.
    pub(crate) id: String,
    pub(crate) need: Need,
    /// The statuses that its handler gives.
    pub(crate) statuses: Vec<u16>,
}

/// What each operation of the API needs; `openapi::permissions` reads it from the handlers.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    operations: Vec<Operation>,
}

/// Paths outside the document that anybody may ask for: the answers where there is nothing, and
/// the page about the document.
const OPEN: &[&str] = &[
    "",
    "/api",
    "/api/",
    "/api/{*rest}",
    "/v1",
    "/v1/{*rest}",
    "/api/docs",
    "/api/docs/",
    "/api/docs/{file}",
];

impl Operations {
    pub(crate) fn new(operations: Vec<Operation>) -> Self {
        Self { operations }
    }

    /// The operation of a method and a path of the router's.
    pub(crate) fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        // The router answers HEAD as GET.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut operations = self.operations.iter();
        operations.find(|operation| operation.method == method && operation.path == path)
    }

    /// The name that the metrics have for a method and a path of the router's; no path: the page.
    pub(crate) fn label(&'static self, method: &Method, path: Option<&str>) -> &'static str {
        let Some(path) = path else {
            return "page";
        };
        match self.operation(method, path) {
            Some(operation) => &operation.id,
            None if path.starts_with("/api/docs") => "docs",
            None => "none",
        }
    }

    /// The names that the metrics have, each with the statuses that are usual or worth an alert.
    pub(crate) fn answers(&'static self) -> impl Iterator<Item = (&'static str, u16)> {
        let failures = [500, 503];
        let operations = self.operations.iter().flat_map(move |operation| {
            let statuses = operation.statuses.iter().copied().chain(failures);
            statuses.map(|status| (operation.id.as_str(), status))
        });
        let others = ["page", "docs", "none"].into_iter();
        let others = others.flat_map(move |name| failures.map(|status| (name, status)));
        operations.chain(others)
    }

    /// What a request needs.
    ///
    /// # Errors
    ///
    /// The router has the path, and no operation is declared for it.
    pub(crate) fn need(&self, method: &Method, path: &str) -> Result<Need, Unlisted> {
        if let Some(operation) = self.operation(method, path) {
            return Ok(operation.need);
        }
        let is_open = OPEN.contains(&path);
        // Another method than the path takes: the router says so.
        let is_known = self.operations.iter().any(|it| it.path == path);
        if is_open || is_known {
            Ok(Need::Nothing)
        } else {
            Err(Unlisted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_row_is_for_nobody() {
        let need = Need::Permission(Permission::Users);
        let operations = Operations::new(vec![Operation {
            method: Method::GET,
            path: "/api/v1/users/{name}".to_owned(),
            id: "getUser".to_owned(),
            need,
            statuses: vec![200],
        }]);
        for (method, path, expected) in [
            (Method::GET, "/api/v1/users/{name}", Ok(need)),
            (Method::HEAD, "/api/v1/users/{name}", Ok(need)),
            // The router answers 405.
            (Method::PUT, "/api/v1/users/{name}", Ok(Need::Nothing)),
            (Method::GET, "/api/v1/users", Err(Unlisted)),
            (Method::GET, "/api/v1/users/{other}", Err(Unlisted)),
            (Method::GET, "/api/{*rest}", Ok(Need::Nothing)),
            (Method::GET, "", Ok(Need::Nothing)),
        ] {
            assert_eq!(operations.need(&method, path), expected, "{method} {path}");
        }
    }
}
