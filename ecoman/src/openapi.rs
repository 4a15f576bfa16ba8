//! `ecoman openapi`: the documents.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::Failure;

/// Which document.
#[derive(Args, Debug)]
pub(crate) struct OpenapiArgs {
    /// Whose document
    #[arg(long, default_value = "dashboard")]
    of: Service,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    /// What people and scripts use
    Dashboard,
    /// What the dashboard uses
    Executor,
}

/// Prints an OpenAPI document.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn run(args: &OpenapiArgs) -> Result<ExitCode, Failure> {
    let document = match args.of {
        Service::Dashboard => ecoman_backend::openapi_json(),
        Service::Executor => ecoman_executor::openapi_json(),
    };
    std::io::stdout()
        .write_all(document.as_bytes())
        .map_err(|error| Failure::runtime(format!("could not write the document: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
