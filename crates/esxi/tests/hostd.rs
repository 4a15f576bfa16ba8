//! hostd's answers as the reading program passes them on, and what is made of them.
//!
//! The samples in `tests/data/hostd` have the form of real answers; all names and numbers are
//! invented.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in a helper of a test fails the test"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ecoman_esxi::hostd::{self, HostdError, Reading, VmReading};
use ecoman_esxi::{Output, parse};
use ecoman_model::Vmid;
use proptest::prelude::*;

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostd");
    fs::read(folder.join(name)).unwrap()
}

/// What the program prints when everything goes well.
fn answer(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"ECO1 begin\n".to_vec();
    for (name, body) in parts {
        bytes.extend(format!("ECO1 part {name} {}\n", body.len()).bytes());
        bytes.extend_from_slice(body);
        bytes.push(b'\n');
    }
    let count = parts.len();
    bytes.extend(format!("ECO1 end parts={count} python=3.8.3 cpu_ms=57 peak_kb=14336\n").bytes());
    bytes
}

fn output(stdout: Vec<u8>) -> Output {
    Output {
        stdout,
        stderr: Vec::new(),
        exit: 0,
    }
}

fn read(parts: &[(&str, &[u8])]) -> Result<Reading, HostdError> {
    hostd::read(&output(answer(parts)))
}

/// The host of the samples with this as its answer to the question.
fn read_page(page: &[u8]) -> Result<Reading, HostdError> {
    read(&[
        ("content", &sample("soap.content.response.7.0.xml")),
        ("page", page),
    ])
}

fn whole() -> Vec<u8> {
    answer(&[
        ("content", &sample("soap.content.response.7.0.xml")),
        ("page", &sample("soap.read.response.7.0.xml")),
        ("inventory", &sample("vmInventory.7.0.xml")),
    ])
}

#[test]
fn the_sample_gives_the_facts_that_it_holds() {
    let reading = hostd::read(&output(whole())).unwrap();
    let vms: serde_json::Map<String, serde_json::Value> = reading
        .vms
        .iter()
        .map(|(vmid, vm)| match vm {
            VmReading::Read(summary) => (vmid.to_string(), serde_json::to_value(summary).unwrap()),
            VmReading::Unread(reason) => (vmid.to_string(), reason.as_str().into()),
        })
        .collect();
    insta::assert_json_snapshot!(
        "hostd",
        serde_json::json!({
            "facts": reading.facts,
            "datastores": format!("{:#?}", reading.datastores).lines().collect::<Vec<_>>(),
            "vms": vms,
            "inventory": reading.inventory,
            "cost": format!("{:?}", reading.cost),
        })
    );
}

#[test]
fn a_vm_has_the_facts_that_its_dump_has() {
    let reading = hostd::read(&output(whole())).unwrap();
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/samples");
    for (vmid, dump) in [
        (14, "get.summary.powered-on.7.0.txt"),
        (21, "get.summary.powered-off.7.0.txt"),
        (22, "get.summary.suspended.7.0.txt"),
        (30, "get.summary.multiline-annotation.7.0.txt"),
    ] {
        let dumped = parse::summary(&fs::read(dumps.join(dump)).unwrap()).unwrap();
        let Some(VmReading::Read(read)) = reading.vms.get(&Vmid(vmid)) else {
            panic!("VM {vmid} is not read");
        };
        let differences = hostd::differences(Vmid(vmid), &dumped.facts, &read.facts, &dumped.facts);
        assert_eq!(differences, [], "{dump}");
    }
    let host = parse::host_summary(&fs::read(dumps.join("hostsummary.7.0.txt")).unwrap()).unwrap();
    // The sample is of a question without the host's status.
    let facts = ecoman_model::NodeFacts {
        overall_status: host.overall_status.clone(),
        ..reading.facts
    };
    assert_eq!(facts, host);
}

#[test]
fn a_difference_cannot_hide_and_a_change_is_none() {
    let reading = hostd::read(&output(whole())).unwrap();
    let Some(VmReading::Read(vm)) = reading.vms.get(&Vmid(14)) else {
        panic!("VM 14 is not read");
    };
    let facts = vm.facts.clone();
    let with = |change: fn(&mut ecoman_model::VmFacts)| {
        let mut facts = facts.clone();
        change(&mut facts);
        facts
    };
    let differ = |before: &ecoman_model::VmFacts, after: &ecoman_model::VmFacts| {
        hostd::differences(Vmid(14), before, &facts, after)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let other = with(|facts| facts.cpus = Some(4));
    assert_eq!(
        differ(&other, &other),
        ["cpus of VM 14: 4 from vim-cmd, 2 from read"]
    );
    // It changed before, or after.
    assert!(differ(&other, &facts).is_empty());
    assert!(differ(&facts, &other).is_empty());
    // What moves by itself is between the two, but a value that stands still is not another one.
    let earlier = with(|facts| facts.uptime_seconds = Some(2_889_800));
    let later = with(|facts| facts.uptime_seconds = Some(2_889_900));
    assert!(differ(&earlier, &later).is_empty());
    assert_eq!(differ(&earlier, &earlier).len(), 1);
    let none = with(|facts| facts.uptime_seconds = None);
    assert_eq!(differ(&none, &none).len(), 1);
}

#[test]
fn an_empty_host_is_no_failed_reading() {
    let empty = sample("soap.read.response.empty-host.7.0.xml");
    let reading = read_page(&empty).unwrap();
    assert!(reading.vms.is_empty());
    assert_eq!(reading.datastores.len(), 2);
    let text = String::from_utf8(empty).unwrap();
    let without_host = text.replace("HostSystem", "ClusterComputeResource");
    assert!(matches!(
        read_page(without_host.as_bytes()),
        Err(HostdError::NotUnderstood { .. })
    ));
}

#[test]
fn a_cut_answer_is_an_error_wherever_it_is_cut() {
    let whole = whole();
    let reading = hostd::read(&output(whole.clone())).unwrap();
    for end in 0..whole.len() {
        let cut = Output {
            exit: 255,
            ..output(whole.get(..end).unwrap().to_vec())
        };
        let result = hostd::read(&cut);
        assert!(result.is_err(), "cut to {end} bytes: {result:?}");
        // The very last byte is a line end.
        let silent = hostd::read(&output(whole.get(..end).unwrap().to_vec()));
        if let Ok(read) = silent {
            assert_eq!(read, reading, "cut to {end} bytes");
        }
    }
}

#[test]
fn a_cut_page_is_an_error_wherever_it_is_cut() {
    let page = sample("soap.read.response.7.0.xml");
    let reading = read_page(&page).unwrap();
    let root_end = page.len() - 1;
    // Each cut reads everything before it.
    for end in (0..root_end).step_by(37).chain(root_end - 300..root_end) {
        match read_page(page.get(..end).unwrap()) {
            Err(_) => {}
            Ok(read) => assert_eq!(read, reading, "cut to {end} bytes"),
        }
    }
}

#[test]
fn each_failure_has_its_class() {
    let says = |stdout: &str, stderr: &str, exit: i32| {
        hostd::read(&Output {
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
            exit,
        })
        .unwrap_err()
    };
    let stderr = |name: &str| String::from_utf8(sample(name)).unwrap();
    let mut seen = String::new();
    for (stdout, stderr, exit) in [
        ("", stderr("python.not-found.stderr.txt"), 127),
        ("", stderr("python.not-permitted.stderr.txt"), 126),
        ("", stderr("python.module-missing.stderr.txt"), 1),
        (
            "ECO1 fail python neither python3 nor python is there\n",
            String::new(),
            0,
        ),
        (
            "ECO1 begin\nECO1 fail python No module named ssl\n",
            String::new(),
            3,
        ),
        (
            "ECO1 begin\nECO1 fail memory MemoryError\n",
            String::new(),
            3,
        ),
        ("", "MemoryError\n".to_owned(), 1),
        ("ECO1 begin\n", String::new(), 137),
        (
            "ECO1 begin\nECO1 fail hostd RetrieveServiceContent: error Connection refused\n",
            String::new(),
            3,
        ),
        (
            "ECO1 begin\nECO1 fail ticket No such file\n",
            String::new(),
            3,
        ),
        (
            "ECO1 begin\nECO1 fail time longer than 45 seconds\n",
            String::new(),
            3,
        ),
        (
            "ECO1 begin\nECO1 fail limit more than 33554432 bytes\n",
            String::new(),
            3,
        ),
        (
            "ECO1 begin\nECO1 fail answer Login: HTTP status 400\n",
            String::new(),
            3,
        ),
        ("ECO1 begin\nECO1 part page 100\nabc", String::new(), 1),
        ("ECO1 begin\nECO1 end parts=1\n", String::new(), 0),
        ("Welcome\nECO1 begin\n", String::new(), 142),
        ("", String::new(), 0),
    ] {
        writeln!(seen, "{}", says(stdout, &stderr, exit)).unwrap();
    }
    for (method, fault) in [
        ("Login", "soap.fault.invalid-login.xml"),
        (
            "RetrievePropertiesEx",
            "soap.fault.invalid-request-no-version.9.1.xml",
        ),
        ("RetrievePropertiesEx", "soap.fault.not-authenticated.xml"),
        ("RetrievePropertiesEx", "soap.fault.restricted-version.xml"),
    ] {
        let body = String::from_utf8(sample(fault)).unwrap();
        let stdout = format!(
            "ECO1 begin\nECO1 part fault {}\n{body}\nECO1 fail fault {method}\n",
            body.len()
        );
        writeln!(seen, "{}", says(&stdout, "", 3)).unwrap();
    }
    insta::assert_snapshot!("failures", seen);
}

/// The sample with the note of VM 14 replaced.
fn with_note(note: &[u8]) -> Vec<u8> {
    let page = sample("soap.read.response.7.0.xml");
    let mark = b"<annotation></annotation>";
    let place = memchr::memmem::find(&page, mark).unwrap();
    let (before, after) = page.split_at(place);
    [
        before,
        b"<annotation>",
        note,
        b"</annotation>",
        after.get(mark.len()..).unwrap(),
    ]
    .concat()
}

fn note_of(page: &[u8]) -> (Option<String>, usize) {
    let reading = read_page(page).unwrap();
    assert_eq!(reading.vms.len(), 6, "no note costs or makes a VM");
    let Some(VmReading::Read(vm)) = reading.vms.get(&Vmid(14)) else {
        panic!("VM 14 is not read");
    };
    (vm.facts.comment.clone(), vm.warnings.len())
}

#[test]
fn a_note_is_only_a_note() {
    let note = |bytes: &[u8]| note_of(&with_note(bytes));
    assert_eq!(note(b"]]>"), (Some("]]>".to_owned()), 0));
    assert_eq!(
        note(b"&lt;/annotation&gt;&amp;lt;"),
        (Some("</annotation>&lt;".to_owned()), 0)
    );
    assert_eq!(
        note(b"<![CDATA[<objects>&amp;]]>"),
        (Some("<objects>&amp;".to_owned()), 0)
    );
    assert_eq!(
        note(b"a&#10;b&#x20AC;"),
        (Some("a\nb\u{20ac}".to_owned()), 0)
    );
    // What no XML may contain is marked, and costs nothing else.
    assert_eq!(note(b"a\0b"), (Some("a<U+0000>b".to_owned()), 1));
    assert_eq!(note(b"a&#0;b"), (Some("a\u{fffd}b".to_owned()), 0));
    assert_eq!(note(b"a&#xD800;b"), (Some("a\u{fffd}b".to_owned()), 0));
    assert_eq!(note(b"a\xed\xa0\x80b").1, 1);
    let (long, warnings) = note(&b"x".repeat(10 * 1024 * 1024));
    assert_eq!(long.unwrap().chars().count(), 16 * 1024 + 1);
    assert_eq!(warnings, 1);
}

#[test]
fn entities_depth_and_numbers_of_elements_are_bounded() {
    let refused = |page: &[u8]| match read_page(page) {
        Err(HostdError::NotUnderstood { words }) => words,
        other => panic!("{other:?}"),
    };
    for note in [
        b"&file;".as_slice(),
        &b"<a>".repeat(100_000),
        &[b"<a>".repeat(80), b"</a>".repeat(80)].concat(),
        &b"<a/>".repeat(1 << 21),
        b"<none:a/>",
        b"<?php?>",
    ] {
        let words = refused(&with_note(note));
        assert!(words.len() < 400, "{words}");
    }
    let page = String::from_utf8(sample("soap.read.response.7.0.xml")).unwrap();
    let declared = page.replacen(
        "?>",
        "?><!DOCTYPE e [<!ENTITY file SYSTEM \"file:///etc/passwd\">]>",
        1,
    );
    assert!(refused(declared.as_bytes()).contains("document type"));
}

#[test]
fn names_are_read_by_their_namespace() {
    let page = String::from_utf8(sample("soap.read.response.7.0.xml")).unwrap();
    let reading = read_page(page.as_bytes()).unwrap();
    // The same under other prefixes.
    let other = page
        .replace("soapenv", "S")
        .replace("xmlns:xsi=", "xmlns:XMLSchema-instance=")
        .replace("xsi:type", "XMLSchema-instance:type");
    assert_eq!(read_page(other.as_bytes()).unwrap(), reading);
    // The same name in another namespace is another name.
    let foreign = page.replace(
        "<memorySizeMB>",
        "<memorySizeMB xmlns=\"urn:other\">9</memorySizeMB><memorySizeMB>",
    );
    assert_eq!(read_page(foreign.as_bytes()).unwrap(), reading);
    let elsewhere = page.replace("urn:vim25", "urn:vim26");
    assert!(read_page(elsewhere.as_bytes()).is_err());
}

#[test]
fn ids_are_there_once_and_are_numbers() {
    let page = String::from_utf8(sample("soap.read.response.7.0.xml")).unwrap();
    for (from, to) in [
        ("\"VirtualMachine\">21<", "\"VirtualMachine\">14<"),
        ("\"VirtualMachine\">21<", "\"VirtualMachine\">vm-21<"),
        ("\"VirtualMachine\">21<", "\"VirtualMachine\"><"),
        ("\"VirtualMachine\">21<", "\"HostSystem\">21<"),
    ] {
        let changed = page.replacen(from, to, 1);
        assert_ne!(changed, page);
        let result = read_page(changed.as_bytes());
        assert!(
            matches!(result, Err(HostdError::NotUnderstood { .. })),
            "{to}: {result:?}"
        );
    }
    // Twice the same property is a contradiction, of one VM.
    let twice = page.replacen(
        "<numCpu>2</numCpu>",
        "<numCpu>2</numCpu><numCpu>4</numCpu>",
        1,
    );
    let reading = read_page(twice.as_bytes()).unwrap();
    assert!(matches!(
        reading.vms.get(&Vmid(14)),
        Some(VmReading::Unread(_))
    ));
    assert!(matches!(
        reading.vms.get(&Vmid(21)),
        Some(VmReading::Read(_))
    ));
}

fn missing(path: &str, fault: &str) -> String {
    format!(
        "<missingSet><path>{path}</path><fault><fault xsi:type=\"{fault}\"></fault>\
         <localizedMessage>no</localizedMessage></fault></missingSet></objects>"
    )
}

#[test]
fn what_hostd_could_not_give_is_looked_at() {
    let page = String::from_utf8(sample("soap.read.response.7.0.xml")).unwrap();
    // The last object is VM 40.
    let with = |missing: &str| {
        let end = page.rfind("</objects>").unwrap();
        let (before, after) = page.split_at(end);
        format!(
            "{before}{missing}{}",
            after.strip_prefix("</objects>").unwrap()
        )
    };
    assert!(matches!(
        read_page(with(&missing("summary.config", "NoPermission")).as_bytes()),
        Err(HostdError::NoPermission { .. })
    ));
    let reading = read_page(with(&missing("summary.config", "SystemError")).as_bytes()).unwrap();
    assert_eq!(
        reading.vms.get(&Vmid(40)),
        Some(&VmReading::Unread(
            "hostd could not give summary.config: SystemError".to_owned()
        ))
    );
    let reading = read_page(with(&missing("config.version", "SystemError")).as_bytes()).unwrap();
    assert!(matches!(
        reading.vms.get(&Vmid(40)),
        Some(VmReading::Read(_))
    ));
}

#[test]
fn pages_are_put_together_and_none_may_be_missing() {
    let page = String::from_utf8(sample("soap.read.response.7.0.xml")).unwrap();
    let content = sample("soap.content.response.7.0.xml");
    let at = page
        .find("<objects><obj type=\"VirtualMachine\">22<")
        .unwrap();
    let (front, back) = page.split_at(at);
    let begin = front.find("<RetrievePropertiesExResponse").unwrap();
    let head = front.get(..begin).unwrap();
    let first = format!(
        "{}</returnval></RetrievePropertiesExResponse>{}",
        front.replacen("<returnval>", "<returnval><token>7</token>", 1),
        "</soapenv:Body></soapenv:Envelope>"
    );
    let second = format!(
        "{head}<ContinueRetrievePropertiesExResponse xmlns=\"urn:vim25\"><returnval>{}",
        back.replace(
            "</RetrievePropertiesExResponse>",
            "</ContinueRetrievePropertiesExResponse>"
        )
    );
    let pages = |pages: &[&str]| {
        let mut parts = vec![("content", content.as_slice())];
        parts.extend(pages.iter().map(|page| ("page", page.as_bytes())));
        read(&parts)
    };
    let reading = pages(&[&page]).unwrap();
    assert_eq!(pages(&[&first, &second]).unwrap(), reading);
    for wrong in [
        pages(&[&first]),
        pages(&[&second]),
        pages(&[&second, &first]),
        pages(&[&first, &second, &second]),
        pages(&[]),
    ] {
        assert!(
            matches!(wrong, Err(HostdError::NotUnderstood { .. })),
            "{wrong:?}"
        );
    }
}

proptest! {
    /// Whatever stands where, nothing panics, and what is read has no more VMs than were sent.
    #[test]
    fn a_changed_answer_is_read_or_refused(place in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..6)) {
        let mut page = sample("soap.read.response.7.0.xml");
        let place = place.index(page.len());
        let end = (place + bytes.len()).min(page.len());
        page.splice(place..end, bytes);
        if let Ok(reading) = read_page(&page) {
            prop_assert!(reading.vms.len() <= 6);
        }
    }

    /// A note of any text gives that text back, and changes nothing else.
    #[test]
    fn any_note_comes_back(note in "[^\\p{C}]{0,200}") {
        let escaped = note.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (read, _) = note_of(&with_note(escaped.as_bytes()));
        let expected = Some(note).filter(|note| !note.is_empty());
        prop_assert_eq!(read, expected);
    }
}

/// What the program that stays prints of a VM that has changed.
fn update() -> Vec<u8> {
    answer(&[("page", &sample("soap.read.response.7.0.xml"))])
}

#[test]
fn an_update_has_the_facts_that_a_reading_has() {
    let reading = hostd::read(&output(whole())).unwrap();
    assert_eq!(hostd::read_vms(&output(update())), Ok(reading.vms));
}

proptest! {
    #[test]
    fn no_cut_of_an_update_gives_facts(place in any::<prop::sample::Index>()) {
        let whole = update();
        let cut = whole[..place.index(whole.len())].to_vec();
        prop_assert!(hostd::read_vms(&output(cut)).is_err());
    }
}
