//! The oldest glibc that a program runs with.

use anyhow::{Context as _, Result};

/// The greatest version among the symbols that the program takes from glibc (`GLIBC_2.34`).
///
/// # Errors
///
/// It takes none, so that it is no program for glibc.
pub(crate) fn needed(program: &[u8]) -> Result<String> {
    const MARK: &[u8] = b"\0GLIBC_";
    program
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| *window == MARK)
        .filter_map(|(at, _)| {
            let rest = program.get(at + MARK.len()..)?;
            let version = rest.split(|&byte| byte == 0).next()?;
            let version = std::str::from_utf8(version.get(..12.min(version.len()))?).ok()?;
            let parts: Option<Vec<u32>> =
                version.split('.').map(|part| part.parse().ok()).collect();
            Some((parts?, version.to_owned()))
        })
        .max()
        .map(|(_, version)| version)
        .context("the program takes nothing from glibc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_version_counts_as_numbers() {
        let program = b"x\0GLIBC_2.9\0y\0GLIBC_2.34\0GLIBC_2.4\0GLIBC_PRIVATE\0GLIBC_2.3.4\0";
        assert_eq!(needed(program).unwrap(), "2.34");
        assert!(needed(b"a static one").is_err());
    }
}
