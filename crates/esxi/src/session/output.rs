//! What a command printed.

/// What a command printed, and its exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Standard output, byte by byte.
    pub stdout: Vec<u8>,
    /// Standard error, byte by byte.
    pub stderr: Vec<u8>,
    /// The exit code as the node's shell reports it: 127 is "no such command", 128 and more a
    /// signal.
    pub exit: i32,
}

impl Output {
    /// How much it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.stdout.len() + self.stderr.len()
    }
}
