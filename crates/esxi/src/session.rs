//! One kept, multiplexed OpenSSH connection to a node.
