//! The program that stays on a node: what goes to it and what comes back.

use std::sync::Arc;
use std::time::Duration;

use openssh::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::error::HostdError;
use super::{FOLLOWING_PROGRAM, frames};
use crate::Output;
use crate::command::FOLLOW_PYTHON;

/// How often the program hears from us. It ends itself after three times as long.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// So long without a word from it, and it is given up.
const SILENCE: Duration = Duration::from_secs(45);

/// What it says of one thing at most: somewhat more than it allows itself.
const MOST_BYTES: usize = 34 * 1024 * 1024;

/// Longer than any of its own lines.
const MOST_BYTES_OF_LINE: u64 = 64 * 1024;

/// What a node may print before the program begins.
const MOST_BYTES_BEFORE: usize = 64 * 1024;

/// What nobody has taken yet; more holds up the program.
const WAITING: usize = 16;

/// Something that the program says without being asked.
#[derive(Debug)]
pub enum News {
    /// VMs have changed: what [`super::read_vms`] reads.
    Changed(Output),
    /// A VM has come or gone.
    Moved,
    /// It has ended.
    Ended(HostdError),
}

/// The program on the node, which ends when this is dropped.
#[derive(Debug)]
pub struct Follower {
    questions: mpsc::UnboundedSender<()>,
    said: mpsc::Receiver<Said>,
    task: JoinHandle<()>,
}

impl Follower {
    pub(crate) async fn start(session: Arc<openssh::Session>) -> Result<Self, openssh::Error> {
        let mut child = session
            .arc_command("exec")
            .args(["/bin/sh", "-c", FOLLOW_PYTHON, "python", START])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await?;
        let pipes = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        );
        let (questions, asked) = mpsc::unbounded_channel();
        let (sender, said) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
                return;
            };
            let conversation = Conversation {
                stdin,
                asked,
                said: sender.clone(),
                is_ready: false,
            };
            let error = conversation.hold(child, stdout, stderr).await;
            let _ = sender.send(Said::News(News::Ended(error))).await;
        });
        Ok(Self {
            questions,
            said,
            task,
        })
    }

    /// Lets it read everything, which may take `limit`: what [`super::read`] reads. News from before
    /// are dropped, as the answer has them.
    ///
    /// # Errors
    ///
    /// It has ended, and why; or it takes too long. Then it is of no more use.
    pub async fn read(&mut self, limit: Duration) -> Result<Output, HostdError> {
        // One that has ended says so below.
        let _ = self.questions.send(());
        let reading = async {
            loop {
                match self.said.recv().await {
                    Some(Said::Everything(output)) => return Ok(output),
                    Some(Said::News(News::Ended(error))) => return Err(error),
                    Some(Said::News(_)) => {}
                    None => return Err(ended()),
                }
            }
        };
        timeout(limit, reading).await.unwrap_or_else(|_| {
            Err(HostdError::TooSlow {
                words: format!("no response within {} s", limit.as_secs()),
            })
        })
    }

    /// Waits for what it says without being asked. Dropping the future loses nothing.
    pub async fn news(&mut self) -> News {
        loop {
            match self.said.recv().await {
                Some(Said::News(news)) => return news,
                Some(Said::Everything(_)) => {}
                None => return News::Ended(ended()),
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn ended() -> HostdError {
    HostdError::CutOff {
        words: "the program ended".to_owned(),
    }
}

/// What the node's Python runs at first: it takes the program from standard input, which stays open
/// behind it, and nothing of one that is cut on its way.
const START: &str = r"import os, sys
program = b''
while not program.endswith(b'\n# The end.\n'):
	piece = os.read(0, 65536)
	if not piece:
		sys.exit(3)
	program += piece
exec(compile(program, 'ecoman', 'exec'))";

/// Something whole that it says.
#[derive(Debug)]
enum Said {
    Everything(Output),
    News(News),
}

/// Both sides of the pipes.
struct Conversation {
    stdin: ChildStdin,
    asked: mpsc::UnboundedReceiver<()>,
    said: mpsc::Sender<Said>,
    /// Whether the program runs.
    is_ready: bool,
}

impl Conversation {
    /// Until it ends; and why it does.
    async fn hold(
        mut self,
        child: Child<Arc<openssh::Session>>,
        stdout: ChildStdout,
        stderr: ChildStderr,
    ) -> HostdError {
        let (sender, mut heard) = mpsc::channel(1);
        let hearing = hear(BufReader::new(stdout), sender);
        tokio::pin!(hearing);
        let mut is_over = false;
        let mut end = Vec::new();
        let mut alive = interval(SIGN_OF_LIFE);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silence = Instant::now() + SILENCE;
        // What cannot be written shows by the end of what it says.
        let _ = self.stdin.write_all(FOLLOWING_PROGRAM.as_bytes()).await;
        loop {
            tokio::select! {
                rest = &mut hearing, if !is_over => {
                    is_over = true;
                    end = rest;
                }
                heard = heard.recv() => {
                    silence = Instant::now() + SILENCE;
                    match heard {
                        Some(Heard::Ready) => self.is_ready = true,
                        Some(Heard::Alive) => {}
                        // Nobody takes it any more only while this ends.
                        Some(Heard::Said(said)) => drop(self.said.send(said).await),
                        None => return last_words(child, stderr, end).await,
                    }
                }
                Some(()) = self.asked.recv(), if self.is_ready => {
                    let _ = self.stdin.write_all(b"read\n").await;
                }
                _ = alive.tick(), if self.is_ready => {
                    let _ = self.stdin.write_all(b"alive\n").await;
                }
                () = sleep_until(silence) => {
                    let words = format!("no output for {} s", SILENCE.as_secs());
                    return HostdError::TooSlow { words };
                }
            }
        }
    }
}

/// A line, or something whole.
enum Heard {
    Ready,
    Alive,
    Said(Said),
}

/// Reads what it prints to the end; what is left then belongs to nothing that is whole.
async fn hear(mut stdout: impl AsyncBufRead + Unpin, sender: mpsc::Sender<Heard>) -> Vec<u8> {
    let mut heard = Vec::new();
    let (mut is_begun, mut is_update) = (false, false);
    loop {
        let begin = heard.len();
        let mut line = (&mut stdout).take(MOST_BYTES_OF_LINE);
        match line.read_until(b'\n', &mut heard).await {
            Ok(1..) => {}
            _ => return heard,
        }
        let line = heard.get(begin..).unwrap_or_default();
        let Some(words) = line
            .strip_prefix(b"ECO1 ")
            .and_then(|line| line.strip_suffix(b"\n"))
        else {
            // The greeting of a login shell may stand before; else nothing does.
            if is_begun || heard.len() > MOST_BYTES_BEFORE {
                return heard;
            }
            continue;
        };
        is_begun = true;
        let news = match words {
            b"ready" => Heard::Ready,
            b"alive" => Heard::Alive,
            b"moved" => Heard::Said(Said::News(News::Moved)),
            b"begin" | b"update" => {
                is_update = words == b"update";
                heard = BEGIN.to_vec();
                continue;
            }
            _ => {
                if let Some(bytes) = words.strip_prefix(b"part ").and_then(length) {
                    let limit = MOST_BYTES.saturating_sub(heard.len());
                    if bytes >= limit || !body(&mut stdout, bytes + 1, &mut heard).await {
                        return heard;
                    }
                    continue;
                }
                if !words.starts_with(b"end ") {
                    // `fail`, and whatever else: nothing follows.
                    return heard;
                }
                let output = Output {
                    stdout: std::mem::take(&mut heard),
                    stderr: Vec::new(),
                    exit: 0,
                };
                Heard::Said(match is_update {
                    true => Said::News(News::Changed(output)),
                    false => Said::Everything(output),
                })
            }
        };
        heard = BEGIN.to_vec();
        if sender.send(news).await.is_err() {
            return heard;
        }
    }
}

const BEGIN: &[u8] = b"ECO1 begin\n";

fn length(words: &[u8]) -> Option<usize> {
    let blank = memchr::memrchr(b' ', words)?;
    crate::parse::digits(words.get(blank + 1..)?)
}

async fn body(stdout: &mut (impl AsyncRead + Unpin), bytes: usize, heard: &mut Vec<u8>) -> bool {
    let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
    let read = stdout.take(limit).read_to_end(heard).await;
    read.is_ok_and(|read| read == bytes)
}

/// How long a program may take to end whose output has ended.
const GRACE: Duration = Duration::from_secs(2);

/// Why it has ended.
async fn last_words(
    child: Child<Arc<openssh::Session>>,
    stderr: ChildStderr,
    stdout: Vec<u8>,
) -> HostdError {
    let mut complaint = Vec::new();
    let mut stderr = stderr.take(MOST_BYTES_OF_LINE);
    let _ = timeout(GRACE, stderr.read_to_end(&mut complaint)).await;
    let status = timeout(GRACE, child.wait()).await;
    let exit = status
        .ok()
        .and_then(Result::ok)
        .and_then(|status| status.code());
    let output = Output {
        stdout,
        stderr: complaint,
        exit: exit.unwrap_or(-1),
    };
    frames::read(&output).err().unwrap_or_else(ended)
}
