//! Why the server did not answer a request.

use crate::text::first_load::RequestErrors;

pub(super) const REQUEST_ERRORS: RequestErrors = RequestErrors {
    unreachable: "The server is not responding. Check that it runs and that this machine can \
            reach it.",
    timed_out: |seconds| format!("No answer from the server within {seconds} s."),
    change_timed_out: |seconds| {
        format!(
            "Not sent: no answer from the server within {seconds} s. The request is withdrawn and \
            will not be carried out later. Should it have arrived nevertheless, Tasks shows it."
        )
    },
    bad_status: |status| {
        format!(
            "The server answered with status {status} and no reason. A proxy in between \
            may say more."
        )
    },
    unreadable: |why| {
        format!(
            "The server's answer could not be read ({why}). Reload the page, it may be \
            an old one."
        )
    },
};
