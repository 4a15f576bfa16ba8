//! `ecoman-bench nodes`: simulated nodes in a process of their own, so that what they cost is not
//! counted as ECoMan's; driven from outside, a JSON object a line, answered by one each.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use chrono::{TimeDelta, Utc};
use clap::Args;
use ecoman_simulator::{
    Fault, Generation, NodeSpec, Power, PowerOn, SimulatedNode, Tools, Vm, VmSpec,
};
use serde::{Deserialize, Serialize};

/// Where they are written down.
#[derive(Args, Debug)]
pub(crate) struct NodesArgs {
    /// Directory for `hosts.yml` and `known_hosts`, which follow each node that is started
    #[arg(long)]
    directory: PathBuf,
}

/// The commands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Starts a node.
    Start {
        name: String,
        generation: Option<String>,
        #[serde(default)]
        vms: Vec<VmOrder>,
        /// How long each remote command takes, beside its own work.
        #[serde(default)]
        latency_ms: u64,
        /// Whether it has Python, and so can be read by one program.
        #[serde(default)]
        python: bool,
        /// How many commands may run at once, for hosts.yml.
        max_sessions: Option<u8>,
    },
    /// It goes away: connections are cut, new ones refused.
    Stop { node: String },
    /// It is back at the same port.
    StartAgain { node: String },
    /// Registers a VM.
    AddVm { node: String, vm: Box<VmOrder> },
    /// Changes what is given of a VM.
    EditVm {
        node: String,
        id: u32,
        vm: Box<VmOrder>,
    },
    /// Unregisters a VM.
    RemoveVm { node: String, id: u32 },
    /// Answers what has become of a VM, and which changes of its power have arrived.
    Look { node: String, id: u32 },
    /// Answers which files are in a folder of the datastore.
    Files { node: String, folder: String },
    /// Puts a file there, as somebody else would.
    Plant { node: String, file: String },
    /// One of its tools becomes a script of the node's shell; the tool itself is in `/bin/real` then.
    Script {
        node: String,
        tool: String,
        script: String,
    },
    /// Its clock is wrong by so many seconds.
    Clock { node: String, wrong_by: i64 },
}

/// A VM, or what to change of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VmOrder {
    /// `None`: the next free one.
    pub(crate) id: Option<u32>,
    pub(crate) name: Option<String>,
    /// The folder on the datastore; `None`: by the name.
    pub(crate) folder: Option<String>,
    pub(crate) power: Option<PowerOrder>,
    pub(crate) cpus: Option<u32>,
    pub(crate) memory_mb: Option<u64>,
    pub(crate) disk_gb: Option<u64>,
    pub(crate) used_gb: Option<u64>,
    pub(crate) ip: Option<String>,
    /// Whether VMware Tools are installed.
    pub(crate) tools: Option<bool>,
    /// The API's name of the guest system: `ubuntu64Guest`.
    pub(crate) guest: Option<String>,
    /// How long it has been running.
    pub(crate) up_hours: Option<u32>,
    pub(crate) comment: Option<String>,
    /// The outcome of powering on.
    pub(crate) at_power_on: Option<PowerOnOrder>,
    /// Whether the guest does nothing when it is asked to shut down.
    pub(crate) ignores_shutdown: Option<bool>,
}

/// The behaviour of a VM each time it is powered on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PowerOnOrder {
    Starts,
    Asks,
    LacksMemory,
    Misconfigured,
}

/// Whether a VM runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PowerOrder {
    On,
    Off,
    Suspended,
}

/// The outcome of an order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Why it could not be carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The power state of the VM that was looked at; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) power: Option<String>,
    /// The changes of its power that have arrived: `power.off`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) changes: Vec<String>,
    /// The names of the files that were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
    /// The text of its `.vmx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vmx: Option<String>,
}

/// A node that runs.
struct Node {
    simulated: SimulatedNode,
    max_sessions: Option<u8>,
}

impl Node {
    fn hosts_yml_entry(&self) -> String {
        let mut entry = self.simulated.hosts_yml_entry();
        if let Some(sessions) = self.max_sessions {
            entry.push_str(&format!("  max_sessions: {sessions}\n"));
        }
        entry
    }
}

/// Carries out orders until there are no more; then every node ends.
///
/// # Errors
///
/// Standard input or output is broken.
pub(crate) fn run(args: &NodesArgs) -> Result<()> {
    let mut nodes = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let outcome = serde_json::from_str(&line?)
            .context("this is no order")
            .and_then(|order| carry_out(order, &mut nodes, &args.directory));
        let answer = outcome.unwrap_or_else(|error| Answer {
            error: Some(format!("{error:#}")),
            ..Answer::default()
        });
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
    }
    Ok(())
}

fn carry_out(order: Order, nodes: &mut Vec<Node>, directory: &Path) -> Result<Answer> {
    match order {
        Order::Look { node, id } => return Ok(look(find(nodes, &node)?, id)),
        Order::Files { node, folder } => return files(find(nodes, &node)?, &folder),
        Order::Plant { node, file } => {
            let node = find(nodes, &node)?;
            let path = format!("{}{file}", node.datastore_path());
            fs::write(node.file(&path), "planted")?;
        }
        Order::Start {
            name,
            generation,
            vms,
            latency_ms,
            python,
            max_sessions,
        } => {
            let mut spec = NodeSpec::new(&name).latency(Duration::from_millis(latency_ms));
            if let Some(generation) = generation {
                let generation = generation
                    .parse::<Generation>()
                    .map_err(anyhow::Error::msg)?;
                spec = spec.generation(generation);
            }
            if python {
                spec = spec.python();
            }
            let vms = vms.iter().map(VmOrder::spec).collect::<Result<Vec<_>>>()?;
            nodes.push(Node {
                simulated: SimulatedNode::start(spec.vms(vms))?,
                max_sessions,
            });
            write_down(nodes, directory)?;
        }
        Order::Stop { node } => find(nodes, &node)?.stop()?,
        Order::StartAgain { node } => find(nodes, &node)?.start_again()?,
        Order::AddVm { node, vm } => {
            find(nodes, &node)?.add_vm(vm.spec()?)?;
        }
        Order::EditVm { node, id, vm } => {
            let node = find(nodes, &node)?;
            node.edit_vm(id, |it| {
                vm.change(&mut it.spec);
                if let Some(power) = vm.power {
                    it.power = power.into();
                    let now = Utc::now();
                    it.booted_at = (it.power == Power::On).then_some(now);
                    it.guest_up_at = it.booted_at;
                    it.suspended_at = (it.power == Power::Suspended).then_some(now);
                }
            })?;
            touch(node, id)?;
        }
        Order::RemoveVm { node, id } => {
            find(nodes, &node)?.remove_vm(id)?;
        }
        Order::Script { node, tool, script } => wrap_tool(find(nodes, &node)?, &tool, &script)?,
        Order::Clock { node, wrong_by } => {
            find(nodes, &node)?.set_fault(Fault::ClockWrong(wrong_by))?;
        }
    }
    Ok(Answer::default())
}

/// The names in a folder of the datastore; none where there is no such folder.
fn files(node: &SimulatedNode, folder: &str) -> Result<Answer> {
    let folder = node.file(&format!("{}{folder}", node.datastore_path()));
    let mut files = Vec::new();
    if folder.exists() {
        for entry in fs::read_dir(folder)? {
            files.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    files.sort();
    Ok(Answer {
        files,
        ..Answer::default()
    })
}

/// What a node knows of a VM, which changes of its power it was asked for, and its `.vmx`.
fn look(node: &SimulatedNode, id: u32) -> Answer {
    let calls = node.calls();
    let of_vm = calls
        .iter()
        .filter(|call| call.arguments.get(1) == Some(&id.to_string()));
    let changes = of_vm.filter_map(|call| {
        let change = call.arguments.first()?.strip_prefix("vmsvc/")?;
        let asked = change.starts_with("power.") && change != "power.getstate";
        asked.then(|| change.to_owned())
    });
    let vm = node.vm(id);
    let vmx = vm.as_ref().map(|vm| node.file(&vmx_path(vm)));
    Answer {
        power: vm.map(|vm| format!("{:?}", vm.power).to_lowercase()),
        changes: changes.collect(),
        vmx: vmx.and_then(|path| fs::read_to_string(path).ok()),
        ..Answer::default()
    }
}

/// Puts a script in the place of a tool.
fn wrap_tool(node: &SimulatedNode, tool: &str, script: &str) -> Result<()> {
    let places = ["bin", "sbin"].map(|folder| node.file(&format!("/{folder}/{tool}")));
    let mut places = places.into_iter();
    let path = places
        .find(|path| fs::symlink_metadata(path).is_ok())
        .with_context(|| format!("the node has no {tool}"))?;
    let real = node.file("/bin/real");
    fs::create_dir_all(&real)?;
    let kept = real.join(tool);
    if !kept.exists() {
        fs::rename(&path, &kept)?;
    }
    // In one step: a round may be about to run it.
    let new = path.with_extension("new");
    fs::write(&new, format!("#!/bin/ash\n{script}\n"))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    Ok(fs::rename(new, path)?)
}

fn find<'a>(nodes: &'a [Node], name: &str) -> Result<&'a SimulatedNode> {
    nodes
        .iter()
        .map(|node| &node.simulated)
        .find(|node| node.name() == name)
        .with_context(|| format!("there is no node {name}"))
}

/// Where the `.vmx` of a VM is on its node.
fn vmx_path(vm: &Vm) -> String {
    format!("/vmfs/volumes/{}/{}", vm.spec.datastore, vm.spec.vmx_path)
}

/// Makes the `.vmx` of a VM younger than it was, as a host writes it with each change.
fn touch(node: &SimulatedNode, id: u32) -> Result<()> {
    let Some(vm) = node.vm(id) else {
        return Ok(());
    };
    let file = fs::File::options()
        .append(true)
        .open(node.file(&vmx_path(&vm)))?;
    // Its times have seconds.
    let next = file.metadata()?.modified()? + Duration::from_secs(1);
    file.set_modified(next.max(SystemTime::now()))?;
    Ok(())
}

fn write_down(nodes: &[Node], directory: &Path) -> Result<()> {
    let hosts: String = nodes.iter().map(Node::hosts_yml_entry).collect();
    let known: String = nodes
        .iter()
        .map(|node| node.simulated.known_hosts_line())
        .collect();
    for (file, content) in [("hosts.yml", hosts), ("known_hosts", known)] {
        let path = directory.join(file);
        fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

impl VmOrder {
    fn spec(&self) -> Result<VmSpec> {
        let name = self.name.as_deref().context("a new VM needs a name")?;
        let mut spec = VmSpec::new(name);
        spec.id = self.id;
        if let Some(folder) = &self.folder {
            spec.vmx_path = format!("{folder}/{folder}.vmx");
        }
        self.change(&mut spec);
        if let Some(power) = self.power {
            spec.power = power.into();
            spec.suspended_at = (spec.power == Power::Suspended).then(Utc::now);
        }
        Ok(spec)
    }

    fn change(&self, spec: &mut VmSpec) {
        const GIB: u64 = 1 << 30;
        if let Some(name) = &self.name {
            name.clone_into(&mut spec.name);
        }
        if self.cpus.is_some() || self.memory_mb.is_some() {
            let cpus = self.cpus.unwrap_or(spec.cpus);
            let memory_mb = self.memory_mb.unwrap_or(spec.memory_mb);
            *spec = spec.clone().size(cpus, memory_mb);
        }
        if self.disk_gb.is_some() || self.used_gb.is_some() {
            let size = spec.disks.first().copied().unwrap_or_default();
            let size = self.disk_gb.map_or(size, |gb| gb * GIB);
            let used = self.used_gb.map_or(spec.committed_bytes, |gb| gb * GIB);
            *spec = spec.clone().disk(used, size);
        }
        if let Some(ip) = &self.ip {
            spec.guest.ip_addresses = vec![ip.clone()];
        }
        if let Some(tools) = self.tools {
            spec.tools = if tools {
                Tools::Installed
            } else {
                Tools::Missing
            };
        }
        if let Some(guest) = &self.guest {
            guest.clone_into(&mut spec.guest_id);
        }
        if let Some(hours) = self.up_hours {
            spec.booted_at = Some(Utc::now() - TimeDelta::hours(hours.into()));
        }
        if let Some(comment) = &self.comment {
            comment.clone_into(&mut spec.annotation);
        }
        if let Some(then) = self.at_power_on {
            spec.power_on = then.into();
        }
        if let Some(ignores) = self.ignores_shutdown {
            spec.ignores_shutdown = ignores;
        }
    }
}

impl From<PowerOnOrder> for PowerOn {
    fn from(order: PowerOnOrder) -> Self {
        match order {
            PowerOnOrder::Starts => Self::Starts,
            PowerOnOrder::Asks => Self::AsksEachTime,
            PowerOnOrder::LacksMemory => Self::LacksMemory,
            PowerOnOrder::Misconfigured => Self::Misconfigured,
        }
    }
}

impl From<PowerOrder> for Power {
    fn from(order: PowerOrder) -> Self {
        match order {
            PowerOrder::On => Self::On,
            PowerOrder::Off => Self::Off,
            PowerOrder::Suspended => Self::Suspended,
        }
    }
}
