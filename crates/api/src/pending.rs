//! What waits until a VM is off.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A change of a VM that waits until the VM is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pending {
    /// The new name; `null`: it stays.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-c"))]
    pub name: Option<String>,
    /// The new comment, empty where it goes; `null`: it stays.
    #[cfg_attr(feature = "openapi", schema(example = "owner: ops"))]
    pub comment: Option<String>,
    /// Who requested it last; `null` where nobody signs in.
    #[cfg_attr(feature = "openapi", schema(example = "alice"))]
    pub by: Option<String>,
    /// When it was requested last.
    pub at: DateTime<Utc>,
}

/// For tables: `name: metrics-c; comment: owner: ops`.
impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.iter().map(|name| format!("name: {name}"));
        let comment = self
            .comment
            .iter()
            .map(|comment| format!("comment: {comment}"));
        f.write_str(&name.chain(comment).collect::<Vec<_>>().join("; "))
    }
}
