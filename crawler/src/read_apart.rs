//! Reading what a node printed where it holds up nothing else.

use tokio::sync::Semaphore;

/// Answers up to this size are read where they are: it takes less than a millisecond.
const READ_HERE_BYTES: usize = 32 * 1024;

/// So many large answers are read at once, whatever all nodes print together: as each takes some
/// times its size in memory.
static READING: Semaphore = Semaphore::const_new(2);

/// Runs `read`, which looks at so many bytes: large ones on a thread that serves no requests.
pub(crate) async fn read_apart<T: Send + 'static>(
    bytes: usize,
    read: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= READ_HERE_BYTES {
        return read();
    }
    // It is never closed.
    let _permit = READING.acquire().await;
    match tokio::task::spawn_blocking(read).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
