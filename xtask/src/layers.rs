//! Which file of a crate uses which: circles, and imports against the order of its layers.
//!
//! A module is a file. A file uses another one when a path in it ends at an item that the other one
//! defines: `crate::`, `self::`, `super::`, a child module or an imported name may begin the path.
//! Re-exports are transparent: what `http/mod.rs` only passes on from `http/json.rs` is used from
//! `http/json.rs`, and passing it on is no use. Code under `#[cfg(test)]` may use what it likes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree, token_stream};

/// The layers of the crates that have an order, the lowest first: a module may use those before its
/// own, never those behind it. Modules that are not named are free.
const LAYERS: [(&str, &[&str]); 1] = [(
    "backend",
    &[
        "error_chain",
        "clock",
        "http",
        "inventory",
        "metrics",
        "audit",
        "retention",
        "tasks",
        "access",
        "routes",
        "openapi",
        "config",
        "server",
    ],
)];

/// What is wrong at a place: a file, a line and a sentence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// The circles and upward imports of a crate, given the files below its `src`: their paths relative
/// to the workspace, and their texts.
///
/// # Errors
///
/// A file is not Rust.
pub(crate) fn check(krate: &str, sources: &[(&Path, &str)]) -> Result<Vec<Fault>> {
    let uses = uses(krate, sources)?;
    let layers = LAYERS
        .iter()
        .find(|(name, _)| *name == krate)
        .map_or(&[][..], |(_, layers)| layers);
    let mut faults = upward(&uses, layers);
    faults.extend(circles(&uses));
    faults.sort();
    Ok(faults)
}

/// A path in a file that ends in another one.
#[derive(Debug)]
struct Use {
    from: Vec<String>,
    to: Vec<String>,
    from_file: PathBuf,
    to_file: PathBuf,
    line: usize,
}

/// A file's part in the crate.
#[derive(Debug)]
struct Module {
    file: PathBuf,
    /// What `use` brings into scope: a name and the path that it stands for.
    names: BTreeMap<String, Vec<String>>,
    paths: Vec<Found>,
}

/// A path as it was written.
#[derive(Debug)]
struct Found {
    path: Vec<String>,
    line: usize,
    /// A re-export, which is no use.
    passed_on: bool,
}

fn uses(krate: &str, sources: &[(&Path, &str)]) -> Result<Vec<Use>> {
    let source_folder = Path::new(krate).join("src");
    let mut modules = BTreeMap::new();
    let mut for_tests = BTreeSet::new();
    let is_library = sources
        .iter()
        .any(|(file, _)| *file == source_folder.join("lib.rs"));
    for (file, text) in sources {
        let Ok(relative) = file.strip_prefix(&source_folder) else {
            continue;
        };
        // Beside a library it is a crate of its own.
        if is_library && relative == Path::new("main.rs") {
            continue;
        }
        let own = module_path(relative);
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("could not read {}", file.display()))?;
        let mut reader = Reader {
            own: &own,
            found: Vec::new(),
            names: BTreeMap::new(),
            for_tests: BTreeSet::new(),
        };
        reader.read(tokens);
        for_tests.append(&mut reader.for_tests);
        let Reader { found, names, .. } = reader;
        let module = Module {
            file: (*file).to_owned(),
            names,
            paths: found,
        };
        modules.insert(own, module);
    }
    modules.retain(|path, _| !for_tests.iter().any(|tests| path.starts_with(tests)));
    let mut uses = Vec::new();
    for (from, module) in &modules {
        for found in module.paths.iter().filter(|found| !found.passed_on) {
            let Some(to) = resolved(&modules, from, &found.path) else {
                continue;
            };
            if let Some(target) = modules.get(&to).filter(|_| to != *from) {
                uses.push(Use {
                    from: from.clone(),
                    from_file: module.file.clone(),
                    to_file: target.file.clone(),
                    to,
                    line: found.line,
                });
            }
        }
    }
    Ok(uses)
}

/// The module that a file below `src` is: the root has no name.
fn module_path(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts
        .last()
        .is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main"))
    {
        parts.pop();
    }
    parts
}

/// The module that defines what a path leads to, if it is one of the crate's and more than a module.
fn resolved(
    modules: &BTreeMap<Vec<String>, Module>,
    from: &[String],
    path: &[String],
) -> Option<Vec<String>> {
    let mut at = absolute(modules, from, path)?;
    // Re-exports of re-exports end; one that names itself would not.
    for _ in 0..16 {
        let depth = (0..=at.len())
            .rev()
            .find(|&depth| modules.contains_key(at.get(..depth).unwrap_or(&[])))?;
        let (module, rest) = at.split_at(depth);
        // A module by itself is not used yet: what is taken out of it is.
        let name = rest.first()?;
        let Some(behind) = modules.get(module)?.names.get(name) else {
            return Some(module.to_vec());
        };
        let mut next = absolute(modules, module, behind)?;
        next.extend(rest.iter().skip(1).cloned());
        at = next;
    }
    None
}

/// A path from the crate's root; none for one that leads out of the crate.
fn absolute(
    modules: &BTreeMap<Vec<String>, Module>,
    from: &[String],
    path: &[String],
) -> Option<Vec<String>> {
    let mut at = from.to_vec();
    let mut rest = path;
    let first = path.first()?;
    match first.as_str() {
        "crate" => {
            at.clear();
            rest = path.get(1..)?;
        }
        "self" => rest = path.get(1..)?,
        "super" => {}
        name => {
            let child: Vec<String> = from.iter().cloned().chain([name.to_owned()]).collect();
            if let Some(behind) = modules.get(from).and_then(|module| module.names.get(name)) {
                // `use tower::tower;` stands for itself.
                if behind.first() == Some(first) {
                    return None;
                }
                let mut whole = absolute(modules, from, behind)?;
                whole.extend(path.iter().skip(1).cloned());
                return Some(whole);
            }
            if !modules.contains_key(&child) {
                return None;
            }
        }
    }
    while let Some((first, more)) = rest.split_first().filter(|(first, _)| *first == "super") {
        let _ = first;
        at.pop()?;
        rest = more;
    }
    at.extend(rest.iter().cloned());
    Some(at)
}

/// Finds the paths and imports of one file.
struct Reader<'a> {
    own: &'a [String],
    found: Vec<Found>,
    names: BTreeMap<String, Vec<String>>,
    for_tests: BTreeSet<Vec<String>>,
}

type Tokens = Peekable<token_stream::IntoIter>;

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut public = false;
        while let Some(token) = tokens.next() {
            let was_public = std::mem::take(&mut public);
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                        let tests = attribute.stream().to_string().replace(' ', "") == "cfg(test)";
                        let attribute = attribute.stream();
                        tokens.next();
                        if tests {
                            self.skip(&mut tokens);
                        } else {
                            self.read(attribute);
                        }
                    }
                }
                TokenTree::Ident(ident) if ident == "pub" => {
                    public = true;
                    if let Some(TokenTree::Group(group)) = tokens.peek()
                        && group.delimiter() == Delimiter::Parenthesis
                    {
                        tokens.next();
                    }
                }
                TokenTree::Ident(ident) if ident == "use" => {
                    self.import(&mut tokens, &[], was_public);
                }
                TokenTree::Ident(ident) => self.path(&ident, &mut tokens),
                TokenTree::Group(group) => self.read(group.stream()),
                // Of a type's path after a turbofish or a `>` nothing is read: `>::new`.
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Passes over an item that is only there for tests.
    fn skip(&mut self, tokens: &mut Tokens) {
        let mut module = false;
        for token in tokens.by_ref() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => return,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
                TokenTree::Ident(ident) if ident == "mod" => module = true,
                TokenTree::Ident(ident) if std::mem::take(&mut module) => {
                    let mut path = self.own.to_vec();
                    path.push(ident.to_string());
                    self.for_tests.insert(path);
                }
                _ => {}
            }
        }
    }

    /// A path in code, which begins with `first`.
    fn path(&mut self, first: &Ident, tokens: &mut Tokens) {
        let line = first.span().start().line;
        let mut path = vec![first.to_string()];
        while colons(tokens) {
            match tokens.peek() {
                Some(TokenTree::Ident(ident)) => {
                    path.push(ident.to_string());
                    tokens.next();
                }
                _ => break,
            }
        }
        // Of single names those of types and traits count, which a re-export brings into scope; one
        // in lower case may be a variable's.
        let is_type = path.iter().all(|name| name.starts_with(char::is_uppercase));
        if path.len() > 1 || is_type {
            self.found.push(Found {
                path,
                line,
                passed_on: false,
            });
        }
    }

    /// A tree of imports below `before`, up to `;` or `,` or the end.
    fn import(&mut self, tokens: &mut Tokens, before: &[String], public: bool) {
        let mut path = before.to_vec();
        let mut line = 0;
        let mut alias = None;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "as" => {
                    if let Some(TokenTree::Ident(name)) = tokens.next() {
                        alias = Some(name.to_string());
                    }
                }
                TokenTree::Ident(ident) => {
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    let mut inner = group.stream().into_iter().peekable();
                    while inner.peek().is_some() {
                        self.import(&mut inner, &path, public);
                    }
                    path.clear();
                }
                TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ',') => break,
                TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        // `use a::b::{self}`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let Some(last) = path.last().cloned() else {
            return;
        };
        if last != "*" {
            self.names.insert(alias.unwrap_or(last), path.clone());
        }
        self.found.push(Found {
            path,
            line,
            passed_on: public,
        });
    }
}

/// Takes `::`, where it comes next.
fn colons(tokens: &mut Tokens) -> bool {
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    let mut ahead = tokens.clone();
    ahead.next();
    if is_colon(tokens.peek()) && is_colon(ahead.peek()) {
        tokens.next();
        tokens.next();
        return true;
    }
    false
}

fn upward(uses: &[Use], layers: &[&str]) -> Vec<Fault> {
    let place = |module: &[String]| {
        let name = module.first()?;
        layers.iter().position(|layer| layer == name)
    };
    let mut faults: Vec<Fault> = uses
        .iter()
        .filter(|used| match (place(&used.from), place(&used.to)) {
            (Some(from), Some(to)) => from < to,
            _ => false,
        })
        .map(|used| Fault {
            file: used.from_file.clone(),
            line: used.line,
            what: format!("uses {}, a layer above its own", used.to_file.display()),
        })
        .collect();
    faults.dedup_by(|a, b| a.file == b.file && a.what == b.what);
    faults
}

/// The shortest circle through each pair of files that use each other, directly or through others.
fn circles(uses: &[Use]) -> Vec<Fault> {
    let mut graph: BTreeMap<&Path, BTreeMap<&Path, usize>> = BTreeMap::new();
    for used in uses {
        let targets = graph.entry(&used.from_file).or_default();
        targets.entry(&used.to_file).or_insert(used.line);
    }
    let mut reported: BTreeSet<BTreeSet<&Path>> = BTreeSet::new();
    let mut faults = Vec::new();
    for (&from, targets) in &graph {
        for (&to, &line) in targets {
            let Some(back) = shortest(&graph, to, from) else {
                continue;
            };
            if reported.insert(back.iter().copied().collect()) {
                let way: Vec<String> = back.iter().map(|file| file.display().to_string()).collect();
                faults.push(Fault {
                    file: from.to_owned(),
                    line,
                    what: format!("a circle: uses {}", way.join(", which uses ")),
                });
            }
        }
    }
    faults
}

/// The files on the shortest way from one file to another, both included.
fn shortest<'a>(
    graph: &BTreeMap<&'a Path, BTreeMap<&'a Path, usize>>,
    from: &'a Path,
    to: &Path,
) -> Option<Vec<&'a Path>> {
    let mut ways = VecDeque::from([vec![from]]);
    let mut seen = BTreeSet::from([from]);
    while let Some(way) = ways.pop_front() {
        let at = *way.last()?;
        if at == to {
            return Some(way);
        }
        for &next in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next) {
                let mut longer = way.clone();
                longer.push(next);
                ways.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(krate: &str, sources: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<(PathBuf, &str)> = sources
            .iter()
            .map(|(file, text)| (Path::new(krate).join("src").join(file), *text))
            .collect();
        let sources: Vec<(&Path, &str)> = sources
            .iter()
            .map(|(file, text)| (file.as_path(), *text))
            .collect();
        check(krate, &sources)
            .unwrap()
            .into_iter()
            .map(|fault| format!("{}:{}: {}", fault.file.display(), fault.line, fault.what))
            .collect()
    }

    #[test]
    fn a_circle_is_found_with_its_files() {
        let found = faults(
            "a",
            &[
                ("lib.rs", "mod b;\nmod c;\nmod d;\n"),
                ("b.rs", "\nuse crate::c::C;\npub fn f(_: C) {}"),
                ("c.rs", "pub struct C(super::d::D);"),
                ("d.rs", "use crate::b;\npub struct D;\nfn g() { b::f() }"),
            ],
        );
        assert_eq!(
            found,
            [
                "a/src/b.rs:2: a circle: uses a/src/c.rs, which uses a/src/d.rs, which uses a/src/b.rs"
            ]
        );
    }

    #[test]
    fn an_import_against_the_layers_is_found() {
        let found = faults(
            "backend",
            &[
                ("lib.rs", "mod http;\nmod routes;"),
                ("http/mod.rs", "mod json;"),
                ("http/json.rs", "fn f() { crate::routes::g() }"),
                ("routes/mod.rs", "use crate::http;\npub fn g() {}"),
            ],
        );
        assert_eq!(
            found,
            ["backend/src/http/json.rs:1: uses backend/src/routes/mod.rs, a layer above its own"]
        );
    }

    #[test]
    fn a_re_export_is_transparent_and_no_use() {
        let sources = [
            (
                "lib.rs",
                "mod b;\nmod c;\npub use b::{B, c as d};\npub use c::C;",
            ),
            ("b.rs", "use crate::C;\npub struct B(C);"),
            ("c.rs", "pub struct C;"),
        ];
        assert!(faults("a", &sources).is_empty());
        let sources = [
            ("lib.rs", "mod b;\npub use b::B;\npub struct A(B);"),
            ("b.rs", "pub struct B;\nimpl B { fn f(_: crate::A) {} }"),
        ];
        assert_eq!(faults("a", &sources).len(), 1);
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let sources = [
            (
                "lib.rs",
                "mod b;\n#[cfg(test)]\nmod help;\npub struct A(b::B);",
            ),
            (
                "b.rs",
                "pub struct B;\n#[cfg(test)]\nmod tests { use crate::A; use super::*; }",
            ),
            ("help.rs", "use crate::A;"),
        ];
        assert!(faults("a", &sources).is_empty());
    }

    #[test]
    fn macros_and_names_of_imported_modules_count() {
        let sources = [
            ("lib.rs", "mod b;\nmod c;"),
            (
                "b.rs",
                "use crate::c;\nfn f() { view! { <p>{c::text()}</p> } }",
            ),
            ("c.rs", "macro_rules! m { () => { $crate::b::f() } }"),
        ];
        assert_eq!(faults("a", &sources).len(), 1);
    }

    #[test]
    fn what_is_no_rust_is_an_error() {
        assert!(check("a", &[(Path::new("a/src/lib.rs"), "fn (")]).is_err());
    }
}
