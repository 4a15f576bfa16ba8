//! HTTP and HTTPS connections: taken, limited, and ended in good order.
//!
//! Whoever can reach a port can open connections and say nothing. Each one costs a file descriptor,
//! and without descriptors nothing goes on: no answer, no `ssh`. So there is a limit to all
//! connections and to those of one address, and each has to say what it wants within a while.

mod connection;
mod limits;
mod places;

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
use places::Places;

/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// More descriptors than are ever needed; there are programs that look at each one they may have.
const ENOUGH: u64 = 65_536;

/// How often the same complaint is worth a line in the log.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Lets this process have as many descriptors as it is allowed to ask for. Programs get 1,024
/// from most systems unless they ask, which 100 nodes and some open pages use up.
///
/// # Errors
///
/// The operating system refuses.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX).min(ENOUGH);
    if limit.current.is_none_or(|current| current >= allowed) {
        return Ok(());
    }
    limit.current = Some(allowed);
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Serves a router, which finds `ConnectInfo<SocketAddr>` in each request, by HTTPS where there is
/// an `acceptor`. From `shutdown` on it takes no more connections and ends each one behind the
/// answer that is under way; returns when all have ended.
pub async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let places = Places::new(&limits);
    let mut complaints = Complaints::default();
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match taken {
            Ok(taken) => taken,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                complaints.tell(|| tracing::error!(%error, "no connection can be taken"));
                tokio::select! {
                    // Those that are open go on, and some end.
                    () = sleep(PAUSE) => continue,
                    () = shutdown.cancelled() => break,
                }
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            complaints.tell(|| {
                tracing::warn!(
                    address = %peer.ip(),
                    "there are too many connections, from this address or in all; closing new ones"
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
            let _place = place;
            connection.run(stream).await;
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Whether only the connection that was to be taken is concerned.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// What is told again and again, told seldom.
#[derive(Debug, Default)]
struct Complaints {
    last: Option<Instant>,
}

impl Complaints {
    fn tell(&mut self, tell: impl FnOnce()) {
        if self
            .last
            .is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY)
        {
            self.last = Some(Instant::now());
            tell();
        }
    }
}
