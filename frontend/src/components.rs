//! Parts of pages. They know no route and no request.

mod copy;
mod empty;
mod facts;
mod icon;
mod link;
mod meter;
mod power;
mod tip;
mod when;

pub(crate) use copy::{CopyButton, CopyLine};
pub(crate) use empty::EmptyState;
pub(crate) use facts::{card, fact, fact_card, text, text_fact};
pub(crate) use icon::{Icon, icon};
pub(crate) use link::{Link, is_plain};
pub(crate) use meter::Meter;
pub(crate) use power::power_badge;
pub(crate) use tip::{Tip, TipLayer};
pub(crate) use when::{Ago, When};
