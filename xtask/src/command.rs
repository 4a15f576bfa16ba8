//! Commands of the machine: run with their output kept, limited in time, shown as one types them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Exit code of coreutils' `timeout` when the time was over.
const TIMED_OUT: i32 = 124;

/// Lines of a failed command that are shown; the log has them all.
const SHOWN_LINES: usize = 400;

/// A command to run.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    program: OsString,
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    removed: Vec<&'static str>,
    directory: Option<PathBuf>,
    limit: Option<Duration>,
}

/// What a command said.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Standard output and standard error, in the order written. Invalid UTF-8 is replaced.
    pub(crate) text: String,
}

/// A command that ran and failed.
#[derive(Debug)]
pub(crate) struct Failed {
    command: String,
    reason: String,
    log: PathBuf,
    /// What it said.
    pub(crate) output: String,
}

impl Command {
    /// A command of PATH, or of a path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            variables: Vec::new(),
            removed: Vec::new(),
            directory: None,
            limit: None,
        }
    }

    /// The cargo that runs us.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            // Progress bars and colours have no place in a log.
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
    }

    #[must_use]
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn envs(mut self, variables: &[(OsString, OsString)]) -> Self {
        self.variables.extend_from_slice(variables);
        self
    }

    #[must_use]
    pub(crate) fn env_remove(mut self, name: &'static str) -> Self {
        self.removed.push(name);
        self
    }

    #[must_use]
    pub(crate) fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// How long it may take where nobody watches. On a terminal there is no limit: a person
    /// sees that it hangs, and Ctrl-C reaches everything that was started.
    #[must_use]
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Standard output of a command that answers a question.
    ///
    /// # Errors
    ///
    /// It could not be started, or failed.
    pub(crate) fn text(&self) -> Result<String> {
        let output = self
            .build(false)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("could not start `{self}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{self}` {}: {}", ended(output.status, None), said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it on the user's own terminal: for what asks questions.
    ///
    /// # Errors
    ///
    /// It could not be started, or failed.
    pub(crate) fn interactive(&self) -> Result<()> {
        let status = self
            .build(false)
            .status()
            .with_context(|| format!("could not start `{self}`"))?;
        if !status.success() {
            bail!("`{self}` {}", ended(status, None));
        }
        Ok(())
    }

    /// Starts it beside us, with our own output.
    ///
    /// # Errors
    ///
    /// It could not be started.
    pub(crate) fn start(&self) -> Result<process::Child> {
        self.build(false)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start `{self}`"))
    }

    /// Becomes the command. Returns only when that failed.
    pub(crate) fn become_it(&self) -> anyhow::Error {
        use std::os::unix::process::CommandExt as _;
        let error = self.build(false).exec();
        anyhow::Error::new(error).context(format!("could not start `{self}`"))
    }

    /// Runs it, adds its output to `log` and calls `on_line` with each line. `limited`: the
    /// time limit holds.
    ///
    /// # Errors
    ///
    /// It could not be started, failed or took too long ([`Failed`]).
    pub(crate) fn run(
        &self,
        log: &Path,
        limited: bool,
        mut on_line: impl FnMut(&str),
    ) -> Result<Output> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("could not create {}", folder.display()))?;
        }
        let mut log_file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("could not open {}", log.display()))?;
        writeln!(log_file, "$ {self}")?;

        let (reader, writer) = std::io::pipe().context("could not create a pipe")?;
        let mut command = self.build(limited);
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let mut child = command
            .spawn()
            .with_context(|| format!("could not start `{self}`"))?;
        // It holds the writing ends; while it lives, the end of the output would not be seen.
        drop(command);

        let mut text = String::new();
        let mut reader = BufReader::new(reader);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if reader
                .read_until(b'\n', &mut bytes)
                .context("could not read the output")?
                == 0
            {
                break;
            }
            let line = String::from_utf8_lossy(&bytes);
            log_file.write_all(line.as_bytes())?;
            text.push_str(&line);
            on_line(line.trim_end());
        }
        let status = child
            .wait()
            .with_context(|| format!("could not wait for `{self}`"))?;
        if status.success() {
            return Ok(Output { text });
        }
        Err(Failed {
            command: self.to_string(),
            reason: ended(status, self.limit.filter(|_| limited)),
            log: log.to_owned(),
            output: text,
        }
        .into())
    }

    fn build(&self, limited: bool) -> process::Command {
        let mut command = match self.limit.filter(|_| limited) {
            Some(limit) => {
                let mut timeout = process::Command::new("timeout");
                timeout
                    .arg("--kill-after=20")
                    .arg(limit.as_secs().to_string())
                    .arg(&self.program);
                timeout
            }
            None => process::Command::new(&self.program),
        };
        command
            .args(&self.args)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        for name in &self.removed {
            command.env_remove(name);
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

/// As one would type it: the program's name and its arguments.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = Path::new(&self.program)
            .file_name()
            .unwrap_or(&self.program);
        write!(f, "{}", quoted(program))?;
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

impl Failed {
    /// The output worth reading: without what went well, and its end when it is very long.
    pub(crate) fn excerpt(&self) -> String {
        let lines: Vec<&str> = self.output.lines().filter(|line| !is_noise(line)).collect();
        let left_out = lines.len().saturating_sub(SHOWN_LINES);
        let mut text = String::new();
        if left_out > 0 {
            text = format!(
                "… {left_out} lines before these are in {}\n",
                self.log.display()
            );
        }
        for line in lines.iter().skip(left_out) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` {}; its output is in {}",
            self.command,
            self.reason,
            self.log.display()
        )
    }
}

impl std::error::Error for Failed {}

/// Lines that report things done well, which nobody needs to read after a failure.
fn is_noise(line: &str) -> bool {
    const DONE: [&str; 7] = [
        "Compiling ",
        "Checking ",
        "Documenting ",
        "Downloaded ",
        "Downloading ",
        "Fresh ",
        "Adding ",
    ];
    let line = line.trim_start();
    DONE.iter().any(|word| line.starts_with(word))
        || (line.starts_with("test ") && line.ends_with("... ok"))
}

fn ended(status: ExitStatus, limit: Option<Duration>) -> String {
    match (status.code(), limit) {
        (Some(TIMED_OUT), Some(limit)) => {
            format!("did not come to an end within {} min", limit.as_secs() / 60)
        }
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, _) => format!("was ended ({status})"),
    }
}

/// A word as a shell reads it.
pub(crate) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> PathBuf {
        std::env::temp_dir().join(format!("xtask-command-test-{}.log", process::id()))
    }

    #[test]
    fn a_command_is_shown_as_one_types_it() {
        let command = Command::new("/usr/bin/sh").arg("-c").arg("echo it's");
        assert_eq!(command.to_string(), r"sh -c 'echo it'\''s'");
    }

    #[test]
    fn both_streams_come_in_the_order_written() {
        let output = Command::new("sh")
            .args(["-c", "echo one; echo two >&2; echo three"])
            .run(&log(), true, |_| {})
            .unwrap();
        assert_eq!(output.text, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_failure_reports_exit_code_and_output() {
        let error = Command::new("sh")
            .args(["-c", "echo why; exit 3"])
            .run(&log(), true, |_| {})
            .unwrap_err();
        let failed = error.downcast_ref::<Failed>().unwrap();
        assert!(failed.to_string().contains("exit code 3"), "{failed}");
        assert_eq!(failed.excerpt(), "why\n");
    }

    #[test]
    fn what_hangs_is_ended_when_nobody_watches() {
        let error = Command::new("sleep")
            .arg("600")
            .limit(Duration::from_secs(1))
            .run(&log(), true, |_| {})
            .unwrap_err();
        assert!(
            error.to_string().contains("did not come to an end"),
            "{error}"
        );
    }

    #[test]
    fn what_went_well_is_left_out_of_an_excerpt() {
        let output = "   Compiling a v1\ntest x ... ok\ntest y ... FAILED\n".to_owned();
        let failed = Failed {
            command: String::new(),
            reason: String::new(),
            log: log(),
            output,
        };
        assert_eq!(failed.excerpt(), "test y ... FAILED\n");
    }
}
