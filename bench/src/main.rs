//! Benchmarks against the budgets, and what they and the browser tests are set up with.
//!
//! Each figure is a line `BENCH name=… value=… unit=… goal=… better=…`, which
//! `cargo xtask bench` puts together. Only figures of a release build count. Simulated nodes run in a process
//! of their own, behind real sshds, and so do the roles whose memory is looked at.

mod crawl;
mod figure;
mod history;
mod hostile;
mod http;
mod inventory;
mod load;
mod memory;
mod nodes;
mod note;
mod process;
mod seed;
mod serving;
mod simulated;
mod store;
mod streams;
mod ways;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Benchmarks against the budgets.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything that is measured, one after the other; the default
    All,
    /// Rounds over 10 simulated nodes with 50 VMs each, 0.2 s a command
    Crawl,
    /// One node of ten that prints too much, without end, or what cannot be: memory, times of answers,
    /// and the age of the other nodes
    Hostile,
    /// 10,000 VMs over HTTP: first answers, then each request over 1 and over 50 connections, and
    /// with 200 event streams
    Http,
    /// The history at 100 nodes and 10,000 VMs, five changes a VM and day
    History(history::HistoryArgs),
    /// Resident memory of the roles at 100 nodes and 10,000 VMs
    Memory,
    /// From a change on a node, with a note to the crawler, to the store
    Note,
    /// 10,000 VMs written to the store, and rounds in which nothing has changed
    Store,
    /// What a round costs a node by each way of asking it: 50 and 500 VMs, 0.8 s a `vim-cmd`; takes
    /// minutes, and is no part of `all`
    Ways,
    /// Fills an embedded store with made-up nodes
    Seed(seed::SeedArgs),
    /// Simulated nodes, driven by JSON objects on standard input, a line each
    Nodes(nodes::NodesArgs),
    /// Serves fixed answers: what the dashboard is compared with
    #[command(hide = true)]
    Plain(http::PlainArgs),
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command.unwrap_or(Command::All) {
        Command::All => {
            crawl::run().await?;
            note::run().await?;
            store::run().await?;
            http::run().await?;
            memory::run().await?;
            hostile::run().await
        }
        Command::Hostile => hostile::run().await,
        Command::Crawl => crawl::run().await,
        Command::Http => http::run().await,
        Command::History(args) => history::run(&args).await,
        Command::Memory => memory::run().await,
        Command::Note => note::run().await,
        Command::Store => store::run().await,
        Command::Ways => ways::run().await,
        Command::Seed(args) => seed::run(&args).await,
        Command::Nodes(args) => tokio::task::spawn_blocking(move || nodes::run(&args)).await?,
        Command::Plain(args) => http::serve_plain(&args).await,
    }
}
