//! How to talk to ESXi: hosts.yml, SSH sessions, commands, and reading what hosts print.
//!
//! Knows neither the store nor HTTP. Reading is apart from talking: [`parse`] holds pure
//! functions from bytes to facts, and the session knows nothing of what it carries.

pub mod hostd;
pub mod parse;

mod command;
mod hosts;
mod public_key;
mod session;
mod trust;
mod vmx;

pub use command::{Command, FILE_CHANGED, NO_FILE_MADE};
pub use hosts::{Host, Hosts, HostsError, HostsProblem, HostsWatch, trust_command};
pub use session::{
    ACCOUNT_UNLOCK_TIME, Counts, Exhausted, Output, Quota, RefusedLogins, Session, SessionError,
    SessionFault, SessionOptions, login_pause,
};
pub use trust::{ChangedKey, HostKey, Trust, TrustError, host_keys, known, pin};
pub use vmx::{
    VmxCdrom, VmxDevices, VmxDisk, VmxEditError, VmxFor, VmxNic, edit_vmx, is_made_by, named_files,
    vmx, vmx_devices, vmx_value,
};
