//! What the crates stand on: licences, versions that come twice, names that nothing uses.
//!
//! Advisories are not checked: their database is on the network. `cargo deny check advisories` reads it
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use crate::command::Command;

/// Licences of dependencies that may be given away with ECoMan.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// What comes in more than one version, and whose older one is. One that is gone must go
/// here, too.
const TWICE: [(&str, &str); 16] = [
    ("base64", "reqwest, mongodb"),
    ("block-buffer", "argon2, by digest"),
    ("convert_case", "derive_more of mongodb, config of leptos"),
    ("cpufeatures", "argon2"),
    ("crypto-common", "argon2, by digest"),
    ("digest", "argon2"),
    ("getrandom", "ring"),
    ("rand", "bson"),
    ("rand_core", "argon2"),
    ("sha2", "wasm_split_macros of leptos"),
    ("syn", "many derives"),
    ("thiserror", "gloo-net"),
    ("thiserror-impl", "gloo-net"),
    ("tower-http", "reqwest"),
    ("typed-builder", "mongodb"),
    ("typed-builder-macro", "mongodb"),
];

/// Named for a feature alone: no source uses them.
const FOR_A_FEATURE: [&str; 1] = ["getrandom"];

/// A dependency with its version and licence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
}

/// What is wrong with the packages that the workspace is built and tested with.
///
/// # Errors
///
/// cargo could not list them.
pub(crate) fn faults(root: &Path) -> Result<Vec<String>> {
    let listed = Command::cargo()
        .args(["tree", "--locked", "--workspace"])
        .args(["--edges=normal,build,dev", "--prefix=none"])
        .arg("--format={p}|{l}")
        .directory(root)
        .text()?;
    let packages = packages(&listed);
    let mut faults = unlicensed(&packages);
    faults.extend(doubled(&packages));
    Ok(faults)
}

/// Dependencies of a manifest that none of the sources of its package names.
pub(crate) fn unused<'a>(
    manifest: &str,
    sources: impl Iterator<Item = &'a str>,
) -> Vec<(usize, String)> {
    let mut names = BTreeMap::new();
    let mut in_dependencies = false;
    for (index, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.trim_end().ends_with("dependencies]");
        } else if in_dependencies
            && line.starts_with(|c: char| c.is_ascii_alphabetic())
            && let Some(name) = line.split(['.', ' ', '=']).next()
            && !FOR_A_FEATURE.contains(&name)
        {
            names.insert(crate_name(name), (index + 1, name));
        }
    }
    for source in sources {
        names.retain(|name, _| !source.contains(name.as_str()));
    }
    names
        .into_values()
        .map(|(line, name)| (line, format!("nothing uses {name}")))
        .collect()
}

/// What a package is called in source.
fn crate_name(package: &str) -> String {
    match package {
        // The one that is not called as it is named.
        "rustls-webpki" => "webpki".to_owned(),
        package => package.replace('-', "_"),
    }
}

/// Reads lines such as `serde v1.0.229|MIT OR Apache-2.0` or `syn v2.0.1 (proc-macro)|MIT`.
fn packages(tree: &str) -> BTreeSet<Package> {
    tree.lines()
        .filter_map(|line| {
            let (package, licence) = line.split_once('|')?;
            let mut words = package.split(' ');
            Some(Package {
                name: words.next()?.to_owned(),
                version: words.next()?.to_owned(),
                // The star marks what was listed before.
                licence: licence.trim_end_matches(" (*)").to_owned(),
            })
        })
        .collect()
}

fn unlicensed(packages: &BTreeSet<Package>) -> Vec<String> {
    packages
        .iter()
        .filter(|package| !is_allowed(&package.licence))
        .map(|Package { name, licence, .. }| format!("{name}: its licence is {licence:?}"))
        .collect()
}

/// Whether an SPDX expression, or the older form with a slash, leaves a choice that is allowed.
fn is_allowed(licence: &str) -> bool {
    let one = |licence: &str| LICENCES.contains(&licence.trim_matches(['(', ')', ' ']));
    // Brackets stand around choices only: each part of an AND must leave one.
    let any = |choices: &str| choices.replace('/', " OR ").split(" OR ").any(one);
    licence.split(" AND ").all(any)
}

fn doubled(packages: &BTreeSet<Package>) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Package { name, version, .. } in packages {
        versions.entry(name).or_default().push(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let known: BTreeSet<&str> = TWICE.iter().map(|(name, _)| *name).collect();
    let new = versions
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(name, versions)| format!("{name} comes as {}", versions.join(" and ")));
    let gone = known
        .iter()
        .filter(|name| !versions.contains_key(*name))
        .map(|name| format!("{name} no longer comes twice: strike it off TWICE"));
    new.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_read_with_their_choices() {
        for allowed in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(GPL-3.0 OR MPL-2.0) AND MIT",
        ] {
            assert!(!is_allowed(refused), "{refused}");
        }
    }

    #[test]
    fn a_second_version_is_found() {
        let tree = "a v1.0.0|MIT\na v2.0.0 (proc-macro)|MIT\nb v1.0.0|MIT\nb v1.0.0|MIT (*)\n";
        let faults = doubled(&packages(tree));
        assert_eq!(faults.first().unwrap(), "a comes as v1.0.0 and v2.0.0");
        assert!(!faults.iter().any(|fault| fault.starts_with("b ")));
    }

    #[test]
    fn a_dependency_that_nothing_uses_is_found() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nform_urlencoded.workspace = true\n\
                        tokio-util = { workspace = true }\n[lints]\nworkspace = true\n";
        let unused = unused(manifest, ["use form_urlencoded::parse;"].into_iter());
        assert_eq!(unused, [(5, "nothing uses tokio-util".to_owned())]);
    }
}
