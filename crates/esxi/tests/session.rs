//! Sessions against a real sshd and busybox ash.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::pin::Pin;
use std::time::Duration;

use ecoman_esxi::{Command, Output, Session, SessionError, SessionFault};
use ecoman_model::{FailureKind, Vmid};

mod sshd;

use sshd::{PATIENCE, Sshd, eventually, in_time, processes_with, runs};

async fn connect(node: &Sshd) -> Session {
    in_time(
        "connecting",
        Session::connect(&node.host(), &node.options()),
    )
    .await
    .expect("cannot connect")
}

async fn refused(host: &ecoman_esxi::Host, options: &ecoman_esxi::SessionOptions) -> SessionError {
    in_time("failing to connect", Session::connect(host, options))
        .await
        .expect_err("it connects")
}

fn summaries(count: u32) -> Vec<Command> {
    (0..count).map(|id| Command::summary(Vmid(id))).collect()
}

fn text(output: &Output) -> (String, String, i32) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.exit,
    )
}

#[tokio::test]
async fn both_streams_and_the_exit_code_arrive_apart_and_byte_by_byte() {
    let node = Sshd::start();
    node.vim_cmd(r#"printf 'out\r\n\n\377 no end'; printf 'err\n' >&2; exit 7"#);
    let session = connect(&node).await;
    let output = session.run(&Command::summary(Vmid(1)), PATIENCE).await;
    assert_eq!(
        output.unwrap(),
        Output {
            stdout: b"out\r\n\n\xff no end".to_vec(),
            stderr: b"err\n".to_vec(),
            exit: 7
        }
    );
    session.close().await;
}

#[tokio::test]
async fn silence_is_empty_output() {
    let node = Sshd::start();
    node.vim_cmd("exit 0");
    let session = connect(&node).await;
    let output = session.run(&Command::summary(Vmid(1)), PATIENCE).await;
    assert_eq!(text(&output.unwrap()), (String::new(), String::new(), 0));
}

#[tokio::test]
async fn a_missing_program_is_exit_code_127() {
    let node = Sshd::start();
    let session = connect(&node).await;
    let output = session.run(&Command::summary(Vmid(1)), PATIENCE).await;
    let (_, stderr, exit) = text(&output.unwrap());
    assert_eq!(exit, 127);
    assert!(stderr.contains("vim-cmd: not found"), "{stderr}");
}

#[tokio::test]
async fn a_command_finds_nothing_on_its_standard_input() {
    let node = Sshd::start();
    node.vim_cmd("cat; echo end");
    let session = connect(&node).await;
    let output = session.run(&Command::summary(Vmid(1)), PATIENCE).await;
    assert_eq!(text(&output.unwrap()).0, "end\n");
}

#[tokio::test]
async fn arguments_reach_the_command_as_they_are() {
    let node = Sshd::start();
    let session = connect(&node).await;
    let names = [
        "plain",
        "two  blanks and a tab\t",
        " at both ends ",
        "it's \"quoted\" `id` $(touch stray) $HOME \\ \\n !",
        "line\nbreaks\n\nq\nx\n",
        "*",
        "ノード",
        "-e",
        "#; & | < >",
    ];
    let mut commands = Vec::new();
    for name in names {
        let directory = node.path("names");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), "").unwrap();
        commands.push(Command::exists(directory.join(name).to_str().unwrap()));
        let other = directory.join(format!("{name}?"));
        commands.push(Command::exists(other.to_str().unwrap()));
    }
    let results = session.run_each(&commands, PATIENCE).await;
    for (index, (command, result)) in commands.iter().zip(results).enumerate() {
        assert_eq!(result.unwrap().exit, i32::from(index % 2 == 1), "{command}");
    }
    assert_eq!(
        std::fs::read_dir(node.path("names")).unwrap().count(),
        names.len()
    );
}

#[tokio::test]
async fn a_nul_byte_costs_only_its_command() {
    let node = Sshd::start();
    let session = connect(&node).await;
    let commands = [Command::exists("a\0b"), Command::exists("/")];
    let results = session.run_each(&commands, PATIENCE).await;
    let error = results[0].as_ref().unwrap_err();
    assert!(
        matches!(error.fault, SessionFault::InvalidArgument { .. }),
        "{error}"
    );
    assert_eq!(results[1].as_ref().unwrap().exit, 0);
}

#[tokio::test]
async fn what_the_shell_prints_before_is_no_output() {
    let node = Sshd::start();
    let wrap = std::fs::read_to_string(node.path("bin/wrap")).unwrap();
    node.tool(
        "wrap",
        &wrap.replace(
            "#!/bin/sh\n",
            "#!/bin/sh\necho Welcome; echo 'last login' >&2\n",
        ),
    );
    node.vim_cmd("echo yes; echo no >&2");
    let session = connect(&node).await;
    let output = session
        .run(&Command::summary(Vmid(1)), PATIENCE)
        .await
        .unwrap();
    assert_eq!(text(&output), ("yes\n".into(), "no\n".into(), 0));
}

#[tokio::test]
async fn many_commands_share_a_few_shells_and_keep_their_order() {
    let node = Sshd::start();
    node.vim_cmd("printf \"dump of $2\"; echo \"note $2\" >&2; exit $(( $2 % 3 ))");
    let session = connect(&node).await;
    node.forget_execs();
    let results = session.run_each(&summaries(50), PATIENCE).await;
    assert_eq!(results.len(), 50);
    for (id, result) in (0..).zip(&results) {
        assert_eq!(
            text(result.as_ref().unwrap()),
            (format!("dump of {id}"), format!("note {id}\n"), id % 3)
        );
    }
    assert!(node.execs() <= 4, "{} shells for 50 commands", node.execs());
}

#[tokio::test]
async fn as_many_commands_run_at_once_as_hosts_yml_allows() {
    let node = Sshd::start();
    // Each waits until three run, and fails when a fourth does.
    node.vim_cmd(
        r#"
        mkdir run.$2
        while set -- run.*; [ $# -lt 3 ]; do [ -e enough ] && break; sleep 0.01; done
        [ $# -gt 3 ] && echo "$# at once"
        touch enough
        rmdir run.* 2>/dev/null
        exit 0"#,
    );
    let host = node.host_with("  max_sessions: 3\n");
    let session = Session::connect(&host, &node.options()).await.unwrap();
    let results = in_time("three at once", session.run_each(&summaries(3), PATIENCE)).await;
    for result in results {
        assert_eq!(text(&result.unwrap()).0, "");
    }
    // More commands need no more shells.
    node.forget_execs();
    session.run_each(&summaries(20), PATIENCE).await;
    assert!(node.execs() <= 3, "{} shells", node.execs());
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_its_children_and_the_others_still_come() {
    let node = Sshd::start();
    node.vim_cmd(
        r#"
        if [ $2 = 3 ]; then
            echo $$ > pid
            sleep 1000 &
            echo $! > child
            sleep 1001
        fi
        echo $2"#,
    );
    let session = connect(&node).await;
    let limit = Duration::from_secs(2);
    let results = in_time("the others", session.run_each(&summaries(12), limit)).await;
    for (id, result) in results.iter().enumerate() {
        if id == 3 {
            let error = result.as_ref().unwrap_err();
            assert_eq!(error.kind(), FailureKind::Timeout);
            assert_eq!(
                error.to_string(),
                format!(
                    "hoge (127.0.0.1:{}): `vim-cmd vmsvc/get.summary 3` was killed after 2 s",
                    node.port()
                )
            );
        } else {
            assert_eq!(text(result.as_ref().unwrap()).0, format!("{id}\n"));
        }
    }
    for file in ["pid", "child"] {
        let pid = node.work(file).trim().parse().unwrap();
        eventually("the command is gone on the node", || {
            (!runs(pid)).then_some(())
        })
        .await;
    }
    // The session is none the worse.
    let output = session.run(&Command::summary(Vmid(1)), PATIENCE).await;
    assert_eq!(text(&output.unwrap()).0, "1\n");
}

#[tokio::test]
async fn dropping_the_future_kills_the_command_on_the_node() {
    let node = Sshd::start();
    node.vim_cmd("sleep 1000 & echo $$ > pid; echo $! > child; wait");
    let session = connect(&node).await;
    let (pid, child) = {
        let command = Command::summary(Vmid(1));
        let running = session.run(&command, PATIENCE);
        let started = eventually("the command has started", || {
            let child = node.work("child").trim().parse().ok()?;
            Some((node.work("pid").trim().parse().ok()?, child))
        });
        tokio::select! {
            _ = running => panic!("the command ended"),
            pids = started => pids,
        }
    };
    for pid in [pid, child] {
        eventually("the command is gone on the node", || {
            (!runs(pid)).then_some(())
        })
        .await;
    }
    assert!(session.is_alive().await);
}

#[tokio::test]
async fn endless_output_is_cut_and_the_command_killed() {
    let node = Sshd::start();
    node.vim_cmd("[ $2 = 1 ] && { echo $$ > pid; exec yes; }; echo $2");
    let session = connect(&node).await;
    let results = in_time("both", session.run_each(&summaries(3), PATIENCE)).await;
    let error = results[1].as_ref().unwrap_err();
    assert!(
        matches!(error.fault, SessionFault::TooMuchOutput { .. }),
        "{error}"
    );
    assert_eq!(text(results[2].as_ref().unwrap()).0, "2\n");
    let pid = node.work("pid").trim().parse().unwrap();
    eventually("the command is gone on the node", || {
        (!runs(pid)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_command_whose_shell_ends_is_sent_a_second_time() {
    let node = Sshd::start();
    node.vim_cmd("[ $2 = 5 ] && [ ! -e once ] && { touch once; kill -9 0; }; echo $2");
    let session = connect(&node).await;
    let results = session.run_each(&summaries(10), PATIENCE).await;
    for (id, result) in results.iter().enumerate() {
        assert_eq!(text(result.as_ref().unwrap()).0, format!("{id}\n"));
    }
}

#[tokio::test]
async fn a_command_that_is_run_alone_is_never_sent_twice() {
    let node = Sshd::start();
    node.vim_cmd("echo x >> times; kill -9 0");
    let session = connect(&node).await;
    let result = session.run(&Command::summary(Vmid(1)), PATIENCE).await;
    let error = result.unwrap_err();
    assert!(
        matches!(error.fault, SessionFault::Interrupted { .. }),
        "{error}"
    );
    assert_eq!(node.work("times"), "x\n");
}

#[tokio::test]
async fn a_command_that_always_ends_its_shell_costs_only_itself() {
    let node = Sshd::start();
    node.vim_cmd("[ $2 = 5 ] && { echo 'out of memory' >&2; kill -9 0; }; echo $2");
    let session = connect(&node).await;
    let results = session.run_each(&summaries(10), PATIENCE).await;
    for (id, result) in results.iter().enumerate() {
        if id == 5 {
            let error = result.as_ref().unwrap_err();
            assert!(
                error.to_string().ends_with(
                    "the shell ended while `vim-cmd vmsvc/get.summary 5` was running: out of memory"
                ),
                "{error}"
            );
        } else {
            assert_eq!(text(result.as_ref().unwrap()).0, format!("{id}\n"));
        }
    }
}

#[tokio::test]
async fn a_user_without_a_shell_gets_the_words_of_the_node() {
    let node = Sshd::start();
    node.tool(
        "wrap",
        "#!/bin/sh\necho 'This account is currently not available.'\nexit 1\n",
    );
    let session = connect(&node).await;
    for result in session.run_each(&summaries(3), PATIENCE).await {
        let error = result.unwrap_err();
        assert!(
            error.to_string().ends_with(
                "the shell does not run commands: This account is currently not available."
            ),
            "{error}"
        );
        assert_eq!(error.kind(), FailureKind::Protocol);
    }
}

#[tokio::test]
async fn a_node_that_refuses_sessions_beside_each_other_gets_one_at_a_time() {
    let node = Sshd::with("MaxSessions 1\nLogLevel DEBUG");
    // Fails when another runs.
    node.vim_cmd(
        "mkdir alone || exit 1; while [ -e held ]; do sleep 0.02; done; rmdir alone; echo $2",
    );
    let held = node.path("work/held");
    std::fs::write(&held, "").unwrap();
    let session = connect(&node).await;
    let refusals = || node.log().matches("no more sessions").count();
    let round = async |name: &str, meanwhile: Pin<Box<dyn Future<Output = ()> + '_>>| {
        let commands = summaries(12);
        let running = session.run_each(&commands, PATIENCE);
        let (results, ()) = in_time(name, async { tokio::join!(running, meanwhile) }).await;
        for (id, result) in results.iter().enumerate() {
            let output = result
                .as_ref()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(text(output), (format!("{id}\n"), String::new(), 0));
        }
        // Its sessions are counted out: the next one is refused for no other reason.
        eventually("the end of the sessions", || {
            let log = node.log();
            let count = |words: &str| log.matches(words).count();
            (count("session_new: session") == count("Close session:")).then_some(())
        })
        .await;
    };
    // Each of the four asks, and three of them in vain until the node is known to grant one.
    let learned = async {
        eventually("refusals", || (refusals() >= 12).then_some(())).await;
        std::fs::remove_file(&held).unwrap();
    };
    round("the first round", Box::pin(learned)).await;
    let before = refusals();
    for name in ["the second round", "the third round"] {
        round(name, Box::pin(async {})).await;
        assert_eq!(refusals(), before, "{name}: refused again");
    }
}

#[tokio::test]
async fn one_session_at_a_time_goes_on_after_a_command_was_killed() {
    let node = Sshd::with("MaxSessions 1");
    node.vim_cmd("[ $2 = 1 ] && sleep 1000; echo $2");
    let session = connect(&node).await;
    let limit = Duration::from_secs(2);
    let results = in_time("all", session.run_each(&summaries(4), limit)).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(
        results[1].as_ref().unwrap_err().kind(),
        FailureKind::Timeout
    );
    // And after a future was dropped, of which the node learns a moment later.
    let command = Command::summary(Vmid(1));
    let dropped = tokio::time::timeout(Duration::from_millis(300), session.run(&command, PATIENCE));
    assert!(dropped.await.is_err());
    let output = in_time(
        "one more",
        session.run(&Command::summary(Vmid(2)), PATIENCE),
    )
    .await;
    assert_eq!(text(&output.unwrap()).0, "2\n");
}

#[tokio::test]
async fn a_node_that_runs_no_command_at_all_says_so() {
    let node = Sshd::with("MaxSessions 0");
    let session = connect(&node).await;
    let result = in_time(
        "refusing",
        session.run(&Command::summary(Vmid(1)), PATIENCE),
    )
    .await;
    let error = result.unwrap_err();
    assert!(
        matches!(error.fault, SessionFault::SessionsRefused),
        "{error}"
    );
}

#[tokio::test]
async fn a_lost_connection_is_reported_at_once() {
    let mut node = Sshd::start();
    node.vim_cmd("touch started; sleep 1000");
    let session = connect(&node).await;
    let results = {
        let commands = summaries(12);
        let running = session.run_each(&commands, Duration::from_secs(600));
        let lost = async {
            eventually("a command runs", || {
                node.path("work/started").exists().then_some(())
            })
            .await;
            node.stop();
            std::future::pending::<()>().await;
        };
        in_time("noticing the loss", async {
            tokio::select! { results = running => results, () = lost => unreachable!() }
        })
        .await
    };
    assert_eq!(results.len(), 12);
    for result in results {
        let error = result.unwrap_err();
        assert!(
            matches!(error.fault, SessionFault::Disconnected { .. }),
            "{error}"
        );
        assert_eq!(error.kind(), FailureKind::Disconnected);
    }
    assert!(!session.is_alive().await);
    let error = session
        .run(&Command::host_summary(), PATIENCE)
        .await
        .unwrap_err();
    assert!(
        matches!(error.fault, SessionFault::Disconnected { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn closing_and_dropping_leave_no_ssh_process_behind() {
    let node = Sshd::start();
    node.vim_cmd("echo $2");
    let name = format!("-p {} -l", node.port()).replace(' ', "\0");
    for close in [true, false] {
        let session = connect(&node).await;
        assert_eq!(processes_with(&name).len(), 1);
        if close {
            session.close().await;
            assert!(processes_with(&name).is_empty());
        } else {
            drop(session);
            eventually("ssh is gone", || {
                processes_with(&name).is_empty().then_some(())
            })
            .await;
        }
    }
}

#[tokio::test]
async fn giving_up_a_connection_attempt_leaves_no_ssh_process_behind() {
    let node = Sshd::start();
    let (port, _listener) = sshd::silent_port();
    let mut host = node.host();
    host.settings.port = port;
    let name = format!("-p {port} -l").replace(' ', "\0");
    let options = node.options();
    tokio::select! {
        _ = Session::connect(&host, &options) => panic!("it connects to a silent port"),
        () = eventually("ssh has started", || (!processes_with(&name).is_empty()).then_some(())) => {}
    }
    eventually("ssh is gone", || {
        processes_with(&name).is_empty().then_some(())
    })
    .await;
}

/// The far half of the test below: connects, runs a command that does not end, and is killed.
#[tokio::test]
async fn killed_without_warning() {
    const DIRECTORY: &str = "ECOMAN_TEST_NODE";
    const TEMPORARY: &str = "TMPDIR";
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let directory = std::path::PathBuf::from(directory);
        let hosts = ecoman_esxi::Hosts::load(&directory.join("hosts.yml")).unwrap();
        let options = ecoman_esxi::SessionOptions {
            known_hosts: vec![directory.join("known_hosts")],
            connect_timeout: Duration::from_secs(10),
        };
        let session = Session::connect(&hosts.nodes[0], &options).await.unwrap();
        let _ = session
            .run(&Command::summary(Vmid(1)), Duration::from_secs(600))
            .await;
        panic!("the command ended");
    }

    let node = Sshd::start();
    node.vim_cmd("sleep 1000 & echo $$ > pid; echo $! > child; wait");
    node.host();
    let temporary = tempfile::tempdir().unwrap();
    let mut process = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_without_warning", "--nocapture"])
        .env(DIRECTORY, node.path(""))
        .env(TEMPORARY, temporary.path())
        .env_remove("XDG_RUNTIME_DIR")
        .spawn()
        .unwrap();
    let mut pids = Vec::new();
    for file in ["pid", "child"] {
        pids.push(
            eventually("the command has started", || {
                node.work(file).trim().parse().ok()
            })
            .await,
        );
    }
    let control = temporary.path().to_string_lossy().into_owned();
    assert!(!processes_with(&control).is_empty());
    process.kill().unwrap();
    process.wait().unwrap();

    for pid in pids {
        eventually("the command is gone on the node", || {
            (!runs(pid)).then_some(())
        })
        .await;
    }
    eventually("ssh and the janitor are gone", || {
        processes_with(&control).is_empty().then_some(())
    })
    .await;
    eventually("the sockets are gone", || {
        std::fs::read_dir(temporary.path())
            .unwrap()
            .next()
            .is_none()
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_unknown_host_key_is_refused_and_named() {
    let node = Sshd::start();
    std::fs::write(node.path("known_hosts"), "").unwrap();
    for known_hosts in [
        vec![node.path("known_hosts")],
        vec![node.path("none")],
        vec![],
    ] {
        let mut options = node.options();
        options.known_hosts = known_hosts;
        let error = refused(&node.host(), &options).await;
        assert_eq!(
            error.to_string(),
            format!(
                "hoge (127.0.0.1:{}): the SSH host key is not trusted yet",
                node.port()
            )
        );
        assert_eq!(
            error.hint(),
            "Compare and trust the key with `ecoman trust hoge`."
        );
        assert_eq!(error.kind(), FailureKind::HostKey);
    }
}

#[tokio::test]
async fn a_host_key_may_be_in_any_of_the_known_hosts_files() {
    let node = Sshd::start();
    let folder = node.path("a folder with % and blanks");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("known hosts"), node.known_hosts_line()).unwrap();
    let mut options = node.options();
    options.known_hosts = vec![node.path("none"), folder.join("known hosts")];
    assert!(Session::connect(&node.host(), &options).await.is_ok());
}

#[tokio::test]
async fn a_changed_host_key_is_refused_and_named() {
    let node = Sshd::start();
    let other = Sshd::start();
    let line = other
        .known_hosts_line()
        .replace(&other.port().to_string(), &node.port().to_string());
    std::fs::write(node.path("known_hosts"), line).unwrap();
    let error = refused(&node.host(), &node.options()).await;
    assert!(
        matches!(error.fault, SessionFault::ChangedHostKey),
        "{error}"
    );
    assert!(error.hint().contains("ecoman trust hoge"));
}

#[tokio::test]
async fn a_revoked_host_key_is_refused_and_named() {
    let node = Sshd::start();
    let line = format!("@revoked {}", node.known_hosts_line());
    std::fs::write(node.path("known_hosts"), line).unwrap();
    let error = refused(&node.host(), &node.options()).await;
    assert!(
        matches!(error.fault, SessionFault::RevokedHostKey),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_login_is_tried_once_and_names_authorized_keys() {
    let node = Sshd::with("LogLevel VERBOSE");
    let host = node.host();
    std::fs::write(node.path("authorized_keys"), "").unwrap();
    let error = refused(&host, &node.options()).await;
    let user = sshd::user();
    assert_eq!(
        error.to_string(),
        format!(
            "hoge (127.0.0.1:{}): login as {user} refused for this key: Permission denied \
             (publickey)",
            node.port()
        )
    );
    assert_eq!(error.kind(), FailureKind::Authentication);
    assert!(
        error
            .hint()
            .contains(&format!("/etc/ssh/keys-{user}/authorized_keys"))
    );
    let attempts = node.log().matches("Failed publickey").count();
    assert!(attempts <= 1, "{attempts} attempts:\n{}", node.log());
}

#[tokio::test]
async fn a_key_that_went_bad_is_reported_before_ssh_is_asked() {
    let node = Sshd::start();
    let host = node.host();
    std::fs::remove_file(node.path("key")).unwrap();
    let error = refused(&host, &node.options()).await;
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert!(error.to_string().contains("no file"), "{error}");
    assert!(!node.log().contains("Connection from"));
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let node = Sshd::start();
    let mut host = node.host();
    host.settings.port = sshd::free_port();
    let error = refused(&host, &node.options()).await;
    assert!(
        error
            .to_string()
            .ends_with("no connection to the SSH port: Connection refused"),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Unreachable);
}

#[tokio::test]
async fn a_name_that_is_none_is_unreachable() {
    let node = Sshd::start();
    let mut host = node.host();
    host.settings.address = "no-such-host.invalid".into();
    let error = refused(&host, &node.options()).await;
    assert!(
        matches!(error.fault, SessionFault::Unresolved { .. }),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Unreachable);
}

#[tokio::test]
async fn a_node_that_takes_the_connection_and_says_nothing_is_given_up() {
    let node = Sshd::start();
    let (port, _listener) = sshd::silent_port();
    let mut host = node.host();
    host.settings.port = port;
    let mut options = node.options();
    options.connect_timeout = Duration::from_secs(1);
    let error = refused(&host, &options).await;
    assert!(
        matches!(error.fault, SessionFault::LoginTimeout { .. }),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Timeout);
}

#[tokio::test]
async fn a_slow_login_is_waited_for_as_long_as_hosts_yml_says() {
    // Longer than ssh waits for a sign of life after the login.
    const STALL: Duration = Duration::from_secs(17);
    let node = Sshd::start();
    let port = sshd::stalling_port(node.port(), STALL);
    let keys = std::fs::read_to_string(node.path("known_hosts")).unwrap();
    let keys = keys.replace(&format!(":{}", node.port()), &format!(":{port}"));
    std::fs::write(node.path("known_hosts"), keys).unwrap();
    let mut options = node.options();
    options.connect_timeout = Duration::from_secs(2);

    let mut host = node.host();
    host.settings.port = port;
    let error = refused(&host, &options).await;
    let SessionFault::LoginTimeout { limit } = error.fault else {
        panic!("{error}");
    };
    assert_eq!(limit, Duration::from_secs(2), "{error}");
    assert!(
        error.hint().contains("connect_timeout_seconds of hoge"),
        "{}",
        error.hint()
    );

    let mut host = node.host_with("  connect_timeout_seconds: 60\n");
    host.settings.port = port;
    let session = tokio::time::timeout(PATIENCE * 2, Session::connect(&host, &options))
        .await
        .expect("a login in time")
        .expect("a login");
    session.close().await;
}

#[tokio::test]
async fn a_series_of_commands_costs_no_more_than_its_quota() {
    let node = Sshd::start();
    node.vim_cmd("case $2 in 3) head -c 60000 /dev/zero;; *) echo small;; esac");
    let session = connect(&node).await;
    let run = async |commands: &[Command], limit, quota: &ecoman_esxi::Quota| {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        session
            .run_each_within(commands, limit, quota, sender)
            .await;
        let mut results = std::collections::BTreeMap::new();
        while let Some((index, result)) = receiver.recv().await {
            assert!(
                results.insert(index, result).is_none(),
                "{index} came twice"
            );
        }
        assert_eq!(results.len(), commands.len());
        results.into_values().collect::<Vec<_>>()
    };

    let all = ecoman_esxi::Quota::new(1_000_000, PATIENCE);
    let results = run(&summaries(40), PATIENCE, &all).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(all.exhausted(), None);

    let few_bytes = ecoman_esxi::Quota::new(50_000, PATIENCE);
    let results = run(&summaries(400), PATIENCE, &few_bytes).await;
    let exhausted = results.iter().filter(|result| {
        result.as_ref().is_err_and(|error| {
            matches!(
                error.fault,
                SessionFault::Exhausted {
                    reason: ecoman_esxi::Exhausted::Bytes(50_000)
                }
            )
        })
    });
    assert!(exhausted.count() > 300);

    // None answers: all are given up after a few, and not each after its own time.
    node.vim_cmd("sleep 1000");
    let much = ecoman_esxi::Quota::new(1_000_000, PATIENCE * 100);
    let results = run(&summaries(200), Duration::from_millis(300), &much).await;
    assert!(results.iter().all(Result::is_err));
    let last = results.last().unwrap().as_ref().unwrap_err();
    assert!(
        matches!(last.fault, SessionFault::Exhausted { .. }),
        "{last}"
    );
    session.close().await;
}

#[tokio::test]
async fn a_node_that_closes_the_connection_is_tried_once_more() {
    let node = Sshd::start();
    let mut host = node.host();
    host.settings.port = sshd::closing_port();
    let error = refused(&host, &node.options()).await;
    assert!(
        matches!(error.fault, SessionFault::Closed { .. }),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Disconnected);
}

#[tokio::test]
async fn algorithms_that_do_not_meet_are_named() {
    let node = Sshd::with("KexAlgorithms diffie-hellman-group1-sha1");
    let error = refused(&node.host(), &node.options()).await;
    assert!(
        error
            .to_string()
            .contains("no matching key exchange method found. Their offer: diffie"),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Protocol);
}

#[tokio::test]
async fn an_old_node_whose_host_key_signs_with_sha1_can_be_connected() {
    let node = Sshd::with_host_keys(&["rsa"], "HostKeyAlgorithms ssh-rsa");
    node.vim_cmd("echo old");
    let session = connect(&node).await;
    let output = session.run(&Command::get_all_vms(), PATIENCE).await;
    assert_eq!(text(&output.unwrap()).0, "old\n");
}

#[tokio::test]
async fn a_file_is_written_byte_for_byte_and_never_over_another() {
    let node = Sshd::start();
    let session = connect(&node).await;
    let directory = tempfile::tempdir().unwrap();
    for (number, content) in [
        "",
        "x",
        "a\nb\n\n",
        "$(reboot) `id` \"'\\ |22 ウェブ🦀\r\n\t%s -n",
    ]
    .into_iter()
    .enumerate()
    {
        let path = directory.path().join(format!("$(id) '{number}\".vmx"));
        let path = path.to_str().unwrap();
        let write = Command::write_new_file(path, content.to_owned());
        let output = session.run(&write, PATIENCE).await.unwrap();
        assert_eq!(output.exit, 0, "{output:?}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), content);
        let over = Command::write_new_file(path, "over".to_owned());
        assert_ne!(session.run(&over, PATIENCE).await.unwrap().exit, 0);
        assert_eq!(std::fs::read_to_string(path).unwrap(), content);
    }
}
