//! Compiles `tools/main.rs` into one static program that the library carries within itself.
//!
//! The program runs inside the node's chroot, where no shared library is, is started for every
//! simulated command, so it must start within a fraction of a millisecond, and must fit to the
//! library exactly, whichever binary the library is linked into: a test, the demo, a benchmark.
//! It uses the standard library alone, so the compiler itself is enough to build it.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=tools");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let variable = |name: &str| {
        env::var_os(name).ok_or_else(|| format!("cargo has not set {name} for the build script"))
    };
    let program = PathBuf::from(variable("OUT_DIR")?).join("esxi-tools");
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc
        .args(["--edition", "2024", "--crate-name", "esxi_tools"])
        .args(["--crate-type", "bin", "tools/main.rs", "--target"])
        .arg(variable("TARGET")?)
        .args(["-C", "opt-level=s", "-C", "panic=abort"])
        .args(["-C", "strip=symbols", "-C", "target-feature=+crt-static"])
        .arg("-o")
        .arg(&program);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = std::ffi::OsString::from("linker=");
        option.push(linker);
        rustc.arg("-C").arg(option);
    }
    let output = rustc
        .output()
        .map_err(|error| format!("the compiler could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "the simulated tools could not be linked statically (is the C library's static half, \
         libc6-dev on Debian, installed?): {}",
        String::from_utf8_lossy(&output.stderr).replace('\n', " | ")
    ))
}
