//! The tools by name.

/// Something that a task needs on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tool {
    /// The standard library for wasm32-unknown-unknown.
    WasmTarget,
    /// Makes the page's files.
    Bundle,
    /// Makes them small, too.
    BundleSmall,
    /// OpenSSH's client.
    Ssh,
    /// OpenSSH's server, in which simulated nodes live.
    Sshd,
    /// The shell and tools of simulated nodes.
    Busybox,
    /// curl, which the README's examples are run with.
    Curl,
    /// MongoDB's server.
    Mongod,
    /// Runs the browser tests.
    Node,
    /// The npm packages of e2e/, wasm-opt among them.
    NpmPackages,
    /// The npm packages of the client in TypeScript.
    ClientPackages,
    /// The Python packages that make a client and try the API: the interpreter that has them.
    PythonPackages,
    /// The browser.
    Chromium,
    /// Feeds the parsers with random input.
    CargoFuzz,
}
