//! How the page offers what can be asked of a node: a file or a folder per act.

pub(crate) mod answer;
pub(crate) mod create;
pub(crate) mod power;
