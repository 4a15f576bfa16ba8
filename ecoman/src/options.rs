//! Groups of options that several commands share.

pub(crate) mod hosts;
pub(crate) mod log;
pub(crate) mod secret_files;
pub(crate) mod store;
