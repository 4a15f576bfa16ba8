//! The tasks: all of them, and one.

mod cards;
mod list;
mod one;
mod parts;

pub(crate) use self::list::Tasks;
pub(crate) use self::one::Task;
