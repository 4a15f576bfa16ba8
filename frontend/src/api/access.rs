//! Sessions, API tokens, users and the audit log.

use ecoman_api::{
    AuditPage, ChangePassword, CreateToken, CreateUser, CreatedToken, Identity, SignIn, TokenList,
    UpdateUser, User, UserList,
};
use gloo_net::http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::http::{ROOT, csv, get, good, read, with_json};
use crate::state::error::Error;

/// Who is signed in, and how one signs in.
pub(crate) async fn session() -> Result<Identity, Error> {
    get(&format!("{ROOT}/session")).await
}

/// Signs in; the session is a cookie that the page cannot see.
pub(crate) async fn sign_in(name: String, password: String) -> Result<(), Error> {
    let request = Request::post(&format!("{ROOT}/session"));
    let request = with_json(request, &SignIn { name, password })?;
    good(request.send().await).await.map(|_| ())
}

/// Signs out.
pub(crate) async fn sign_out() -> Result<(), Error> {
    let request = Request::delete(&format!("{ROOT}/session"));
    good(request.send().await).await.map(|_| ())
}

/// Changes the reader's password, which ends all of their sessions.
pub(crate) async fn change_password(wanted: &ChangePassword) -> Result<(), Error> {
    let request = Request::put(&format!("{ROOT}/session/password"));
    let request = with_json(request, wanted)?;
    good(request.send().await).await.map(|_| ())
}

/// The API tokens that the reader may see.
pub(crate) async fn tokens() -> Result<TokenList, Error> {
    get(&format!("{ROOT}/tokens")).await
}

/// Makes an API token.
pub(crate) async fn create_token(wanted: &CreateToken) -> Result<CreatedToken, Error> {
    let request = with_json(Request::post(&format!("{ROOT}/tokens")), wanted)?;
    read(good(request.send().await).await?).await
}

/// Revokes an API token.
pub(crate) async fn revoke_token(id: &str) -> Result<(), Error> {
    let request = Request::delete(&format!("{ROOT}/tokens/{id}"));
    good(request.send().await).await.map(|_| ())
}

/// The users.
pub(crate) async fn users() -> Result<UserList, Error> {
    get(&format!("{ROOT}/users")).await
}

/// Adds a user.
pub(crate) async fn create_user(wanted: &CreateUser) -> Result<User, Error> {
    let request = with_json(Request::post(&format!("{ROOT}/users")), wanted)?;
    read(good(request.send().await).await?).await
}

/// Changes a user.
pub(crate) async fn update_user(name: &str, wanted: &UpdateUser) -> Result<User, Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = with_json(Request::put(&format!("{ROOT}/users/{name}")), wanted)?;
    read(good(request.send().await).await?).await
}

/// Removes a user.
pub(crate) async fn delete_user(name: &str) -> Result<(), Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Request::delete(&format!("{ROOT}/users/{name}"));
    good(request.send().await).await.map(|_| ())
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
