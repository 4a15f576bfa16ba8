//! The commands that are run on a node, as argument lists.
//!
//! A [`Command`] is never a piece of shell text: its arguments travel to the node as data (see
//! [`crate::Session::run`]), so that nothing in them can become part of a script.

use std::borrow::Cow;
use std::fmt;

use ecoman_model::Vmid;

/// A command of ESXi with its arguments.
///
/// The program is found by the node's search path, to which `/bin`, `/sbin`, `/usr/bin` and
/// `/usr/sbin` are added: the path of a non-interactive login can lack them. Its standard input
/// is `/dev/null`.
///
/// [`Display`](fmt::Display) writes the command as an administrator would type it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    program: &'static str,
    arguments: Vec<Cow<'static, str>>,
}

impl Command {
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

    /// `command -v PROGRAM`: where a program is; exit code 0 is found.
    #[must_use]
    pub fn find_program(program: &'static str) -> Self {
        Self::new("command", &["-v"]).argument(program.to_owned())
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

    fn new(program: &'static str, arguments: &[&'static str]) -> Self {
        Self {
            program,
            arguments: arguments.iter().copied().map(Cow::Borrowed).collect(),
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
            shown(Command::exists("/vmfs/volumes/datastore2 (1)/it's.iso")),
            r"test -e '/vmfs/volumes/datastore2 (1)/it'\''s.iso'"
        );
    }
}
