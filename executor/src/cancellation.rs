//! Whether a task can still be cancelled, and whether somebody has cancelled it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ecoman_model::PowerAction;
use tokio_util::sync::CancellationToken;

/// The cancellation of one task, shared by those who request it and the task itself.
#[derive(Debug)]
pub(crate) struct Cancellation {
    state: Mutex<State>,
    requested: CancellationToken,
}

#[derive(Clone, Debug)]
enum State {
    Possible,
    Requested(CancelReason),
    TooLate,
}

/// Why a task is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CancelReason {
    /// A person or a program requested it; the name, where people sign in.
    Request(Option<String>),
    /// A hard change of the VM's power replaces it.
    Replaced(PowerAction),
}

/// The task has begun something that cannot be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLate;

impl Cancellation {
    pub(crate) fn new(is_possible: bool) -> Self {
        let state = match is_possible {
            true => State::Possible,
            false => State::TooLate,
        };
        Self {
            state: Mutex::new(state),
            requested: CancellationToken::new(),
        }
    }

    /// Requests the cancellation. Once more changes nothing.
    ///
    /// # Errors
    ///
    /// [`TooLate`].
    pub(crate) fn request(&self, reason: CancelReason) -> Result<(), TooLate> {
        let mut state = self.state();
        match *state {
            State::Possible => {
                *state = State::Requested(reason);
                self.requested.cancel();
                Ok(())
            }
            State::Requested(_) => Ok(()),
            State::TooLate => Err(TooLate),
        }
    }

    /// The task is about to do what cannot be stopped. Whichever comes first, this or a request, the
    /// other learns of it.
    ///
    /// # Errors
    ///
    /// The reason, if it was cancelled before.
    pub(crate) fn close(&self) -> Result<(), CancelReason> {
        let mut state = self.state();
        match &*state {
            State::Possible | State::TooLate => {
                *state = State::TooLate;
                Ok(())
            }
            State::Requested(reason) => Err(reason.clone()),
        }
    }

    /// The reason, if it was cancelled.
    pub(crate) fn reason(&self) -> Option<CancelReason> {
        match &*self.state() {
            State::Requested(reason) => Some(reason.clone()),
            State::Possible | State::TooLate => None,
        }
    }

    /// Waits until it is cancelled.
    pub(crate) async fn requested(&self) {
        self.requested.cancelled().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_request_and_a_point_of_no_return_the_first_counts() {
        let reason = CancelReason::Request(None);
        let cancelled = Cancellation::new(true);
        assert_eq!(cancelled.request(reason.clone()), Ok(()));
        let replaced = CancelReason::Replaced(PowerAction::Off);
        assert_eq!(cancelled.request(replaced), Ok(()));
        assert_eq!(cancelled.close(), Err(reason.clone()));

        let begun = Cancellation::new(true);
        assert_eq!(begun.close(), Ok(()));
        assert_eq!(begun.request(reason.clone()), Err(TooLate));
        assert_eq!(begun.close(), Ok(()));
        assert_eq!(begun.reason(), None);
        assert_eq!(Cancellation::new(false).request(reason), Err(TooLate));
    }
}
