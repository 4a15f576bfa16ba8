//! One connection, from its first byte to its end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderValue;
use axum::http::header::HOST;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::limits::Limits;

/// A connection with what its task needs.
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) shutdown: CancellationToken,
}

/// The first byte of TLS: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// HTTP/2 as a client names it in the handshake (RFC 9113, 3.2).
const HTTP_2: &[u8] = b"h2";

/// Requests of one HTTP/2 connection at a time. A browser has one connection for all its tabs.
const MAX_STREAMS: u32 = 128;

/// HTTP/2 has no time between requests in which a head must come, so a silent client is asked after this
/// time whether it is there.
const HTTP_2_PING: Duration = Duration::from_secs(30);

const SPEAKS_HTTPS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\
    content-length: 53\r\n\r\n\
    ECoMan speaks HTTPS here: start the address https://\n";

impl Connection {
    /// Answers until the client, a limit or the shutdown ends it.
    pub(crate) async fn run(self, stream: TcpStream) {
        // Events are small; without the option they would wait for more data. A socket without it is
        // only slower.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = &self.acceptor else {
            return self.answer(stream, Version::Http1).await;
        };
        let handshake = timeout(self.limits.handshake, handshake(acceptor, stream));
        let made = tokio::select! {
            made = handshake => made,
            () = self.shutdown.cancelled() => return,
        };
        match made {
            Ok(Ok(stream)) => {
                let version = match stream.get_ref().1.alpn_protocol() {
                    Some(HTTP_2) => Version::Http2,
                    _ => Version::Http1,
                };
                self.answer(stream, version).await;
            }
            // Scanners, and browsers that do not trust the certificate.
            Ok(Err(error)) => {
                tracing::debug!(%error, peer = %self.peer, "TLS handshake failed");
            }
            Err(_) => tracing::debug!(peer = %self.peer, "TLS handshake timed out"),
        }
    }

    async fn answer(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        version: Version,
    ) {
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(self.peer));
            name_host(&mut request);
            self.router.clone().oneshot(request)
        });
        let builder = Builder::new(TokioExecutor::new());
        let mut builder = match version {
            Version::Http1 => builder.http1_only(),
            Version::Http2 => builder.http2_only(),
        };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(HTTP_2_PING)
            .keep_alive_timeout(self.limits.head);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, peer = %self.peer, "connection ended early");
        }
    }
}

/// The versions of HTTP.
#[derive(Clone, Copy, Debug)]
enum Version {
    Http1,
    Http2,
}

/// Gives a request of HTTP/2 the `Host` header that one of HTTP/1.1 has: its name for the server is part
/// of the address there.
fn name_host(request: &mut Request) {
    if request.headers().contains_key(HOST) {
        return;
    }
    let authority = request.uri().authority().map(|name| name.as_str());
    if let Some(Ok(host)) = authority.map(HeaderValue::from_str) {
        request.headers_mut().insert(HOST, host);
    }
}

/// Does the TLS handshake. A client that speaks plain HTTP gets an answer that names HTTPS.
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
    // Closing a connection with unread data resets it, which would lose the answer.
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request).await?;
    stream.write_all(SPEAKS_HTTPS).await?;
    stream.shutdown().await?;
    let what = "it speaks plain HTTP";
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
