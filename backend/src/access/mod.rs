//! Sign-in, callers and permissions.

mod authenticator;
mod caller;
mod cookie;
mod error;
mod login_throttle;
pub(crate) mod operations;
pub(crate) mod origin;
mod proxy;
mod settings;

pub(crate) use authenticator::{Authenticator, Credentials, Identity};
pub(crate) use caller::{Caller, password_actor};
pub(crate) use cookie::SessionCookie;
pub(crate) use error::{BadCredentials, Error};
pub(crate) use login_throttle::LoginThrottle;
pub use proxy::{ProxyRoles, ProxyTrust};
pub use settings::{
    AccessArgs, AccessConfig, AccessConfigError, AccessDirectoryArgs, AccessSettings,
};

/// How people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// Not at all.
    None,
    /// With name and password.
    Password,
    /// To a proxy in front of the server.
    Proxy(ProxyTrust),
}
