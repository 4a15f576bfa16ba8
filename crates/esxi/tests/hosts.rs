//! hosts.yml: what is read, and what each mistake is answered with.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ecoman_esxi::{Hosts, HostsError, HostsWatch};
use ecoman_model::Collect;
use tempfile::TempDir;

const ENTRY: &str = "  addr: 'hoge.example.org'
  username: 'root'
  identity_file_path: \"ssh/id_rsa\"
  datastore_path: '/vmfs/volumes/datastore1/'
  installer_iso_path: \"/vmfs/volumes/datastore1/os-images/ubuntu2004.iso\"
  network_port_group: \"Management Network\"
";

/// A folder with `hosts.yml` and the key `ssh/id_rsa`, which is ECDSA: made faster.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("ssh")).unwrap();
        folder.keygen("ecdsa", "", "ssh/id_rsa");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn hosts_yml(&self) -> PathBuf {
        self.path("hosts.yml")
    }

    fn keygen(&self, kind: &str, passphrase: &str, file: &str) {
        self.keygen_as(&["-t", kind, "-N", passphrase], file);
    }

    fn keygen_as(&self, arguments: &[&str], file: &str) {
        let _ = fs::remove_file(self.path(file));
        let done = Command::new("ssh-keygen")
            .args(["-q", "-C", "test"])
            .args(arguments)
            .arg("-f")
            .arg(self.path(file))
            .stdout(Stdio::null())
            .status()
            .expect("cannot start ssh-keygen: install openssh-client");
        assert!(done.success());
    }

    fn load(&self, content: impl AsRef<[u8]>) -> Result<Hosts, HostsError> {
        fs::write(self.hosts_yml(), content).unwrap();
        Hosts::load(&self.hosts_yml())
    }

    /// The message, without the folder.
    fn error(&self, content: impl AsRef<[u8]>) -> String {
        let error = self.load(content).expect_err("this is no good file");
        error
            .to_string()
            .replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// `ENTRY` with a line replaced or, where no line has the key, appended.
fn entry(key: &str, line: &str) -> String {
    let mut lines: Vec<&str> = ENTRY.lines().collect();
    match lines
        .iter_mut()
        .find(|old| old.trim().starts_with(&format!("{key}:")))
    {
        Some(old) => *old = line,
        None => lines.push(line),
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n") + "\n"
}

#[test]
fn the_originals_file_works_unchanged() {
    let folder = Folder::new();
    let hosts = folder
        .load(format!(
            "---\n# comment\nhoge:\n{ENTRY}\nfuga: # another\n{ENTRY}"
        ))
        .unwrap();
    assert_eq!(hosts.nodes.len(), 2);
    assert_eq!(hosts.warnings, []);
    let host = hosts.node("hoge").unwrap();
    assert_eq!(host.identity_file, folder.path("ssh/id_rsa"));
    assert_eq!(host.line, 3);
    let settings = &host.settings;
    assert_eq!(settings.address, "hoge.example.org");
    assert_eq!(settings.username, "root");
    assert_eq!(settings.datastore_path, "/vmfs/volumes/datastore1");
    assert_eq!(
        settings.installer_iso_path,
        "/vmfs/volumes/datastore1/os-images/ubuntu2004.iso"
    );
    assert_eq!(settings.network_port_group, "Management Network");
    assert_eq!(
        (settings.port, settings.max_sessions, settings.read_only),
        (22, 4, false)
    );
}

#[test]
fn the_example_file_is_read() {
    let folder = Folder::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hosts.yml.example");
    let example = fs::read_to_string(example).unwrap();
    assert_eq!(folder.load(&example).unwrap().nodes.len(), 1);
    // The optional keys as well.
    let all = example
        .replace("# port", "port")
        .replace("# max_", "max_")
        .replace("# read_", "read_")
        .replace("# collect", "collect");
    assert_ne!(all, example);
    assert_eq!(folder.load(&all).unwrap().nodes.len(), 1);
}

#[test]
fn optional_keys_are_read_with_and_without_quotes() {
    let folder = Folder::new();
    for keys in [
        "  port: 2222\n  max_sessions: 10\n  read_only: true\n",
        "  port: '2222'\n  max_sessions: \"10\"\n  read_only: 'True'\n",
    ] {
        let hosts = folder.load(format!("hoge:\n{ENTRY}{keys}")).unwrap();
        let settings = &hosts.nodes[0].settings;
        assert_eq!(
            (settings.port, settings.max_sessions, settings.read_only),
            (2222, 10, true)
        );
    }
}

#[test]
fn a_node_says_how_it_is_asked_or_leaves_it() {
    let folder = Folder::new();
    for (key, collect) in [
        ("", None),
        ("  collect: auto\n", Some(Collect::Auto)),
        ("  collect: 'read'\n", Some(Collect::Read)),
        ("  collect: vim-cmd\n", Some(Collect::VimCmd)),
    ] {
        let hosts = folder.load(format!("hoge:\n{ENTRY}{key}")).unwrap();
        assert_eq!(hosts.nodes[0].collect, collect);
    }
}

#[test]
fn texts_need_no_quotes() {
    let folder = Folder::new();
    let hosts = folder
        .load(format!("01:\n{}", entry("username", "  username: 1234")))
        .unwrap();
    assert_eq!(hosts.nodes[0].name.as_str(), "01");
    assert_eq!(hosts.nodes[0].settings.username, "1234");
}

#[test]
fn nodes_may_share_keys_by_anchor_and_merge() {
    let folder = Folder::new();
    let hosts = folder
        .load(format!(
            "hoge: &base\n{ENTRY}fuga:\n  <<: *base\n  addr: fuga.example.org\n"
        ))
        .unwrap();
    assert_eq!(hosts.nodes[1].settings.address, "fuga.example.org");
    assert_eq!(hosts.nodes[1].settings.username, "root");
}

#[test]
fn entries_with_shared_values_are_no_nodes() {
    let folder = Folder::new();
    let shared = ENTRY
        .lines()
        .filter(|line| !line.trim_start().starts_with("addr:"))
        .fold(String::new(), |all, line| all + line + "\n");
    for name in ["x-common", ".common"] {
        let hosts = folder
            .load(format!(
                "{name}: &common\n{shared}esx1:\n  <<: *common\n  addr: a.example.net\nesx2:\n  <<: \
                 *common\n  addr: b.example.net\n"
            ))
            .unwrap();
        let names: Vec<&str> = hosts.nodes.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["esx1", "esx2"]);
        assert_eq!(hosts.nodes[1].settings.username, "root");
        // Alone it is no file of nodes.
        assert!(folder.load(format!("{name}: &common\n{shared}")).is_err());
    }
    // Who has a node of such a name keeps it.
    let hosts = folder.load(format!("x-lab:\n{ENTRY}")).unwrap();
    assert_eq!(hosts.nodes[0].name.as_str(), "x-lab");
}

#[test]
fn ipv6_and_ipv4_addresses_are_addresses() {
    let folder = Folder::new();
    for address in [
        "192.0.2.1",
        "2001:db8::1",
        "'fe80::1%eth0'",
        "esxi-01",
        "'::1'",
    ] {
        let line = format!("  addr: {address}");
        assert!(
            folder
                .load(format!("hoge:\n{}", entry("addr", &line)))
                .is_ok(),
            "{address}"
        );
    }
}

#[test]
fn every_mistake_names_file_line_node_and_key() {
    let folder = Folder::new();
    let required = "addr, username, identity_file_path, datastore_path, installer_iso_path, \
                    network_port_group";
    for (key, line, message) in [
        ("addr", "", "1: node hoge: addr: this key is missing".to_owned()),
        ("addr", "  addr:", "2: node hoge: addr: the value is empty".into()),
        ("addr", "  addr: ~", "2: node hoge: addr: the value is empty".into()),
        ("addr", "  addr: '  '", "2: node hoge: addr: the value is empty".into()),
        ("addr", "  addr: [a, b]", "2: node hoge: addr: the value must be a text, not a list".into()),
        ("addr", "  addr: {a: b}", "2: node hoge: addr: the value must be a text, not a mapping".into()),
        ("addr", "  addr: \"a\\nb\"", "2: node hoge: addr: the value must not contain line breaks or other control characters".into()),
        ("addr", "  addr: -oProxyCommand=id", "2: node hoge: addr: -oProxyCommand=id is neither a host name nor an IP address (letters, digits, dots and hyphens)".into()),
        ("addr", "  addr: root@hoge", "2: node hoge: addr: root@hoge is neither a host name nor an IP address (letters, digits, dots and hyphens)".into()),
        ("addr", "  addr: hoge:22", "2: node hoge: addr: hoge:22 must be a host name or an IP address alone; the port has a key of its own, port".into()),
        ("addr", "  addr: '[::1]'", "2: node hoge: addr: write an IPv6 address without brackets, the port under the key port".into()),
        ("username", "  username: -l", "3: node hoge: username: -l is not a valid user name for \
                                        ssh".into()),
        ("datastore_path", "  datastore_path: /vmfs/volumes/a/../b", "5: node hoge: datastore_path: /vmfs/volumes/a/../b must not lead upwards (..)".into()),
        ("datastore_path", "  datastore_path: datastore1", "5: node hoge: datastore_path: datastore1 must be an absolute path, such as /vmfs/volumes/datastore1".into()),
        ("datastore_path", "  datastore_path: /", "5: node hoge: datastore_path: the root \
                                                   directory is not a datastore: use a path below \
                                                   /vmfs/volumes".into()),
        ("port", "  port: 0", "8: node hoge: port: 0 is out of range: it must be a whole number from 1 to 65535".into()),
        ("port", "  port: 65536", "8: node hoge: port: 65536 is out of range: it must be a whole number from 1 to 65535".into()),
        ("port", "  port: ssh", "8: node hoge: port: ssh is out of range: it must be a whole number from 1 to 65535".into()),
        ("port", "  port:", "8: node hoge: port: the value is empty; it must be a whole number from 1 to 65535, and without this key it is 22".into()),
        ("max_sessions", "  max_sessions: 11", "8: node hoge: max_sessions: 11 is out of range: it must be a whole number from 1 to 10".into()),
        ("max_sessions", "  max_sessions: -1", "8: node hoge: max_sessions: -1 is out of range: it must be a whole number from 1 to 10".into()),
        ("max_sessions", "  max_sessions: 1.5", "8: node hoge: max_sessions: 1.5 is out of range: it must be a whole number from 1 to 10".into()),
        ("max_sessions", "  max_sessions: [4]", "8: node hoge: max_sessions: the value must be a whole number from 1 to 10, not a list".into()),
        ("read_only", "  read_only: yes", "8: node hoge: read_only: the value must be true or false, not yes".into()),
        ("read_only", "  read_only: 1", "8: node hoge: read_only: the value must be true or false, not 1".into()),
        ("collect", "  collect: rest", "8: node hoge: collect: rest must be one of auto, follow, read and vim-cmd".into()),
        ("collect", "  collect: [read]", "8: node hoge: collect: the value must be a text, not a list".into()),
        ("adr", "  adr: x", "8: node hoge: adr: unknown key; did you mean addr?".into()),
        ("user", "  user: x", "8: node hoge: user: unknown key; did you mean username?".into()),
        ("zzz", "  zzz: x", format!("8: node hoge: zzz: unknown key; allowed are {required}, \
                                     port, max_sessions, read_only, connect_timeout_seconds, \
                                     collect")),
        ("more", "  addr: again", "8: node hoge: addr: duplicate key, first in line 2".into()),
        ("more", "  [a]: b", "8: node hoge: a key must be a text, not a list".into()),
        ("more", "  <<: 5", "8: node hoge: <<: a merge takes a mapping, not a text".into()),
    ] {
        let message = format!("hosts.yml:{message}");
        assert_eq!(folder.error(format!("hoge:\n{}", entry(key, line))), message, "{line}");
    }
}

#[test]
fn every_broken_file_is_reported_by_line() {
    let folder = Folder::new();
    let keys = "the keys addr, username, identity_file_path, datastore_path, installer_iso_path, \
                network_port_group";
    for (content, message) in [
        (String::new(), "1: the file has no node".to_owned()),
        ("# nothing\n".into(), "1: the file has no node".into()),
        ("{}\n".into(), "1: the file has no node".into()),
        (
            "- hoge\n".into(),
            "1: the file is a list, but must be a mapping from node names to their keys".into(),
        ),
        (
            "hoge\n".into(),
            "1: the file is a text, but must be a mapping from node names to their keys".into(),
        ),
        (
            "hoge:\n".into(),
            format!(
                "1: node hoge: the entry of a node must be a mapping with {keys}, not no value"
            ),
        ),
        (
            format!("hoge:\n{ENTRY}hoge:\n{ENTRY}"),
            "8: node hoge: duplicate node, first in line 1".into(),
        ),
        (
            format!("a/b:\n{ENTRY}"),
            "1: node a/b: a node name must not contain a slash".into(),
        ),
        (
            format!("[a]:\n{ENTRY}"),
            "1: a node name must be a text, not a list".into(),
        ),
        (
            format!("hoge:\n{ENTRY}---\nfuga:\n{ENTRY}"),
            "8: a second YAML document begins here; one file is one document".into(),
        ),
    ] {
        assert_eq!(
            folder.error(&content),
            format!("hosts.yml:{message}"),
            "{content}"
        );
    }
    let error = folder.error(format!("hoge:\n{}", entry("username", "  username: 'root")));
    assert!(
        error.starts_with("hosts.yml:") && error.contains(": not YAML: "),
        "{error}"
    );
    let error = folder.error(format!("hoge:\n{}", entry("username", "\tusername: root")));
    assert!(error.starts_with("hosts.yml:3: not YAML: "), "{error}");
    assert_eq!(
        folder.error(b"hoge:\n  addr: \xff\n"),
        "hosts.yml:2: not UTF-8: save the file as UTF-8"
    );
}

#[test]
fn aliases_of_aliases_do_not_fill_the_memory() {
    let folder = Folder::new();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let last = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![last; 10].join(", "));
    }
    let error = folder.error(bomb);
    assert!(error.contains("more than 200000 values"), "{error}");
    let error = folder.error("[".repeat(10_000));
    assert!(error.starts_with("hosts.yml:1: "), "{error}");
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let folder = Folder::new();
    let first = entry("addr", "  addr:");
    let second = entry("username", "  usrname: root") + "  port: 70000\n";
    assert_eq!(
        folder.error(format!("hoge:\n{first}fuga:\n{second}")),
        "hosts.yml:2: node hoge: addr: the value is empty\nhosts.yml:8: node fuga: username: this \
         key is missing\nhosts.yml:10: node fuga: usrname: unknown key; did you mean \
         username?\nhosts.yml:15: node fuga: port: 70000 is out of range: it must be a whole \
         number from 1 to 65535"
    );
}

#[test]
fn a_missing_file_says_which_variable_names_it() {
    let folder = Folder::new();
    let error = Hosts::load(&folder.path("none.yml")).unwrap_err();
    assert!(
        error.to_string().contains("none.yml; set HOSTS_PATH"),
        "{error}"
    );
}

#[test]
fn every_bad_key_file_is_reported_with_the_way_on() {
    let folder = Folder::new();
    let error = |content: &[u8], mode: u32| {
        let path = folder.path("ssh/id_rsa");
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        folder.error(format!("hoge:\n{ENTRY}"))
    };
    let good = fs::read(folder.path("ssh/id_rsa")).unwrap();
    let public = fs::read(folder.path("ssh/id_rsa.pub")).unwrap();
    let at = "hosts.yml:4: node hoge: identity_file_path: ";

    assert_eq!(
        error(&good, 0o640),
        format!(
            "{at}other users can read ssh/id_rsa (mode 0640), and ssh refuses such a key: chmod \
             600 ssh/id_rsa"
        )
    );
    assert_eq!(
        error(&public, 0o600),
        format!(
            "{at}ssh/id_rsa is a public key: use the private one (usually the same name without \
             .pub)"
        )
    );
    assert_eq!(error(b"", 0o600), format!("{at}ssh/id_rsa is empty"));
    assert_eq!(
        error(b"hello\n", 0o600),
        format!(
            "{at}ssh/id_rsa is not a private key (its first line should be like -----BEGIN OPENSSH PRIVATE KEY-----)"
        )
    );
    assert!(error(b"PuTTY-User-Key-File-3: x\n", 0o600).contains("puttygen"));
    let cut = error(&good[..good.len() / 2], 0o600);
    assert!(
        cut.contains("is a truncated or damaged private key"),
        "{cut}"
    );
    assert!(error(b"-----BEGIN RSA PRIVATE KEY-----\nabc\n", 0o600).contains("is truncated"));

    fs::remove_file(folder.path("ssh/id_rsa")).unwrap();
    assert_eq!(
        folder.error(format!("hoge:\n{ENTRY}")),
        format!("{at}no file ssh/id_rsa")
    );
    fs::create_dir(folder.path("ssh/id_rsa")).unwrap();
    assert_eq!(
        folder.error(format!("hoge:\n{ENTRY}")),
        format!("{at}ssh/id_rsa is not a file")
    );
}

#[test]
fn a_passphrase_is_refused_in_every_format() {
    let folder = Folder::new();
    for arguments in [
        &["-t", "ecdsa", "-N", "secret"][..],
        &["-t", "ecdsa", "-N", "secret", "-m", "PEM"],
        &["-t", "ecdsa", "-N", "secret", "-m", "PKCS8"],
    ] {
        folder.keygen_as(arguments, "ssh/id_rsa");
        let error = folder.error(format!("hoge:\n{ENTRY}"));
        assert!(
            error.contains("is protected by a passphrase"),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn keys_of_every_format_and_kind_that_esxi_takes_are_good() {
    let folder = Folder::new();
    for arguments in [
        &["-t", "ecdsa", "-N", ""][..],
        &["-t", "ecdsa", "-b", "521", "-N", ""],
        &["-t", "ecdsa", "-N", "", "-m", "PEM"],
        &["-t", "ecdsa", "-N", "", "-m", "PKCS8"],
        &["-t", "rsa", "-b", "2048", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"],
    ] {
        folder.keygen_as(arguments, "ssh/id_rsa");
        let hosts = folder.load(format!("hoge:\n{ENTRY}"));
        let hosts = hosts.unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        assert_eq!(hosts.warnings, [], "{arguments:?}");
    }
}

#[test]
fn an_ed25519_key_is_a_warning() {
    let folder = Folder::new();
    folder.keygen("ed25519", "", "ssh/id_rsa");
    let hosts = folder.load(format!("hoge:\n{ENTRY}")).unwrap();
    let warning = hosts.warnings[0].to_string();
    assert!(
        warning.starts_with("4: node hoge: identity_file_path: ")
            && warning.contains("Ed25519 key; ESXi refuses it"),
        "{warning}"
    );
}

/// What the next change is, or that there is none for a while.
async fn change(watch: &mut HostsWatch) -> Result<Hosts, HostsError> {
    tokio::time::timeout(Duration::from_secs(30), watch.changed())
        .await
        .expect("no change is noticed")
}

/// Starts a watch, and lets its files grow old enough for a change to show in their times.
fn watch(folder: &Folder) -> (HostsWatch, Hosts) {
    fs::write(folder.hosts_yml(), format!("hoge:\n{ENTRY}")).unwrap();
    let (watch, hosts) = HostsWatch::start(&folder.hosts_yml());
    (watch, hosts.unwrap())
}

#[tokio::test]
async fn a_change_in_place_and_a_rename_over_are_noticed() {
    let folder = Folder::new();
    let (mut watch, _) = watch(&folder);
    fs::write(folder.hosts_yml(), format!("fuga:\n{ENTRY}")).unwrap();
    assert!(change(&mut watch).await.unwrap().node("fuga").is_some());

    fs::write(folder.path("new"), format!("piyo:\n{ENTRY}")).unwrap();
    fs::rename(folder.path("new"), folder.hosts_yml()).unwrap();
    assert!(change(&mut watch).await.unwrap().node("piyo").is_some());
}

#[tokio::test]
async fn a_switched_symbolic_link_is_noticed() {
    // As Kubernetes updates a mounted secret: hosts.yml -> ..data/hosts.yml, ..data -> ..1.
    let folder = Folder::new();
    for (version, name) in [("..1", "hoge"), ("..2", "fuga")] {
        fs::create_dir(folder.path(version)).unwrap();
        fs::write(
            folder.path(version).join("hosts.yml"),
            format!("{name}:\n{ENTRY}"),
        )
        .unwrap();
    }
    symlink("..1", folder.path("..data")).unwrap();
    symlink("..data/hosts.yml", folder.hosts_yml()).unwrap();
    let (mut watch, hosts) = HostsWatch::start(&folder.hosts_yml());
    assert!(hosts.unwrap().node("hoge").is_some());
    symlink("..2", folder.path("..new")).unwrap();
    fs::rename(folder.path("..new"), folder.path("..data")).unwrap();
    assert!(change(&mut watch).await.unwrap().node("fuga").is_some());
}

#[tokio::test]
async fn a_broken_file_is_reported_once_and_a_good_one_again() {
    let folder = Folder::new();
    let (mut watch, hosts) = watch(&folder);
    fs::write(folder.hosts_yml(), "hoge:\n").unwrap();
    assert!(change(&mut watch).await.is_err());
    fs::remove_file(folder.hosts_yml()).unwrap();
    assert!(matches!(
        change(&mut watch).await,
        Err(HostsError::Read { .. })
    ));
    fs::write(folder.hosts_yml(), format!("hoge:\n{ENTRY}")).unwrap();
    assert_eq!(change(&mut watch).await.unwrap(), hosts);
}

#[tokio::test]
async fn another_key_is_another_fingerprint_of_that_node_only() {
    let folder = Folder::new();
    folder.keygen("ecdsa", "", "ssh/other");
    let other = entry("identity_file_path", "  identity_file_path: ssh/other");
    fs::write(folder.hosts_yml(), format!("hoge:\n{ENTRY}fuga:\n{other}")).unwrap();
    let (mut watch, before) = HostsWatch::start(&folder.hosts_yml());
    let before = before.unwrap();
    folder.keygen("ecdsa", "", "ssh/other");
    // While the key is away there may be an error.
    let after = loop {
        if let Ok(hosts) = change(&mut watch).await {
            break hosts;
        }
    };
    let fingerprint = |hosts: &Hosts, node| hosts.node(node).unwrap().fingerprint;
    assert_eq!(fingerprint(&before, "hoge"), fingerprint(&after, "hoge"));
    assert_ne!(fingerprint(&before, "fuga"), fingerprint(&after, "fuga"));
}

#[tokio::test]
async fn a_key_that_appears_is_noticed() {
    let folder = Folder::new();
    fs::rename(folder.path("ssh/id_rsa"), folder.path("ssh/away")).unwrap();
    fs::write(folder.hosts_yml(), format!("hoge:\n{ENTRY}")).unwrap();
    let (mut watch, hosts) = HostsWatch::start(&folder.hosts_yml());
    assert!(hosts.is_err());
    fs::rename(folder.path("ssh/away"), folder.path("ssh/id_rsa")).unwrap();
    assert!(change(&mut watch).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_no_change() {
    let folder = Folder::new();
    let (mut watch, _) = watch(&folder);
    // Other bytes, the same nodes.
    fs::write(folder.hosts_yml(), format!("hoge:\n{ENTRY}# nothing new\n")).unwrap();
    let quiet = tokio::time::timeout(Duration::from_secs(60), watch.changed()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

/// What ssh loads is accepted, and what it does not load is reported: ssh-keygen is asked for both.
#[test]
fn a_key_file_is_accepted_exactly_where_ssh_loads_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(run(&["-q", "-t", "ecdsa", "-N", "", "-f", "new"]));
    assert!(run(&[
        "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", "pem"
    ]));
    for kind in ["new", "pem"] {
        let key = fs::read_to_string(folder.path().join(kind)).unwrap();
        let indented: String = key
            .lines()
            .fold(String::new(), |all, line| all + "  " + line + "\n");
        for (case, content) in [
            ("as it is", key.clone()),
            ("without its last line end", key.trim_end().to_owned()),
            ("with CR LF", key.replace('\n', "\r\n")),
            ("behind a blank line", format!("\n{key}")),
            ("indented", indented),
            ("with blank lines behind", format!("{key}\n\n")),
            ("with a text behind", format!("{key}trailing\n")),
            ("with a byte order mark", format!("\u{feff}{key}")),
            (
                "with a blank behind its first line",
                key.replacen("-----\n", "----- \n", 1),
            ),
            (
                "with an indented last line",
                key.replace("\n-----END", "\n -----END"),
            ),
        ] {
            let file = folder.path().join("key");
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            let loads = run(&["-y", "-P", "", "-f", "key"]);
            let hosts = folder.path().join("hosts.yml");
            fs::write(
                &hosts,
                format!("hoge:\n{ENTRY}").replace("ssh/id_rsa", "key"),
            )
            .unwrap();
            let loaded = Hosts::load(&hosts);
            assert_eq!(loaded.is_ok(), loads, "{kind} {case}: {loaded:?}");
        }
    }
}
