//! The audit log.

mod log;

pub(crate) use log::{of_task, record, summary};
