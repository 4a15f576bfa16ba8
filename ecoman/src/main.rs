//! Manages the virtual machines of many standalone ESXi nodes over SSH.

fn main() {}
