//! What hosts print, read into facts: pure functions that never panic and never guess.
//!
//! Each function takes the bytes that one command printed and returns facts or a [`ParseError`]
//! that names command, line and reason. They all hold to these rules:
//!
//! - Output of no version is known to come from a given version: punctuation of 5.x and of 6.0
//!   and later, members that are missing, new or in another order, and CR LF line ends are read.
//! - What the node does not say is `None`, never 0 or an empty text. A value of another kind or
//!   out of range is an error.
//! - Output that was cut is an error. Where the cut falls so that the rest is itself what a host
//!   could have printed, the documentation of the function says so.
//! - Where free text (a note, a message) makes two readings possible and nothing decides which is
//!   right, it is an error.
//! - Reading takes time and memory in proportion to the output, of which at most
//!   [`MAX_INPUT_BYTES`] are taken.

mod by_command;
mod create;
mod datastore;
mod disk;
mod dump;
mod error;
mod esxcli;
mod fault;
mod fault_reader;
mod file_layout;
mod file_lock;
mod getallvms;
mod guest;
mod host;
mod input;
mod iso;
mod message;
mod object;
mod power;
mod process;
mod snapshot;
mod snapshot_info;
mod summary;
mod task;
mod vmsd;
mod words;

pub use by_command::{COMMANDS, by_command};
pub use create::{DiskDone, created_vmid, vmkfstools};
pub use datastore::{datastore_listsummary, vm_datastores};
pub use disk::{DiskDescriptor, disk_descriptor};
pub use error::{Excerpt, MAX_INPUT_BYTES, ParseError};
pub use esxcli::{Listing, filesystem_list, port_groups};
pub use fault::{Fault, FaultClass, FaultMessage};
pub use fault_reader::{classify, fault, fault_of, reason};
pub use file_layout::{FileLayout, LayoutFile, SnapshotLayout, file_layout};
pub use file_lock::{FileLock, file_lock};
pub(crate) use getallvms::largest_table;
pub use getallvms::{VmList, VmRow, getallvms, proposed_vms};
pub use guest::{Guest, GuestDisk, GuestNic, guest};
pub use host::{
    CpuGlobal, MemoryGet, cpu_global, host_summary, memory_get, version, vmware_v, vmware_vl,
};
pub use iso::iso_images;
pub use message::{Choice, Question, message};
pub use power::power_state;
pub use process::{Process, process_list};
pub use snapshot::{Snapshot, snapshots};
pub use snapshot_info::{SnapshotInfo, SnapshotNode, snapshot_info};
pub use summary::{Summary, decoded_name, summary};
pub use task::{TaskInfo, TaskState, task_info, task_list};
pub use vmsd::vmsd;

pub(crate) use host::of_object as host_of_object;
pub(crate) use input::{block_text, digits, instant, line_text, plausible};
pub(crate) use object::DataObject;
pub(crate) use summary::of_object as summary_of_object;
