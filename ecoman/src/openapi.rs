//! `ecoman openapi`: the document.

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::Failure;

/// Prints the OpenAPI document of the dashboard.
///
/// # Errors
///
/// Standard output cannot be written.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    std::io::stdout()
        .write_all(ecoman_backend::openapi_json().as_bytes())
        .map_err(|error| Failure::runtime(format!("could not write the document: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
