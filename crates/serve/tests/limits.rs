//! Connections that say nothing, and too many of them, over real sockets.

#![allow(
    clippy::expect_used,
    reason = "the helpers of a test fail as the test does"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use ecoman_serve::{Limits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    /// The slow answer has begun to be made.
    slow: Arc<Notify>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let slow = Arc::new(Notify::new());
        let begun = Arc::clone(&slow);
        let router = Router::new()
            .route(
                "/",
                get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
            )
            .route(
                "/slow",
                get(|| async move {
                    begun.notify_one();
                    sleep(Duration::from_millis(300)).await;
                    "done"
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(listener, None, router, limits, shutdown.clone()));
        Self {
            address,
            shutdown,
            task,
            slow,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }

    async fn answer(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        // A connection without a place may be gone already.
        let _ = stream.write_all(request.as_bytes()).await;
        rest(&mut stream).await
    }
}

/// All that still comes, until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes));
    // One that is reset has ended, too.
    let _ = read.await.expect("waited too long for the end");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn limits() -> Limits {
    Limits {
        connections: 20,
        ..Limits::of_this_process()
    }
}

#[tokio::test]
async fn a_request_carries_the_address_it_comes_from() {
    let server = Server::start(limits()).await;
    let answer = server.answer("/").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\r\n\r\n127.0.0.1:"), "{answer}");
}

#[tokio::test]
async fn who_says_nothing_or_half_is_cut_off() {
    let server = Server::start(Limits {
        head: Duration::from_millis(200),
        ..limits()
    })
    .await;
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
        .await
        .expect("written");
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("written");
    assert_eq!(rest(&mut silent).await, "");
    let answer = rest(&mut half).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    assert!(rest(&mut idle).await.contains("200 OK"));
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_until_others_have_ended() {
    let server = Server::start(limits()).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = server.connect().await;
        // Answered, so that it certainly has its place.
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .expect("written");
        let mut first = [0];
        stream.read_exact(&mut first).await.expect("an answer");
        held.push(stream);
    }
    assert_eq!(server.answer("/").await, "");
    held.clear();
    let back = async {
        while server.answer("/").await.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, back)
        .await
        .expect("waited too long for a place");
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_the_end() {
    let server = Server::start(limits()).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("written");
    let mut idle = server.connect().await;
    timeout(PATIENCE, server.slow.notified())
        .await
        .expect("waited too long for the request");
    server.shutdown.cancel();
    assert!(rest(&mut slow).await.ends_with("done"));
    assert_eq!(rest(&mut idle).await, "");
    timeout(PATIENCE, server.task)
        .await
        .expect("waited too long for the server")
        .expect("no panic");
    assert!(TcpStream::connect(server.address).await.is_err());
}
