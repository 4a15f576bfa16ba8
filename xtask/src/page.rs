//! The page: built by trunk from frontend/ into dist/.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::Context;
use crate::command::Command;
use crate::console::Step;
use crate::tools::Environment;

/// How long a build may take where nobody watches.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What rustc lets WebAssembly use by default, and every browser has. The part that comes later does
/// not say it of itself.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Compresses each file of dist/ beside itself, as strongly as can be: the dashboard serves these.
const COMPRESS: &str = r"
const fs = require('node:fs'), path = require('node:path'), zlib = require('node:zlib');
for (const entry of fs.readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name);
  if (!entry.isFile() || /\.(br|gz)$/.test(file)) continue;
  const bytes = fs.readFileSync(file);
  const params = { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  fs.writeFileSync(file + '.br', zlib.brotliCompressSync(bytes, { params }));
  fs.writeFileSync(file + '.gz', zlib.gzipSync(bytes, { level: 9 }));
}
";

/// Builds the page in a hurry: for the demo and the tests. Larger than the one that users get,
/// and as quick to use.
///
/// # Errors
///
/// The build failed.
pub(crate) fn build_quick(context: &Context, environment: &Environment) -> Result<()> {
    context
        .console
        .step("page", "compiling frontend/ to WebAssembly", |step| {
            step.run(&mut trunk(context, environment).args(["--cargo-profile", "page-quick"]))?;
            Ok(())
        })
}

/// Builds the page as users get it: small, what the first visit needs apart from what comes later,
/// and compressed beforehand.
///
/// # Errors
///
/// The build failed.
pub(crate) fn build_release(context: &Context, environment: &Environment) -> Result<()> {
    context.console.step(
        "page",
        "compiling frontend/ to WebAssembly, small",
        |step| {
            // Without --release trunk leaves wasm-opt out: `split` has it in its place. The
            // profile is that of Trunk.toml all the same.
            step.run(&mut trunk(context, environment).args(["--features", "split"]))?;
            split(context, environment, step)?;
            step.run(
                &mut Command::new("node")
                    .args(["-e", COMPRESS])
                    .directory(&context.root)
                    .envs(&environment.variables()),
            )?;
            Ok(())
        },
    )
}

/// Puts the page's program in the place of the one that trunk has built, in two parts: the code
/// that pages beside the list need is a file of its own (see frontend/src/pages/later.rs).
fn split(context: &Context, environment: &Environment, step: &Step<'_>) -> Result<()> {
    let work = context.target.join("xtask/split");
    // What an earlier run left; that there is nothing is as well.
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).with_context(|| format!("could not make {}", work.display()))?;
    let command = |program: &str| {
        Command::new(program)
            .directory(&work)
            .envs(&environment.variables())
            .limit(LIMIT)
    };
    let linked = context
        .target
        .join("wasm32-unknown-unknown/page/ecoman-frontend.wasm");
    step.run(
        &mut command("wasm-split-cli")
            .args(["--target", "web", "--out-name", "ecoman-frontend"])
            .args([&linked, &work]),
    )?;
    step.run(
        &mut command("wasm-bindgen")
            .args(["--target", "web", "--no-typescript", "--out-dir", "bound"])
            // The later part shares memory and table with the first.
            .arg("--keep-lld-exports")
            .args(["--out-name", "ecoman-frontend", "ecoman-frontend.wasm"]),
    )?;
    let parameters = optimisation(context)?;
    for (from, to) in [
        ("bound/ecoman-frontend_bg.wasm", "first.wasm"),
        ("split_later.wasm", "later.wasm"),
    ] {
        step.run(
            &mut command("wasm-opt")
                .args(WASM_FEATURES)
                .args(parameters.split_whitespace())
                .args([from, "--output", to]),
        )?;
    }
    install(&work, &context.root.join("dist"))
}

/// What is wasm-opt told of the page: the same as trunk tells it.
fn optimisation(context: &Context) -> Result<String> {
    let index = read_text(&context.root.join("frontend/index.html"))?;
    let parameters = index
        .split_once("data-wasm-opt-params=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .context("frontend/index.html has no data-wasm-opt-params")?;
    Ok(parameters.0.to_owned())
}

/// Moves the parts from `work` to `dist`. They belong together, so that one hash of all is in
/// their names.
fn install(work: &Path, dist: &Path) -> Result<()> {
    let first = read(&work.join("first.wasm"))?;
    let later = read(&work.join("later.wasm"))?;
    let bridge = read_text(&work.join("bound/ecoman-frontend.js"))?;
    let loader = read_text(&work.join("__wasm_split.js"))?;
    let mut hasher = DefaultHasher::new();
    for part in [&first, &later, bridge.as_bytes(), loader.as_bytes()] {
        hasher.write(part);
    }
    let hash = format!("{:016x}", hasher.finish());

    let index_file = dist.join("index.html");
    let index = read_text(&index_file)?;
    let unsplit = index
        .split_once("/ecoman-frontend-")
        .and_then(|(_, rest)| rest.split_once(".js"))
        .map(|(hash, _)| hash)
        .context("dist/index.html does not name the page's program")?;
    for file in files(dist)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("ecoman-frontend-{unsplit}")) {
            fs::remove_file(&file)
                .with_context(|| format!("could not remove {}", file.display()))?;
        }
    }
    let own = format!("ecoman-frontend-{hash}");
    let index = replaced(&index, &format!("ecoman-frontend-{unsplit}"), &own)?;
    // The WASM itself goes on calling the loader by the name that it was linked with.
    let bridge = replaced(
        &bridge,
        "from \"./__wasm_split.js\"",
        &format!("from \"./later-{hash}.js\""),
    )?;
    let loader = replaced(&loader, "./ecoman-frontend.js", &format!("./{own}.js"))?;
    let loader = replaced(
        &loader,
        "./split_later.wasm",
        &format!("./later-{hash}.wasm"),
    )?;
    for (name, content) in [
        (format!("{own}_bg.wasm"), first.as_slice()),
        (format!("{own}.js"), bridge.as_bytes()),
        (format!("later-{hash}.wasm"), &later),
        (format!("later-{hash}.js"), loader.as_bytes()),
        (String::from("index.html"), index.as_bytes()),
    ] {
        let file = dist.join(name);
        fs::write(&file, content).with_context(|| format!("could not write {}", file.display()))?;
    }
    Ok(())
}

fn replaced(text: &str, from: &str, to: &str) -> Result<String> {
    ensure!(
        text.contains(from),
        "the page's program does not name {from}"
    );
    Ok(text.replace(from, to))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let files: std::io::Result<_> = list();
    files.with_context(|| format!("could not read {}", folder.display()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("could not read {}", file.display()))
}

fn read_text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}

fn trunk(context: &Context, environment: &Environment) -> Command {
    Command::new("trunk")
        .arg("build")
        .directory(&context.root)
        .envs(&environment.variables())
        // trunk takes `1`, which others set, for no value of its option.
        .env_remove("NO_COLOR")
        // trunk's own call stack tells nobody why the page does not compile.
        .env_remove("RUST_BACKTRACE")
        .limit(LIMIT)
}
