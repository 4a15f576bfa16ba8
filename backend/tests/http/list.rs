//! `/vms`: what is listed, in which order, in pages, and how cheaply.

use ecoman_api::{Resource, Vm};
use ecoman_model::{Choice, LastValue, PowerState, Question, VmFacts};
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY,
};

use crate::server::{Server, at, facts, keys, later, node, round, round_of, vm};

#[tokio::test]
async fn all_facts_of_a_vm_are_listed_with_what_makes_it_large() {
    let facts = VmFacts {
        name: Some("metrics-b".to_owned()),
        uuid: Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned()),
        power: PowerState::Suspended,
        hostname: Some("metrics".to_owned()),
        ip_address: Some("192.0.2.36".to_owned()),
        cpus: Some(5),
        memory_mb: Some(8191),
        storage_bytes: Some(50 << 30),
        storage_uncommitted_bytes: Some(1),
        guest_os: Some("Ubuntu Linux (64-bit)".to_owned()),
        tools_status: Some("toolsOk".to_owned()),
        overall_status: Some("green".to_owned()),
        connection_state: Some("connected".to_owned()),
        uptime_seconds: Some(2),
        booted_at: Some(at(-4)),
        cpu_usage_mhz: Some(3),
        guest_memory_mb: Some(4),
        host_memory_mb: Some(5),
        nic_count: Some(6),
        disk_count: Some(7),
        datastore: Some("nas-a".to_owned()),
        vmx_path: Some("[nas-a] metrics-b/metrics-b.vmx".to_owned()),
        hardware_version: Some("vmx-19".to_owned()),
        comment: Some("owner: \"ops\"\n<b>日本".to_owned()),
        question: Some(Question {
            id: "_vmx1".to_owned(),
            text: "Moved or copied?".to_owned(),
            choices: vec![Choice {
                index: 2,
                label: "I Copied It".to_owned(),
                default: true,
            }],
        }),
    };
    let unknown = vm("hoge", 2, VmFacts::default());
    let vms = vec![vm("hoge", 14, facts), unknown];
    let server = Server::start_showing(vec![round(node("hoge"), vms)]).await;
    let mut page = server.vms("").await;
    assert!(page.revision > 1_700_000_000_000_000, "{}", page.revision);
    assert!(page.revision < 1 << 53, "{}", page.revision);
    page.revision = 0;
    insta::assert_json_snapshot!(page);

    let one: Vm = server.json("/api/v1/vms/hoge/14").await;
    assert_eq!(Some(&one), page.items.get(1));
}

#[tokio::test]
async fn a_vm_without_an_address_is_found_by_its_last_known_one() {
    let last = |value: &str| {
        Some(LastValue {
            value: value.to_owned(),
            seen_at: at(-100),
        })
    };
    let mut off = vm("hoge", 1, facts("off"));
    off.last_known.ip_address = last("192.0.2.17");
    off.last_known.hostname = last("metrics-old");
    let mut on = vm("hoge", 2, facts("on"));
    on.facts.ip_address = Some("192.0.2.9".to_owned());
    on.facts.hostname = Some("metrics-new".to_owned());
    let mut later = vm("hoge", 3, facts("later"));
    later.facts.ip_address = Some("192.0.2.117".to_owned());
    let vms = vec![off, on, later, vm("hoge", 4, facts("never"))];
    let server = Server::start_showing(vec![round(node("hoge"), vms)]).await;

    let one: Vm = server.json("/api/v1/vms/hoge/1").await;
    assert_eq!((&one.ip_address, &one.hostname), (&None, &None));
    assert_eq!(one.last_ip_address.as_deref(), Some("192.0.2.17"));
    assert_eq!(one.last_ip_address_at, Some(at(-100)));
    assert_eq!(one.last_hostname.as_deref(), Some("metrics-old"));
    assert_eq!(one.last_hostname_at, Some(at(-100)));
    for (query, expected) in [
        ("?q=ip:192.0.2.17", &["hoge/1"][..]),
        ("?q=192.0.2.17", &["hoge/1"]),
        ("?q=ip:192.0.2.0/27", &["hoge/1", "hoge/2"]),
        ("?q=hostname:metrics-old", &["hoge/1"]),
        ("?q=metrics", &["hoge/1", "hoge/2"]),
        ("?sort=ip", &["hoge/2", "hoge/1", "hoge/3", "hoge/4"]),
    ] {
        assert_eq!(server.keys(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_list_is_in_the_order_of_nodes_and_ids_unless_another_is_requested() {
    let server = Server::start_showing(vec![
        round_of("esxi10", &["web2", "db"]),
        round_of("esxi2", &["web10", "Web1"]),
    ])
    .await;
    assert_eq!(
        server.keys("").await,
        ["esxi2/1", "esxi2/2", "esxi10/1", "esxi10/2"]
    );
    assert_eq!(
        server.keys("?sort=name").await,
        ["esxi10/2", "esxi2/2", "esxi10/1", "esxi2/1"]
    );
    assert_eq!(
        server.keys("?sort=-node,-vmid").await,
        ["esxi10/2", "esxi10/1", "esxi2/2", "esxi2/1"]
    );
}

#[tokio::test]
async fn conditions_narrow_the_list_together() {
    let large = VmFacts {
        cpus: Some(8),
        power: PowerState::Off,
        comment: Some("of the ops team".to_owned()),
        ..facts("web1")
    };
    let server = Server::start_showing(vec![
        round(
            node("hoge"),
            vec![vm("hoge", 1, large), vm("hoge", 2, facts("web2"))],
        ),
        round_of("fuga", &["web3", "db"]),
    ])
    .await;
    for (query, expected) in [
        ("?q=web", vec!["fuga/1", "hoge/1", "hoge/2"]),
        ("?q=web+ops", vec!["hoge/1"]),
        ("?q=!web", vec!["fuga/2"]),
        (
            "?q=cpus:%3E4,1",
            vec!["fuga/1", "fuga/2", "hoge/1", "hoge/2"],
        ),
        ("?node=hoge", vec!["hoge/1", "hoge/2"]),
        ("?node=hoge,piyo", vec!["hoge/1", "hoge/2"]),
        ("?node=ho", vec![]),
        ("?power=off,suspended", vec!["hoge/1"]),
        ("?large=true", vec!["hoge/1"]),
        ("?large=memory,cpu", vec!["hoge/1"]),
        ("?large=memory", vec![]),
        ("?large=false&q=web", vec!["fuga/1", "hoge/2"]),
        ("?node=hoge&power=on&q=web", vec!["hoge/2"]),
    ] {
        let page = server.vms(query).await;
        assert_eq!(keys(&page), expected, "{query}");
        assert_eq!(page.total, expected.len() as u64, "{query}");
    }
    let page = server.vms("?large=true").await;
    assert_eq!(page.items[0].large, [Resource::Cpu]);
}

#[tokio::test]
async fn pages_are_disjoint_and_complete_though_vms_come_and_go() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let server = Server::start_showing(vec![round_of("hoge", &names)]).await;
    let first = server.vms("?sort=-name&limit=3").await;
    assert_eq!(keys(&first), ["hoge/7", "hoge/6", "hoge/5"]);
    assert_eq!(first.total, 7);
    let token = first.next_page.expect("there is more");

    // The VM that the page ended with is gone, one that was listed moves down, one is new on top.
    let mut vms: Vec<_> = (1..)
        .zip(names)
        .map(|(id, name)| vm("hoge", id, facts(name)))
        .collect();
    vms.retain(|vm| vm.key.vmid.0 != 5);
    vms.push(vm("hoge", 8, facts("z")));
    server.show(round(node("hoge"), vms)).await;

    let second = server
        .vms(&format!("?limit=3&sort=-name&page_token={token}"))
        .await;
    assert_eq!(keys(&second), ["hoge/4", "hoge/3", "hoge/2"]);
    let token = second.next_page.expect("there is more");
    let third = server
        .vms(&format!("?limit=1&sort=-name&page_token={token}"))
        .await;
    assert_eq!(keys(&third), ["hoge/1"]);
    assert_eq!(third.next_page, None);
}

#[tokio::test]
async fn pages_work_with_every_key_and_with_texts_as_long_as_books() {
    let book = |end: &str| format!("{}{end}", "ü".repeat(5000));
    let vms = (1..=9).map(|vmid| {
        let facts = VmFacts {
            comment: (vmid % 3 != 0).then(|| book(&vmid.to_string())),
            ip_address: (vmid % 2 == 0).then(|| format!("192.0.2.{vmid}")),
            uptime_seconds: (vmid % 4 == 0).then_some(vmid.into()),
            guest_os: Some("Linux".to_owned()),
            ..facts("same")
        };
        vm("hoge", vmid, facts)
    });
    let server = Server::start_showing(vec![round(node("hoge"), vms.collect())]).await;
    for key in ecoman_api::SortKey::all() {
        for sign in ["", "-"] {
            let sort = format!("{sign}{}", key.as_str());
            let whole = server.keys(&format!("?sort={sort}")).await;
            let mut paged = Vec::new();
            let mut next = String::new();
            loop {
                let page = server.vms(&format!("?sort={sort}&limit=2{next}")).await;
                paged.extend(keys(&page));
                let Some(token) = page.next_page else { break };
                next = format!("&page_token={token}");
            }
            assert_eq!(paged, whole, "{sort}");
        }
    }
}

#[tokio::test]
async fn a_list_that_has_not_changed_is_not_sent_again() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    for path in [
        "/api/v1/vms?q=a",
        "/api/v1/vms/hoge/1",
        "/api/v1/nodes",
        "/api/v1/nodes/hoge",
    ] {
        let first = server.get(path).await;
        let tag = first.headers()[ETAG].clone();
        let again = server
            .request(path)
            .header(IF_NONE_MATCH, &tag)
            .send()
            .await
            .expect("sent");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.headers()[ETAG], tag, "{path}");
        assert_eq!(again.text().await.expect("a body"), "", "{path}");
    }

    let tag = server.get("/api/v1/vms").await.headers()[ETAG].clone();
    server.show(later(round_of("hoge", &["a"]), 60)).await;
    let again = server
        .request("/api/v1/vms")
        .header(IF_NONE_MATCH, tag)
        .send()
        .await;
    assert_eq!(
        again.expect("sent").status(),
        StatusCode::OK,
        "it was seen at another time"
    );
}

#[tokio::test]
async fn a_list_is_compressed_as_the_client_likes_it() {
    let names: Vec<_> = (0..200).map(|index| format!("vm{index}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let server = Server::start_showing(vec![round_of("hoge", &names)]).await;
    let plain = server.get("/api/v1/vms").await;
    assert_eq!(plain.headers().get(CONTENT_ENCODING), None);
    let plain = plain.bytes().await.expect("a body");
    for (accept, expected) in [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
    ] {
        let request = server
            .request("/api/v1/vms")
            .header(ACCEPT_ENCODING, accept);
        let response = request.send().await.expect("sent");
        assert_eq!(response.headers()[CONTENT_ENCODING], expected, "{accept}");
        assert_eq!(
            response.headers()[VARY],
            "Accept, Accept-Encoding",
            "{accept}"
        );
        let body = response.bytes().await.expect("a body");
        assert!(
            body.len() < plain.len() / 8,
            "{accept}: {} of {}",
            body.len(),
            plain.len()
        );
        let mut unpacked = Vec::new();
        if expected == "br" {
            brotli::BrotliDecompress(&mut &body[..], &mut unpacked).expect("brotli");
        } else {
            let mut reader = flate2::read::GzDecoder::new(&body[..]);
            std::io::copy(&mut reader, &mut unpacked).expect("gzip");
        }
        assert_eq!(unpacked, plain, "{accept}");
    }
}

#[tokio::test]
async fn a_vm_that_is_gone_is_listed_no_more() {
    let server = Server::start_showing(vec![round_of("hoge", &["a", "b"])]).await;
    server.show(round_of("hoge", &["a"])).await;
    assert_eq!(server.keys("").await, ["hoge/1"]);
    let status = server.get("/api/v1/vms/hoge/2").await.status();
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_by_the_time_since_a_vm_was_seen_holds_for_its_moment_only() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let list = "/api/v1/vms?q=seen:%3E1h";
    let listed = async || {
        let page: ecoman_api::VmPage = server.json(list).await;
        keys(&page).len()
    };
    assert_eq!(listed().await, 0);
    server.set_clock(7200);
    assert_eq!(listed().await, 1, "at the same revision");

    // The round confirms the VM and changes nothing of it.
    server.show(later(round_of("hoge", &["a"]), 7000)).await;
    let is_fresh = async || (listed().await == 0).then_some(());
    server.until("the VM to be seen again", is_fresh).await;
    assert_eq!(server.keys("?q=seen:%3C5m").await, ["hoge/1"]);

    let any = server.get("/api/v1/vms").await.headers()[ETAG].clone();
    for accept in ["application/json", "text/csv"] {
        let asked = server.request(list).header(ACCEPT, accept);
        let answer = asked
            .header(IF_NONE_MATCH, &any)
            .send()
            .await
            .expect("sent");
        assert_eq!(answer.status(), StatusCode::OK, "{accept}");
        assert!(!answer.headers().contains_key(ETAG), "{accept}");
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store", "{accept}");
    }
}
