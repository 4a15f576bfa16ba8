//! Every sample of what hosts print, read into the facts that `tests/snapshots` holds.
//!
//! A file is what one stream carried, named `COMMAND.CASE.VERSION.txt`; `.stderr.txt` is the
//! stderr half of the same call. Formats are those of real hosts, all names and numbers are
//! invented. The blanks at line ends belong to the format.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in a helper of a test fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use ecoman_esxi::parse;

/// The samples that are no output of a command that we read.
const NOT_READ: [&str; 1] = ["createdummyvm.vmx.7.0.txt"];

/// Which command printed a sample, by the beginning of its name; the longest one counts.
const COMMANDS: [(&str, &str); 45] = [
    ("createdummyvm.", "vim-cmd vmsvc/createdummyvm"),
    (
        "datastore.listsummary.",
        "vim-cmd hostsvc/datastore/listsummary",
    ),
    (
        "esxcli.hardware.cpu.global.get.",
        "esxcli hardware cpu global get",
    ),
    ("esxcli.hardware.memory.get.", "esxcli hardware memory get"),
    (
        "esxcli.hostd-down.",
        "esxcli network vswitch standard portgroup list",
    ),
    (
        "esxcli.portgroup.list.",
        "esxcli network vswitch standard portgroup list",
    ),
    (
        "esxcli.storage.filesystem.list.",
        "esxcli storage filesystem list",
    ),
    (
        "esxcli.storage.filesystem.list.csv.",
        "esxcli --formatter=csv storage filesystem list",
    ),
    ("esxcli.system.version.get.", "esxcli system version get"),
    ("esxcli.unknown-namespace.", "esxcli system version get"),
    ("esxcli.vm.process.list.", "esxcli vm process list"),
    (
        "esxcli.vm.process.list.xml.",
        "esxcli --formatter=xml vm process list",
    ),
    ("destroy.", "vim-cmd vmsvc/destroy 21"),
    ("get.datastores.", "vim-cmd vmsvc/get.datastores 5"),
    ("get.filelayoutex.", "vim-cmd vmsvc/get.filelayoutex 14"),
    ("get.guest.", "vim-cmd vmsvc/get.guest 14"),
    ("get.snapshotinfo.", "vim-cmd vmsvc/get.snapshotinfo 14"),
    ("get.summary.", "vim-cmd vmsvc/get.summary 14"),
    ("get.tasklist.", "vim-cmd vmsvc/get.tasklist 14"),
    ("getallvms.", "vim-cmd vmsvc/getallvms"),
    ("getallvms.invalid-vm.6.5.stderr", "vim-cmd vmsvc/getallvms"),
    ("hostsummary.", "vim-cmd hostsvc/hostsummary"),
    ("message.", "vim-cmd vmsvc/message 33"),
    ("power.getstate.", "vim-cmd vmsvc/power.getstate 14"),
    ("power.off.", "vim-cmd vmsvc/power.off 14"),
    ("power.on.", "vim-cmd vmsvc/power.on 14"),
    ("power.reset.", "vim-cmd vmsvc/power.reset 14"),
    ("power.shutdown.", "vim-cmd vmsvc/power.shutdown 14"),
    ("power.suspend.", "vim-cmd vmsvc/power.suspend 14"),
    ("registervm.", "vim-cmd solo/registervm"),
    (
        "snapshot.create.",
        "vim-cmd vmsvc/snapshot.create 14 name desc 0 0",
    ),
    ("snapshot.get.", "vim-cmd vmsvc/snapshot.get 14"),
    ("snapshot.remove.", "vim-cmd vmsvc/snapshot.remove 14 3"),
    ("snapshot.revert.", "vim-cmd vmsvc/snapshot.revert 14 1 0"),
    ("snapshot.removeall.", "vim-cmd vmsvc/snapshot.removeall 14"),
    ("unregister.", "vim-cmd vmsvc/unregister 14"),
    ("vim-cmd.hostd-refused.", "vim-cmd vmsvc/getallvms"),
    ("vim-cmd.race-not-found.", "vim-cmd vmsvc/get.summary 26"),
    ("vimsvc.task_info.", "vim-cmd vimsvc/task_info"),
    ("vimsvc.task_list.", "vim-cmd vimsvc/task_list"),
    ("vmdk.", "vmdk"),
    ("vmkfstools.", "vmkfstools"),
    ("vmkfstools.lock.", "vmkfstools -D app.vmdk"),
    ("vmware.vl.", "vmware -vl"),
    ("vmware.v.", "vmware -v"),
];

struct Sample {
    name: String,
    command: &'static str,
    output: Vec<u8>,
}

fn samples() -> Vec<Sample> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/samples");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            if NOT_READ.contains(&name.as_str()) {
                return None;
            }
            let (_, command) = COMMANDS
                .iter()
                .filter(|(prefix, _)| name.starts_with(prefix))
                .max_by_key(|(prefix, _)| prefix.len())
                .unwrap_or_else(|| panic!("no command is known for {name}"));
            Some(Sample {
                command,
                output: fs::read(&file).unwrap(),
                name,
            })
        })
        .collect()
}

#[test]
fn every_sample_gives_the_facts_that_it_holds() {
    let samples = samples();
    assert!(
        samples.len() >= 75,
        "only {} samples are left",
        samples.len()
    );
    let mut all = serde_json::Map::new();
    for sample in samples {
        let facts = match parse::by_command(sample.command, &sample.output) {
            Ok(facts) => facts,
            Err(error) => serde_json::json!({
                "error": error.to_string(),
                "class": error.fault().map(|fault| fault.class),
                "line": error.line(),
            }),
        };
        all.insert(sample.name, facts);
    }
    insta::assert_json_snapshot!("samples", all);
}

/// The samples that are lists without an end mark: cut between two entries they are what a host
/// with fewer entries prints. (Most such cuts of tables show all the same, by a column that is
/// wider than its values.)
const LISTS: [(&str, &str); 6] = [
    ("getallvms.", "/rows"),
    ("esxcli.portgroup.list.", "/port_groups"),
    ("esxcli.storage.filesystem.list.", "/datastores"),
    ("esxcli.vm.process.list.", "/processes"),
    ("snapshot.get.", "/snapshots"),
    ("vmware.", ""),
];

#[test]
fn a_cut_sample_is_an_error_or_the_same_facts() {
    for sample in samples() {
        let whole = parse::by_command(sample.command, &sample.output).ok();
        for end in 0..sample.output.len() {
            let prefix = &sample.output[..end];
            let Ok(facts) = parse::by_command(sample.command, prefix) else {
                continue;
            };
            if Some(&facts) == whole.as_ref() {
                continue;
            }
            let name = &sample.name;
            // Nothing, or the verb alone, is what success prints.
            let verb_only = facts
                .pointer("/fault")
                .is_some_and(serde_json::Value::is_null)
                && (prefix.is_empty()
                    || prefix.ends_with(b" VM:\n")
                    || prefix.ends_with(b" Snapshot:\n"));
            // No VM runs.
            let no_process = prefix.trim_ascii().is_empty() && name.contains("process.list");
            // A descriptor has no end mark.
            let not_thick = name.starts_with("vmdk.") && facts["thin"].is_null();
            if verb_only || no_process || not_thick {
                continue;
            }
            let list = LISTS
                .iter()
                .find(|(prefix, _)| name.starts_with(prefix))
                .map(|(_, pointer)| pointer)
                .unwrap_or_else(|| panic!("{name} cut to {end} bytes is read as {facts:#}"));
            let rows = |facts: &serde_json::Value| {
                facts
                    .pointer(list)
                    .and_then(|rows| rows.as_array())
                    .cloned()
            };
            let (all, some) = (
                rows(whole.as_ref().unwrap()).unwrap(),
                rows(&facts).unwrap(),
            );
            assert!(
                prefix.ends_with(b"\n") && all.starts_with(&some),
                "{name} cut to {end} bytes is read as {facts:#}"
            );
            if name.starts_with("getallvms.") {
                let header = prefix.iter().position(|&byte| byte == b'\n').unwrap() + 1;
                assert_eq!(end % header, 0, "{name} cut to {end} bytes, within a row");
                assert!(
                    !some.is_empty(),
                    "{name} cut to {end} bytes, to an empty host"
                );
            }
        }
    }
}

#[test]
fn a_terminal_in_between_changes_nothing() {
    for sample in samples() {
        let mut converted = Vec::new();
        for &byte in &sample.output {
            if byte == b'\n' {
                converted.push(b'\r');
            }
            converted.push(byte);
        }
        assert_eq!(
            parse::by_command(sample.command, &converted),
            parse::by_command(sample.command, &sample.output),
            "{}",
            sample.name
        );
    }
}

#[test]
fn an_editor_in_between_changes_nothing() {
    for sample in samples() {
        let kept = [b"\xef\xbb\xbf".as_slice(), &sample.output].concat();
        assert_eq!(
            parse::by_command(sample.command, &kept),
            parse::by_command(sample.command, &sample.output),
            "{}",
            sample.name
        );
    }
}

#[test]
fn invalid_vms_are_listed_from_either_stream() {
    let read = |name: &str| {
        samples()
            .into_iter()
            .find(|sample| sample.name == name)
            .map(|sample| sample.output)
            .unwrap()
    };
    let table = read("getallvms.invalid-vm.6.5.txt");
    let invalid = read("getallvms.invalid-vm.6.5.stderr.txt");
    let apart = parse::getallvms(&table, &invalid).unwrap();
    assert_eq!(apart.rows.len(), 2);
    assert_eq!(
        apart.invalid,
        [ecoman_model::Vmid(8), ecoman_model::Vmid(52)]
    );
    let in_front = [invalid.as_slice(), &table].concat();
    assert_eq!(parse::getallvms(&in_front, b"").unwrap(), apart);
    let behind = [table.as_slice(), &invalid].concat();
    assert_eq!(parse::getallvms(&behind, b"").unwrap(), apart);
    let row = table.len() / 3;
    let between = [&table[..2 * row], &invalid, &table[2 * row..]].concat();
    assert_eq!(parse::getallvms(&between, b"").unwrap(), apart);
}

#[test]
fn merged_streams_give_the_fault() {
    let all = samples();
    for sample in &all {
        let Some(call) = sample.name.strip_suffix(".stderr.txt") else {
            continue;
        };
        let Some(stdout) = all.iter().find(|other| other.name == format!("{call}.txt")) else {
            continue;
        };
        if call.starts_with("getallvms") {
            continue;
        }
        let alone = parse::fault(&sample.output).unwrap();
        assert!(alone.is_some(), "{}", sample.name);
        for merged in [
            [stdout.output.as_slice(), &sample.output].concat(),
            [sample.output.as_slice(), &stdout.output].concat(),
        ] {
            assert_eq!(parse::fault(&merged).unwrap(), alone, "{}", sample.name);
        }
    }
}
