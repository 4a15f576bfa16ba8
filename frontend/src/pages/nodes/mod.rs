//! The nodes: all of them, and one.

mod list;
mod one;
mod parts;

pub(crate) use self::list::Nodes;
pub(crate) use self::one::Node;
