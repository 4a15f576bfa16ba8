//! Japanese, with the terms of VMware's Japanese products.
//!
//! Sentences end in です or ます and 。; headings, labels, buttons and states have no 。. Between
//! Japanese and Latin letters or digits stands a space, as VMware writes it, and so between words in
//! katakana: ゲスト OS, ポート グループ. Where a value stands in a sentence, `spaced` sets it.

mod acts;
mod deferred;
mod filter_faults;
mod first_load;
mod format;
mod history;
mod problems;
mod refusals;
mod spaced;
mod tasks;

use super::Texts;
use spaced::spaced;

/// Japanese. A constant, not a static: code that reads one section does not refer to the others.
pub const JA: Texts = Texts {
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
