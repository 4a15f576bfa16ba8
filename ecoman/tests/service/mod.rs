//! A role as a service manager runs it: it says when it serves, that it lives, and that it stops.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ecoman_simulator::{NodeSpec, VmSpec};

use super::{PATIENCE, Role, ecoman, home, node};

/// What a role says to its service manager.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(socket: &Path) -> Self {
        let listener = UnixDatagram::bind(socket).unwrap();
        listener.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(listener)
    }

    /// Waits for a state, whatever comes before it.
    fn hears(&self, state: &str) {
        let begin = Instant::now();
        let mut heard = Vec::new();
        let mut buffer = [0; 512];
        while begin.elapsed() < PATIENCE {
            let length = match self.0.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) => panic!("no {state} ({error}) after {heard:?}"),
            };
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if said.lines().any(|line| line == state) {
                return;
            }
            heard.push(said);
        }
        panic!("no {state}, but {heard:?}");
    }
}

#[test]
fn each_role_reports_to_the_service_manager_and_survives_a_reload() {
    let node = node(NodeSpec::new("hoge").vm(VmSpec::new("web")));
    for role in ["up", "dashboard", "crawler", "executor"] {
        let home = home(&[&node]);
        let socket = home.path().join("notify");
        let manager = Manager::listen(&socket);
        let mut command = ecoman(home.path(), &[role]);
        command
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "600000")
            .env("DASHBOARD_PORT", "0")
            .env("EXECUTOR_PORT", if role == "dashboard" { "1" } else { "0" });
        let mut role = Role::spawn(&mut command);
        manager.hears("READY=1");
        manager.hears("WATCHDOG=1");
        let pid = role.child.id().to_string();
        let hang_up = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
        assert!(hang_up.success());
        manager.hears("WATCHDOG=1");
        manager.hears("WATCHDOG=1");
        assert_eq!(
            role.child.try_wait().unwrap(),
            None,
            "SIGHUP asks to reload"
        );
        assert_eq!(role.terminate(), Some(0));
        manager.hears("STOPPING=1");
    }
}
