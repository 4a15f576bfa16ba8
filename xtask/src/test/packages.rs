//! What people install, packed of the program of the tests: what is in it, with which rights, and
//! whether it is the same each time. Nothing of it gets onto the machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::outcome::Outcome;
use crate::command::Command;
use crate::console::Step;
use crate::context::Context;
use crate::dist::{Packages, Release, pack};
use crate::tally::Tally;

/// The greatest exposure that a unit may have by `systemd-analyze security`, in tenths.
const EXPOSURE: u32 = 25;

/// Every file of the package but the manual, with its rights.
const FILES: [(&str, &str); 12] = [
    ("-rw-r-----", "./etc/ecoman/ecoman.env"),
    ("-rwxr-xr-x", "./usr/bin/ecoman"),
    (
        "-rw-r--r--",
        "./usr/lib/systemd/system/ecoman-crawler.service",
    ),
    (
        "-rw-r--r--",
        "./usr/lib/systemd/system/ecoman-dashboard.service",
    ),
    (
        "-rw-r--r--",
        "./usr/lib/systemd/system/ecoman-executor.service",
    ),
    ("-rw-r--r--", "./usr/lib/systemd/system/ecoman.service"),
    (
        "-rw-r--r--",
        "./usr/share/bash-completion/completions/ecoman",
    ),
    ("-rw-r--r--", "./usr/share/doc/ecoman/copyright"),
    ("-rw-r--r--", "./usr/share/ecoman/ecoman.env"),
    ("-rw-r--r--", "./usr/share/ecoman/hosts.yml.example"),
    (
        "-rw-r--r--",
        "./usr/share/fish/vendor_completions.d/ecoman.fish",
    ),
    ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_ecoman"),
];

/// The packages, and the files of one unpacked.
struct Unpacked<'a> {
    root: &'a Path,
    packages: Packages,
    again: Packages,
    /// The tarball's files.
    files: PathBuf,
}

/// A test: the fault, or nothing.
type Test = fn(&Unpacked<'_>) -> Result<()>;

const TESTS: [(&str, Test); 6] = [
    ("packed_again_they_are_the_same_bytes", same_bytes),
    ("the_package_has_these_files_with_these_rights", files),
    (
        "the_tarball_has_files_alone_and_no_variables_of_yours",
        tarball,
    ),
    ("every_variable_is_in_the_file_of_variables", variables),
    ("the_units_are_sound_and_hardened", units),
    ("the_scripts_are_sound", scripts),
];

/// Packs and looks.
pub(super) fn check(context: &Context, program: &Path) -> Result<Outcome> {
    let folder = context.target.join("xtask/packages");
    let outcome = context
        .console
        .step("packages", "packing, and looking into it", |step| {
            let unpacked = unpack(context, program, &folder, step)?;
            let mut outcome = Outcome::default();
            for (name, test) in TESTS {
                let result = test(&unpacked);
                outcome.tally += Tally::of_check(result.is_ok());
                if let Err(error) = result {
                    step.say(format!("{name}: {error:#}"));
                    outcome.failures.push(name.to_owned());
                }
            }
            Ok(outcome)
        })?;
    fs::remove_dir_all(&folder)
        .with_context(|| format!("could not remove {}", folder.display()))?;
    Ok(outcome)
}

fn unpack<'a>(
    context: &'a Context,
    program: &Path,
    folder: &Path,
    step: &Step<'_>,
) -> Result<Unpacked<'a>> {
    let files = folder.join("files");
    fs::create_dir_all(&files).with_context(|| format!("could not create {}", files.display()))?;
    let stripped = folder.join("ecoman");
    step.run(&mut Command::new("strip").arg("-o").arg(&stripped).arg(program))?;
    let pack_into = |name: &str| {
        let release = Release::draft(context, stripped.clone(), folder.join(name))?;
        pack(&release, &context.root, step)
    };
    let packages = pack_into("first")?;
    let again = pack_into("second")?;
    step.run(
        &mut Command::new("tar")
            .args(["--extract", "--strip-components=1", "--file"])
            .arg(&packages.tarball)
            .arg("--directory")
            .arg(&files),
    )?;
    Ok(Unpacked {
        root: &context.root,
        packages,
        again,
        files,
    })
}

fn same_bytes(unpacked: &Unpacked<'_>) -> Result<()> {
    let files = |packages: &Packages| -> Vec<PathBuf> {
        [Some(&packages.tarball), packages.deb.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    };
    for (one, other) in files(&unpacked.packages).iter().zip(files(&unpacked.again)) {
        if fs::read(one)? != fs::read(&other)? {
            bail!("{} and {} differ", one.display(), other.display());
        }
    }
    Ok(())
}

fn files(unpacked: &Unpacked<'_>) -> Result<()> {
    let Some(deb) = &unpacked.packages.deb else {
        return Ok(());
    };
    let listed = Command::new("dpkg-deb").arg("--contents").arg(deb).text()?;
    let mut found = Vec::new();
    for line in listed.lines().filter(|line| !line.starts_with('d')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [rights, owner, .., path] = words.as_slice() else {
            bail!("cannot read {line:?}");
        };
        if *owner != "root/root" {
            bail!("{path} is of {owner}");
        }
        if !path.starts_with("./usr/share/man/man1/ecoman") {
            found.push((*rights, *path));
        }
    }
    if found != FILES {
        bail!("it has {found:#?}");
    }
    if !listed.contains("./usr/share/man/man1/ecoman-user-add.1.gz") {
        bail!("the manual lacks ecoman-user-add(1)");
    }
    let owned = Command::new("dpkg-deb")
        .args(["--info"])
        .arg(deb)
        .arg("conffiles")
        .text()?;
    if owned != "/etc/ecoman/ecoman.env\n" {
        bail!("conffiles are {owned:?}");
    }
    Ok(())
}

fn tarball(unpacked: &Unpacked<'_>) -> Result<()> {
    let listed = Command::new("tar")
        .args(["--list", "--file"])
        .arg(&unpacked.packages.tarball)
        .text()?;
    for path in listed.lines() {
        if path.ends_with('/') || !path.contains("/usr/") {
            bail!("it has {path}");
        }
    }
    Ok(())
}

fn variables(unpacked: &Unpacked<'_>) -> Result<()> {
    let file = fs::read_to_string(unpacked.files.join("usr/share/ecoman/ecoman.env"))?;
    let reference = fs::read_to_string(unpacked.root.join("docs/reference/variables.md"))?;
    let known: BTreeSet<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let listed: Vec<&str> = file
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(is_name)
        .collect();
    let set: BTreeSet<&str> = listed.iter().copied().collect();
    if set.len() != listed.len() {
        bail!("a variable is there twice");
    }
    if set != known {
        let differ: Vec<_> = set.symmetric_difference(&known).collect();
        bail!("these are in one of them only: {differ:?}");
    }
    Ok(())
}

fn units(unpacked: &Unpacked<'_>) -> Result<()> {
    if Command::new("systemd-analyze")
        .arg("--version")
        .text()
        .is_err()
    {
        return Ok(());
    }
    let folder = unpacked.files.join("usr/lib/systemd/system");
    for unit in fs::read_dir(&folder)? {
        let unit = unit?.path();
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(format!("--threshold={EXPOSURE}"))
            .arg(&unit)
            .text()
            .with_context(|| format!("{} is exposed", unit.display()))?;
        // What it misses on a machine without the package is nothing wrong with the unit.
        let script = "systemd-analyze verify --man=no \"$1\" 2>&1 | grep -F \"${1##*/}\" \
                      | grep -v 'is not executable' || true";
        let said = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&unit)
            .text()?;
        if !said.is_empty() {
            bail!("{said}");
        }
    }
    Ok(())
}

fn scripts(unpacked: &Unpacked<'_>) -> Result<()> {
    for script in fs::read_dir(unpacked.root.join("deploy/package/debian"))? {
        let script = script?.path();
        Command::new("sh").arg("-n").arg(script).text()?;
    }
    Ok(())
}
