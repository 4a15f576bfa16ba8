//! API tokens, for programs that act for a user.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use ecoman_model::{Grant, Timestamp};
use uuid::Uuid;

use crate::records::{Token, TokensFile};
use crate::secret::hash;
use crate::{Access, AccessError, Secret};

/// Every token begins with this, so that scanners recognise a leaked one.
pub const TOKEN_PREFIX: &str = "ecoman_";

/// How old the time of a token's last use may get before it is written again.
const USE_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its purpose.
    pub name: String,
    /// The user that it acts for.
    pub owner: String,
    /// Whether that is one of the users here, and not only of the proxy's.
    pub owner_is_listed: bool,
    /// The role and nodes of the owner now.
    pub owner_grant: Grant,
    /// The role and nodes that the token is to have.
    pub grant: Grant,
    /// The token that makes it, if one does.
    pub made_by: Option<Uuid>,
    /// Until when it is good.
    pub expires_at: Option<Timestamp>,
}

/// The token behind a secret.
#[derive(Clone, Debug)]
pub enum TokenUse {
    /// It is a token's.
    Good(Uuid, Box<Token>),
    /// It was one's, which has expired.
    Expired(Uuid, Box<Token>),
    /// Nobody's.
    Unknown,
}

/// Why a token is not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// Not a name.
    #[error("a token name must have 1 to 100 characters, no control characters")]
    Name,
    /// It would be over at once.
    #[error("the expiry date is in the past")]
    Past,
    /// It would hold more than its owner.
    #[error("a token cannot have more permissions than its user ({role} on {nodes})")]
    Exceeds {
        /// The owner's role.
        role: ecoman_model::Role,
        /// The owner's nodes, or "all hosts".
        nodes: String,
    },
    /// Its owner has been removed.
    #[error("user {0:?} has been removed")]
    NoOwner(String),
    /// The token that makes it has been revoked.
    #[error("the token that requested this one has been revoked")]
    MakerRevoked,
    /// The file.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl Access {
    /// The tokens by id, so by age.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn tokens(&self) -> Result<BTreeMap<Uuid, Token>, AccessError> {
        Ok(self.tokens.read()?.0.clone())
    }

    /// Makes a token. Its secret is returned, and cannot be had again.
    ///
    /// # Errors
    ///
    /// [`TokenFault`].
    pub fn create_token(
        &self,
        new: NewToken,
        now: Timestamp,
    ) -> Result<(Uuid, Token, Secret), TokenFault> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(TokenFault::Name);
        }
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(TokenFault::Past);
        }
        if new.grant.within(&new.owner_grant) != new.grant {
            return Err(TokenFault::Exceeds {
                role: new.owner_grant.role,
                nodes: match &new.owner_grant.nodes {
                    None => "all hosts".to_owned(),
                    Some(nodes) => nodes
                        .iter()
                        .map(|node| node.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                },
            });
        }
        let secret = Secret::random(TOKEN_PREFIX)?;
        let token = Token {
            name: name.to_owned(),
            owner: new.owner,
            grant: new.grant,
            owner_grant: (!new.owner_is_listed).then_some(new.owner_grant),
            made_by: new.made_by,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            secret_hash: hash(secret.reveal()),
        };
        let id = Uuid::now_v7();
        let alone = self.tokens.lock()?;
        if new.owner_is_listed && !self.users.read()?.0.contains_key(&token.owner) {
            return Err(TokenFault::NoOwner(token.owner));
        }
        self.tokens.change_alone(&alone, |tokens| {
            // Revoked meanwhile, it would leave one that nothing revokes.
            let is_orphan = |maker: Uuid| !tokens.0.contains_key(&maker);
            if token.made_by.is_some_and(is_orphan) {
                return Err(TokenFault::MakerRevoked);
            }
            tokens.0.insert(id, token.clone());
            Ok(())
        })?;
        Ok((id, token, secret))
    }

    /// Revokes a token with those that it has made, and those that they have made; returns them, the
    /// token first. None, if it was not there.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn revoke_token(&self, id: Uuid) -> Result<Vec<Token>, AccessError> {
        if !self.tokens.read()?.0.contains_key(&id) {
            return Ok(Vec::new());
        }
        self.tokens.change(|tokens| Ok(tokens.revoke(id)))
    }

    /// Revokes all tokens of a user; returns how many.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn revoke_tokens_of(&self, owner: &str) -> Result<usize, AccessError> {
        self.tokens.change(|tokens| {
            let before = tokens.0.len();
            tokens.revoke_of(owner);
            Ok(before - tokens.0.len())
        })
    }

    /// The token behind a secret.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn token(&self, secret: &str, now: Timestamp) -> Result<TokenUse, AccessError> {
        if !secret.starts_with(TOKEN_PREFIX) {
            return Ok(TokenUse::Unknown);
        }
        let wanted = hash(secret);
        let tokens = self.tokens.read()?;
        let found = tokens.0.iter().find(|(_, it)| it.secret_hash == wanted);
        let Some((id, token)) = found else {
            return Ok(TokenUse::Unknown);
        };
        let token = Box::new(token.clone());
        if token.expires_at.is_some_and(|end| end <= now) {
            return Ok(TokenUse::Expired(*id, token));
        }
        Ok(TokenUse::Good(*id, token))
    }

    /// Notes that a token was used, to the minute.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn token_used(&self, id: Uuid, now: Timestamp) -> Result<(), AccessError> {
        let is_noted = |token: &Token| {
            let noted = token.last_used_at;
            noted.is_some_and(|noted| now - noted < USE_PRECISION)
        };
        if self.tokens.read()?.0.get(&id).is_none_or(is_noted) {
            return Ok(());
        }
        self.tokens.change(|tokens| {
            if let Some(token) = tokens.0.get_mut(&id) {
                token.last_used_at = Some(now);
            }
            Ok(())
        })
    }

    /// Notes what the owner of tokens holds, as the proxy says; `None`: nothing.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn owner_holds(&self, owner: &str, grant: Option<&Grant>) -> Result<(), AccessError> {
        let is_stale = |token: &Token| token.owner == owner && token.owner_grant.as_ref() != grant;
        if !self.tokens.read()?.0.values().any(is_stale) {
            return Ok(());
        }
        self.tokens.change(|tokens| {
            for token in tokens.0.values_mut().filter(|token| token.owner == owner) {
                token.owner_grant = grant.cloned();
            }
            Ok(())
        })
    }
}

impl TokensFile {
    fn revoke(&mut self, id: Uuid) -> Vec<Token> {
        let mut revoked: Vec<Token> = self.0.remove(&id).into_iter().collect();
        let made: Vec<Uuid> = self
            .0
            .iter()
            .filter(|(_, token)| token.made_by == Some(id))
            .map(|(id, _)| *id)
            .collect();
        for child in made {
            revoked.extend(self.revoke(child));
        }
        revoked
    }

    pub(crate) fn revoke_of(&mut self, owner: &str) {
        self.0.retain(|_, token| token.owner != owner);
    }
}
