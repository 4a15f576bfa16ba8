//! Groups of options that several commands share.

pub(crate) mod hosts;
pub(crate) mod log;
pub(crate) mod store;
