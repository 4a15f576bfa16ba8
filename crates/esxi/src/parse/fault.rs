//! The fault: what a host says instead of carrying out a command.

use std::collections::BTreeMap;
use std::fmt;

use ecoman_model::{PowerState, Vmid, marks};
use serde::Serialize;

use super::words::vmid_of_reference;

/// What a host said instead of doing it.
///
/// The forms: a dump of a fault (`(vim.fault.NotFound) {`), alone, behind a verb line
/// (`Powering on VM:`, 5.x) or behind its own prefix (`Power on failed: (...) {`, 8.0); a bare
/// sentence (`Power on failed`, 6.x; `Failed to login: ...`; vmkfstools, esxcli and shell errors).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What it means for us.
    pub class: FaultClass,
    /// The type of a dumped fault: `vim.fault.InvalidPowerState`, `vmodl.fault.ManagedObjectNotFound`.
    pub kind: Option<String>,
    /// What was tried, in the host's words: `Power on`, `Failed to clone disk`.
    pub operation: Option<String>,
    /// What the host says, its `msg` or its sentence.
    pub message: Option<String>,
    /// `reason`, which says more than `msg` for some faults.
    pub reason: Option<String>,
    /// `requestedState`: the power state that was asked for.
    pub requested_state: Option<PowerState>,
    /// `existingState`: the power state that the VM is in.
    pub existing_state: Option<PowerState>,
    /// `name`: for vim.fault.AlreadyExists who has it already, the id of a VM (maybe of an
    /// invalid one, which getallvms does not list) or a path.
    pub name: Option<String>,
    /// `obj`: what was not found, `vim.VirtualMachine:26`.
    pub object: Option<String>,
    /// The number in parentheses at the end of a sentence of vmkfstools: `1835017`.
    pub code: Option<i64>,
    /// The host's messages, from the cause to the outcome (`faultMessage`).
    pub messages: Vec<FaultMessage>,
    /// The other members that hold a text, a number or a word: `unreserved`, `datastore`, ...
    pub details: BTreeMap<String, String>,
}

/// One of the messages of a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultMessage {
    /// For programs: `msg.pci.noslotavail`.
    pub key: String,
    /// For people, in the host's language.
    pub text: Option<String>,
}

/// What a [`Fault`] means for us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultClass {
    /// The host's management agent (hostd) does not answer, is overloaded or restarts: nothing
    /// is known about any VM. It is worth to try again later.
    HostdDown,
    /// There is no VM of this id.
    NotFound,
    /// A file or a datastore is not there, or cannot be reached. Says nothing of whether a VM is
    /// registered: its files may be away for a while.
    FileNotFound,
    /// The VM, the name or the file is there already.
    AlreadyExists,
    /// The VM's power state does not allow it.
    InvalidPowerState,
    /// VMware Tools do not run in the guest, so it cannot be asked.
    ToolsUnavailable,
    /// The datastore is full.
    NoSpace,
    /// The host has too little memory or CPU left.
    InsufficientResources,
    /// A file or a VM is in use or has another task running.
    Busy,
    /// The VM's configuration is not accepted.
    Configuration,
    /// The licence or the account does not allow it.
    NotAllowed,
    /// The host has no such command.
    UnknownCommand,
    /// The task was cancelled.
    Cancelled,
    /// None of these.
    #[default]
    Other,
}

impl Fault {
    /// What happened, as one sentence for the user, of some hundred characters at most.
    #[must_use]
    pub fn sentence(&self) -> String {
        let said = shortened(&self.said());
        match self.class {
            FaultClass::InvalidPowerState => match (self.requested_state, self.existing_state) {
                (Some(requested), Some(existing)) if requested == existing => {
                    format!("The VM is already {}.", power_in_words(existing))
                }
                (_, Some(existing)) => {
                    format!("Not possible: the VM is {}.", power_in_words(existing))
                }
                _ => said,
            },
            FaultClass::HostdDown => format!(
                "The management agent (hostd) of the host is not responding: {}",
                sentence_of(&said)
            ),
            FaultClass::ToolsUnavailable => "VMware Tools is not running in the guest.".to_owned(),
            FaultClass::AlreadyExists => match self.holder() {
                Some(holder) => format!("The file is already registered as VM {holder}."),
                None => said,
            },
            _ => said,
        }
    }

    /// The VM that has already what was to be registered (`name` of vim.fault.AlreadyExists).
    #[must_use]
    pub fn holder(&self) -> Option<Vmid> {
        if self.class == FaultClass::AlreadyExists {
            self.name.as_deref()?.parse().ok()
        } else {
            None
        }
    }

    /// The VM that was not found (`obj` of vmodl.fault.ManagedObjectNotFound).
    #[must_use]
    pub fn missing_vm(&self) -> Option<Vmid> {
        vmid_of_reference(self.object.as_deref()?)
    }

    /// Whether the node says of this very VM that it does not know it. A file or a datastore that
    /// is not there, a library of the tool that is gone, or any other fault does not say so.
    #[must_use]
    pub fn says_unknown(&self, vmid: Vmid) -> bool {
        self.class == FaultClass::NotFound
            && (self.missing_vm() == Some(vmid)
                || self.message.as_deref().is_some_and(|message| {
                    message.contains(&format!("Unable to find a VM corresponding to \"{vmid}\""))
                }))
    }

    /// The host's own words in one sentence.
    fn said(&self) -> String {
        let words = [self.reason.as_deref(), self.message.as_deref()]
            .into_iter()
            .flatten()
            .chain(
                self.messages
                    .iter()
                    .filter_map(|message| message.text.as_deref()),
            )
            .map(str::trim)
            .find(|words| !words.is_empty());
        match (self.operation.as_deref(), words, self.kind.as_deref()) {
            (Some(operation), Some(words), _) => {
                format!("{}: {}", failure_of(operation), sentence_of(words))
            }
            (None, Some(words), _) => sentence_of(words),
            (Some(operation), None, Some(kind)) => format!("{}: {kind}.", failure_of(operation)),
            (Some(operation), None, None) => {
                format!("{}; the host gives no reason.", failure_of(operation))
            }
            (None, None, Some(kind)) => format!("The host reports {kind}."),
            (None, None, None) => "The host reports a failure without a reason.".to_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

fn power_in_words(state: PowerState) -> &'static str {
    match state {
        PowerState::On => "powered on",
        PowerState::Off => "powered off",
        PowerState::Suspended => "suspended",
        PowerState::Unknown => "in an unknown power state",
    }
}

/// That an operation failed: `Power on failed`. Some hosts say so themselves: `Failed to clone disk`.
fn failure_of(operation: &str) -> String {
    const SAY_SO: [&str; 5] = ["Failed ", "Unable ", "Cannot ", "Could not ", "Error "];
    if SAY_SO.iter().any(|words| operation.starts_with(words)) {
        operation.to_owned()
    } else {
        format!("{operation} failed")
    }
}

/// `words` with a full stop. Hosts leave the end of `A general system error occurred: ` empty, and
/// put blanks in front of colons.
fn sentence_of(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = marks::plain_line(&words).replace(" :", ":");
    let words = words.trim_end_matches([':', ';', ',', '-', ' ']);
    let is_ended = words
        .trim_end_matches(['"', '\'', ')'])
        .ends_with(['.', '!', '?', '…']);
    match words.strip_suffix("..") {
        Some(words) if !words.ends_with('.') => format!("{words}."),
        _ if is_ended => words.to_owned(),
        _ => format!("{words}."),
    }
}

/// A sentence that fits into a message: what hosts print in a line is at most this long.
pub(super) fn shortened(words: &str) -> String {
    const MAX_CHARS: usize = 500;
    match words.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_host_become_one_sentence() {
        let sentence = |operation: Option<&str>, message: &str| {
            Fault {
                operation: operation.map(str::to_owned),
                message: Some(message.to_owned()),
                ..Fault::default()
            }
            .sentence()
        };
        for (operation, message, expected) in [
            (
                None,
                "A general system error occurred: ",
                "A general system error occurred.",
            ),
            (
                None,
                "A specified parameter was not correct:\n",
                "A specified parameter was not correct.",
            ),
            (
                None,
                "Failed to clone disk : No space left on device",
                "Failed to clone disk: No space left on device.",
            ),
            (
                Some("Failed to clone disk"),
                "The file is there already..",
                "Failed to clone disk: The file is there already.",
            ),
            (
                Some("Power on"),
                "Module 'MonitorLoop' power on failed. ",
                "Power on failed: Module 'MonitorLoop' power on failed.",
            ),
            (None, "It waits...", "It waits..."),
            (
                None,
                "The answer was \"It is busy.\"",
                "The answer was \"It is busy.\"",
            ),
        ] {
            assert_eq!(sentence(operation, message), expected);
        }
    }
}
