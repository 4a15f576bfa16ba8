//! `ecoman-bench http`: the list of 10,000 VMs over HTTP, against axum sending the same bytes.
//!
//! Both servers run in this process, each with threads of its own, and are asked by the same
//! client over the same kind of connection: what differs is what they do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use axum::Router;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::routing::get;
use ecoman_backend::{Config, Dashboard};
use ecoman_model::Thresholds;
use ecoman_store::{EmbeddedStore, Store};
use reqwest::{Client, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::figure::{Figure, median, millis, say};
use crate::inventory;
use crate::process::until;

const NODES: usize = 100;
const VMS: usize = 10_000;
/// How often the quick things are done.
const REPEATS: usize = 200;
/// Clients at once, and for how long, where throughput is measured.
const CONNECTIONS: usize = 4;
const DURATION: Duration = Duration::from_secs(4);
/// How long the dashboard may take to read its store.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the first answer, the answer that nothing has changed, and throughput.
///
/// # Errors
///
/// A server does not start or does not answer as it should.
pub(crate) async fn run() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let store = EmbeddedStore::open(&directory.path().join("ecoman.redb")).await?;
    for round in inventory::rounds(NODES, VMS)? {
        store.record_round(&round).await?;
    }
    let dashboard = Server::start(Arc::new(store)).await?;
    let client = Client::new();

    let list = dashboard.url("/api/v1/vms");
    first_answers(&client, &list).await?;
    not_modified(&client, &list).await?;
    for encoding in ["identity", "br"] {
        throughput(&client, &list, encoding).await?;
    }
    dashboard.stop()
}

/// Lists that nobody has asked for: each of them is made for this question. The time is the
/// client's, with all bytes received.
async fn first_answers(client: &Client, list: &str) -> Result<()> {
    let mut whole = Vec::new();
    let mut filtered = Vec::new();
    for index in 0..20 {
        let limit = VMS - index;
        whole.push(timed(client, &format!("{list}?limit={limit}")).await?);
        filtered.push(
            timed(
                client,
                &format!("{list}?limit={limit}&q=db&sort=-memory,name"),
            )
            .await?,
        );
    }
    Figure::lower("list_first_answer", millis(median(&mut whole)), "ms")
        .goal(20.0)
        .tell();
    Figure::lower(
        "list_first_answer_filtered",
        millis(median(&mut filtered)),
        "ms",
    )
    .goal(20.0)
    .tell();
    Ok(())
}

async fn timed(client: &Client, url: &str) -> Result<Duration> {
    let begin = Instant::now();
    client
        .get(url)
        .send()
        .await?
        .error_for_status()?
        .bytes()
        .await?;
    Ok(begin.elapsed())
}

async fn not_modified(client: &Client, list: &str) -> Result<()> {
    let answer = client.get(list).send().await?.error_for_status()?;
    let tag = answer
        .headers()
        .get("etag")
        .context("a list has an ETag")?
        .clone();
    answer.bytes().await?;
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begin = Instant::now();
        let answer = client
            .get(list)
            .header("if-none-match", &tag)
            .send()
            .await?;
        times.push(begin.elapsed());
        ensure!(
            answer.status() == StatusCode::NOT_MODIFIED,
            "the list has changed"
        );
    }
    Figure::lower("list_not_modified", millis(median(&mut times)), "ms")
        .goal(1.0)
        .tell();
    Ok(())
}

/// The whole list again and again, and the very same bytes from an axum that does nothing else.
async fn throughput(client: &Client, list: &str, encoding: &'static str) -> Result<()> {
    let request = client.get(list).header("accept-encoding", encoding);
    let body = request.send().await?.error_for_status()?.bytes().await?;
    let sent = body.clone();
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_ENCODING, encoding),
    ];
    let fixed = Server::run(move |listener, shutdown| async move {
        let router = Router::new().route("/", get(move || async move { (headers, sent) }));
        let end = shutdown.cancelled_owned();
        axum::serve(listener, router)
            .with_graceful_shutdown(end)
            .await?;
        Ok(())
    })?;

    // By turns, so that whatever else the machine does meets both.
    let mut ours = 0.0;
    let mut theirs = 0.0;
    for _ in 0..2 {
        theirs += requests_per_second(client, &fixed.url("/"), encoding).await? / 2.0;
        ours += requests_per_second(client, list, encoding).await? / 2.0;
    }
    fixed.stop()?;
    let megabytes = body.len() as f64 / 1e6;
    say(format_args!(
        "{encoding}: {megabytes:.2} MB a list; {ours:.0} lists/s ({:.0} MB/s), axum with fixed \
         bytes {theirs:.0} lists/s",
        ours * megabytes
    ));
    Figure::higher(
        format!("list_throughput_{encoding}"),
        ours / theirs,
        "of-axum",
    )
    .goal(0.8)
    .tell();
    Ok(())
}

async fn requests_per_second(client: &Client, url: &str, encoding: &'static str) -> Result<f64> {
    let count = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, url, count) = (client.clone(), url.to_owned(), Arc::clone(&count));
            tokio::spawn(async move {
                while begin.elapsed() < DURATION {
                    let request = client.get(&url).header("accept-encoding", encoding);
                    request.send().await?.error_for_status()?.bytes().await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64())
}

/// A server in threads of its own.
struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    thread: JoinHandle<Result<()>>,
}

impl Server {
    /// A dashboard that has read its store.
    async fn start(store: Arc<dyn Store>) -> Result<Self> {
        let server = Self::run(move |listener, shutdown| async move {
            let address = listener.local_addr()?;
            drop(listener);
            let config = Config {
                address,
                thresholds: Thresholds::default(),
                allowed_hosts: Vec::new(),
            };
            Dashboard::bind(config, store)
                .await?
                .serve(shutdown)
                .await?;
            Ok(())
        })?;
        let ready = server.url("/readyz");
        until("the dashboard is ready", PATIENCE, || {
            let ready = ready.clone();
            async move {
                Ok(reqwest::get(ready)
                    .await
                    .is_ok_and(|answer| answer.status().is_success()))
            }
        })
        .await?;
        Ok(server)
    }

    fn run<F: Future<Output = Result<()>>>(
        serve: impl FnOnce(tokio::net::TcpListener, CancellationToken) -> F + Send + 'static,
    ) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let thread = std::thread::spawn(move || {
            tokio::runtime::Runtime::new()?.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                serve(listener, stop).await
            })
        });
        Ok(Self {
            address,
            shutdown,
            thread,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn stop(self) -> Result<()> {
        self.shutdown.cancel();
        self.thread
            .join()
            .map_err(|_| anyhow!("a server has panicked"))?
    }
}
