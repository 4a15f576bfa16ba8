//! Why an act is refused.

use ecoman_model::Refusal;

/// The texts of [`Refusal`].
#[derive(Clone, Copy, Debug)]
pub struct Refusals {
    /// A sentence or two: why, and what is possible instead.
    pub sentence: fn(refusal: &Refusal) -> String,
}
