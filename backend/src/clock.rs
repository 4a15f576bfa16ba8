//! The time, which tests set.

use std::sync::Arc;

use ecoman_model::Timestamp;

/// Returns the time: [`chrono::Utc::now`], except in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
