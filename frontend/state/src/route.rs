//! The pages and their addresses: the only place where paths are spelled.

use std::sync::OnceLock;

use ecoman_api::TaskId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What RFC 3986 leaves as it is in a path segment, less what only confuses people.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where a proxy serves the page; empty where it has a host name of its own.
static BASE: OnceLock<String> = OnceLock::new();

/// Sets the path below which all others are: before anything asks for one.
pub fn set_base(path: String) {
    // Only the first one counts.
    let _ = BASE.set(path);
}

/// The path below which all others are, without a slash at its end.
pub fn base() -> &'static str {
    BASE.get().map_or("", String::as_str)
}

/// The page of the server that describes its API.
pub fn api_docs() -> String {
    format!("{}/api/docs/", base())
}

/// A page of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Every VM of every node.
    Vms,
    /// One VM.
    Vm {
        /// Its node.
        node: String,
        /// Its id there.
        vmid: u32,
    },
    /// Every node.
    Nodes,
    /// One node.
    Node {
        /// Its name.
        name: String,
    },
    /// A VM to be created.
    New,
    /// What is being done and was done.
    Tasks,
    /// One task.
    Task {
        /// Its id.
        id: TaskId,
    },
    /// What happened.
    History,
    /// Who the reader is here.
    Account,
    /// The API tokens.
    Tokens,
    /// The users.
    Users,
    /// Who did what.
    Audit,
    /// An address that leads nowhere.
    NotFound,
}

impl Route {
    /// The page at a path, as the browser spells it (percent-encoded).
    pub fn parse(path: &str) -> Self {
        Self::parse_below(base(), path)
    }

    fn parse_below(base: &str, path: &str) -> Self {
        let below = path.strip_prefix(base);
        let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
        // What lies elsewhere was opened without the proxy.
        let path = below.unwrap_or(path);
        let segments: Option<Vec<String>> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                let text = percent_decode_str(segment).decode_utf8().ok()?;
                Some(text.into_owned())
            })
            .collect();
        let segments = segments.unwrap_or_else(|| vec![String::from("?")]);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            [] => Self::Vms,
            ["vms", node, vmid] if vmid.bytes().all(|byte| byte.is_ascii_digit()) => {
                vmid.parse().map_or(Self::NotFound, |vmid| Self::Vm {
                    node: (*node).to_owned(),
                    vmid,
                })
            }
            ["nodes"] => Self::Nodes,
            ["nodes", name] => Self::Node {
                name: (*name).to_owned(),
            },
            ["new"] => Self::New,
            ["account"] => Self::Account,
            ["tokens"] => Self::Tokens,
            ["users"] => Self::Users,
            ["audit"] => Self::Audit,
            ["tasks"] => Self::Tasks,
            ["history"] => Self::History,
            ["tasks", id] => id.parse().map_or(Self::NotFound, |id| Self::Task { id }),
            _ => Self::NotFound,
        }
    }

    /// Its path. The page that was not found has none of its own and leads home.
    pub fn path(&self) -> String {
        format!("{}{}", base(), self.path_below())
    }

    fn path_below(&self) -> String {
        match self {
            Self::Vms | Self::NotFound => String::from("/"),
            Self::Vm { node, vmid } => format!("/vms/{}/{vmid}", encode(node)),
            Self::Nodes => String::from("/nodes"),
            Self::Node { name } => format!("/nodes/{}", encode(name)),
            Self::New => String::from("/new"),
            Self::Account => String::from("/account"),
            Self::Tokens => String::from("/tokens"),
            Self::Users => String::from("/users"),
            Self::Audit => String::from("/audit"),
            Self::Tasks => String::from("/tasks"),
            Self::History => String::from("/history"),
            Self::Task { id } => format!("/tasks/{id}"),
        }
    }
}

fn encode(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_at_its_own_path() {
        for name in [
            "hoge",
            "esxi-01.example.org",
            "ノード 1",
            "a%2fb",
            "50%",
            "a?b#c",
        ] {
            for page in [
                Route::Vms,
                Route::Nodes,
                Route::New,
                Route::Account,
                Route::Tokens,
                Route::Users,
                Route::Audit,
                Route::Tasks,
                Route::History,
                Route::Task {
                    id: "0199a0de-0000-7000-8000-000000000001"
                        .parse()
                        .expect("an id"),
                },
                Route::Node { name: name.into() },
                Route::Vm {
                    node: name.into(),
                    vmid: 14,
                },
            ] {
                assert_eq!(Route::parse(&page.path()), page, "{}", page.path());
            }
        }
    }

    #[test]
    fn the_path_of_a_proxy_is_taken_off_where_it_is_there() {
        let parse = |path| Route::parse_below("/ecoman", path);
        assert_eq!(parse("/ecoman/nodes"), Route::Nodes);
        assert_eq!(parse("/ecoman/"), Route::Vms);
        assert_eq!(parse("/ecoman"), Route::Vms);
        assert_eq!(parse("/nodes"), Route::Nodes);
        assert_eq!(parse("/ecoman2/nodes"), Route::NotFound);
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        assert_eq!(Route::parse("/nodes/"), Route::Nodes);
        assert_eq!(Route::parse(""), Route::Vms);
    }

    #[test]
    fn what_cannot_exist_is_not_found() {
        for path in [
            "/vms",
            "/vms/hoge",
            "/vms/hoge/x",
            "/vms/hoge/+1",
            "/vms/hoge/4294967296",
            "/vms/hoge/1/2",
            "/nodes/a/b",
            "/tasks/14",
            "/else",
            "/nodes/%ff",
        ] {
            assert_eq!(Route::parse(path), Route::NotFound, "{path}");
        }
    }
}
