//! `/vms/{node}/{vmid}/question`: the question that a VM waits with.

use axum::extract::State;
use ecoman_api::AnswerQuestion;
use ecoman_model::{Answer, Permission, TaskRequest};

use super::guard::ChangeContext;
use super::paths::VmPath;
use super::responses::Accepted;
use super::state::AppState;
use super::vm_change::VmChange;
use super::{parameters, responses};
use crate::http;
use crate::http::json::JsonBody;
use crate::http::problem::ErrorResponse;
use crate::http::query::NoParameters;

/// Answer a VM's question
///
/// Makes a task. The question is that of a task of this VM (`question`), or of the node's own
/// page.
#[utoipa::path(
    post,
    path = "/vms/{node}/{vmid}/question",
    operation_id = "answerQuestion",
    tag = "Virtual machines",
    extensions(("x-permission" = json!(Permission::Power))),
    params(
        VmPath,
        parameters::IdempotencyKey,
    ),
    request_body = AnswerQuestion,
    responses(
        Accepted,
        responses::BadBody,
        responses::NoSuchVm,
        responses::AnswerRefused,
        responses::ExecutorAway,
    )
)]
pub(crate) async fn answer_question(
    State(state): State<AppState>,
    context: ChangeContext,
    path: VmPath,
    _: NoParameters,
    JsonBody(body): JsonBody<AnswerQuestion>,
) -> Result<Accepted, ErrorResponse> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if body.question.is_empty() || body.question.len() > 64 || !body.question.chars().all(legal) {
        return Err(http::Error::field(
            "question",
            "must be the id of a question, such as _vmx1 or 0",
        )
        .into());
    }
    let vm = VmChange::find(&state, &context, &path.node, &path.vmid)?;
    let request = TaskRequest::Answer(Answer {
        vmid: vm.vmid(),
        question: body.question,
        choice: body.choice,
    });
    vm.accept(request).await
}
