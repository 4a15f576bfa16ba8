//! English.

mod acts;
mod format;
mod page;
mod pages;
mod problems;
mod tasks;

use super::Texts;

/// English.
pub static EN: Texts = Texts {
    format: &format::FORMAT,
    problems: &problems::PROBLEMS,
    acts: &acts::ACTS,
    tasks: &tasks::TASKS,
    page: &page::PAGE,
    pages: &pages::PAGES,
};
