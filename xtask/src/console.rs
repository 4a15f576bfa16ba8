//! What a person sees while something runs: a line when a step begins, one when it ends with
//! how long it took, and in between, on a terminal, what it is at.

use std::fs;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::command::{Command, Failed, Output};

/// How often a terminal's line of progress is drawn.
const REDRAW: Duration = Duration::from_millis(500);

/// How often a log, where nothing can be redrawn, gets a line that something still runs.
const STILL: Duration = Duration::from_secs(60);

/// The place for it, shared by the steps that run at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    stream: Stream,
    terminal: bool,
    logs: PathBuf,
    active: Arc<Mutex<Vec<Active>>>,
}

/// Where the lines go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Where results go.
    Stdout,
    /// For what has something else to print on standard output.
    Stderr,
    /// For tests: what they show would be counted among the tests that run.
    #[cfg(test)]
    Nowhere,
}

/// A step that runs: the place for its commands.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    console: &'a Console,
    name: String,
}

/// The state of a step that runs.
#[derive(Debug)]
struct Active {
    name: String,
    since: Instant,
    reported: Instant,
    line: String,
}

impl Console {
    /// A console that keeps the output of commands as files in `logs`.
    pub(crate) fn new(stream: Stream, logs: &Path) -> Self {
        let terminal = match stream {
            Stream::Stdout => std::io::stdout().is_terminal(),
            Stream::Stderr => std::io::stderr().is_terminal(),
            #[cfg(test)]
            Stream::Nowhere => false,
        };
        let console = Self {
            stream,
            terminal,
            logs: logs.to_owned(),
            active: Arc::default(),
        };
        let ticker = console.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(REDRAW);
                ticker.tick();
            }
        });
        console
    }

    /// Whether a person watches, who can press Ctrl-C.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints a line, or several.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        let active = self.lock();
        self.print(&active, text.as_ref());
    }

    /// Shows an error, after the output of the command that failed.
    pub(crate) fn complain(&self, error: &anyhow::Error) {
        let output = error
            .downcast_ref::<Failed>()
            .map(Failed::excerpt)
            .unwrap_or_default();
        self.say(format!("{output}error: {error:#}"));
    }

    /// Keeps all others from printing, while somebody is asked.
    pub(crate) fn quietly<T>(&self, ask: impl FnOnce() -> T) -> T {
        let active = self.lock();
        if self.terminal && !active.is_empty() {
            let _ = write!(self.out(), "\r\x1b[2K");
        }
        ask()
    }

    /// Says what is done, does it, and says how long it took.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub(crate) fn step<T>(
        &self,
        name: &str,
        doing: &str,
        work: impl FnOnce(&Step<'_>) -> Result<T>,
    ) -> Result<T> {
        let since = Instant::now();
        // The log is of this run. That there was none before is well.
        let _ = fs::remove_file(self.log(name));
        {
            let mut active = self.lock();
            self.print(&active, &format!("  {name}: {doing} …"));
            active.push(Active {
                name: name.to_owned(),
                since,
                reported: since,
                line: String::new(),
            });
        }
        let result = work(&Step {
            console: self,
            name: name.to_owned(),
        });
        let mut active = self.lock();
        active.retain(|step| step.name != name);
        let (mark, word) = if result.is_ok() {
            ('✓', "done")
        } else {
            ('✗', "FAILED")
        };
        self.print(
            &active,
            &format!("{mark} {name}: {word} in {}", duration(since.elapsed())),
        );
        result
    }

    fn out(&self) -> Box<dyn Write> {
        match self.stream {
            Stream::Stdout => Box::new(std::io::stdout()),
            Stream::Stderr => Box::new(std::io::stderr()),
            #[cfg(test)]
            Stream::Nowhere => Box::new(std::io::sink()),
        }
    }

    fn log(&self, step: &str) -> PathBuf {
        self.logs.join(format!("{}.log", step.replace(' ', "-")))
    }

    fn tick(&self) {
        let mut active = self.lock();
        if self.terminal {
            self.draw(&active);
            return;
        }
        let mut lines = Vec::new();
        for step in active
            .iter_mut()
            .filter(|step| step.reported.elapsed() >= STILL)
        {
            step.reported = Instant::now();
            let (name, line) = (&step.name, &step.line);
            lines.push(format!(
                "  {name}: still at it after {}: {line}",
                duration(step.since.elapsed())
            ));
        }
        for line in lines {
            self.print(&active, &line);
        }
    }

    fn print(&self, active: &[Active], text: &str) {
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        // A reader that went away (`cargo xtask test | head`) is no reason to stop the work.
        let _ = writeln!(self.out(), "{clear}{text}");
        self.draw(active);
    }

    fn draw(&self, active: &[Active]) {
        if !self.terminal || active.is_empty() {
            return;
        }
        let each: Vec<String> = active
            .iter()
            .map(|step| {
                let line: String = step.line.chars().take(40).collect();
                format!("{} ({}) {line}", step.name, duration(step.since.elapsed()))
            })
            .collect();
        let mut out = self.out();
        // Wrapping is off for this line, so that it is one line on a narrow terminal too.
        let _ = write!(out, "\r\x1b[2K\x1b[?7l  {}\x1b[?7h", each.join(" · "));
        let _ = out.flush();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step<'_> {
    /// Runs a command of this step. Its output goes to the step's log.
    ///
    /// # Errors
    ///
    /// The command could not be started, failed or took too long; the error is a
    /// [`crate::command::Failed`] with the output when it ran.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Output> {
        self.follow(&self.console.log(&self.name), command)
    }

    /// Runs a command of this step beside others of it, with a log of its own.
    ///
    /// # Errors
    ///
    /// Those of [`Step::run`].
    pub(crate) fn run_apart(&self, name: &str, command: &Command) -> Result<Output> {
        let log = self.console.log(&format!("{} {name}", self.name));
        // The log is of this run. That there was none before is well.
        let _ = fs::remove_file(&log);
        self.follow(&log, command)
    }

    fn follow(&self, log: &Path, command: &Command) -> Result<Output> {
        command.run(log, !self.console.is_terminal(), |line| {
            let mut active = self.console.lock();
            if let Some(step) = active.iter_mut().find(|step| step.name == self.name) {
                line.trim().clone_into(&mut step.line);
            }
        })
    }

    /// Prints a line, or several.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        self.console.say(text);
    }

    /// Shows an error, after the output of the command that failed.
    pub(crate) fn complain(&self, error: &anyhow::Error) {
        self.console.complain(error);
    }
}

/// A duration as people say it: `0.4 s`, `42 s`, `3 min 05 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(duration(Duration::from_millis(430)), "0.4 s");
        assert_eq!(duration(Duration::from_millis(42_900)), "42 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }
}
