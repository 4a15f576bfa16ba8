//! Problems: titles and details.

use crate::ProblemKind;
use crate::text::Problems;

pub(super) static PROBLEMS: Problems = Problems {
    title,

    bad_parameters: "Some query parameters are invalid; errors names each.",
    bad_body: "The body is invalid; errors names each field.",
    bad_idempotency_key: "Idempotency-Key may occur once, with 1 to 255 visible ASCII characters.",
    unsupported_media_type: "The body must be JSON, with the header Content-Type: application/json.",
    too_large: |kilobytes| {
        format!("The request's body is too large; this server takes at most {kilobytes} KB.")
    },
    not_acceptable: "This list is available as application/json and text/csv; the Accept header allows neither.",
    not_found: "There is nothing at this address. The API is described at /api/v1/openapi.json.",
    method_not_allowed: "This address does not allow the method; the Allow header names those that it allows.",
    foreign_host: |host| {
        format!(
            "This server does not accept the host name {host:?}. Use its address, or, if the name is \
             this server's own or that of a proxy in front of it, add it to DASHBOARD_ALLOWED_HOSTS."
        )
    },
    timeout: "The server could not answer in time; try again.",
    internal: "The server failed at this request. Its log has the cause, with the request's id.",
    other_status: |reason| format!("The request cannot be served: {reason}."),

    vm_not_found: |node, vmid| format!("{node} has no VM {vmid}; it may have been removed."),
    node_not_found: |node| {
        format!("There is no host {node}; the hosts are those of the crawler's hosts.yml.")
    },
    starting: "The server has just started and is still reading its store; try again.",
    store_unavailable: |why| format!("The server cannot read its store: {why}"),
    store_unwritable: |why| {
        format!("The server cannot write to its store, so nothing was changed: {why}.")
    },

    task_not_found: |id| format!("There is no task {id}; old ones are deleted."),
    idempotency_key_reused: |task_path| {
        format!("This Idempotency-Key belongs to another request: {task_path}.")
    },
    refused: |vm, node, refusal| format!("{vm} on {node}: {refusal}"),
    read_only: |node| format!("{node} is read-only (read_only: true in hosts.yml)."),
    name_taken: |node, name, vmid| format!("{node} already has a VM {name:?} (ID {vmid})."),
    no_pending: |node, vm| {
        format!("{vm} on {node} has no pending change: it was discarded, or has become a task.")
    },
    not_cancellable: |why, task_path| format!("{why} {task_path} shows how it goes on."),
    cancel_failed: |why, task_path| {
        format!(
            "The task could not be cancelled: {why}. Try again; {task_path} shows how it goes on."
        )
    },
    executor_unavailable: |why, node, task_path| {
        format!("{why} Nothing was sent to {node}; try again. The attempt is kept as {task_path}.")
    },
    unfinished: |task_title, task_path| {
        format!("{task_title}: still in progress. The task continues; see {task_path}.")
    },
    not_done: |task_title| format!("{task_title}: not done."),

    not_signed_in: "Sign in first, or send an API token as Authorization: Bearer.",
    not_a_bearer_token: "The Authorization header must be Bearer with an API token.",
    token_expired: "This API token has expired; make another one.",
    token_unknown: "This API token is unknown or revoked.",
    token_owner_removed: "The user of this API token has been removed.",
    session_ended: "Your session has ended; sign in again.",
    no_role: "You are signed in, but have no role in ECoMan. An admin can give you one with \
        `ecoman user add --no-password` or DASHBOARD_PROXY_ROLES.",
    user_removed: "Your user has been removed.",
    wrong_password: "Incorrect user name or password.",
    too_many_tries: |seconds| format!("Too many failed tries; wait {seconds} s."),
    cross_site: "A page of another site made this request, so it is refused.",
    other_origin: |origin, host| {
        format!(
            "A page of another site made this request, so it is refused: its Origin header is \
             {origin:?}, its Host header {host:?}. If the page is this server's own, behind a proxy, \
             the proxy has to pass on the Host header of the browser, with the port (nginx: \
             proxy_set_header Host $http_host; Apache: ProxyPreserveHost On)."
        )
    },
    forbidden: |caller, needed, role, limited| {
        if limited && role >= needed {
            format!("{caller} has the role {role} on some hosts; this needs {needed} on all.")
        } else {
            format!("{caller} has the role {role}; this needs {needed}.")
        }
    },
    out_of_reach: |caller, node, nodes| match nodes {
        [] => format!("{caller} has no access to {node}, nor to any other host."),
        nodes => {
            let nodes = nodes.join(", ");
            format!("{caller} has no access to {node}, only to {nodes}.")
        }
    },
    caller_with_token: |token, owner| format!("The token {token:?} of {owner}"),
    caller_unknown: "A caller who has not signed in",
    no_password_sign_in: "This server has no sign-in by password; DASHBOARD_SIGN_IN has another one.",
    no_sign_in: "Sign-in is off, so every client has all permissions; set DASHBOARD_SIGN_IN for users and \
        tokens.",
    not_by_password: "Only a user who has signed in with a password can change it.",
    sign_in_unavailable: "The server cannot read or write its users, sessions and tokens; its log has the cause.",
    token_not_found: "There is no such API token; it may have been revoked.",
    user_not_found: |name| format!("No user {name:?}."),
    user_taken: |name| format!("User {name:?} already exists."),
    last_admin: |name| {
        format!("{name:?} is the last admin of all hosts; make another user admin first.")
    },
};

fn title(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::BadParameters => "Bad query parameters",
        ProblemKind::BadBody | ProblemKind::BadMachineBody => "Bad body",
        ProblemKind::BadIdempotencyKey => "Bad Idempotency-Key",
        ProblemKind::Http => "Bad request",
        ProblemKind::UnsupportedMediaType => "Unsupported media type",
        ProblemKind::TooLarge => "Body too large",
        ProblemKind::NotAcceptable => "Not acceptable",
        ProblemKind::NotFound => "Not found",
        ProblemKind::MethodNotAllowed => "Method not allowed",
        ProblemKind::ForeignHost => "Foreign host name",
        ProblemKind::Timeout => "Out of time",
        ProblemKind::Internal => "Internal error",

        ProblemKind::VmNotFound => "VM not found",
        ProblemKind::NodeNotFound => "Host not found",
        ProblemKind::Starting => "Starting",
        ProblemKind::StoreUnavailable => "Store unavailable",
        ProblemKind::StoreUnwritable => "Store is read-only",

        ProblemKind::TaskNotFound => "Task not found",
        ProblemKind::IdempotencyKeyReused => "Idempotency-Key reused",
        ProblemKind::Refused | ProblemKind::TaskRefused => "Not possible now",
        ProblemKind::ReadOnly => "Host is read-only",
        ProblemKind::NameTaken | ProblemKind::UserTaken => "Name taken",
        ProblemKind::ExecutorUnavailable | ProblemKind::TaskExecutor => "Executor unavailable",
        ProblemKind::NodeFailed => "The host failed",
        ProblemKind::NodeTimeout => "The host did not answer in time",
        ProblemKind::NotDone => "Not done",
        ProblemKind::Unfinished => "Still in progress",
        ProblemKind::TaskNode => "Failed on the host",
        ProblemKind::TaskTimeout => "Not done in time",
        ProblemKind::TaskUnreachable => "Host not responding",
        ProblemKind::TaskQuestion => "The VM needs an answer",
        ProblemKind::TaskInterrupted => "Interrupted",
        ProblemKind::TaskCancelled => "Cancelled",
        ProblemKind::PowerChanged => "Power state has changed",
        ProblemKind::VmChanged => "The VM has changed",
        ProblemKind::PendingNotFound => "No pending change",
        ProblemKind::NotCancellable => "Cannot be cancelled",

        ProblemKind::NotSignedIn => "Not signed in",
        ProblemKind::BadCredentials => "Not signed in any more",
        ProblemKind::WrongPassword => "Incorrect user name or password",
        ProblemKind::TooManyTries => "Too many tries",
        ProblemKind::CrossSite => "Cross-site request",
        ProblemKind::Forbidden => "Not allowed",
        ProblemKind::OutOfReach => "Not allowed there",
        ProblemKind::SignInOff => "Not with this sign-in",
        ProblemKind::NotByPassword => "Not signed in with a password",
        ProblemKind::SignInUnavailable => "Sign-in unavailable",
        ProblemKind::TokenNotFound => "Token not found",
        ProblemKind::UserNotFound => "User not found",
        ProblemKind::LastAdmin => "Last admin",

        ProblemKind::Unauthorized => "Wrong token for the executor",
        ProblemKind::BadOrder => "Order cannot be read",
        ProblemKind::OtherInstance => "Meant for another run",
        ProblemKind::OtherOrder => "Id of another order",
        ProblemKind::Forgotten => "Task done and forgotten",
        ProblemKind::Stopping => "The executor is stopping",
        ProblemKind::Running => "Task still running",
    }
}
