//! Starts simulated ESXi nodes for use by hand and by other programs, until its standard input
//! ends or it is killed.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ecoman_simulator::{
    Fault, Generation, HostdDown, NodeSpec, Scope, SimulatedNode, SimulatorError,
};

/// Simulated ESXi nodes behind a real sshd.
///
/// Writes hosts.yml and known_hosts, prints where, and takes orders on standard input:
/// `stop NODE`, `start NODE`, `cut NODE`, `fault NODE FAULT`, `clear NODE`, `latency NODE MS`,
/// `advance NODE SECONDS`, `vms NODE`, `calls NODE`, `quit`. Each is answered by `ok` or
/// `error REASON`. With --stay it goes on when the input ends.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How many nodes
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// How many VMs on each
    #[arg(long, default_value_t = 12)]
    vms: usize,
    /// How long each call of a simulated tool takes, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// The release line of all nodes: 5.5, 6.5, 6.7, 7.0, 8.0, 9.0; mixed if not given
    #[arg(long)]
    generation: Option<Generation>,
    /// What goes wrong on the first node; may be given several times: hang[=COMMAND],
    /// slow[=COMMAND]:MS, garbage[=COMMAND], invalid-utf8[=COMMAND], truncated[=COMMAND]:BYTES,
    /// hostd-down, bad-request, max-sessions:N, max-startups:N, wrong-host-key, refused-key,
    /// unresponsive, cut:N, disk-full, no-tools:ID, question:ID, invalid:ID, vanishing:ID,
    /// no-memory:ID, misconfigured:ID, clock:SECONDS
    #[arg(long, value_parser = parse_fault)]
    fault: Vec<Fault>,
    /// Where hosts.yml and known_hosts go; a temporary directory if not given
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Go on when standard input ends, until killed
    #[arg(long)]
    stay: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "ecoman-simulator: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Node(#[from] SimulatorError),
    #[error("{} could not be written", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("standard input or output")]
    Terminal(#[from] io::Error),
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn run(options: &Options) -> Result<(), Error> {
    let nodes = start(options)?;
    let own;
    let directory = match &options.directory {
        Some(directory) => directory.as_path(),
        None => {
            own = tempfile::tempdir()?;
            own.path()
        }
    };
    write(directory, &nodes)?;
    let mut output = io::stdout();
    writeln!(
        output,
        "HOSTS_PATH={}",
        directory.join("hosts.yml").display()
    )?;
    writeln!(
        output,
        "KNOWN_HOSTS={}",
        directory.join("known_hosts").display()
    )?;
    for node in &nodes {
        writeln!(
            output,
            "{}: ssh -p {} -i {} -o UserKnownHostsFile={} {}@{}",
            node.name(),
            node.port(),
            node.identity_file().display(),
            directory.join("known_hosts").display(),
            node.username(),
            node.address(),
        )?;
    }
    writeln!(output, "ready")?;
    output.flush()?;

    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => continue,
            ["quit"] => return Ok(()),
            words => match obey(&nodes, words) {
                Ok(text) => writeln!(output, "{text}ok")?,
                Err(reason) => writeln!(output, "error {reason}")?,
            },
        }
        output.flush()?;
    }
    if !options.stay {
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

/// Nodes take their time to start, mostly waiting: all at once.
fn start(options: &Options) -> Result<Vec<SimulatedNode>, SimulatorError> {
    let specs: Vec<NodeSpec> = (0..options.nodes)
        .map(|index| {
            let spec =
                NodeSpec::demo(index, options.vms).latency(Duration::from_millis(options.latency));
            match options.generation {
                Some(generation) => spec.generation(generation),
                None => spec,
            }
        })
        .collect();
    let nodes = std::thread::scope(|scope| {
        let starting: Vec<_> = specs
            .into_iter()
            .map(|spec| scope.spawn(move || SimulatedNode::start(spec)))
            .collect();
        starting
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect::<Result<Vec<_>, _>>()
    })?;
    if let Some(first) = nodes.first() {
        for fault in &options.fault {
            first.set_fault(fault.clone())?;
        }
    }
    Ok(nodes)
}

fn write(directory: &Path, nodes: &[SimulatedNode]) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    let hosts: String = nodes.iter().map(SimulatedNode::hosts_yml_entry).collect();
    let known: String = nodes.iter().map(SimulatedNode::known_hosts_line).collect();
    for (name, text) in [("hosts.yml", hosts), ("known_hosts", known)] {
        let path = directory.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}

fn obey(nodes: &[SimulatedNode], words: &[&str]) -> Result<String, String> {
    let [order, name, rest @ ..] = words else {
        return Err("an order and a node are needed".to_owned());
    };
    let node = nodes
        .iter()
        .find(|node| node.name() == *name)
        .ok_or_else(|| format!("there is no node {name}"))?;
    let number = || -> Result<u64, String> {
        rest.first()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| "a number is needed".to_owned())
    };
    let mut text = String::new();
    match *order {
        "stop" => node.stop(),
        "start" => node.start_again(),
        "cut" => node.cut_connections(),
        "clear" => node.clear_faults(),
        "fault" => node.set_fault(parse_fault(rest.first().unwrap_or(&""))?),
        "latency" => {
            node.set_latency(Duration::from_millis(number()?));
            Ok(())
        }
        "advance" => {
            node.advance(Duration::from_secs(number()?));
            Ok(())
        }
        "vms" => {
            for vm in node.vms() {
                text += &format!("{}\t{:?}\t{}\n", vm.id, vm.power, vm.spec.name);
            }
            Ok(())
        }
        "calls" => {
            for call in node.calls() {
                text += &format!("{}\t{:?}\t{}\n", call.at, call.outcome, call.line());
            }
            Ok(())
        }
        _ => return Err(format!("there is no order {order}")),
    }
    .map_err(|error| with_causes(&error))?;
    Ok(text)
}

/// `NAME`, `NAME=COMMAND`, `NAME:NUMBER` or `NAME=COMMAND:NUMBER`.
fn parse_fault(text: &str) -> Result<Fault, String> {
    let (head, number) = match text.split_once(':') {
        Some((head, number)) => (head, Some(number)),
        None => (text, None),
    };
    let (name, scope) = match head.split_once('=') {
        Some((name, command)) => (name, Scope::command(command)),
        None => (head, Scope::everything()),
    };
    fn parsed<T: std::str::FromStr>(text: &str, number: Option<&str>) -> Result<T, String> {
        number
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| format!("{text}: a number is needed after a colon"))
    }
    Ok(match name {
        "hang" => Fault::Hang(scope),
        "slow" => Fault::Slow(scope, Duration::from_millis(parsed(text, number)?)),
        "garbage" => Fault::Garbage(scope),
        "invalid-utf8" => Fault::InvalidUtf8(scope),
        "truncated" => Fault::Truncated(scope, parsed(text, number)?),
        "hostd-down" => Fault::HostdDown(HostdDown::ConnectionReset),
        "bad-request" => Fault::HostdDown(HostdDown::BadRequest),
        "max-sessions" => Fault::MaxSessions(parsed(text, number)?),
        "max-startups" => Fault::MaxStartups(parsed(text, number)?),
        "wrong-host-key" => Fault::WrongHostKey,
        "refused-key" => Fault::AuthenticationRefused,
        "unresponsive" => Fault::Unresponsive,
        "cut" => Fault::CutConnection(parsed(text, number)?),
        "disk-full" => Fault::DiskFull,
        "no-tools" => Fault::NoTools(parsed(text, number)?),
        "question" => Fault::Question(parsed(text, number)?),
        "invalid" => Fault::InvalidVm(parsed(text, number)?),
        "vanishing" => Fault::Vanishing(parsed(text, number)?),
        "no-memory" => Fault::LacksMemory(parsed(text, number)?),
        "misconfigured" => Fault::Misconfigured(parsed(text, number)?),
        "clock" => Fault::ClockWrong(parsed(text, number)?),
        _ => return Err(format!("{text}: there is no such fault; see --help")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_with_their_command_and_their_number() {
        for (text, fault) in [
            ("hang", Fault::Hang(Scope::everything())),
            (
                "slow=get.summary:1500",
                Fault::Slow(Scope::command("get.summary"), Duration::from_millis(1500)),
            ),
            ("clock:-3600", Fault::ClockWrong(-3600)),
            ("question:4", Fault::Question(4)),
        ] {
            assert_eq!(parse_fault(text), Ok(fault));
        }
        for wrong in ["", "nonsense", "slow", "question:x"] {
            assert!(parse_fault(wrong).is_err(), "{wrong}");
        }
    }
}
