//! The time, which tests set.

use std::sync::Arc;

use ecoman_model::Timestamp;

/// Tells the time. [`chrono::Utc::now`] but in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
