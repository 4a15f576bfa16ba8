//! `ecoman trust`: host keys, shown, compared by a person, and pinned.

use std::io::{BufRead as _, IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ecoman_esxi::{Host, HostKey, Hosts, Trust, host_keys, known, pin};

use crate::exit::{Failure, chain};
use crate::options::hosts::{HostsArgs, session_options};
use crate::options::store::DataArgs;
use crate::runtime;

/// How long a node may take to show its keys.
pub(crate) const KEYS_TIMEOUT: Duration = Duration::from_secs(10);

/// The nodes to trust.
#[derive(Args, Debug)]
pub(crate) struct TrustArgs {
    /// Hosts, by their names in hosts.yml
    #[arg(required_unless_present = "all", value_name = "NODE")]
    nodes: Vec<String>,

    /// All hosts of hosts.yml
    #[arg(long, conflicts_with = "nodes")]
    all: bool,

    /// Trusts without a prompt, also changed keys: for scripts that compare the fingerprints
    /// themselves
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    hosts: HostsArgs,

    #[command(flatten)]
    data: DataArgs,
}

/// Shows, asks and pins; exit code 1 if a node's keys were not pinned.
///
/// # Errors
///
/// hosts.yml cannot be used, a node is not in it, or known_hosts cannot be written.
pub(crate) fn run(args: &TrustArgs) -> Result<ExitCode, Failure> {
    let hosts = Hosts::load(&args.hosts.hosts_path)
        .map_err(|error| Failure::configuration(chain(&error)))?;
    let hosts = select(&hosts, &args.nodes)?;
    let mut out = std::io::stdout();
    let mut all = true;
    runtime::start()?.block_on(async {
        for host in hosts {
            all &= trust(host, args, &mut out).await?;
        }
        Ok(if all {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

/// The named nodes, or all of them where none is named.
///
/// # Errors
///
/// There is no such node.
pub(crate) fn select<'a>(hosts: &'a Hosts, names: &[String]) -> Result<Vec<&'a Host>, Failure> {
    if names.is_empty() {
        return Ok(hosts.nodes.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            hosts.node(name).ok_or_else(|| {
                let known: Vec<&str> = hosts.nodes.iter().map(|host| host.name.as_str()).collect();
                Failure::configuration(format!(
                    "{} has no host {name}; its hosts are {}",
                    hosts.path.display(),
                    known.join(", ")
                ))
            })
        })
        .collect()
}

/// Shows and perhaps pins the keys of one node; whether they are pinned now.
async fn trust(host: &Host, args: &TrustArgs, out: &mut impl Write) -> Result<bool, Failure> {
    let failed = |error| Failure::runtime(chain(&error));
    let unwritable = |error| Failure::runtime(format!("cannot write to the terminal: {error}"));
    let options = session_options(&args.data);
    let keys = match host_keys(host, KEYS_TIMEOUT).await {
        Ok(keys) => keys,
        Err(error) => {
            writeln!(out, "{}: {}", host.name, chain(&error)).map_err(unwritable)?;
            return Ok(false);
        }
    };
    let trust = known(&keys, &options.known_hosts).await.map_err(failed)?;
    show(host, &keys, &trust, out).map_err(unwritable)?;
    if trust == Trust::Known {
        return Ok(true);
    }
    if !args.yes && !ask(out)? {
        writeln!(out, "{}: not trusted", host.name).map_err(unwritable)?;
        return Ok(false);
    }
    let file = args.data.ecoman_data.join("known_hosts");
    std::fs::create_dir_all(&args.data.ecoman_data).map_err(|error| {
        Failure::runtime(format!(
            "cannot create {}: {error}",
            args.data.ecoman_data.display()
        ))
    })?;
    pin(&file, &keys).await.map_err(failed)?;
    writeln!(out, "{}: trusted, saved in {}", host.name, file.display()).map_err(unwritable)?;
    Ok(true)
}

fn show(host: &Host, keys: &[HostKey], trust: &Trust, out: &mut impl Write) -> std::io::Result<()> {
    let at = keys.first().map_or("", |key| key.host.as_str());
    match trust {
        Trust::Known => return writeln!(out, "{}: {at} is already trusted", host.name),
        Trust::Unknown => writeln!(
            out,
            "{}: {at}: unknown host. It presents these keys:",
            host.name
        )?,
        Trust::Changed(change) => writeln!(
            out,
            "{}: {at}: HOST KEY CHANGED. The host was reinstalled, or someone is intercepting the \
             connection.\n  trusted: {} {} ({}:{})\n  presented now:",
            host.name,
            change.known.algorithm,
            change.known.fingerprint,
            change.file.display(),
            change.line,
        )?,
    }
    for key in keys {
        writeln!(out, "  {} {}", key.algorithm, key.fingerprint)?;
    }
    writeln!(
        out,
        "To compare, run on the host's console: /usr/lib/vmware/openssh/bin/ssh-keygen -lf \
         /etc/ssh/ssh_host_rsa_key.pub"
    )
}

/// Asks for a yes.
fn ask(out: &mut impl Write) -> Result<bool, Failure> {
    let unusable = |error| Failure::runtime(format!("cannot read the answer: {error}"));
    if !std::io::stdin().is_terminal() {
        return Err(Failure::configuration(
            "No terminal to confirm on. Compare the fingerprints, then run again with --yes.",
        ));
    }
    write!(out, "Trust these keys? [y/N] ").map_err(unusable)?;
    out.flush().map_err(unusable)?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(unusable)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
