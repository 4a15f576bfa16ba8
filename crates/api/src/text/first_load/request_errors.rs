//! Why the server did not answer a request.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// Why the server did not answer a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestErrors {
    pub unreachable: &'static str,
    pub timed_out: fn(seconds: u32) -> String,
    pub change_timed_out: fn(seconds: u32) -> String,
    pub bad_status: fn(status: u16) -> String,
    pub unreadable: fn(why: &str) -> String,
}
