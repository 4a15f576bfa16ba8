//! The package of Debian: the tree of the tarball, the file of variables as one that the
//! administrator owns, and scripts. `dpkg-deb` packs it: what else makes packages would only lay
//! out the tree once more.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::release::{Release, architecture};
use super::tree::Tree;
use crate::command::Command;
use crate::console::Step;

/// The scripts of the package.
const SCRIPTS: [&str; 3] = ["postinst", "postrm", "prerm"];

/// Makes it, where the machine has dpkg-deb.
pub(super) fn make(
    release: &Release,
    root: &Path,
    tree: &Tree,
    glibc: &str,
    step: &Step<'_>,
) -> Result<Option<PathBuf>> {
    if Command::new("dpkg-deb").arg("--version").text().is_err() {
        return Ok(None);
    }
    let variables = tree.folder.join("usr/share/ecoman/ecoman.env");
    tree.copy(&variables, "etc/ecoman/ecoman.env", 0o640)?;
    let files = tree.files()?;
    let sums = Command::new("md5sum")
        .args(files.iter().filter(|file| !file.starts_with("etc/")))
        .directory(&tree.folder)
        .text()?;
    for script in SCRIPTS {
        let from = root.join("deploy/package/debian").join(script);
        tree.copy(&from, &format!("DEBIAN/{script}"), 0o755)?;
    }
    tree.write("DEBIAN/md5sums", sums.as_bytes(), 0o644)?;
    tree.write("DEBIAN/conffiles", b"/etc/ecoman/ecoman.env\n", 0o644)?;
    let control = control(release, size(tree, &files)?, glibc)?;
    tree.write("DEBIAN/control", control.as_bytes(), 0o644)?;
    let name = format!("ecoman_{}_{}.deb", release.version, architecture()?);
    let file = release.folder.join(name);
    let mut command = Command::new("dpkg-deb")
        // One form of compression for each version of dpkg, so that all give the same bytes.
        .args(if release.is_draft {
            ["-Zgzip", "-z1"]
        } else {
            ["-Zxz", "-z6"]
        })
        .args(["--root-owner-group", "--build"])
        .arg(&tree.folder)
        .arg(&file)
        .env("SOURCE_DATE_EPOCH", &release.epoch);
    step.run(&mut command)?;
    Ok(Some(file))
}

/// What the files take, in KiB.
fn size(tree: &Tree, files: &[String]) -> Result<u64> {
    let mut bytes = 0;
    for file in files {
        let meta = fs::metadata(tree.folder.join(file));
        bytes += meta
            .with_context(|| format!("could not read {file}"))?
            .len();
    }
    Ok(bytes.div_ceil(1024))
}

fn control(release: &Release, size: u64, glibc: &str) -> Result<String> {
    let version = &release.version;
    let architecture = architecture()?;
    Ok(format!(
        "Package: ecoman\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The ECoMan developers <noreply@github.com>\n\
         Installed-Size: {size}\n\
         Depends: libc6 (>= {glibc}), libgcc-s1, openssh-client, passwd\n\
         Suggests: busybox-static, openssh-server\n\
         Section: admin\n\
         Priority: optional\n\
         Homepage: https://github.com/cdsl-research/ecoman\n\
         Description: virtual machines of standalone ESXi nodes in one table\n \
         A web page and a REST API over all virtual machines of standalone VMware ESXi\n \
         nodes: no vCenter, no agent, no API licence. Everything goes over SSH.\n"
    ))
}
