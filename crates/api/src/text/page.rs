//! What the page says by itself.

/// The texts of the page.
#[derive(Clone, Copy, Debug)]
pub struct Page {}
