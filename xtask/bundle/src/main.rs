//! The page's files, made of the frontend that cargo has compiled: the bridge between WebAssembly and
//! JavaScript, names that hold a hash of the content, an index that names them. The same as `trunk
//! build` makes, which takes minutes to install.
//!
//! `ecoman-bundle LINKED FRONTEND DIST [small]`: the WebAssembly as it was linked, the folder with
//! index.html, the folder for the result. `small` takes what the first visit does not need into
//! files of their own, has `wasm-opt` and `esbuild` make all of them small, and compresses each
//! beside itself, as strongly as can be; it is there with the feature `small`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};
use wasm_bindgen_cli_support::Bindgen;

/// The stem of the program's files.
const PROGRAM: &str = "ecoman-frontend";

/// The script with which wasm-split fetches the parts. The program is linked with this name.
const LOADER: &str = "__wasm_split.js";

/// What rustc lets WebAssembly use by default, and every browser has. The parts that come later do
/// not name it themselves.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Files of the page: names and contents.
type Files = BTreeMap<String, Vec<u8>>;

fn main() -> Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (folders, small) = match args.as_slice() {
        [folders @ .., last] if last == "small" => (folders, true),
        folders => (folders, false),
    };
    let [linked, frontend, dist] = folders else {
        bail!("usage: ecoman-bundle LINKED FRONTEND DIST [small]");
    };
    bundle(
        Path::new(linked),
        Path::new(frontend),
        Path::new(dist),
        small,
    )
}

fn bundle(linked: &Path, frontend: &Path, dist: &Path, small: bool) -> Result<()> {
    let template = read_text(&frontend.join("index.html"))?;
    // Beside what cargo has built.
    let work = linked.with_extension("bundle");
    let made_of = work.join("made-of");
    let fingerprint = || fingerprint(linked, frontend, dist, small);
    if fs::read_to_string(&made_of).is_ok_and(|known| fingerprint().is_ok_and(|now| now == known)) {
        return Ok(());
    }
    let _absent_is_fine = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).with_context(|| format!("could not create {}", work.display()))?;

    let program = if small {
        let parts = split(linked, &work)?;
        bind(&work.join(format!("{PROGRAM}.wasm")), &work, true)?;
        let first = work.join(format!("{PROGRAM}_bg.wasm"));
        let options = attribute(&template, "data-wasm-opt-params")
            .context("index.html has no data-wasm-opt-params")?;
        optimise(parts.iter().chain([&first]), options)?;
        program(&work, &parts)?
    } else {
        bind(linked, &work, false)?;
        program(&work, &[])?
    };
    let mut files = program.files;
    let index = index(&template, frontend, &program.hash, small, &mut files)?;
    if small {
        compress(&mut files, &index)?;
    }
    install(&files, &index, dist)?;
    fs::write(&made_of, fingerprint()?)
        .with_context(|| format!("could not write {}", made_of.display()))
}

/// Says whether there is anything to do: a hash of all that the page is made of, of the index that
/// names its files, and of this program.
fn fingerprint(linked: &Path, frontend: &Path, dist: &Path, small: bool) -> Result<String> {
    let this = std::env::current_exe().context("could not find this program")?;
    let mut files = vec![linked.to_owned(), dist.join("index.html"), this];
    for entry in fs::read_dir(frontend)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(&read(&file)?);
    }
    Ok(format!("{:016x} {small}", hasher.finish()))
}

/// Takes out what is called through `later!` (frontend/src/later.rs). Returns the files of the parts.
#[cfg(feature = "small")]
fn split(linked: &Path, work: &Path) -> Result<Vec<PathBuf>> {
    let wasm = read(linked)?;
    let first = work.join(format!("{PROGRAM}.wasm"));
    let bridge = format!("./{PROGRAM}.js");
    let mut options = wasm_split_cli_support::Options::new(&wasm);
    options.output_dir = work;
    options.main_out_path = &first;
    options.main_module = &bridge;
    options.target.web();
    let parts = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow::anyhow!("could not split the page's program: {error:#}"))?;
    Ok(parts.split_modules)
}

#[cfg(not(feature = "small"))]
fn split(_: &Path, _: &Path) -> Result<Vec<PathBuf>> {
    bail!("it was built without the feature `small`")
}

/// Makes the bridge to JavaScript. `shared`: other parts use memory and table of this one.
fn bind(wasm: &Path, work: &Path, shared: bool) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .keep_lld_exports(shared)
        .out_name(PROGRAM)
        .generate(work)
        .context("could not make the bridge to JavaScript")
}

/// Makes files smaller, all at the same time.
fn optimise<'a>(files: impl Iterator<Item = &'a PathBuf>, options: &str) -> Result<()> {
    let mut running = Vec::new();
    for file in files {
        let child = Command::new("wasm-opt")
            .args(WASM_FEATURES)
            .args(options.split_whitespace())
            .arg(file)
            .arg("--output")
            .arg(file)
            .spawn()
            .context("could not start wasm-opt")?;
        running.push((file, child));
    }
    for (file, mut child) in running {
        let status = child.wait()?;
        ensure!(
            status.success(),
            "wasm-opt failed on {}: {status}",
            file.display()
        );
    }
    Ok(())
}

/// The page's program under its final names.
struct Program {
    files: Files,
    hash: String,
}

/// The same script or style sheet in fewer characters.
fn minify(text: &str, loader: &str) -> Result<String> {
    let mut child = Command::new("esbuild")
        .args(["--minify", "--log-level=error", "--charset=utf8"])
        .arg(format!("--loader={loader}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start esbuild")?;
    // It reads all before it writes.
    let mut input = child.stdin.take().context("esbuild takes no input")?;
    input
        .write_all(text.as_bytes())
        .context("esbuild did not read its input")?;
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "esbuild failed on a file of the kind {loader}: {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Adds each file compressed, as browsers ask for it: by Brotli, and by gzip for plain HTTP.
#[cfg(feature = "small")]
fn compress(files: &mut Files, index: &str) -> Result<()> {
    let index = ("index.html", index.as_bytes());
    let contents: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .chain([index])
        .collect();
    let compressed = std::thread::scope(|scope| {
        let running: Vec<_> = contents
            .into_iter()
            .map(|(name, content)| (name.to_owned(), scope.spawn(|| both(content))))
            .collect();
        running
            .into_iter()
            .map(|(name, thread)| {
                let both = thread.join().map_err(|_| anyhow::anyhow!("it panicked"));
                let both = both.flatten();
                Ok((
                    both.with_context(|| format!("could not compress {name}"))?,
                    name,
                ))
            })
            .collect::<Result<Vec<_>>>()
    })?;
    for ((brotli, gzip), name) in compressed {
        files.insert(format!("{name}.br"), brotli);
        files.insert(format!("{name}.gz"), gzip);
    }
    Ok(())
}

#[cfg(feature = "small")]
fn both(content: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let parameters = brotli::enc::BrotliEncoderParams {
        size_hint: content.len(),
        ..Default::default()
    };
    let mut brotli = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut brotli, &parameters)?;
    let mut gzip = Vec::new();
    let options = zopfli::Options::default();
    zopfli::compress(options, zopfli::Format::Gzip, content, &mut gzip)?;
    Ok((brotli, gzip))
}

#[cfg(not(feature = "small"))]
fn compress(_: &mut Files, _: &str) -> Result<()> {
    bail!("it was built without the feature `small`")
}

/// The files of the program in `work`. They belong together, so that one hash of all is in their names.
fn program(work: &Path, parts: &[PathBuf]) -> Result<Program> {
    ensure!(
        !work.join("snippets").exists(),
        "a crate brings JavaScript of its own, which is not installed"
    );
    let wasm = read(&work.join(format!("{PROGRAM}_bg.wasm")))?;
    let mut bridge = read_text(&work.join(format!("{PROGRAM}.js")))?;
    let mut loader = match parts {
        [] => String::new(),
        _ => read_text(&work.join(LOADER))?,
    };
    if !parts.is_empty() {
        bridge = minify(&bridge, "js")?;
        loader = minify(&loader, "js")?;
    }
    let parts: Vec<(String, Vec<u8>)> = parts
        .iter()
        .map(|file| {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            Ok((stem.into_owned(), read(file)?))
        })
        .collect::<Result<_>>()?;

    let mut hasher = DefaultHasher::new();
    for content in [wasm.as_slice(), bridge.as_bytes(), loader.as_bytes()] {
        hasher.write(content);
    }
    for (_, content) in &parts {
        hasher.write(content);
    }
    let hash = format!("{:016x}", hasher.finish());
    let name = |stem: &str, end: &str| format!("{stem}-{hash}{end}");

    let mut files = Files::new();
    if !parts.is_empty() {
        // The program itself goes on calling the loader by the name that it was linked with.
        let loader_name = name("parts", ".js");
        bridge = replaced(
            &bridge,
            &format!("from\"./{LOADER}\""),
            &format!("from\"./{loader_name}\""),
        )?;
        loader = replaced(
            &loader,
            &format!("./{PROGRAM}.js"),
            &format!("./{}", name(PROGRAM, ".js")),
        )?;
        for (stem, content) in parts {
            let short = stem.strip_prefix("split_").unwrap_or(&stem);
            let part = name(short, ".wasm");
            loader = replaced(&loader, &format!("./{stem}.wasm"), &format!("./{part}"))?;
            ensure!(
                files.insert(part, content).is_none(),
                "two parts are named {short}"
            );
        }
        files.insert(loader_name, loader.into_bytes());
    }
    files.insert(name(PROGRAM, "_bg.wasm"), wasm);
    files.insert(name(PROGRAM, ".js"), bridge.into_bytes());
    Ok(Program { files, hash })
}

/// The index, with each element marked `data-trunk` naming its file as it is installed. Adds those
/// files.
fn index(
    template: &str,
    frontend: &Path,
    hash: &str,
    small: bool,
    files: &mut Files,
) -> Result<String> {
    let script = format!("/{PROGRAM}-{hash}.js");
    let wasm = format!("/{PROGRAM}-{hash}_bg.wasm");
    let mut index = String::new();
    for line in template.lines() {
        let kind = attribute(line, "rel");
        if !line.contains(" data-trunk ") {
            index.push_str(line);
        } else if kind == Some("rust") {
            index.push_str(&format!(
                "    <link rel=\"modulepreload\" href=\"{script}\" crossorigin=\"anonymous\">\n    \
                 <link rel=\"preload\" href=\"{wasm}\" crossorigin=\"anonymous\" as=\"fetch\" \
                 type=\"application/wasm\">\n    \
                 <script type=\"module\">\n\
                 import init from '{script}';\n\
                 await init({{ module_or_path: '{wasm}' }});\n    \
                 </script>"
            ));
        } else {
            let source = attribute(line, "href")
                .or_else(|| attribute(line, "src"))
                .with_context(|| format!("no file is named in {:?}", line.trim()))?;
            let mut content = read(&frontend.join(source))?;
            if small && kind == Some("css") {
                content = minify(&String::from_utf8(content)?, "css")?.into_bytes();
            }
            let (stem, end) = source
                .rsplit_once('.')
                .with_context(|| format!("{source} has no extension"))?;
            let mut hasher = DefaultHasher::new();
            hasher.write(&content);
            let name = format!("{stem}-{:016x}.{end}", hasher.finish());
            let mut named = format!("\"/{name}\"");
            // Browsers compare it for scripts and styles alone.
            if kind != Some("icon") {
                let digest = STANDARD.encode(Sha384::digest(&content));
                named.push_str(&format!(" integrity=\"sha384-{digest}\""));
            }
            index.push_str(
                &line
                    .replace(" data-trunk ", " ")
                    .replace("rel=\"css\"", "rel=\"stylesheet\"")
                    .replace(&format!("\"{source}\""), &named),
            );
            files.insert(name, content);
        }
        index.push('\n');
    }
    ensure!(
        index.contains(&script),
        "index.html has no <link data-trunk rel=\"rust\">"
    );
    Ok(index)
}

/// Puts the files into `dist` and removes what else is there. The index comes when all that it names
/// is there, so that a server that runs finds a whole page at any time.
fn install(files: &Files, index: &str, dist: &Path) -> Result<()> {
    fs::create_dir_all(dist).with_context(|| format!("could not create {}", dist.display()))?;
    let index = ("index.html", index.as_bytes());
    let all = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .chain([index]);
    for (name, content) in all {
        let file = dist.join(name);
        fs::write(&file, content).with_context(|| format!("could not write {}", file.display()))?;
    }
    for entry in fs::read_dir(dist)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name == index.0 || files.contains_key(name));
        if !is_ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())
                .with_context(|| format!("could not remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// The value of the first attribute of this name.
fn attribute<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = html.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn replaced(text: &str, from: &str, to: &str) -> Result<String> {
    ensure!(
        text.contains(from),
        "the page's program does not name {from}"
    );
    Ok(text.replace(from, to))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("could not read {}", file.display()))
}

fn read_text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}
