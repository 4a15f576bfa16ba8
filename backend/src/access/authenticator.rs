//! What a request shows, and who that makes its sender.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use chrono::TimeDelta;
use ecoman_access::{Access, AccessError, Token, TokenUse};
use ecoman_model::{Actor, Authentication, Grant};
use ipnet::IpNet;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::caller::password_actor;
use super::error::{BadCredentials, Error};
use super::proxy::ProxyUser;
use super::{Caller, SignIn, Tries, session_of};
use crate::clock::Clock;
use crate::error_chain::chain;

/// Knows everybody.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) sign_in: SignIn,
    /// How long a session lasts.
    pub(crate) session_length: TimeDelta,
    pub(crate) access: Arc<Access>,
    pub(crate) tries: Arc<Tries>,
    /// Passwords are hashed one after the other: each takes 19 MiB.
    pub(crate) hashing: Arc<Semaphore>,
    pub(crate) clock: Clock,
    /// Proxies whose `X-Forwarded-…` are believed.
    pub(crate) trusted: Vec<IpNet>,
    /// Who waits to have a password looked at.
    pub(crate) waiting: Arc<Semaphore>,
    /// Whether clients that come by no proxy come by TLS.
    pub(crate) tls: bool,
}

/// What a request shows of its sender. It is taken out of the request: nothing behind the guard
/// can tell it to anybody.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// Where it came from; behind a trusted proxy what that says.
    pub(crate) address: Option<IpAddr>,
    /// Whether it came by TLS, to us or to a trusted proxy.
    pub(crate) secure: bool,
    authorization: Option<String>,
    /// The secret of a session.
    pub(crate) session: Option<String>,
    proxied: Option<ProxyUser>,
}

/// Who a request is from.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Somebody.
    Known(Caller),
    /// It showed nothing.
    Nobody,
    /// Its credentials are rejected.
    Refused(BadCredentials),
}

impl Gate {
    /// Says in the log what an administrator may have forgotten.
    pub(crate) fn tell_at_start(&self, address: SocketAddr) {
        let is_open = !address.ip().to_canonical().is_loopback();
        if is_open && !self.tls && self.trusted.is_empty() {
            tracing::warn!(
                "passwords and tokens cross the network unencrypted: set DASHBOARD_TLS_CERT and \
                 DASHBOARD_TLS_KEY, or listen on 127.0.0.1 behind a proxy that speaks HTTPS, and \
                 name it in DASHBOARD_TRUSTED_PROXIES"
            );
        }
        match (&self.sign_in, self.access.users()) {
            (SignIn::None, _) => {}
            (_, Err(error)) => {
                tracing::error!(error = chain(&error), "nobody can sign in");
            }
            (SignIn::Password, Ok(users)) if users.is_empty() => tracing::warn!(
                directory = %self.access.directory().display(),
                "nobody can sign in yet: add somebody with `ecoman user add NAME --role admin`"
            ),
            (SignIn::Password | SignIn::Proxy(_), Ok(_)) => {}
        }
    }

    /// Takes what a request shows out of it.
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
        let session = session_of(headers, secure);
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

    /// Who shows this.
    ///
    /// # Errors
    ///
    /// Users, tokens or sessions cannot be read.
    pub(crate) async fn standing(&self, shown: &Credentials) -> Result<Standing, Error> {
        if self.sign_in == SignIn::None {
            return Ok(Standing::Known(Caller::anyone(shown.address)));
        }
        if let Some(authorization) = &shown.authorization {
            return self.bearer(authorization, shown).await;
        }
        match &self.sign_in {
            SignIn::None => Ok(Standing::Nobody),
            SignIn::Password => self.session(shown),
            SignIn::Proxy(_) => self.proxied(shown).await,
        }
    }

    /// What a user holds; `None`: they hold nothing.
    pub(crate) fn grant(&self, name: &str) -> Result<Option<Grant>, Error> {
        let user = self.access.user(name)?;
        Ok(user.map(|user| user.grant))
    }

    async fn bearer(&self, authorization: &str, shown: &Credentials) -> Result<Standing, Error> {
        let Some(secret) = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim())
        else {
            return Ok(Standing::Refused(BadCredentials::NotABearerToken));
        };
        let now = (self.clock)();
        let (id, token) = match self.access.token(secret, now)? {
            TokenUse::Good(id, token) => (id, token),
            TokenUse::Expired(..) => {
                return Ok(Standing::Refused(BadCredentials::TokenExpired));
            }
            TokenUse::Unknown => {
                return Ok(Standing::Refused(BadCredentials::TokenUnknown));
            }
        };
        let Some((owner, is_listed)) = self.grant_of_owner(&token)? else {
            return Ok(Standing::Refused(BadCredentials::TokenOwnerRemoved));
        };
        self.note_use(id).await;
        Ok(Standing::Known(Caller {
            actor: Actor {
                name: Some(token.owner),
                by: Authentication::Token,
                token: Some(token.name),
                address: shown.address,
            },
            grant: token.grant.within(&owner),
            expires_at: token.expires_at,
            is_known: true,
            is_listed,
        }))
    }

    /// What the owner of a token holds now, and whether they are one of our users; of those that
    /// only the proxy knows, what they were last seen to hold.
    fn grant_of_owner(&self, token: &Token) -> Result<Option<(Grant, bool)>, Error> {
        if let Some(user) = self.access.user(&token.owner)? {
            // Somebody who has the name of a user of before has not their tokens.
            return Ok((user.created_at <= token.created_at).then_some((user.grant, true)));
        }
        let may_be_unlisted = matches!(self.sign_in, SignIn::Proxy(_));
        let last_seen = token.owner_grant.clone().filter(|_| may_be_unlisted);
        Ok(last_seen.map(|grant| (grant, false)))
    }

    async fn note_use(&self, id: Uuid) {
        let access = Arc::clone(&self.access);
        let now = (self.clock)();
        self.write(move || access.token_used(id, now), "a token's use")
            .await;
    }

    fn session(&self, shown: &Credentials) -> Result<Standing, Error> {
        let Some(secret) = &shown.session else {
            return Ok(Standing::Nobody);
        };
        let Some(session) = self.access.session(secret, (self.clock)())? else {
            return Ok(Standing::Refused(BadCredentials::SessionEnded));
        };
        let Some(grant) = self.grant(&session.user)? else {
            return Ok(Standing::Refused(BadCredentials::SessionEnded));
        };
        Ok(Standing::Known(Caller::with_session(
            password_actor(session.user, shown.address),
            grant,
            session.expires_at,
        )))
    }

    async fn proxied(&self, shown: &Credentials) -> Result<Standing, Error> {
        let (SignIn::Proxy(trust), Some(user)) = (&self.sign_in, &shown.proxied) else {
            return Ok(Standing::Nobody);
        };
        let listed = self.grant(&user.name)?;
        let is_listed = listed.is_some();
        let held = listed.or_else(|| trust.roles.grant(&user.groups));
        if !is_listed {
            // Their tokens follow.
            let (access, name, held) = (Arc::clone(&self.access), user.name.clone(), held.clone());
            self.write(
                move || access.owner_holds(&name, held.as_ref()),
                "what the owner of tokens holds",
            )
            .await;
        }
        let Some(grant) = held else {
            return Ok(Standing::Refused(BadCredentials::NoRole));
        };
        Ok(Standing::Known(Caller {
            actor: Actor {
                name: Some(user.name.clone()),
                by: Authentication::Proxy,
                token: None,
                address: shown.address,
            },
            grant,
            expires_at: None,
            is_known: true,
            is_listed,
        }))
    }

    /// Writes something down that no answer depends on.
    async fn write(
        &self,
        write: impl FnOnce() -> Result<(), AccessError> + Send + 'static,
        what: &str,
    ) {
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "cannot note {what}"),
            Err(error) => tracing::error!(error = chain(&error), "cannot note {what}"),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The client that the trusted proxies tell of: the last address that is not one of theirs.
    /// What stands before it may have been made up by the client.
    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines = headers.get_all("x-forwarded-for").iter();
        let all: Vec<String> = lines.map(text).collect();
        all.iter()
            .flat_map(|line| line.split(','))
            .map(|address| address.trim().parse::<IpAddr>().ok())
            .rev()
            // What is no address says nothing of what stands before it either.
            .map_while(|address| address)
            .map(|address| address.to_canonical())
            .find(|address| !self.trusts(*address))
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
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
