//! The program that stays on a node, while there is one.

use std::time::Duration;

use ecoman_esxi::hostd::{Follower, HostdError, News};
use ecoman_esxi::{Output, Session, SessionError, SessionFault};

/// The program that stays, where one does.
#[derive(Debug, Default)]
pub(crate) struct Following {
    follower: Option<Follower>,
}

impl Following {
    /// Lets it read everything; starts one where there is none.
    pub(crate) async fn read(
        &mut self,
        session: &Session,
        limit: Duration,
    ) -> Result<Output, HostdError> {
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => session.follow().await.map_err(|error| of_session(&error))?,
        };
        let output = follower.read(limit).await?;
        self.follower = Some(follower);
        Ok(output)
    }

    /// Waits for what it says by itself; without end where there is none.
    pub(crate) async fn news(&mut self) -> News {
        let Some(follower) = &mut self.follower else {
            return std::future::pending().await;
        };
        let news = follower.news().await;
        if let News::Ended(_) = news {
            self.stop();
        }
        news
    }

    pub(crate) fn stop(&mut self) {
        self.follower = None;
    }
}

/// What keeps a session from running the program. A lost connection shows by the next command.
pub(crate) fn of_session(error: &SessionError) -> HostdError {
    let words = error.to_string();
    match error.fault {
        SessionFault::Timeout { .. } => HostdError::TooSlow { words },
        SessionFault::TooMuchOutput { .. } => HostdError::TooLong { words },
        _ => HostdError::CutOff { words },
    }
}
