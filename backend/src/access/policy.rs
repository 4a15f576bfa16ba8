//! What each operation needs. One that is not in this list is served to nobody.

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

/// An operation that this module does not know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unlisted;

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// With the names of parameters, as the router has it.
    pub(crate) path: &'static str,
    /// Its id in the OpenAPI document; also in the audit log.
    pub(crate) id: &'static str,
    pub(crate) need: Need,
}

const fn operation(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    need: Need,
) -> Operation {
    Operation {
        method,
        path,
        id,
        need,
    }
}

const READ: Need = Need::Permission(Permission::Read);
const POWER: Need = Need::Permission(Permission::Power);
const CREATE: Need = Need::Permission(Permission::Create);
const TOKENS: Need = Need::Permission(Permission::Tokens);
const USERS: Need = Need::Permission(Permission::Users);
const AUDIT: Need = Need::Permission(Permission::Audit);

/// All of them.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation("GET", "/api/v1/vms", "listVms", READ),
    operation("POST", "/api/v1/vms", "createVm", CREATE),
    operation("GET", "/api/v1/vms/{node}/{vmid}", "getVm", READ),
    operation("PUT", "/api/v1/vms/{node}/{vmid}/power", "setPower", POWER),
    operation(
        "POST",
        "/api/v1/vms/{node}/{vmid}/question",
        "answerQuestion",
        POWER,
    ),
    operation("GET", "/api/v1/nodes", "listNodes", READ),
    operation("GET", "/api/v1/nodes/{node}", "getNode", READ),
    operation("GET", "/api/v1/tasks", "listTasks", READ),
    operation("GET", "/api/v1/tasks/{id}", "getTask", READ),
    operation("GET", "/api/v1/events", "streamEvents", READ),
    operation("GET", "/api/v1/config", "getConfig", READ),
    operation("GET", "/api/v1/session", "getSession", Need::Nothing),
    operation("POST", "/api/v1/session", "signIn", Need::Nothing),
    operation("DELETE", "/api/v1/session", "signOut", Need::Nothing),
    operation("PUT", "/api/v1/session/password", "changePassword", READ),
    operation("GET", "/api/v1/tokens", "listTokens", TOKENS),
    operation("POST", "/api/v1/tokens", "createToken", TOKENS),
    operation("DELETE", "/api/v1/tokens/{id}", "revokeToken", TOKENS),
    operation("GET", "/api/v1/users", "listUsers", USERS),
    operation("POST", "/api/v1/users", "createUser", USERS),
    operation("PUT", "/api/v1/users/{name}", "updateUser", USERS),
    operation("DELETE", "/api/v1/users/{name}", "deleteUser", USERS),
    operation("GET", "/api/v1/audit", "listAudit", AUDIT),
    operation("GET", "/api/v1/openapi.json", "getOpenapi", Need::Nothing),
    operation(
        "GET",
        "/api/v1/openapi-3.0.json",
        "getOpenapi30",
        Need::Nothing,
    ),
    operation("GET", "/v1/machine", "listMachines", READ),
    operation("POST", "/v1/machine", "createMachine", CREATE),
    operation("GET", "/v1/machine/{node}/{id}", "getMachine", READ),
    operation(
        "PUT",
        "/v1/machine/{node}/{id}/power",
        "setMachinePower",
        POWER,
    ),
    operation("GET", "/healthz", "healthz", Need::Nothing),
    operation("GET", "/readyz", "readyz", Need::Nothing),
    operation("GET", "/metrics", "getMetrics", READ),
];

/// Paths outside the document that anybody may ask for: what is said where there is nothing, and
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

/// The operation behind a method and a path of the router's.
pub(crate) fn operation_of(method: &Method, path: &str) -> Option<&'static Operation> {
    // The router answers HEAD as GET.
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let mut operations = OPERATIONS.iter();
    operations.find(|operation| operation.method == method && operation.path == path)
}

/// How the metrics call what is behind a method and a path of the router's; no path: the page.
pub(crate) fn operation_label(method: &Method, path: Option<&str>) -> &'static str {
    let Some(path) = path else {
        return "page";
    };
    match operation_of(method, path) {
        Some(operation) => operation.id,
        None if path.starts_with("/api/docs") => "docs",
        None => "none",
    }
}

/// What a request needs.
///
/// # Errors
///
/// The router has the path, and this module does not.
pub(crate) fn need(method: &Method, path: &str) -> Result<Need, Unlisted> {
    if let Some(operation) = operation_of(method, path) {
        return Ok(operation.need);
    }
    let is_open = OPEN.contains(&path);
    // Another method than the path takes: the router says so.
    let is_known = OPERATIONS.iter().any(|operation| operation.path == path);
    if is_open || is_known {
        Ok(Need::Nothing)
    } else {
        Err(Unlisted)
    }
}
