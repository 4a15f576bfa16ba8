//! What the routes of sessions, users and tokens have in common.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecoman_access::UserFault;
use ecoman_api::FieldError;
use ecoman_model::{FieldFault, NodeName};
use tokio::sync::OwnedSemaphorePermit;

use super::state::AppState;
use crate::access::{SignIn, unreadable};
use crate::http::json::field_errors;
use crate::http::problem::Error;

/// The right to hash a password.
pub(super) async fn hashing(state: &AppState) -> Result<OwnedSemaphorePermit, Error> {
    let hashing = Arc::clone(&state.gate.hashing).acquire_owned();
    hashing.await.map_err(|error| Error::internal(&error))
}

/// Work on files, and hashes.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(&error))
}

pub(super) fn only_with_sign_in(state: &AppState) -> Result<(), Error> {
    match state.gate.sign_in {
        SignIn::None => Err(Error::SignInOff(
            "Nobody signs in here, and whoever reaches the server may do everything; set \
             DASHBOARD_SIGN_IN for users and tokens.",
        )),
        SignIn::Password | SignIn::Proxy(_) => Ok(()),
    }
}

/// The names of nodes in a body's `nodes`; no such field is no limit.
pub(super) fn node_names(names: Option<&[String]>) -> Result<Option<BTreeSet<NodeName>>, Error> {
    let Some(names) = names else {
        return Ok(None);
    };
    let names = names.iter().enumerate().map(|(index, name)| {
        name.parse::<NodeName>().map_err(|error| {
            Error::Body(vec![FieldError {
                pointer: format!("/nodes/{index}"),
                detail: error.to_string(),
            }])
        })
    });
    names.collect::<Result<_, _>>().map(Some)
}

pub(super) fn user_fault(fault: UserFault) -> Error {
    let of = |field, fault: &UserFault| {
        Error::Body(field_errors(&[FieldFault {
            field,
            rule: fault.to_string(),
        }]))
    };
    match fault {
        UserFault::Name(_) => of("name", &fault),
        UserFault::Password(_) => of("password", &fault),
        UserFault::Taken(name) => Error::UserTaken(name),
        UserFault::LastAdmin(name) => Error::LastAdmin(name),
        UserFault::Unknown(name) => Error::NoSuchUser(name),
        UserFault::Access(error) => unreadable(&error),
        other => Error::internal(&other),
    }
}
