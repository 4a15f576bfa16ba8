//! The root directory of a node: what the remote shell sees.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::SimulatorError;

/// The program that `build.rs` has compiled from `tools/`.
const TOOLS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/esxi-tools"));

/// What a host's busybox is called by. A host has neither `bash`, `tr`, `xxd`, `realpath`,
/// `column`, `getopt` nor `flock`.
const APPLETS: &[&str] = &[
    "[",
    "[[",
    "ash",
    "awk",
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "clear",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "find",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "hexdump",
    "hostname",
    "id",
    "kill",
    "less",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "more",
    "mv",
    "nohup",
    "od",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "setsid",
    "sh",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sleep",
    "sort",
    "stat",
    "sum",
    "sync",
    "tail",
    "tar",
    "tee",
    "test",
    "time",
    "timeout",
    "touch",
    "true",
    "truncate",
    "uname",
    "uniq",
    "usleep",
    "vi",
    "wc",
    "wget",
    "which",
    "who",
    "whoami",
    "xargs",
    "yes",
    "zcat",
];

/// The simulated tools with the folders that a host has them in.
const SIMULATED: [(&str, &str); 11] = [
    ("bin", "vim-cmd"),
    ("bin", "vmware"),
    ("bin", "date"),
    ("bin", "find"),
    ("bin", "mkdir"),
    ("bin", "sh"),
    ("bin", "stat"),
    ("sbin", "esxcli"),
    ("sbin", "vmkfstools"),
    ("usr/lib/vmware/osfs/bin", "osfs-mkdir"),
    ("usr/lib/vmware/osfs/bin", "osfs-rmdir"),
];

/// Device files: name, major and minor number.
const DEVICES: [(&str, u64, u64); 3] = [("null", 1, 3), ("zero", 1, 5), ("urandom", 1, 9)];

/// Writes the program that runs on the node's side, and returns its path.
pub(crate) fn write_tools(directory: &Path) -> Result<PathBuf, SimulatorError> {
    let path = directory.join("esxi-tools");
    let written = fs::write(&path, TOOLS)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
    match written {
        Ok(()) => Ok(path),
        Err(source) => Err(SimulatorError::Files { path, source }),
    }
}

/// The name of a node's Python, under which the tools start the real one.
pub(crate) fn add_python(root: &Path, tools: &Path) -> Result<(), SimulatorError> {
    let path = root.join("bin/python3");
    fs::hard_link(tools, &path).map_err(|source| SimulatorError::Files { path, source })
}

/// Makes the root directory. `devices`: whether device files are made, which only root can do;
/// else they are mounted when the chroot is entered.
pub(crate) fn make(
    root: &Path,
    tools: &Path,
    busybox: &Path,
    name: &str,
    devices: bool,
) -> Result<(), SimulatorError> {
    make_files(root, tools, busybox, name).map_err(|source| SimulatorError::Files {
        path: root.to_owned(),
        source,
    })?;
    if devices {
        for (device, major, minor) in DEVICES {
            let path = root.join("dev").join(device);
            let mode = Mode::from_bits_truncate(0o666);
            mknod(&path, SFlag::S_IFCHR, mode, makedev(major, minor)).map_err(|source| {
                SimulatorError::Device {
                    device,
                    path: path.clone(),
                    source,
                }
            })?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666))
                .map_err(|source| SimulatorError::Files { path, source })?;
        }
    }
    Ok(())
}

fn make_files(root: &Path, tools: &Path, busybox: &Path, name: &str) -> io::Result<()> {
    for folder in [
        "bin",
        "sbin",
        "dev",
        "etc",
        "tmp",
        "usr/bin",
        "usr/sbin",
        "usr/lib/vmware/osfs/bin",
        "var/run",
        "var/log",
        "vmfs/volumes",
    ] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::write(root.join("etc/hostname"), format!("{name}\n"))?;
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0:Administrator:/:/bin/sh\n",
    )?;
    fs::write(root.join("etc/group"), "root:x:0:root\n")?;

    fs::copy(busybox, root.join("bin/busybox"))?;
    for library in shared_libraries([busybox])? {
        let inside = root.join(library.strip_prefix("/").unwrap_or(&library));
        if let Some(folder) = inside.parent() {
            fs::create_dir_all(folder)?;
        }
        if library != busybox {
            fs::copy(&library, inside)?;
        }
    }
    for applet in APPLETS {
        let link = root.join("bin").join(applet);
        if !SIMULATED.contains(&("bin", applet)) {
            symlink("busybox", link)?;
        }
    }
    for (folder, tool) in SIMULATED {
        fs::hard_link(tools, root.join(folder).join(tool))?;
    }
    Ok(())
}

/// The libraries of programs that are not linked statically, with the dynamic linker.
pub(crate) fn shared_libraries<'p>(
    programs: impl IntoIterator<Item = &'p Path>,
) -> io::Result<Vec<PathBuf>> {
    let listing = Command::new("ldd").args(programs).output();
    let listing = match listing {
        Ok(listing) => listing,
        // Without `ldd` a static program is the only one that can be used anyway.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&listing.stdout);
    let words = text.split_whitespace();
    Ok(words
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
        .map(PathBuf::from)
        .filter(|path| path.is_file())
        .collect())
}
