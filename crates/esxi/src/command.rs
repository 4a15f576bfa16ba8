//! The commands that are run on a node, as argument lists.
//!
//! A [`Command`] is never a piece of shell text: its arguments travel to the node as data (see
//! [`crate::Session::run`]), so that nothing in them can become part of a script.

use std::borrow::Cow;
use std::fmt;

use ecoman_model::{PowerAction, Vmid};

use crate::parse;

/// A command of ESXi with its arguments.
///
/// The program is found by the node's search path, to which `/bin`, `/sbin`, `/usr/bin` and
/// `/usr/sbin` are added: the path of a non-interactive login can lack them. Its standard input
/// is `/dev/null` unless it is given an input.
///
/// [`Display`](fmt::Display) writes the command as an administrator would type it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    program: &'static str,
    arguments: Vec<Cow<'static, str>>,
    /// Behind a pointer: few commands have any, and every error holds a command.
    special: Option<Box<Special>>,
}

/// What few commands have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Special {
    /// It reads this on standard input.
    Input(Vec<u8>),
    /// What it prints may hold secrets.
    Private,
}

/// Writes what it reads to a file that must not be there yet. Constant: the path is an argument.
/// Making the file is a command of its own, so that its exit code says whose the file is.
const WRITE_NEW: &str = r#"set -C; true >"$1" || exit 17; cat >>"$1""#;

/// The exit code of [`Command::write_new_file`] when it has made no file.
pub const NO_FILE_MADE: i32 = 17;

/// Writes what it reads to a new file, `$2`, with owner and mode of `$1`. Constant: the paths are
/// arguments.
const WRITE_BESIDE: &str = r#"set -C; true >"$2" || exit 17; set +C; cp -p "$1" "$2" && cat >"$2""#;

/// Puts `$2` in the place of `$1`, if that still holds what it reads. The point keeps the line feeds
/// at the end, which the shell would leave out.
const REPLACE: &str =
    r#"[ "$(cat "$1" && echo .)" = "$(cat && echo .)" ] || exit 18; mv -f "$2" "$1""#;

/// The exit code of [`Command::replace_file`] when the file is another one by then.
pub const FILE_CHANGED: i32 = 18;

/// Starts the host's Python with what comes on standard input, and says so where there is none. A
/// host's name for it differs by release. Nothing is written: no compiled file (`-B`), and neither
/// the environment (`-E`) nor what somebody has installed (`-S`) is looked at.
const RUN_PYTHON: &str = r#"for python in /bin/python3 /usr/bin/python3 /bin/python /usr/bin/python; do
	[ -x "$python" ] && exec "$python" -B -E -S -
done
echo "ECO1 fail python neither python3 nor python is there""#;

/// The same with the program that stays: what Python runs first comes as an argument, as standard
/// input stays open.
pub(crate) const FOLLOW_PYTHON: &str = r#"for python in /bin/python3 /usr/bin/python3 /bin/python /usr/bin/python; do
	[ -x "$python" ] && exec "$python" -B -E -S -c "$1"
done
echo "ECO1 fail python neither python3 nor python is there""#;

impl Command {
    /// Asks the node's hostd for all its VMs, the host and its datastores at once (see
    /// [`crate::hostd`]).
    #[must_use]
    pub fn read_hostd() -> Self {
        Self {
            special: Some(Box::new(Special::Input(crate::hostd::PROGRAM.into()))),
            ..Self::new("sh", &["-c", RUN_PYTHON, "python"])
        }
    }

    /// `vim-cmd vmsvc/getallvms`: the VMs that are registered on the node.
    #[must_use]
    pub fn get_all_vms() -> Self {
        Self::new("vim-cmd", &["vmsvc/getallvms"])
    }

    /// `vim-cmd vmsvc/get.summary VMID`: configuration, run-time state, guest and storage of a
    /// VM (vim.vm.Summary).
    #[must_use]
    pub fn summary(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/get.summary", vmid)
    }

    /// `vim-cmd vmsvc/power.getstate VMID`: whether a VM runs.
    #[must_use]
    pub fn power_state(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/power.getstate", vmid)
    }

    /// `vim-cmd vmsvc/message VMID`: the question that a VM waits with, if any.
    #[must_use]
    pub fn message(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/message", vmid)
    }

    /// `vim-cmd vmsvc/snapshot.get VMID`: the tree of a VM's snapshots.
    #[must_use]
    pub fn snapshots(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/snapshot.get", vmid)
    }

    /// `vim-cmd vmsvc/get.snapshotinfo VMID`: that tree with the snapshot that the VM goes on from
    /// (vim.vm.SnapshotInfo).
    #[must_use]
    pub fn snapshot_info(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/get.snapshotinfo", vmid)
    }

    /// `vim-cmd vmsvc/get.filelayoutex VMID`: the files of a VM with their sizes
    /// (vim.vm.FileLayoutEx).
    #[must_use]
    pub fn file_layout(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/get.filelayoutex", vmid)
    }

    /// `vim-cmd vmsvc/get.datastores VMID`: the datastores that a VM uses, with their free space.
    #[must_use]
    pub fn vm_datastores(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/get.datastores", vmid)
    }

    /// `vim-cmd vmsvc/get.tasklist VMID`: the keys of hostd's tasks of a VM.
    #[must_use]
    pub fn vm_tasks(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/get.tasklist", vmid)
    }

    /// `vim-cmd vimsvc/task_info KEY`: how far a task of hostd is (vim.TaskInfo).
    #[must_use]
    pub fn task_info(key: &str) -> Self {
        Self::new("vim-cmd", &["vimsvc/task_info"]).argument(key.to_owned())
    }

    /// `vim-cmd vmsvc/snapshot.create VMID NAME DESCRIPTION MEMORY QUIESCE`: takes a snapshot.
    #[must_use]
    pub fn create_snapshot(
        vmid: Vmid,
        name: &str,
        description: &str,
        memory: bool,
        quiesce: bool,
    ) -> Self {
        Self::of_vm("vmsvc/snapshot.create", vmid)
            .argument(name.to_owned())
            .argument(description.to_owned())
            .argument(u8::from(memory).to_string())
            .argument(u8::from(quiesce).to_string())
    }

    /// `vim-cmd vmsvc/snapshot.revert VMID SNAPSHOT KEEP-OFF`: goes back to a snapshot.
    #[must_use]
    pub fn revert_to_snapshot(vmid: Vmid, snapshot: u32, keep_off: bool) -> Self {
        Self::of_vm("vmsvc/snapshot.revert", vmid)
            .argument(snapshot.to_string())
            .argument(u8::from(keep_off).to_string())
    }

    /// `vim-cmd vmsvc/snapshot.remove VMID SNAPSHOT`: removes a snapshot; its children stay.
    #[must_use]
    pub fn remove_snapshot(vmid: Vmid, snapshot: u32) -> Self {
        Self::of_vm("vmsvc/snapshot.remove", vmid).argument(snapshot.to_string())
    }

    /// `vim-cmd vmsvc/snapshot.removeall VMID`: removes all snapshots of a VM.
    #[must_use]
    pub fn remove_all_snapshots(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/snapshot.removeall", vmid)
    }

    /// `vim-cmd vmsvc/get.guest VMID`: what VMware Tools reports (vim.vm.GuestInfo).
    #[must_use]
    pub fn guest(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/get.guest", vmid)
    }

    /// `vim-cmd hostsvc/hostsummary`: hardware, load and version of the node (vim.host.Summary).
    #[must_use]
    pub fn host_summary() -> Self {
        Self::new("vim-cmd", &["hostsvc/hostsummary"])
    }

    /// `esxcli system version get`: product, version, build, update and patch.
    #[must_use]
    pub fn system_version() -> Self {
        Self::new("esxcli", &["system", "version", "get"])
    }

    /// `vmware -vl`: product, version and build in two lines; answers without hostd.
    #[must_use]
    pub fn vmware_version() -> Self {
        Self::new("vmware", &["-vl"])
    }

    /// `esxcli --formatter=csv storage filesystem list`: the mounted volumes.
    #[must_use]
    pub fn filesystems() -> Self {
        Self::new(
            "esxcli",
            &["--formatter=csv", "storage", "filesystem", "list"],
        )
    }

    /// `esxcli network vswitch standard portgroup list`: the port groups of standard switches.
    #[must_use]
    pub fn port_groups() -> Self {
        Self::new(
            "esxcli",
            &["network", "vswitch", "standard", "portgroup", "list"],
        )
    }

    /// `esxcli --formatter=xml vm process list`: the VMs that run.
    #[must_use]
    pub fn processes() -> Self {
        Self::new("esxcli", &["--formatter=xml", "vm", "process", "list"])
    }

    /// `stat -c '%Y %s %n' PATH…`: when each file was written, in seconds since 1970, and its size.
    #[must_use]
    pub fn file_times<'p>(paths: impl IntoIterator<Item = &'p String>) -> Self {
        let paths = paths.into_iter();
        paths.fold(Self::new("stat", &["-c", "%Y %s %n"]), |command, path| {
            command.argument(path.clone())
        })
    }

    /// `test -e PATH`: whether a file or directory is there; exit code 0 is yes, 1 is no.
    #[must_use]
    pub fn exists(path: &str) -> Self {
        Self::new("test", &["-e"]).argument(path.to_owned())
    }

    /// `test -f PATH`: whether a file is there; exit code 0 is yes, 1 is no.
    #[must_use]
    pub fn is_file(path: &str) -> Self {
        Self::new("test", &["-f"]).argument(path.to_owned())
    }

    /// `test -d PATH`: whether a directory is there; exit code 0 is yes, 1 is no.
    #[must_use]
    pub fn is_directory(path: &str) -> Self {
        Self::new("test", &["-d"]).argument(path.to_owned())
    }

    /// Whether an exit code is an expected answer: 0 always, and 1 where it only says no.
    #[must_use]
    pub fn expects(&self, exit: i32) -> bool {
        exit == 0 || exit == 1 && matches!(self.program, "test" | "grep")
    }

    /// `command -v PROGRAM`: where a program is; exit code 0 is found.
    #[must_use]
    pub fn find_program(program: &'static str) -> Self {
        Self::new("command", &["-v"]).argument(program.to_owned())
    }

    /// `vim-cmd vmsvc/power.on VMID` and the like: asks for a change of power. `shutdown` and
    /// `reboot` only ask the guest.
    #[must_use]
    pub fn power(action: PowerAction, vmid: Vmid) -> Self {
        let call = match action {
            PowerAction::On => "vmsvc/power.on",
            PowerAction::Off => "vmsvc/power.off",
            PowerAction::Shutdown => "vmsvc/power.shutdown",
            PowerAction::Reboot => "vmsvc/power.reboot",
            PowerAction::Reset => "vmsvc/power.reset",
            PowerAction::Suspend => "vmsvc/power.suspend",
        };
        Self::of_vm(call, vmid)
    }

    /// `vim-cmd vmsvc/message VMID QUESTION CHOICE`: answers the question that a VM waits with.
    #[must_use]
    pub fn answer(vmid: Vmid, question: &str, choice: u32) -> Self {
        Self::of_vm("vmsvc/message", vmid)
            .argument(question.to_owned())
            .argument(choice.to_string())
    }

    /// `vim-cmd solo/registervm PATH NAME`: registers the VM of a `.vmx`; prints its id.
    #[must_use]
    pub fn register(vmx: &str, name: &str) -> Self {
        Self::new("vim-cmd", &["solo/registervm"])
            .argument(vmx.to_owned())
            .argument(name.to_owned())
    }

    /// `vim-cmd vmsvc/unregister VMID`: takes a VM off the list and leaves its files.
    #[must_use]
    pub fn unregister(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/unregister", vmid)
    }

    /// `vmkfstools -c SIZEG -d thin PATH`: makes a thin disk of so many GB of 1024³ bytes.
    #[must_use]
    pub fn create_disk(path: &str, gb: u64) -> Self {
        Self::new("vmkfstools", &["-c"])
            .argument(format!("{gb}G"))
            .argument("-d".to_owned())
            .argument("thin".to_owned())
            .argument(path.to_owned())
    }

    /// `vmkfstools -X SIZEG PATH`: makes a disk larger, to so many GB of 1024³ bytes in all.
    #[must_use]
    pub fn grow_disk(path: &str, gb: u64) -> Self {
        Self::new("vmkfstools", &["-X"])
            .argument(format!("{gb}G"))
            .argument(path.to_owned())
    }

    /// `vim-cmd vmsvc/destroy VMID`: deletes a VM with its files.
    #[must_use]
    pub fn destroy(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/destroy", vmid)
    }

    /// `vmkfstools -D PATH`: who holds a file of a VMFS volume.
    #[must_use]
    pub fn file_lock(path: &str) -> Self {
        Self::new("vmkfstools", &["-D"]).argument(path.to_owned())
    }

    /// `osfs-mkdir PATH`: makes a directory at the top of a vSAN or vVol datastore, where each is an
    /// object of its own and `mkdir` fails.
    #[must_use]
    pub fn make_object_directory(path: &str) -> Self {
        Self::new("/usr/lib/vmware/osfs/bin/osfs-mkdir", &[]).argument(path.to_owned())
    }

    /// `osfs-rmdir PATH`: removes such a directory, which must be empty.
    #[must_use]
    pub fn remove_object_directory(path: &str) -> Self {
        Self::new("/usr/lib/vmware/osfs/bin/osfs-rmdir", &[]).argument(path.to_owned())
    }

    /// `mkdir PATH`: makes a directory that must not be there yet.
    #[must_use]
    pub fn make_directory(path: &str) -> Self {
        Self::new("mkdir", &[]).argument(path.to_owned())
    }

    /// `rmdir PATH`: removes a directory that is empty.
    #[must_use]
    pub fn remove_directory(path: &str) -> Self {
        Self::new("rmdir", &[]).argument(path.to_owned())
    }

    /// `rm -f PATH`: removes a file; one that is not there is no failure.
    #[must_use]
    pub fn remove_file(path: &str) -> Self {
        Self::new("rm", &["-f"]).argument(path.to_owned())
    }

    /// `find PATH -maxdepth 1`: the directory and what is in it, a path each line. `ls` shows only
    /// ASCII as it is.
    #[must_use]
    pub fn list_directory(path: &str) -> Self {
        Self::new("find", &[])
            .argument(path.to_owned())
            .argument("-maxdepth".to_owned())
            .argument("1".to_owned())
    }

    /// `find PATH -maxdepth 1 -type l`: the links in a directory, a path each line.
    #[must_use]
    pub fn links(path: &str) -> Self {
        ["-type", "l"]
            .into_iter()
            .fold(Self::list_directory(path), |command, word| {
                command.argument(word.to_owned())
            })
    }

    /// `find VOLUME/ -maxdepth 3 -type f -iname '*.vm[dstx]*'`: the files on a volume that may name
    /// disks, as deep as hosts keep VMs.
    #[must_use]
    pub fn vm_files(volume: &str) -> Self {
        // The name of a volume is a link, which is followed with a slash behind it.
        let volume = format!("{}/", volume.trim_end_matches('/'));
        let words = ["-maxdepth", "3", "-type", "f", "-iname", "*.vm[dstx]*"];
        words
            .into_iter()
            .fold(Self::new("find", &[]).argument(volume), |command, word| {
                command.argument(word.to_owned())
            })
    }

    /// `grep -i -H -e fileName -e parentFileNameHint -e .encoding PATH…`: the lines of files in the
    /// way of a `.vmx` that name disks. Exit code 1: there are none.
    #[must_use]
    pub fn named_files<'p>(paths: impl IntoIterator<Item = &'p String>) -> Self {
        let words = [
            "-i",
            "-H",
            "-e",
            "fileName",
            "-e",
            "parentFileNameHint",
            "-e",
            r"^\.encoding",
        ];
        let command = Self::new("grep", &words).argument("--".to_owned());
        let command = paths
            .into_iter()
            .fold(command, |command, path| command.argument(path.clone()));
        Self {
            special: Some(Box::new(Special::Private)),
            ..command
        }
    }

    /// `cat PATH`: what is in a file.
    #[must_use]
    pub fn read_file(path: &str) -> Self {
        Self::new("cat", &[]).argument(path.to_owned())
    }

    /// Writes a file that must not be there yet. The content goes in on standard input. Exit code
    /// [`NO_FILE_MADE`]: it could not be made, mostly because there is one; any other but 0: it
    /// was made, and holds less than it should.
    #[must_use]
    pub fn write_new_file(path: &str, content: String) -> Self {
        Self {
            special: Some(Box::new(Special::Input(content.into_bytes()))),
            ..Self::new("sh", &["-c", WRITE_NEW, "sh"]).argument(path.to_owned())
        }
    }

    /// `cat PATH`: what is in a file that may hold secrets, such as the `guestinfo.*` of a `.vmx`.
    #[must_use]
    pub fn read_private_file(path: &str) -> Self {
        Self {
            special: Some(Box::new(Special::Private)),
            ..Self::read_file(path)
        }
    }

    /// Writes `beside`, which must not be there yet, with owner and mode of `path`. The content goes
    /// in on standard input. Exit codes as of [`Command::write_new_file`].
    #[must_use]
    pub fn write_beside(path: &str, beside: &str, content: Vec<u8>) -> Self {
        Self {
            special: Some(Box::new(Special::Input(content))),
            ..Self::new("sh", &["-c", WRITE_BESIDE, "sh"])
                .argument(path.to_owned())
                .argument(beside.to_owned())
        }
    }

    /// Moves `beside` to `path`, in one step, if `path` holds `expected` and nothing else. Exit code
    /// [`FILE_CHANGED`]: it holds something else, and nothing was moved.
    #[must_use]
    pub fn replace_file(path: &str, beside: &str, expected: Vec<u8>) -> Self {
        Self {
            special: Some(Box::new(Special::Input(expected))),
            ..Self::new("sh", &["-c", REPLACE, "sh"])
                .argument(path.to_owned())
                .argument(beside.to_owned())
        }
    }

    /// `vim-cmd vmsvc/reload VMID`: has the node read the `.vmx` of a VM again.
    #[must_use]
    pub fn reload(vmid: Vmid) -> Self {
        Self::of_vm("vmsvc/reload", vmid)
    }

    /// `find PATH… -maxdepth 3 -type f -iname '*.iso'`: the ISO images on these volumes, not too
    /// deep, so that a datastore with many files is not walked through.
    #[must_use]
    pub fn iso_images(volumes: &[String]) -> Self {
        let mut command = Self::new("find", &[]);
        for volume in volumes {
            // The name of a volume is a link, which is followed with a slash behind it.
            command = command.argument(format!("{}/", volume.trim_end_matches('/')));
        }
        for word in ["-maxdepth", "3", "-type", "f", "-iname", "*.iso"] {
            command = command.argument(word.to_owned());
        }
        command
    }

    /// `date -u +%s`: the node's clock, in seconds since 1970.
    #[must_use]
    pub fn unix_time() -> Self {
        Self::new("date", &["-u", "+%s"])
    }

    /// The name of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        self.program
    }

    /// The arguments, without the program.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(Cow::as_ref)
    }

    /// Whether it signs in to the node's hostd, of which the node keeps two events.
    #[must_use]
    pub fn signs_in(&self) -> bool {
        matches!(self.program, "vim-cmd" | "esxcli") || self.reads_hostd()
    }

    fn reads_hostd(&self) -> bool {
        let script = self.arguments.get(1);
        self.program == "sh" && script.is_some_and(|script| script == RUN_PYTHON)
    }

    /// How many bytes it may print on each stream: several times what the largest host prints.
    ///
    /// `getallvms` pads every row to the longest note; 1,024 VMs with one note of 4,096
    /// characters of three bytes make 13 MB; how long it may become shows in its header. A list of
    /// files grows with a datastore. Everything else has some 100 kB at most.
    ///
    /// `begun`: what it has begun with; empty where that is not there yet.
    #[must_use]
    pub fn output_limit(&self, begun: &[u8]) -> usize {
        const MIB: usize = 1024 * 1024;
        let first = self.arguments.first().map_or("", |argument| argument);
        match (self.program, first) {
            ("vim-cmd", "vmsvc/getallvms") => match begun {
                [] => 16 * MIB,
                // Nothing as large as this stands before the header.
                begun => parse::largest_table(begun).map_or(MIB / 4, |most| most.min(16 * MIB)),
            },
            ("find" | "grep" | "stat", _) => 4 * MIB,
            // Some more than the program itself allows.
            ("sh", _) if self.reads_hostd() => 34 * MIB,
            _ => MIB,
        }
    }

    /// What it reads on standard input.
    #[must_use]
    pub fn input(&self) -> Option<&[u8]> {
        match self.special.as_deref() {
            Some(Special::Input(input)) => Some(input),
            Some(Special::Private) | None => None,
        }
    }

    /// Whether what it prints may hold secrets, and is not to be shown.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.special.as_deref(), Some(Special::Private))
    }

    fn new(program: &'static str, arguments: &[&'static str]) -> Self {
        Self {
            program,
            arguments: arguments.iter().copied().map(Cow::Borrowed).collect(),
            special: None,
        }
    }

    fn of_vm(call: &'static str, vmid: Vmid) -> Self {
        Self::new("vim-cmd", &[call]).argument(vmid.to_string())
    }

    fn argument(mut self, argument: String) -> Self {
        self.arguments.push(Cow::Owned(argument));
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        for argument in self.arguments() {
            f.write_str(" ")?;
            f.write_str(&shell_escape::unix::escape(Cow::Borrowed(argument)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_an_administrator_types_it() {
        let shown = |command: Command| command.to_string();
        assert_eq!(shown(Command::get_all_vms()), "vim-cmd vmsvc/getallvms");
        assert_eq!(
            shown(Command::summary(Vmid(14))),
            "vim-cmd vmsvc/get.summary 14"
        );
        assert_eq!(
            shown(Command::filesystems()),
            "esxcli --formatter=csv storage filesystem list"
        );
        assert_eq!(
            shown(Command::write_new_file(
                "/vmfs/volumes/a/b.vmx",
                "secret".to_owned()
            )),
            r#"sh -c 'set -C; true >"$1" || exit 17; cat >>"$1"' sh /vmfs/volumes/a/b.vmx"#
        );
        assert_eq!(
            shown(Command::exists("/vmfs/volumes/datastore2 (1)/it's.iso")),
            r"test -e '/vmfs/volumes/datastore2 (1)/it'\''s.iso'"
        );
    }
}
