//! English.

mod acts;
mod deferred;
mod filter_faults;
mod first_load;
mod format;
mod history;
mod problems;
mod refusals;
mod tasks;

use super::Texts;

/// English. A constant, not a static: code that reads one section does not refer to the others.
pub const EN: Texts = Texts {
    format: &format::FORMAT,
    problems: &problems::PROBLEMS,
    acts: &acts::ACTS,
    refusals: &refusals::REFUSALS,
    filter_faults: &filter_faults::FILTER_FAULTS,
    tasks: &tasks::TASKS,
    history: &history::HISTORY,
    first_load: &first_load::FIRST_LOAD,
    deferred: &deferred::DEFERRED,
};
