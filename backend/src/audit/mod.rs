//! The audit log.

mod log;

pub(crate) use log::{Answer, Asking, Deed, Told, forget, of_task, record};
