//! Sessions, API tokens, users and the audit log.

use ecoman_api::{
    AuditPage, ChangePassword, CreateToken, CreateUser, CreatedToken, Identity, SeenTasks, SignIn,
    TokenList, UpdateUser, User, UserList,
};
use gloo_net::http::{Request, RequestBuilder};
use leptos::prelude::document;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::http::{ROOT, change_for_bytes, csv, get, read_json};
use crate::state::error::Error;

/// Whether the server has written into the page that its user has to sign in first: what they ask for
/// before that is refused, and the browser reports each refusal on its console.
pub(crate) fn is_signed_out() -> bool {
    document()
        .document_element()
        .is_some_and(|page| page.has_attribute("data-signed-out"))
}

/// The body of a request that has none.
const NOTHING: Option<&()> = None;

/// Sends a change whose answer says no more than that it is done.
async fn done(request: RequestBuilder, body: Option<&impl Serialize>) -> Result<(), Error> {
    change_for_bytes(request, body).await.map(|_| ())
}

/// Who is signed in, and how one signs in.
pub(crate) async fn session() -> Result<Identity, Error> {
    get(&format!("{ROOT}/session")).await
}

/// Signs in; the session is a cookie that the page cannot see.
pub(crate) async fn sign_in(name: String, password: String) -> Result<(), Error> {
    let request = Request::post(&format!("{ROOT}/session"));
    done(request, Some(&SignIn { name, password })).await
}

/// Signs out.
pub(crate) async fn sign_out() -> Result<(), Error> {
    let request = Request::delete(&format!("{ROOT}/session"));
    done(request, NOTHING).await
}

/// Changes the reader's password, which ends all of their sessions.
pub(crate) async fn change_password(wanted: &ChangePassword) -> Result<(), Error> {
    let request = Request::put(&format!("{ROOT}/session/password"));
    done(request, Some(wanted)).await
}

/// The failed tasks that the reader has seen.
pub(crate) async fn seen_tasks() -> Result<SeenTasks, Error> {
    get(&format!("{ROOT}/session/seen-tasks")).await
}

/// Adds to the failed tasks that the reader has seen.
pub(crate) async fn mark_seen(tasks: &SeenTasks) -> Result<(), Error> {
    let request = Request::post(&format!("{ROOT}/session/seen-tasks"));
    done(request, Some(tasks)).await
}

/// The API tokens that the reader may see.
pub(crate) async fn tokens() -> Result<TokenList, Error> {
    get(&format!("{ROOT}/tokens")).await
}

/// Makes an API token.
pub(crate) async fn create_token(wanted: &CreateToken) -> Result<CreatedToken, Error> {
    let request = Request::post(&format!("{ROOT}/tokens"));
    read_json(&change_for_bytes(request, Some(wanted)).await?)
}

/// Revokes an API token.
pub(crate) async fn revoke_token(id: &str) -> Result<(), Error> {
    let request = Request::delete(&format!("{ROOT}/tokens/{id}"));
    done(request, NOTHING).await
}

/// The users.
pub(crate) async fn users() -> Result<UserList, Error> {
    get(&format!("{ROOT}/users")).await
}

/// Adds a user.
pub(crate) async fn create_user(wanted: &CreateUser) -> Result<User, Error> {
    let request = Request::post(&format!("{ROOT}/users"));
    read_json(&change_for_bytes(request, Some(wanted)).await?)
}

/// Changes a user.
pub(crate) async fn update_user(name: &str, wanted: &UpdateUser) -> Result<User, Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Request::put(&format!("{ROOT}/users/{name}"));
    read_json(&change_for_bytes(request, Some(wanted)).await?)
}

/// Removes a user.
pub(crate) async fn delete_user(name: &str) -> Result<(), Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Request::delete(&format!("{ROOT}/users/{name}"));
    done(request, NOTHING).await
}

/// The newest entries of the audit log, or those of a page before; `query` without its question
/// mark.
pub(crate) async fn audit(query: &str, page_token: Option<&str>) -> Result<AuditPage, Error> {
    let token = page_token.map(|token| format!("&page_token={token}"));
    let token = token.unwrap_or_default();
    get(&format!("{ROOT}/audit?{query}{token}")).await
}

/// The audit log as CSV.
pub(crate) async fn audit_csv(query: &str) -> Result<Vec<u8>, Error> {
    csv(&format!("{ROOT}/audit?{query}")).await
}
