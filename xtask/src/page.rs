//! The page: built by trunk from frontend/ into dist/.

use std::time::Duration;

use anyhow::Result;

use crate::Context;
use crate::command::Command;
use crate::tools::Environment;

/// How long a build may take where nobody watches.
const LIMIT: Duration = Duration::from_secs(30 * 60);

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

/// Builds the page as users get it: small, and compressed beforehand.
///
/// # Errors
///
/// The build failed.
pub(crate) fn build_release(context: &Context, environment: &Environment) -> Result<()> {
    context.console.step(
        "page",
        "compiling frontend/ to WebAssembly, small",
        |step| {
            step.run(&mut trunk(context, environment).arg("--release"))?;
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
