//! Finds a fault in an output, in all the forms in which a host's tools report one.

use super::dump::{self, Dump, Item, Trailing};
use super::error::ParseError;
use super::fault::{Fault, FaultClass, FaultMessage, shortened};
use super::input::{self, Input, digits};
use super::words::power_word;

const READING: &str = "fault";

/// Looks for a failure in what a command printed, on either stream or on both merged; `None`:
/// there is none in it.
///
/// # Errors
/// Where a fault was dumped but its dump is cut or cannot be read.
pub fn fault(output: &[u8]) -> Result<Option<Fault>, ParseError> {
    let input = Input::new(READING, output)?;
    if let Some(start) = dump::find(&input) {
        let dump = dump::read(&input, &start, Trailing::Refused)
            .or_else(|_| dump::read(&input, &start, Trailing::Allowed))?;
        if let Some(root) = dump.root().filter(|root| is_fault(&root.kind())) {
            return of_dump(root, start.prefix).map(Some);
        }
        return Ok(None);
    }
    let found = in_words(&input)?;
    // Half a line may be the beginning of a fault.
    if found.is_none() && !input.bytes.is_empty() && !input.bytes.ends_with(b"\n") {
        return Err(input.truncated("the last line has no line end"));
    }
    Ok(found)
}

/// The failure in what a command printed on its two streams: the dump of a fault before words,
/// and standard error before standard output.
#[must_use]
pub fn fault_of(stdout: &[u8], stderr: &[u8]) -> Option<Fault> {
    let faults: Vec<Fault> = [stderr, stdout]
        .into_iter()
        .filter_map(|stream| fault(stream).ok().flatten())
        .collect();
    let dumped = faults.iter().position(|fault| fault.kind.is_some());
    faults.into_iter().nth(dumped.unwrap_or(0))
}

/// Why a command failed, as one sentence: the node's own words where there are any, else its exit
/// code.
#[must_use]
pub fn reason(stdout: &[u8], stderr: &[u8], exit: i32) -> String {
    if let Some(fault) = fault_of(stdout, stderr) {
        return fault.sentence();
    }
    let words = [stderr, stdout].into_iter().find_map(|stream| {
        let line = stream
            .rsplit(|&byte| matches!(byte, b'\n' | b'\r'))
            .map(<[u8]>::trim_ascii)
            .find(|line| !line.is_empty())?;
        Some(input::words(line))
    });
    match words {
        Some(words) => format!("{} (exit code {exit}).", words.trim_end_matches('.')),
        None => format!("Exit code {exit}, no output."),
    }
}

/// What a failure means, by what the command printed on either stream; `None`: there is no
/// failure in it, or it cannot be read. Finds above all a dead management agent
/// ([`FaultClass::HostdDown`]) from a VM that is gone ([`FaultClass::NotFound`]).
#[must_use]
pub fn classify(output: &[u8]) -> Option<FaultClass> {
    fault(output).ok().flatten().map(|fault| fault.class)
}

/// The dump of one of `kinds` in `input`; if there is another thing, the fault that it reports.
pub(super) fn expect_dump<'i>(
    input: &'i Input<'_>,
    kinds: &[&str],
    trailing: Trailing,
) -> Result<Dump<'i>, ParseError> {
    let Some(start) = dump::find(input) else {
        return Err(or_unexpected(input, "no dump `(TYPE) {`"));
    };
    let dump = dump::read(input, &start, trailing)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    let kind = root.kind();
    if kinds.contains(&kind.as_ref()) {
        return Ok(dump);
    }
    if is_fault(&kind) {
        return Err(ParseError::Fault {
            reading: input.reading,
            fault: Box::new(of_dump(root, start.prefix)?),
        });
    }
    Err(root.error("the object that this command prints"))
}

/// The fault that `input` reports, or that its first line is not the expected one.
pub(super) fn or_unexpected(input: &Input<'_>, reason: &'static str) -> ParseError {
    let fault = match dump::find(input) {
        Some(start) => dump::read(input, &start, Trailing::Allowed)
            .ok()
            .and_then(|dump| {
                let root = dump.root().filter(|root| is_fault(&root.kind()))?;
                of_dump(root, start.prefix).ok()
            }),
        None => match in_words(input) {
            Ok(fault) => fault,
            Err(error) => return error,
        },
    };
    if let Some(fault) = fault {
        return ParseError::Fault {
            reading: input.reading,
            fault: Box::new(fault),
        };
    }
    match input
        .lines_from(0)
        .find(|line| !line.text.trim_ascii().is_empty())
    {
        Some(line) => input.unexpected_or_cut(line, reason),
        None => ParseError::Empty {
            reading: input.reading,
        },
    }
}

/// The fault in a structure such as `error` of vim.TaskInfo.
pub(super) fn of_structure(item: Item<'_>) -> Result<Fault, ParseError> {
    of_dump(item, b"")
}

fn is_fault(kind: &str) -> bool {
    kind.contains(".fault.") || kind.ends_with("Fault")
}

fn of_dump(root: Item<'_>, prefix: &[u8]) -> Result<Fault, ParseError> {
    let kind = root.kind().into_owned();
    let mut fault = Fault {
        class: class_of_kind(&kind),
        kind: Some(kind),
        operation: operation(prefix),
        ..Fault::default()
    };
    let mut warnings = Vec::new();
    for member in root.children().filter(|member| member.is_set()) {
        let name = member.name();
        match name.as_ref() {
            "msg" => fault.message = Some(member.as_block(&mut warnings)?),
            "reason" => fault.reason = member.as_words(),
            "requestedState" => fault.requested_state = member.as_words().map(|w| power_word(&w)),
            "existingState" => fault.existing_state = member.as_words().map(|w| power_word(&w)),
            "name" => fault.name = member.as_words(),
            "obj" => fault.object = member.as_words(),
            "faultMessage" => fault.messages = messages(root, &mut warnings)?,
            _ => {
                if let Some(words) = member.as_words() {
                    fault.details.insert(name.into_owned(), words);
                }
            }
        }
    }
    if fault.class == FaultClass::Other
        && let Some(message) = &fault.message
    {
        fault.class = class_of_words(message);
    }
    Ok(fault)
}

fn messages(root: Item<'_>, warnings: &mut Vec<String>) -> Result<Vec<FaultMessage>, ParseError> {
    root.elements("faultMessage")?
        .into_iter()
        .map(|message| {
            Ok(FaultMessage {
                key: message.text("key", warnings)?.unwrap_or_default(),
                text: message
                    .block("message", warnings)?
                    .map(|text| text.trim().to_owned()),
            })
        })
        .collect()
}

/// `Power on` out of `Power on failed: `.
fn operation(prefix: &[u8]) -> Option<String> {
    let words = String::from_utf8_lossy(prefix);
    let words = words.trim_end_matches([' ', ':']);
    let words = words.strip_suffix(" failed").unwrap_or(words).trim();
    (!words.is_empty()).then(|| shortened(words))
}

/// A failure in words: the first line that reports one, or the last of a traceback.
pub(super) fn in_words(input: &Input<'_>) -> Result<Option<Fault>, ParseError> {
    let mut headed = false;
    for line in input.lines_from(0) {
        // Progress is written over by carriage returns.
        let last = line
            .text
            .rsplit(|&byte| byte == b'\r')
            .find(|text| !text.is_empty());
        let Some(words) = last
            .map(<[u8]>::trim_ascii)
            .filter(|words| !words.is_empty())
        else {
            continue;
        };
        if words.starts_with(TRACEBACK) {
            return of_traceback(input, line.start).map(Some);
        }
        let words = input::words(words);
        // `Errors:` stands above the words.
        if matches!(words.to_ascii_lowercase().as_str(), "error:" | "errors:") {
            headed = true;
            continue;
        }
        let found = of_words(&words);
        let Some(mut fault) = found.or_else(|| headed.then(|| said(words))) else {
            continue;
        };
        if !line.ended {
            return Err(input.truncated("the last line has no line end"));
        }
        fault.message = fault.message.map(|message| shortened(&message));
        return Ok(Some(fault));
    }
    Ok(headed.then(Fault::default))
}

const TRACEBACK: &[u8] = b"Traceback (most recent call last)";

/// The end of a tool that is written in Python: its last line says what went wrong, the lines
/// before only where.
fn of_traceback(input: &Input<'_>, start: usize) -> Result<Fault, ParseError> {
    let last = input
        .lines_from(start)
        .filter(|line| !line.text.trim_ascii().is_empty())
        .last();
    match last {
        Some(line)
            if line.ended
                && !line.text.starts_with(b" ")
                && !line.text.trim_ascii().starts_with(TRACEBACK) =>
        {
            Ok(said(input::words(line.text)))
        }
        _ => Err(input.truncated("the last line of the traceback is missing")),
    }
}

/// A failure in these words.
fn said(words: String) -> Fault {
    Fault {
        class: class_of_words(&words),
        message: Some(words),
        ..Fault::default()
    }
}

/// Whether a text reports a failure in words.
pub(super) fn reports_failure(text: &[u8]) -> bool {
    Input::new(READING, text).is_ok_and(|input| matches!(in_words(&input), Ok(Some(_))))
}

/// The fault in one line; `None` where it reports none.
fn of_words(line: &str) -> Option<Fault> {
    // 6.x: `Power on failed`, and no word of why.
    if let Some(operation) = line.strip_suffix(" failed") {
        return Some(Fault {
            class: FaultClass::Other,
            operation: Some(shortened(operation)),
            ..Fault::default()
        });
    }
    let class = class_of_words(line);
    let lower = line.to_ascii_lowercase();
    let reports_failure = matches!(
        class,
        FaultClass::HostdDown
            | FaultClass::UnknownCommand
            | FaultClass::NoSpace
            | FaultClass::NotFound
            | FaultClass::FileNotFound
            | FaultClass::NotAllowed
    ) || lower.starts_with("failed ")
        || lower.starts_with("error")
        || lower.contains(" failed: ")
        || lower.starts_with("unable to ")
        || lower.starts_with("cannot ")
        || lower.starts_with("could not ");
    if !reports_failure {
        return None;
    }
    let mut fault = Fault {
        class,
        message: Some(line.to_owned()),
        ..Fault::default()
    };
    // vmkfstools: `Failed to clone disk : No space left on device (1835017).`
    if let Some((head, code)) = line
        .trim_end_matches('.')
        .strip_suffix(')')
        .and_then(|line| line.rsplit_once(" ("))
        && let Some(code) = digits(code.as_bytes())
    {
        fault.code = Some(code);
        fault.message = Some(head.to_owned());
    }
    Some(fault)
}

/// What the last part of a fault's type means: `InvalidPowerState`.
fn class_of_kind(kind: &str) -> FaultClass {
    match kind.rsplit('.').next().unwrap_or(kind) {
        "NotFound" | "ManagedObjectNotFound" => FaultClass::NotFound,
        "FileNotFound" | "InvalidDatastorePath" | "InvalidDatastore" => FaultClass::FileNotFound,
        "AlreadyExists" | "DuplicateName" | "FileAlreadyExists" => FaultClass::AlreadyExists,
        "InvalidPowerState" => FaultClass::InvalidPowerState,
        "ToolsUnavailable" => FaultClass::ToolsUnavailable,
        "NoDiskSpace" => FaultClass::NoSpace,
        "InsufficientMemoryResourcesFault"
        | "InsufficientCpuResourcesFault"
        | "InsufficientHostCapacityFault"
        | "InsufficientHostMemoryCapacityFault"
        | "InsufficientHostCpuCapacityFault"
        | "InsufficientResourcesFault" => FaultClass::InsufficientResources,
        "TaskInProgress" | "FileLocked" | "ResourceInUse" | "InvalidState" | "ConcurrentAccess"
        | "VmConfigFileBusy" => FaultClass::Busy,
        "GenericVmConfigFault"
        | "VmConfigFault"
        | "InvalidVmConfig"
        | "FileFault"
        | "CannotAccessFile"
        | "CannotAccessVmComponent"
        | "InvalidArgument"
        | "MissingController"
        | "DeviceNotSupported" => FaultClass::Configuration,
        "RestrictedVersion" | "NoPermission" | "NotEnoughLicenses" | "LicenseExpired"
        | "InvalidLogin" | "NotAuthenticated" => FaultClass::NotAllowed,
        "RequestCanceled" => FaultClass::Cancelled,
        "HostCommunication" | "HostNotConnected" | "HostNotReachable" | "HostConnectFault"
        | "Timedout" => FaultClass::HostdDown,
        "NotSupported" | "MethodNotFound" => FaultClass::UnknownCommand,
        _ => FaultClass::Other,
    }
}

/// The class of a sentence. Ordered: words for a hostd that is down come first, because then the
/// rest of the sentence is not about a VM.
fn class_of_words(line: &str) -> FaultClass {
    let line = line.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| line.contains(words));
    if has(&[
        "failed to login",
        "connect to localhost failed",
        "connection failure",
        "connection refused",
        "connection reset by peer",
        "invalid response code",
        "handshake timed out",
        "ssl exception",
        "ssl connection",
        "bad_alloc",
        "service unavailable",
        "internal error trying to connect",
        "hostd is not running",
        "lost connection to",
    ]) || (has(&["ssl", "handshake"]) && has(&["timeout", "timed out", "time-out", "error"]))
    {
        FaultClass::HostdDown
    } else if has(&[
        "unknown command or namespace",
        "invalid command",
        ": not found",
        "command not found",
    ]) {
        FaultClass::UnknownCommand
    } else if has(&[
        "no space left",
        "insufficient disk space",
        "not enough space on the file system",
    ]) {
        FaultClass::NoSpace
    } else if has(&["failed to lock", "device or resource busy", "in use"]) {
        FaultClass::Busy
    } else if has(&["already exists", "file exists"]) {
        FaultClass::AlreadyExists
    } else if has(&["no such file or directory", "cannot open shared object"]) {
        FaultClass::FileNotFound
    } else if has(&[
        "unable to find a vm",
        "could not be found",
        "has already been deleted",
        "could not find",
        "cannot find",
    ]) {
        FaultClass::NotFound
    } else if has(&["vmware tools is not running"]) {
        FaultClass::ToolsUnavailable
    } else if has(&["cannot be performed in the current state"]) {
        FaultClass::InvalidPowerState
    } else if has(&[
        "permission denied",
        "read-only file system",
        "license",
        "not permitted",
    ]) {
        FaultClass::NotAllowed
    } else {
        FaultClass::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(output: &str) -> Option<FaultClass> {
        classify(output.as_bytes())
    }

    #[test]
    fn a_dead_agent_is_not_a_missing_vm() {
        for output in [
            "Failed to login: Connection reset by peer\n",
            "Connect to localhost failed: Connection failure\n",
            "Failed to login: Invalid response code: 400 Bad Request\n",
            "Invalid response code: 400 Bad Request\n",
            "Failed to login: SSL Exception: The SSL handshake timed out local: 127.0.0.1:33512\n",
        ] {
            assert_eq!(class(output), Some(FaultClass::HostdDown), "{output}");
        }
        assert_eq!(
            class(
                "(vim.fault.NotFound) {\n   msg = \"Unable to find a VM corresponding to \"2\"\"\n}\n"
            ),
            Some(FaultClass::NotFound)
        );
    }

    #[test]
    fn a_missing_file_is_no_missing_vm() {
        for output in [
            "(vim.fault.FileNotFound) {\n   file = \"[a] b/b.vmx\"\n   msg = \"File [a] b/b.vmx was not found\"\n}\n",
            "(vim.fault.InvalidDatastorePath) {\n   msg = \"Invalid datastore path '[a] b/b.vmx'.\"\n}\n",
            "vim-cmd: error while loading shared libraries: libvim.so: cannot open shared object \
             file: No such file or directory\n",
        ] {
            assert_eq!(class(output), Some(FaultClass::FileNotFound), "{output}");
        }
    }

    #[test]
    fn a_traceback_says_what_its_last_line_says() {
        let traceback = "Traceback (most recent call last):\n  File \"/bin/esxcli\", line 40, in \
            <module>\n    raise Failed()\n";
        for (end, sentence) in [
            (
                "ImportError: cannot import name Session\n",
                "ImportError: cannot import name Session.",
            ),
            ("vmware.Failed\n\n", "vmware.Failed."),
            (
                "KeyError: 'a'\n\nDuring handling of the above exception, another exception \
                 occurred:\n\nTraceback (most recent call last):\n  File \"x\", line 1\nOSError: \
                 [Errno 28] No space left on device\n",
                "OSError: [Errno 28] No space left on device.",
            ),
        ] {
            for before in ["", "warning: deprecated\n", "Errors:\n"] {
                let fault = fault(format!("{before}{traceback}{end}").as_bytes()).unwrap();
                assert_eq!(fault.unwrap().sentence(), sentence);
            }
        }
        assert!(fault(traceback.as_bytes()).is_err());
    }

    #[test]
    fn a_heading_is_no_reason() {
        let output = "Errors: \n\nCannot open volume: x, skipping.\n";
        let fault = fault(output.as_bytes()).unwrap().unwrap();
        assert_eq!(fault.sentence(), "Cannot open volume: x, skipping.");
    }

    #[test]
    fn a_reason_is_in_the_words_of_the_node_wherever_they_are() {
        assert_eq!(
            reason(b"", b"first\nlast one.\n", 3),
            "last one (exit code 3)."
        );
        assert_eq!(reason(b"out\n", b"\n", 1), "out (exit code 1).");
        assert_eq!(reason(b"", b"", 1), "Exit code 1, no output.");
        let dump = b"(vim.fault.NotFound) {\n   msg = \"gone\"\n}\n";
        assert_eq!(reason(dump, b"error: noise\n", 1), "gone.");
        assert_eq!(
            reason(b"", b"a\nb \x1b[2J\xe2\x80\xae\n", 1),
            "b <U+001B>[2J<U+202E> (exit code 1)."
        );
    }

    #[test]
    fn what_reports_no_failure_is_no_fault() {
        for output in ["", "Powering on VM:\n", "Create: 100% done.\n", "32\n"] {
            assert_eq!(fault(output.as_bytes()), Ok(None), "{output}");
        }
    }

    #[test]
    fn a_fault_may_be_followed_by_other_lines() {
        let output = "(vim.fault.NotFound) {\n   msg = \"gone\"\n}\nPowering on VM:\n";
        assert_eq!(class(output), Some(FaultClass::NotFound));
    }
}
