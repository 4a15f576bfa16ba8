//! The threads that a role runs on, the signals that end it, and what the service manager hears of
//! it.

use std::io::IsTerminal as _;

use sd_notify::NotifyState;
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
        tracing::warn!(%error, "running with few file descriptors");
    }
    tokio::runtime::Runtime::new()
        .map_err(|error| Failure::runtime(format!("cannot start threads: {error}")))
}

/// A token that the first SIGTERM or SIGINT cancels. The second one ends the process at once.
///
/// SIGHUP ends a process that was started on a terminal: the terminal is gone. Elsewhere it asks for
/// a reload (`systemctl reload`). hosts.yml, its keys and the certificate are watched, so that there
/// is nothing left to do but to say so.
///
/// # Errors
///
/// The signal handlers could not be installed.
pub(crate) fn stop_on_signal() -> Result<CancellationToken, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error| Failure::runtime(format!("cannot wait for signals: {error}")))
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let on_terminal = std::io::stdin().is_terminal();
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let mut stopping = false;
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
                _ = hang_up.recv() => "SIGHUP",
            };
            if name == "SIGHUP" && !on_terminal {
                tracing::info!(
                    "SIGHUP: hosts.yml, its keys and the certificate are reloaded; changed \
                     variables need a restart"
                );
                continue;
            }
            if stopping {
                std::process::exit(130);
            }
            stopping = true;
            tracing::info!(signal = name, "stopping");
            notify(NotifyState::Stopping);
            stop.cancel();
        }
    });
    Ok(token)
}

/// Reports to the service manager, where there is one, that the role serves; and from then on that
/// its threads still run tasks, as often as the manager wants to hear it (`WatchdogSec=`).
pub(crate) fn report_ready() {
    notify(NotifyState::Ready);
    let Some(period) = sd_notify::watchdog_enabled() else {
        return;
    };
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(period / 3);
        loop {
            ticks.tick().await;
            notify(NotifyState::Watchdog);
        }
    });
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot reach the service manager");
    }
}
