//! The `…_FILE` form of each secret: an option that names a file with the value, as container
//! engines and service managers hand secrets out. Every option that hides its variable's value
//! (`hide_env_values`) has one, so that no secret is declared twice.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use clap::builder::OsStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// No secret is longer. A file that goes on is something else, such as a device.
const MOST_BYTES: u64 = 64 * 1024;

/// A secret as its file has it.
#[derive(Debug)]
pub(crate) struct FromFile {
    /// The option that is given the value, with the value.
    pub(crate) argument: OsString,
    secret: Arg,
    file: Arg,
    path: OsString,
}

/// The command with, for each option that is a secret, one that names a file with it.
pub(crate) fn with_files(command: Command) -> Command {
    let mut files = Vec::new();
    let mut order = 0;
    let command = command.mut_args(|option| {
        order += 2;
        files.extend(file_of(&option).map(|file| file.display_order(order + 1)));
        option.display_order(order)
    });
    command.args(files).mut_subcommands(with_files)
}

/// The options of a command, each file after its secret.
pub(crate) fn in_order(command: &Command) -> Vec<&Arg> {
    let is_file = |option: &&Arg| {
        command
            .get_arguments()
            .any(|secret| file_of(secret).is_some_and(|file| file.get_id() == option.get_id()))
    };
    let mut options: Vec<&Arg> = command.get_arguments().filter(|o| !is_file(o)).collect();
    for file in command.get_arguments().filter(is_file) {
        let after = options.iter().position(|secret| {
            file_of(secret).is_some_and(|of_secret| of_secret.get_id() == file.get_id())
        });
        options.insert(after.map_or(options.len(), |at| at + 1), file);
    }
    options
}

/// The secrets of a command that are given as files.
///
/// # Errors
///
/// A secret is given twice, or a file is none that can be used.
pub(crate) fn read(
    command: &mut Command,
    matches: &ArgMatches,
) -> Result<Vec<FromFile>, clap::Error> {
    let options: Vec<Arg> = command.get_arguments().cloned().collect();
    let mut read = Vec::new();
    for secret in &options {
        // The one of the command, which is complete, not the one that was made for it.
        let Some(file) = file_of(secret)
            .and_then(|file| options.iter().find(|known| known.get_id() == file.get_id()))
        else {
            continue;
        };
        let Some(path) = given(matches, file) else {
            continue;
        };
        let names = (name(secret), name(file));
        if given(matches, secret).is_some() {
            let both = format!("{} and {} are both set: set only one", names.0, names.1);
            return Err(command.error(ErrorKind::ArgumentConflict, both));
        }
        let value = content(Path::new(&path)).map_err(|problem| {
            let path = Path::new(&path).display();
            command.error(
                ErrorKind::ValueValidation,
                format!("{} ({path}) {problem}", names.1),
            )
        })?;
        let mut argument = OsString::from("--");
        argument.push(secret.get_long().unwrap_or_default());
        argument.push("=");
        argument.push(value);
        read.push(FromFile {
            argument,
            secret: secret.clone(),
            file: file.clone(),
            path,
        });
    }
    Ok(read)
}

/// The error of a value that came from a file, as one of that file.
pub(crate) fn blame_file(mut error: clap::Error, read: &[FromFile]) -> clap::Error {
    let shown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(shown)) => shown.clone(),
        _ => return error,
    };
    if let Some(from) = read.iter().find(|from| from.secret.to_string() == shown) {
        let file = ContextValue::String(from.file.to_string());
        error.insert(ContextKind::InvalidArg, file);
        let content = format!("the content of {}", Path::new(&from.path).display());
        error.insert(ContextKind::InvalidValue, ContextValue::String(content));
    }
    error
}

/// The option that names a file with a secret.
fn file_of(secret: &Arg) -> Option<Arg> {
    let variable = secret.get_env().filter(|_| secret.is_hide_env_values_set());
    let variable = variable?.to_str()?;
    let file = format!("{variable}_FILE");
    let option = Arg::new(format!("{}_file", secret.get_id()))
        .long(format!("{}-file", secret.get_long()?))
        .env(file.clone())
        .value_name(file)
        .value_parser(OsStringValueParser::new())
        .help(format!(
            "File with the value of {variable}; a final line break is ignored"
        ));
    Some(match secret.get_help_heading() {
        Some(heading) => option.help_heading(heading.to_owned()),
        None => option,
    })
}

fn name(option: &Arg) -> String {
    option
        .get_env()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default()
        .into_owned()
}

/// The value of an option, unless it is empty: compose files like to set variables to nothing.
fn given(matches: &ArgMatches, option: &Arg) -> Option<OsString> {
    let id = option.get_id().as_str();
    let source = matches.value_source(id)?;
    if !matches!(source, ValueSource::CommandLine | ValueSource::EnvVariable) {
        return None;
    }
    let value = matches.get_raw(id)?.next()?;
    (!value.is_empty()).then(|| value.to_owned())
}

/// What a file says, without one line end at its end; otherwise what is wrong with it.
fn content(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("is longer than 64 KiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err("is empty".to_owned()),
        line if line.contains('\0') => Err("has a NUL byte".to_owned()),
        line => Ok(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;

    /// Reads a file with these bytes.
    fn of(bytes: &[u8]) -> Result<String, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("secret");
        fs::write(&file, bytes).expect("the file can be written");
        content(&file)
    }

    #[test]
    fn one_line_end_is_left_out_and_nothing_else() {
        for (bytes, value) in [
            ("s3cret", "s3cret"),
            ("s3cret\n", "s3cret"),
            ("s3cret\r\n", "s3cret"),
            ("s3cret\n\n", "s3cret\n"),
            (" s3 cret ", " s3 cret "),
        ] {
            assert_eq!(of(bytes.as_bytes()).as_deref(), Ok(value), "{bytes:?}");
        }
    }

    #[test]
    fn a_file_that_holds_no_secret_is_refused() {
        for (bytes, problem) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"\r\n", "is empty"),
            (b"\xff\xfe", "is not UTF-8 text"),
            (b"a\0b", "has a NUL byte"),
            (&[b'a'; 70_000], "is longer than 64 KiB"),
        ] {
            assert_eq!(of(bytes).expect_err(problem), problem);
        }
        let missing = content(Path::new("/nowhere/secret")).expect_err("missing");
        assert!(missing.contains("No such file"), "{missing}");
    }

    #[derive(Debug, Parser)]
    struct Cli {
        #[arg(long, env = "ECOMAN_TEST_SECRET", hide_env_values = true)]
        secret: Option<String>,

        #[arg(long, env = "ECOMAN_TEST_PLAIN")]
        plain: Option<String>,
    }

    #[test]
    fn only_a_secret_has_a_file_and_it_stands_after_it() {
        use clap::CommandFactory as _;
        let command = with_files(Cli::command());
        let options: Vec<&str> = in_order(&command)
            .iter()
            .filter_map(|option| option.get_long())
            .collect();
        assert_eq!(options, ["secret", "secret-file", "plain"]);
        let help = Command::clone(&command).render_help().to_string();
        let at = |option: &str| help.find(option).expect(option);
        assert!(at("--secret-file") < at("--plain"), "{help}");
        assert!(help.contains("ECOMAN_TEST_SECRET_FILE"), "{help}");
    }
}
