//! Simulated nodes as the benchmarks need them, in a process of their own: see [`crate::nodes`].

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::nodes::{Answer, Order, PowerOrder, VmOrder};

/// Running nodes; they end with this.
#[derive(Debug)]
pub(crate) struct SimulatedNodes {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    directory: TempDir,
}

impl SimulatedNodes {
    /// Starts `count` nodes with `vms` VMs each, whose every command takes `latency`.
    ///
    /// # Errors
    ///
    /// They do not start: the message says what is missing.
    pub(crate) async fn start(
        count: usize,
        vms: usize,
        latency: Duration,
        max_sessions: u8,
    ) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("nodes")
            .arg("--directory")
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("could not start the process of the simulated nodes")?;
        let orders = child.stdin.take().context("it has no standard input")?;
        let answers = child.stdout.take().context("it has no standard output")?;
        let mut nodes = Self {
            child,
            orders,
            answers: BufReader::new(answers).lines(),
            directory,
        };
        for place in 1..=count {
            let order = Order::Start {
                name: format!("esxi-{place:03}"),
                generation: None,
                vms: (1..=vms).map(|vmid| vm(place, vmid)).collect(),
                latency_ms: u64::try_from(latency.as_millis())?,
                python: false,
                max_sessions: Some(max_sessions),
            };
            nodes.carry_out(&order).await?;
        }
        Ok(nodes)
    }

    /// The `hosts.yml` that names them.
    pub(crate) fn hosts(&self) -> PathBuf {
        self.directory.path().join("hosts.yml")
    }

    /// The directory with their `known_hosts`, for `ECOMAN_DATA`.
    pub(crate) fn data(&self) -> &Path {
        self.directory.path()
    }

    /// Ends them.
    ///
    /// # Errors
    ///
    /// They do not end.
    pub(crate) async fn stop(mut self) -> Result<()> {
        drop(self.orders);
        self.child.wait().await?;
        Ok(())
    }

    /// Has them carry out an order.
    ///
    /// # Errors
    ///
    /// They cannot.
    pub(crate) async fn carry_out(&mut self, order: &Order) -> Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.orders.write_all(&line).await?;
        let answer = self
            .answers
            .next_line()
            .await?
            .context("the simulated nodes ended unexpectedly")?;
        match serde_json::from_str::<Answer>(&answer)?.error {
            Some(error) => bail!("a simulated node did not do as ordered: {error}"),
            None => Ok(()),
        }
    }
}

fn vm(node: usize, vmid: usize) -> VmOrder {
    let on = !vmid.is_multiple_of(4);
    VmOrder {
        name: Some(format!("vm-{node:03}-{vmid:03}")),
        power: Some(if on { PowerOrder::On } else { PowerOrder::Off }),
        cpus: Some(u32::try_from(vmid % 8 + 1).unwrap_or(1)),
        memory_mb: Some(1024 << (vmid % 5)),
        disk_gb: Some(80),
        used_gb: Some(u64::try_from(vmid % 80).unwrap_or(1)),
        ip: Some(format!("10.{}.{}.{}", node % 250, vmid / 250, vmid % 250)),
        comment: Some(format!("owner: ops\nsince 2024, see wiki/vm-{vmid:03}")),
        ..VmOrder::default()
    }
}
