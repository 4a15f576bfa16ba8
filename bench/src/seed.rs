//! `ecoman-bench seed`: fills an embedded store with made-up nodes, for the browser tests and the
//! paint benchmark, which need more VMs than simulated nodes can list quickly.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ecoman_store::{EmbeddedStore, Store as _};

use crate::figure::say;
use crate::inventory;

/// How much of it, and where.
#[derive(Args, Debug)]
pub(crate) struct SeedArgs {
    /// Nodes
    #[arg(long, default_value_t = 100)]
    nodes: usize,

    /// VMs on all of them together
    #[arg(long, default_value_t = 10_000)]
    vms: usize,

    /// Directory of the embedded store, to be given to `ecoman dashboard` with
    /// `ECOMAN_STORE=embedded`
    #[arg(long = "data", env)]
    ecoman_data: PathBuf,
}

/// Fills the store.
///
/// # Errors
///
/// The store cannot be opened or written.
pub(crate) async fn run(args: &SeedArgs) -> Result<()> {
    let store = EmbeddedStore::open(&args.ecoman_data.join("ecoman.redb")).await?;
    for round in inventory::rounds(args.nodes, args.vms)? {
        store.record_round(&round).await?;
    }
    say(format_args!(
        "{}: {} nodes, {} VMs",
        args.ecoman_data.display(),
        args.nodes,
        args.vms
    ));
    Ok(())
}
