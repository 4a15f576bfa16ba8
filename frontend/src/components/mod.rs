//! Parts of pages. They know no route and make no request.

mod copy;
mod dialog;
mod empty;
mod facts;
mod focus;
mod heading;
mod icon;
mod keyed;
mod link;
mod meter;
mod node_select;
mod power;
mod save;
mod sentence;
mod theme;
mod tip;
mod when;

pub(crate) use copy::{copy_button, copy_line};
pub(crate) use dialog::{dialog, form_dialog};
pub(crate) use empty::{empty_state, failed_state};
pub(crate) use facts::{card, english_fact, fact, fact_card, or_unknown, part, text_fact};
pub(crate) use focus::{focus, is_typing};
pub(crate) use heading::{back, set_title};
pub(crate) use icon::{Icon, busy, icon};
pub(crate) use keyed::{Item, keyed};
pub(crate) use link::{follow, is_plain, link};
pub(crate) use meter::{meter, progress_bar};
pub(crate) use node_select::node_select;
pub(crate) use power::{changing_badge, power_word, task_badge, task_sign, task_word};
pub(crate) use save::csv_button;
pub(crate) use sentence::sentence;
pub(crate) use theme::ThemeButton;
pub(crate) use tip::{Tooltip, TooltipLayer};
pub(crate) use when::{ago, when};
