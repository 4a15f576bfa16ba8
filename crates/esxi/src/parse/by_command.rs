//! One door to all readers, by the name of the command: for `ecoman parse` and bug reports.

use serde::Serialize;
use serde_json::{Value, json};

use super::create::{created, created_vmid, vmkfstools};
use super::datastore::{datastore_listsummary, vm_datastores};
use super::disk::disk_descriptor;
use super::error::{Excerpt, ParseError};
use super::esxcli::{Listing, filesystem_list, port_groups};
use super::fault_reader::fault;
use super::file_layout::file_layout;
use super::file_lock::file_lock;
use super::getallvms::getallvms;
use super::guest::guest;
use super::host::{cpu_global, host_summary, memory_get, version, vmware_v, vmware_vl};
use super::message::message;
use super::power::power_state;
use super::process::process_list;
use super::snapshot::snapshots;
use super::snapshot_info::snapshot_info;
use super::summary::summary;
use super::task::{task_info, task_list};
use super::vmsd::vmsd;

/// The names that [`by_command`] takes, one per reader.
pub const COMMANDS: &[&str] = &[
    "getallvms",
    "get.summary",
    "power.getstate",
    "message",
    "snapshot.get",
    "get.snapshotinfo",
    "get.filelayoutex",
    "get.guest",
    "get.datastores",
    "hostsummary",
    "datastore.listsummary",
    "version",
    "vmware -v",
    "vmware -vl",
    "cpu.global",
    "memory",
    "filesystem.list",
    "portgroup.list",
    "process.list",
    "task_info",
    "task_list",
    "createdummyvm",
    "registervm",
    "vmkfstools",
    "vmkfstools -D",
    "vmsd",
    "vmdk",
    "fault",
];

/// Reads the output of `command` and returns the facts as JSON, in snake_case.
///
/// `command` is one of [`COMMANDS`] or the command itself as it is typed on a node, arguments and
/// all: `vim-cmd vmsvc/get.summary 14`, `esxcli --formatter=csv storage filesystem list`. Commands
/// that print facts only when they fail (`power.on`, ...) are read as `fault`: `null` where there
/// is none.
///
/// # Errors
/// The reader's; [`ParseError::UnknownCommand`] where there is none for `command`.
pub fn by_command(command: &str, input: &[u8]) -> Result<Value, ParseError> {
    let name = reader_of(command).ok_or_else(|| ParseError::UnknownCommand {
        command: Excerpt::new(command.as_bytes()),
        known: COMMANDS,
    })?;
    match name {
        "getallvms" => json(name, getallvms(input, b"")?),
        "get.summary" => json(name, summary(input)?),
        "power.getstate" => Ok(json!({ "power": power_state(input)? })),
        "message" => Ok(json!({ "question": message(input)? })),
        "snapshot.get" => Ok(json!({ "snapshots": snapshots(input)? })),
        "get.snapshotinfo" => json(name, snapshot_info(input)?),
        "get.filelayoutex" => json(name, file_layout(input)?),
        "get.guest" => json(name, guest(input)?),
        "get.datastores" => Ok(json!({ "datastores": vm_datastores(input)? })),
        "hostsummary" => json(name, host_summary(input)?),
        "datastore.listsummary" => Ok(json!({ "datastores": datastore_listsummary(input)? })),
        "version" => json(name, version(input)?),
        "vmware -v" => json(name, vmware_v(input)?),
        "vmware -vl" => json(name, vmware_vl(input)?),
        "cpu.global" => json(name, cpu_global(input)?),
        "memory" => json(name, memory_get(input)?),
        "filesystem.list" => Ok(listing("datastores", &filesystem_list(input)?)),
        "portgroup.list" => Ok(listing("port_groups", &port_groups(input)?)),
        "process.list" => Ok(json!({ "processes": process_list(input)? })),
        "task_info" => json(name, task_info(input)?),
        "task_list" => Ok(json!({ "tasks": task_list(input)? })),
        "createdummyvm" => Ok(json!({ "vmid": created("createdummyvm", input)? })),
        "registervm" => Ok(json!({ "vmid": created_vmid(input)? })),
        "vmkfstools" => json(name, vmkfstools(input)?),
        "vmkfstools -D" => json(name, file_lock(input)?),
        "vmsd" => json(name, vmsd(input)?),
        "vmdk" => json(name, disk_descriptor(input)?),
        _ => match fault(input)? {
            Some(fault) => {
                let sentence = fault.sentence();
                json(name, fault).map(|mut value| {
                    if let Value::Object(members) = &mut value {
                        members.insert("sentence".to_owned(), Value::String(sentence));
                    }
                    json!({ "fault": value })
                })
            }
            None => Ok(json!({ "fault": null })),
        },
    }
}

fn listing<T: Serialize>(name: &str, list: &Listing<T>) -> Value {
    let mut json = json!({ name: list.rows });
    if let Some(members) = json.as_object_mut().filter(|_| !list.warnings.is_empty()) {
        members.insert("warnings".to_owned(), json!(list.warnings));
    }
    json
}

fn json(reading: &'static str, facts: impl Serialize) -> Result<Value, ParseError> {
    serde_json::to_value(facts).map_err(|error| ParseError::Unexpected {
        reading,
        line: 1,
        reason: format!("the facts cannot be put into JSON: {error}").into(),
        excerpt: Excerpt::new(b""),
    })
}

/// The reader for `command`, one of [`COMMANDS`].
fn reader_of(command: &str) -> Option<&'static str> {
    let command = command.trim();
    if let Some(name) = COMMANDS.iter().find(|name| **name == command) {
        return Some(name);
    }
    let mut words = command.split_ascii_whitespace().peekable();
    let tool = words.next()?;
    let tool = tool
        .rsplit('/')
        .next()
        .filter(|_| tool.starts_with('/'))
        .unwrap_or(tool);
    match tool {
        "vim-cmd" => of_vim_cmd(words.find(|word| !word.starts_with('-'))?),
        "esxcli" => {
            let words: Vec<&str> = words.filter(|word| !word.starts_with('-')).collect();
            of_esxcli(&words)
        }
        "vmware" => match words.next() {
            Some("-v") => Some("vmware -v"),
            None | Some("-vl" | "-lv") => Some("vmware -vl"),
            Some(_) => None,
        },
        "vmkfstools" => Some(match words.next() {
            Some("-D") => "vmkfstools -D",
            _ => "vmkfstools",
        }),
        // The command without its tool.
        word => {
            let all: Vec<&str> = command
                .split_ascii_whitespace()
                .filter(|word| !word.starts_with('-'))
                .collect();
            of_vim_cmd(word).or_else(|| of_esxcli(&all))
        }
    }
}

/// `vmsvc/get.summary`, or without its family.
fn of_vim_cmd(word: &str) -> Option<&'static str> {
    let (family, method) = word.rsplit_once('/').unwrap_or(("", word));
    let name = match (family, method) {
        ("vmsvc" | "", "getallvms") => "getallvms",
        ("vmsvc" | "", "get.summary") => "get.summary",
        ("vmsvc" | "", "power.getstate") => "power.getstate",
        ("vmsvc" | "", "message") => "message",
        ("vmsvc" | "", "snapshot.get") => "snapshot.get",
        ("vmsvc" | "", "get.snapshotinfo") => "get.snapshotinfo",
        ("vmsvc" | "", "get.filelayoutex") => "get.filelayoutex",
        ("vmsvc" | "", "get.tasklist") => "task_list",
        ("vmsvc" | "", "get.guest") => "get.guest",
        ("vmsvc" | "", "get.datastores") => "get.datastores",
        ("hostsvc" | "", "hostsummary") => "hostsummary",
        ("hostsvc/datastore" | "datastore", "listsummary") => "datastore.listsummary",
        ("vimsvc" | "", "task_info") => "task_info",
        ("vimsvc" | "", "task_list") => "task_list",
        ("vmsvc" | "", "createdummyvm") => "createdummyvm",
        ("solo" | "", "registervm") => "registervm",
        ("vmsvc" | "", method)
            if method.starts_with("power.")
                || method.starts_with("snapshot.")
                || matches!(method, "unregister" | "destroy" | "reload") =>
        {
            "fault"
        }
        _ => return None,
    };
    Some(name)
}

/// `storage filesystem list`
fn of_esxcli(words: &[&str]) -> Option<&'static str> {
    let name = match words {
        ["system", "version", "get"] => "version",
        ["hardware", "cpu", "global", "get"] | ["cpu.global.get"] => "cpu.global",
        ["hardware", "memory", "get"] | ["memory.get"] => "memory",
        ["storage", "filesystem", "list"] => "filesystem.list",
        ["network", "vswitch", "standard", "portgroup", "list"] => "portgroup.list",
        ["vm", "process", "list"] => "process.list",
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_be_spelled_as_on_the_node() {
        for (command, name) in [
            ("vim-cmd vmsvc/getallvms", "getallvms"),
            ("/bin/vim-cmd vmsvc/get.summary 14", "get.summary"),
            ("vmsvc/getallvms", "getallvms"),
            ("hostsvc/datastore/listsummary", "datastore.listsummary"),
            ("vim-cmd vmsvc/power.on 3", "fault"),
            ("esxcli system version get", "version"),
            (
                "esxcli --formatter=csv storage filesystem list",
                "filesystem.list",
            ),
            ("--formatter=csv storage filesystem list", "filesystem.list"),
            ("vmware", "vmware -vl"),
            ("vmware -vl", "vmware -vl"),
            ("/sbin/vmkfstools -c 30G x.vmdk", "vmkfstools"),
            ("solo/registervm", "registervm"),
        ] {
            assert_eq!(reader_of(command), Some(name), "{command}");
        }
        assert_eq!(reader_of("rm -rf /"), None);
    }

    #[test]
    fn every_command_has_a_reader_of_its_own() {
        for command in COMMANDS {
            assert_eq!(reader_of(command), Some(*command));
            // Nothing is never a fact but for these two.
            let empty = by_command(command, b"");
            assert_eq!(
                empty.is_ok(),
                matches!(*command, "fault" | "process.list" | "vmsd"),
                "{command}: {empty:?}"
            );
        }
    }
}
