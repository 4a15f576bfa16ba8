//! `ecoman-bench http`: 10,000 VMs over HTTP, against axum sending the same bytes.
//!
//! Both servers are processes of their own and are asked by the same client in the same way: what
//! differs is what they do.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::get;
use bytes::Bytes;
use clap::Args;
use ecoman_store::{MongoSettings, MongoStore, Store};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::figure::{Figure, median, millis, percentile, say};
use crate::inventory;
use crate::load::{Load, Question};
use crate::process::{Mongod, Program, free_port, until};
use crate::serving::Serving;
use crate::streams::{Changes, Streams};

const NODES: usize = 100;
const VMS: usize = 10_000;
/// How often the quick things are done.
const REPEATS: usize = 200;
/// Clients at once, and how often and for how long they ask.
const CONNECTIONS: [usize; 2] = [1, 50];
const TURNS: usize = 2;
const TURN: Duration = Duration::from_millis(800);
/// Event streams at once.
const STREAMS: usize = 200;
/// Changes that are timed, one after the other.
const CHANGES: usize = 100;
/// How long nothing changes while other things are measured.
const BETWEEN_CHANGES: Duration = Duration::from_millis(500);
const MEMORY_GOAL_MB: f64 = 64.0;
/// How long the other server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures first answers, the answer that nothing has changed, each request under load, and what
/// event streams cost.
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
    table(&client, &dashboard).await?;
    report_memory("memory_http", &dashboard)?;
    dashboard.stop().await?;
    with_streams().await
}

/// Lists that no client has requested yet: each of them is made for this question. The time is the
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
        .report();
    Figure::lower(
        "list_first_answer_filtered",
        millis(median(&mut filtered)),
        "ms",
    )
    .goal(20.0)
    .report();
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
        .report();
    Ok(())
}

/// Each request over few and many connections, and the very same answers from an axum that does
/// nothing else.
async fn table(client: &Client, dashboard: &Serving) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut answers = Vec::new();
    for (place, (_, question, _)) in questions().iter().enumerate() {
        let asked = client
            .get(dashboard.url(&question.path))
            .header(ACCEPT_ENCODING, question.encoding)
            .send()
            .await?
            .error_for_status()?;
        let tag = asked.headers().get(ETAG).cloned();
        let body = asked.bytes().await?;
        let file = directory.path().join(place.to_string());
        std::fs::write(&file, &body)?;
        answers.push(FixedAnswer {
            file,
            encoding: question.encoding.to_owned(),
            tag: tag
                .map(|tag| anyhow::Ok(tag.to_str()?.to_owned()))
                .transpose()?,
            is_known: question.is_known,
        });
    }
    let described = directory.path().join("answers.json");
    std::fs::write(&described, serde_json::to_vec(&answers)?)?;
    let port = free_port()?;
    let mut fixed = Command::new(std::env::current_exe()?);
    fixed.arg("plain").arg(&described).arg(port.to_string());
    let fixed = Program::start(&mut fixed)?;
    let url = format!("http://127.0.0.1:{port}/0");
    until("axum serves the same answers", PATIENCE, || async {
        Ok(client.get(&url).send().await.is_ok())
    })
    .await?;

    say(
        "request             connections     req/s   p50 ms   p99 ms   axum, fixed bytes: req/s  ratio",
    );
    for (place, (name, question, goal)) in questions().into_iter().enumerate() {
        let same = Question {
            path: format!("/{place}"),
            ..question.clone()
        };
        for connections in CONNECTIONS {
            // By turns, so that whatever else the machine does meets both.
            let mut ours = Load::default();
            let mut theirs = Load::default();
            for _ in 0..TURNS {
                theirs = theirs.and(Load::run(port, &same, connections, TURN).await?);
                ours = ours.and(Load::run(dashboard.port(), &question, connections, TURN).await?);
            }
            let ratio = ours.rate() / theirs.rate();
            say(format_args!(
                "{name:<19} {connections:>11} {:>9.0} {:>8.2} {:>8.2} {:>26.0} {ratio:>6.2}",
                ours.rate(),
                ours.millis(50),
                ours.millis(99),
                theirs.rate(),
            ));
            let name = format!("http_{name}_{connections}");
            report(&name, &mut ours);
            let ratio = Figure::higher(format!("{name}_ratio"), ratio, "of-axum");
            goal.map_or(ratio.clone(), |goal| ratio.goal(goal)).report();
        }
    }
    fixed.stop().await
}

/// With event streams open, all of which receive what changes meanwhile. The store has to be one
/// that another process can write: MongoDB.
async fn with_streams() -> Result<()> {
    let Some(mongod) = Mongod::start().await? else {
        say("event streams are left out: ECOMAN_MONGOD names no mongod");
        return Ok(());
    };
    let store: Arc<dyn Store> = Arc::new(
        MongoStore::connect(&MongoSettings {
            uri: None,
            host: mongod.host(),
            username: String::new(),
            password: String::new(),
            dbname: "ecoman".to_owned(),
        })
        .await?,
    );
    let rounds = inventory::rounds(NODES, VMS)?;
    for round in &rounds {
        store.record_round(round).await?;
    }
    let settings = [("ECOMAN_STORE", "mongodb"), ("MONGO_HOST", &mongod.host())];
    let dashboard = Serving::over(tempfile::tempdir()?, &settings).await?;
    let mut streams = Streams::open(&dashboard, STREAMS).await?;
    let first = rounds.into_iter().next().context("there is a node")?;
    let mut changes = Changes::to(first);

    let mut delays = Vec::new();
    for _ in 0..CHANGES {
        let since = Instant::now();
        let change = changes.make(&*store).await?;
        delays.push(streams.all_have(change).await?.duration_since(since));
    }
    for percent in [50, 99] {
        Figure::lower(
            format!("event_at_last_of_{STREAMS}_streams_p{percent}"),
            millis(percentile(&mut delays, percent)),
            "ms",
        )
        .report();
    }

    let asked: Vec<_> = questions()
        .into_iter()
        .filter(|(name, _, _)| ["list_304", "vm"].contains(name))
        .collect();
    // A change every now and then, as on a busy day, which every stream receives.
    let stop = CancellationToken::new();
    let changing = tokio::spawn({
        let stop = stop.clone();
        async move {
            let mut made = 0_usize;
            while stop
                .run_until_cancelled(tokio::time::sleep(BETWEEN_CHANGES))
                .await
                .is_some()
            {
                let change = changes.make(&*store).await?;
                streams.all_have(change).await?;
                made += 1;
            }
            anyhow::Ok(made)
        }
    });
    for (name, question, _) in asked {
        for connections in CONNECTIONS {
            let mut load = Load::run(
                dashboard.port(),
                &question,
                connections,
                TURN * u32::try_from(TURNS)?,
            )
            .await?;
            say(format_args!(
                "{name:<19} {connections:>11} {:>9.0} {:>8.2} {:>8.2}   with {STREAMS} streams",
                load.rate(),
                load.millis(50),
                load.millis(99),
            ));
            report(
                &format!("http_{name}_{connections}_with_streams"),
                &mut load,
            );
        }
    }
    stop.cancel();
    let made = changing.await??;
    ensure!(made > 0, "nothing changed while the streams were open");
    say(format_args!(
        "{made} changes meanwhile, each received by all {STREAMS} streams"
    ));
    report_memory("memory_http_with_streams", &dashboard)?;
    dashboard.stop().await?;
    mongod.stop().await
}

/// A request, and its goal as a part of what axum does with fixed bytes.
fn questions() -> Vec<(&'static str, Question, Option<f64>)> {
    let question = |path: &str, encoding, is_known| Question {
        path: path.to_owned(),
        encoding,
        is_known,
    };
    let list = "/api/v1/vms";
    let filtered = "/api/v1/vms?q=db&sort=-memory,name";
    vec![
        (
            "list_identity",
            question(list, "identity", false),
            Some(0.8),
        ),
        ("list_br", question(list, "br", false), Some(0.8)),
        ("list_filtered_br", question(filtered, "br", false), None),
        ("list_304", question(list, "br", true), None),
        (
            "vm",
            question("/api/v1/vms/esxi-001/1", "identity", false),
            None,
        ),
    ]
}

fn report(name: &str, load: &mut Load) {
    Figure::higher(format!("{name}_rate"), load.rate(), "1/s").report();
    Figure::lower(format!("{name}_p50"), load.millis(50), "ms").report();
    Figure::lower(format!("{name}_p99"), load.millis(99), "ms").report();
}

fn report_memory(name: &str, dashboard: &Serving) -> Result<()> {
    let memory = dashboard.program.memory()?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    Figure::lower(name, megabytes(memory.now), "MB")
        .goal(MEMORY_GOAL_MB)
        .report();
    say(format_args!(
        "{name}: {:.1} MB at its highest",
        megabytes(memory.peak)
    ));
    Ok(())
}

/// The bytes to serve on the other side of the comparison.
#[derive(Args, Debug)]
pub(crate) struct PlainArgs {
    /// JSON file with the answers: the first is at /0
    answers: PathBuf,
    /// Port on the loopback address
    port: u16,
}

/// One of the answers to serve.
#[derive(Debug, Deserialize, Serialize)]
struct FixedAnswer {
    /// With the body.
    file: PathBuf,
    /// `Content-Encoding`
    encoding: String,
    /// `ETag`
    tag: Option<String>,
    /// Whether those who name an `ETag` are answered 304.
    is_known: bool,
}

/// Serves fixed answers until it is dropped.
///
/// # Errors
///
/// A file cannot be read, or the port is taken.
pub(crate) async fn serve_plain(args: &PlainArgs) -> Result<()> {
    let answers: Vec<FixedAnswer> = serde_json::from_slice(&std::fs::read(&args.answers)?)?;
    let mut router = Router::new();
    for (place, answer) in answers.into_iter().enumerate() {
        let body = Bytes::from(std::fs::read(&answer.file)?);
        let mut fixed = HeaderMap::new();
        fixed.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        fixed.insert(CONTENT_ENCODING, answer.encoding.parse()?);
        if let Some(tag) = &answer.tag {
            fixed.insert(ETAG, tag.parse()?);
        }
        let serve = get(move |asked: HeaderMap| async move {
            if answer.is_known && asked.contains_key(IF_NONE_MATCH) {
                return (StatusCode::NOT_MODIFIED, fixed, Bytes::new());
            }
            (StatusCode::OK, fixed, body)
        });
        router = router.route(&format!("/{place}"), serve);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
