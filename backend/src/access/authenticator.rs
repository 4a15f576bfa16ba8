//! Authenticates requests by session, API token or proxy header.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use chrono::TimeDelta;
use ecoman_access::{Access, AccessError, Token, TokenUse};
use ecoman_model::{Actor, Authentication, Grant, PendingChange, Permission};
use ipnet::IpNet;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::caller::password_actor;
use super::error::{BadCredentials, Error};
use super::proxy::ProxyUser;
use super::{Caller, LoginThrottle, SessionCookie, SignIn};
use crate::clock::Clock;
use crate::error_chain::chain;
use crate::http::base_path::BasePath;
use crate::tasks::pending::Rights;

/// Authenticates requests by session, API token or proxy header.
#[derive(Clone)]
pub(crate) struct Authenticator {
    pub(crate) sign_in: SignIn,
    /// The lifetime of a session.
    pub(crate) session_length: TimeDelta,
    pub(crate) access: Arc<Access>,
    pub(crate) throttle: Arc<LoginThrottle>,
    /// Passwords are hashed one after the other: each takes 19 MiB.
    pub(crate) hashing: Arc<Semaphore>,
    pub(crate) clock: Clock,
    /// Proxies whose `X-Forwarded-…` headers are trusted.
    pub(crate) trusted: Vec<IpNet>,
    /// Limits the logins that wait for `hashing`.
    pub(crate) waiting: Arc<Semaphore>,
    /// Whether this server itself speaks TLS.
    pub(crate) tls: bool,
    /// Where users see this server.
    pub(crate) base_path: BasePath,
}

/// The credentials of a request. They are removed from the request, so that nothing behind the
/// guard can log or forward them.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// The client's address; behind a trusted proxy the one that the proxy reports.
    pub(crate) address: Option<IpAddr>,
    /// Whether the client used TLS, to this server or to a trusted proxy.
    pub(crate) secure: bool,
    authorization: Option<String>,
    /// The secret of a session.
    pub(crate) session: Option<String>,
    proxied: Option<ProxyUser>,
}

/// The sender of a request.
#[derive(Debug)]
pub(crate) enum Identity {
    /// Authenticated, or sign-in is off.
    Known(Caller),
    /// Without credentials.
    Anonymous,
    /// With credentials that are invalid or expired.
    Rejected(BadCredentials),
}

impl Rights for Authenticator {
    type Error = Error;

    fn still_may(&self, change: &PendingChange, permission: Permission) -> Result<bool, Error> {
        if self.sign_in == SignIn::None {
            return Ok(true);
        }
        let actor = &change.actor;
        let Some(name) = &actor.name else {
            return Ok(false);
        };
        let grant = match &actor.token {
            Some(token) => self.grant_of_token(name, token)?,
            None => {
                let by_proxy =
                    matches!(self.sign_in, SignIn::Proxy(_)) && actor.by == Authentication::Proxy;
                // A user whom only a proxy knows keeps what they held then.
                let held = by_proxy.then(|| change.grant.clone());
                self.grant(name)?.or(held)
            }
        };
        let node = change.key.node.as_str();
        Ok(grant.is_some_and(|grant| grant.may(permission) && grant.reaches(node)))
    }
}

impl Authenticator {
    /// Logs what an administrator may have forgotten.
    pub(crate) fn warn_about_setup(&self, address: SocketAddr) {
        let is_open = !address.ip().to_canonical().is_loopback();
        if is_open && !self.tls && self.trusted.is_empty() {
            tracing::warn!(
                "passwords and tokens cross the network unencrypted: set DASHBOARD_TLS_CERT and \
                 DASHBOARD_TLS_KEY, or listen on 127.0.0.1 behind an HTTPS proxy and add it to \
                 DASHBOARD_TRUSTED_PROXIES"
            );
        }
        match (&self.sign_in, self.access.users()) {
            (SignIn::None, _) => {}
            (_, Err(error)) => {
                tracing::error!(
                    error = chain(&error),
                    "cannot read the users, so nobody can sign in"
                );
            }
            (SignIn::Password, Ok(users)) if users.is_empty() => tracing::warn!(
                directory = %self.access.directory().display(),
                "nobody can sign in yet: add a user with `ecoman user add NAME --role admin`"
            ),
            (SignIn::Proxy(trust), Ok(users)) if trust.roles.is_empty() => tracing::warn!(
                users = users.len(),
                "DASHBOARD_PROXY_ROLES is empty, so nobody whom the proxy signs in has a role but the \
                 users that `ecoman user add NAME --role … --no-password` has added"
            ),
            (SignIn::Password | SignIn::Proxy(_), Ok(_)) => {}
        }
    }

    /// Takes the credentials out of a request.
    pub(crate) fn credentials(&self, request: &mut Request) -> Credentials {
        let connected = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = connected.map(|ConnectInfo(address)| address.ip().to_canonical());
        let is_trusted = peer.is_some_and(|peer| self.trusts(peer));
        let headers = request.headers_mut();
        let authorization = headers.remove(AUTHORIZATION).map(|value| text(&value));
        let forwarded = headers
            .get("x-forwarded-proto")
            .filter(|_| is_trusted)
            .map(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        let secure = forwarded.unwrap_or(self.tls);
        let session = self.cookie(secure).secret(headers);
        headers.remove(COOKIE);
        let proxied = match &self.sign_in {
            SignIn::Proxy(trust) => trust.take(headers, is_trusted),
            SignIn::None | SignIn::Password => None,
        };
        let address = match peer {
            Some(_) if is_trusted => self.forwarded_for(headers).or(peer),
            peer => peer,
        };
        Credentials {
            address,
            secure,
            authorization,
            session,
            proxied,
        }
    }

    /// The cookie of sessions, for a client that uses TLS or does not.
    pub(crate) fn cookie(&self, secure: bool) -> SessionCookie<'_> {
        let base = &self.base_path;
        SessionCookie { secure, base }
    }

    /// The identity that credentials prove.
    ///
    /// # Errors
    ///
    /// Users, tokens or sessions cannot be read.
    pub(crate) async fn identify(&self, credentials: &Credentials) -> Result<Identity, Error> {
        if self.sign_in == SignIn::None {
            return Ok(Identity::Known(Caller::anyone(credentials.address)));
        }
        if let Some(authorization) = &credentials.authorization {
            return self.bearer(authorization, credentials).await;
        }
        match &self.sign_in {
            SignIn::None => Ok(Identity::Anonymous),
            SignIn::Password => self.session(credentials),
            SignIn::Proxy(_) => self.proxied(credentials).await,
        }
    }

    /// The role and nodes of a user; `None`: there is no such user.
    pub(crate) fn grant(&self, name: &str) -> Result<Option<Grant>, Error> {
        let user = self.access.user(name)?;
        Ok(user.map(|user| user.grant))
    }

    /// What a token of this name holds now; `None`: there is none that is good.
    fn grant_of_token(&self, owner: &str, name: &str) -> Result<Option<Grant>, Error> {
        let now = (self.clock)();
        let tokens = self.access.tokens()?;
        let mut tokens = tokens.values().filter(|token| {
            let is_good = token.expires_at.is_none_or(|end| end > now);
            token.owner == owner && token.name == name && is_good
        });
        let Some(token) = tokens.next() else {
            return Ok(None);
        };
        let owner = self.grant_of_owner(token)?;
        Ok(owner.map(|(owner, _)| token.grant.within(&owner)))
    }

    async fn bearer(
        &self,
        authorization: &str,
        credentials: &Credentials,
    ) -> Result<Identity, Error> {
        let Some(secret) = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim())
        else {
            return Ok(Identity::Rejected(BadCredentials::NotABearerToken));
        };
        let now = (self.clock)();
        let (id, token) = match self.access.token(secret, now)? {
            TokenUse::Good(id, token) => (id, token),
            TokenUse::Expired(..) => {
                return Ok(Identity::Rejected(BadCredentials::TokenExpired));
            }
            TokenUse::Unknown => {
                return Ok(Identity::Rejected(BadCredentials::TokenUnknown));
            }
        };
        let Some((owner, is_listed)) = self.grant_of_owner(&token)? else {
            return Ok(Identity::Rejected(BadCredentials::TokenOwnerRemoved));
        };
        self.record_token_use(id).await;
        Ok(Identity::Known(Caller {
            actor: Actor {
                name: Some(token.owner),
                by: Authentication::Token,
                token: Some(token.name),
                address: credentials.address,
            },
            grant: token.grant.within(&owner),
            expires_at: token.expires_at,
            is_known: true,
            is_listed,
            token: Some(id),
        }))
    }

    /// The owner's present role and nodes, and whether the owner is listed here. For an owner whom
    /// only the proxy knows: the role and nodes of their last request.
    fn grant_of_owner(&self, token: &Token) -> Result<Option<(Grant, bool)>, Error> {
        if let Some(user) = self.access.user(&token.owner)? {
            // A new user does not inherit the tokens of a deleted user of the same name.
            return Ok((user.created_at <= token.created_at).then_some((user.grant, true)));
        }
        let may_be_unlisted = matches!(self.sign_in, SignIn::Proxy(_));
        let last_seen = token.owner_grant.clone().filter(|_| may_be_unlisted);
        Ok(last_seen.map(|grant| (grant, false)))
    }

    async fn record_token_use(&self, id: Uuid) {
        let access = Arc::clone(&self.access);
        let now = (self.clock)();
        self.write(move || access.token_used(id, now), "a token's use")
            .await;
    }

    fn session(&self, credentials: &Credentials) -> Result<Identity, Error> {
        let Some(secret) = &credentials.session else {
            return Ok(Identity::Anonymous);
        };
        let Some(session) = self.access.session(secret, (self.clock)())? else {
            return Ok(Identity::Rejected(BadCredentials::SessionEnded));
        };
        let Some(grant) = self.grant(&session.user)? else {
            return Ok(Identity::Rejected(BadCredentials::SessionEnded));
        };
        Ok(Identity::Known(Caller::with_session(
            password_actor(session.user, credentials.address),
            grant,
            session.expires_at,
        )))
    }

    async fn proxied(&self, credentials: &Credentials) -> Result<Identity, Error> {
        let (SignIn::Proxy(trust), Some(user)) = (&self.sign_in, &credentials.proxied) else {
            return Ok(Identity::Anonymous);
        };
        let listed = self.grant(&user.name)?;
        let is_listed = listed.is_some();
        let held = listed.or_else(|| trust.roles.grant(&user.groups));
        if !is_listed {
            // Their tokens follow their role.
            let (access, name, held) = (Arc::clone(&self.access), user.name.clone(), held.clone());
            self.write(
                move || access.owner_holds(&name, held.as_ref()),
                "the role of a token's owner",
            )
            .await;
        }
        let Some(grant) = held else {
            return Ok(Identity::Rejected(BadCredentials::NoRole));
        };
        Ok(Identity::Known(Caller {
            actor: Actor {
                name: Some(user.name.clone()),
                by: Authentication::Proxy,
                token: None,
                address: credentials.address,
            },
            grant,
            expires_at: None,
            is_known: true,
            is_listed,
            token: None,
        }))
    }

    /// Writes to the access directory; failures are only logged, since no answer depends on it.
    async fn write(
        &self,
        write: impl FnOnce() -> Result<(), AccessError> + Send + 'static,
        what: &str,
    ) {
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "cannot record {what}"),
            Err(error) => tracing::error!(error = chain(&error), "cannot record {what}"),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The client that the trusted proxies report: the last address that is not one of theirs. A
    /// client can forge those before it.
    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines = headers.get_all("x-forwarded-for").iter();
        let all: Vec<String> = lines.map(text).collect();
        all.iter()
            .flat_map(|line| line.split(','))
            .map(|address| address.trim().parse::<IpAddr>().ok())
            .rev()
            // Stops at an invalid address: those before it cannot be trusted.
            .map_while(|address| address)
            .map(|address| address.to_canonical())
            .find(|address| !self.trusts(*address))
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("sign_in", &self.sign_in)
            .finish_non_exhaustive()
    }
}

fn text(value: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(value.as_ref()).into_owned()
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
