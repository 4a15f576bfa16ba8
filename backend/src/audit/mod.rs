//! The audit log.

mod log;

pub(crate) use log::{forget, of_task, record, summary};
