//! `/vms` as a table, for scripts and spreadsheets.

use ecoman_api::Vm;
use ecoman_model::VmFacts;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, LINK, VARY,
};
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::server::{Server, facts, node, round, round_of, vm};

fn table(server: &Server, query: &str) -> RequestBuilder {
    let path = format!("/api/v1/vms{query}");
    server.request(&path).header(ACCEPT, "text/csv")
}

async fn sent(request: RequestBuilder) -> Response {
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    response
}

/// The records as a reader of CSV sees them, header first.
fn records(text: &str) -> Vec<Vec<String>> {
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .into_records()
        .map(|record| record.expect("CSV").iter().map(str::to_owned).collect())
        .collect()
}

/// Of each record behind the header, the VM's id.
fn ids(text: &str) -> Vec<String> {
    let ids = records(text).into_iter().skip(1);
    ids.map(|mut record| record.remove(1)).collect()
}

#[tokio::test]
async fn every_field_of_a_vm_is_a_column_and_what_is_unknown_is_empty() {
    let everything = VmFacts {
        uuid: Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned()),
        hostname: Some("metrics".to_owned()),
        cpus: Some(8),
        storage_bytes: Some(50 << 30),
        comment: Some(
            "=HYPERLINK(\"http://x\")\n日本, \"quoted\"\nowner: ops, until 2027-03-31".to_owned(),
        ),
        ..facts("-metrics, b")
    };
    let vms = vec![
        vm("hoge", 2, VmFacts::default()),
        vm("hoge", 14, everything),
    ];
    let server = Server::start_showing(vec![round(node("hoge"), vms)]).await;
    let response = sent(table(&server, "")).await;
    assert_eq!(
        response.headers()[CONTENT_TYPE],
        "text/csv; charset=utf-8; header=present"
    );
    let text = response.text().await.expect("text");
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "a header, two VMs and an end: {text}");
    assert_eq!(lines[3], "");
    assert_eq!(
        lines[1],
        "hoge,2,,,unknown,,,,,,,,,,,,,,,,,,,,,,,,2026-11-22T19:59:58Z,false,,,,,,,,"
    );
    assert_eq!(
        lines[2],
        "hoge,14,564d71c3-1111-2222-3333-5b0e92d7a4c6,\"'-metrics, b\",on,metrics,,8,1024,\
         53687091200,,,,,,,,,,,,,,,,\"'=HYPERLINK(\"\"http://x\"\")\n日本, \"\"quoted\"\"\nowner: ops, until \
         2027-03-31\",,cpu storage,2026-11-22T19:59:58Z,false,,ops,2027-03-31,,,,,"
    );

    // The columns are the fields of the JSON, in its order.
    let json = server.get("/api/v1/vms/hoge/14").await;
    let json = json.text().await.expect("text");
    let columns = records(&text).remove(0);
    let mut rest = json.as_str();
    for column in &columns {
        let next = rest.split_once(&format!("\"{column}\":"));
        let (_, behind) = next.unwrap_or_else(|| panic!("{column} is not the next field: {json}"));
        rest = behind;
    }
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&json).expect("an object");
    assert_eq!(columns.len(), fields.len());
    serde_json::from_str::<Vm>(&json).expect("a VM");
}

#[tokio::test]
async fn a_table_shows_what_the_list_shows() {
    let server = Server::start_showing(vec![
        round_of("hoge", &["web1", "db", "web10", "web2"]),
        round_of("fuga", &["web3"]),
    ])
    .await;
    let query = "?q=node:hoge+web&sort=-name";
    let response = sent(table(&server, query)).await;
    assert_eq!(response.headers()["x-total-count"], "3");
    assert_eq!(response.headers().get(LINK), None);
    let name = response.headers()[CONTENT_DISPOSITION].to_str();
    let name = name.expect("text").to_owned();
    let day = name
        .strip_prefix("attachment; filename=\"ecoman-vms-")
        .and_then(|name| name.strip_suffix(".csv\""));
    day.expect(&name)
        .parse::<chrono::NaiveDate>()
        .expect("a day");
    let text = response.text().await.expect("text");
    assert_eq!(ids(&text), ["3", "4", "1"]);
    assert_eq!(server.keys(query).await, ["hoge/3", "hoge/4", "hoge/1"]);

    let nothing = sent(table(&server, "?q=nobody")).await;
    let nothing = nothing.text().await.expect("text");
    assert_eq!(records(&nothing).len(), 1, "the header alone: {nothing}");
}

#[tokio::test]
async fn pages_of_a_table_lead_to_the_next_one() {
    let names: Vec<_> = (0..5).map(|index| format!("v{index}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let server = Server::start_showing(vec![round_of("hoge", &names)]).await;
    let mut path = "/api/v1/vms?sort=-name&limit=2&q=v%20%21%22a%26b%22".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = sent(server.request(&path).header(ACCEPT, "text/csv")).await;
        assert_eq!(page.headers()["x-total-count"], "5");
        let next = page.headers().get(LINK).map(|link| {
            let link = link.to_str().expect("text");
            let next = link.strip_prefix('<').expect(link);
            next.strip_suffix(">; rel=\"next\"").expect(link).to_owned()
        });
        seen.extend(ids(&page.text().await.expect("text")));
        let Some(next) = next else { break };
        path = next;
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);

    // A page of the table goes on where one of the JSON has ended, and the other way round.
    let first = server.vms("?limit=4").await;
    let rest = format!("?limit=4&page_token={}", first.next_page.expect("more"));
    let rest = sent(table(&server, &rest)).await;
    assert_eq!(ids(&rest.text().await.expect("text")), ["5"]);
}

#[tokio::test]
async fn json_and_table_are_kept_apart_by_caches() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let json = server.get("/api/v1/vms").await;
    let csv = sent(table(&server, "")).await;
    assert_ne!(json.headers()[ETAG], csv.headers()[ETAG]);
    for response in [&json, &csv] {
        assert_eq!(response.headers()[VARY], "Accept, Accept-Encoding");
        assert_eq!(response.headers().get_all(VARY).iter().count(), 1);
    }
    for (accept, tag, expected) in [
        ("text/csv", &csv, StatusCode::NOT_MODIFIED),
        ("text/csv", &json, StatusCode::OK),
        ("application/json", &json, StatusCode::NOT_MODIFIED),
        ("application/json", &csv, StatusCode::OK),
    ] {
        let request = server
            .request("/api/v1/vms")
            .header(ACCEPT, accept)
            .header(IF_NONE_MATCH, &tag.headers()[ETAG]);
        let again = request.send().await.expect("an answer");
        assert_eq!(again.status(), expected, "{accept}");
        assert_eq!(
            again.headers()[VARY],
            "Accept, Accept-Encoding",
            "{accept} {expected}"
        );
    }
}

#[tokio::test]
async fn a_client_that_accepts_neither_form_learns_which_there_are() {
    let server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let request = server
        .request("/api/v1/vms")
        .header(ACCEPT, "application/xml");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE);
    let problem: ecoman_api::Problem = response.json().await.expect("a problem");
    assert_eq!(problem.kind, "urn:ecoman:problem:not-acceptable");
    assert_eq!(
        problem.detail,
        "This list is available as application/json and text/csv; the Accept header allows \
         neither."
    );
}

#[tokio::test]
async fn a_table_of_ten_thousand_vms_is_whole_and_comes_in_pieces() {
    let vms = (1..=12_000).map(|vmid| {
        let facts = VmFacts {
            comment: Some("of the ops team, \"since\" 2020".to_owned()),
            ..facts(&format!("web{vmid}"))
        };
        vm("hoge", vmid, facts)
    });
    let server = Server::start_showing(vec![round(node("hoge"), vms.collect())]).await;
    let mut response = sent(table(&server, "")).await;
    assert_eq!(
        response.headers().get("content-length"),
        None,
        "nobody has the whole of it"
    );
    let mut text = Vec::new();
    let mut largest = 0;
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        largest = largest.max(chunk.len());
        text.extend_from_slice(&chunk);
    }
    assert!(largest < 512 * 1024, "{largest} bytes at once");
    let plain = String::from_utf8(text).expect("text");
    let ids = ids(&plain);
    assert_eq!(ids.len(), 12_000, "more than a page of JSON has");
    assert_eq!(ids.last().map(String::as_str), Some("12000"));

    let packed = sent(table(&server, "").header(ACCEPT_ENCODING, "gzip")).await;
    assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
    let packed = packed.bytes().await.expect("a body");
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&packed[..]);
    std::io::copy(&mut reader, &mut unpacked).expect("gzip");
    assert!(unpacked == plain.as_bytes());
}
