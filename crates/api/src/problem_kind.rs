//! The kinds of problems, which the API answers with.

use std::time::Duration;

use ecoman_model::TaskErrorKind;

/// Declares the kinds of problems: name, status, slug, and what the kind means.
macro_rules! problem_kinds {
    ($($(#[$doc:meta])+ $kind:ident = $status:literal $slug:literal,)+) => {
        /// The kinds of problems of dashboard and executor. Their titles are texts
        /// ([`crate::text::Problems::title`]).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The last part of the problem's `type`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$kind => $slug),+ }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$kind => $status),+ }
            }
        }
    };
}

problem_kinds! {
    /// A query parameter is unknown or breaks its rule.
    BadParameters = 400 "bad-parameters",
    /// The body, or a field of it, breaks its rule.
    BadBody = 400 "bad-body",
    /// The same in a call of the original, which has a status of its own for it.
    BadMachineBody = 422 "bad-body",
    /// The header `Idempotency-Key` breaks its rule.
    BadIdempotencyKey = 400 "bad-idempotency-key",
    /// An HTTP status that no other kind stands for.
    Http = 400 "http",
    /// The body is not declared as JSON.
    UnsupportedMediaType = 415 "unsupported-media-type",
    /// The body is larger than the server takes.
    TooLarge = 413 "too-large",
    /// The client accepts none of the forms of a list.
    NotAcceptable = 406 "not-acceptable",
    /// There is nothing at this path.
    NotFound = 404 "not-found",
    /// The path does not take the method.
    MethodNotAllowed = 405 "method-not-allowed",
    /// The client uses a name for the server that is not allowed.
    ForeignHost = 421 "foreign-host",
    /// The answer took too long.
    Timeout = 503 "timeout",
    /// The server failed.
    Internal = 500 "internal",

    /// The node has no such VM.
    VmNotFound = 404 "vm-not-found",
    /// There is no such node.
    NodeNotFound = 404 "node-not-found",
    /// The dashboard has not read its store yet.
    Starting = 503 "starting",
    /// The store does not answer.
    StoreUnavailable = 503 "store-unavailable",
    /// The store takes no changes, for example since its disk is full.
    StoreUnwritable = 503 "store-unwritable",

    /// There is no such task.
    TaskNotFound = 404 "task-not-found",
    /// The key of a request belongs to another one.
    IdempotencyKeyReused = 409 "idempotency-key-reused",
    /// The act is refused in the VM's present state.
    Refused = 409 "refused",
    /// The VM's power is another one than the request says (`if_power`).
    PowerChanged = 409 "power-changed",
    /// A setting of the VM is another one than the request says (`if`).
    VmChanged = 409 "vm-changed",
    /// No change of the VM waits.
    PendingNotFound = 404 "pending-not-found",
    /// The node takes no changes.
    ReadOnly = 409 "read-only",
    /// The node has a VM of this name.
    NameTaken = 409 "name-taken",
    /// The task has ended, or has begun what cannot be stopped.
    NotCancellable = 409 "not-cancellable",
    /// The dashboard cannot hand tasks to the executor.
    ExecutorUnavailable = 503 "executor-unavailable",
    /// The node failed at what was asked of it at once.
    NodeFailed = 502 "node-failed",
    /// The node did not answer in time what was asked of it at once.
    NodeTimeout = 504 "node-timeout",
    /// A call of the original was not carried out.
    NotDone = 503 "not-done",
    /// A call of the original is still being carried out.
    Unfinished = 504 "unfinished",

    /// The task was refused by the executor.
    TaskRefused = 409 "task-refused",
    /// The node failed at the task.
    TaskNode = 502 "task-node",
    /// The task took too long.
    TaskTimeout = 504 "task-timeout",
    /// The node of the task was out of reach.
    TaskUnreachable = 502 "task-unreachable",
    /// The VM of the task waits for an answer.
    TaskQuestion = 409 "task-question",
    /// The task could not be handed to the executor.
    TaskExecutor = 503 "task-executor",
    /// The executor stopped during the task.
    TaskInterrupted = 500 "task-interrupted",
    /// Somebody cancelled the task.
    TaskCancelled = 409 "task-cancelled",

    /// The request has no credentials.
    NotSignedIn = 401 "not-signed-in",
    /// The credentials are invalid or expired.
    BadCredentials = 401 "bad-credentials",
    /// No user has this name and password.
    WrongPassword = 401 "wrong-password",
    /// Too many logins have failed.
    TooManyTries = 429 "too-many-tries",
    /// A page of another site made the request.
    CrossSite = 403 "cross-site",
    /// The caller's role does not allow it.
    Forbidden = 403 "forbidden",
    /// The caller's access does not extend to the node.
    OutOfReach = 403 "out-of-reach",
    /// The operation does not exist with the configured way of signing in.
    SignInOff = 409 "sign-in-off",
    /// Only a session of a password can do it.
    NotByPassword = 409 "not-by-password",
    /// Users, sessions and tokens cannot be read or written.
    SignInUnavailable = 503 "sign-in-unavailable",
    /// There is no such API token.
    TokenNotFound = 404 "token-not-found",
    /// There is no such user.
    UserNotFound = 404 "user-not-found",
    /// There is a user of this name.
    UserTaken = 409 "user-taken",
    /// The last admin of all nodes would go.
    LastAdmin = 409 "last-admin",

    /// The executor's token is missing or wrong.
    Unauthorized = 401 "unauthorized",
    /// The executor cannot read an order.
    BadOrder = 400 "bad-order",
    /// The order is for another run of the executor.
    OtherInstance = 409 "other-instance",
    /// Another order has the id of the task.
    OtherOrder = 409 "other-order",
    /// The executor has carried out the task and forgotten it.
    Forgotten = 410 "forgotten",
    /// The executor is stopping.
    Stopping = 503 "stopping",
    /// The task has not ended, so it cannot be forgotten.
    Running = 409 "running",
}

/// What the `type` of every problem begins with.
pub(crate) const URN: &str = "urn:ecoman:problem:";

impl ProblemKind {
    /// The problem's `type`.
    #[must_use]
    pub fn urn(self) -> String {
        format!("{URN}{}", self.slug())
    }

    /// After which time the same request may succeed, if it may.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            // Sent again it would be done again.
            Self::NotDone => None,
            _ if self.status() == 503 => Some(Duration::from_secs(2)),
            _ => None,
        }
    }

    /// The kind of problem that a task's error is, as if it had been the answer to its request.
    #[must_use]
    pub const fn of_task(error: TaskErrorKind) -> Self {
        match error {
            TaskErrorKind::Refused => Self::TaskRefused,
            TaskErrorKind::Node => Self::TaskNode,
            TaskErrorKind::Timeout => Self::TaskTimeout,
            TaskErrorKind::Unreachable => Self::TaskUnreachable,
            TaskErrorKind::Question => Self::TaskQuestion,
            TaskErrorKind::Executor => Self::TaskExecutor,
            TaskErrorKind::Interrupted => Self::TaskInterrupted,
            TaskErrorKind::Cancelled => Self::TaskCancelled,
            TaskErrorKind::PowerChanged => Self::PowerChanged,
            TaskErrorKind::VmChanged => Self::VmChanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_kinds_never_share_type_and_status() {
        let kinds = ProblemKind::ALL.iter();
        let distinct: BTreeSet<_> = kinds.map(|kind| (kind.slug(), kind.status())).collect();
        assert_eq!(distinct.len(), ProblemKind::ALL.len());
    }
}
