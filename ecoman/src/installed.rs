//! On a machine with the installed service, commands for administrators run as the service does: with
//! its variables, and as its user. What they read is then what the service reads, and what they
//! write is the service's.

use std::ffi::{CString, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid, initgroups, setgid, setuid};

use crate::exit::Failure;

/// Where the package keeps the service's variables.
const VARIABLES: &str = "/etc/ecoman/ecoman.env";

/// The user that the service runs as.
const USER: &str = "ecoman";

/// The commands that are about the service's own nodes and data.
const COMMANDS: [&str; 5] = ["doctor", "trust", "user", "token", "healthcheck"];

/// Becomes the service's user, with the service's variables, where root runs one of the commands
/// and the service is installed. A variable that is set already stays as it is. Returns where there
/// is nothing to do.
///
/// # Errors
///
/// The service's variables cannot be read, or its user cannot be become.
pub(crate) fn become_service() -> Result<(), Failure> {
    let mut arguments = std::env::args_os();
    let program = arguments.next();
    let arguments: Vec<OsString> = arguments.collect();
    let is_concerned = arguments
        .first()
        .is_some_and(|command| COMMANDS.iter().any(|known| command == known));
    if !is_concerned || !geteuid().is_root() || !Path::new(VARIABLES).exists() {
        return Ok(());
    }
    let unreadable = |error| Failure::configuration(format!("cannot read {VARIABLES}: {error}"));
    let text = std::fs::read_to_string(VARIABLES).map_err(unreadable)?;
    let failed = |error: nix::Error| {
        Failure::runtime(format!(
            "{VARIABLES} exists, but this cannot run as user {USER}: {error}"
        ))
    };
    let user = User::from_name(USER).map_err(failed)?.ok_or_else(|| {
        Failure::configuration(format!(
            "{VARIABLES} exists, but user {USER}, which runs the service, does not"
        ))
    })?;
    let name = CString::new(USER).map_err(|error| Failure::runtime(error.to_string()))?;
    initgroups(&name, user.gid).map_err(failed)?;
    setgid(user.gid).map_err(failed)?;
    setuid(user.uid).map_err(failed)?;
    let itself = std::env::current_exe()
        .map_err(|error| Failure::runtime(format!("cannot find the program: {error}")))?;
    let mut command = Command::new(&itself);
    command.arg0(program.unwrap_or_else(|| itself.clone().into()));
    command.args(arguments).env("HOME", &user.dir);
    for (name, value) in variables(&text) {
        if std::env::var_os(&name).is_none() {
            command.env(name, value);
        }
    }
    let error = command.exec();
    Err(Failure::runtime(format!(
        "cannot run {}: {error}",
        itself.display()
    )))
}

/// The variables of a file as systemd reads it (`EnvironmentFile=`): comments, quotes, and lines that
/// go on behind a backslash. What is no assignment is left out, as there.
fn variables(text: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(&first) = rest.peek() {
        if first.is_whitespace() {
            rest.next();
            continue;
        }
        if matches!(first, '#' | ';') {
            _ = rest.by_ref().find(|&c| c == '\n');
            continue;
        }
        let line: String =
            std::iter::from_fn(|| rest.next_if(|c| !matches!(c, '=' | '\n'))).collect();
        if rest.next_if_eq(&'=').is_none() {
            continue;
        }
        let name = line.trim();
        let value = value(&mut rest);
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.is_empty() && name.chars().all(legal) {
            variables.push((name.to_owned(), value));
        }
    }
    variables
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads a value up to the end of its line.
fn value(rest: &mut Chars<'_>) -> String {
    let mut value = String::new();
    // What is not quoted ends before the blanks at its end.
    let mut kept = 0;
    let mut may_quote = true;
    while let Some(c) = rest.next() {
        match c {
            '\n' => break,
            '\'' if may_quote => {
                value.extend(std::iter::from_fn(|| rest.next().filter(|&c| c != '\'')));
                kept = value.len();
            }
            '"' if may_quote => {
                quoted(rest, &mut value);
                kept = value.len();
            }
            '\\' => {
                may_quote = false;
                value.extend(rest.next().filter(|&c| c != '\n'));
                kept = value.len();
            }
            c if c.is_whitespace() => {
                if kept > 0 {
                    value.push(c);
                }
            }
            c => {
                may_quote = false;
                value.push(c);
                kept = value.len();
            }
        }
    }
    value.truncate(kept);
    value
}

/// Reads up to the closing double quote.
fn quoted(rest: &mut Chars<'_>, value: &mut String) {
    while let Some(c) = rest.next() {
        match c {
            '"' => return,
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(escaped @ ('"' | '\\' | '`' | '$')) => value.push(escaped),
                Some(other) => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_systemd_reads_it() {
        let text = "# a comment\n; another\n\nA=1\n  B = two words \nC='it is # no comment'\n\
                    D=\"a \\\"b\\\" $c \\x\"\nE=\nF=a'b\nG=one \\\ntwo\nno assignment\nexport H=1\n\
                    I='single'\"double\"\nJ=$HOME/x\nK=end";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "it is # no comment"),
            ("D", "a \"b\" $c \\x"),
            ("E", ""),
            ("F", "a'b"),
            ("G", "one two"),
            ("I", "singledouble"),
            ("J", "$HOME/x"),
            ("K", "end"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(variables(text), expected);
    }
}
