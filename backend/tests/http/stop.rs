//! The end: no new connections, streams end, answers are finished.

use std::time::Duration;

use ecoman_backend::{BackendError, Config, Dashboard};
use tokio::time::timeout;

use crate::server::{Server, config, nobody, round_of};

#[tokio::test]
async fn open_streams_end_when_the_server_stops() {
    let mut server = Server::start_showing(vec![round_of("hoge", &["a"])]).await;
    let mut events = server.events(server.request("/api/v1/events")).await;
    server.shutdown.cancel();
    let end = timeout(Duration::from_secs(10), events.next_or_end()).await;
    assert_eq!(end.expect("the stream ends"), None);
    let result = timeout(Duration::from_secs(10), &mut server.task).await;
    result
        .expect("it stops")
        .expect("it does not panic")
        .expect("it is no failure");
    assert!(
        server.request("/healthz").send().await.is_err(),
        "nobody listens"
    );
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = ecoman_store::EmbeddedStore::open(&directory.path().join("ecoman.redb")).await;
    let store = std::sync::Arc::new(store.expect("a store"));
    let at = |address| Config {
        address,
        ..config(nobody())
    };
    let any = ([127, 0, 0, 1], 0).into();
    let first = Dashboard::bind(at(any), store.clone())
        .await
        .expect("a free port");
    let taken = first.local_addr();
    let error = Dashboard::bind(at(taken), store).await.expect_err("taken");
    assert!(matches!(error, BackendError::Bind { address, .. } if address == taken));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {taken} (DASHBOARD_ADDRESS, DASHBOARD_PORT)")
    );
}
