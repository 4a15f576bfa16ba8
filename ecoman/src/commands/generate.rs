//! `ecoman generate`: what packages carry beside the program, made from the program's own definition.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::exit::Failure;
use crate::variables::{Variable, headings, plain, variables};

/// Where the files go.
#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    /// Directory of the files; made where it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// What the service's variables are where the package says nothing else.
const OF_THE_SERVICE: [(&str, &str); 2] = [
    ("HOSTS_PATH", "/etc/ecoman/hosts.yml"),
    ("ECOMAN_DATA", "/var/lib/ecoman"),
];

/// Commands that neither are services nor are about one.
const APART: [&str; 1] = ["demo"];

/// How long a line of a comment is.
const WIDTH: usize = 100;

/// Writes man pages, shell completions and the file of variables.
///
/// # Errors
///
/// A file cannot be written.
pub(crate) fn run(args: &GenerateArgs, command: Command) -> Result<ExitCode, Failure> {
    write(&args.directory, command).map_err(|error| {
        Failure::runtime(format!(
            "cannot write to {}: {error}",
            args.directory.display()
        ))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn write(directory: &Path, command: Command) -> io::Result<()> {
    let man = directory.join("man");
    let completions = directory.join("completions");
    for folder in [&man, &completions] {
        fs::create_dir_all(folder)?;
    }
    clap_mangen::generate_to(without_help(plain(command.clone())), &man)?;
    let mut command = plain(command);
    command.build();
    let text = environment_file(&variables(&command));
    fs::write(directory.join("ecoman.env"), text)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "ecoman", &completions)?;
    }
    Ok(())
}

/// `ecoman help` shows what the pages say, and has none of its own.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

/// The file of the services' variables, as systemd reads it.
fn environment_file(variables: &[Variable]) -> String {
    let mut text = String::from(
        "# Variables of ECoMan's services, and of `ecoman doctor`, `trust`, `user`, `token` \
         and\n# `healthcheck` run by root. Uncomment a line to set it, then: systemctl restart \
         ecoman\n# Format: EnvironmentFile= in systemd.exec(5).\n",
    );
    let mut written: Vec<&str> = Vec::new();
    for heading in headings(variables) {
        let of_heading = variables.iter().filter(|known| known.heading == heading);
        let of_heading: Vec<&Variable> = of_heading.filter(|v| !read_by(v).is_empty()).collect();
        for (at, variable) in of_heading.iter().enumerate() {
            // Of several commands: they share a line, and each says what it means to it.
            if written.contains(&variable.name.as_str()) {
                continue;
            }
            if at == 0 {
                _ = write!(text, "\n## {heading}\n");
            }
            text.push('\n');
            for same in of_heading.iter().filter(|same| same.name == variable.name) {
                comment(&mut text, &described(same));
            }
            assignment(&mut text, variable);
            written.push(&variable.name);
        }
    }
    text
}

/// Meaning, default where it is no value, and which commands read it.
fn described(variable: &Variable) -> String {
    let default = match variable.default.as_str() {
        "" => String::new(),
        _ if value(variable).is_some() => String::new(),
        default => format!("; default: {default}"),
    };
    let meaning = variable.meaning.replace("\\|", "|");
    let by = read_by(variable).join(", ");
    format!("{meaning}{default}. Read by {by}.")
}

/// The commands that read it, without those apart.
fn read_by(variable: &Variable) -> Vec<&str> {
    let by = variable.read_by.iter().map(String::as_str);
    by.filter(|by| !APART.contains(by)).collect()
}

/// The default, where it is a value.
fn value(variable: &Variable) -> Option<&str> {
    let value = variable.default.strip_prefix('`')?.strip_suffix('`')?;
    (!value.contains('`')).then_some(value)
}

fn assignment(text: &mut String, variable: &Variable) {
    let name = variable.name.as_str();
    let own = OF_THE_SERVICE.iter().find(|(known, _)| *known == name);
    _ = match own {
        Some((_, own)) => writeln!(text, "{name}={own}"),
        None => writeln!(text, "#{name}={}", value(variable).unwrap_or_default()),
    };
}

/// Words in lines of a comment.
fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(subcommand)]
        _role: Role,
    }

    #[derive(Debug, Subcommand)]
    enum Role {
        Up {
            /// The nodes
            #[arg(
                long,
                env = "HOSTS_PATH",
                default_value = "./hosts.yml",
                help_heading = "A"
            )]
            hosts: PathBuf,
            /// Port of its own [default: any]
            #[arg(long, env = "A_PORT", help_heading = "A")]
            port: Option<u16>,
        },
        Demo {
            /// Not for a service
            #[arg(long, env = "A_DEMO", help_heading = "A")]
            demo: Option<u16>,
        },
        Dashboard {
            /// Port of the other
            #[arg(long, env = "A_PORT", default_value = "8600", help_heading = "A")]
            port: u16,
        },
    }

    #[test]
    fn each_variable_is_there_once_with_all_its_meanings() {
        let mut command = plain(Program::command());
        command.build();
        let text = environment_file(&variables(&command));
        let (_, after) = text.split_once("## A\n").expect("the heading");
        assert_eq!(
            after,
            "\n# The nodes. Read by up.\nHOSTS_PATH=/etc/ecoman/hosts.yml\n\n\
             # Port of its own; default: any. Read by up.\n\
             # Port of the other. Read by dashboard.\n#A_PORT=\n"
        );
    }
}
