//! The private directory of the control sockets, and what becomes of it when ECoMan is killed.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

/// The directory of one session. Removed when dropped.
#[derive(Debug)]
pub(super) struct ControlDirectory {
    path: PathBuf,
    _root: Arc<Root>,
}

/// A directory of this process in a place for run-time files, mode 700.
#[derive(Debug)]
struct Root {
    directory: TempDir,
    janitor: Child,
    next: AtomicU64,
}

/// Outlives us: its standard input ends when we are gone, however we went. Then it ends the ssh
/// processes that we left behind and removes the directory. One that is still connecting has no
/// socket yet; it fails by itself when it finds no directory for it.
const JANITOR: &str = r#"
trap '' HUP INT TERM
read -r _
for socket in "$1"/*/mux; do
	[ -S "$socket" ] && ssh -F /dev/null -S "$socket" -O exit node
done
rm -rf "$1"
"#;

/// `sun_path` holds 108 bytes on Linux and 104 on macOS, with the NUL at the end. ssh first binds
/// to a name that is 17 bytes longer. The rest is our own `/.ecomanXXXXXX/N/mux`.
const MAX_BASE_BYTES: usize = 104 - 1 - 17 - 34;

static ROOT: Mutex<Weak<Root>> = Mutex::new(Weak::new());

impl ControlDirectory {
    /// A fresh directory for one session.
    pub(super) fn create() -> io::Result<Self> {
        let root = {
            let mut current = ROOT.lock().unwrap_or_else(PoisonError::into_inner);
            match current
                .upgrade()
                .filter(|root| root.directory.path().is_dir())
            {
                Some(root) => root,
                None => {
                    let root = Arc::new(Root::create()?);
                    *current = Arc::downgrade(&root);
                    root
                }
            }
        };
        let number = root.next.fetch_add(1, Ordering::Relaxed);
        let path = root.directory.path().join(number.to_string());
        fs::create_dir(&path)?;
        Ok(Self { path, _root: root })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where ssh listens for commands.
    pub(super) fn socket(&self) -> PathBuf {
        self.path.join("mux")
    }
}

impl Drop for ControlDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "cannot remove a directory");
        }
    }
}

impl Root {
    fn create() -> io::Result<Self> {
        let directory = private_directory()?;
        let janitor = Command::new("/bin/sh")
            .args(["-c", JANITOR, "ecoman-janitor"])
            .arg(directory.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal is for us, not for it.
            .process_group(0)
            .spawn()?;
        Ok(Self {
            directory,
            janitor,
            next: AtomicU64::new(0),
        })
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // Nothing is left to do for it, and the directory goes with `self.directory`.
        let ended = self.janitor.kill().and_then(|()| self.janitor.wait());
        if let Err(error) = ended {
            tracing::debug!(%error, "cannot stop the cleanup process of the SSH connections");
        }
    }
}

fn private_directory() -> io::Result<TempDir> {
    let bases = [
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        Some(std::env::temp_dir()),
        Some(PathBuf::from("/tmp")),
    ];
    let mut failure = io::Error::other("no directory for run-time files");
    for base in bases.into_iter().flatten() {
        // ssh expands % in the path of its socket.
        let bytes = base.as_os_str().as_bytes();
        if !base.is_absolute() || bytes.len() > MAX_BASE_BYTES || bytes.contains(&b'%') {
            continue;
        }
        let created = tempfile::Builder::new()
            .prefix("ecoman")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(base);
        match created {
            Ok(directory) => return Ok(directory),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
