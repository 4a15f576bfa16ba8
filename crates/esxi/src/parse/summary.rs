//! `vim-cmd vmsvc/get.summary ID`: all that a node says of one VM.

use std::fmt;
use std::ops::RangeInclusive;

use ecoman_model::{PowerState, VmFacts, Vmid};
use serde::Serialize;

use super::dump::{Item, Trailing};
use super::error::ParseError;
use super::fault_reader;
use super::input::Input;
use super::message::{Choice, Question, is_message_key, split_key, without_mnemonic};
use super::object::DataObject;
use super::words::{power_word, vmid_of_reference};

const READING: &str = "get.summary";

/// What `vim-cmd vmsvc/get.summary ID` says (vim.vm.Summary).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The VM, out of `vm = 'vim.VirtualMachine:14'`.
    pub vmid: Option<Vmid>,
    /// The facts that the store keeps.
    #[serde(flatten)]
    pub facts: VmFacts,
    /// `config.template`: a template cannot be powered on.
    pub template: Option<bool>,
    /// `config.instanceUuid`: unlike the BIOS UUID not kept by a copy.
    pub instance_uuid: Option<String>,
    /// `config.guestId`, the configured guest operating system: `ubuntu64Guest`.
    pub guest_id: Option<String>,
    /// `runtime.consolidationNeeded`: disks of removed snapshots are left over.
    pub consolidation_needed: Option<bool>,
    /// What was read, but not without loss: sentences for the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Reads what `vim-cmd vmsvc/get.summary ID` printed.
///
/// For name, path and note this is the authority; the table of `getallvms` is cut to columns.
/// `<unset>`, null structures and empty texts become `None`. A name that is not UTF-8 is kept
/// with U+FFFD, and `warnings` says so.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault instead (VM not found, hostd down);
/// [`ParseError::Truncated`] where the last bracket is missing; [`ParseError::Value`] where a
/// number is none, is negative or does not fit; else the line that is not as it should be.
pub fn summary(stdout: &[u8]) -> Result<Summary, ParseError> {
    let input = Input::with_text(READING, stdout)?;
    let dump = fault_reader::expect_dump(&input, &["vim.vm.Summary"], Trailing::Refused)?;
    dump.root().map_or_else(
        || Err(input.truncated("the dump is empty")),
        |root| of_dump(&input, root),
    )
}

/// `name` with `%2f`, `%5c` and `%25` turned back to `/`, `\` and `%`.
///
/// The API stores these three characters of a name so, and no others: any other `%` stays.
#[must_use]
pub fn decoded_name(name: &str) -> String {
    let mut decoded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let code = after.get(..2).unwrap_or_default();
        let character = match code.to_ascii_lowercase().as_str() {
            "2f" => Some('/'),
            "5c" => Some('\\'),
            "25" => Some('%'),
            _ => None,
        };
        decoded.push(character.unwrap_or('%'));
        rest = match character {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    decoded.push_str(rest);
    decoded
}

/// The datastore of a path such as `[datastore1 (1)] web/web.vmx`; infrastructure VMs (`[]`)
/// have none.
pub(super) fn datastore_of(path: &str) -> Option<&str> {
    let inner = path.strip_prefix('[')?;
    let (name, _) = inner.split_once("] ").or_else(|| inner.split_once(']'))?;
    (!name.is_empty()).then_some(name)
}

fn of_dump(input: &Input<'_>, root: Item<'_>) -> Result<Summary, ParseError> {
    let mut summary = of_object(root)?;
    if let Some(reference) = root.reference("vm")? {
        let vmid = vmid_of_reference(&reference).ok_or_else(|| {
            root.get("vm").map_or_else(
                || input.truncated("no VM"),
                |vm| vm.error("a reference to a VM such as 'vim.VirtualMachine:14'"),
            )
        })?;
        summary.vmid = Some(vmid);
    }
    Ok(summary)
}

/// Reads a vim.vm.Summary, all but the reference to its VM.
pub(crate) fn of_object(root: impl DataObject) -> Result<Summary, ParseError> {
    let mut summary = Summary::default();
    let warnings = &mut summary.warnings;
    let facts = &mut summary.facts;

    facts.overall_status = root.some_text("overallStatus", warnings)?;

    if let Some(runtime) = root.structure("runtime")? {
        facts.power = runtime
            .text("powerState", warnings)?
            .map_or(PowerState::Unknown, |word| power_word(&word));
        facts.connection_state = runtime.some_text("connectionState", warnings)?;
        facts.booted_at = runtime.time("bootTime")?;
        summary.consolidation_needed = runtime.boolean("consolidationNeeded")?;
        facts.question = runtime
            .structure("question")?
            .map(|pending| question(pending, warnings).map(Into::into))
            .transpose()?;
    }

    let mut reported_guest_os = None;
    if let Some(guest) = root.structure("guest")? {
        facts.hostname = guest.some_text("hostName", warnings)?;
        facts.ip_address = guest.some_text("ipAddress", warnings)?;
        facts.tools_status = tools_status(
            guest.some_text("toolsStatus", warnings)?,
            guest.some_text("toolsRunningStatus", warnings)?.as_deref(),
            match guest.some_text("toolsVersionStatus2", warnings)? {
                None => guest.some_text("toolsVersionStatus", warnings)?,
                status => status,
            }
            .as_deref(),
        );
        reported_guest_os = guest.some_text("guestFullName", warnings)?;
        facts.hardware_version = guest.some_text("hwVersion", warnings)?;
    }

    if let Some(config) = root.structure("config")? {
        facts.name = config
            .text("name", warnings)?
            .filter(|name| !name.is_empty())
            .map(|name| decoded_name(&name));
        facts.uuid = config.some_text("uuid", warnings)?;
        facts.cpus = within(&CPUS, config.number("numCpu")?, "numCpu", warnings);
        facts.memory_mb = within(
            &MEMORY_MB,
            config.number("memorySizeMB")?,
            "memorySizeMB",
            warnings,
        );
        facts.nic_count = config.number("numEthernetCards")?;
        facts.disk_count = config.number("numVirtualDisks")?;
        facts.vmx_path = config.some_text("vmPathName", warnings)?;
        facts.datastore = facts
            .vmx_path
            .as_deref()
            .and_then(datastore_of)
            .map(str::to_owned);
        facts.comment = config
            .block("annotation", warnings)?
            .filter(|note| !note.is_empty());
        if let Some(version) = config.some_text("hwVersion", warnings)? {
            facts.hardware_version = Some(version);
        }
        summary.template = config.boolean("template")?;
        summary.instance_uuid = config.some_text("instanceUuid", warnings)?;
        summary.guest_id = config.some_text("guestId", warnings)?;
        facts.guest_os = match reported_guest_os {
            Some(reported) => Some(reported),
            None => config
                .some_text("guestFullName", warnings)?
                .or_else(|| summary.guest_id.clone()),
        };
    } else {
        facts.guest_os = reported_guest_os;
    }

    if let Some(storage) = root.structure("storage")? {
        facts.storage_bytes = storage.number("committed")?;
        facts.storage_uncommitted_bytes = storage.number("uncommitted")?;
    }

    if let Some(usage) = root.structure("quickStats")? {
        facts.uptime_seconds = usage.number("uptimeSeconds")?;
        facts.cpu_usage_mhz = usage.number("overallCpuUsage")?;
        facts.guest_memory_mb = usage.number("guestMemoryUsage")?;
        facts.host_memory_mb = usage.number("hostMemoryUsage")?;
    }
    Ok(summary)
}

/// Virtual CPUs that a VM can have: 8.0 allows 768.
const CPUS: RangeInclusive<u32> = 1..=4096;

/// Memory that a VM can have: 8.0 allows 24 TB.
const MEMORY_MB: RangeInclusive<u64> = 1..=1 << 30;

/// A size, unless no VM has such a one.
fn within<T: PartialOrd + fmt::Display + Copy>(
    range: &RangeInclusive<T>,
    size: Option<T>,
    field: &str,
    warnings: &mut Vec<String>,
) -> Option<T> {
    let odd = size.filter(|size| !range.contains(size));
    warnings.extend(
        odd.map(|size| format!("{field} is {size}, which is impossible for a VM: ignored")),
    );
    size.filter(|size| range.contains(size))
}

/// The state of VMware Tools, in the words of `toolsStatus`.
///
/// That member is deprecated since 4.0, and where the guest brings its own Tools (open-vm-tools) it
/// may say `toolsNotInstalled` while they run. `running` (`toolsRunningStatus`) and `version`
/// (`toolsVersionStatus2`) are what the host itself goes by; where they are there, they decide. So
/// every reader of this fact (the rule for a change of power, the page, a filter) gets the
/// answer that is true, and the words of the API stay those that they were.
fn tools_status(
    deprecated: Option<String>,
    running: Option<&str>,
    version: Option<&str>,
) -> Option<String> {
    let (runs, installed) = match (running, version) {
        // They start or stop, which no word of `toolsStatus` says: the host refuses by itself
        // what it cannot ask of the guest.
        (Some("guestToolsRunning" | "guestToolsExecutingScripts"), _) => (true, true),
        (Some("guestToolsNotRunning"), Some("guestToolsNotInstalled")) => (false, false),
        (Some("guestToolsNotRunning"), Some(_)) => (false, true),
        (Some("guestToolsNotRunning"), None) => {
            (false, deprecated.as_deref() != Some("toolsNotInstalled"))
        }
        // No word, or one of a release to come.
        _ => return deprecated,
    };
    let is_old = match version {
        Some(version) => matches!(
            version,
            "guestToolsNeedUpgrade"
                | "guestToolsSupportedOld"
                | "guestToolsTooOld"
                | "guestToolsBlacklisted"
        ),
        None => deprecated.as_deref() == Some("toolsOld"),
    };
    let word = match (runs, installed) {
        (true, _) if is_old => "toolsOld",
        (true, _) => "toolsOk",
        (false, true) => "toolsNotRunning",
        (false, false) => "toolsNotInstalled",
    };
    Some(word.to_owned())
}

/// vim.vm.QuestionInfo: the same question that `vmsvc/message` prints.
fn question(pending: impl DataObject, warnings: &mut Vec<String>) -> Result<Question, ParseError> {
    let (key, text) = split_key(&pending.block("text", warnings)?.unwrap_or_default());
    let mut question = Question {
        id: pending.text("id", warnings)?.unwrap_or_default(),
        key,
        text,
        choices: Vec::new(),
    };
    if let Some(choice) = pending.structure("choice")? {
        let default = choice.number::<usize>("defaultIndex")?;
        for (place, option) in choice.elements("choiceInfo")?.into_iter().enumerate() {
            let key = option.text("key", warnings)?.unwrap_or_default();
            let mut for_programs = option.some_text("summary", warnings)?;
            let mut label = option.some_text("label", warnings)?;
            // hostd itself names the key as the label.
            if label.as_deref().is_some_and(is_message_key) && for_programs.is_some() {
                std::mem::swap(&mut for_programs, &mut label);
            }
            question.choices.push(Choice {
                // The API's key of a choice is its number.
                index: key
                    .parse()
                    .unwrap_or(u32::try_from(place).unwrap_or(u32::MAX)),
                key: for_programs,
                label: without_mnemonic(&label.unwrap_or(key)),
                default: default == Some(place),
            });
        }
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_codes_of_the_api_are_decoded() {
        assert_eq!(decoded_name("a%2fb%5Cc%25d"), r"a/b\c%d");
        assert_eq!(decoded_name("100%"), "100%");
        assert_eq!(decoded_name("%41 %2"), "%41 %2");
        assert_eq!(decoded_name("%252f"), "%2f");
        assert_eq!(decoded_name("%é"), "%é");
    }

    #[test]
    fn what_the_host_goes_by_decides_whether_tools_run() {
        for (deprecated, running, version, status) in [
            // The guest brings its own Tools.
            (
                "toolsNotInstalled",
                "guestToolsRunning",
                "guestToolsNotInstalled",
                "toolsOk",
            ),
            (
                "toolsNotRunning",
                "guestToolsRunning",
                "guestToolsUnmanaged",
                "toolsOk",
            ),
            (
                "toolsNotRunning",
                "guestToolsExecutingScripts",
                "guestToolsCurrent",
                "toolsOk",
            ),
            (
                "toolsOld",
                "guestToolsRunning",
                "guestToolsNeedUpgrade",
                "toolsOld",
            ),
            (
                "toolsOk",
                "guestToolsRunning",
                "guestToolsSupportedOld",
                "toolsOld",
            ),
            ("", "guestToolsRunning", "", "toolsOk"),
            (
                "",
                "guestToolsNotRunning",
                "guestToolsUnmanaged",
                "toolsNotRunning",
            ),
            (
                "toolsOk",
                "guestToolsNotRunning",
                "guestToolsCurrent",
                "toolsNotRunning",
            ),
            (
                "toolsNotInstalled",
                "guestToolsNotRunning",
                "",
                "toolsNotInstalled",
            ),
            (
                "toolsNotRunning",
                "guestToolsNotRunning",
                "guestToolsNotInstalled",
                "toolsNotInstalled",
            ),
            // A host that does not say, or says a word of a release to come.
            ("toolsOld", "", "", "toolsOld"),
            (
                "toolsOk",
                "guestToolsDreaming",
                "guestToolsCurrent",
                "toolsOk",
            ),
        ] {
            let some = |word: &'static str| Some(word).filter(|word| !word.is_empty());
            assert_eq!(
                tools_status(
                    some(deprecated).map(str::to_owned),
                    some(running),
                    some(version)
                ),
                Some(status.to_owned()),
                "{deprecated} {running} {version}"
            );
        }
        assert_eq!(tools_status(None, None, None), None);
    }

    #[test]
    fn a_number_that_no_node_means_is_not_said() {
        let read = |number: &str| {
            let dump = format!(
                "(vim.vm.Summary) {{\n   quickStats = (vim.vm.Summary.QuickStats) {{\n      \
                 uptimeSeconds = {number}\n   }}\n}}\n"
            );
            summary(dump.as_bytes()).map(|summary| summary.facts.uptime_seconds)
        };
        let most = 1_u64 << 53;
        assert_eq!(read(&most.to_string()).unwrap(), Some(most));
        for implausible in [
            "9007199254740993",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-1",
            "-4096",
        ] {
            assert_eq!(read(implausible).unwrap(), None, "{implausible}");
        }
        for none in ["", "-", "1.5", "0x10", "--1"] {
            assert!(read(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_size_that_no_vm_has_is_not_said_and_warned_about() {
        let read = |config: &str| {
            let dump = format!(
                "(vim.vm.Summary) {{\n   config = (vim.vm.Summary.ConfigSummary) {{\n{config}   \
                 }}\n}}\n"
            );
            summary(dump.as_bytes()).unwrap()
        };
        let odd = read("      numCpu = 0,\n      memorySizeMB = 99999999999\n");
        assert_eq!((odd.facts.cpus, odd.facts.memory_mb), (None, None));
        assert_eq!(
            odd.warnings,
            [
                "numCpu is 0, which is impossible for a VM: ignored",
                "memorySizeMB is 99999999999, which is impossible for a VM: ignored",
            ]
        );
        let good = read("      numCpu = 768,\n      memorySizeMB = 4\n");
        assert_eq!(
            (good.facts.cpus, good.facts.memory_mb),
            (Some(768), Some(4))
        );
    }

    #[test]
    fn a_time_of_a_wrong_clock_is_not_said() {
        let read = |time: &str| {
            let dump = format!(
                "(vim.vm.Summary) {{\n   runtime = (vim.vm.RuntimeInfo) {{\n      bootTime = \
                 \"{time}\"\n   }}\n}}\n"
            );
            summary(dump.as_bytes()).unwrap().facts.booted_at
        };
        assert_eq!(read("1970-01-01T00:00:07Z"), None);
        assert_eq!(read("9999-12-31T23:59:59Z"), None);
        assert!(read("2024-01-08T19:02:55Z").is_some());
    }

    #[test]
    fn a_datastore_stands_in_brackets() {
        assert_eq!(
            datastore_of("[datastore1 (1)] a/a.vmx"),
            Some("datastore1 (1)")
        );
        assert_eq!(datastore_of("[] /var/run/crx/x.vmx"), None);
        assert_eq!(datastore_of("/vmfs/volumes/x/x.vmx"), None);
    }
}
