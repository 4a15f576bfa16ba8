//! `ecoman parse COMMAND`: a host's output in, facts out, for bug reports.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use clap::Args;
use ecoman_esxi::parse;

use crate::exit::Failure;

/// The command whose output is read.
#[derive(Args, Debug)]
pub(crate) struct ParseArgs {
    /// The command whose output is on standard input, such as `getallvms`, `get.summary` or `esxcli
    /// system version get`; `--list` shows all
    #[arg(required_unless_present = "list", num_args = 1.., trailing_var_arg = true)]
    command: Vec<String>,

    /// Lists the supported commands
    #[arg(long)]
    list: bool,
}

/// Prints the facts as JSON; an unreadable input is exit code 1 with line and reason.
///
/// # Errors
///
/// Standard input cannot be read or holds nothing that the command prints.
pub(crate) fn run(args: &ParseArgs) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    let written = if args.list {
        writeln!(out, "{}", parse::COMMANDS.join("\n"))
    } else {
        let mut input = Vec::new();
        std::io::stdin()
            .read_to_end(&mut input)
            .map_err(|error| Failure::runtime(format!("cannot read standard input: {error}")))?;
        let facts = parse::by_command(&args.command.join(" "), &input).map_err(Failure::runtime)?;
        writeln!(out, "{facts:#}")
    };
    written.map_err(|error| Failure::runtime(format!("cannot write the facts: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
