//! `ecoman openapi`: the documents.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::exit::Failure;

/// The document to print.
#[derive(Args, Debug)]
pub(crate) struct OpenapiArgs {
    /// Service
    #[arg(long, default_value = "dashboard")]
    of: Service,

    /// Version of OpenAPI; the executor's document is 3.1 only
    #[arg(long, default_value = "3.1")]
    version: Version,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    /// The API for people and scripts
    Dashboard,
    /// The API for the dashboard
    Executor,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Version {
    /// For current tools
    #[value(name = "3.1")]
    Newest,
    /// 3.0.3, for tools without support for 3.1
    #[value(name = "3.0")]
    Older,
}

/// Prints an OpenAPI document.
///
/// # Errors
///
/// There is no such document, or standard output cannot be written.
pub(crate) fn run(args: &OpenapiArgs) -> Result<ExitCode, Failure> {
    let document = match (args.of, args.version) {
        (Service::Dashboard, Version::Newest) => ecoman_backend::openapi_json(),
        (Service::Dashboard, Version::Older) => ecoman_backend::openapi_3_0_json(),
        (Service::Executor, Version::Newest) => ecoman_executor::openapi_json(),
        (Service::Executor, Version::Older) => {
            return Err(Failure::configuration(
                "the executor's document is available in OpenAPI 3.1 only; omit --version",
            ));
        }
    };
    std::io::stdout()
        .write_all(document.as_bytes())
        .map_err(|error| Failure::runtime(format!("cannot write the document: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
