//! A dashboard over made-up nodes, as the program that users run.

use std::time::Duration;

use anyhow::Result;
use ecoman_store::{EmbeddedStore, Store as _};
use tempfile::TempDir;

use crate::inventory;
use crate::process::{Program, ecoman, free_port, until};

/// How long it may take to read its store.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running dashboard.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) program: Program,
    port: u16,
    _data: TempDir,
}

impl Serving {
    /// Fills a store, starts `ecoman dashboard` over it, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub(crate) async fn start(nodes: usize, vms: usize) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let store = EmbeddedStore::open(&data.path().join("ecoman.redb")).await?;
        for round in inventory::rounds(nodes, vms)? {
            store.record_round(&round).await?;
        }
        drop(store);
        Self::over(data, &[("ECOMAN_STORE", "embedded")]).await
    }

    /// Starts `ecoman dashboard` over a store that is filled, and waits until it is ready. `data`
    /// is its directory.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub(crate) async fn over(data: TempDir, store: &[(&str, &str)]) -> Result<Self> {
        let port = free_port()?;
        let program = Program::start(
            ecoman()?
                .arg("dashboard")
                .envs(store.iter().copied())
                .env("ECOMAN_DATA", data.path())
                .env("DASHBOARD_PORT", port.to_string()),
        )?;
        let mut serving = Self {
            program,
            port,
            _data: data,
        };
        let ready = serving.url("/readyz");
        until("the dashboard is ready", PATIENCE, || {
            let running = serving.program.ensure_running();
            let ready = ready.clone();
            async move {
                running?;
                Ok(reqwest::get(ready)
                    .await
                    .is_ok_and(|answer| answer.status().is_success()))
            }
        })
        .await?;
        Ok(serving)
    }

    /// Its port on the loopback address.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address of a path of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub(crate) async fn stop(self) -> Result<()> {
        self.program.stop().await
    }
}
