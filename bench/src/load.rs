//! The same request again and again over some connections that are kept open, by hyper alone: the
//! client shares the machine with the server and has to cost little.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT_ENCODING, ETAG, HOST, HeaderValue, IF_NONE_MATCH};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::figure::{millis, percentile};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Path and query.
    pub(crate) path: String,
    /// `Accept-Encoding`
    pub(crate) encoding: &'static str,
    /// Whether requests carry the entity tag of the latest answer.
    pub(crate) is_known: bool,
}

/// The outcome.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// Of each answer, from the question to its last byte, in no order.
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Load {
    /// Asks over so many connections for so long.
    ///
    /// # Errors
    ///
    /// A connection breaks, or an answer is no success and no 304.
    pub(crate) async fn run(
        port: u16,
        question: &Question,
        connections: usize,
        duration: Duration,
    ) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let mut client = Client::connect(port).await?;
            // Known, and compressed, before it counts.
            client.ask(question).await?;
            clients.push(client);
        }
        let begin = Instant::now();
        let mut asking = JoinSet::new();
        for mut client in clients {
            let question = question.clone();
            asking.spawn(async move {
                let mut times = Vec::new();
                while begin.elapsed() < duration {
                    let since = Instant::now();
                    let status = client.ask(&question).await?;
                    // A client that learns of a change gets the list, which is another request.
                    if !question.is_known || status == StatusCode::NOT_MODIFIED {
                        times.push(since.elapsed());
                    }
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(asked) = asking.join_next().await {
            times.append(&mut asked??);
        }
        Ok(Self {
            times,
            elapsed: begin.elapsed(),
        })
    }

    /// The same, measured twice.
    pub(crate) fn and(mut self, mut other: Self) -> Self {
        self.times.append(&mut other.times);
        self.elapsed += other.elapsed;
        self
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds that so many in a hundred did not exceed.
    pub(crate) fn millis(&mut self, percent: usize) -> f64 {
        millis(percentile(&mut self.times, percent))
    }
}

/// One connection.
#[derive(Debug)]
struct Client {
    sender: SendRequest<Empty<Bytes>>,
    /// `ETag` of the latest answer.
    tag: Option<HeaderValue>,
}

impl Client {
    async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its end, good or bad, shows in the next answer.
        tokio::spawn(connection);
        Ok(Self { sender, tag: None })
    }

    async fn ask(&mut self, question: &Question) -> Result<StatusCode> {
        let mut request = Request::get(&question.path)
            .header(HOST, "localhost")
            .header(ACCEPT_ENCODING, question.encoding);
        if let Some(tag) = self.tag.as_ref().filter(|_| question.is_known) {
            request = request.header(IF_NONE_MATCH, tag);
        }
        self.sender.ready().await?;
        let answer = self
            .sender
            .send_request(request.body(Empty::new())?)
            .await
            .with_context(|| format!("no answer to {}", question.path))?;
        let status = answer.status();
        ensure!(
            status.is_success() || status == StatusCode::NOT_MODIFIED,
            "{} was answered with {status}",
            question.path
        );
        self.tag = answer.headers().get(ETAG).cloned();
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(status)
    }
}
