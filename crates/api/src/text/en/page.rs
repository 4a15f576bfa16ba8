//! What the page says by itself.

use crate::text::Page;

pub(super) static PAGE: Page = Page {};
