//! A node while it lives: time, power, faults, its going away and coming back, and its end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in a helper of a test fails the test"
)]

mod shell;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ecoman_simulator::{
    CallOutcome, Fault, Generation, HostdDown, NodeSpec, Power, PowerOn, Scope, SimulatedNode,
    Timestamp, Timing, Tools, VmSpec,
};
use shell::{Shell, until};

fn start(spec: NodeSpec) -> (SimulatedNode, Shell) {
    let node = SimulatedNode::start(spec).unwrap();
    let shell = Shell::new(&node);
    (node, shell)
}

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

fn slow_node() -> NodeSpec {
    NodeSpec::new("esxi-01")
        .clock(noon())
        .timing(Timing {
            power_on: 2 * SECOND,
            guest_boot: 30 * SECOND,
            guest_shutdown: 10 * SECOND,
            power_off: SECOND,
            suspend: 5 * SECOND,
            snapshot: 20 * SECOND,
        })
        .vm(VmSpec::new("web").ip("192.0.2.1"))
}

/// hostd keeps a VM in memory while it runs: its file is read on request, when the VM is off.
#[test]
fn a_configuration_is_read_when_the_vm_is_off_and_written_over_while_it_runs() {
    let vm = VmSpec::new("web").annotation("old").size(1, 1024);
    let (node, shell) = start(NodeSpec::new("esxi-01").vm(vm));
    let path = "/vmfs/volumes/datastore1/web/web.vmx";
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(node.file(path)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(node.file(path), text.replace(from, to)).unwrap();
    };
    let shows = |line: &str| {
        let summary = shell.stdout("vim-cmd vmsvc/get.summary 1");
        summary.contains(line)
    };
    edit("annotation = \"old\"", "# mine\nannotation = \"new\"");
    assert!(shows("annotation = \"old\""));
    assert_eq!(shell.stdout("vim-cmd vmsvc/reload 1"), "");
    assert!(shows("annotation = \"new\""));

    shell.stdout("vim-cmd vmsvc/power.on 1");
    edit("memSize = \"1024\"", "memSize = \"2048\"");
    assert_eq!(shell.stdout("vim-cmd vmsvc/reload 1"), "");
    edit("memSize = \"1024\"", "memSize = \"2048\"");
    shell.stdout("vim-cmd vmsvc/power.off 1");
    shell.stdout("vim-cmd vmsvc/reload 1");
    assert!(shows("memorySizeMB = 1024"));
    let text = fs::read_to_string(node.file(path)).unwrap();
    assert!(
        text.contains("# mine\n") && text.contains("memSize = \"1024\""),
        "{text}"
    );
}

#[test]
fn powering_on_passes_through_its_middle_states_as_the_test_lets_time_pass() {
    let (node, shell) = start(slow_node());
    let state = || shell.stdout("vim-cmd vmsvc/power.getstate 1");
    let address = || {
        let summary = shell.stdout("vim-cmd vmsvc/get.summary 1");
        let line = summary.lines().find(|line| line.contains("ipAddress"));
        line.unwrap().trim().to_owned()
    };
    std::thread::scope(|scope| {
        let powering = scope.spawn(|| shell.run("vim-cmd vmsvc/power.on 1"));
        until("under way", || node.vm(1).unwrap().activity.is_some());
        node.advance(SECOND);
        assert!(state().ends_with("Powered off\n"));
        assert!(!powering.is_finished());
        node.advance(SECOND);
        assert_eq!(powering.join().unwrap().code, Some(0));
    });
    assert!(state().ends_with("Powered on\n"));
    assert_eq!(address(), "ipAddress = <unset>,");
    node.advance(30 * SECOND);
    assert_eq!(address(), "ipAddress = \"192.0.2.1\",");

    assert_eq!(shell.stdout("vim-cmd vmsvc/power.shutdown 1"), "");
    node.advance(9 * SECOND);
    assert!(state().ends_with("Powered on\n"));
    node.advance(SECOND);
    assert!(state().ends_with("Powered off\n"));
    assert!(node.vm(1).unwrap().clean_power_off);
}

#[test]
fn a_guest_that_ignores_a_shutdown_stays_on_until_it_is_powered_off() {
    let (node, shell) = start(slow_node().vm(VmSpec::new("deaf").on().ignores_shutdown()));
    assert_eq!(shell.stdout("vim-cmd vmsvc/power.shutdown 2"), "");
    node.advance(600 * SECOND);
    let state = || shell.stdout("vim-cmd vmsvc/power.getstate 2");
    assert!(state().ends_with("Powered on\n"));
    // Its Tools run: it is no guest that cannot be asked.
    assert_eq!(shell.stdout("vim-cmd vmsvc/power.shutdown 2"), "");
    std::thread::scope(|scope| {
        let off = scope.spawn(|| shell.run("vim-cmd vmsvc/power.off 2"));
        until("under way", || node.vm(2).unwrap().activity.is_some());
        node.advance(SECOND);
        assert_eq!(off.join().unwrap().code, Some(0));
    });
    assert!(state().ends_with("Powered off\n"));
}

#[test]
fn a_power_on_waits_for_the_answer_to_its_question() {
    let (node, shell) =
        start(NodeSpec::new("esxi-01").vm(VmSpec::new("asks-question").power_on(PowerOn::Asks)));
    std::thread::scope(|scope| {
        let powering = scope.spawn(|| shell.run("vim-cmd vmsvc/power.on 1"));
        until("a question", || node.vm(1).unwrap().question.is_some());
        let summary = shell.stdout("vim-cmd vmsvc/get.summary 1");
        assert!(
            summary.contains("question = (vim.vm.QuestionInfo) {"),
            "{summary}"
        );
        assert_eq!(node.vm(1).unwrap().power, Power::Off);
        assert_ne!(shell.run("vim-cmd vmsvc/message 1 7 2").code, Some(0));
        assert_eq!(shell.run("vim-cmd vmsvc/message 1 0 2").code, Some(0));
        assert_eq!(powering.join().unwrap().stdout, "Powering on VM:\n");
    });
    assert_eq!(node.vm(1).unwrap().power, Power::On);
}

#[test]
fn a_disk_finds_no_space_where_the_node_is_set_so() {
    let mut spec = NodeSpec::new("esxi-01");
    spec.lacks_space_for = vec!["fails-disk".to_owned()];
    let (_node, shell) = start(spec);
    shell.stdout("mkdir /vmfs/volumes/datastore1/any");
    let make = |name: &str| {
        let path = format!("/vmfs/volumes/datastore1/any/{name}.vmdk");
        shell.run(&format!("vmkfstools -c 1G -d thin {path}"))
    };
    assert_ne!(make("fails-disk").code, Some(0));
    assert_eq!(make("another").code, Some(0));
    assert_eq!(
        shell.stdout("ls /vmfs/volumes/datastore1/any"),
        "another-flat.vmdk\nanother.vmdk\n"
    );
}

#[test]
fn a_vm_is_made_by_hand_with_a_disk_and_a_vmx() {
    let (node, shell) = start(NodeSpec::new("esxi-01"));
    let free = || {
        let csv = shell.stdout("esxcli --formatter=csv storage filesystem list");
        let row = csv.lines().nth(1).unwrap();
        row.split(',').next().unwrap().parse::<u64>().unwrap()
    };
    let before = free();
    let vmx = ".encoding = \"UTF-8\"\ndisplayName = \"caf|22é|22\"\nannotation = \"one|0Atwo\"\n\
               guestOS = \"debian12-64\"\nnumvcpus = \"3\"\nmemSize = \"3072\"\n\
               virtualHW.version = \"14\"\nscsi0:0.present = \"TRUE\"\n\
               scsi0:0.fileName = \"new.vmdk\"\nethernet0.present = \"TRUE\"\n\
               ethernet0.networkName = \"VM Network\"\nmemSize = \"4096\"\n";
    shell.stdout("mkdir /vmfs/volumes/datastore1/new");
    let written = shell.run_with("cat > /vmfs/volumes/datastore1/new/new.vmx", vmx.as_bytes());
    assert_eq!(written.code, Some(0));
    shell.stdout("vmkfstools -c 30G -d zeroedthick /vmfs/volumes/datastore1/new/new.vmdk");
    assert_eq!(before - free(), 30 << 30);
    let id = shell.stdout("vim-cmd solo/registervm /vmfs/volumes/datastore1/new/new.vmx");
    assert_eq!(id, "1\n");

    let vm = node.vm_named("caf\"é\"").unwrap();
    assert_eq!(vm.spec.annotation, "one\ntwo");
    assert_eq!(vm.spec.guest_id, "debian12_64Guest");
    assert_eq!((vm.spec.cpus, vm.spec.memory_mb), (3, 4096));
    assert_eq!((vm.spec.disks, vm.spec.networks.len()), (vec![30 << 30], 1));
    let summary = shell.stdout("vim-cmd vmsvc/get.summary 1");
    assert!(summary.contains("annotation = \"one\ntwo\", "), "{summary}");

    shell.stdout("sed -i s/3072/3076/\\;s/4096/8192/ /vmfs/volumes/datastore1/new/new.vmx");
    shell.stdout("vim-cmd vmsvc/reload 1");
    assert_eq!(node.vm(1).unwrap().spec.memory_mb, 8192);

    shell.stdout("vim-cmd vmsvc/power.on 1");
    assert_ne!(shell.run("vim-cmd vmsvc/destroy 1").code, Some(0));
    shell.stdout("vim-cmd vmsvc/power.off 1 && vim-cmd vmsvc/destroy 1");
    assert!(!node.file("/vmfs/volumes/datastore1/new").exists());
    assert!(node.vms().is_empty());
}

#[test]
fn the_remote_shell_is_that_of_a_host() {
    let (node, shell) = start(NodeSpec::new("esxi-01").clock(noon()));
    assert_eq!(
        shell.stdout("pwd; echo $HOME; ls -d /vmfs"),
        "/\n/\n/vmfs\n"
    );
    assert_eq!(
        shell.stdout("readlink /vmfs/volumes/datastore1"),
        "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30\n"
    );
    assert_eq!(
        shell.stdout("ls /vmfs/volumes/datastore1/os-images"),
        "ubuntu2004.iso\n"
    );
    assert_eq!(
        shell.stdout("date -u +%Y-%m-%dT%H:%M"),
        "2026-03-01T12:00\n"
    );
    assert_eq!(
        shell
            .run("cat < /dev/null; echo x > /dev/null; exit 3")
            .code,
        Some(3)
    );
    for absent in ["bash", "tr", "xxd", "realpath", "column", "getopt", "flock"] {
        assert_eq!(
            shell.run(&format!("{absent} x")).code,
            Some(127),
            "{absent}"
        );
    }
    assert_eq!(
        shell.run("timeout -s KILL 1 sleep 20; exit $?").code,
        Some(137)
    );
    let scripts: Vec<_> = node.remote_commands();
    assert_eq!(
        scripts.first().unwrap().script.as_deref(),
        Some("pwd; echo $HOME; ls -d /vmfs")
    );
}

#[test]
fn the_path_of_the_shell_can_be_a_short_one() {
    let mut spec = NodeSpec::new("esxi-01");
    spec.shell_path = "/usr/bin:/bin".to_owned();
    let (_node, shell) = start(spec);
    assert_eq!(shell.run("esxcli system version get").code, Some(127));
    shell.stdout("vmware -v && /sbin/esxcli system version get");
}

#[test]
fn calls_are_remembered_with_their_end() {
    let (node, shell) = start(NodeSpec::new("esxi-01"));
    shell.stdout("vim-cmd vmsvc/getallvms");
    shell.run("vim-cmd vmsvc/get.summary 9");
    let calls = node.calls();
    let lines: Vec<_> = calls
        .iter()
        .map(|call| (call.line(), call.outcome))
        .collect();
    assert_eq!(
        lines,
        [
            ("vim-cmd vmsvc/getallvms".to_owned(), CallOutcome::Exited(0)),
            (
                "vim-cmd vmsvc/get.summary 9".to_owned(),
                CallOutcome::Exited(1)
            ),
        ]
    );
    node.forget_calls();
    assert!(node.calls().is_empty());
    assert_eq!(node.logins(), 1);
}

#[test]
fn a_call_that_hangs_ends_with_its_caller_or_with_the_fault() {
    let (node, shell) = start(
        NodeSpec::new("esxi-01")
            .vm(VmSpec::new("a"))
            .vm(VmSpec::new("b")),
    );
    let fault = Fault::Hang(Scope::command("get.summary").and_vm(2));
    node.set_fault(fault.clone()).unwrap();
    shell.stdout("vim-cmd vmsvc/get.summary 1");
    let ran = shell.run("timeout -s KILL 1 vim-cmd vmsvc/get.summary 2; exit $?");
    assert_eq!(ran.code, Some(137));
    until("killed", || node.calls()[1].outcome == CallOutcome::Killed);
    std::thread::scope(|scope| {
        let hanging = scope.spawn(|| shell.run("vim-cmd vmsvc/get.summary 2"));
        until("running", || node.calls().len() == 3);
        node.clear_fault(&fault).unwrap();
        assert_eq!(hanging.join().unwrap().code, Some(0));
    });
}

#[test]
fn outputs_can_be_spoilt() {
    let (node, shell) = start(NodeSpec::new("esxi-01").vm(VmSpec::new("web")));
    let summary = Scope::command("get.summary");
    let with = |fault: Fault| {
        node.set_fault(fault).unwrap();
        let output = shell
            .command("vim-cmd vmsvc/get.summary 1")
            .output()
            .unwrap();
        node.clear_faults().unwrap();
        assert_eq!(output.status.code(), Some(0));
        output.stdout
    };
    assert!(!with(Fault::Garbage(summary.clone())).starts_with(b"Listsummary"));
    let broken = with(Fault::InvalidUtf8(summary.clone()));
    assert!(broken.starts_with(b"Listsummary") && std::str::from_utf8(&broken).is_err());
    assert_eq!(with(Fault::Truncated(summary.clone(), 100)).len(), 100);
    let slow = Fault::Slow(summary, Duration::from_millis(300));
    let begun = std::time::Instant::now();
    with(slow);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_wrong_clock_shows_wherever_the_node_shows_the_time() {
    let (node, shell) = start(
        NodeSpec::new("esxi-01")
            .clock(noon())
            .vm(VmSpec::new("web").on_since(noon())),
    );
    node.set_fault(Fault::ClockWrong(-3600)).unwrap();
    assert_eq!(shell.stdout("date -u +%H:%M"), "11:00\n");
    assert_eq!(
        shell.stdout("esxcli system time get"),
        "   2026-03-01T11:00:00Z\n"
    );
    let summary = shell.stdout("vim-cmd vmsvc/get.summary 1");
    assert!(
        summary.contains("bootTime = \"2026-03-01T11:00:00Z\""),
        "{summary}"
    );
    assert!(summary.contains("uptimeSeconds = 0, "), "{summary}");
}

#[test]
fn faults_of_vms_come_and_go() {
    let (node, shell) = start(NodeSpec::new("esxi-01").vm(VmSpec::new("web").on()));
    node.set_fault(Fault::NoTools(1)).unwrap();
    let refused = shell.run("vim-cmd vmsvc/power.shutdown 1");
    assert!(
        refused.stderr.contains("vim.fault.ToolsUnavailable"),
        "{refused:?}"
    );
    node.set_fault(Fault::Question(1)).unwrap();
    assert_ne!(shell.stdout("vim-cmd vmsvc/message 1"), "No message.\n");
    node.clear_faults().unwrap();
    assert_eq!(shell.stdout("vim-cmd vmsvc/message 1"), "No message.\n");
    assert_eq!(node.vm(1).unwrap().spec.tools, Tools::Installed);
    shell.stdout("vim-cmd vmsvc/power.shutdown 1");
    node.set_fault(Fault::LacksMemory(1)).unwrap();
    let refused = shell.run("vim-cmd vmsvc/power.on 1");
    assert!(refused.stderr.contains("InsufficientMemory"), "{refused:?}");
    node.set_fault(Fault::HostdDown(HostdDown::BadRequest))
        .unwrap();
    let down = shell.run("vim-cmd vmsvc/getallvms");
    assert_eq!(down.stderr, "Invalid response code: 400 Bad Request\n");
    assert_eq!(
        shell.stdout("vmware -v"),
        "VMware ESXi 7.0.3 build-21053776\n"
    );
}

#[test]
fn a_node_that_goes_away_comes_back_on_the_same_port() {
    let (node, _) = start(NodeSpec::new("esxi-01").vm(VmSpec::new("web")));
    let shell = Shell::new(&node);
    shell.stdout("vim-cmd vmsvc/power.on 1");
    node.stop().unwrap();
    let ran = Shell::fresh(&node).run("vmware -v");
    assert!(ran.stderr.contains("Connection refused"), "{ran:?}");
    node.start_again().unwrap();
    assert_eq!(
        Shell::fresh(&node).stdout("vmware -v"),
        "VMware ESXi 7.0.3 build-21053776\n"
    );
    assert_eq!(node.vm(1).unwrap().power, Power::On);
}

#[test]
fn host_keys_and_logins_can_be_made_to_fail() {
    let (node, _) = start(NodeSpec::new("esxi-01"));
    let shell = Shell::fresh(&node);
    for (fault, text) in [
        (Fault::WrongHostKey, "Host key verification failed"),
        (
            Fault::AuthenticationRefused,
            "Permission denied (publickey)",
        ),
    ] {
        node.set_fault(fault.clone()).unwrap();
        let ran = shell.run("vmware -v");
        assert_eq!(ran.code, Some(255), "{fault:?}");
        assert!(ran.stderr.contains(text), "{fault:?}: {ran:?}");
        node.clear_faults().unwrap();
        shell.stdout("vmware -v");
    }
}

#[test]
fn a_node_closes_connections_that_are_too_many() {
    let (node, _) = start(NodeSpec::new("esxi-01"));
    let shell = Shell::fresh(&node);
    node.set_fault(Fault::MaxStartups(1)).unwrap();
    let silent = TcpStream::connect((node.address(), node.port())).unwrap();
    let ran = shell.run("vmware -v");
    assert_eq!(ran.code, Some(255), "{ran:?}");
    assert!(ran.stderr.contains("Connection"), "{ran:?}");
    drop(silent);
    node.clear_faults().unwrap();
    shell.stdout("vmware -v");
}

#[test]
fn a_hardened_node_takes_one_session_at_a_time() {
    // Refused a second session, the client falls back to a connection of its own.
    for (fault, logins) in [(None, 1), (Some(Fault::MaxSessions(1)), 2)] {
        let (node, shell) = start(NodeSpec::new("esxi-01").vm(VmSpec::new("web")));
        if let Some(fault) = fault {
            node.set_fault(fault).unwrap();
        }
        let hangs = Fault::Hang(Scope::command("get.summary"));
        node.set_fault(hangs.clone()).unwrap();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| shell.run("vim-cmd vmsvc/get.summary 1"));
            until("the first session", || !node.calls().is_empty());
            assert_eq!(node.logins(), 1);
            let second = shell.run("vmware -v");
            assert_eq!(second.code, Some(0), "{second:?}");
            assert_eq!(node.logins(), logins, "{second:?}");
            node.clear_fault(&hangs).unwrap();
            assert_eq!(first.join().unwrap().code, Some(0));
        });
    }
}

#[test]
fn an_unresponsive_node_says_nothing_until_it_wakes_up() {
    let (node, shell) = start(NodeSpec::new("esxi-01"));
    shell.stdout("vmware -v");
    node.set_fault(Fault::Unresponsive).unwrap();
    // The kernel takes the connection, and then no banner comes.
    let mut silent = TcpStream::connect((node.address(), node.port())).unwrap();
    silent.set_read_timeout(Some(SECOND)).unwrap();
    let heard = silent.read(&mut [0; 64]).unwrap_err();
    assert!(
        matches!(heard.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{heard}"
    );
    let before = node.calls().len();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Shell::fresh(&node).run("vmware -v"));
        node.clear_faults().unwrap();
        assert_eq!(waiting.join().unwrap().code, Some(0));
    });
    assert_eq!(node.calls().len(), before + 1);
}

#[test]
fn the_connection_is_cut_at_the_command_that_was_named() {
    let (node, _) = start(NodeSpec::new("esxi-01"));
    let shell = Shell::fresh(&node);
    node.set_fault(Fault::CutConnection(2)).unwrap();
    shell.stdout("vmware -v");
    let cut = shell.run("vmware -v");
    assert_eq!(cut.code, Some(255), "{cut:?}");
    assert_eq!(node.calls().len(), 1);
    shell.stdout("vmware -v");
}

#[test]
fn what_hosts_yml_names_is_there() {
    let (node, shell) = start(NodeSpec::demo(1, 3));
    let entry = node.hosts_yml_entry();
    let value = |key: &str| {
        let line = entry
            .lines()
            .find(|line| line.trim().starts_with(key))
            .unwrap();
        line.split('\'').nth(1).unwrap().to_owned()
    };
    assert!(entry.starts_with("'esxi-02':\n"), "{entry}");
    shell.stdout(&format!("test -f '{}'", value("installer_iso_path")));
    shell.stdout(&format!("test -d '{}'", value("datastore_path")));
    let groups = shell.stdout("esxcli network vswitch standard portgroup list");
    assert!(groups.contains(&value("network_port_group")));
    assert!(Path::new(&value("identity_file_path")).is_file());
}

#[test]
fn every_generation_answers_every_command_about_every_demo_vm() {
    for (index, generation) in Generation::ALL.into_iter().enumerate() {
        let (node, shell) = start(NodeSpec::demo(index, 12).generation(generation));
        let vms = node.vms();
        let listed = shell.stdout("vim-cmd vmsvc/getallvms");
        for vm in &vms {
            assert!(
                listed.contains(&vm.spec.name),
                "{generation}: {}",
                vm.spec.name
            );
        }
        let each = "get.summary get.guest get.runtime get.config get.datastores snapshot.get \
                    message power.getstate";
        let ids: Vec<String> = vms.iter().map(|vm| vm.id.to_string()).collect();
        shell.stdout(&format!(
            "set -e; for id in {}; do for verb in {each}; do vim-cmd vmsvc/$verb $id; done; done",
            ids.join(" ")
        ));
        for formatter in ["", "--formatter=csv", "--formatter=xml", "--formatter=json"] {
            shell.stdout(&format!("esxcli {formatter} vm process list"));
            shell.stdout(&format!("esxcli {formatter} system version get"));
        }
    }
}

/// The processes whose command line or root directory names the folder.
fn processes_of(folder: &Path) -> Vec<PathBuf> {
    let needle = folder.to_str().unwrap().as_bytes().to_vec();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let process = entry.path();
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let names = line.windows(needle.len()).any(|part| part == needle);
        let root = fs::read_link(process.join("root"));
        if names || root.is_ok_and(|root| root.starts_with(folder)) {
            found.push(process);
        }
    }
    found
}

/// Leaves a process running on the node that no process waits for any more.
fn leave_behind(shell: &Shell) {
    shell.stdout("(setsid sleep 600 >/dev/null 2>&1 </dev/null &) ; true");
}

#[test]
fn a_dropped_node_leaves_nothing_behind() {
    let (node, shell) = start(NodeSpec::new("esxi-01").vm(VmSpec::new("web")));
    let folder = node.identity_file().parent().unwrap().to_owned();
    leave_behind(&shell);
    node.set_fault(Fault::Hang(Scope::everything())).unwrap();
    let mut hanging = shell
        .command("vim-cmd vmsvc/get.summary 1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("a call", || !node.calls().is_empty());
    assert!(processes_of(&folder).len() >= 3);
    drop(node);
    assert!(!folder.exists());
    hanging.wait().unwrap();
    drop(shell);
    until("no processes", || processes_of(&folder).is_empty());
}

#[test]
fn a_killed_process_leaves_nothing_of_its_nodes_behind() {
    let home = tempfile::tempdir().unwrap();
    let mut simulator = Command::new(env!("CARGO_BIN_EXE_ecoman-simulator"))
        .args(["--nodes", "1", "--vms", "2", "--directory"])
        .arg(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(simulator.stdout.take().unwrap());
    let lines: Vec<String> = output
        .lines()
        .map(Result::unwrap)
        .take_while(|line| line != "ready")
        .collect();
    let ssh = lines.last().unwrap().split_once("ssh ").unwrap().1;
    let words: Vec<&str> = ssh.split(' ').collect();
    let identity = words[words.iter().position(|word| *word == "-i").unwrap() + 1];
    let folder = Path::new(identity).parent().unwrap().to_owned();
    let ran = Command::new("ssh")
        .args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "GlobalKnownHostsFile=/dev/null",
        ])
        .args(&words)
        .arg("(setsid sleep 600 >/dev/null 2>&1 </dev/null &) ; vmware -v")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    until("no files", || !folder.exists());
    until("no processes", || processes_of(&folder).is_empty());
}

/// The names of the files beside the `.vmx` of `web`.
fn beside_web(node: &SimulatedNode) -> Vec<String> {
    let folder = node.file("/vmfs/volumes/datastore1/web");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn snapshots_are_files_and_a_vm_goes_on_with_new_disks() {
    let (node, shell) = start(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
    let before = beside_web(&node);
    let vmx = || fs::read_to_string(node.file("/vmfs/volumes/datastore1/web/web.vmx")).unwrap();
    let first = vmx();
    shell.stdout("vim-cmd vmsvc/snapshot.create 1 a 'x' 0 0");
    assert!(
        vmx().contains("fileName = \"web-000001.vmdk\""),
        "{}",
        vmx()
    );
    assert!(beside_web(&node).contains(&"web-000001-sesparse.vmdk".to_owned()));
    let vmsd = fs::read_to_string(node.file("/vmfs/volumes/datastore1/web/web.vmsd")).unwrap();
    assert!(vmsd.contains("snapshot0.displayName = \"a\""), "{vmsd}");
    assert!(vmsd.contains("snapshot.current = \"1\""), "{vmsd}");
    shell.stdout("vim-cmd vmsvc/snapshot.create 1 b '' 0 0");
    let layout = shell.stdout("vim-cmd vmsvc/get.filelayoutex 1");
    assert!(
        layout.contains("name = \"[datastore1] web/web-000002.vmdk\""),
        "{layout}"
    );
    // The one in the middle is merged into what it was built on.
    shell.stdout("vim-cmd vmsvc/snapshot.remove 1 1");
    shell.stdout("vim-cmd vmsvc/snapshot.removeall 1");
    assert_eq!(vmx(), first);
    let mut left = beside_web(&node);
    left.retain(|name| name != "web.vmsd");
    assert_eq!(left, before);
}

#[test]
fn work_on_snapshots_outlives_the_session_that_asked_for_it() {
    let (node, shell) = start(slow_node());
    shell.stdout("(vim-cmd vmsvc/snapshot.create 1 a '' 0 0 >/dev/null 2>&1 &) ; true");
    let listed = (0..500).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let listed = shell.stdout("vim-cmd vmsvc/get.tasklist 1");
        listed.contains("createSnapshot").then_some(listed)
    });
    let listed = listed.expect("hostd lists the task");
    let key = listed.split('\'').nth(1).unwrap();
    let key = key.strip_prefix("vim.Task:").unwrap().to_owned();
    node.cut_connections().unwrap();
    node.advance(10 * SECOND);
    let info = shell.stdout(&format!("vim-cmd vimsvc/task_info {key}"));
    assert!(info.contains("state = \"running\""), "{info}");
    assert!(info.contains("progress = 49"), "{info}");
    assert_eq!(node.vm(1).unwrap().spec.snapshots.len(), 0);
    node.advance(10 * SECOND);
    let info = shell.stdout(&format!("vim-cmd vimsvc/task_info {key}"));
    assert!(info.contains("state = \"success\""), "{info}");
    assert_eq!(node.vm(1).unwrap().spec.snapshots.len(), 1);
}

#[test]
fn destroying_a_vm_takes_its_disks_wherever_they_are_and_leaves_what_is_not_its() {
    let (node, shell) = start(NodeSpec::new("hoge").vm(VmSpec::new("web").id(1)));
    let folder = node.file("/vmfs/volumes/datastore1/web");
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let elsewhere = node.file("/vmfs/volumes/datastore1/shared");
    fs::create_dir(&elsewhere).unwrap();
    shell.stdout("vmkfstools -c 1G -d thin /vmfs/volumes/datastore1/shared/data.vmdk");
    let vmx = folder.join("web.vmx");
    let text = fs::read_to_string(&vmx).unwrap()
        + "scsi0:1.fileName = \"/vmfs/volumes/datastore1/shared/data.vmdk\"\n\
           scsi0:1.present = \"TRUE\"\n";
    fs::write(&vmx, text).unwrap();
    shell.stdout("vim-cmd vmsvc/reload 1");
    shell.stdout("vim-cmd vmsvc/destroy 1");
    assert_eq!(node.vm(1), None);
    assert_eq!(beside_web(&node), ["notes.txt"]);
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
}
