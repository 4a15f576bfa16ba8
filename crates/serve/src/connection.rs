//! One connection, from its first byte to its end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::limits::Limits;

/// What a connection needs.
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) shutdown: CancellationToken,
}

/// What TLS begins with: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;

const SPEAKS_HTTPS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\
    content-length: 53\r\n\r\n\
    ECoMan speaks HTTPS here: start the address https://\n";

impl Connection {
    /// Answers until the client, a limit or the shutdown ends it.
    pub(crate) async fn run(self, stream: TcpStream) {
        // Events are small, and late if they wait for more. A socket without the option is
        // slower, no more.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = &self.acceptor else {
            return self.answer(stream).await;
        };
        let handshake = timeout(self.limits.handshake, handshake(acceptor, stream));
        let made = tokio::select! {
            made = handshake => made,
            () = self.shutdown.cancelled() => return,
        };
        match made {
            Ok(Ok(stream)) => self.answer(stream).await,
            // Scanners, and browsers that do not trust the certificate.
            Ok(Err(error)) => {
                tracing::debug!(%error, peer = %self.peer, "a connection did not become HTTPS");
            }
            Err(_) => tracing::debug!(peer = %self.peer, "the handshake of TLS took too long"),
        }
    }

    async fn answer(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(self.peer));
            self.router.clone().oneshot(request)
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.limits.head)
                .serve_connection(TokioIo::new(stream), service)
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, peer = %self.peer, "a connection has ended early");
        }
    }
}

/// Makes a connection one of HTTPS, and tells those who speak HTTP what is spoken here.
async fn handshake(
    acceptor: &TlsAcceptor,
    mut stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    let [first] = first;
    if first == HANDSHAKE_RECORD || !first.is_ascii_uppercase() {
        return acceptor.accept(stream).await;
    }
    // A connection that is closed with something unread is reset, and the answer is lost.
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request).await?;
    stream.write_all(SPEAKS_HTTPS).await?;
    stream.shutdown().await?;
    let what = "it speaks plain HTTP";
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
