//! What the machine has already, and of which version.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Command;

/// The program's path, when PATH or the folders of system programs have it.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        // An ordinary user's PATH lacks these; sshd lives there.
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

pub(super) fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The first `1.2` in what a program says of its version: `v22.20.0`, `db version v6.0.5`.
pub(super) fn major_minor(said: &str) -> Option<(u32, u32)> {
    said.split(|c: char| c.is_whitespace() || c == 'v')
        .find_map(|word| {
            let mut parts = word.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
}

/// Whether `program --version` names exactly this version.
pub(super) fn has_version(program: &Path, version: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .text()
        .is_ok_and(|said| said.split_whitespace().any(|word| word == version))
}

/// The libraries that a program misses, as the loader names them.
pub(super) fn missing_libraries(program: &Path) -> Vec<String> {
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
}
