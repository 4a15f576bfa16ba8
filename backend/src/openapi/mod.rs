//! The OpenAPI document: the handlers' own descriptions, and their common parts.

pub(crate) mod docs_page;
mod document;
mod permissions;
mod version_3_0;

use std::sync::LazyLock;

use ecoman_api::{ConfigChanged, NodeRemoved, Ping, Problem, Reset, VmRemoved};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use utoipa::{IntoResponses as _, Modify, OpenApi};

use crate::access::operations::{Need, Operations};
use crate::http::base_path::BasePath;
use crate::openapi::document::Document;
use crate::routes::state::OpenapiTexts;
use crate::routes::{self, responses};

pub use permissions::UndeclaredPermissions;

/// The OpenAPI 3.1 document as it is served, and committed in `openapi/ecoman.json`: indented, with
/// a line end at the end.
#[must_use]
pub fn openapi_json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| text(document()));
    &TEXT
}

/// The same document as OpenAPI 3.0.3, committed in `openapi/ecoman-3.0.json`, for tools without
/// support for 3.1.
#[must_use]
pub fn openapi_3_0_json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| text_3_0(document()));
    &TEXT
}

fn text_3_0(document: &Document) -> String {
    #[expect(
        clippy::expect_used,
        reason = "the document is the same in every run, and a test makes it"
    )]
    let document = version_3_0::convert(document).expect("what 3.0 can say");
    text(&document)
}

/// The documents of a server below a base path.
pub(crate) fn texts(base: &BasePath) -> OpenapiTexts {
    let mut document = document().clone();
    if !base.is_root() {
        document.set_server(base.as_str());
    }
    OpenapiTexts {
        version_3_1: text(&document).into(),
        version_3_0: text_3_0(&document).into(),
    }
}

/// The handlers' declarations.
struct Declared {
    document: Document,
    operations: Operations,
}

static DECLARED: LazyLock<Result<Declared, UndeclaredPermissions>> = LazyLock::new(|| {
    let mut document = routes::api(base()).into_openapi();
    let operations = permissions::take(&mut document)?;
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in permissions::operations(item) {
            let needed = operations.operation(&method, path);
            let need = needed.map(|operation| operation.need);
            add_failures(operation, need, !method.is_safe());
        }
    }
    #[expect(
        clippy::expect_used,
        reason = "the document is the same in every run, and a test makes it"
    )]
    let mut document: Document = serde_json::to_value(document)
        .and_then(serde_json::from_value)
        .expect("a document has all its parts");
    document.finish();
    Ok(Declared {
        document,
        operations,
    })
});

/// The permissions that the operations need.
///
/// # Errors
///
/// [`UndeclaredPermissions`].
pub(crate) fn operations() -> Result<&'static Operations, UndeclaredPermissions> {
    match &*DECLARED {
        Ok(declared) => Ok(&declared.operations),
        Err(error) => Err(error.clone()),
    }
}

fn document() -> &'static Document {
    #[expect(
        clippy::expect_used,
        reason = "the document is the same in every run, and a test makes it"
    )]
    let declared = DECLARED.as_ref().expect("permissions are declared");
    &declared.document
}

fn text(document: &Document) -> String {
    #[expect(
        clippy::expect_used,
        reason = "the document is the same in every run, and a test makes it"
    )]
    document.text().expect("the document is JSON")
}

/// Adds the security of an operation, and the failures of the layers before its handler.
fn add_failures(operation: &mut Operation, needed: Option<Need>, is_change: bool) {
    let responses = &mut operation.responses.responses;
    if let Some(Need::Permission(_)) = needed {
        responses.extend(responses::NotAllowed::responses());
        let no_scopes: [&str; 0] = [];
        operation.security = Some(
            SCHEMES
                .iter()
                .map(|scheme| SecurityRequirement::new(*scheme, no_scopes))
                // Where sign-in is off.
                .chain([SecurityRequirement::default()])
                .collect(),
        );
    }
    let mut others = responses::Anywhere::responses();
    if is_change {
        others.extend(responses::AnyChange::responses());
    }
    for (status, response) in others {
        responses.entry(status).or_insert(response);
    }
}

/// The security schemes; either will do.
const SCHEMES: [&str; 2] = ["token", "session"];

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let [token, session] = SCHEMES;
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("ecoman_…")
            .description(Some(
                "An API token, of `POST /api/v1/tokens` or `ecoman token create`.",
            ))
            .build();
        components.add_security_scheme(token, SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(
            "ecoman_session",
            "The session of `POST /api/v1/session`; over TLS its name begins with `__Host-`, \
             below a base path with `__Secure-`.",
        );
        components.add_security_scheme(session, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// The document without operations.
fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ECoMan",
        description = "Virtual machines of many standalone ESXi nodes.\n\n\
            Fields are in snake case, sizes in the unit that the name says, times in RFC 3339 and \
            UTC. An unknown value is `null`, never 0 or an empty text. Every answer has an \
            `x-request-id`, the request's own if it is valid. Answers are compressed with Brotli or \
            gzip if the client accepts it. Clients must ignore new fields; within this version no \
            field is removed or changes its meaning.\n\n\
            A change of a node is a task: the answer is 202 with the task and its address, and the \
            task reports its progress. Bodies are JSON; an unknown field is an error. A request \
            with an `Idempotency-Key` can be repeated safely.\n\n\
            Programs send an API token as `Authorization: Bearer`; the page has a session. Where \
            sign-in is off, neither is needed.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "Virtual machines", description = "VMs, as the crawler last saw them."),
        (name = "Tasks", description = "Changes of nodes and their VMs."),
        (name = "Nodes", description = "ESXi nodes, as the crawler last saw them."),
        (name = "Access", description = "Sign-in, users, tokens and the audit log."),
        (name = "Events", description = "Changes, as they happen."),
        (name = "Server", description = "The server itself."),
        (
            name = "Original",
            description = "The API of the original ECoMan, for scripts that were written for it: its \
                names, and answers that wait for the change. New scripts use tasks."
        ),
    ),
    modifiers(&Schemes),
    components(schemas(
        Problem,
        VmRemoved,
        NodeRemoved,
        ConfigChanged,
        Reset,
        Ping
    ))
)]
struct Base;
