//! The folders of this machine, which no program names.

use std::path::Path;

use crate::context::Context;

/// Flags for the compiler, as a list of cargo's configuration: panics name their place in the source,
/// and where the source lay when it was compiled is nobody's business.
pub(crate) fn without_paths(context: &Context) -> String {
    let flags: Vec<String> = folders(context)
        .into_iter()
        .zip(["/ecoman", "/cargo"])
        .map(|(folder, name)| format!("'--remap-path-prefix={}={name}'", folder.display()))
        .collect();
    format!("[{}]", flags.join(", "))
}

/// Where the sources are: those of the workspace, those of its dependencies.
pub(crate) fn folders(context: &Context) -> Vec<&Path> {
    [Some(context.root.as_path()), context.cargo_home.as_deref()]
        .into_iter()
        .flatten()
        .collect()
}
