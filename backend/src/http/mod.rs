//! Transport: requests and answers in general. Knows no node, VM, task or user.

pub(crate) mod accept;
pub(crate) mod base_path;
pub(crate) mod body_cache;
pub(crate) mod cookies;
pub(crate) mod csv;
pub(crate) mod error;
pub(crate) mod etag;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod idempotency_key;
pub(crate) mod json;
pub(crate) mod language;
pub(crate) mod page_token;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod request_id;
pub(crate) mod static_files;
pub(crate) mod tls;

pub(crate) use error::Error;

/// The largest body of a request, in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
