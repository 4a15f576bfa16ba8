//! What must hold for any output: reading never panics, and facts that a host wrote into its
//! formats come back, whatever people write into notes.
//!
//! The writers here follow the formats of real hosts and share nothing with the readers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper of a test fails the test"
)]

use std::fmt::Write as _;

use ecoman_esxi::parse::{self, ParseError};
use ecoman_model::{PowerState, VmFacts, Vmid};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The table of `vim-cmd vmsvc/getallvms`.
mod table {
    #[derive(Clone, Debug)]
    pub(crate) struct Vm {
        pub(crate) id: u32,
        pub(crate) name: String,
        pub(crate) path: String,
        pub(crate) guest: String,
        pub(crate) version: String,
        pub(crate) note: String,
    }

    const LABELS: [&str; 6] = ["Vmid", "Name", "File", "Guest OS", "Version", "Annotation"];

    fn cells(vm: &Vm) -> [String; 6] {
        [
            vm.id.to_string(),
            vm.name.clone(),
            vm.path.clone(),
            vm.guest.clone(),
            vm.version.clone(),
            vm.note.clone(),
        ]
    }

    /// Columns as wide as their longest value in bytes, labels centred, rows by id as text.
    pub(crate) fn write(vms: &[Vm]) -> String {
        let mut rows: Vec<[String; 6]> = vms.iter().map(cells).collect();
        rows.sort_by(|a, b| a[0].cmp(&b[0]));
        let widths: Vec<usize> = (0..6)
            .map(|column| {
                rows.iter()
                    .map(|row| row[column].len())
                    .chain([LABELS[column].len()])
                    .max()
                    .unwrap()
            })
            .collect();
        let mut lines = vec![centred(&widths)];
        for row in rows {
            let padded: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(value, width)| format!("{value}{}", " ".repeat(width - value.len())))
                .collect();
            lines.push(padded.join("   "));
        }
        lines.join("\n") + "\n"
    }

    fn centred(widths: &[usize]) -> String {
        let labels: Vec<String> = LABELS
            .iter()
            .zip(widths)
            .map(|(label, width)| {
                let before = (width - label.len()) / 2;
                let after = width - label.len() - before;
                format!("{}{label}{}", " ".repeat(before), " ".repeat(after))
            })
            .collect();
        labels.join("   ")
    }
}

/// The dump of `vim-cmd vmsvc/get.summary`.
mod dump {
    use std::fmt::Write as _;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Generation {
        /// 5.x: `dynamicType`, and a comma behind every member.
        Five,
        /// 6.0 and later: no comma behind the last member.
        Six,
        /// 7.0: more members, `hwVersion` among them.
        Seven,
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Vm {
        pub(crate) id: u32,
        pub(crate) name: String,
        pub(crate) hostname: String,
        pub(crate) note: String,
    }

    /// Name, type, and members with their values.
    type Structure = (&'static str, &'static str, Vec<(&'static str, String)>);

    pub(crate) fn write(vm: &Vm, generation: Generation) -> String {
        let text = |value: &str| format!("\"{value}\"");
        let seven = generation == Generation::Seven;
        let mut config = vec![
            ("name", text(&vm.name)),
            ("template", "false".to_owned()),
            ("vmPathName", text("[datastore1] a/a.vmx")),
            ("memorySizeMB", "4096".to_owned()),
            ("cpuReservation", "0".to_owned()),
            ("memoryReservation", "0".to_owned()),
            ("numCpu", "2".to_owned()),
            ("numEthernetCards", "1".to_owned()),
            ("numVirtualDisks", "3".to_owned()),
            ("uuid", text("564d71c3-1111-2222-3333-5b0e92d7a4c6")),
            ("instanceUuid", text("52e83b90-1111-2222-3333-c1f50a6d7e28")),
            ("guestId", text("ubuntu64Guest")),
            ("guestFullName", text("Ubuntu Linux (64-bit)")),
            ("annotation", text(&vm.note)),
            ("product", "(vim.vApp.ProductInfo) null".to_owned()),
            ("installBootRequired", "<unset>".to_owned()),
            (
                "ftInfo",
                "(vim.vm.FaultToleranceConfigInfo) null".to_owned(),
            ),
            ("managedBy", "(vim.ext.ManagedByInfo) null".to_owned()),
        ];
        if seven {
            config.push(("tpmPresent", "false".to_owned()));
            config.push(("hwVersion", text("vmx-19")));
        }
        let structures: [Structure; 5] = [
            (
                "runtime",
                "vim.vm.RuntimeInfo",
                vec![
                    ("host", "'vim.HostSystem:ha-host'".to_owned()),
                    ("connectionState", text("connected")),
                    ("powerState", text("poweredOn")),
                    ("bootTime", text("2024-01-08T19:02:55Z")),
                    ("question", "(vim.vm.QuestionInfo) null".to_owned()),
                ],
            ),
            (
                "guest",
                "vim.vm.Summary.GuestSummary",
                vec![
                    ("guestId", "<unset>".to_owned()),
                    ("guestFullName", "<unset>".to_owned()),
                    ("toolsStatus", text("toolsOk")),
                    ("hostName", text(&vm.hostname)),
                    ("ipAddress", text("192.0.2.36")),
                ],
            ),
            ("config", "vim.vm.Summary.ConfigSummary", config),
            (
                "storage",
                "vim.vm.Summary.StorageSummary",
                vec![
                    ("committed", "11929387008".to_owned()),
                    ("uncommitted", "0".to_owned()),
                    ("timestamp", text("2024-02-11T05:44:19.350817Z")),
                ],
            ),
            (
                "quickStats",
                "vim.vm.Summary.QuickStats",
                vec![
                    ("overallCpuUsage", "212".to_owned()),
                    ("guestHeartbeatStatus", text("green")),
                    ("uptimeSeconds", "2889844".to_owned()),
                ],
            ),
        ];
        let five = generation == Generation::Five;
        let mut lines = String::from("Listsummary:\n\n(vim.vm.Summary) {\n");
        if five {
            lines.push_str("   dynamicType = <unset>, \n");
        }
        writeln!(lines, "   vm = 'vim.VirtualMachine:{}', ", vm.id).unwrap();
        for (name, kind, members) in structures {
            writeln!(lines, "   {name} = ({kind}) {{").unwrap();
            if five {
                lines.push_str("      dynamicType = <unset>, \n");
            }
            let last = members.len() - 1;
            for (place, (member, value)) in members.into_iter().enumerate() {
                let comma = if five || place < last { ", " } else { "" };
                writeln!(lines, "      {member} = {value}{comma}").unwrap();
            }
            lines.push_str("   }, \n");
        }
        if five {
            lines.push_str("   overallStatus = \"green\", \n}\n");
        } else {
            lines.push_str("   overallStatus = \"green\", \n   customValue = <unset>\n}\n");
        }
        lines
    }
}

use dump::Generation;

/// What people and attackers write into notes: words, and pieces of the formats around them.
fn note() -> impl Strategy<Value = String> {
    let tail = || {
        let vm = dump::Vm {
            id: 1,
            name: "x".to_owned(),
            hostname: "x".to_owned(),
            note: "@".to_owned(),
        };
        let whole = dump::write(&vm, Generation::Six);
        whole.split_once('@').unwrap().1.to_owned()
    };
    let piece = prop_oneof![
        4 => "[ -~\u{e0}-\u{ff}\u{3040}-\u{3050}]{0,30}",
        3 => "\\PC{0,8}",
        2 => Just("\n".to_owned()),
        1 => Just("\r\n".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("\", \n".to_owned()),
        1 => Just("\"\n   }, \n".to_owned()),
        1 => Just("\", \n      product = (vim.vApp.ProductInfo) null, \n".to_owned()),
        1 => Just("\", \n      numCpu = 99, \n      uuid = \"".to_owned()),
        1 => Just("\", \n      hwVersion = \"vmx-99".to_owned()),
        1 => Just("\", \n      annotation = \"".to_owned()),
        1 => Just("\"\n   }, \n   config = (vim.vm.Summary.ConfigSummary) {\n".to_owned()),
        1 => Just("\n}\n".to_owned()),
        1 => Just("]\n".to_owned()),
        1 => Just(tail()),
        1 => Just("\n3      evil   [datastore1] evil/evil.vmx   otherGuest   vmx-13   x\n".to_owned()),
        1 => Just("\nSkipping invalid VM '7'\n".to_owned()),
        1 => Just("\nVmid   Name   File   Guest OS   Version   Annotation\n".to_owned()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = String> {
    "[!-~ぁ-ん][ -~ぁ-ん]{0,20}".prop_map(|name| {
        // The API stores these three characters in this way.
        name.trim_end()
            .replace('%', "%25")
            .replace('/', "%2f")
            .replace('\\', "%5c")
    })
}

fn decoded(name: &str) -> String {
    name.replace("%2f", "/")
        .replace("%5c", "\\")
        .replace("%25", "%")
}

prop_compose! {
    fn row()(
        id in prop_oneof![1..50_u32, 1..30_000_u32],
        name in name(),
        datastore in select(vec!["[datastore1]", "[nas (2)]", "[共有]", "[a:b]"]),
        folder in "[a-z ]{0,12}[a-z]",
        guest in select(vec!["otherGuest", "ubuntu64Guest", "windows2019srv_64Guest", "x"]),
        version in select(vec!["vmx-08", "vmx-19", "vmx-100"]),
        note in note(),
    ) -> table::Vm {
        table::Vm {
            id,
            name,
            path: format!("{datastore} {folder}/{folder}.vmx"),
            guest: guest.to_owned(),
            version: version.to_owned(),
            note,
        }
    }
}

fn rows() -> impl Strategy<Value = Vec<table::Vm>> {
    vec(row(), 0..8).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        rows
    })
}

fn expect_rows(list: &parse::VmList, vms: &[table::Vm]) {
    let mut vms = vms.to_vec();
    vms.sort_by_key(|vm| vm.id.to_string());
    assert_eq!(list.rows.len(), vms.len());
    for (row, vm) in list.rows.iter().zip(&vms) {
        assert_eq!(row.vmid, Vmid(vm.id));
        assert_eq!(row.name.as_deref(), Some(decoded(&vm.name).as_str()));
        assert_eq!(row.vmx_path.as_deref(), Some(vm.path.as_str()));
        assert_eq!(row.guest_id.as_deref(), Some(vm.guest.as_str()));
        assert_eq!(row.hardware_version.as_deref(), Some(vm.version.as_str()));
        let note = vm.note.trim_end_matches(' ');
        assert_eq!(row.comment.as_deref(), (!note.is_empty()).then_some(note));
    }
    assert_eq!(list.invalid, []);
}

/// Bytes that lead deep into the readers: pieces of all the formats, and anything.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        2 => vec(any::<u8>(), 0..40),
        1 => select(vec![
            "(vim.vm.Summary) {\n", "   }, \n", "}\n", "   a = (b) [\n", "   ]\n", "      \"x\", \n",
            "      annotation = \"", "\", \n", "   config = (vim.vm.Summary.ConfigSummary) {\n",
            "   config = (c) {\n", "Vmid   Name   File   Guest OS   Version   Annotation\n",
            "Virtual machine message 0:\n", "   0. a (b) [default]\n", "Get Snapshot:\n", "|-ROOT\n",
            "--Snapshot Name        : a\n", "----", "Retrieved runtime info\n", "Name  X\n", "----  -\n",
            "a,b,\n", "<output>", "</output>", "<structure>", "&x;", "   UUID: 1\n", "   World ID: 1\n",
            "name   a\n", "url    b\n", "Power on failed: (vim.fault.X) {\n", "   msg = \"", "\r", "\n",
            "(vim.fault.X) {\n", "Create: 100% done.", "   x = <unset>\n", "   x = 1, \n", "é", "7\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_facts_or_a_short_error(input in anything()) {
        for command in parse::COMMANDS {
            if let Err(error) = parse::by_command(command, &input) {
                // A fault has the host's words, which are at most some hundred characters long.
                prop_assert!(error.to_string().chars().count() < 1000, "{command}: {error}");
            }
        }
        let _ = parse::classify(&input);
        let _ = parse::getallvms(&input, &input);
    }

    #[test]
    fn a_table_comes_back_whatever_the_notes_imitate(vms in rows(), terminal in any::<bool>()) {
        let table = table::write(&vms);
        let banner = format!("Warning: something\n{table}");
        for mut output in [table, banner] {
            if terminal {
                output = output.replace('\n', "\r\n");
            }
            expect_rows(&parse::getallvms(output.as_bytes(), b"noise\n").unwrap(), &vms);
        }
    }

    #[test]
    fn a_table_of_any_layout_proposes_every_id(
        vms in rows().prop_filter("a table with rows", |vms| !vms.is_empty()),
        between in select(vec![" ", "   ", "\t", "        "]),
        header in select(vec!["", "Vmid Name\n", "ID\tNAME\tPATH\n"]),
    ) {
        let lines = vms.iter().map(|vm| {
            [&vm.id.to_string(), &vm.name, &vm.path, &vm.note].map(String::as_str).join(between)
        });
        let rows = lines.collect::<Vec<_>>().join("\n");
        let table = format!("Skipping invalid VM '4294967295'\n{header}{rows}\n");
        let list = parse::proposed_vms(table.as_bytes(), b"Skipping invalid VM '4294967294'").unwrap();
        for vm in &vms {
            prop_assert!(list.proposed.contains(&Vmid(vm.id)), "{list:?}");
        }
        prop_assert_eq!(&list.invalid, &[Vmid(u32::MAX - 1), Vmid(u32::MAX)]);
        prop_assert!(list.may_lack_rows && list.rows.is_empty());
    }

    #[test]
    fn a_table_that_is_cut_within_a_row_is_an_error(vms in rows(), cut in any::<prop::sample::Index>()) {
        let table = table::write(&vms);
        let end = cut.index(table.len());
        let whole = parse::getallvms(table.as_bytes(), b"").unwrap();
        if let Ok(list) = parse::getallvms(&table.as_bytes()[..end], b"") {
            let header = table.find('\n').unwrap() + 1;
            // With the row that made the ids' column wide gone, the blank between may look like the
            // first one of the names.
            let between_rows = end % header == 0 && end > header && list.rows.len() < vms.len()
                && list.rows.iter().zip(whole.rows).all(|(row, whole)| {
                    parse::VmRow { name: row.name.as_ref().map(|name| name.trim_start().to_owned()), ..row.clone() }
                        == whole
                });
            prop_assert!(between_rows, "cut to {end}: {list:#?}");
        }
    }

    #[test]
    fn a_table_with_a_byte_too_many_or_too_few_is_an_error(
        vms in rows().prop_filter("a table with rows", |vms| !vms.is_empty()),
        at in any::<prop::sample::Index>(),
        byte in select(vec![b'x', b' ', b'7', b'\n']),
    ) {
        let table = table::write(&vms).into_bytes();
        let header = table.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let at = header + at.index(table.len() - header);
        let mut longer = table.clone();
        longer.insert(at, byte);
        prop_assert!(parse::getallvms(&longer, b"").is_err(), "{byte} at {at}");
        let mut shorter = table;
        shorter.remove(at);
        prop_assert!(parse::getallvms(&shorter, b"").is_err());
    }

    #[test]
    fn a_byte_too_many_beside_one_long_character_is_an_error(
        mut vm in row(),
        at in any::<prop::sample::Index>(),
        byte in select(vec![b'x', b' ', b'7', b'\n']),
    ) {
        vm.path = "[datastore1] a/a.vmx".to_owned();
        "a".clone_into(&mut vm.name);
        "à".clone_into(&mut vm.note);
        let mut table = table::write(&[vm]).into_bytes();
        let header = table.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let at = header + at.index(table.len() - header);
        table.insert(at, byte);
        prop_assert!(parse::getallvms(&table, b"").is_err(), "{byte} at {at}");
    }

    #[test]
    fn a_note_comes_back_whatever_it_imitates(
        id in 1..10_000_u32,
        name in name(),
        hostname in "[a-z][a-z.\"=,]{0,20}",
        note in note(),
        generation in select(vec![Generation::Five, Generation::Six, Generation::Seven]),
        terminal in any::<bool>(),
    ) {
        let vm = dump::Vm { id, name, hostname, note };
        let mut output = dump::write(&vm, generation);
        if terminal {
            output = output.replace('\n', "\r\n");
        }
        let summary = parse::summary(output.as_bytes()).unwrap();
        let facts = &summary.facts;
        prop_assert_eq!(summary.vmid, Some(Vmid(vm.id)));
        prop_assert_eq!(facts.comment.clone(), Some(vm.note).filter(|note| !note.is_empty()));
        prop_assert_eq!(facts.name.clone(), Some(decoded(&vm.name)));
        prop_assert_eq!(facts.hostname.clone(), Some(vm.hostname));
        prop_assert_eq!(facts.ip_address.as_deref(), Some("192.0.2.36"));
        prop_assert_eq!(facts.cpus, Some(2));
        prop_assert_eq!(facts.memory_mb, Some(4096));
        prop_assert_eq!(facts.disk_count, Some(3));
        prop_assert_eq!(facts.storage_bytes, Some(11_929_387_008));
        prop_assert_eq!(facts.storage_uncommitted_bytes, Some(0));
        prop_assert_eq!(facts.uptime_seconds, Some(2_889_844));
        prop_assert_eq!(facts.power, PowerState::On);
        prop_assert_eq!(facts.guest_os.as_deref(), Some("Ubuntu Linux (64-bit)"));
        let version = (generation == Generation::Seven).then_some("vmx-19");
        prop_assert_eq!(facts.hardware_version.as_deref(), version);
        prop_assert_eq!(summary.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_dump_with_plain_notes_that_is_cut_is_an_error(
        note in "[ -~]{0,30}(\n[ -~]{0,30}){0,5}",
        cut in any::<prop::sample::Index>(),
    ) {
        let vm = dump::Vm { id: 1, name: "a".to_owned(), hostname: "b".to_owned(), note };
        let output = dump::write(&vm, Generation::Six);
        // Without its last line end a dump is still whole.
        let end = cut.index(output.len() - 1);
        prop_assert!(parse::summary(&output.as_bytes()[..end]).is_err());
    }

    #[test]
    fn a_message_of_a_fault_comes_back(message in "[ -~]{1,40}(\n\\PC{0,20}){0,3}", trailing in any::<bool>()) {
        // Text that is itself the end of the fault, with more behind it, could be either.
        prop_assume!(!message.trim().is_empty() && !message.contains("\"\n}"));
        let mut output = format!(
            "Power on failed: (vim.fault.GenericVmConfigFault) {{\n   faultCause = (vmodl.MethodFault) null, \n   \
             faultMessage = <unset>\n   msg = \"{message}\"\n}}\n"
        );
        if trailing {
            output.push_str("Powering on VM:\n");
        }
        let fault = parse::fault(output.as_bytes()).unwrap().unwrap();
        prop_assert_eq!(fault.message, Some(message));
        prop_assert_eq!(fault.operation.as_deref(), Some("Power on"));
    }
}

fn vm(id: u32, name: &str, note: &str) -> table::Vm {
    table::Vm {
        id,
        name: name.to_owned(),
        path: format!("[datastore1] {name}/{name}.vmx"),
        guest: "otherGuest".to_owned(),
        version: "vmx-19".to_owned(),
        note: note.to_owned(),
    }
}

fn summary_with(note: &str) -> String {
    dump::write(
        &dump::Vm {
            id: 14,
            name: "a".to_owned(),
            hostname: "b".to_owned(),
            note: note.to_owned(),
        },
        Generation::Seven,
    )
}

#[test]
fn a_note_may_hold_a_whole_row_of_its_own_table() {
    let mut vms = vec![
        vm(1, "one", "first"),
        vm(2, "two", "second"),
        vm(5, "five", "fifth"),
    ];
    // The width of the note's column comes out of the copied row itself, so it is approached.
    for _ in 0..4 {
        let table = table::write(&vms);
        let row = table.lines().last().unwrap().replacen('5', "3", 1);
        vms[1].note = format!("second\n{row}\n{row}");
        let table = table::write(&vms);
        expect_rows(&parse::getallvms(table.as_bytes(), b"").unwrap(), &vms);
    }
}

#[test]
fn a_note_may_hold_the_whole_dump_it_stands_in() {
    let mut output = summary_with("nothing yet");
    for _ in 0..3 {
        let note = output.clone();
        output = summary_with(&note);
        let summary = parse::summary(output.as_bytes()).unwrap();
        assert_eq!(summary.facts.comment, Some(note));
    }
}

#[test]
fn a_name_that_ends_with_blanks_is_no_cut_table() {
    let vms = [vm(1, "short", ""), vm(2, "the longest one  ", "")];
    let list = parse::getallvms(table::write(&vms).as_bytes(), b"").unwrap();
    assert_eq!(list.rows[1].name.as_deref(), Some("the longest one"));
    assert!(!list.may_lack_rows);
}

#[test]
fn a_table_whose_longest_note_is_gone_says_so() {
    let mut vms = vec![vm(1, "a", ""), vm(2, "b", "the only note that is long")];
    let table = table::write(&vms);
    let row = table.len() / 3;
    let list = parse::getallvms(&table.as_bytes()[..2 * row], b"").unwrap();
    assert!(list.may_lack_rows);
    // The longest of anything else cannot go unseen.
    vms[1] = vm(2, "a longer name", "");
    let table = table::write(&vms);
    let row = table.len() / 3;
    let error = parse::getallvms(&table.as_bytes()[..2 * row], b"").unwrap_err();
    assert!(
        matches!(error, ParseError::Truncated { line: 2, .. }),
        "{error}"
    );
    // Nor can all rows.
    let error = parse::getallvms(&table.as_bytes()[..row], b"").unwrap_err();
    assert!(
        matches!(error, ParseError::Truncated { line: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_table_that_lost_its_padding_is_no_list() {
    let table = table::write(&[vm(1, "a", "a note of some length"), vm(2, "b", "")]);
    let trimmed: String = table.lines().fold(String::new(), |mut all, line| {
        writeln!(all, "{}", line.trim_end()).unwrap();
        all
    });
    assert!(parse::getallvms(trimmed.as_bytes(), b"").is_err());
}

#[test]
fn a_table_padded_by_characters_is_read_as_well() {
    let vms = [vm(1, "ファイル", "メモ\nと"), vm(2, "b", "")];
    // Each character as one byte, and back.
    let narrow: Vec<table::Vm> = vms
        .iter()
        .map(|vm| table::Vm {
            name: vm.name.replace("ファイル", "1234"),
            path: vm.path.replace("ファイル", "1234"),
            note: vm.note.replace("メモ", "56").replace('と', "7"),
            ..vm.clone()
        })
        .collect();
    let table = table::write(&narrow)
        .replace("1234", "ファイル")
        .replace("56", "メモ")
        .replace("\n7", "\nと");
    expect_rows(&parse::getallvms(table.as_bytes(), b"").unwrap(), &vms);
}

#[test]
fn two_rows_with_one_id_are_an_error() {
    let table = table::write(&[vm(1, "a", ""), vm(1, "b", "")]);
    assert!(parse::getallvms(table.as_bytes(), b"").is_err());
}

#[test]
fn notes_of_ten_megabytes_are_read_and_cut() {
    let plain = "All work and no play makes Jack a dull boy.\n".repeat(240_000);
    let imitation =
        "x\", \n      product = (vim.vApp.ProductInfo) null, \n      installBootRequired = <unset>, \n"
            .repeat(110_000);
    let quotes = "\"\n".repeat(5_000_000);
    let closing = "\"\n}\n".repeat(2_500_000);
    for note in [plain, imitation, quotes, closing] {
        let output = summary_with(&note);
        let summary = parse::summary(output.as_bytes()).unwrap();
        let kept: String = note.chars().take(16 * 1024).chain(['…']).collect();
        assert!(
            summary.facts.comment.as_deref() == Some(&kept),
            "a note was lost"
        );
        // What stands behind it is read.
        assert_eq!(summary.facts.uptime_seconds, Some(2_889_844));
        assert_eq!(
            summary.warnings,
            ["config.annotation is too long: cut to 16384 characters"]
        );
        let table = table::write(&[vm(1, "a", ""), vm(2, "b", &note)]);
        let list = parse::getallvms(table.as_bytes(), b"").unwrap();
        assert!(
            list.rows[1].comment.as_deref() == Some(&kept),
            "a note was lost"
        );
    }
}

#[test]
fn a_note_that_leaves_a_doubt_is_an_error() {
    // Without a member that every version prints, a note that holds it may end before it.
    let note = "x\", \n      uuid = \"1";
    let output = summary_with(note).replace(
        "      uuid = \"564d71c3-1111-2222-3333-5b0e92d7a4c6\", \n",
        "",
    );
    let whole = parse::summary(output.as_bytes());
    // Here the reading with the member is the one that has more of the members.
    assert_eq!(whole.unwrap().facts.uuid.as_deref(), Some("1"));

    // A property of a vApp is free text behind the note.
    let product = "product = (vim.vApp.ProductInfo) {\n         key = 0, \n         name = \"Shop\"\n      }, \n";
    let note = "x\", \n      numCores = 2, \n      y = \"z";
    let output = summary_with(note).replace("product = (vim.vApp.ProductInfo) null, \n", product);
    let error = parse::summary(output.as_bytes()).unwrap_err();
    assert!(matches!(error, ParseError::Ambiguous { .. }), "{error}");
    let output = summary_with("plain\n\"note\"")
        .replace("product = (vim.vApp.ProductInfo) null, \n", product);
    let summary = parse::summary(output.as_bytes()).unwrap();
    assert_eq!(summary.facts.comment.as_deref(), Some("plain\n\"note\""));
}

#[test]
fn too_many_imitations_without_the_members_to_distinguish_them_are_an_error() {
    let note = "x\", \n      y = \"z".repeat(200_000);
    let output = summary_with(&note).replace("      installBootRequired = <unset>, \n", "");
    let error = parse::summary(output.as_bytes()).unwrap_err();
    assert!(matches!(error, ParseError::Ambiguous { .. }), "{error}");
}

#[test]
fn members_may_be_missing_new_or_in_another_order() {
    let output = summary_with("a \"note\"\nof two lines");
    let annotation = "      annotation = \"a \"note\"\nof two lines\", \n";
    for changed in [
        // New ones, of every form.
        output.replace("      numCpu", "      new = \"x\", \n      newer = (a.B) {\n         c = 1.5\n      }, \n      numCpu"),
        output.replace("   customValue", "   futures = (string) [\n      \"x\", \n      \"y\"\n   ], \n   nothing = (a.B) [], \n   customValue"),
        // Missing ones.
        output.replace("      installBootRequired = <unset>, \n", ""),
        output.replace("      tpmPresent = false, \n", ""),
        // Another order.
        output.replace(annotation, "").replace("      name = ", &format!("{annotation}      name = ")),
        output.replace(annotation, "").replace("      hwVersion", &format!("{annotation}      hwVersion")),
        // Last of all, without its comma.
        output
            .replace(annotation, "")
            .replace("hwVersion = \"vmx-19\"\n", &format!("hwVersion = \"vmx-19\", \n{}", annotation.replace("\", \n", "\"\n"))),
    ] {
        assert_ne!(changed, output);
        let summary = parse::summary(changed.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{changed}"));
        assert_eq!(summary.facts.comment.as_deref(), Some("a \"note\"\nof two lines"), "{changed}");
        assert_eq!(summary.facts.name.as_deref(), Some("a"));
        assert_eq!(summary.facts.cpus, Some(2));
    }
}

#[test]
fn a_host_name_that_imitates_members_is_an_error() {
    let vm = dump::Vm {
        id: 1,
        name: "a".to_owned(),
        hostname: "x\", \n      ipAddress = \"203.0.113.6".to_owned(),
        note: String::new(),
    };
    let error = parse::summary(dump::write(&vm, Generation::Six).as_bytes()).unwrap_err();
    assert!(matches!(error, ParseError::Ambiguous { .. }), "{error}");
}

#[test]
fn a_number_that_is_none_names_its_field() {
    for (from, to, field) in [
        ("numCpu = 2", "numCpu = \"2\"", "config.numCpu"),
        (
            "memorySizeMB = 4096",
            "memorySizeMB = 4e3",
            "config.memorySizeMB",
        ),
        (
            "bootTime = \"2024-01-08T19:02:55Z\"",
            "bootTime = \"yesterday\"",
            "runtime.bootTime",
        ),
        ("'vim.VirtualMachine:14'", "'vim.VirtualMachine:x'", "vm"),
        ("template = false", "template = no", "config.template"),
    ] {
        let output = summary_with("").replacen(from, to, 1);
        let error = parse::summary(output.as_bytes()).unwrap_err();
        let ParseError::Value {
            field: found, line, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(found, field);
        let line_text = output.lines().nth(line - 1).unwrap();
        assert!(
            line_text.contains(to.split(' ').next().unwrap()),
            "{line_text}"
        );
    }
}

#[test]
fn a_number_that_no_node_means_costs_no_other_fact() {
    let good = parse::summary(summary_with("").as_bytes()).unwrap().facts;
    for (from, to) in [
        ("numCpu = 2", "numCpu = -2"),
        ("numCpu = 2", "numCpu = 4294967296"),
        (
            "committed = 11929387008",
            "committed = 99999999999999999999",
        ),
        ("committed = 11929387008", "committed = -4096"),
    ] {
        let output = summary_with("").replacen(from, to, 1);
        let facts = parse::summary(output.as_bytes()).unwrap().facts;
        let expected = if from.starts_with("numCpu") {
            VmFacts {
                cpus: None,
                ..good.clone()
            }
        } else {
            VmFacts {
                storage_bytes: None,
                ..good.clone()
            }
        };
        assert_eq!(facts, expected, "{to}");
    }
}

#[test]
fn what_a_vm_does_not_say_is_unknown() {
    let output = "(vim.vm.Summary) {\n   vm = 'vim.VirtualMachine:9', \n   runtime = (vim.vm.RuntimeInfo) {\n      \
        connectionState = \"inaccessible\", \n      powerState = \"poweredOff\", \n      bootTime = <unset>\n   }, \n   \
        guest = (vim.vm.Summary.GuestSummary) null, \n   config = (vim.vm.Summary.ConfigSummary) {\n      \
        name = \"/vmfs/volumes/x/y.vmx\", \n      vmPathName = \"[gone] y/y.vmx\", \n      memorySizeMB = <unset>, \n      \
        numCpu = <unset>, \n      annotation = <unset>, \n      product = (vim.vApp.ProductInfo) null\n   }, \n   \
        storage = (vim.vm.Summary.StorageSummary) null, \n   quickStats = <unset>, \n   overallStatus = \"gray\"\n}\n";
    let summary = parse::summary(output.as_bytes()).unwrap();
    let facts = summary.facts;
    assert_eq!(facts.connection_state.as_deref(), Some("inaccessible"));
    assert_eq!(facts.datastore.as_deref(), Some("gone"));
    assert_eq!(
        (
            facts.cpus,
            facts.memory_mb,
            facts.storage_bytes,
            facts.uptime_seconds,
            facts.comment
        ),
        (None, None, None, None, None)
    );
}

#[test]
fn a_pending_question_is_read_from_the_summary() {
    let output = summary_with("").replace(
        "question = (vim.vm.QuestionInfo) null",
        "question = (vim.vm.QuestionInfo) {\n         id = \"3\", \n         text = \"msg.uuid.altered:Moved\n\
         or \"copied\"?\", \n         choice = (vim.option.ChoiceOption) {\n            choiceInfo = (vim.ElementDescription) [\n\
         \x20              (vim.ElementDescription) {\n                  label = \"Cancel\", \n                  summary = \"button.uuid.cancel\", \n\
         \x20                 key = \"0\"\n               }, \n               (vim.ElementDescription) {\n                  label = \"I Copied It\", \n\
         \x20                 summary = \"button.uuid.copiedTheVM\", \n                  key = \"2\"\n               }\n            ], \n\
         \x20           defaultIndex = 1\n         }, \n         message = <unset>\n      }",
    );
    let facts = parse::summary(output.as_bytes()).unwrap().facts;
    let question = facts.question.unwrap();
    assert_eq!(question.id, "3");
    assert_eq!(question.text, "Moved\nor \"copied\"?");
    let choices: Vec<_> = question
        .choices
        .iter()
        .map(|choice| (choice.index, choice.label.as_str(), choice.default))
        .collect();
    assert_eq!(choices, [(0, "Cancel", false), (2, "I Copied It", true)]);
}

#[test]
fn text_that_is_not_utf8_is_kept_with_a_warning() {
    let output = summary_with("caf@").into_bytes();
    let output: Vec<u8> = output
        .iter()
        .map(|&byte| if byte == b'@' { 0xe9 } else { byte })
        .collect();
    let summary = parse::summary(&output).unwrap();
    assert_eq!(summary.facts.comment.as_deref(), Some("caf\u{fffd}"));
    assert_eq!(
        summary.warnings,
        ["config.annotation is not UTF-8: unreadable bytes are shown as \u{fffd}"]
    );
    let table = table::write(&[vm(7, "caf@", "")]).into_bytes();
    let table: Vec<u8> = table
        .iter()
        .map(|&byte| if byte == b'@' { 0xe9 } else { byte })
        .collect();
    let list = parse::getallvms(&table, b"").unwrap();
    assert_eq!(list.rows[0].name.as_deref(), Some("caf\u{fffd}"));
    assert_eq!(list.warnings.len(), 2, "{:?}", list.warnings);
}

#[test]
fn what_is_built_to_break_a_reader_is_an_error() {
    let deep: String = (0..100_000).fold("(a.B) {\n".to_owned(), |mut all, level| {
        writeln!(all, "{}a = (a.B) {{", " ".repeat(3 * (level % 40 + 1))).unwrap();
        all
    });
    let wide = format!(
        "(vim.vm.Summary) {{\n{}}}\n",
        "   a = 1, \n".repeat(400_000)
    );
    let long_line = format!("(vim.vm.Summary) {{\n{}\n}}\n", "x".repeat(5_000_000));
    let huge = vec![b'x'; parse::MAX_INPUT_BYTES + 1];
    for command in parse::COMMANDS {
        for input in [deep.as_bytes(), wide.as_bytes(), long_line.as_bytes()] {
            if let Err(error) = parse::by_command(command, input) {
                assert!(error.to_string().len() < 1500, "{command}");
            }
        }
        assert!(
            matches!(
                parse::by_command(command, &huge),
                Err(ParseError::TooLong { .. })
            ),
            "{command}"
        );
    }
    assert!(parse::summary(wide.as_bytes()).is_err());
    assert!(parse::summary(deep.as_bytes()).is_err());
}

#[test]
fn a_table_proposes_no_more_vms_than_a_host_can_have_and_none_of_a_text() {
    let ids: Vec<String> = (0..5000).map(|id| format!("{id} a")).collect();
    assert_eq!(parse::proposed_vms(ids.join("\n").as_bytes(), b""), None);
    for text in [
        "",
        "Failed to login: Connection refused\n",
        "1\n",
        "12a b\n",
        "-1 a\n",
        "4294967296 a\n",
    ] {
        assert_eq!(parse::proposed_vms(text.as_bytes(), b""), None, "{text:?}");
    }
}
