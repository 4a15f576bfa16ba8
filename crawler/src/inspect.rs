//! One node, read as a round does, without a store: for `ecoman doctor`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use ecoman_esxi::hostd::{Cost, HostdError};
use ecoman_esxi::{Host, Session};
use ecoman_model::NodeFacts;

use crate::asked::Asked;
use crate::collect::{Scope, collect};
use crate::error::CollectError;
use crate::iso::iso_images;

/// How a node answers.
#[derive(Debug)]
pub struct Inspection {
    /// What the rounds will warn of.
    pub warnings: Vec<String>,
    /// Whether it can be read by one program.
    pub reading: Proof,
}

/// Whether the reading program says what `vim-cmd` says.
#[derive(Debug)]
pub enum Proof {
    /// It does, and costs the node so much.
    Same(Cost),
    /// It does not: what differs, in words.
    Differs(String),
    /// It could not be run or read.
    Failed(HostdError),
}

/// Reads everything that the rounds on a node read, in both ways. A command may take `timeout`.
///
/// # Errors
///
/// The node did not list its VMs.
pub async fn inspect(
    session: &Session,
    host: &Host,
    timeout: Duration,
) -> Result<Inspection, CollectError> {
    let none = BTreeMap::new();
    let known = NodeFacts::default();
    let (scope, at) = (Scope::WithSetup, Utc::now());
    let collection = collect(session, host, scope, timeout, known.clone(), &none, at).await;
    let vms = collection.vms?;
    let asked = Asked {
        session,
        host,
        scope,
        timeout,
        known: &known,
        previous: &none,
        at,
    };
    let reading = match asked.read_alone().await {
        Err(error) => Proof::Failed(error),
        Ok(reading) => match asked.difference(&vms, &collection.facts, &reading).await {
            Some(words) => Proof::Differs(words),
            None => Proof::Same(reading.cost),
        },
    };
    let volumes = &collection.facts.datastores;
    let images = iso_images(session, host, volumes, timeout).await;
    let mut warnings = collection.warnings;
    warnings.extend(collection.setup_warnings.unwrap_or_default());
    warnings.extend(images.and_then(|images| images.warning(host)));
    Ok(Inspection { warnings, reading })
}
