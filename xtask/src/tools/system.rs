//! What comes from the system's package manager: Debian's and Ubuntu's apt.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, Result, bail};

use super::found::on_path;
use super::tool::Tool;
use super::{fetched, python};
use crate::command::Command;
use crate::context::Context;

/// A package that is missing, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Missing {
    package: &'static str,
    what_for: &'static str,
}

/// Installs what is missing, after showing the commands and asking.
pub(super) fn install(context: &Context, tools: &[Tool]) -> Result<()> {
    let missing = missing(context, tools);
    if missing.is_empty() {
        return Ok(());
    }
    if on_path("apt-get").is_none() {
        bail!(
            "this machine has no apt-get; install by its own package manager what these packages \
             of Debian have, then start again: {}",
            missing
                .iter()
                .map(|missing| missing.package)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let mut why = String::from("Missing on this machine:");
    for Missing { package, what_for } in &missing {
        why.push_str(&format!("\n  {package:<18} {what_for}"));
    }
    if missing
        .iter()
        .any(|missing| missing.package == "openssh-server")
    {
        why.push_str(
            "\nDebian starts an SSH server for logins with openssh-server. Unwanted? Afterwards: \
             sudo systemctl disable --now ssh",
        );
    }
    let commands = commands(&missing);
    agree(context, &why, &commands)?;
    context
        .console
        .step("system packages", "installing them", |step| {
            for mut command in commands {
                step.run(&mut command)?;
            }
            Ok(())
        })
}

/// Shows commands that need root, and why; asks unless the user agreed beforehand.
///
/// # Errors
///
/// The user declined or cannot be asked, or sudo does not let them.
pub(super) fn agree(context: &Context, why: &str, commands: &[Command]) -> Result<()> {
    let shown: Vec<String> = commands
        .iter()
        .map(|command| format!("\n  {command}"))
        .collect();
    context
        .console
        .say(format!("{why}\nTo be run:{}", shown.concat()));
    // Nothing else writes to the terminal while somebody is asked.
    context.console.quietly(|| {
        if !context.yes && !confirmed()? {
            bail!("nothing was installed; run the commands above yourself, then start again");
        }
        if !is_root() {
            Command::new("sudo")
                .arg("-v")
                .interactive()
                .context("sudo is needed; or run the commands above as root, then start again")?;
        }
        Ok(())
    })
}

/// Runs a command as root: directly, or by sudo, which may ask for the password.
pub(super) fn as_root(program: &str) -> Command {
    if is_root() {
        Command::new(program)
    } else {
        Command::new("sudo").arg(program)
    }
}

/// Whether this is a Debian, not one of its descendants.
pub(super) fn is_debian() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|release| os_id(&release) == Some("debian"))
}

fn missing(context: &Context, tools: &[Tool]) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut need = |absent: bool, package: &'static str, what_for: &'static str| {
        let entry = Missing { package, what_for };
        if absent && !missing.contains(&entry) {
            missing.push(entry);
        }
    };
    let python = "python3-pip";
    let fetches = "fetches what PyPI has, such as MongoDB's server";
    for tool in tools {
        match tool {
            Tool::Ssh => need(on_path("ssh").is_none(), "openssh-client", "talks to nodes"),
            Tool::Sshd => need(
                on_path("sshd").is_none(),
                "openssh-server",
                "simulated nodes are real SSH servers",
            ),
            Tool::Curl => need(on_path("curl").is_none(), "curl", "the README's examples"),
            Tool::Busybox => {
                need(
                    !has_static_busybox(),
                    "busybox-static",
                    "the shell of simulated nodes",
                );
            }
            Tool::Mongod if fetched::MONGOD.present(context).is_none() => {
                need(python::path().is_none(), python, fetches);
                for (library, package) in [
                    ("libcurl.so.4", "libcurl4"),
                    ("libssl.so.3", "libssl3"),
                    ("liblzma.so.5", "liblzma5"),
                ] {
                    need(
                        !has_library(library),
                        package,
                        "a library of MongoDB's server",
                    );
                }
            }
            Tool::Node if fetched::NODE.present(context).is_none() => {
                need(python::path().is_none(), python, fetches);
            }
            Tool::PythonPackages => {
                need(python::path().is_none(), python, fetches);
                need(
                    !python::has_venv(),
                    "python3-venv",
                    "an environment for what tries the API",
                );
            }
            Tool::Chromium if fetched::CHROMIUM.present(context).is_none() => {
                if is_debian() {
                    need(true, "chromium", "the browser of the tests");
                    need(true, "fonts-liberation", "what the browser writes with");
                } else {
                    // Ubuntu has Chromium as a snap only; it is fetched from npm instead.
                    for (library, package) in
                        [("libnss3.so", "libnss3"), ("libnspr4.so", "libnspr4")]
                    {
                        need(!has_library(library), package, "a library of the browser");
                    }
                }
            }
            _ => {}
        }
    }
    missing
}

fn commands(missing: &[Missing]) -> [Command; 2] {
    let apt = || {
        as_root("env")
            .arg("DEBIAN_FRONTEND=noninteractive")
            .arg("apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"])
    };
    [
        apt().arg("update"),
        apt()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(missing.iter().map(|missing| missing.package)),
    ]
}

fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here; pass --yes to agree, or run the commands above yourself");
    }
    let mut out = std::io::stderr();
    write!(out, "Run them now? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("could not read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn is_root() -> bool {
    // A process' own entry belongs to its effective user.
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

fn has_static_busybox() -> bool {
    on_path("busybox").is_some_and(|busybox| {
        // ldd fails for what needs no loader.
        Command::new("ldd").arg(busybox).text().is_err()
    })
}

fn has_library(name: &str) -> bool {
    on_path("ldconfig")
        .and_then(|ldconfig| Command::new(ldconfig).arg("-p").text().ok())
        .is_some_and(|known| {
            known
                .lines()
                .any(|line| line.trim_start().starts_with(name))
        })
}

/// The `ID` of an os-release file.
fn os_id(release: &str) -> Option<&str> {
    release
        .lines()
        .find_map(|line| line.strip_prefix("ID="))
        .map(|id| id.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_read_from_os_release() {
        assert_eq!(
            os_id("PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\n"),
            Some("debian")
        );
        assert_eq!(
            os_id("NAME=\"Ubuntu\"\nID=\"ubuntu\"\nID_LIKE=debian\n"),
            Some("ubuntu")
        );
        assert_eq!(os_id("ID_LIKE=debian\n"), None);
    }

    #[test]
    fn all_packages_are_installed_by_one_command_without_questions() {
        let missing = [
            Missing {
                package: "busybox-static",
                what_for: "",
            },
            Missing {
                package: "chromium",
                what_for: "",
            },
        ];
        let [_, install] = commands(&missing);
        let shown = install.to_string();
        assert!(
            shown.ends_with("--no-install-recommends busybox-static chromium"),
            "{shown}"
        );
        assert!(shown.contains("DEBIAN_FRONTEND=noninteractive"), "{shown}");
    }
}
