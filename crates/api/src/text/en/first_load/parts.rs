//! Parts that several pages show.

use crate::text::first_load::{Parts, Roles};

pub(super) const PARTS: Parts = Parts {
    try_now: "Try now",
    retrying: |error| format!("{error} Trying again by itself."),
    csv: "CSV",
    file_not_saved: "The browser would not save the file.",
    roles: Roles {
        viewer: "viewer",
        operator: "operator",
        admin: "admin",
    },
    power_on: "On",
    power_off: "Off",
    power_suspended: "Suspended",
    power_unknown: "Unknown",
};
