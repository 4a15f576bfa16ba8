//! The running node.

use std::collections::VecDeque;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket, sockopt,
};
use tempfile::TempDir;

use crate::host::{Clock, Host};
use crate::hostd::{Call, Hostd, RemoteCommand, State};
use crate::soap::Soap;
use crate::sshd::{self, Entrance, Programs, Settings, Supervisor};
use crate::vm::Vm;
use crate::{Fault, NodeSpec, SimulatorError, Timestamp, VmSpec, VolumeKind, chroot, python};

/// A simulated ESXi node behind a real sshd on 127.0.0.1.
///
/// Everything about it can be changed while it runs, by any thread. When it is dropped, or this
/// process ends in whatever way, its sshd, all that was started through it and its files are
/// gone.
#[derive(Debug)]
pub struct SimulatedNode {
    name: String,
    username: String,
    port: u16,
    host_key: String,
    hostd: Hostd,
    soap: Option<Soap>,
    sshd: Mutex<Sshd>,
    directory: TempDir,
    /// Holds the port while sshd does not: bound, but never listening.
    _port: OwnedFd,
}

/// sshd with its latest configuration.
#[derive(Debug)]
struct Sshd {
    settings: Settings,
    supervisor: Supervisor,
    runs: bool,
    frozen: bool,
}

impl SimulatedNode {
    /// Starts a node; it accepts connections when this returns, some 50 ms later.
    ///
    /// # Errors
    ///
    /// A program that it stands on is missing (openssh-server, busybox-static), or this user may
    /// not have what it needs: a root directory of its own (root, or user namespaces).
    pub fn start(spec: NodeSpec) -> Result<Self, SimulatorError> {
        let programs = Programs::find()?;
        let user = sshd::user()?;
        let directory = make_directory(&spec)?;
        let path = directory.path().to_owned();
        let root = path.join("root");

        let tools = chroot::write_tools(&path)?;
        // From here on the supervisor removes everything at the end.
        let mut supervisor = Supervisor::start(&tools, &path, &programs)?;
        let is_root = user.uid.is_root();
        chroot::make(&root, &tools, &programs.busybox, &spec.host_name, is_root)?;
        let entrance = Entrance::find(&tools, &root, &spec.shell_path, &programs, &user)?;
        if is_root {
            sshd::make_privilege_separation_directory()?;
        }
        for (key, comment) in [
            ("host_key", "simulated node"),
            ("other_host_key", "simulated node"),
            ("identity", "simulated administrator"),
        ] {
            sshd::make_key(&programs, &path.join(key), comment)?;
        }
        let host_key = read(&path.join("host_key.pub"))?;

        let name = spec.name.clone();
        let (held, port) = hold_port().map_err(SimulatorError::Port)?;
        let files = |source| SimulatorError::Files {
            path: path.clone(),
            source,
        };
        let has_python = spec.python;
        let host = Host::new(spec, root.clone()).map_err(files)?;
        let hostd = start_hostd(host, &root)?;
        let soap = match has_python {
            true => Some(start_soap(&hostd, &root, &tools)?),
            false => None,
        };
        let settings = Settings {
            directory: path.clone(),
            port,
            entrance,
            use_pam: sshd::needs_pam(&user),
        };
        settings.write(&[]).map_err(files)?;
        supervisor.order(&name, "start")?;
        Ok(Self {
            name,
            username: user.name,
            port,
            host_key,
            hostd,
            soap,
            sshd: Mutex::new(Sshd {
                settings,
                supervisor,
                runs: true,
                frozen: false,
            }),
            directory,
            _port: held,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `127.0.0.1`
    #[must_use]
    pub fn address(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port of its sshd: the same as long as it lives.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who may log in: the user that this process runs as.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The private key (ECDSA) with which one logs in.
    #[must_use]
    pub fn identity_file(&self) -> PathBuf {
        self.directory.path().join("identity")
    }

    /// The line of a `known_hosts` file with the node's true host key.
    #[must_use]
    pub fn known_hosts_line(&self) -> String {
        let mut words = self.host_key.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let key = words.next().unwrap_or_default();
        format!("[{}]:{} {kind} {key}\n", self.address(), self.port)
    }

    /// The entry of a `hosts.yml`.
    #[must_use]
    pub fn hosts_yml_entry(&self) -> String {
        let state = self.state();
        let spec = &state.host.spec;
        let datastore = datastore_path(spec);
        let network = spec
            .port_groups
            .iter()
            .find(|group| !group.name.contains("Management"))
            .or(spec.port_groups.first())
            .map_or("", |group| group.name.as_str());
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        format!(
            "{name}:\n  \
               addr: {address}\n  \
               port: {port}\n  \
               username: {username}\n  \
               identity_file_path: {identity}\n  \
               datastore_path: {path}\n  \
               installer_iso_path: {iso}\n  \
               network_port_group: {network}\n",
            name = quoted(&self.name),
            address = quoted(self.address()),
            port = self.port,
            username = quoted(&self.username),
            identity = quoted(&self.identity_file().to_string_lossy()),
            path = quoted(&datastore),
            iso = quoted(&format!("{datastore}{}", spec.installer_iso)),
            network = quoted(network),
        )
    }

    /// Where new VMs go, on the node: `/vmfs/volumes/datastore1/`.
    #[must_use]
    pub fn datastore_path(&self) -> String {
        datastore_path(&self.state().host.spec)
    }

    /// Where a file of the node lies on this machine: `/vmfs/volumes/datastore1/…`.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        self.directory
            .path()
            .join("root")
            .join(path.trim_start_matches('/'))
    }

    /// Lets something go wrong from now on.
    ///
    /// # Errors
    ///
    /// sshd could not be restarted; only faults that are about it do that.
    pub fn set_fault(&self, fault: Fault) -> Result<(), SimulatorError> {
        let asks = match fault {
            Fault::Question(id) => Some(id),
            _ => None,
        };
        self.change_faults(|faults| {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        })?;
        if let Some(id) = asks {
            self.state().host.ask(id);
        }
        Ok(())
    }

    /// Ends one fault.
    ///
    /// # Errors
    ///
    /// As [`Self::set_fault`].
    pub fn clear_fault(&self, fault: &Fault) -> Result<(), SimulatorError> {
        self.change_faults(|faults| faults.retain(|present| present != fault))
    }

    /// Ends all faults.
    ///
    /// # Errors
    ///
    /// As [`Self::set_fault`].
    pub fn clear_faults(&self) -> Result<(), SimulatorError> {
        self.change_faults(Vec::clear)
    }

    /// The faults at work.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.state().host.faults.clone()
    }

    fn change_faults(&self, change: impl FnOnce(&mut Vec<Fault>)) -> Result<(), SimulatorError> {
        let mut sshd = self.sshd();
        let (before, after) = {
            let mut state = self.state();
            let before = state.host.faults.clone();
            change(&mut state.host.faults);
            let after = state.host.faults.clone();
            for fault in &before {
                if let Fault::Question(id) = fault
                    && !after.contains(fault)
                    && let Some(vm) = state.host.vms.get_mut(id)
                {
                    vm.question = None;
                }
            }
            (before, after)
        };
        self.hostd.shared().notify();
        let of_sshd = |faults: &[Fault]| -> Vec<Fault> {
            faults
                .iter()
                .filter(|fault| fault.concerns_sshd())
                .cloned()
                .collect()
        };
        if of_sshd(&before) != of_sshd(&after) {
            sshd.settings
                .write(&after)
                .map_err(|source| SimulatorError::Files {
                    path: sshd.settings.directory.clone(),
                    source,
                })?;
            if sshd.runs {
                // A new sshd is a thawed one.
                sshd.frozen = false;
                sshd.supervisor.order(&self.name, "start")?;
            }
        }
        let frozen = after.contains(&Fault::Unresponsive);
        if frozen != sshd.frozen && sshd.runs {
            let order = if frozen { "freeze" } else { "thaw" };
            sshd.supervisor.order(&self.name, order)?;
            sshd.frozen = frozen;
        }
        Ok(())
    }

    /// The node goes away: connections are cut and new ones refused. VMs and time go on.
    ///
    /// # Errors
    ///
    /// A process could not be ended.
    pub fn stop(&self) -> Result<(), SimulatorError> {
        let mut sshd = self.sshd();
        sshd.runs = false;
        sshd.frozen = false;
        sshd.supervisor.order(&self.name, "stop")
    }

    /// The node comes back on the same port; back when it accepts connections.
    ///
    /// # Errors
    ///
    /// sshd could not be started.
    pub fn start_again(&self) -> Result<(), SimulatorError> {
        let mut sshd = self.sshd();
        if sshd.runs {
            return Ok(());
        }
        sshd.supervisor.order(&self.name, "start")?;
        sshd.runs = true;
        drop(sshd);
        self.change_faults(|_| {})
    }

    /// Cuts all connections; the node takes new ones.
    ///
    /// # Errors
    ///
    /// A process could not be ended.
    pub fn cut_connections(&self) -> Result<(), SimulatorError> {
        self.sshd().supervisor.order(&self.name, "cut")
    }

    /// Sets how long each call of a simulated tool takes, in real time.
    pub fn set_latency(&self, latency: Duration) {
        self.state().host.spec.latency = latency;
        self.hostd.shared().notify();
    }

    /// The node's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state().host.now()
    }

    /// Sets the node's clock, which then stands still until [`Self::advance`] moves it or
    /// [`Self::let_clock_run`] lets it go. Changes that take time (see [`Timing`](crate::Timing))
    /// wait for it, and `power.on` with them.
    pub fn set_clock(&self, time: Timestamp) {
        self.change(|host| host.clock = Clock::Standing(time));
    }

    /// Moves the node's clock on, and carries out what is due by then.
    pub fn advance(&self, by: Duration) {
        self.change(|host| host.advance(by));
    }

    /// Lets the node's clock run on from where it is.
    pub fn let_clock_run(&self) {
        self.change(|host| {
            let ahead = host.now() - Timestamp::from(std::time::SystemTime::now());
            host.clock = Clock::Running(ahead);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Host)) {
        let mut state = self.state();
        change(&mut state.host);
        state.host.settle();
        drop(state);
        self.hostd.shared().notify();
    }

    /// All VMs as they truly are, by id.
    #[must_use]
    pub fn vms(&self) -> Vec<Vm> {
        let mut state = self.state();
        state.host.settle();
        state.host.vms.values().cloned().collect()
    }

    /// A VM as it truly is.
    #[must_use]
    pub fn vm(&self, id: u32) -> Option<Vm> {
        let mut state = self.state();
        state.host.settle();
        state.host.vms.get(&id).cloned()
    }

    /// The VM of that name, the one with the lowest id if there are several.
    #[must_use]
    pub fn vm_named(&self, name: &str) -> Option<Vm> {
        self.vms().into_iter().find(|vm| vm.spec.name == name)
    }

    /// Registers a VM, writes its files, and returns its id.
    ///
    /// # Errors
    ///
    /// Its id is taken, or its files could not be written.
    pub fn add_vm(&self, spec: VmSpec) -> Result<u32, SimulatorError> {
        let mut state = self.state();
        if let Some(id) = spec.id
            && state.host.vms.contains_key(&id)
        {
            return Err(SimulatorError::VmExists {
                node: self.name.clone(),
                id,
            });
        }
        let added = state.host.add(spec);
        drop(state);
        self.hostd.shared().notify();
        added.map_err(|source| SimulatorError::Files {
            path: self.file("/vmfs/volumes"),
            source,
        })
    }

    /// Unregisters a VM, whatever its state; its files stay.
    ///
    /// # Errors
    ///
    /// There is no such VM.
    pub fn remove_vm(&self, id: u32) -> Result<Vm, SimulatorError> {
        let removed = self.state().host.vms.remove(&id);
        self.hostd.shared().notify();
        removed.ok_or_else(|| self.no_vm(id))
    }

    /// Changes a VM. Its files stay as they are.
    ///
    /// # Errors
    ///
    /// There is no such VM.
    pub fn edit_vm(&self, id: u32, edit: impl FnOnce(&mut Vm)) -> Result<(), SimulatorError> {
        let mut state = self.state();
        let vm = state.host.vms.get_mut(&id).ok_or_else(|| self.no_vm(id))?;
        edit(vm);
        drop(state);
        self.hostd.shared().notify();
        Ok(())
    }

    fn no_vm(&self, id: u32) -> SimulatorError {
        SimulatorError::NoVm {
            node: self.name.clone(),
            id,
        }
    }

    /// Changes the description of the node: datastores, port groups, release. Not its VMs
    /// ([`Self::add_vm`]), nor what was used once at the start: its name and the directory.
    pub fn edit(&self, edit: impl FnOnce(&mut NodeSpec)) {
        self.change(|host| edit(&mut host.spec));
    }

    /// The calls of simulated tools since the node was started or [`Self::forget_calls`], the
    /// latest 100,000.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        copied(&self.state().calls)
    }

    /// The commands that came over SSH, in the same way.
    #[must_use]
    pub fn remote_commands(&self) -> Vec<RemoteCommand> {
        copied(&self.state().commands)
    }

    /// Forgets the calls that have ended, and the commands.
    pub fn forget_calls(&self) {
        let mut state = self.state();
        state.commands.clear();
        state.forget();
    }

    /// How many connections have come, whether they could log in or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sshd_log()
            .lines()
            .filter(|line| line.starts_with("Connection from "))
            .count()
    }

    /// How many of them have logged in.
    #[must_use]
    pub fn logins(&self) -> usize {
        self.sshd_log()
            .lines()
            .filter(|line| line.starts_with("Accepted publickey "))
            .count()
    }

    /// How many sign-ins hostd has taken: one for each call of `vim-cmd` and `esxcli`, and those of
    /// its SOAP side.
    #[must_use]
    pub fn hostd_sign_ins(&self) -> usize {
        let calls = self.calls();
        let tools = calls
            .iter()
            .filter(|call| matches!(call.program.as_str(), "vim-cmd" | "esxcli"));
        tools.count() + self.soap_sign_ins()
    }

    /// How many sign-ins the SOAP side of hostd has taken.
    #[must_use]
    pub fn soap_sign_ins(&self) -> usize {
        self.soap.as_ref().map_or(0, Soap::sign_ins)
    }

    /// How many of them have not signed out.
    #[must_use]
    pub fn open_soap_sessions(&self) -> usize {
        self.soap.as_ref().map_or(0, Soap::open_sessions)
    }

    /// What sshd has logged.
    #[must_use]
    pub fn sshd_log(&self) -> String {
        let bytes = fs::read(self.directory.path().join("sshd.log"));
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.hostd.shared().state()
    }

    fn sshd(&self) -> MutexGuard<'_, Sshd> {
        self.sshd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn copied<T: Clone>(list: &VecDeque<T>) -> Vec<T> {
    list.iter().cloned().collect()
}

fn datastore_path(spec: &NodeSpec) -> String {
    let first = spec.datastores.iter().find(|store| {
        matches!(
            store.kind,
            VolumeKind::Vmfs(_) | VolumeKind::Nfs(_) | VolumeKind::Vsan
        )
    });
    let name = first.map_or("", |store| {
        if store.name.is_empty() {
            &store.uuid
        } else {
            &store.name
        }
    });
    format!("/vmfs/volumes/{name}/")
}

fn make_directory(spec: &NodeSpec) -> Result<TempDir, SimulatorError> {
    let parent = spec.directory.clone().unwrap_or_else(std::env::temp_dir);
    let failed = |source| SimulatorError::Files {
        path: parent.clone(),
        source,
    };
    let directory = tempfile::Builder::new()
        .prefix("simulated-esxi-")
        .tempdir_in(&parent)
        .map_err(failed)?;
    // sshd reads the keys as the user that logs in, so the way to them must be open.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).map_err(failed)?;
    Ok(directory)
}

fn read(path: &Path) -> Result<String, SimulatorError> {
    fs::read_to_string(path).map_err(|source| SimulatorError::Files {
        path: path.to_owned(),
        source,
    })
}

fn start_hostd(host: Host, root: &Path) -> Result<Hostd, SimulatorError> {
    let folder = root.join("var/run");
    Hostd::start(host, &folder).map_err(|source| SimulatorError::Hostd {
        path: folder.join("hostd.sock"),
        source,
    })
}

fn start_soap(hostd: &Hostd, root: &Path, tools: &Path) -> Result<Soap, SimulatorError> {
    let program = python::make(root)?;
    chroot::add_python(root, tools)?;
    let soap = Soap::start(hostd.shared()).map_err(|source| SimulatorError::Hostd {
        path: root.to_owned(),
        source,
    })?;
    hostd.shared().state().host.python = Some((program, soap.port()));
    Ok(soap)
}

/// Takes a free port. The socket never listens, so that connections are refused while sshd is
/// away, and it keeps others from taking the port meanwhile.
fn hold_port() -> Result<(OwnedFd, u16), nix::Error> {
    let held = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    setsockopt(&held, sockopt::ReuseAddr, &true)?;
    let any = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
    bind(held.as_raw_fd(), &any)?;
    let port = getsockname::<SockaddrIn>(held.as_raw_fd())?.port();
    Ok((held, port))
}
