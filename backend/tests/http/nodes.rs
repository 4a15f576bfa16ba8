//! `/nodes` and `/config`.

use ecoman_api::{AuditPage, Config, Node};
use ecoman_model::{
    Datastore, FailureKind, IsoImage, NodeFacts, NodeFailure, NodeRecord, PortGroup, PowerState,
    VersionFacts, VmFacts,
};

use ecoman_store::TaskStore as _;
use reqwest::{Method, StatusCode};

use crate::server::{Server, at, facts, node, round, round_of, vm};

fn described() -> NodeRecord {
    let volume = |name: &str, kind: &str| Datastore {
        name: Some(name.to_owned()),
        path: format!("/vmfs/volumes/{name}"),
        kind: kind.to_owned(),
        accessible: true,
        capacity_bytes: Some(100),
        free_bytes: Some(40),
    };
    NodeRecord {
        facts: Some(NodeFacts {
            version: VersionFacts {
                product: Some("VMware ESXi".to_owned()),
                version: Some("7.0.3".to_owned()),
                build: Some("21053776".to_owned()),
                update: Some(3),
                patch: Some(65),
            },
            vendor: Some("Example Systems".to_owned()),
            model: Some("ES-1U".to_owned()),
            cpu_model: Some("Example CPU".to_owned()),
            cpu_mhz: Some(3303),
            cpu_packages: Some(1),
            cpu_cores: Some(4),
            cpu_threads: Some(8),
            memory_bytes: Some(137_402_867_712),
            cpu_usage_mhz: Some(2874),
            memory_usage_mb: Some(51_240),
            booted_at: Some(at(-86_400)),
            in_maintenance_mode: Some(false),
            overall_status: Some("green".to_owned()),
            datastores: vec![volume("datastore1", "VMFS-6"), volume("BOOTBANK1", "vfat")],
            port_groups: vec![PortGroup {
                name: "VM Network".to_owned(),
                virtual_switch: "vSwitch0".to_owned(),
                active_clients: 3,
                vlan_id: 0,
            }],
            iso_images: vec![IsoImage {
                path: "/vmfs/volumes/datastore1/os/debian.iso".to_owned(),
                bytes: Some(659_554_304),
            }],
            setup_read_at: Some(at(-300)),
        }),
        warnings: vec!["hoge: the port groups could not be read".to_owned()],
        ..node("hoge")
    }
}

#[tokio::test]
async fn a_node_is_shown_with_capacity_and_the_sums_over_its_vms() {
    let off = VmFacts {
        power: PowerState::Off,
        cpus: Some(6),
        storage_uncommitted_bytes: Some(5),
        ..facts("b")
    };
    let unknown = VmFacts::default();
    let vms = vec![
        vm("hoge", 1, facts("a")),
        vm("hoge", 2, off),
        vm("hoge", 3, unknown),
    ];
    let server = Server::start_showing(vec![round(described(), vms)]).await;
    let mut page = server.nodes().await;
    page.revision = 0;
    insta::assert_json_snapshot!(page);
    let one: Node = server.json("/api/v1/nodes/hoge").await;
    assert_eq!(Some(&one), page.items.first());
}

#[tokio::test]
async fn nodes_are_in_the_order_of_their_names_and_go_with_hosts_yml() {
    let server = Server::start_showing(vec![
        round_of("esxi10", &["a"]),
        round_of("ESXI2", &["b"]),
        round_of("esxi1", &[]),
    ])
    .await;
    let names = async || {
        let page = server.nodes().await;
        page.items
            .into_iter()
            .map(|node| node.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["esxi1", "ESXI2", "esxi10"]);

    let kept = ["ESXI2".parse().expect("a name")];
    use ecoman_store::Store as _;
    server.store.retain_nodes(&kept).await.expect("forgotten");
    server
        .until("two nodes to go", async || {
            (names().await == ["ESXI2"]).then_some(())
        })
        .await;
    assert_eq!(server.keys("").await, ["ESXI2/1"]);
}

#[tokio::test]
async fn a_node_with_a_percent_sign_in_its_name_has_an_address() {
    let server = Server::start_showing(vec![round_of("a%2Fb ü", &["x"])]).await;
    let node: Node = server.json("/api/v1/nodes/a%252Fb%20%C3%BC").await;
    assert_eq!(node.name, "a%2Fb ü");
    let vm: ecoman_api::Vm = server.json("/api/v1/vms/a%252Fb%20%C3%BC/1").await;
    assert_eq!(vm.name.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_node_that_fails_says_why_and_what_to_do() {
    let failing = NodeRecord {
        failure: Some(NodeFailure {
            kind: FailureKind::HostKey,
            message: "hoge: the host key of hoge.example.org is not known".to_owned(),
            hint: "Compare and trust it: ecoman trust hoge".to_owned(),
            since: at(-100),
        }),
        observed_at: None,
        ..node("hoge")
    };
    let server = Server::start_showing(vec![round(failing, Vec::new())]).await;
    let node: Node = server.json("/api/v1/nodes/hoge").await;
    assert_eq!(node.reachable, Some(false));
    let error = node.last_error.expect("an error");
    assert_eq!(error.kind, FailureKind::HostKey);
    assert_eq!(error.hint, "Compare and trust it: ecoman trust hoge");
    assert_eq!(node.stale_reason.as_deref(), Some(error.message.as_str()));
}

#[tokio::test]
async fn a_node_is_polled_when_somebody_asks_for_it_and_once_however_often() {
    let server = Server::start_showing(vec![
        round(node("hoge"), vec![]),
        round(node("fuga"), vec![]),
    ])
    .await;
    for _ in 0..2 {
        let poll = server.method(Method::POST, "/api/v1/nodes/hoge/poll");
        let answer = poll.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let shown: Node = answer.json().await.expect("the node");
        assert_eq!(shown.name, "hoge");
    }
    let requests = server.store.refresh_requests().await.expect("requests");
    let asked: Vec<_> = requests
        .iter()
        .map(|request| (request.node.as_str(), request.vmid, request.whole))
        .collect();
    assert_eq!(asked, [("hoge", None, true)]);
    let log: AuditPage = server.json("/api/v1/audit").await;
    let entry = &log.items[0];
    assert_eq!(
        (entry.operation.as_str(), entry.summary.as_str()),
        ("pollNode", "poll")
    );
    assert_eq!(entry.node.as_deref(), Some("hoge"));
    let unknown = server.method(Method::POST, "/api/v1/nodes/piyo/poll");
    let unknown = unknown.send().await.expect("an answer");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_configuration_names_thresholds_presets_and_the_crawlers_interval() {
    let server = Server::start().await;
    let before: Config = server.json("/api/v1/config").await;
    assert_eq!(before.interval_seconds, None);
    server.show(round_of("hoge", &[])).await;
    let mut config: Config = server.json("/api/v1/config").await;
    assert_eq!(config.version, env!("CARGO_PKG_VERSION"));
    config.version = "VERSION".to_owned();
    assert_eq!(config.guest_oses.len(), 46);
    config.guest_oses.truncate(2);
    insta::assert_json_snapshot!(config);
}
