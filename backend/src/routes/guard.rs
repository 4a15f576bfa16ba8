//! Who asks, and whether they may: every request passes here before its handler.
//!
//! [`guard`] finds out who the caller is (session, token, proxy, or nobody), and holds it against
//! what the operation needs ([`crate::access::policy`]): a row for each operation, and none without. What a
//! caller may see of the nodes is cut out of the snapshot by the handlers (`routes::loaded`).

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ecoman_model::Role;

use super::state::AppState;
use crate::access::policy::{self, Need};
use crate::access::{Caller, Credentials, Standing, origin};
use crate::audit::{self, Answer, Deed};
use crate::http::problem::Error;
use crate::http::request_id::RequestId;

/// Lets a request pass to its handler, with its [`Caller`], or refuses it.
pub(crate) async fn guard(
    State(state): State<AppState>,
    path: Option<MatchedPath>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let template = path.as_ref().map_or("", MatchedPath::as_str);
    let credentials = state.gate.credentials(&mut request);
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && let Err(error) = origin::check(request.headers()) {
        return error.into_response();
    }
    let caller = match caller(&state, request.method(), template, &credentials).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    // A path that is no UTF-8 has none, and no handler takes it.
    let parameters = parameters.ok();
    let parameter = |name| {
        let mut all = parameters.iter().flatten();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let node = parameter("node");
    let refusal = refusal(&caller, request.method(), template, node);
    let operation = policy::operation_of(request.method(), template).filter(|_| changes);
    let deed = Deed::default();
    let request_id = request.extensions().get::<RequestId>().cloned();
    let extensions = request.extensions_mut();
    extensions.insert(caller.clone());
    extensions.insert(credentials);
    extensions.insert(deed.clone());
    let response = match refusal {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    if let Some(operation) = operation {
        let told = audit::Told {
            deed,
            node: node.and_then(|node| node.parse().ok()),
            vmid: parameter("vmid").and_then(|vmid| vmid.parse().ok()),
            request_id: request_id.unwrap_or_default().0,
            answer: Answer::of(&response),
        };
        audit::record(&state, operation, &caller.actor, told).await;
    }
    response
}

/// Who asks, where it takes somebody to ask.
async fn caller(
    state: &AppState,
    method: &Method,
    template: &str,
    credentials: &Credentials,
) -> Result<Caller, Error> {
    let need = policy::need(method, template).map_err(|policy::Unlisted| {
        tracing::error!(path = template, "nobody has said who may do this");
        Error::Internal
    })?;
    match (need, state.gate.standing(credentials).await?) {
        (_, Standing::Known(caller)) => Ok(caller),
        (Need::Nothing, Standing::Nobody | Standing::Refused(_)) => {
            Ok(Caller::nobody(credentials.address))
        }
        (Need::Permission(_), Standing::Nobody) => Err(Error::NotSignedIn),
        (Need::Permission(_), Standing::Refused(why)) => Err(Error::BadCredentials(why)),
    }
}

/// Why somebody may not do it, if so.
fn refusal(caller: &Caller, method: &Method, template: &str, node: Option<&str>) -> Option<Error> {
    let Ok(Need::Permission(permission)) = policy::need(method, template) else {
        return None;
    };
    if !caller.grant.may(permission) {
        let all = Role::ALL.into_iter();
        return Some(Error::Forbidden {
            who: caller.to_string(),
            needed: all.filter(|role| role.may(permission)).min()?,
            role: caller.grant.role,
            limited: caller.grant.nodes.is_some(),
        });
    }
    node.filter(|node| !caller.grant.reaches(node))
        .map(|node| Error::out_of_reach(caller, node))
}
