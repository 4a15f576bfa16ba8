//! The simulated tools: arguments and the node's state in, output and exit code out.

mod esxcli;
mod files;
mod output;
mod snapshot;
mod table;
mod verb;
mod vim_cmd;
mod vmkfstools;

use std::path::Path;

use crate::fault::HostdDown;
use crate::host::Host;
use crate::{Fault, VolumeKind};

pub(crate) use output::{Output, Reply};

/// Carries out a call of a tool.
pub(crate) fn run(host: &mut Host, program: &str, arguments: &[String], directory: &str) -> Reply {
    host.settle();
    let down = host.faults.iter().find_map(|fault| match fault {
        Fault::HostdDown(how) => Some(*how),
        _ => None,
    });
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (program, down) {
        ("vim-cmd", Some(HostdDown::ConnectionReset)) => {
            Output::refused("Failed to login: Connection reset by peer\n", 1).into()
        }
        ("vim-cmd", Some(HostdDown::BadRequest)) => {
            Output::refused("Invalid response code: 400 Bad Request\n", 1).into()
        }
        ("esxcli", Some(_)) => {
            Output::failed("Connect to localhost failed: Connection failure\n", 1).into()
        }
        ("vim-cmd", None) => vim_cmd::run(host, &arguments),
        ("esxcli", None) => esxcli::run(host, &arguments).into(),
        ("vmkfstools", _) => vmkfstools::run(host, &arguments, directory).into(),
        ("vmware", _) => vmware(host, &arguments).into(),
        ("mkdir", _) => mkdir(host, &arguments, directory).into(),
        ("python3", _) => python(host).into(),
        ("find" | "stat", _) => Output::refused("", NO_OBJECTION).into(),
        _ => Output::refused(format!("{program}: not found\n"), 127).into(),
    }
}

/// Lets busybox, or the real Python, carry out the command.
pub(crate) const NO_OBJECTION: u8 = 254;

/// Where the real Python is, and where it finds hostd. The host's list of VMs is written now, as
/// nothing else reads it.
fn python(host: &Host) -> Output {
    let Some((program, port)) = &host.python else {
        return Output::refused("python3: not found\n", 127);
    };
    let folder = host.root.join("etc/vmware/hostd");
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join("vmInventory.xml"), inventory(host)));
    match written {
        Ok(()) => Output {
            stdout: format!("{}\n{port}\n", program.display()).into_bytes(),
            ..Output::refused("", NO_OBJECTION)
        },
        Err(error) => Output::refused(format!("vmInventory.xml: {error}\n"), 1),
    }
}

/// `/etc/vmware/hostd/vmInventory.xml`
fn inventory(host: &Host) -> String {
    let ids = host.vms.keys().chain(&host.invalid);
    let ids: std::collections::BTreeSet<u32> = ids.copied().collect();
    let entries: String = ids
        .iter()
        .enumerate()
        .map(|(place, id)| {
            format!(
                "  <ConfigEntry id=\"{place:04}\">\n    <objID>{id}</objID>\n    <secDomain/>\n    \
                 <vmxCfgPath>/vmfs/volumes/{id}.vmx</vmxCfgPath>\n  </ConfigEntry>\n"
            )
        })
        .collect();
    format!("<ConfigRoot>\n{entries}</ConfigRoot>\n")
}

/// Directories at the top of a vSAN datastore are objects of their own, which only `osfs-mkdir`
/// makes.
fn mkdir(host: &Host, arguments: &[&str], directory: &str) -> Output {
    let Some(path) = arguments.last() else {
        return Output::refused("", NO_OBJECTION);
    };
    let absolute = Path::new(directory).join(path);
    let stores = host.spec.datastores.iter();
    let refused = stores
        .filter(|store| store.kind == VolumeKind::Vsan)
        .flat_map(|store| [&store.name, &store.uuid])
        .any(|name| absolute.parent() == Some(&Path::new("/vmfs/volumes").join(name)));
    if refused {
        let line = format!("mkdir: can't create directory '{path}': Function not implemented\n");
        return Output::refused(line, 1);
    }
    Output::refused("", NO_OBJECTION)
}

/// `vmware -v`, `vmware -l`, `vmware -vl`
fn vmware(host: &Host, arguments: &[&str]) -> Output {
    let release = &host.spec.release;
    let line = match release.version.split('.').collect::<Vec<_>>().as_slice() {
        [major, minor, _] if host.generation() >= crate::Generation::V7_0 && release.update > 0 => {
            format!("{major}.{minor}")
        }
        _ => release.version.clone(),
    };
    let line = match release.update {
        0 => format!("VMware ESXi {line} GA\n"),
        update => format!("VMware ESXi {line} Update {update}\n"),
    };
    let version = format!("{}\n", host.full_name());
    match arguments {
        ["-v" | "--version"] => Output::ok(version),
        ["-l" | "--level"] => Output::ok(line),
        ["-vl" | "-lv"] | ["-v", "-l"] | ["-l", "-v"] => Output::ok(version + &line),
        _ => Output::refused("Usage: vmware [-v|--version] [-l|--level]\n", 1),
    }
}
