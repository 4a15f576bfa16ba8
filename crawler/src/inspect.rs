//! One node, read as a round does, without a store: for `ecoman doctor`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use ecoman_esxi::{Host, Session};
use ecoman_model::NodeFacts;

use crate::collect::{Scope, collect};
use crate::error::CollectError;
use crate::iso::iso_images;

/// Reads everything that the rounds on a node read, and returns its warnings. A command may take
/// `timeout`.
///
/// # Errors
///
/// The node did not list its VMs.
pub async fn inspect(
    session: &Session,
    host: &Host,
    timeout: Duration,
) -> Result<Vec<String>, CollectError> {
    let none = BTreeMap::new();
    let known = NodeFacts::default();
    let scope = Scope::WithSetup;
    let collection = collect(session, host, scope, timeout, known, &none, Utc::now()).await;
    collection.vms?;
    let volumes = &collection.facts.datastores;
    let images = iso_images(session, host, volumes, timeout).await;
    let mut warnings = collection.warnings;
    warnings.extend(collection.setup_warnings.unwrap_or_default());
    warnings.extend(images.and_then(|images| images.warning(host)));
    Ok(warnings)
}
