//! The server: bound first, so that its address is known, then run until shutdown.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ecoman_esxi::{HostsError, HostsWatch, SessionOptions};
use ecoman_serve::{Limits, serve};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::nodes::Nodes;
use crate::registry::Registry;
use crate::routes;

/// The executor: HTTP in front, SSH behind.
#[derive(Debug)]
pub struct Executor {
    listener: TcpListener,
    local_addr: SocketAddr,
    config: Config,
    registry: Arc<Registry>,
    watch: HostsWatch,
}

/// Why the executor cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// hosts.yml cannot be used; the message lists every fault with file, line, node and key.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// The address is taken, is not this machine's, or needs more rights.
    #[error("cannot listen on {address} (EXECUTOR_BIND, EXECUTOR_PORT)")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The accept loop has died, which is a bug.
    #[error("the executor stopped serving")]
    Serve(#[source] tokio::task::JoinError),
}

/// How long responses may continue after everything else has ended: they carry the last reports.
const STOP_GRACE: Duration = Duration::from_secs(2);

impl Executor {
    /// Reads hosts.yml and takes the address; connects to no node.
    ///
    /// # Errors
    ///
    /// [`ExecutorError::Hosts`]; [`ExecutorError::Bind`].
    pub async fn bind(
        config: Config,
        hosts_path: &Path,
        session: SessionOptions,
    ) -> Result<Self, ExecutorError> {
        let (nodes, watch) = Nodes::load(hosts_path, session)?;
        let address = config.address;
        let bind_error = |source| ExecutorError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind_error)?;
        let local_addr = listener.local_addr().map_err(bind_error)?;
        Ok(Self {
            listener,
            local_addr,
            config,
            registry: Arc::new(Registry::new(nodes)),
            watch,
        })
    }

    /// The address that it listens on, with the real port where the configuration has 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown`; then refuses orders, waits 7 seconds for tasks, marks the others as
    /// interrupted, and returns when their last reports are sent.
    ///
    /// # Errors
    ///
    /// The accept loop has died. A node that does not answer is no error of the server.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), ExecutorError> {
        let Self {
            listener,
            config,
            registry,
            watch,
            ..
        } = self;
        let following = tokio::spawn(follow(watch, Arc::clone(&registry)));
        let over = CancellationToken::new();
        let router = routes::router(Arc::clone(&registry), config.token);
        let limits = Limits::of_this_process();
        let mut serving = tokio::spawn(serve(listener, None, router, limits, over.clone()));
        let ended = tokio::select! {
            ended = &mut serving => Some(ended),
            () = shutdown.cancelled() => None,
        };
        registry.stop().await;
        over.cancel();
        following.abort();
        let ended = match ended {
            Some(ended) => ended,
            None => match timeout(STOP_GRACE, &mut serving).await {
                Ok(ended) => ended,
                Err(_) => {
                    serving.abort();
                    return Ok(());
                }
            },
        };
        ended.map_err(ExecutorError::Serve)
    }
}

/// Applies changes of hosts.yml to the nodes.
async fn follow(mut watch: HostsWatch, registry: Arc<Registry>) {
    loop {
        match watch.changed().await {
            Ok(hosts) => {
                tracing::info!(nodes = hosts.nodes.len(), "hosts.yml has changed");
                registry.nodes.take(hosts);
            }
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "hosts.yml has changed but is invalid; keeping the previous version"
            ),
        }
    }
}
