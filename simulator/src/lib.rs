//! A simulated ESXi node behind a real sshd, for tests, benchmarks and the demo.
//!
//! ```no_run
//! use ecoman_simulator::{Fault, NodeSpec, Scope, SimulatedNode, VmSpec};
//!
//! let node = SimulatedNode::start(
//!     NodeSpec::new("esxi-01").vm(VmSpec::new("web").on().ip("192.0.2.1")),
//! )?;
//! println!("{}{}", node.hosts_yml_entry(), node.known_hosts_line());
//! node.set_fault(Fault::Hang(Scope::command("get.summary")))?;
//! # Ok::<(), ecoman_simulator::SimulatorError>(())
//! ```
//!
//! A node is a real OpenSSH server on a free port of 127.0.0.1. What it starts is busybox's ash
//! in a chroot with the commands of an ESXi host; `vim-cmd`, `esxcli`, `vmkfstools` and `vmware`
//! there are one small static program that asks a simulated hostd, a thread of this process,
//! which holds the state. Volumes, `.vmx` files and disks are real (sparse) files in the chroot.
//!
//! It needs Linux, openssh-server and busybox (busybox-static on Debian and Ubuntu), and either
//! root or user namespaces for ordinary users. The one who logs in is the user that runs it.
//!
//! Outputs follow the release line ([`Generation`]) byte for byte where it is known what a host
//! prints; `tests/data` holds what it is held to. This crate links no other crate of the
//! workspace: what it prints must not be shaped by the parsers that read it.

mod chroot;
mod commands;
mod demo;
mod dump;
mod error;
mod fault;
mod guest_os;
mod host;
mod hostd;
mod node;
mod python;
mod snapshot_state;
mod snapshots;
mod soap;
mod spec;
mod sshd;
mod summary;
mod vm;
mod vmx;

pub use error::SimulatorError;
pub use fault::{Fault, HostdDown, Scope, SoapFault};
pub use hostd::{Call, CallOutcome, RemoteCommand};
pub use node::SimulatedNode;
pub use snapshot_state::SnapshotState;
pub use spec::{
    DatastoreSpec, Generation, GuestSpec, Hardware, NodeSpec, PortGroupSpec, Power, PowerOn,
    Release, SnapshotSpec, Timestamp, Timing, Tools, VmSpec, VolumeKind,
};
pub use vm::{Activity, Question, Vm};
