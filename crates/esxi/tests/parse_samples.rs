//! Every sample of what hosts print, read into the facts that `tests/snapshots` holds.
//!
//! A file is what one stream carried, named `COMMAND.CASE.VERSION.txt`; `.stderr.txt` is the
//! stderr half of the same call. Formats are those of real hosts, all names and numbers are
//! invented. The blanks at line ends belong to the format.

use std::fs;
use std::path::{Path, PathBuf};

use ecoman_esxi::parse;

/// The samples that are no output of a command that we read.
const NOT_READ: [&str; 1] = ["createdummyvm.vmx.7.0.txt"];

/// Which command printed a sample, by the beginning of its name; the longest one counts.
const COMMANDS: [(&str, &str); 36] = [
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
    ("get.datastores.", "vim-cmd vmsvc/get.datastores 5"),
    ("get.guest.", "vim-cmd vmsvc/get.guest 14"),
    ("get.summary.", "vim-cmd vmsvc/get.summary 14"),
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
    ("snapshot.removeall.", "vim-cmd vmsvc/snapshot.removeall 14"),
    ("vim-cmd.hostd-refused.", "vim-cmd vmsvc/getallvms"),
    ("vim-cmd.race-not-found.", "vim-cmd vmsvc/get.summary 26"),
    ("vimsvc.task_info.", "vim-cmd vimsvc/task_info"),
    ("vimsvc.task_list.", "vim-cmd vimsvc/task_list"),
    ("vmkfstools.", "vmkfstools"),
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
fn every_sample_gives_the_facts_that_it_tells() {
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
