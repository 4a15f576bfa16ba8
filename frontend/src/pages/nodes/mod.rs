//! The nodes: all of them, and one.

mod list;
mod one;
mod parts;
mod poll;

pub(crate) use self::list::Nodes;
pub(crate) use self::one::Node;
