//! `cargo xtask tidy`: the rules of the repository that no other tool knows.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::command::Command;
use crate::context::Context;
use crate::{dependencies, layers, words};

/// Samples of what hosts print, kept to the byte.
const SAMPLES: [&str; 2] = ["crates/esxi/tests/data/", "simulator/tests/data/"];

/// Notes of what is not finished. Put together here, so that this file has none of them.
const NOTES: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
];

/// What begins a comment, in any of our languages.
const COMMENTS: [&str; 5] = ["//", "#", "/*", "<!--", "* "];

/// Code of what is not finished.
const UNFINISHED: [&str; 5] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
    concat!("test.", "only("),
];

/// Which of our crates a crate may stand on. This is what keeps the parts apart: the dashboard
/// cannot reach a node, the page knows the API alone, the simulator shares no code with what is
/// tested against it.
const MAY_USE: [(&str, &[&str]); 15] = [
    (
        "backend",
        &[
            "ecoman-access",
            "ecoman-api",
            "ecoman-model",
            "ecoman-serve",
            "ecoman-store",
        ],
    ),
    ("crates/access", &["ecoman-model"]),
    ("crates/api", &["ecoman-model"]),
    ("crates/esxi", &["ecoman-model"]),
    ("crates/model", &[]),
    ("crates/serve", &[]),
    ("crates/store", &["ecoman-model"]),
    ("crawler", &["ecoman-esxi", "ecoman-model", "ecoman-store"]),
    (
        "executor",
        &["ecoman-api", "ecoman-esxi", "ecoman-model", "ecoman-serve"],
    ),
    ("frontend", &["ecoman-api", "ecoman-page-state"]),
    ("frontend/state", &["ecoman-api"]),
    ("simulator", &[]),
    (
        "bench",
        &[
            "ecoman-crawler",
            "ecoman-esxi",
            "ecoman-model",
            "ecoman-simulator",
            "ecoman-store",
        ],
    ),
    (
        "ecoman",
        &[
            "ecoman-access",
            "ecoman-backend",
            "ecoman-crawler",
            "ecoman-esxi",
            "ecoman-executor",
            "ecoman-model",
            "ecoman-serve",
            "ecoman-simulator",
            "ecoman-store",
        ],
    ),
    ("xtask", &[]),
];

/// A rule, and where it is broken.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// `file:line: what`.
    pub(crate) faults: Vec<String>,
}

/// A text file of the repository.
#[derive(Debug)]
struct SourceFile {
    /// Relative to the workspace.
    path: PathBuf,
    text: String,
}

/// Checks all rules and prints what breaks them.
///
/// # Errors
///
/// The files could not be listed or read.
pub(crate) fn run(context: &Context) -> Result<ExitCode> {
    let mut good = true;
    for rule in check(context)? {
        context.console.say(rule.to_string());
        good &= rule.faults.is_empty();
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks all rules.
///
/// # Errors
///
/// The files could not be listed or read.
pub(crate) fn check(context: &Context) -> Result<Vec<Rule>> {
    let files = files(&context.root)?;
    let machine = machine_paths(&context.root);
    let exists = |path: &Path| context.root.join(path).exists();
    Ok(vec![
        rule("nothing is unfinished", &files, unfinished),
        rule("no path of this machine", &files, |file| {
            containing(&file.text, &machine)
        }),
        rule("no conflict marker", &files, |file| {
            conflict_markers(&file.text)
        }),
        rule("lines end as .editorconfig says", &files, line_ends),
        rule("links of documents lead somewhere", &files, |file| {
            broken_links(file, &files, exists)
        }),
        rule(
            "parts stand on what they may",
            &files,
            forbidden_dependencies,
        ),
        rule("words are those that one searches for", &files, |file| {
            words::check(&file.path, &file.text)
        }),
        layered(&files)?,
        rule("every dependency is used", &files, |file| {
            unused_dependencies(file, &files)
        }),
        Rule {
            name: "dependencies come once, under licences that fit",
            faults: dependencies::faults(&context.root)?,
        },
    ])
}

impl SourceFile {
    /// Whether it is what a test compares with.
    fn is_snapshot(&self) -> bool {
        self.path
            .extension()
            .is_some_and(|extension| extension == "snap")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tidy: {}",
            if self.faults.is_empty() { '✓' } else { '✗' },
            self.name
        )?;
        self.faults
            .iter()
            .try_for_each(|fault| write!(f, "\n    {fault}"))
    }
}

/// Applies a rule, which answers with line numbers and what is wrong there, to each file.
fn rule(
    name: &'static str,
    files: &[SourceFile],
    check: impl Fn(&SourceFile) -> Vec<(usize, String)>,
) -> Rule {
    let faults = files
        .iter()
        .flat_map(|file| {
            let path = file.path.display().to_string();
            check(file)
                .into_iter()
                .map(move |(line, fault)| format!("{path}:{line}: {fault}"))
        })
        .collect();
    Rule { name, faults }
}

/// All text files that git knows or would add.
fn files(root: &Path) -> Result<Vec<SourceFile>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ])
        .directory(root)
        .text()?;
    let mut files = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        if SAMPLES.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let path = PathBuf::from(path);
        let absolute = root.join(&path);
        // A link's target is looked at by itself; a file deleted but not yet committed is gone.
        if !fs::symlink_metadata(&absolute).is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let bytes =
            fs::read(&absolute).with_context(|| format!("could not read {}", path.display()))?;
        // A picture, for instance.
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        files.push(SourceFile { path, text });
    }
    Ok(files)
}

fn unfinished(file: &SourceFile) -> Vec<(usize, String)> {
    if file.is_snapshot() {
        // The samples are in it, and people write all sorts of notes to their machines.
        return Vec::new();
    }
    let is_document = file
        .path
        .extension()
        .is_some_and(|extension| extension == "md");
    let code: Vec<String> = UNFINISHED.iter().map(|&code| code.to_owned()).collect();
    let mut faults = containing(&file.text, &code);
    for (number, line) in numbered(&file.text) {
        // Of a line of code its comment counts: strings may hold what people write to machines.
        let is_note = NOTES
            .iter()
            .filter_map(|note| line.split_once(note))
            .any(|(before, _)| {
                is_document || COMMENTS.iter().any(|comment| before.contains(comment))
            });
        if is_note {
            faults.push((number, format!("unfinished: {:?}", line.trim())));
        }
    }
    faults
}

/// Folders that exist on this machine, and nowhere else.
fn machine_paths(root: &Path) -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    [root.display().to_string(), home]
        .into_iter()
        // `/` is everywhere.
        .filter(|path| path.len() > 1)
        .map(|path| format!("{}/", path.trim_end_matches('/')))
        .collect()
}

fn containing(text: &str, words: &[String]) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (number, line) in numbered(text) {
        for word in words.iter().filter(|word| line.contains(word.as_str())) {
            faults.push((number, format!("{word:?} in {:?}", line.trim())));
        }
    }
    faults
}

fn conflict_markers(text: &str) -> Vec<(usize, String)> {
    numbered(text)
        .filter(|(_, line)| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
        .map(|(number, _)| (number, "conflict marker".to_owned()))
        .collect()
}

fn line_ends(file: &SourceFile) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (number, line) in file
        .text
        .split('\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line))
    {
        if line.ends_with('\r') {
            faults.push((number, "carriage return".to_owned()));
        } else if line.ends_with([' ', '\t']) && !file.is_snapshot() {
            faults.push((number, "blank at the end".to_owned()));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        faults.push((
            file.text.lines().count(),
            "no newline at the end of the file".to_owned(),
        ));
    }
    faults
}

/// Links of Markdown files to files and headings of the repository.
fn broken_links(
    file: &SourceFile,
    files: &[SourceFile],
    exists: impl Fn(&Path) -> bool,
) -> Vec<(usize, String)> {
    if file
        .path
        .extension()
        .is_none_or(|extension| extension != "md")
    {
        return Vec::new();
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (number, line) in prose(&file.text) {
        for target in link_targets(line) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() {
                file.path.clone()
            } else {
                resolved(folder, path)
            };
            if !exists(&path) {
                faults.push((number, format!("{target:?} leads nowhere")));
            } else if !heading.is_empty() {
                let linked = files.iter().find(|other| other.path == path);
                if linked.is_some_and(|linked| !headings(&linked.text).any(|h| h == heading)) {
                    faults.push((number, format!("{target:?}: no such heading")));
                }
            }
        }
    }
    faults
}

/// The lines outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    numbered(text).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// Targets of `[text](target)` within the repository.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split_whitespace().next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// A relative path below the workspace, without `..`.
fn resolved(folder: &Path, path: &str) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    resolved
}

/// The names under which GitHub and others link to the headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
}

fn forbidden_dependencies(file: &SourceFile) -> Vec<(usize, String)> {
    let may_use: BTreeMap<PathBuf, &[&str]> = MAY_USE
        .iter()
        .map(|(part, may)| (Path::new(part).join("Cargo.toml"), *may))
        .collect();
    let Some(allowed) = may_use.get(&file.path) else {
        return Vec::new();
    };
    let mut in_dependencies = false;
    let mut faults = Vec::new();
    for (number, line) in numbered(&file.text) {
        if line.starts_with('[') {
            // What tests use is free.
            in_dependencies = line.trim() == "[dependencies]";
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if in_dependencies && name.starts_with("ecoman-") && !allowed.contains(&name) {
            faults.push((number, format!("must not depend on {name}")));
        }
    }
    faults
}

/// Of a manifest: the dependencies that no source of its package names.
fn unused_dependencies(file: &SourceFile, files: &[SourceFile]) -> Vec<(usize, String)> {
    let is_of_the_workspace = file.text.contains("[lints]\nworkspace = true");
    let Some(package) = file.path.parent().filter(|_| {
        is_of_the_workspace
            && file
                .path
                .file_name()
                .is_some_and(|name| name == "Cargo.toml")
    }) else {
        return Vec::new();
    };
    let sources = files
        .iter()
        .filter(|source| source.path.starts_with(package))
        .filter(|source| {
            let extension = source.path.extension();
            extension.is_some_and(|extension| extension == "rs")
        })
        .map(|source| source.text.as_str());
    dependencies::unused(&file.text, sources)
}

/// The circles and upward imports of each crate of [`MAY_USE`].
fn layered(files: &[SourceFile]) -> Result<Rule> {
    let mut faults = Vec::new();
    for (krate, _) in MAY_USE {
        let source = Path::new(krate).join("src");
        let sources: Vec<(&Path, &str)> = files
            .iter()
            .filter(|file| file.path.starts_with(&source))
            .filter(|file| {
                file.path
                    .extension()
                    .is_some_and(|extension| extension == "rs")
            })
            .map(|file| (file.path.as_path(), file.text.as_str()))
            .collect();
        faults.extend(layers::check(krate, &sources)?);
    }
    Ok(Rule {
        name: "imports go one way",
        faults: faults
            .into_iter()
            .map(|fault| format!("{}:{}: {}", fault.file.display(), fault.line, fault.what))
            .collect(),
    })
}

/// The lines with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: PathBuf::from(path),
            text: text.to_owned(),
        }
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let text = format!("a\n// {}: later\n", UNFINISHED[0]);
        let faults = unfinished(&file("a.rs", &text));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].0, 2);
        assert!(unfinished(&file("a.snap", &text)).is_empty());
        let string = format!("    \"{}: move to nas-b\",\n", NOTES[0]);
        assert!(unfinished(&file("a.rs", &string)).is_empty());
        assert_eq!(
            unfinished(&file("a.rs", &format!("{}\n", UNFINISHED[0]))).len(),
            1
        );
    }

    #[test]
    fn paths_of_this_machine_are_found() {
        let machine = machine_paths(Path::new("/somewhere/checkout"));
        assert_eq!(
            containing("see /somewhere/checkout/docs", &machine).len(),
            1
        );
        assert!(containing("see docs/", &machine).is_empty());
    }

    #[test]
    fn line_ends_are_checked() {
        assert!(line_ends(&file("a.rs", "a\nb\n")).is_empty());
        assert!(line_ends(&file("empty", "")).is_empty());
        assert_eq!(line_ends(&file("a.rs", "a \nb\r\n")).len(), 2);
        assert_eq!(line_ends(&file("a.rs", "a")).len(), 1);
        assert!(line_ends(&file("a.snap", "a \n")).is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let readme = file(
            "docs/a.md",
            "# A b, c!\n[1](../there.md) [2](gone.md) [3](#a-b-c) [4](#other) [5](https://x.y)\n\
             ```\n[6](code.md)\n```\n",
        );
        let files = [file("there.md", "")];
        let exists = |path: &Path| path == Path::new("there.md") || path == Path::new("docs/a.md");
        let own = [readme];
        let all: Vec<SourceFile> = own.into_iter().chain(files).collect();
        let faults = broken_links(&all[0], &all, exists);
        let said: Vec<&str> = faults.iter().map(|(_, fault)| fault.as_str()).collect();
        assert_eq!(
            said,
            ["\"gone.md\" leads nowhere", "\"#other\": no such heading"]
        );
    }

    #[test]
    fn the_dashboard_cannot_stand_on_what_speaks_ssh() {
        let text = "[dependencies]\necoman-esxi.workspace = true\necoman-store.workspace = true\n\
                    [dev-dependencies]\necoman-simulator.workspace = true\n";
        let faults = forbidden_dependencies(&file("backend/Cargo.toml", text));
        assert_eq!(faults, [(2, "must not depend on ecoman-esxi".to_owned())]);
    }
}
