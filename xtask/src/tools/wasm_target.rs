//! The standard library for wasm32-unknown-unknown, which the page is compiled against.
//!
//! rustup has it for its toolchains. Where there is no rustup, or it cannot reach its server, the
//! library is built from the source of exactly the compiler's version, which Debian packages
//! (`rust-src`); apt checks its signature. Debian's lists and packages stay as they are: apt works
//! in a folder of our own.

use std::fs;
use std::io::Write as _;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::draft::remove;
use super::found::on_path;
use super::system;
use crate::command::Command;
use crate::console::Step;
use crate::context::Context;

const TARGET: &str = "wasm32-unknown-unknown";

/// Where rustup downloads from, and how long it is given to answer.
const RUSTUP_SERVER: &str = "static.rust-lang.org:443";
const RUSTUP_ANSWERS: Duration = Duration::from_secs(10);

/// How long rustup may take for its 20 MB.
const RUSTUP_LIMIT: Duration = Duration::from_secs(600);

/// Debian's suites with newer compilers, the ones of stable first.
const SUITES: [&str; 4] = ["trixie-backports", "forky", "testing", "unstable"];

/// Debian's mirror where the machine's own apt names none.
const MIRROR: &str = "http://deb.debian.org/debian";

/// The keys that sign Debian's archive.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Makes sure that the library is there once, and that nothing is left that was compiled against
/// another one.
pub(super) fn install(context: &Context) -> Result<()> {
    let library = library(context)?;
    if core_crates(&library).len() != 1 {
        install_to(context, &library)?;
    }
    forget_what_stands_on_another(context, &core_crates(&library).concat())
}

fn install_to(context: &Context, library: &Path) -> Result<()> {
    let copies = core_crates(library).len();
    context
        .console
        .step("wasm target", &format!("installing {TARGET}"), |step| {
            if copies > 1 {
                step.say(format!(
                "  {} holds {copies} versions of it, which the compiler refuses; starting afresh",
                library.display()
            ));
            }
            if by_rustup(context, step, copies > 1)? && core_crates(library).len() == 1 {
                return Ok(());
            }
            build(context, step, library)?;
            match core_crates(library).len() {
                1 => Ok(()),
                other => bail!(
                    "{} holds {other} versions of core, not one",
                    library.display()
                ),
            }
        })
}

/// The folder of the library in the toolchain.
fn library(context: &Context) -> Result<PathBuf> {
    let said = rustc(context)
        .args(["--print", "target-libdir", "--target", TARGET])
        .text()?;
    Ok(PathBuf::from(said.trim()))
}

/// The compiler that this project is built with.
fn rustc(context: &Context) -> Command {
    Command::new("rustc").directory(&context.root)
}

/// The file names of the library's innermost crate, which distinguish its builds. Two
/// make the compiler fail with E0464.
fn core_crates(library: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(library) else {
        return Vec::new();
    };
    files
        .flatten()
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("libcore-") && name.ends_with(".rlib"))
        .collect()
}

/// Deletes what cargo has compiled for the target against another build of the library: cargo
/// cannot know, and the compiler fails with E0460 or E0463.
fn forget_what_stands_on_another(context: &Context, core_crate: &str) -> Result<()> {
    let compiled = context.target.join(TARGET);
    let stamp = compiled.join(".standard-library");
    if fs::read_to_string(&stamp).is_ok_and(|known| known == core_crate) {
        return Ok(());
    }
    remove(&compiled)?;
    fs::create_dir_all(&compiled)
        .with_context(|| format!("could not create {}", compiled.display()))?;
    fs::write(&stamp, core_crate).with_context(|| format!("could not write {}", stamp.display()))
}

/// Tries rustup. `false`: it is not there or cannot do it.
fn by_rustup(context: &Context, step: &Step<'_>, afresh: bool) -> Result<bool> {
    if on_path("rustup").is_none() || !can_reach_rustup() {
        step.say("  wasm target: no rustup, or it cannot reach its server; building from source");
        return Ok(false);
    }
    let rustup = |what| {
        Command::new("rustup")
            .args(["target", what, TARGET])
            .directory(&context.root)
            .limit(RUSTUP_LIMIT)
    };
    if afresh {
        // Otherwise it takes its own records for the truth and installs nothing. That there is
        // no such record is no fault.
        let _ = step.run(&mut rustup("remove"));
        empty(&library(context)?)?;
    }
    match step.run(&mut rustup("add")) {
        Ok(_) => Ok(true),
        Err(error) => {
            step.say(format!("  wasm target: {error}; building from source"));
            Ok(false)
        }
    }
}

/// Whether it is worth trying. Behind a proxy only rustup itself knows.
fn can_reach_rustup() -> bool {
    let has_proxy = [
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "RUSTUP_DIST_SERVER",
    ]
    .iter()
    .any(|name| std::env::var_os(name).is_some());
    has_proxy
        || RUSTUP_SERVER
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .is_some_and(|address| TcpStream::connect_timeout(&address, RUSTUP_ANSWERS).is_ok())
}

/// Builds the library from source and puts it into the toolchain.
fn build(context: &Context, step: &Step<'_>, library: &Path) -> Result<()> {
    let work = context.tools.join("build").join("wasm-target");
    remove(&work)?;
    fs::create_dir_all(work.join("src"))
        .with_context(|| format!("could not create {}", work.display()))?;
    let source = source(context, step, &work)?;

    // An empty crate: what it is built against is what we want.
    fs::write(work.join("src/lib.rs"), "#![no_std]\n")?;
    fs::write(
        work.join("Cargo.toml"),
        "[package]\nname = \"stdbuild\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
    )?;
    step.say("  wasm target: building the standard library (about 1 min)");
    step.run(
        &mut Command::cargo()
            .args(["build", "--release", "--target", TARGET])
            .arg("-Zbuild-std=core,alloc,std,panic_abort,proc_macro,test")
            .directory(&work)
            // Stable cargo builds std only so; the pinned version of the toolchain makes it sound.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", &source)
            .env("CARGO_TARGET_DIR", work.join("target"))
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
            // Without it, link-time optimisation of the page fails at its last step.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
    )?;

    let built = work.join("target").join(TARGET).join("release/deps");
    let fresh = work.join("lib");
    fs::create_dir(&fresh)?;
    for file in fs::read_dir(&built)? {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libstdbuild-") {
            fs::copy(file.path(), fresh.join(&*name))?;
        }
    }
    if core_crates(&fresh).len() != 1 {
        bail!("the build in {} made no complete library", built.display());
    }
    put(context, &fresh, library)?;
    remove(&work)
}

/// Copies the finished library into the toolchain.
fn put(context: &Context, fresh: &Path, library: &Path) -> Result<()> {
    if is_writable(library) {
        empty(library)?;
        for file in fs::read_dir(fresh)? {
            let file = file?;
            fs::copy(file.path(), library.join(file.file_name()))
                .with_context(|| format!("could not write to {}", library.display()))?;
        }
        return Ok(());
    }
    let parent = library
        .parent()
        .context("the toolchain has no folder for the target")?;
    let commands = [
        system::as_root("rm").arg("-rf").arg(library),
        system::as_root("mkdir").arg("-p").arg(parent),
        system::as_root("cp").arg("-r").arg(fresh).arg(library),
    ];
    system::agree(context, "The Rust toolchain belongs to root.", &commands)?;
    context
        .console
        .step("toolchain", "putting the wasm target into it", |step| {
            for mut command in commands {
                step.run(&mut command)?;
            }
            Ok(())
        })
}

fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(".probe");
    let writable = fs::create_dir_all(folder).is_ok() && fs::write(&probe, "").is_ok();
    writable && fs::remove_file(&probe).is_ok()
}

fn empty(folder: &Path) -> Result<()> {
    remove(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))
}

/// The folder `library` of Rust's source, of exactly the compiler's version.
fn source(context: &Context, step: &Step<'_>, work: &Path) -> Result<PathBuf> {
    let said = rustc(context).arg("--version").text()?;
    let version = release(&said).with_context(|| format!("`rustc --version` says {said:?}"))?;
    let sysroot = rustc(context).args(["--print", "sysroot"]).text()?;
    let in_toolchain = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    let installed = Path::new("/").join(packaged(version));
    for library in [in_toolchain, installed] {
        if library.join("core").is_dir() {
            return Ok(library);
        }
    }
    let unpacked = from_debian(step, work, version).with_context(|| {
        format!(
            "the wasm target could neither be installed by rustup nor built from Debian's \
             rust-src {version}; get a network that reaches {RUSTUP_SERVER} and run `rustup target \
             add {TARGET}`"
        )
    })?;
    Ok(unpacked.join(packaged(version)))
}

/// Where Debian's package has the folder, from `/`. Another one of the name lies deeper among the
/// tests.
fn packaged(version: &str) -> PathBuf {
    PathBuf::from(format!("usr/src/rustc-{version}/library"))
}

/// Downloads and unpacks Debian's `rust-src`; returns the folder that stands for `/`.
fn from_debian(step: &Step<'_>, work: &Path, version: &str) -> Result<PathBuf> {
    if on_path("apt-get").is_none() || on_path("dpkg-deb").is_none() {
        bail!("this machine has no apt-get");
    }
    let known = Command::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
        ])
        .text()
        .unwrap_or_default();
    let keyring = keyring(step, work)?;
    for mirror in mirrors(&known) {
        for suite in SUITES {
            let apt = work.join("apt");
            let config = private_apt(&apt, &keyring, &mirror, suite)?;
            let apt_get = || {
                Command::new("apt-get")
                    .env("APT_CONFIG", &config)
                    .directory(&apt)
            };
            if let Err(error) = step.run(&mut apt_get().arg("update")) {
                step.say(format!("  wasm target: {mirror} {suite}: {error}"));
                continue;
            }
            let offered = Command::new("apt-cache")
                .args(["madison", "rust-src"])
                .env("APT_CONFIG", &config)
                .text()?;
            let Some(package) = matching(&offered, version) else {
                continue;
            };
            step.say(format!(
                "  wasm target: rust-src {package} of Debian's {suite}"
            ));
            step.run(&mut apt_get().arg("download").arg(format!("rust-src={package}")))?;
            let root = work.join("rust-src");
            unpack(step, &apt, &packaged(version), &root)?;
            return Ok(root);
        }
    }
    bail!("no suite of Debian ({}) has it", SUITES.join(", "))
}

/// Unpacks `what` of the only package in a folder, without installing it.
fn unpack(step: &Step<'_>, folder: &Path, what: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into).with_context(|| format!("could not create {}", into.display()))?;
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            // The package of Rust's source has 60,000 files more than we need.
            step.run(
                &mut Command::new("bash")
                    .args(["-o", "pipefail", "-c"])
                    .arg(r#"dpkg-deb --fsys-tarfile "$1" | tar --extract --directory "$2" "./$3""#)
                    .args([
                        "unpack".as_ref(),
                        file.as_os_str(),
                        into.as_os_str(),
                        what.as_os_str(),
                    ]),
            )?;
            return Ok(());
        }
    }
    bail!("apt downloaded no package to {}", folder.display())
}

/// Debian's keys: the machine's, or, on Ubuntu, those which Ubuntu packages and signs.
fn keyring(step: &Step<'_>, work: &Path) -> Result<PathBuf> {
    if Path::new(KEYRING).exists() {
        return Ok(PathBuf::from(KEYRING));
    }
    let folder = work.join("keyring");
    fs::create_dir_all(&folder)?;
    step.run(
        &mut Command::new("apt-get")
            .args(["download", "debian-archive-keyring"])
            .directory(&folder),
    )?;
    let keyring = Path::new(KEYRING.trim_start_matches('/'));
    unpack(step, &folder, keyring, &folder)?;
    Ok(folder.join(keyring))
}

/// Makes apt's configuration for one suite, with lists, cache and status of its own. Returns the
/// configuration file.
fn private_apt(folder: &Path, keyring: &Path, mirror: &str, suite: &str) -> Result<PathBuf> {
    remove(folder)?;
    for part in [
        "state/lists/partial",
        "cache/archives/partial",
        "etc/apt.conf.d",
        "etc/preferences.d",
    ] {
        fs::create_dir_all(folder.join(part))?;
    }
    fs::write(folder.join("status"), "")?;
    fs::write(
        folder.join("etc/sources.list"),
        format!(
            "deb [signed-by={}] {mirror} {suite} main\n",
            keyring.display()
        ),
    )?;
    let config = folder.join("apt.conf");
    let mut file = fs::File::create(&config)?;
    let at = folder.display();
    writeln!(file, "Dir::Etc \"{at}/etc\";")?;
    writeln!(file, "Dir::State \"{at}/state\";")?;
    writeln!(file, "Dir::State::status \"{at}/status\";")?;
    writeln!(file, "Dir::Cache \"{at}/cache\";")?;
    writeln!(file, "Acquire::Languages \"none\";")?;
    writeln!(file, "Acquire::Retries \"3\";")?;
    // When root runs apt it works as the user _apt, who cannot write to root's cache.
    writeln!(file, "APT::Sandbox::User \"root\";")?;
    Ok(config)
}

/// Debian's mirrors among the machine's own sources, then the one that everybody has.
fn mirrors(known: &str) -> Vec<String> {
    let mut mirrors = Vec::new();
    for uri in known.lines().chain([MIRROR]) {
        let uri = uri.trim().trim_end_matches('/');
        let is_debian = uri.ends_with("/debian") && !uri.starts_with("cdrom:");
        if is_debian && !mirrors.iter().any(|mirror| mirror == uri) {
            mirrors.push(uri.to_owned());
        }
    }
    mirrors
}

/// The package version for a release of Rust in the answer of `apt-cache madison`.
fn matching<'a>(offered: &'a str, version: &str) -> Option<&'a str> {
    offered
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|package| {
            // 1.95.0+dfsg1-2: the part before Debian's own.
            package.split(['+', '-', '~']).next() == Some(version)
        })
}

/// `rustc 1.95.0 (59807616e 2026-04-14)` → `1.95.0`.
fn release(said: &str) -> Option<&str> {
    said.split_whitespace().nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_of_the_library_are_counted_by_their_builds() {
        let folder =
            std::env::temp_dir().join(format!("xtask-libcore-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["libcore-1a.rlib", "libcore-1a.rmeta", "liballoc-1a.rlib"] {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(core_crates(&folder), ["libcore-1a.rlib"]);
        fs::write(folder.join("libcore-2b.rlib"), "").unwrap();
        assert_eq!(core_crates(&folder).len(), 2);
        fs::remove_dir_all(&folder).unwrap();
        assert!(core_crates(&folder).is_empty());
    }

    #[test]
    fn the_release_is_read_from_what_the_compiler_says() {
        assert_eq!(
            release("rustc 1.95.0 (59807616e 2026-04-14)\n"),
            Some("1.95.0")
        );
        assert_eq!(release(""), None);
    }

    #[test]
    fn the_package_of_exactly_the_compilers_release_is_taken() {
        let offered = "\
  rust-src | 1.96.1+dfsg1-2~bpo13+1 | http://deb.debian.org/debian trixie-backports/main amd64
  rust-src | 1.95.0+dfsg1-2~bpo13+1 | http://deb.debian.org/debian trixie-backports/main amd64
  rust-src | 1.95.1+dfsg1-1 | http://deb.debian.org/debian trixie-backports/main amd64
";
        assert_eq!(matching(offered, "1.95.0"), Some("1.95.0+dfsg1-2~bpo13+1"));
        assert_eq!(matching(offered, "1.95"), None);
        assert_eq!(matching("", "1.95.0"), None);
    }

    #[test]
    fn the_machines_own_mirror_of_debian_comes_first() {
        let known = "http://ftp.de.debian.org/debian/\nhttp://deb.debian.org/debian-security/\n\
                     http://ftp.de.debian.org/debian/\nhttps://deb.nodesource.com/node_20.x/\n";
        assert_eq!(mirrors(known), ["http://ftp.de.debian.org/debian", MIRROR]);
        assert_eq!(mirrors("http://archive.ubuntu.com/ubuntu/\n"), [MIRROR]);
    }
}
