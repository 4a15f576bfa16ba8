//! What ECoMan is built and tested with, and how it gets onto a machine that has only Rust, git
//! and a C compiler.
//!
//! What Debian packages well comes from Debian, with the user's consent. All else goes into a
//! folder of the user's cache, one folder per tool and version, which may be deleted at any time:
//! `$ECOMAN_TOOLS`, else `$XDG_CACHE_HOME/ecoman`, else `~/.cache/ecoman`. A tool of the right
//! version on PATH is used as it is.

mod binary;
mod draft;
mod environment;
mod fetched;
mod found;
mod npm;
mod python;
mod system;
mod tool;
mod wasm_target;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::command::quoted;
use crate::context::Context;
pub(crate) use environment::Environment;
pub(crate) use tool::Tool;

/// What serves to build and show the page.
pub(crate) const PAGE: [Tool; 2] = [Tool::WasmTarget, Tool::Bundle];

/// What serves to build the page as users get it.
pub(crate) const PAGE_RELEASE: [Tool; 4] = [
    Tool::WasmTarget,
    Tool::BundleSmall,
    Tool::Node,
    Tool::NpmPackages,
];

/// What serves to run simulated nodes.
pub(crate) const NODES: [Tool; 3] = [Tool::Ssh, Tool::Sshd, Tool::Busybox];

/// What serves to make clients of the API and to try it.
pub(crate) const API: [Tool; 4] = [
    Tool::Node,
    Tool::NpmPackages,
    Tool::ClientPackages,
    Tool::PythonPackages,
];

/// What serves to run the page in a browser.
pub(crate) const BROWSER: [Tool; 3] = [Tool::Node, Tool::NpmPackages, Tool::Chromium];

/// Whether the machine has a program that is not fetched.
pub(crate) fn has(program: &str) -> bool {
    found::on_path(program).is_some()
}

/// Firefox, in which the main ways of the page are tried where the machine has one; it is not fetched.
pub(crate) fn firefox() -> Option<PathBuf> {
    ["firefox-esr", "firefox"]
        .into_iter()
        .filter_map(found::on_path)
        .find(|file| !fetched::is_snap(file))
}

/// `cargo xtask tools`: all of them. What is done goes to standard error, so that standard output
/// can be evaluated by a shell.
///
/// # Errors
///
/// A tool could not be installed.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    let all: Vec<Tool> = PAGE_RELEASE
        .into_iter()
        .chain(NODES)
        .chain([Tool::Mongod])
        .chain(BROWSER)
        .chain(API)
        .collect();
    install_system_packages(context, &all)?;
    let environment = install(context, &all)?;
    for (name, value) in environment.variables() {
        println!("export {}={}", quoted(&name), quoted(&value));
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs what the system's package manager has and `tools` miss. Asks first.
///
/// # Errors
///
/// The user declined, or cannot be asked, or the installation failed.
pub(crate) fn install_system_packages(context: &Context, tools: &[Tool]) -> Result<()> {
    system::install(context, tools)
}

/// Installs those of `tools` that are missing and do not come from the system's package manager.
/// Returns the environment in which they are found. In the end it is as if all were on PATH.
///
/// # Errors
///
/// A tool could not be installed.
pub(crate) fn install(context: &Context, tools: &[Tool]) -> Result<Environment> {
    let mut environment = Environment::default();
    for tool in tools {
        match tool {
            Tool::WasmTarget => wasm_target::install(context)?,
            Tool::Bundle => environment.add_binary(&binary::bundle(context, false)?),
            Tool::BundleSmall => environment.add_binary(&binary::bundle(context, true)?),
            Tool::Mongod => {
                let file = fetched::MONGOD.install(context, &environment)?;
                environment.set("ECOMAN_MONGOD", file);
            }
            Tool::Node => {
                environment.add_binary(&fetched::NODE.install(context, &environment)?);
            }
            Tool::NpmPackages => {
                npm::install(context, &environment, npm::TESTS)?;
                environment.add_folder(&npm::binaries(context));
            }
            Tool::ClientPackages => npm::install(context, &environment, npm::CLIENT)?,
            Tool::PythonPackages => {
                environment.set("ECOMAN_PYTHON", python::install_packages(context)?);
            }
            Tool::Chromium => {
                let file = fetched::CHROMIUM.install(context, &environment)?;
                environment.set("ECOMAN_CHROMIUM", file);
            }
            Tool::CargoFuzz => environment.add_binary(&binary::cargo_fuzz(context)?),
            Tool::Ssh | Tool::Sshd | Tool::Busybox | Tool::Curl => {}
        }
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::context::workspace;

    #[test]
    fn the_page_is_bound_by_the_version_of_wasm_bindgen_that_it_uses() {
        let version = |lock: &str, package: &str| {
            let lock = fs::read_to_string(workspace().join(lock)).unwrap();
            let (_, rest) = lock
                .split_once(&format!("name = \"{package}\"\nversion = \""))
                .unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        assert_eq!(
            version("xtask/bundle/Cargo.lock", "wasm-bindgen-cli-support"),
            version("Cargo.lock", "wasm-bindgen")
        );
    }
}
