//! Asking a node's hostd for all its VMs at once: the program that runs there, and its answers
//! read into the same facts that the dumps of `vim-cmd` give.
//!
//! [`crate::Command::read_hostd`] sends [`PROGRAM`]; [`read()`] takes what it prints.
//! [`crate::Session::follow`] starts [`FOLLOWING_PROGRAM`], and [`Follower`] talks with it. Names in the
//! answers are read by namespace, under whichever prefix; document types and entities are refused.

mod compare;
mod error;
mod follow;
mod frames;
mod reading;
mod soap;
mod xml;

pub use compare::{Difference, differences};
pub use error::HostdError;
pub use follow::{Follower, News};
pub use frames::Cost;
pub use reading::{DatastoreSpace, Reading, VmReading, read, read_vms};

/// The program that reads once, in Python, as it is sent on standard input.
pub const PROGRAM: &str = concat!(
    include_str!("hostd/program.py"),
    include_str!("hostd/read.py")
);

/// The program that stays, likewise.
pub const FOLLOWING_PROGRAM: &str = concat!(
    include_str!("hostd/program.py"),
    include_str!("hostd/follow.py")
);
