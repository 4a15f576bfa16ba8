//! `ecoman-bench http`: the list of 10,000 VMs over HTTP, against axum sending the same bytes.
//!
//! Both servers are processes of their own and are asked by the same client in the same way: what
//! differs is what they do.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::routing::get;
use bytes::Bytes;
use clap::Args;
use reqwest::{Client, StatusCode};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::figure::{Figure, median, millis, say};
use crate::process::{Program, free_port, until};
use crate::serving::Serving;

const NODES: usize = 100;
const VMS: usize = 10_000;
/// How often the quick things are done.
const REPEATS: usize = 200;
/// Clients at once, and for how long, where throughput is measured.
const CONNECTIONS: usize = 4;
const DURATION: Duration = Duration::from_secs(4);
/// How long the other server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the first answer, the answer that nothing has changed, and throughput.
///
/// # Errors
///
/// A server does not start or does not answer as it should.
pub(crate) async fn run() -> Result<()> {
    let dashboard = Serving::start(NODES, VMS).await?;
    let client = Client::new();

    let list = dashboard.url("/api/v1/vms");
    first_answers(&client, &list).await?;
    not_modified(&client, &list).await?;
    for encoding in ["identity", "br"] {
        throughput(&client, &list, encoding).await?;
    }
    dashboard.stop().await
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
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &body)?;
    let port = free_port()?;
    let mut fixed = Command::new(std::env::current_exe()?);
    fixed
        .arg("plain")
        .arg(file.path())
        .args([&port.to_string(), encoding]);
    let fixed = Program::start(&mut fixed)?;
    let fixed_url = format!("http://127.0.0.1:{port}/");
    until("axum serves the same bytes", PATIENCE, || async {
        Ok(client.get(&fixed_url).send().await.is_ok())
    })
    .await?;

    // By turns, so that whatever else the machine does meets both.
    let mut ours = 0.0;
    let mut theirs = 0.0;
    for _ in 0..2 {
        theirs += requests_per_second(client, &fixed_url, encoding).await? / 2.0;
        ours += requests_per_second(client, list, encoding).await? / 2.0;
    }
    fixed.stop().await?;
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

/// What to serve, for the other side of the comparison.
#[derive(Args, Debug)]
pub(crate) struct PlainArgs {
    /// File with the bytes
    file: PathBuf,
    /// Port on the loopback address
    port: u16,
    /// Its `Content-Encoding`
    encoding: String,
}

/// Serves the bytes of a file for ever.
///
/// # Errors
///
/// The file cannot be read, or the port is taken.
pub(crate) async fn serve_plain(args: &PlainArgs) -> Result<()> {
    let body = Bytes::from(std::fs::read(&args.file)?);
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_ENCODING, args.encoding.clone()),
    ];
    let router = Router::new().route("/", get(move || async move { (headers, body) }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
