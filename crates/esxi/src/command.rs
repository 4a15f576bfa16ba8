//! The commands that are run on a node, as argument lists.
