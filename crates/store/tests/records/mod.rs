//! What the golden records say. Each folder `format-N` holds what a version wrote that writes
//! format N; every later version must read it as what is here. The records themselves never
//! change: a new format gets a folder of its own.
//!
//! `*.jsonl` are the values of the embedded store's tables, `*.bson` the documents of MongoDB's
//! collections (as `mongodump` writes them), `ecoman.redb` is a whole file.

use std::path::{Path, PathBuf};

use ecoman_model::{
    Actor, Answer, AuditEntry, AuditOutcome, Authentication, Choice, CleanUp, CommandRun,
    Datastore, FailureKind, IsoImage, LastKnown, NewVm, NodeFacts, NodeFailure, NodeRecord,
    NodeSettings, NodeState, PortGroup, PowerAction, PowerChange, PowerState, Question,
    RefreshRequest, StepState, Task, TaskError, TaskErrorKind, TaskId, TaskProgress, TaskRequest,
    TaskState, TaskStep, Timestamp, VersionFacts, VmFacts, VmKey, VmRecord, Vmid,
};
use ecoman_store::{AuditQuery, Store, TaskQuery};
use uuid::Uuid;

/// A golden file.
pub(crate) fn path(format: u32, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/records/format-{format}/{file}"))
}

/// Everything that the golden records of a format say is what `store` says.
pub(crate) async fn check(store: &dyn Store) {
    for expected in nodes() {
        let state = store.node_state(&expected.node.name).await.unwrap();
        assert_eq!(state, Some(expected));
    }
    assert_eq!(store.tasks(&TaskQuery::default()).await.unwrap(), tasks());
    assert_eq!(store.refresh_requests().await.unwrap(), refresh_requests());
    assert_eq!(store.audit(&AuditQuery::default()).await.unwrap(), audit());
}

/// The nodes with their VMs.
pub(crate) fn nodes() -> Vec<NodeState> {
    let settings = NodeSettings {
        address: "2001:db8::1".to_owned(),
        port: 65_535,
        username: "root".to_owned(),
        datastore_path: "/vmfs/volumes/datastore1".to_owned(),
        installer_iso_path: "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso".to_owned(),
        network_port_group: "$set: {管理 ネットワーク}".to_owned(),
        max_sessions: 255,
        read_only: true,
    };
    let full = NodeRecord {
        name: "ノード 1".parse().unwrap(),
        settings: settings.clone(),
        facts: Some(NodeFacts {
            version: VersionFacts {
                product: Some("VMware ESXi".to_owned()),
                version: Some("7.0.3".to_owned()),
                build: Some("21053776".to_owned()),
                update: Some(3),
                patch: Some(65),
            },
            vendor: Some("Example".to_owned()),
            model: Some("$model".to_owned()),
            cpu_model: Some("Example(R) CPU X-1400 @ 3.30GHz".to_owned()),
            cpu_mhz: Some(3303),
            cpu_packages: Some(1),
            cpu_cores: Some(4),
            cpu_threads: Some(u32::MAX),
            memory_bytes: Some(u64::MAX),
            cpu_usage_mhz: Some(0),
            memory_usage_mb: Some(51_240),
            booted_at: Some(time("2026-01-02T03:04:05.678901234Z")),
            in_maintenance_mode: Some(false),
            overall_status: Some("green".to_owned()),
            datastores: vec![
                Datastore {
                    name: Some("datastore1".to_owned()),
                    path: "/vmfs/volumes/5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b30".to_owned(),
                    kind: "VMFS-6".to_owned(),
                    accessible: true,
                    capacity_bytes: Some(499_826_819_072),
                    free_bytes: Some(u64::MAX),
                },
                Datastore {
                    name: None,
                    path: String::new(),
                    kind: "vfat".to_owned(),
                    accessible: false,
                    capacity_bytes: None,
                    free_bytes: None,
                },
            ],
            port_groups: vec![PortGroup {
                name: "VM Network".to_owned(),
                virtual_switch: "vSwitch0".to_owned(),
                active_clients: u32::MAX,
                vlan_id: 4095,
            }],
            iso_images: vec![IsoImage {
                path: "/vmfs/volumes/データ 1/os/ubuntu.iso".to_owned(),
                bytes: Some(1 << 63),
            }],
            setup_read_at: Some(time("2026-11-22T10:00:00.000000001Z")),
        }),
        observed_at: Some(time("2026-11-22T10:00:00.000001Z")),
        attempted_at: Some(time("2026-11-22T10:00:01.999999999Z")),
        next_attempt_at: Some(time("2026-11-22T10:01:00Z")),
        interval_seconds: 60,
        round_millis: Some((1 << 63) - 1),
        failure: Some(NodeFailure {
            kind: FailureKind::HostKey,
            message: "ノード 1 shows another host key".to_owned(),
            hint: "Was it installed again?".to_owned(),
            since: time("1969-12-31T23:59:59.5Z"),
        }),
        warnings: vec![String::new(), "esxcli: \u{FFFD}".to_owned()],
        collecting: None,
        vms_read_at: Vec::new(),
    };
    let unknown = NodeRecord {
        name: "hoge".parse().unwrap(),
        settings,
        facts: None,
        observed_at: None,
        attempted_at: None,
        next_attempt_at: None,
        interval_seconds: 60,
        round_millis: None,
        failure: None,
        warnings: Vec::new(),
        collecting: None,
        vms_read_at: Vec::new(),
    };
    let states = [
        PowerState::On,
        PowerState::Off,
        PowerState::Suspended,
        PowerState::Unknown,
    ];
    let vms = states.into_iter().zip([0, 14, 15, u32::MAX]);
    let kinds = [
        FailureKind::Configuration,
        FailureKind::Unreachable,
        FailureKind::HostKey,
        FailureKind::Authentication,
        FailureKind::Timeout,
        FailureKind::Disconnected,
        FailureKind::Hostd,
        FailureKind::Protocol,
    ];
    let failed = kinds.into_iter().zip(1..).map(|(kind, number)| NodeState {
        node: NodeRecord {
            name: format!("esxi-{number}").parse().unwrap(),
            facts: Some(NodeFacts::default()),
            failure: Some(NodeFailure {
                kind,
                message: "It does not answer".to_owned(),
                hint: String::new(),
                since: Timestamp::UNIX_EPOCH,
            }),
            ..unknown.clone()
        },
        vms: Vec::new(),
        pending: Vec::new(),
    });
    let mut nodes: Vec<_> = failed.collect();
    nodes.extend([
        NodeState {
            node: full,
            vms: vms.map(|(power, vmid)| vm(power, vmid)).collect(),
            pending: Vec::new(),
        },
        NodeState {
            vms: vec![VmRecord {
                key: VmKey {
                    node: unknown.name.clone(),
                    vmid: Vmid(1),
                },
                facts: VmFacts::default(),
                observed_at: Timestamp::UNIX_EPOCH,
                failure: None,
                last_known: LastKnown::default(),
            }],
            node: unknown,
            pending: Vec::new(),
        },
    ]);
    nodes
}

fn vm(power: PowerState, vmid: u32) -> VmRecord {
    VmRecord {
        key: VmKey {
            node: "ノード 1".parse().unwrap(),
            vmid: Vmid(vmid),
        },
        facts: VmFacts {
            name: Some("metrics/b %2f \u{1F642}".to_owned()),
            uuid: Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned()),
            power,
            hostname: Some("ホスト".to_owned()),
            ip_address: Some("2001:db8::36".to_owned()),
            cpus: Some(u32::MAX),
            memory_mb: Some(u64::MAX),
            storage_bytes: Some(1 << 63),
            storage_uncommitted_bytes: Some((1 << 63) - 1),
            guest_os: Some("Ubuntu Linux (64-bit)".to_owned()),
            tools_status: Some("toolsOk".to_owned()),
            overall_status: Some("gray".to_owned()),
            connection_state: Some("connected".to_owned()),
            uptime_seconds: Some(u64::MAX),
            booted_at: Some(time("2026-11-22T09:59:59.123456789Z")),
            cpu_usage_mhz: Some(u64::MAX),
            guest_memory_mb: Some(u64::MAX),
            host_memory_mb: Some(u64::MAX),
            nic_count: Some(0),
            disk_count: Some(u32::MAX),
            datastore: Some("nas-a".to_owned()),
            vmx_path: Some("[nas-a] metrics-b/metrics-b.vmx".to_owned()),
            hardware_version: Some("vmx-19".to_owned()),
            comment: Some("9223372036854775808".to_owned()),
            question: None,
        },
        observed_at: time("2026-11-22T10:00:00.123456789Z"),
        failure: Some("VM 14 could not be read: the dump ends in line 3".to_owned()),
        last_known: LastKnown::default(),
    }
}

/// The tasks, newest first.
pub(crate) fn tasks() -> Vec<Task> {
    let vm = NewVm {
        name: "$(reboot) 漢字 \u{1F642}".to_owned(),
        cpus: u32::MAX,
        memory_mb: u64::MAX,
        disk_gb: (1 << 63) - 1,
        comment: "所有者:\r\n\u{1b}[1m{\"$set\": 1}\u{10FFFF}".to_owned(),
        guest_os: "ubuntu-64".to_owned(),
        datastore: None,
        network: Some("$管理.ネットワーク".to_owned()),
        iso_path: Some(String::new()),
        power_on: true,
    };
    let plain = NewVm {
        memory_mb: 1024,
        datastore: None,
        network: None,
        iso_path: None,
        power_on: false,
        ..vm.clone()
    };
    let actions = PowerAction::ALL.map(|action| {
        TaskRequest::Power(PowerChange {
            vmid: Vmid(14),
            action,
            guest_seconds: 120,
            if_power: None,
        })
    });
    let requests = [
        TaskRequest::Create(Box::new(vm.clone())),
        TaskRequest::Create(Box::new(plain.clone())),
        TaskRequest::Answer(Answer {
            vmid: Vmid(u32::MAX),
            question: "_vmx1".to_owned(),
            choice: 2,
        }),
        TaskRequest::CleanUp(CleanUp {
            task: id(1),
            vm: Box::new(vm),
            directory: Some("/vmfs/volumes/a b/ウェブ".to_owned()),
        }),
        TaskRequest::CleanUp(CleanUp {
            task: id(1),
            vm: Box::new(plain),
            directory: None,
        }),
    ];
    let mut tasks: Vec<_> = requests
        .into_iter()
        .chain(actions)
        .zip(1..)
        .map(|(request, number)| task(number, request))
        .collect();
    let states = [
        TaskState::Queued,
        TaskState::Running,
        TaskState::Succeeded,
        TaskState::Failed,
        TaskState::Interrupted,
    ];
    for (task, state) in tasks.iter_mut().zip(states.into_iter().cycle()) {
        task.progress.state = state;
    }
    let kinds = [
        TaskErrorKind::Refused,
        TaskErrorKind::Node,
        TaskErrorKind::Timeout,
        TaskErrorKind::Unreachable,
        TaskErrorKind::Question,
        TaskErrorKind::Executor,
        TaskErrorKind::Interrupted,
    ];
    for (task, kind) in tasks.iter_mut().zip(kinds) {
        task.progress.error = Some(TaskError {
            kind,
            message: "hoge: the disk is full".to_owned(),
            hint: "Make space.".to_owned(),
            left: vec!["VM 31 is registered".to_owned(), String::new()],
        });
    }
    // One of which nothing is known yet.
    tasks.push(Task {
        id: id(100),
        node: "hoge".parse().unwrap(),
        request: TaskRequest::Power(PowerChange {
            vmid: Vmid(0),
            action: PowerAction::On,
            guest_seconds: 0,
            if_power: None,
        }),
        vm_name: None,
        actor: None,
        idempotency_key: None,
        request_id: String::new(),
        created_at: time("2026-11-22T10:00:00Z"),
        executor: None,
        cancelled: None,
        progress: TaskProgress::default(),
    });
    tasks.reverse();
    tasks
}

fn task(number: u128, request: TaskRequest) -> Task {
    let at = time("2026-11-22T10:00:00.123456789Z");
    let steps = [
        StepState::Pending,
        StepState::Running,
        StepState::Done,
        StepState::Skipped,
        StepState::Failed,
        StepState::Undone,
    ];
    let command = CommandRun {
        command: "vim-cmd vmsvc/power.on 14".to_owned(),
        at,
        times: u32::MAX,
        millis: Some(u64::MAX),
        exit: Some(i32::MIN),
        expected: true,
        stdout: "\0\u{FFFD}\n".to_owned(),
        stderr: "行".to_owned(),
        failure: Some("the connection was lost".to_owned()),
    };
    let running = CommandRun {
        millis: None,
        exit: None,
        expected: false,
        failure: None,
        ..command.clone()
    };
    Task {
        id: id(number),
        node: "ノード 1".parse().unwrap(),
        request,
        vm_name: Some("metrics/b %2f".to_owned()),
        actor: Some("$actor.名".to_owned()),
        idempotency_key: Some(format!("key {number}")),
        request_id: "r-1".to_owned(),
        created_at: at,
        executor: Some(Uuid::from_u128(u128::MAX)),
        cancelled: None,
        progress: TaskProgress {
            state: TaskState::Queued,
            steps: steps
                .into_iter()
                .map(|state| TaskStep {
                    title: "Register the VM".to_owned(),
                    code: None,
                    state,
                    detail: (state == StepState::Failed).then(String::new),
                })
                .collect(),
            percent: Some(100),
            started_at: Some(at),
            finished_at: Some(time("2026-11-22T10:00:01Z")),
            commands: vec![command, running],
            directory: Some("/vmfs/volumes/a b/ウェブ".to_owned()),
            place: None,
            vmid: Some(Vmid(u32::MAX)),
            before: None,
            removal: None,
            question: Some(Question {
                id: "_vmx1".to_owned(),
                text: "moved or\ncopied?".to_owned(),
                choices: vec![
                    Choice {
                        index: 0,
                        label: "Cancel".to_owned(),
                        default: false,
                    },
                    Choice {
                        index: u32::MAX,
                        label: "I Copied It".to_owned(),
                        default: true,
                    },
                ],
            }),
            error: None,
        },
    }
}

/// The refresh requests, oldest first.
pub(crate) fn refresh_requests() -> [RefreshRequest; 2] {
    [
        RefreshRequest {
            id: id(1).0,
            node: "ノード 1".parse().unwrap(),
            vmid: Some(Vmid(u32::MAX)),
            requested_at: time("2026-11-22T10:00:00.123456789Z"),
            whole: false,
        },
        RefreshRequest {
            id: Uuid::from_u128(u128::MAX),
            node: "hoge".parse().unwrap(),
            vmid: None,
            requested_at: time("2026-11-22T10:00:01Z"),
            whole: false,
        },
    ]
}

/// The entries of the audit log, newest first.
pub(crate) fn audit() -> Vec<AuditEntry> {
    let ways = [
        (Authentication::None, AuditOutcome::Refused, None),
        (
            Authentication::Password,
            AuditOutcome::Pending,
            Some("192.0.2.7"),
        ),
        (
            Authentication::Proxy,
            AuditOutcome::Succeeded,
            Some("::ffff:192.0.2.7"),
        ),
        (
            Authentication::Token,
            AuditOutcome::Failed,
            Some("2001:db8::7"),
        ),
    ];
    let mut entries: Vec<_> = (1..)
        .zip(ways)
        .map(|(number, (by, outcome, address))| AuditEntry {
            id: id(number).0,
            at: time("2026-11-22T10:00:00.120Z"),
            actor: Actor {
                name: Some("$漢字.\0\u{1F642}".to_owned()),
                by,
                token: Some("ci \"{\"$set\": 1}\"\u{10FFFF}".to_owned()),
                address: address.map(|address| address.parse().unwrap()),
            },
            operation: "createVm".to_owned(),
            summary: "create \"$(reboot) 漢字\"\r\n\t\u{1b}[1m".to_owned(),
            node: Some("ノード 1".parse().unwrap()),
            vmid: Some(Vmid(u32::MAX)),
            name: Some(String::new()),
            task: Some(id(7)),
            outcome,
            detail: Some("行".to_owned()),
            request_id: "\u{FFFD}'\\".to_owned(),
        })
        .collect();
    entries.push(AuditEntry {
        id: id(100).0,
        at: time("2026-11-22T10:00:00Z"),
        actor: Actor {
            name: None,
            by: Authentication::None,
            token: None,
            address: None,
        },
        operation: "signIn".to_owned(),
        summary: String::new(),
        node: None,
        vmid: None,
        name: None,
        task: None,
        outcome: AuditOutcome::Refused,
        detail: None,
        request_id: String::new(),
    });
    entries.reverse();
    entries
}

/// An id as version 7 makes them.
fn id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(
        0x019a_c0de_0000_7000_8000_0000_0000_0000 + (number << 80) + number,
    ))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
