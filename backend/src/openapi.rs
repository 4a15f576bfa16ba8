//! The OpenAPI document: what the handlers say of themselves, and what they have in common.

pub(crate) mod failures;

use std::sync::LazyLock;

use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoResponses as _, OpenApi};

use crate::routes;

/// The OpenAPI 3.1 document as it is served and as it is kept in `openapi/ecoman.json`: indented,
/// with a line end at the end.
#[must_use]
pub fn openapi_json() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let mut document = routes::api().into_openapi();
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post];
            for operation in operations.into_iter().flatten() {
                let any_other = failures::AnyOther::responses();
                operation.responses.responses.extend(any_other);
                correct_headers(operation);
            }
        }
        #[expect(
            clippy::expect_used,
            reason = "the document is the same in every run, and a test makes it"
        )]
        let mut text = document.to_pretty_json().expect("the document is JSON");
        text.push('\n');
        text
    });
    &DOCUMENT
}

/// What no handler says of itself.
pub(crate) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ECoMan",
        description = "Virtual machines of many standalone ESXi nodes.\n\n\
            Fields are in snake case, sizes in the unit that the name tells, times in RFC 3339 and \
            UTC. What is not known is `null`, never 0 or an empty text. Every answer has an \
            `x-request-id`, the request's own where it has a sensible one. Answers are sent with \
            Brotli or gzip to those who accept it. A client has to put up with new fields; a \
            field is neither taken away nor given another meaning within this version.\n\n\
            A change of a node is a task: the answer is 202 with the task and its address, and the \
            task tells how it goes on. Bodies are JSON; an unknown field is an error. With an \
            `Idempotency-Key` of its own a request can be sent again without being done again.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "VMs", description = "Virtual machines, as the crawler last saw them."),
        (name = "Tasks", description = "Changes that were asked of nodes."),
        (name = "Nodes", description = "ESXi nodes, as the crawler last saw them."),
        (name = "Events", description = "Changes, as they are seen."),
        (name = "Server", description = "The server itself."),
    ),
    components(schemas(
        ecoman_api::Problem,
        ecoman_api::VmRemoved,
        ecoman_api::NodeRemoved,
        ecoman_api::Reset
    ))
)]
struct Base;

/// A header that is optional may be left out, but it cannot be `null`, as the macro has it.
fn correct_headers(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Header
            && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        {
            schema.schema_type = SchemaType::Type(Type::String);
        }
    }
}
