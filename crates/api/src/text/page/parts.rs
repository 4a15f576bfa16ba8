//! Parts that several pages show.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// Parts that several pages show.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub try_now: &'static str,
    pub retrying: fn(error: &str) -> String,
    pub csv: &'static str,
    pub file_not_saved: &'static str,
    pub power_on: &'static str,
    pub power_off: &'static str,
    pub power_suspended: &'static str,
    pub power_unknown: &'static str,
}
