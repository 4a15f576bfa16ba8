//! The binary as people and scripts run it, over simulated nodes behind a real sshd.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail as the test does"
)]

mod disk;
mod faults;
mod logs;
mod service;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ecoman_simulator::{DatastoreSpec, Fault, NodeSpec, Power, Scope, SimulatedNode, VmSpec};
use tempfile::TempDir;

/// How long anything here may take before the test says what was missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// `ecoman` with none of this machine's settings.
fn ecoman(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecoman"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("ECOMAN_DATA", home.join("data"))
        .env("HOSTS_PATH", home.join("hosts.yml"))
        .env("ECOMAN_STORE", "embedded")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    ecoman(home, arguments).output().expect("ecoman runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A directory with the hosts.yml of these nodes; nothing is trusted yet.
fn home(nodes: &[&SimulatedNode]) -> TempDir {
    let home = tempfile::tempdir().expect("a directory");
    let hosts: String = nodes.iter().map(|node| node.hosts_yml_entry()).collect();
    std::fs::write(home.path().join("hosts.yml"), hosts).expect("hosts.yml");
    home
}

fn node(spec: NodeSpec) -> SimulatedNode {
    SimulatedNode::start(spec).expect("a simulated node")
}

#[test]
fn a_new_node_is_trusted_checked_and_crawled() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").on()));
    let home = home(&[&node]);

    let doctor = run(home.path(), &["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    let table = text(&doctor.stdout);
    assert!(
        table.contains("FAULT    hoge  host key    not trusted yet"),
        "{table}"
    );
    assert!(table.contains("ecoman trust hoge"), "{table}");
    assert!(table.ends_with("1 host: 1 fault\n"), "{table}");

    let once = run(home.path(), &["crawler", "--once"]);
    assert_eq!(
        once.status.code(),
        Some(1),
        "an unknown host key is never accepted"
    );
    assert!(text(&once.stdout).contains("ecoman trust hoge"));
    assert_eq!(node.logins(), 0);

    let asked = run(home.path(), &["trust", "hoge"]);
    assert_eq!(asked.status.code(), Some(2), "nobody is there to say yes");
    assert!(!home.path().join("data/known_hosts").exists());

    let trusted = run(home.path(), &["trust", "--yes", "hoge"]);
    assert_eq!(trusted.status.code(), Some(0));
    assert!(text(&trusted.stdout).contains("SHA256:"));

    let once = run(home.path(), &["crawler", "--once"]);
    assert_eq!(once.status.code(), Some(0));
    assert_eq!(text(&once.stdout), "hoge: 1 VM\n");

    let doctor = run(home.path(), &["doctor"]);
    assert_eq!(doctor.status.code(), Some(0), "{}", text(&doctor.stdout));
}

#[test]
fn a_warning_of_a_round_is_printed_and_seen_by_doctor() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let home = home(&[&node]);
    let trusted = run(home.path(), &["trust", "--yes", "hoge"]);
    assert_eq!(trusted.status.code(), Some(0));
    node.set_fault(Fault::Says(
        Scope::command("filesystem"),
        String::new(),
        "the volumes cannot be listed\n".to_owned(),
        1,
    ))
    .unwrap();

    let once = run(home.path(), &["crawler", "--once"]);
    assert_eq!(once.status.code(), Some(0));
    let said = text(&once.stdout);
    assert!(said.starts_with("hoge: 1 VM\n  warning: hoge: "), "{said}");
    assert!(said.contains("the volumes cannot be listed"), "{said}");

    let doctor = run(home.path(), &["doctor"]);
    let table = text(&doctor.stdout);
    assert_eq!(doctor.status.code(), Some(0), "{table}");
    let of_round = table
        .lines()
        .find(|line| line.starts_with("warning  hoge  round"))
        .unwrap_or_else(|| panic!("{table}"));
    assert!(of_round.contains("the volumes cannot be listed"), "{table}");
}

#[test]
fn a_volume_that_stands_still_is_named_by_crawler_and_doctor() {
    let mut spec = NodeSpec::new("hoge").vm(VmSpec::new("web"));
    let nas = "5f0c1a2b-9d3e4f50-7a1c-3cecef1a2b99";
    let away = DatastoreSpec::nfs("nas", nas, "nas.example.org:/vms", 1 << 40);
    spec.datastores.push(away);
    let node = node(spec);
    let home = home(&[&node]);
    let trusted = run(home.path(), &["trust", "--yes", "hoge"]);
    assert_eq!(trusted.status.code(), Some(0));
    node.set_fault(Fault::Hang(Scope::command("/vmfs/volumes/nas/")))
        .unwrap();

    // Both wait as long as a command may take.
    let (once, doctor) = std::thread::scope(|scope| {
        let once = scope.spawn(|| run(home.path(), &["crawler", "--once"]));
        let doctor = run(home.path(), &["doctor"]);
        (once.join().expect("no panic"), doctor)
    });
    let said = text(&once.stdout);
    assert_eq!(once.status.code(), Some(0), "{said}");
    let starts = "hoge: 1 VM\n  warning: hoge: the list of ISO images is incomplete";
    assert!(said.starts_with(starts), "{said}");
    assert!(said.contains("/vmfs/volumes/nas/"), "{said}");
    let table = text(&doctor.stdout);
    assert_eq!(doctor.status.code(), Some(0), "{table}");
    let of_round = table
        .lines()
        .find(|line| line.starts_with("warning  hoge  round"))
        .unwrap_or_else(|| panic!("{table}"));
    assert!(of_round.contains("/vmfs/volumes/nas/"), "{table}");
}

#[test]
fn a_changed_host_key_is_refused_until_it_is_trusted_again() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let home = home(&[&node]);
    assert_eq!(
        run(home.path(), &["trust", "--yes", "hoge"]).status.code(),
        Some(0)
    );
    node.set_fault(Fault::WrongHostKey).unwrap();

    let once = run(home.path(), &["crawler", "--once"]);
    assert_eq!(once.status.code(), Some(1));
    let again = run(home.path(), &["trust", "--yes", "hoge"]);
    assert!(
        text(&again.stdout).contains("HOST KEY CHANGED"),
        "{}",
        text(&again.stdout)
    );
    let once = run(home.path(), &["crawler", "--once"]);
    assert_eq!(once.status.code(), Some(0), "{}", text(&once.stdout));
}

#[test]
fn one_round_distinguishes_bad_configuration_from_nodes_that_do_not_answer() {
    let good = node(NodeSpec::new("good").vm(VmSpec::new("a")));
    let bad = node(NodeSpec::new("bad").vm(VmSpec::new("b")));
    bad.set_fault(Fault::Garbage(Scope::command("getallvms")))
        .unwrap();
    let home = home(&[&good, &bad]);
    assert_eq!(
        run(home.path(), &["trust", "--yes", "--all"]).status.code(),
        Some(0)
    );

    let some = run(home.path(), &["crawler", "--once"]);
    assert_eq!(some.status.code(), Some(1));
    assert!(text(&some.stdout).contains("good: 1 VM\n"));

    std::fs::write(home.path().join("hosts.yml"), "good:\n  adr: 127.0.0.1\n").unwrap();
    let broken = run(home.path(), &["crawler", "--once"]);
    assert_eq!(broken.status.code(), Some(2));
    let message = text(&broken.stderr);
    assert!(
        message.contains("hosts.yml:2: node good: adr: "),
        "{message}"
    );
    assert!(
        message.contains("identity_file_path"),
        "what is missing is named: {message}"
    );

    let missing = ecoman(home.path(), &["crawler", "--once"])
        .env("HOSTS_PATH", "/nowhere/hosts.yml")
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("/nowhere/hosts.yml"));
}

#[test]
fn a_bad_variable_stops_at_start_and_is_named() {
    let home = home(&[]);
    for (command, variable, value) in [
        ("crawler", "CRAWLER_INTERVAL", "0"),
        ("crawler", "CRAWLER_COLLECT", "rest"),
        ("crawler", "ECOMAN_STORE", "postgres"),
        ("crawler", "ECOMAN_LOG_FORMAT", "xml"),
        ("crawler", "ECOMAN_LOG", "ecoman=loud"),
        ("dashboard", "DASHBOARD_PORT", "70000"),
        ("dashboard", "DASHBOARD_ADDRESS", "everywhere"),
        ("dashboard", "DASHBOARD_THRESHOLD_CPU", "many"),
        ("dashboard", "DASHBOARD_THRESHOLD_RAM_MB", "-1"),
        ("up", "DASHBOARD_THRESHOLD_STORAGE_GB", "1.5"),
        ("dashboard", "DASHBOARD_PRESETS", "small=1/1024"),
        ("dashboard", "DASHBOARD_BASE_PATH", "ecoman"),
        ("dashboard", "EXECUTOR_ADDRESS", "http://127.0.0.1"),
        ("executor", "EXECUTOR_BIND", "localhost"),
        ("executor", "EXECUTOR_PORT", "66000"),
        ("up", "EXECUTOR_PORT", "-1"),
    ] {
        let output = ecoman(home.path(), &[command])
            .env(variable, value)
            .output()
            .unwrap();
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}: {message}");
        assert!(
            message.contains(variable) && message.contains(value),
            "{variable}: {message}"
        );
    }
}

/// The result of a command that is given a secret by a file.
fn with_secret_file(home: &Path, role: &str, secret: &str, content: &str) -> Output {
    let file = home.join("secret");
    std::fs::write(&file, content).unwrap();
    ecoman(home, &[role])
        .env(format!("{secret}_FILE"), &file)
        .env("ECOMAN_STORE", "mongodb")
        .output()
        .unwrap()
}

#[test]
fn every_secret_can_be_given_by_a_file_and_not_twice() {
    let home = home(&[]);
    for (role, secret) in [
        ("crawler", "MONGO_PASSWORD"),
        ("up", "MONGO_URI"),
        ("executor", "EXECUTOR_TOKEN"),
        ("dashboard", "EXECUTOR_TOKEN"),
        ("dashboard", "DASHBOARD_PROXY_SECRET"),
    ] {
        let file = format!("{secret}_FILE");
        let empty = with_secret_file(home.path(), role, secret, "\n");
        let said = text(&empty.stderr);
        assert_eq!(empty.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("{file} (/")), "{said}");
        assert!(said.contains("is empty"), "{said}");

        let missing = ecoman(home.path(), &[role])
            .env(&file, "/nowhere/secret")
            .output()
            .unwrap();
        let said = text(&missing.stderr);
        assert_eq!(missing.status.code(), Some(2), "{said}");
        let problem = format!("{file} (/nowhere/secret) cannot be read");
        assert!(said.contains(&problem), "{said}");

        let both = ecoman(home.path(), &[role])
            .env(&file, "/nowhere/secret")
            .env(secret, "not-to-be-shown-anywhere")
            .output()
            .unwrap();
        let said = text(&both.stderr);
        assert_eq!(both.status.code(), Some(2), "{said}");
        assert!(
            said.contains(&format!("{secret} and {file} are both set")),
            "{said}"
        );
        assert!(!said.contains("not-to-be-shown-anywhere"), "{said}");
    }
}

#[test]
fn a_secret_of_a_file_is_used_and_never_shown() {
    let home = home(&[]);
    // Read by the same rules as one of the environment.
    let short = with_secret_file(home.path(), "dashboard", "DASHBOARD_PROXY_SECRET", "short");
    let said = text(&short.stderr);
    assert_eq!(short.status.code(), Some(2), "{said}");
    assert!(said.contains("DASHBOARD_PROXY_SECRET_FILE"), "{said}");
    assert!(said.contains("at least 16"), "{said}");
    assert!(!said.contains("'short'"), "{said}");

    // One line end is not part of it: the message is that of a whole connection string.
    let uri = with_secret_file(home.path(), "crawler", "MONGO_URI", "mongodb://h/admin\n");
    let said = text(&uri.stderr);
    assert!(
        said.contains("admin is a database of MongoDB itself"),
        "{said}"
    );

    // A variable that is set to nothing is not set.
    let nothing = ecoman(home.path(), &["executor"])
        .env("EXECUTOR_TOKEN_FILE", "")
        .env("EXECUTOR_BIND", "0.0.0.0")
        .output()
        .unwrap();
    let said = text(&nothing.stderr);
    assert!(
        said.contains("set EXECUTOR_TOKEN to the same secret"),
        "{said}"
    );
    let taken = {
        let file = home.path().join("token");
        std::fs::write(&file, "s3cret\n").unwrap();
        ecoman(home.path(), &["executor"])
            .env("EXECUTOR_TOKEN_FILE", file)
            .env("EXECUTOR_TOKEN", "")
            .env("EXECUTOR_BIND", "0.0.0.0")
            .env("HOSTS_PATH", "/nowhere/hosts.yml")
            .output()
            .unwrap()
    };
    let said = text(&taken.stderr);
    assert!(
        said.contains("/nowhere/hosts.yml"),
        "the token is there, so that the next fault is found: {said}"
    );
}

#[test]
fn help_of_each_command_names_its_variables_with_their_defaults() {
    let home = home(&[]);
    let mut helps = BTreeMap::new();
    let mut rows = 0;
    // `| variable | default | read by | meaning |`
    for row in include_str!("../../docs/reference/variables.md").lines() {
        let Some(row) = row.strip_prefix("| `") else {
            continue;
        };
        let (variable, rest) = row.split_once("` | ").expect("a variable");
        let (default, rest) = match rest.strip_prefix('`') {
            Some(rest) => rest.split_once("` | ").expect("a default"),
            None => rest.split_once("| ").expect("a default, or none"),
        };
        let (commands, _) = rest.split_once(" | ").expect("commands");
        for command in commands.split(", ") {
            let help = helps.entry(command).or_insert_with(|| {
                let words = match command {
                    "user" | "token" => &[command, "list", "--help"][..],
                    _ => &[command, "--help"],
                };
                let help = text(&run(home.path(), words).stdout);
                // As one line, wherever it was broken.
                help.split_whitespace().collect::<Vec<_>>().join(" ")
            });
            let named = format!("[env: {variable}");
            let (before, after) = help
                .split_once(&format!("{named}="))
                .or_else(|| help.split_once(&format!("{named}]")))
                .unwrap_or_else(|| panic!("{command}: {variable}\n{help}"));
            let default = default.trim();
            // Behind the variable, or in its description.
            let near = before.rsplit(" --").next().unwrap_or_default();
            let shown = [near, after.split(" --").next().unwrap_or_default()].concat();
            assert!(
                default.is_empty() || shown.contains(&format!("[default: {default}")),
                "{command}: {variable}: {default}\n{shown}"
            );
            rows += 1;
        }
    }
    assert!(rows > 100, "{rows} variables of commands");
}

#[test]
fn the_document_is_printed_in_the_version_that_is_asked_for() {
    let home = home(&[]);
    for (arguments, start) in [
        (&["openapi"][..], "{\n  \"openapi\": \"3.1.0\""),
        (
            &["openapi", "--version", "3.0"],
            "{\n  \"openapi\": \"3.0.3\"",
        ),
    ] {
        let printed = text(&run(home.path(), arguments).stdout);
        assert!(printed.starts_with(start), "{arguments:?}: {printed:.60}");
    }
    let refused = run(
        home.path(),
        &["openapi", "--of", "executor", "--version", "3.0"],
    );
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("omit --version"), "{said}");
}

#[test]
fn parse_prints_facts_or_says_where_it_stopped() {
    let home = home(&[]);
    let parse = |command: &str, input: &[u8]| {
        let mut child = ecoman(home.path(), &["parse", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    };
    let good = parse("power.getstate", b"Retrieved runtime info\nPowered on\n");
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(text(&good.stdout), "{\n  \"power\": \"on\"\n}\n");

    let bad = parse(
        "get.summary",
        b"Listsummary:\n\n(vim.vm.Summary) {\n   vm = \n",
    );
    assert_eq!(bad.status.code(), Some(1));
    assert_eq!(text(&bad.stdout), "");
    assert!(text(&bad.stderr).contains("line "), "{}", text(&bad.stderr));

    let unknown = parse("no.such.command", b"");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("no.such.command"));
}

#[test]
fn users_and_tokens_of_the_command_line_open_a_running_dashboard() {
    let home = tempfile::tempdir().expect("a directory");
    let type_in = |arguments: &[&str], text: &str| {
        let mut command = ecoman(home.path(), arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    let open = run(home.path(), &["dashboard", "--dashboard-address=0.0.0.0"]);
    assert_eq!(open.status.code(), Some(2));
    let why = text(&open.stderr);
    assert!(why.contains("DASHBOARD_SIGN_IN=password"), "{why}");

    let mut command = ecoman(home.path(), &["dashboard", "--dashboard-port=0"]);
    let dashboard = Role::start(command.env("DASHBOARD_SIGN_IN", "password"));
    let status = |authorization: &str| {
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        let request = ureq::Agent::new_with_config(agent.build())
            .get(format!("{}/api/v1/config", dashboard.address));
        let answer = request.header("authorization", authorization).call();
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(status("Bearer ecoman_made-up"), 401);

    let short = type_in(&["user", "add", "alice", "--role", "operator"], "short\n");
    assert_eq!(short.status.code(), Some(2));
    assert!(text(&short.stderr).contains("8 to 256 characters"));
    let nothing = run(home.path(), &["user", "add", "alice", "--role", "operator"]);
    assert_eq!(nothing.status.code(), Some(2), "nobody is there to type");
    let added = type_in(
        &[
            "user", "add", "alice", "--role", "operator", "--nodes", "hoge",
        ],
        "correct horse\n",
    );
    assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));
    assert_eq!(text(&added.stdout), "User alice: role operator on hoge.\n");
    let users = text(&run(home.path(), &["user", "list"]).stdout);
    assert!(
        users
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("alice  operator  hoge   20"),
        "{users}"
    );

    let create = |role| ["token", "create", "ci", "--user", "alice", "--role", role];
    let more = run(home.path(), &create("admin"));
    assert_eq!(more.status.code(), Some(2));
    assert!(text(&more.stderr).contains("cannot have more permissions than its user"));
    let made = run(home.path(), &create("viewer"));
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let secret = text(&made.stdout);
    assert!(secret.starts_with("ecoman_") && secret.lines().count() == 1);
    let shown = format!("Bearer {}", secret.trim());
    // The dashboard has run all the while.
    assert_eq!(status(&shown), 200);
    let tokens = text(&run(home.path(), &["token", "list"]).stdout);
    assert!(!tokens.contains(secret.trim()), "{tokens}");
    let id = tokens.lines().nth(1).unwrap().split(' ').next().unwrap();
    let revoked = run(home.path(), &["token", "revoke", id]);
    assert_eq!(
        text(&revoked.stdout),
        "Token \"ci\" of user alice revoked.\n"
    );
    assert_eq!(status(&shown), 401);
    let again = run(home.path(), &["token", "revoke", id]);
    assert_eq!(again.status.code(), Some(2));
    let removed = run(home.path(), &["user", "rm", "alice"]);
    assert_eq!(removed.status.code(), Some(0), "{}", text(&removed.stderr));
}

#[test]
fn a_dashboard_with_a_certificate_is_asked_by_https() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let made = rcgen::generate_simple_self_signed(["ecoman.example.org".to_owned()]).unwrap();
    let certificate = file("cert.pem", made.cert.pem());
    let key = file("key.pem", made.signing_key.serialize_pem());

    let mut command = ecoman(home.path(), &["dashboard", "--dashboard-port=0"]);
    let half = command.env("DASHBOARD_TLS_CERT", &certificate).output();
    let half = half.unwrap();
    assert_eq!(half.status.code(), Some(2));
    let why = text(&half.stderr);
    assert!(why.contains("DASHBOARD_TLS_KEY is not"), "{why}");

    let dashboard = Role::start(command.env("DASHBOARD_TLS_KEY", &key));
    assert!(dashboard.address.starts_with("https://127.0.0.1:"));
    let check = |tls: bool| {
        let mut command = ecoman(home.path(), &["healthcheck", "--port", dashboard.port()]);
        if tls {
            command.env("DASHBOARD_TLS_CERT", &certificate);
        }
        command.output().unwrap()
    };
    let begin = Instant::now();
    let well = loop {
        let output = check(true);
        // It may not have read its store yet.
        if output.status.success() || begin.elapsed() > PATIENCE {
            break output;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    let said = text(&well.stdout);
    assert!(
        said.contains(&format!("{}/readyz: ready", dashboard.address)),
        "{said}"
    );
    assert_eq!(check(false).status.code(), Some(1));
}

#[test]
fn a_burst_of_connections_that_say_nothing_passes() {
    let home = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["ecoman.example.org".to_owned()]).unwrap();
    let (certificate, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    // With few descriptors, which such a burst would use up.
    let program = ecoman(home.path(), &[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 128 && exec \"$0\" dashboard"])
        .arg(program.get_program())
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("DASHBOARD_PORT", "0")
        .env("DASHBOARD_TLS_CERT", &certificate)
        .env("DASHBOARD_TLS_KEY", &key)
        .current_dir(home.path());
    let dashboard = Role::start(&mut command);
    let port: u16 = dashboard.port().parse().unwrap();
    let silent: Vec<_> = (0..300)
        .map_while(|_| std::net::TcpStream::connect(("127.0.0.1", port)).ok())
        .collect();
    assert!(silent.len() > 200, "{}", silent.len());
    drop(silent);
    let begin = Instant::now();
    loop {
        let mut check = ecoman(home.path(), &["healthcheck", "--port", dashboard.port()]);
        let output = check
            .env("DASHBOARD_TLS_CERT", &certificate)
            .output()
            .unwrap();
        if output.status.success() {
            break;
        }
        let why = text(&output.stderr);
        assert!(begin.elapsed() < PATIENCE, "{why}\n{}", dashboard.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A role at work, killed when the test is over.
struct Role {
    child: Child,
    address: String,
    /// Its output on stderr.
    log: Arc<Mutex<Vec<u8>>>,
}

impl Role {
    /// Starts a role, and waits until it says where it listens.
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "ended early:\n{said}");
            said.push_str(&line);
            let at = ["ECoMan is at ", "the executor is at "];
            let address = at.into_iter().find_map(|at| line.split_once(at));
            if let Some((_, address)) = address {
                // In JSON something follows.
                break address.trim().split('"').next().unwrap().to_owned();
            }
        };
        // Goes on being read, so that the role never waits for a full pipe.
        let kept = Arc::new(Mutex::new(said.into_bytes()));
        let log_of_role = Arc::clone(&kept);
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while log
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                kept.lock().unwrap().append(&mut line);
            }
        });
        Self {
            child,
            address,
            log: log_of_role,
        }
    }

    /// Starts a role that listens nowhere.
    fn spawn(command: &mut Command) -> Self {
        let child = command
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            address: String::new(),
            log: Arc::default(),
        }
    }

    /// Its output on stderr.
    fn log(&self) -> String {
        text(&self.log.lock().unwrap())
    }

    /// SIGKILL.
    fn die(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The port that it listens on.
    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    /// Asks for a change; the address of its task.
    fn ask(&self, method: &str, path: &str, body: &serde_json::Value) -> String {
        let mut answer = self.send(method, path, body);
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 202, "{text}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Asks for a change that is refused; why.
    fn refused(&self, method: &str, path: &str, body: &serde_json::Value) -> serde_json::Value {
        let mut answer = self.send(method, path, body);
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(!answer.status().is_success(), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> ureq::http::Response<ureq::Body> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("content-type", "application/json")
            .body(body.to_string())
            .unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        agent.run(request).unwrap()
    }

    fn get(&self, path: &str) -> serde_json::Value {
        let url = format!("{}{path}", self.address);
        let text = ureq::get(url).call().unwrap().body_mut().read_to_string();
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    /// Waits for the end of a task, which has to be this one; the task.
    fn ends(&self, task: &str, state: &str) -> serde_json::Value {
        // A store that comes back may need a moment: then the question is refused.
        self.until(task, "end", |task| {
            let state = task["state"].as_str();
            state.is_some_and(|state| !["queued", "running"].contains(&state))
        });
        let task = self.get(task);
        assert_eq!(task["state"], state, "{task:#}");
        task
    }

    /// Asks until the answer is as it should be.
    fn until(&self, path: &str, what: &str, condition: impl Fn(&serde_json::Value) -> bool) {
        let begin = Instant::now();
        let mut last = serde_json::Value::Null;
        while begin.elapsed() < PATIENCE {
            if let Ok(mut answer) = ureq::get(format!("{}{path}", self.address)).call() {
                last = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
                if condition(&last) {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{path}: no {what} within {PATIENCE:?}; last seen: {last:#}");
    }

    /// SIGTERM; the exit code.
    fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still there 10 s after SIGTERM");
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}

#[test]
fn up_shows_the_vms_follows_the_node_and_stops_on_sigterm() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").on().size(8, 16_384)));
    let home = home(&[&node]);
    assert_eq!(
        run(home.path(), &["trust", "--yes", "--all"]).status.code(),
        Some(0)
    );
    let mut up = Role::start(
        ecoman(home.path(), &["up"])
            .env_remove("ECOMAN_STORE")
            .env("DASHBOARD_PORT", "0")
            .env("CRAWLER_INTERVAL", "1"),
    );
    up.until("/api/v1/vms", "large VM", |list| {
        list["total"] == 1 && list["items"][0]["large"] == serde_json::json!(["cpu", "memory"])
    });
    node.stop().unwrap();
    up.until("/api/v1/vms", "stale VM", |list| {
        list["items"][0]["stale"] == true
            && list["items"][0]["stale_reason"]
                .as_str()
                .is_some_and(|why| why.contains("hoge"))
    });
    node.start_again().unwrap();
    up.until("/api/v1/vms", "fresh VM", |list| {
        list["items"][0]["stale"] == false
    });
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn up_creates_a_vm_and_switches_it_on_and_off() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web").on()));
    let home = home(&[&node]);
    run(home.path(), &["trust", "--yes", "--all"]);
    let mut up = Role::start(
        ecoman(home.path(), &["up"])
            .env_remove("ECOMAN_STORE")
            .env("DASHBOARD_PORT", "0"),
    );
    // One round a minute: what is seen sooner was looked at because of the task.
    up.until("/api/v1/vms", "VM", |list| list["total"] == 1);

    let name = "テスト $(reboot) \"1\" |22";
    let comment = "two\nlines | of 100%";
    let body = serde_json::json!({
        "node": "hoge", "name": name, "cpus": 1, "memory_mb": 512, "disk_gb": 1,
        "comment": comment, "power_on": false,
    });
    let task = up.ask("POST", "/api/v1/vms", &body);
    let task = up.ends(&task, "succeeded");
    let vmid = task["vm"]["vmid"].as_u64().unwrap();
    let vm = node.vm_named(name).expect("the VM is on the node");
    assert_eq!(vm.spec.annotation, comment);
    let path = format!("/api/v1/vms/hoge/{vmid}");
    up.until(&path, "VM that is off", |vm| {
        vm["name"] == name && vm["comment"] == comment && vm["power"] == "off"
    });

    let power = |path: &str, action: &str| {
        let body = serde_json::json!({ "action": action });
        let task = up.ask("PUT", &format!("{path}/power"), &body);
        up.ends(&task, "succeeded");
    };
    power(&path, "on");
    up.until(&path, "VM that is on", |vm| vm["power"] == "on");
    power(&path, "off");
    up.until(&path, "VM that is off again", |vm| vm["power"] == "off");
    let web = format!("/api/v1/vms/hoge/{}", node.vm_named("web").unwrap().id);
    power(&web, "shutdown");
    up.until(&web, "guest that was shut down", |vm| vm["power"] == "off");
    up.until("/api/v1/tasks", "list of four tasks", |tasks| {
        tasks["items"]
            .as_array()
            .is_some_and(|items| items.len() == 4)
    });
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn the_examples_of_the_readme_work() {
    let running = |id, name| VmSpec::new(name).id(id).on();
    let node = node(
        NodeSpec::new("esxi-01")
            .vm(running(14, "metrics-b"))
            .vm(running(15, "web"))
            .vm(VmSpec::new("copied").id(16)),
    );
    node.set_fault(Fault::Question(16)).unwrap();
    let home = home(&[&node]);
    run(home.path(), &["trust", "--yes", "--all"]);
    let up = Role::start(
        ecoman(home.path(), &["up"])
            .env_remove("ECOMAN_STORE")
            .env("DASHBOARD_PORT", "0"),
    );
    up.until("/api/v1/vms", "VMs", |list| list["total"] == 3);

    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once("```sh\nECOMAN=").expect("the examples");
    let (_, rest) = rest.split_once('\n').unwrap();
    let (script, _) = rest.split_once("\n```").unwrap();
    let ended = script.matches("ends \"$").count();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .env("ECOMAN", &up.address)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = text(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}\n{}",
        text(&output.stderr)
    );
    let succeeded = printed.matches("\"state\":\"succeeded\"").count();
    assert_eq!((ended, succeeded), (9, 9), "{printed}");
    assert!(node.vm_named("web-3").is_some());
    for (id, power) in [(14, Power::Off), (15, Power::Off), (16, Power::On)] {
        assert_eq!(node.vm(id).unwrap().power, power, "VM {id}");
    }
}

#[test]
fn the_examples_of_how_programs_sign_in_work() {
    let node = node(NodeSpec::new("esxi-01").vm(VmSpec::new("web").id(14).on()));
    let home = home(&[&node]);
    run(home.path(), &["trust", "--yes", "--all"]);
    let mut command = ecoman(home.path(), &["up"]);
    let command = command.env("DASHBOARD_SIGN_IN", "password");
    let up = Role::start(command.env("DASHBOARD_PORT", "0"));
    let example = |file: &str, begin: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let page = std::fs::read_to_string(file).unwrap();
        let (_, rest) = page.split_once(&format!("```sh\n{begin}")).expect(begin);
        let (script, _) = rest.split_once("\n```").unwrap();
        format!("{begin}{script}").replace("http://127.0.0.1:8000", &up.address)
    };
    let bash = |script: &str| {
        let shell = format!(
            "ecoman() {{ {} \"$@\"; }}\n{script}",
            env!("CARGO_BIN_EXE_ecoman")
        );
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &shell])
            .env("ECOMAN_DATA", home.path().join("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = text(&output.stdout);
        assert!(
            output.status.success(),
            "{printed}\n{}",
            text(&output.stderr)
        );
        printed
    };
    bash("printf '%s\\n' 'correct horse battery' | ecoman user add alice --role operator");
    let list = example("README.md", "token=");
    // Before the first round nobody knows the VM.
    let printed = bash(&format!(
        "{list}\ncurl -sf -H \"Authorization: Bearer $token\" --retry 60 --retry-delay 1 \\
         --retry-all-errors -o {}/vm.json {}/api/v1/vms/esxi-01/14",
        home.path().display(),
        up.address
    ));
    assert!(printed.contains("\"items\":["), "{printed}");

    let printed = bash(&example("docs/sign-in.md", "ECOMAN="));
    assert!(printed.contains("User carol: role operator"), "{printed}");
    assert!(printed.contains("\"items\":["), "{printed}");
    assert!(printed.contains("\"status\":403"), "{printed}");
    assert!(printed.contains("\"status\":401"), "{printed}");
    assert_eq!(node.vm(14).unwrap().power, Power::On);
}

#[test]
fn a_creation_whose_executor_is_killed_is_interrupted_cleaned_up_and_not_run_again() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    let home = home(&[&node]);
    run(home.path(), &["trust", "--yes", "--all"]);
    // The dashboard shows what one round has left in the file; nobody else has it open.
    let once = run(home.path(), &["crawler", "--once"]);
    assert_eq!(once.status.code(), Some(0), "{}", text(&once.stdout));
    let executor = |port: &str| {
        Role::start(
            ecoman(home.path(), &["executor"])
                .env("EXECUTOR_PORT", port)
                .env("EXECUTOR_TOKEN", "s3cret"),
        )
    };
    let mut first = executor("0");
    let port = first.port().to_owned();
    let health = run(
        home.path(),
        &["healthcheck", "executor", "--executor-port", &port],
    );
    assert_eq!(health.status.code(), Some(0), "{}", text(&health.stderr));
    let mut dashboard = Role::start(
        ecoman(home.path(), &["dashboard"])
            .env("DASHBOARD_PORT", "0")
            .env("EXECUTOR_PORT", &port)
            .env("EXECUTOR_TOKEN", "s3cret"),
    );
    dashboard.until("/api/v1/vms", "VM", |list| list["total"] == 1);

    node.set_fault(Fault::Hang(Scope::command("vmkfstools")))
        .unwrap();
    let body = serde_json::json!({
        "node": "hoge", "name": "new", "cpus": 1, "memory_mb": 512, "disk_gb": 1,
    });
    let task = dashboard.ask("POST", "/api/v1/vms", &body);
    let asked = || {
        let calls = node.calls();
        calls
            .iter()
            .filter(|call| call.program == "vmkfstools")
            .count()
    };
    dashboard.until(&task, "disk in the making", |_| asked() == 1);
    assert!(node.file("/vmfs/volumes/datastore1/new/new.vmx").exists());
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    node.clear_faults().unwrap();
    let mut second = executor(&port);

    let interrupted = dashboard.ends(&task, "interrupted");
    let detail = interrupted["error"]["detail"].as_str().unwrap();
    let mut words = detail.split(' ');
    let clean_up = words.find(|word| word.starts_with("/api/v1/tasks/"));
    let clean_up = dashboard.ends(clean_up.expect(detail), "succeeded");
    assert_eq!(clean_up["request"]["kind"], "clean_up");
    assert!(
        !node.file("/vmfs/volumes/datastore1/new").exists(),
        "{clean_up:#}"
    );
    assert_eq!(node.vm_named("new"), None);
    assert_eq!(asked(), 1, "the disk is not made again");
    assert_eq!(dashboard.terminate(), Some(0));
    assert_eq!(second.terminate(), Some(0));
}

#[test]
fn the_demo_shows_what_it_says_and_leaves_nothing_behind() {
    let home = home(&[]);
    let mut demo = Role::start(
        ecoman(
            home.path(),
            &[
                "demo",
                "--nodes",
                "2",
                "--vms",
                "3",
                "--dashboard-port",
                "0",
            ],
        )
        .env("TMPDIR", home.path()),
    );
    demo.until("/api/v1/vms", "six VMs", |list| list["total"] == 6);
    assert_eq!(demo.terminate(), Some(0));
    let left: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "hosts.yml")
        .collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}
