//! A simulated ESXi node behind a real sshd, for tests and the demo.
