//! `ecoman doctor`: checks hosts.yml and every node, and says what to do about each fault.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use ecoman_crawler::Proof;
use ecoman_esxi::hostd::HostdError;
use ecoman_esxi::{
    Command, Host, Hosts, Session, SessionOptions, Trust, host_keys, known, parse, trust_command,
};
use ecoman_model::{Collect, Datastore, marks};
use futures::future::join_all;

use super::trust::{KEYS_TIMEOUT, select};
use crate::exit::{Failure, chain};
use crate::options::hosts::{HostsArgs, session_options};
use crate::options::store::DataArgs;
use crate::runtime;

/// How long one remote command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Clocks further apart than this make ages and boot times misleading.
const CLOCK_TOLERANCE_SECONDS: u64 = 60;

/// Options of the checks.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Hosts, by their names in hosts.yml; all if none is named
    #[arg(value_name = "NODE")]
    nodes: Vec<String>,

    #[command(flatten)]
    hosts: HostsArgs,

    #[command(flatten)]
    data: DataArgs,
}

/// Prints a table of checks; exit code 1 if anything is at fault, 2 if hosts.yml cannot be used.
///
/// # Errors
///
/// hosts.yml cannot be used, or standard output cannot be written.
pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let hosts = Hosts::load(&args.hosts.hosts_path)
        .map_err(|error| Failure::configuration(chain(&error)))?;
    let selected = select(&hosts, &args.nodes)?;
    let options = session_options(&args.data);
    let reports = runtime::start()?
        .block_on(async { join_all(selected.iter().map(|host| check(host, &options))).await });

    let mut table = String::new();
    for warning in &hosts.warnings {
        table.push_str(&format!("warning  {}:{warning}\n", hosts.path.display()));
    }
    let width = selected
        .iter()
        .map(|host| host.name.as_str().chars().count())
        .max()
        .unwrap_or(0);
    let mut faults = 0;
    for (host, checks) in selected.iter().zip(&reports) {
        for check in checks {
            let (mark, text, remedy) = match &check.verdict {
                Verdict::Good(text) => ("ok", text, None),
                Verdict::Doubtful(text, remedy) => ("warning", text, Some(remedy)),
                Verdict::Fault(text, remedy) => ("FAULT", text, Some(remedy)),
                Verdict::Skipped(text) => ("-", text, None),
            };
            faults += usize::from(mark == "FAULT");
            let name = host.name.as_str();
            let pad = width - name.chars().count();
            table.push_str(&format!(
                "{mark:<8} {name}{:pad$}  {:<11} {text}\n",
                "", check.subject
            ));
            if let Some(remedy) = remedy {
                table.push_str(&format!(
                    "{:>indent$} {remedy}\n",
                    "→",
                    indent = 8 + 1 + width + 2 + 11
                ));
            }
        }
    }
    table.push_str(&match faults {
        0 => format!("{}: no faults\n", nodes(selected.len())),
        1 => format!("{}: 1 fault\n", nodes(selected.len())),
        faults => format!("{}: {faults} faults\n", nodes(selected.len())),
    });
    std::io::stdout()
        .write_all(table.as_bytes())
        .map_err(|error| Failure::runtime(format!("cannot write the table: {error}")))?;
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn nodes(count: usize) -> String {
    if count == 1 {
        "1 host".to_owned()
    } else {
        format!("{count} hosts")
    }
}

/// One line of the table.
struct Check {
    subject: &'static str,
    verdict: Verdict,
}

/// The result of a check; with a remedy where one is needed.
enum Verdict {
    Good(String),
    Doubtful(String, String),
    Fault(String, String),
    /// An earlier fault stands in the way.
    Skipped(String),
}

/// All checks of one node, in the order in which one needs the other.
async fn check(host: &Host, options: &SessionOptions) -> Vec<Check> {
    let mut checks = vec![Check {
        subject: "key file",
        verdict: Verdict::Good(host.identity_file.display().to_string()),
    }];
    let verdict = host_key(host, options).await;
    let trusted = matches!(verdict, Verdict::Good(_));
    checks.push(Check {
        subject: "host key",
        verdict,
    });
    if !trusted {
        checks.extend(skipped(&["login"], "not checked: host key not trusted"));
        checks.extend(skipped(AFTER_LOGIN, "not checked: no login"));
        return checks;
    }
    let session = match Session::connect(host, options).await {
        Ok(session) => session,
        Err(error) => {
            let verdict = Verdict::Fault(chain(&error), error.hint());
            checks.push(Check {
                subject: "login",
                verdict,
            });
            checks.extend(skipped(AFTER_LOGIN, "not checked: no login"));
            return checks;
        }
    };
    let settings = &host.settings;
    let at = format!(
        "{}@{}:{}",
        settings.username, settings.address, settings.port
    );
    checks.push(Check {
        subject: "login",
        verdict: Verdict::Good(at),
    });
    let (tools, vms, datastore, iso, port_group, clock, round) = tokio::join!(
        tools(&session),
        vms(&session),
        datastore(&session, &settings.datastore_path),
        iso(&session, &settings.installer_iso_path),
        port_group(&session, &settings.network_port_group),
        clock(&session),
        round(&session, host),
    );
    session.close().await;
    checks.extend([
        Check {
            subject: "tools",
            verdict: tools,
        },
        Check {
            subject: "VMs",
            verdict: vms,
        },
        Check {
            subject: "datastore",
            verdict: datastore,
        },
        Check {
            subject: "ISO",
            verdict: iso,
        },
        Check {
            subject: "port group",
            verdict: port_group,
        },
        Check {
            subject: "clock",
            verdict: clock,
        },
    ]);
    let (warnings, reading) = round;
    checks.extend(warnings.into_iter().map(|verdict| Check {
        subject: "round",
        verdict,
    }));
    checks.push(Check {
        subject: "reading",
        verdict: reading,
    });
    checks
}

/// The checks that need a login.
const AFTER_LOGIN: &[&str] = &[
    "tools",
    "VMs",
    "datastore",
    "ISO",
    "port group",
    "clock",
    "round",
    "reading",
];

fn skipped(subjects: &[&'static str], why: &str) -> impl Iterator<Item = Check> {
    subjects.iter().map(|&subject| Check {
        subject,
        verdict: Verdict::Skipped(why.to_owned()),
    })
}

async fn host_key(host: &Host, options: &SessionOptions) -> Verdict {
    let remedy = format!(
        "Compare and trust it: {}",
        trust_command(host.name.as_str())
    );
    let keys = match host_keys(host, KEYS_TIMEOUT).await {
        Ok(keys) => keys,
        Err(error) => {
            let remedy = "Check addr and port in hosts.yml, that the host is on, and that SSH is \
                          enabled (Host Client → Manage → Services → TSM-SSH).";
            return Verdict::Fault(chain(&error), remedy.to_owned());
        }
    };
    match known(&keys, &options.known_hosts).await {
        Ok(Trust::Known) => Verdict::Good("known".to_owned()),
        Ok(Trust::Unknown) => Verdict::Fault("not trusted yet".to_owned(), remedy),
        Ok(Trust::Changed(change)) => Verdict::Fault(
            format!(
                "HOST KEY CHANGED; the trusted key is in {}:{}",
                change.file.display(),
                change.line
            ),
            remedy,
        ),
        Err(error) => Verdict::Fault(chain(&error), remedy),
    }
}

/// Runs a command that must succeed; its standard output, or why there is none.
async fn answer(session: &Session, command: &Command) -> Result<Vec<u8>, String> {
    match session.run(command, COMMAND_TIMEOUT).await {
        Ok(output) if output.exit == 0 => Ok(output.stdout),
        Ok(output) => Err(format!(
            "`{command}` failed: {}",
            parse::reason(&output.stdout, &output.stderr, output.exit)
        )),
        Err(error) => Err(chain(&error)),
    }
}

async fn tools(session: &Session) -> Verdict {
    let remedy = "Is this an ESXi host, 5.5 or later?";
    for program in ["vim-cmd", "esxcli", "vmkfstools"] {
        if let Err(reason) = answer(session, &Command::find_program(program)).await {
            return Verdict::Fault(format!("{program} is missing: {reason}"), remedy.to_owned());
        }
    }
    match answer(session, &Command::vmware_version()).await {
        Ok(output) => match parse::vmware_vl(&output) {
            Ok(version) => Verdict::Good(format!(
                "{} {} build {}",
                version.product.as_deref().unwrap_or("–"),
                version.version.as_deref().unwrap_or("–"),
                version.build.as_deref().unwrap_or("–"),
            )),
            Err(error) => Verdict::Fault(error.to_string(), remedy.to_owned()),
        },
        Err(reason) => Verdict::Fault(reason, remedy.to_owned()),
    }
}

async fn vms(session: &Session) -> Verdict {
    let remedy = "The management agent (hostd) may be down. Check it on the host: \
                  /etc/init.d/hostd status";
    let output = match session.run(&Command::get_all_vms(), COMMAND_TIMEOUT).await {
        Ok(output) => output,
        Err(error) => return Verdict::Fault(chain(&error), error.hint()),
    };
    match parse::getallvms(&output.stdout, &output.stderr) {
        Ok(list) if list.invalid.is_empty() => Verdict::Good(list.rows.len().to_string()),
        Ok(list) => {
            let ids: Vec<String> = list.invalid.iter().map(ToString::to_string).collect();
            Verdict::Doubtful(
                format!(
                    "{}, and {} invalid: {}",
                    list.rows.len(),
                    ids.len(),
                    ids.join(", ")
                ),
                "The .vmx file is missing or damaged. Repair it, or unregister the VM: vim-cmd \
                 vmsvc/unregister ID"
                    .to_owned(),
            )
        }
        Err(error) => {
            let fault = [&output.stdout, &output.stderr]
                .into_iter()
                .find_map(|stream| parse::fault(stream).ok().flatten());
            let reason = fault.map_or_else(|| error.to_string(), |fault| fault.sentence());
            Verdict::Fault(reason, remedy.to_owned())
        }
    }
}

async fn datastore(session: &Session, path: &str) -> Verdict {
    let unread = "Free space is unknown, and no VM can be created. Run on the host: esxcli storage \
                  filesystem list";
    let is_there = match session
        .run(&Command::is_directory(path), COMMAND_TIMEOUT)
        .await
    {
        Ok(output) => output.exit == 0,
        Err(error) => return Verdict::Fault(chain(&error), error.hint()),
    };
    let listed = match answer(session, &Command::filesystems()).await {
        Ok(output) => parse::filesystem_list(&output).map_err(|error| error.to_string()),
        Err(reason) => Err(reason),
    };
    let volumes = listed.as_ref().map_or(&[][..], |list| &list.rows);
    let remedy = set_datastore(volumes);
    if !is_there {
        return Verdict::Fault(format!("no directory {path}"), remedy);
    }
    if let Err(reason) = listed {
        return Verdict::Doubtful(format!("{path}: {reason}"), unread.to_owned());
    }
    let name = Path::new(path)
        .strip_prefix("/vmfs/volumes")
        .ok()
        .and_then(|rest| rest.iter().next());
    let volume = volumes.iter().find(|volume| {
        let id = Path::new(&volume.path).file_name();
        name.is_some() && (id == name || volume.name.as_deref().map(std::ffi::OsStr::new) == name)
    });
    match volume {
        Some(volume) if !volume.accessible => {
            Verdict::Fault(format!("{path}: the datastore is inaccessible"), remedy)
        }
        Some(volume) => {
            let gib = |bytes: Option<u64>| {
                bytes.map_or("–".to_owned(), |bytes| (bytes >> 30).to_string())
            };
            Verdict::Good(format!(
                "{path}, {} of {} GB free",
                gib(volume.free_bytes),
                gib(volume.capacity_bytes)
            ))
        }
        None => Verdict::Doubtful(format!("{path} is on no datastore of the host"), remedy),
    }
}

/// What to do about a wrong datastore, with those that could be used.
fn set_datastore(volumes: &[Datastore]) -> String {
    let names: Vec<&str> = volumes
        .iter()
        .filter(|volume| volume.accessible && volume.holds_vms())
        .filter_map(|volume| volume.name.as_deref())
        .collect();
    match names.as_slice() {
        [] => "Set datastore_path in hosts.yml to a directory on a datastore of this host: esxcli \
               storage filesystem list"
            .to_owned(),
        names => format!(
            "Datastores of this host: {}. Set datastore_path in hosts.yml.",
            names.join(", ")
        ),
    }
}

async fn iso(session: &Session, path: &str) -> Verdict {
    match session.run(&Command::is_file(path), COMMAND_TIMEOUT).await {
        Ok(output) if output.exit == 0 => Verdict::Good(path.to_owned()),
        Ok(_) => Verdict::Fault(
            format!("no file {path}"),
            "Upload the ISO image, or correct installer_iso_path in hosts.yml. Only new VMs need \
             it."
            .to_owned(),
        ),
        Err(error) => Verdict::Fault(chain(&error), error.hint()),
    }
}

async fn port_group(session: &Session, name: &str) -> Verdict {
    let output = match answer(session, &Command::port_groups()).await {
        Ok(output) => output,
        Err(reason) => {
            return Verdict::Fault(reason, "Caused by the \"tools\" failure above.".to_owned());
        }
    };
    match parse::port_groups(&output) {
        Ok(list) if list.rows.iter().any(|group| group.name == name) => {
            Verdict::Good(name.to_owned())
        }
        Ok(list) => {
            let names: Vec<&str> = list.rows.iter().map(|group| group.name.as_str()).collect();
            Verdict::Fault(
                format!("no port group {name:?}"),
                format!(
                    "Port groups of this host: {}. Set network_port_group in hosts.yml.",
                    names.join(", ")
                ),
            )
        }
        Err(error) => Verdict::Fault(
            error.to_string(),
            "Run `ecoman parse portgroup.list` on the output and report the result.".to_owned(),
        ),
    }
}

/// The warnings that the rounds of the crawler will record, and whether one program can read the
/// node.
async fn round(session: &Session, host: &Host) -> (Vec<Verdict>, Verdict) {
    let inspection = match ecoman_crawler::inspect(session, host, COMMAND_TIMEOUT).await {
        Ok(inspection) => inspection,
        Err(error) => {
            let skipped = || Verdict::Skipped(format!("not read: {}", error.message));
            return (vec![skipped()], skipped());
        }
    };
    let reading = reading(host, inspection.reading);
    if inspection.warnings.is_empty() {
        return (vec![Verdict::Good("no warnings".to_owned())], reading);
    }
    let warnings = inspection.warnings.into_iter().map(|warning| {
        Verdict::Doubtful(
            marks::plain_line(&warning).into_owned(),
            "Polling continues without it; the page shows this warning.".to_owned(),
        )
    });
    (warnings.collect(), reading)
}

/// What becomes of `collect` in hosts.yml.
fn reading(host: &Host, proof: Proof) -> Verdict {
    let remedy = "Polling uses vim-cmd instead. See docs/nodes.md.";
    match proof {
        _ if host.collect == Some(Collect::VimCmd) => {
            Verdict::Skipped("vim-cmd, as set in hosts.yml".to_owned())
        }
        Proof::Same(cost) => {
            let cpu = cost.cpu.map(|cpu| format!("{} ms of CPU", cpu.as_millis()));
            let memory = cost.peak_kib.map(|kib| format!("{} MB", kib >> 10));
            let python = cost.python.map(|release| format!("Python {release}"));
            let cost: Vec<String> = [cpu, memory, python].into_iter().flatten().collect();
            Verdict::Good(format!("same result as vim-cmd ({})", cost.join(", ")))
        }
        Proof::Differs(words) => Verdict::Doubtful(
            marks::plain_line(&words).into_owned(),
            format!("{remedy} Please report it."),
        ),
        // As it should be, where nobody wants it.
        Proof::Failed(error @ HostdError::NoPython { .. }) if host.collect.is_none() => {
            Verdict::Skipped(format!("vim-cmd: {error}"))
        }
        Proof::Failed(error) => Verdict::Doubtful(error.to_string(), remedy.to_owned()),
    }
}

async fn clock(session: &Session) -> Verdict {
    let output = match answer(session, &Command::unix_time()).await {
        Ok(output) => output,
        Err(reason) => {
            return Verdict::Doubtful(reason, "Caused by the \"login\" failure above.".to_owned());
        }
    };
    let text = String::from_utf8_lossy(&output);
    let Ok(theirs) = text.trim().parse::<i64>() else {
        return Verdict::Doubtful(
            format!(
                "`date` printed {:?}",
                text.trim().chars().take(40).collect::<String>()
            ),
            "Only this check needs it.".to_owned(),
        );
    };
    let apart = theirs.abs_diff(chrono::Utc::now().timestamp());
    if apart <= CLOCK_TOLERANCE_SECONDS {
        Verdict::Good(format!("{apart} s off this machine's clock"))
    } else {
        Verdict::Doubtful(
            format!("{apart} s off this machine's clock"),
            "Start NTP on the host (Host Client → Manage → System → Time & date).".to_owned(),
        )
    }
}
