//! The volumes of a node, and which files on them name which.

use std::collections::{BTreeMap, BTreeSet};

use ecoman_esxi::{Command, named_files};
use ecoman_model::Datastore;

use crate::reading::{Ask, ReadError, VOLUMES, on_volume};

/// What may name disks is shorter; what is as long or longer holds them.
pub(crate) const LONGEST_TEXT: u64 = 1 << 20;

/// How many files one command is given.
const AT_ONCE: usize = 100;

/// The volumes of a node: each has a name and, below `/vmfs/volumes`, a UUID.
#[derive(Debug)]
pub(crate) struct Volumes(pub(crate) Vec<Datastore>);

impl Volumes {
    /// A path by the UUID of its volume, without `.` and `..`.
    pub(crate) fn canonical(&self, path: &str) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let ["vmfs", "volumes", volume, below @ ..] = parts.as_slice() else {
            return format!("/{}", parts.join("/"));
        };
        let known = self.0.iter().find(|it| it.name.as_deref() == Some(*volume));
        let uuid = known.and_then(|it| it.path.strip_prefix(VOLUMES));
        let mut path = format!("{VOLUMES}{}", uuid.unwrap_or(volume));
        for part in below {
            path.push('/');
            path.push_str(part);
        }
        path
    }

    /// The path by the name of its volume.
    pub(crate) fn shown(&self, canonical: &str) -> String {
        let named = self.0.iter().find_map(|it| {
            let below = canonical.strip_prefix(&it.path)?;
            let name = it.name.as_deref().filter(|name| !name.is_empty())?;
            below
                .starts_with('/')
                .then(|| format!("{VOLUMES}{name}{below}"))
        });
        named.unwrap_or_else(|| canonical.to_owned())
    }

    /// Where a name leads that stands in a file of `directory`.
    pub(crate) fn resolved(&self, name: &str, directory: &str) -> String {
        match on_volume(name) {
            Some(path) => self.canonical(&path),
            None if name.starts_with('/') => self.canonical(name),
            None => self.canonical(&format!("{directory}/{name}")),
        }
    }
}

/// What files name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// What each file names, as it stands there; paths of files are canonical.
    pub(crate) by_file: BTreeMap<String, Vec<String>>,
    /// What could not be looked at, so that it may name anything.
    pub(crate) unread: BTreeSet<String>,
}

/// What the `.vmx` files, lists of snapshots and descriptors of disks name that are on the volumes of
/// the files `own` of a VM and of the `.vmx` files `others`: a disk may be built upon from every volume that
/// VMs are on. All paths are canonical.
pub(crate) async fn names(
    asks: &impl Ask,
    volumes: &Volumes,
    own: &[String],
    others: &BTreeSet<String>,
) -> Result<Names, ReadError> {
    let mut names = Names::default();
    let mut files = others.clone();
    let on = own.iter().chain(others).filter_map(|path| volume_of(path));
    for volume in on.collect::<BTreeSet<_>>() {
        let output = asks.ask(&Command::vm_files(&volume)).await?;
        if output.exit != 0 {
            names.unread.insert(format!("{volume}/"));
        }
        let found = lines(&output.stdout).into_iter().filter(|path| {
            let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
            let texts = ["vmx", "vmtx", "vmdk", "vmsd"];
            texts.iter().any(|it| it.eq_ignore_ascii_case(extension))
        });
        files.extend(found.map(|path| volumes.canonical(&path)));
    }
    let files: Vec<String> = files.into_iter().collect();
    let sizes = sizes(asks, &files).await?;
    let gone = others.iter().filter(|other| !sizes.contains_key(*other));
    names.unread.extend(gone.cloned());
    let texts: Vec<String> = sizes
        .into_iter()
        .filter(|(_, size)| *size < LONGEST_TEXT)
        .map(|(path, _)| path)
        .collect();
    for some in texts.chunks(AT_ONCE) {
        let output = asks.ask(&Command::named_files(some)).await?;
        if !matches!(output.exit, 0 | 1) {
            let volumes = some.iter().filter_map(|path| volume_of(path));
            names
                .unread
                .extend(volumes.map(|volume| format!("{volume}/")));
        }
        for (path, text) in by_file(&output.stdout, some) {
            names.by_file.insert(path, named_files(&text));
        }
    }
    Ok(names)
}

/// The volume that a canonical path is on: `/vmfs/volumes/5f-1` of `/vmfs/volumes/5f-1/web/web.vmdk`.
pub(crate) fn volume_of(path: &str) -> Option<String> {
    let volume = path.strip_prefix(VOLUMES)?.split('/').next()?;
    (!volume.is_empty()).then(|| format!("{VOLUMES}{volume}"))
}

/// The sizes of files. One that is gone has none.
pub(crate) async fn sizes(
    asks: &impl Ask,
    paths: &[String],
) -> Result<BTreeMap<String, u64>, ReadError> {
    let commands: Vec<Command> = paths.chunks(AT_ONCE).map(Command::file_times).collect();
    let mut sizes = BTreeMap::new();
    for command in &commands {
        let output = asks.ask(command).await?;
        for line in lines(&output.stdout) {
            let mut words = line.splitn(3, ' ').skip(1);
            if let (Some(size), Some(path)) = (words.next(), words.next())
                && let Ok(size) = size.parse()
            {
                sizes.insert(path.to_owned(), size);
            }
        }
    }
    Ok(sizes)
}

pub(crate) fn lines(stdout: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stdout);
    text.lines().map(str::to_owned).collect()
}

/// The lines of each file, of what `grep -H` printed: `PATH:LINE`.
fn by_file(stdout: &[u8], paths: &[String]) -> BTreeMap<String, Vec<u8>> {
    let mut texts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for line in stdout.split_inclusive(|byte| *byte == b'\n') {
        let of = paths.iter().filter_map(|path| {
            let rest = line.strip_prefix(path.as_bytes())?.strip_prefix(b":")?;
            Some((path, rest))
        });
        if let Some((path, rest)) = of.max_by_key(|(path, _)| path.len()) {
            texts
                .entry(path.clone())
                .or_default()
                .extend_from_slice(rest);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes() -> Volumes {
        Volumes(vec![Datastore {
            name: Some("ds (1)".to_owned()),
            path: "/vmfs/volumes/5f-1".to_owned(),
            kind: "VMFS-6".to_owned(),
            accessible: true,
            capacity_bytes: None,
            free_bytes: None,
        }])
    }

    #[test]
    fn a_file_is_the_same_however_it_is_named() {
        let volumes = volumes();
        let one = "/vmfs/volumes/5f-1/web/web.vmdk";
        for (name, directory) in [
            ("web.vmdk", "/vmfs/volumes/5f-1/web"),
            ("../web/./web.vmdk", "/vmfs/volumes/ds (1)/other"),
            ("[ds (1)] web/web.vmdk", ""),
            ("/vmfs/volumes/ds (1)//web/web.vmdk", "/x"),
            ("/vmfs/volumes/5f-1/other/../web/web.vmdk", ""),
        ] {
            assert_eq!(volumes.resolved(name, directory), one, "{name}");
        }
        assert_eq!(volumes.shown(one), "/vmfs/volumes/ds (1)/web/web.vmdk");
        assert_eq!(
            volumes.canonical("/vmfs/volumes/gone/a.vmx"),
            "/vmfs/volumes/gone/a.vmx"
        );
    }

    #[test]
    fn lines_belong_to_the_file_whose_path_is_in_front() {
        let paths = ["/a/b".to_owned(), "/a/b:c".to_owned()];
        let printed = b"/a/b:x.fileName = \"1\"\n/a/b:c:y.fileName = \"2\"\nodd\n/a/b:z\n";
        let texts = by_file(printed, &paths);
        assert_eq!(texts["/a/b"], b"x.fileName = \"1\"\nz\n");
        assert_eq!(texts["/a/b:c"], b"y.fileName = \"2\"\n");
        assert_eq!(named_files(&texts["/a/b:c"]), ["2"]);
    }
}
