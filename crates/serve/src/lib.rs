//! Accepts HTTP and HTTPS connections, limits them, and ends them in good order.
//!
//! A client that can reach the port can open connections and send nothing. Each one costs a file
//! descriptor, and without descriptors the process can neither answer nor start `ssh`. So the number
//! of connections is limited, in all and per address, and each must send its request in time.

mod connection;
mod limiter;
mod limits;

use std::io;
use std::time::{Duration, Instant};

use axum::Router;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use limits::Limits;

use connection::Connection;
use limiter::ConnectionLimiter;

/// The wait before the next `accept` after one has failed.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Enough for any installation. Some programs visit every descriptor that they may have, so the limit
/// is not raised further.
const MAX_DESCRIPTORS: u64 = 65_536;

/// The log gets one line per this time about refused connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Raises this process's limit of file descriptors as far as it may. Most systems start a program
/// with 1,024, which 100 nodes and some open pages use up.
///
/// # Errors
///
/// The operating system refuses.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX).min(MAX_DESCRIPTORS);
    if limit.current.is_none_or(|current| current >= allowed) {
        return Ok(());
    }
    limit.current = Some(allowed);
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Serves a router, by HTTPS where there is an `acceptor`. Each request carries
/// `ConnectInfo<SocketAddr>`. After `shutdown` it accepts no more connections and ends each one after
/// the answer in progress; it returns when all have ended.
pub async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let limiter = ConnectionLimiter::new(&limits);
    let mut log = RateLimitedLog::default();
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match taken {
            Ok(taken) => taken,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                log.write(|| tracing::error!(%error, "accepting connections failed"));
                tokio::select! {
                    // Open connections continue, and some of them end.
                    () = sleep(ACCEPT_RETRY) => continue,
                    () = shutdown.cancelled() => break,
                }
            }
        };
        let Some(permit) = limiter.acquire(peer.ip()) else {
            log.write(|| {
                tracing::warn!(
                    address = %peer.ip(),
                    "too many connections, from this address or in all; closing new ones"
                );
            });
            continue;
        };
        let connection = Connection {
            peer,
            acceptor: acceptor.clone(),
            router: router.clone(),
            limits: limits.clone(),
            shutdown: shutdown.clone(),
        };
        connections.spawn(async move {
            let _permit = permit;
            connection.run(stream).await;
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Whether the error concerns only the connection that was being accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Writes at most one line per [`LOG_INTERVAL`].
#[derive(Debug, Default)]
struct RateLimitedLog {
    last: Option<Instant>,
}

impl RateLimitedLog {
    fn write(&mut self, write: impl FnOnce()) {
        if self.last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL) {
            self.last = Some(Instant::now());
            write();
        }
    }
}
