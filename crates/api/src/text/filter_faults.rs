//! Why a text is no filter.

use crate::FilterFault;

/// The texts of [`FilterFault`].
#[derive(Clone, Copy, Debug)]
pub struct FilterFaults {
    /// What is wrong at the place and what would be right, without a full stop.
    pub sentence: fn(fault: &FilterFault) -> String,
}
