//! Sign-in by a proxy in front, such as oauth2-proxy: the headers that name its users.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use ecoman_model::{Grant, Role};
use subtle::ConstantTimeEq as _;

/// Which proxy is trusted, and its headers. Its address must be trusted as well.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyTrust {
    /// The secret that the proxy sends in `X-Ecoman-Proxy-Secret`.
    pub secret: String,
    /// The header with the user's name.
    pub user_header: HeaderName,
    /// The header with the user's groups, separated by commas.
    pub groups_header: HeaderName,
    /// The roles of groups.
    pub roles: ProxyRoles,
}

/// The header with the secret.
const SECRET_HEADER: HeaderName = HeaderName::from_static("x-ecoman-proxy-secret");

/// The longest name that is accepted, in bytes.
const NAME_BYTES: usize = 256;

/// Roles by group; `*` stands for every user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyRoles(BTreeMap<String, Role>);

/// A user of the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyUser {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

impl ProxyTrust {
    /// The user that the proxy names; `None` if the request is not from the proxy. Removes the
    /// headers in either case.
    pub(super) fn take(&self, headers: &mut HeaderMap, is_trusted: bool) -> Option<ProxyUser> {
        let mut take = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            let first = values.next().cloned();
            // A repeated header is ambiguous.
            let only = first.filter(|_| values.next().is_none());
            headers.remove(name);
            only
        };
        let secret = take(&SECRET_HEADER);
        let name = take(&self.user_header);
        let groups = take(&self.groups_header);
        let is_proxy = is_trusted
            && secret.is_some_and(|secret| secret.as_bytes().ct_eq(self.secret.as_bytes()).into());
        if !is_proxy {
            return None;
        }
        let name = String::from_utf8(name?.as_bytes().to_vec()).ok()?;
        let is_name = (1..=NAME_BYTES).contains(&name.len())
            && name.trim() == name
            && !name.chars().any(char::is_control);
        let groups = groups.map(|groups| String::from_utf8_lossy(groups.as_bytes()).into_owned());
        is_name.then(|| ProxyUser {
            name,
            groups: groups
                .iter()
                .flat_map(|groups| groups.split(','))
                .map(|group| group.trim().to_owned())
                .filter(|group| !group.is_empty())
                .collect(),
        })
    }
}

impl fmt::Debug for ProxyTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyTrust")
            .field("user_header", &self.user_header)
            .field("groups_header", &self.groups_header)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl ProxyRoles {
    /// Whether no group has a role.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The highest role of these groups.
    pub(super) fn grant(&self, groups: &[String]) -> Option<Grant> {
        let theirs = groups.iter().map(String::as_str).chain(["*"]);
        let role = theirs.filter_map(|group| self.0.get(group)).max()?;
        Some(Grant::everywhere(*role))
    }
}

impl FromStr for ProxyRoles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut roles = BTreeMap::new();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let (group, role) = item.rsplit_once('=').ok_or_else(|| {
                format!(
                    "{item:?} has no role; allowed is GROUP=ROLE, with commas between them, as in \
                     vm-admins=admin,*=viewer"
                )
            })?;
            let role = role
                .trim()
                .parse::<Role>()
                .map_err(|error| error.to_string())?;
            let group = group.trim();
            if group.is_empty() || roles.insert(group.to_owned(), role).is_some() {
                return Err(format!("{group:?} is no group, or is there twice"));
            }
        }
        Ok(Self(roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust() -> ProxyTrust {
        ProxyTrust {
            secret: "s3cret".to_owned(),
            user_header: HeaderName::from_static("x-forwarded-user"),
            groups_header: HeaderName::from_static("x-forwarded-groups"),
            roles: "vm-admins=admin, ops = operator, *=viewer"
                .parse()
                .expect("roles"),
        }
    }

    fn take(headers: &[(&'static str, &'static str)], is_trusted: bool) -> Option<ProxyUser> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header"));
        }
        let user = trust().take(&mut map, is_trusted);
        assert!(map.is_empty(), "{map:?}");
        user
    }

    #[test]
    fn only_the_proxy_is_believed_and_its_headers_go_no_further() {
        let secret = ("x-ecoman-proxy-secret", "s3cret");
        let user = ("x-forwarded-user", "alice@example.org");
        let groups = ("x-forwarded-groups", "ops, other,");
        assert_eq!(
            take(&[secret, user, groups], true),
            Some(ProxyUser {
                name: "alice@example.org".to_owned(),
                groups: vec!["ops".to_owned(), "other".to_owned()],
            })
        );
        assert!(take(&[secret, user], true).is_some());
        assert_eq!(take(&[secret, user, groups], false), None);
        for forged in [
            &[user][..],
            &[("x-ecoman-proxy-secret", "s3cre"), user],
            &[("x-ecoman-proxy-secret", ""), user],
            &[secret, secret, user],
            &[secret, user, ("x-forwarded-user", "root")],
            &[secret],
            &[secret, ("x-forwarded-user", "")],
        ] {
            assert_eq!(take(forged, true), None, "{forged:?}");
        }
    }

    #[test]
    fn the_greatest_role_of_a_users_groups_counts() {
        let roles = trust().roles;
        let role = |groups: &[&str]| {
            let groups: Vec<_> = groups.iter().map(|&group| group.to_owned()).collect();
            roles.grant(&groups).map(|grant| grant.role)
        };
        assert_eq!(role(&[]), Some(Role::Viewer));
        assert_eq!(role(&["ops"]), Some(Role::Operator));
        assert_eq!(role(&["ops", "vm-admins"]), Some(Role::Admin));
        assert_eq!(ProxyRoles::default().grant(&["ops".to_owned()]), None);
        for bad in ["ops", "=admin", "ops=root", "ops=admin,ops=viewer"] {
            assert!(bad.parse::<ProxyRoles>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", trust()).contains("s3cret"));
    }
}
