//! The files of a package, as they lie on the machine that has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::release::Release;
use super::units::UNITS;
use crate::command::Command;
use crate::console::Step;

/// The files of a package below one folder.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) folder: PathBuf,
}

/// Puts the files together.
pub(super) fn lay_out(release: &Release, root: &Path, step: &Step<'_>) -> Result<Tree> {
    let tree = Tree {
        folder: release.folder.join("tree"),
    };
    let generated = release.folder.join("generated");
    step.run(
        &mut Command::new(&release.program)
            .arg("generate")
            .arg(&generated),
    )?;
    tree.copy(&release.program, "usr/bin/ecoman", 0o755)?;
    let template = fs::read_to_string(root.join("deploy/package/service.in"))
        .context("could not read the template of units")?;
    for unit in &UNITS {
        let path = format!("usr/lib/systemd/system/{}", unit.name);
        tree.write(&path, unit.text(&template)?.as_bytes(), 0o644)?;
    }
    for page in sorted(&generated.join("man"))? {
        let name = file_name(&page);
        let path = format!("usr/share/man/man1/{name}");
        tree.copy(&page, &path, 0o644)?;
        step.run(&mut Command::new("gzip").arg("-9n").arg(tree.folder.join(path)))?;
    }
    for (file, path) in [
        ("ecoman.bash", "bash-completion/completions/ecoman"),
        ("_ecoman", "zsh/vendor-completions/_ecoman"),
        ("ecoman.fish", "fish/vendor_completions.d/ecoman.fish"),
    ] {
        let file = generated.join("completions").join(file);
        tree.copy(&file, &format!("usr/share/{path}"), 0o644)?;
    }
    for (file, path) in [
        (root.join("hosts.yml.example"), "ecoman/hosts.yml.example"),
        (generated.join("ecoman.env"), "ecoman/ecoman.env"),
        (root.join("LICENSE"), "doc/ecoman/copyright"),
    ] {
        tree.copy(&file, &format!("usr/share/{path}"), 0o644)?;
    }
    Ok(tree)
}

impl Tree {
    /// All files, in order, relative to the folder.
    pub(super) fn files(&self) -> Result<Vec<String>> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
            for path in sorted(folder)? {
                if path.is_dir() {
                    below(&path, found)?;
                } else {
                    found.push(path);
                }
            }
            Ok(())
        }
        let mut found = Vec::new();
        below(&self.folder, &mut found)?;
        found
            .iter()
            .map(|path| {
                let path = path.strip_prefix(&self.folder)?;
                Ok(path.to_string_lossy().into_owned())
            })
            .collect()
    }

    pub(super) fn copy(&self, from: &Path, path: &str, mode: u32) -> Result<()> {
        let content =
            fs::read(from).with_context(|| format!("could not read {}", from.display()))?;
        self.write(path, &content, mode)
    }

    pub(super) fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<()> {
        let file = self.folder.join(path);
        let unwritable = || format!("could not write {}", file.display());
        let mut folder = self.folder.clone();
        for part in Path::new(path).parent().into_iter().flatten() {
            folder.push(part);
            fs::create_dir_all(&folder).with_context(unwritable)?;
            // Whatever the umask of this machine is.
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))
                .with_context(unwritable)?;
        }
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755))
            .with_context(unwritable)?;
        fs::write(&file, content).with_context(unwritable)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).with_context(unwritable)
    }
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
