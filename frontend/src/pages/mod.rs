//! The pages, a folder or a file per noun.

mod administration;
mod banner;
mod deferred;
mod history;
mod new;
mod nodes;
mod not_found;
mod sign_in;
mod tasks;
mod views;
mod vm;
mod vms;

pub(crate) use banner::{ConnectionBanner, ServerNotices};
pub(crate) use deferred::fetch;
pub(crate) use views::DeferredPages;
pub(crate) use vms::Vms;
