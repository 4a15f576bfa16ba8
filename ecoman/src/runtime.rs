//! The threads that a role runs on, and the signals that end it.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// The runtime of a role.
///
/// # Errors
///
/// The operating system gives no threads.
pub(crate) fn start() -> Result<tokio::runtime::Runtime, Failure> {
    if let Err(error) = ecoman_serve::raise_descriptor_limit() {
        tracing::warn!(%error, "going on with few file descriptors");
    }
    tokio::runtime::Runtime::new()
        .map_err(|error| Failure::runtime(format!("could not start threads: {error}")))
}

/// A token that the first SIGTERM or SIGINT cancels. The second one ends the process at once.
///
/// # Errors
///
/// The signal handlers could not be installed.
pub(crate) fn stop_on_signal() -> Result<CancellationToken, Failure> {
    let listen = |kind| {
        signal(kind)
            .map_err(|error| Failure::runtime(format!("could not wait for signals: {error}")))
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        for attempt in 1.. {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if attempt > 1 {
                std::process::exit(130);
            }
            tracing::info!(signal = name, "stopping");
            stop.cancel();
        }
    });
    Ok(token)
}
