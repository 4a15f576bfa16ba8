//! English.

mod acts;
mod page;
mod problems;

use super::Texts;

/// English.
pub static EN: Texts = Texts {
    problems: &problems::PROBLEMS,
    acts: &acts::ACTS,
    page: &page::PAGE,
};
