//! Fetching, looking up and pinning host keys of a real sshd.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use ecoman_esxi::{HostKey, Session, Trust, TrustError, host_keys, known, pin};

mod sshd;

use sshd::{PATIENCE, Sshd, in_time};

async fn shown(node: &Sshd) -> Vec<HostKey> {
    host_keys(&node.host(), PATIENCE)
        .await
        .expect("no host keys")
}

#[tokio::test]
async fn the_keys_that_a_node_shows_have_the_fingerprints_of_ssh_keygen() {
    let node = Sshd::with_host_keys(&["ecdsa", "ed25519"], "");
    let keys = shown(&node).await;
    let algorithms: Vec<_> = keys.iter().map(|key| key.algorithm.as_str()).collect();
    assert_eq!(algorithms, ["ecdsa-sha2-nistp256", "ssh-ed25519"]);
    for (key, kind) in keys.iter().zip(["ecdsa", "ed25519"]) {
        let output = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(node.path(&format!("host_{kind}.pub")))
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(line.split(' ').nth(1), Some(key.fingerprint.as_str()));
        assert_eq!(key.host, format!("[127.0.0.1]:{}", node.port()));
    }
    assert_eq!(format!("{}\n", keys[0].line), node.known_hosts_line());
}

#[tokio::test]
async fn a_node_that_shows_no_key_is_reported_with_the_reason() {
    let node = Sshd::start();
    let mut host = node.host();
    host.settings.port = sshd::free_port();
    let error = host_keys(&host, PATIENCE).await.unwrap_err();
    assert!(matches!(error, TrustError::NoKeys { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("[127.0.0.1]:{}", host.settings.port))
    );

    let (port, _listener) = sshd::silent_port();
    host.settings.port = port;
    let outcome = in_time("giving up", host_keys(&host, Duration::from_secs(1))).await;
    assert!(outcome.is_err());
}

#[tokio::test]
async fn a_key_is_unknown_then_pinned_then_known_and_good_for_a_session() {
    let node = Sshd::start();
    let file = node.path("data/known_hosts");
    let mut options = node.options();
    options.known_hosts = vec![file.clone()];
    let keys = shown(&node).await;
    assert_eq!(
        known(&keys, &options.known_hosts).await.unwrap(),
        Trust::Unknown
    );
    assert!(Session::connect(&node.host(), &options).await.is_err());

    pin(&file, &keys).await.unwrap();
    assert_eq!(
        known(&keys, &options.known_hosts).await.unwrap(),
        Trust::Known
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    Session::connect(&node.host(), &options)
        .await
        .unwrap()
        .close()
        .await;

    // A second time changes nothing.
    let content = fs::read(&file).unwrap();
    pin(&file, &keys).await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[tokio::test]
async fn hashed_names_are_known_and_replaced() {
    let node = Sshd::start();
    let file = node.path("hashed");
    fs::write(
        &file,
        format!(
            "other.example.net {}",
            node.known_hosts_line().split_once(' ').unwrap().1
        ),
    )
    .unwrap();
    let mut content = fs::read_to_string(&file).unwrap();
    content += &node.known_hosts_line();
    fs::write(&file, content).unwrap();
    let done = Command::new("ssh-keygen")
        .arg("-Hf")
        .arg(&file)
        .output()
        .unwrap();
    assert!(done.status.success());
    let keys = shown(&node).await;
    assert_eq!(
        known(&keys, std::slice::from_ref(&file)).await.unwrap(),
        Trust::Known
    );
    pin(&file, &keys).await.unwrap();
    let lines = fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.lines().next().unwrap().starts_with("|1|"));
    assert_eq!(lines.lines().last().unwrap(), keys[0].line);
}

#[tokio::test]
async fn a_changed_key_names_file_and_line_and_is_replaced_while_the_rest_stays() {
    let old = Sshd::with_host_keys(&["ecdsa"], "");
    let node = Sshd::with_host_keys(&["ecdsa"], "");
    let name = format!("[127.0.0.1]:{}", node.port());
    let old_key = old.known_hosts_line();
    let old_key = old_key.trim().split_once(' ').unwrap().1;
    let file = node.path("known_hosts");
    let before = format!(
        "# our nodes\n\
         fuga.example.org {old_key} fuga\n\
         fuga,{name},192.0.2.7 {old_key} shared\n\
         *.example.net,!x {old_key}\n\
         {name} {old_key} again\n\
         # the end, without a line break"
    );
    fs::write(&file, before).unwrap();
    let keys = shown(&node).await;
    let Trust::Changed(changed) = known(&keys, &[node.path("none"), file.clone()])
        .await
        .unwrap()
    else {
        panic!("the key is another");
    };
    assert_eq!((&changed.file, changed.line), (&file, 3));
    assert_eq!(changed.shown, keys[0]);
    assert_ne!(changed.known.fingerprint, keys[0].fingerprint);

    pin(&file, &keys).await.unwrap();
    assert_eq!(
        known(&keys, std::slice::from_ref(&file)).await.unwrap(),
        Trust::Known
    );
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        format!(
            "# our nodes\n\
             fuga.example.org {old_key} fuga\n\
             fuga,192.0.2.7 {old_key} shared\n\
             *.example.net,!x {old_key}\n\
             # the end, without a line break\n\
             {}\n",
            keys[0].line
        )
    );
    Session::connect(&node.host(), &node.options())
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test]
async fn a_key_of_a_kind_that_is_not_known_yet_is_no_change() {
    let node = Sshd::with_host_keys(&["ecdsa", "ed25519"], "");
    let keys = shown(&node).await;
    // Only the ECDSA key is known: ssh asks for that.
    let file = node.path("known_hosts");
    assert_eq!(known(&keys, &[file]).await.unwrap(), Trust::Known);
    Session::connect(&node.host(), &node.options())
        .await
        .unwrap()
        .close()
        .await;
    assert_eq!(
        known(&keys[1..], &[node.path("known_hosts")])
            .await
            .unwrap(),
        Trust::Unknown
    );
}
