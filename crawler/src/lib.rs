//! Asks every node for its VMs and records what it saw.
