//! Shared parts of the routes of sessions, users and tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecoman_access::UserFault;
use ecoman_api::FieldError;
use ecoman_model::NodeName;
use tokio::sync::OwnedSemaphorePermit;

use super::state::AppState;
use crate::access::{self, SignIn};
use crate::http;
use crate::http::problem::ErrorResponse;

/// Waits for its turn to hash a password.
pub(super) async fn hashing(state: &AppState) -> Result<OwnedSemaphorePermit, http::Error> {
    let hashing = Arc::clone(&state.authenticator.hashing).acquire_owned();
    hashing.await.map_err(|error| http::Error::internal(&error))
}

/// Runs blocking work: files and hashes.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, http::Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| http::Error::internal(&error))
}

pub(super) fn only_with_sign_in(state: &AppState) -> Result<(), access::Error> {
    match state.authenticator.sign_in {
        SignIn::None => Err(access::Error::NoSignIn),
        SignIn::Password | SignIn::Proxy(_) => Ok(()),
    }
}

/// The names of nodes in a body's `nodes`; without the field there is no limit.
pub(super) fn node_names(
    names: Option<&[String]>,
) -> Result<Option<BTreeSet<NodeName>>, http::Error> {
    let Some(names) = names else {
        return Ok(None);
    };
    let names = names.iter().enumerate().map(|(index, name)| {
        name.parse::<NodeName>().map_err(|error| {
            let pointer = format!("/nodes/{index}");
            http::Error::BadBody(vec![FieldError::new(&pointer, error.to_string())])
        })
    });
    names.collect::<Result<_, _>>().map(Some)
}

pub(super) fn user_fault(fault: UserFault) -> ErrorResponse {
    match fault {
        UserFault::Name(_) => http::Error::field("name", &fault).into(),
        UserFault::Password(_) => http::Error::field("password", &fault).into(),
        UserFault::Taken(name) => access::Error::UserTaken(name).into(),
        UserFault::LastAdmin(name) => access::Error::LastAdmin(name).into(),
        UserFault::Unknown(name) => access::Error::UserNotFound(name).into(),
        UserFault::Access(error) => access::Error::from(error).into(),
        other => http::Error::internal(&other).into(),
    }
}
