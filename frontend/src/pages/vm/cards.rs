//! The cards with the facts of a VM.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::{Config, Node, Resource, Vm as VmFacts, vm_field};
use leptos::prelude::*;
use serde_json::Value;

use crate::components::{
    Icon, ago, card, copy_button, copy_line, fact, fact_card, icon, link, meter, or_unknown, part,
    sentence, text_fact, when,
};
use crate::live::LiveData;
use crate::state::format::{self, UNKNOWN};
use crate::state::inventory::seen_at;
use crate::state::node_links;
use crate::state::route::Route;
use crate::state::text;

/// How the VM's node is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    node: String,
    pub(super) host_client: String,
    ssh: String,
    summary: String,
    /// Clock of a core.
    pub(super) mhz: Option<u64>,
}

impl Place {
    pub(super) fn of(node: &Node, vmid: u32) -> Self {
        Self {
            node: node.name.clone(),
            host_client: node_links::host_client(node, Some(vmid)),
            ssh: node_links::ssh_line(node),
            summary: node_links::summary_line(node, vmid),
            mhz: node.cpu.mhz,
        }
    }
}

pub(super) fn overview(live: LiveData, now: Memo<Option<Arc<VmFacts>>>, vm: &VmFacts) -> AnyView {
    let texts = &text::deferred().vm;
    let node = vm.node.clone();
    let page = Route::Node { name: node.clone() };
    let uptime = part(
        move || {
            now.with(|vm| {
                Some(
                    vm.as_ref()
                        .and_then(|vm| Some((vm.uptime_seconds?, vm.booted_at))),
                )
            })
        },
        |uptime| {
            match uptime {
            None => or_unknown(None),
            Some((seconds, booted_at)) => view! {
                {format::duration(seconds)}
                {booted_at.map(|time| view! { <span class="aside">{sentence(texts.since, [when(time, true)])}</span> })}
            }
            .into_any(),
        }
        },
    );
    let seen = part(
        move || {
            let vm = now.get()?;
            live.nodes.with(|nodes| {
                Some(
                    nodes
                        .data()
                        .map_or(vm.observed_at, |nodes| seen_at(&vm, nodes)),
                )
            })
        },
        |seen| {
            view! {
                {when(seen, true)}
                " " <span class="aside">{sentence(text::deferred().parts.in_brackets, [ago(seen)])}</span>
            }
            .into_any()
        },
    );
    let host_name = match (&vm.hostname, &vm.last_hostname) {
        (None, Some(last)) => last_known(last.clone().into_any(), vm.last_hostname_at),
        (now, _) => or_unknown(now.clone()),
    };
    let ip_address = match (&vm.ip_address, &vm.last_ip_address) {
        (None, Some(last)) => last_known(
            copied(Some(last.clone()), texts.copy_ip_address),
            vm.last_ip_address_at,
        ),
        (now, _) => copied(now.clone(), texts.copy_ip_address),
    };
    let comment = vm.comment.clone();
    let shown = |label, field| text_fact(label, format::value(vm, field));
    fact_card(
        "overview",
        texts.overview,
        vec![
            fact(texts.node, link("", page.path(), node.into_any())),
            shown(texts.vmid, vm_field::vmid),
            shown(texts.guest_os, vm_field::guest_os),
            fact(texts.host_name, host_name),
            fact(texts.ip_address, ip_address),
            fact(texts.uptime, uptime),
            text_fact(texts.tools, vm.tools_status.as_deref().map(tools)),
            text_fact(texts.status, status(vm)),
            fact(texts.last_seen, seen),
            shown(texts.owner, vm_field::owner),
            shown(texts.expires_on, vm_field::expires_on),
            fact(
                texts.comment,
                view! { <div class="comment">{or_unknown(comment)}</div> }.into_any(),
            ),
        ],
    )
}

/// What the guest reported last, and does not now.
fn last_known(value: AnyView, at: Option<DateTime<Utc>>) -> AnyView {
    let until = at.map(|at| {
        let texts = &text::deferred().vm;
        view! { <span class="aside">{sentence(texts.last_known, [when(at, true)])}</span> }
    });
    view! {
        <span class="last-known">{value}</span>
        " "
        {until}
    }
    .into_any()
}

pub(super) fn hardware(vm: &VmFacts, config: Option<&Config>) -> AnyView {
    let texts = &text::deferred().vm;
    let thresholds = config.map(|config| config.thresholds);
    let sized = |name: &str, resource, value: Option<String>| {
        let why = format::large_reason(vm, resource, thresholds);
        let large = vm.large.contains(&resource);
        let value = view! {
            <span class:large-size=large>{large.then(|| icon(Icon::Large))} {or_unknown(value)}</span>
            {why.map(|why| view! { <span class="why">{sentence(texts.large_because, [why.into_any()])}</span> })}
        };
        fact(name, value.into_any())
    };
    let shown = |label, field| text_fact(label, format::value(vm, field));
    let cpus = vm.cpus.map(text::format().cpus);
    let memory = vm.memory_mb.map(texts.ram_exact);
    let storage = vm.storage_bytes.map(texts.storage_exact);
    fact_card(
        "hardware",
        texts.hardware,
        vec![
            sized(texts.cpu, Resource::Cpu, cpus),
            sized(texts.ram, Resource::Memory, memory),
            sized(texts.storage_in_use, Resource::Storage, storage),
            shown(texts.may_grow_by, vm_field::storage_uncommitted_bytes),
            shown(texts.disks, vm_field::disk_count),
            shown(texts.network_cards, vm_field::nic_count),
            shown(texts.hardware_version, vm_field::hardware_version),
        ],
    )
}

pub(super) fn usage(vm: &VmFacts, mhz: Option<u64>) -> AnyView {
    let texts = &text::deferred().vm;
    let cpu_total = vm.cpus.zip(mhz).map(|(cpus, mhz)| u64::from(cpus) * mhz);
    let storage_total = vm
        .storage_bytes
        .zip(vm.storage_uncommitted_bytes)
        .map(|(used, free)| used.saturating_add(free));
    fact_card(
        "usage",
        texts.usage,
        vec![
            used(texts.cpu, vm.cpu_usage_mhz, cpu_total, format::megahertz),
            used(
                texts.guest_memory,
                vm.guest_memory_mb,
                vm.memory_mb,
                format::megabytes,
            ),
            used(
                texts.host_memory,
                vm.host_memory_mb,
                vm.memory_mb,
                format::megabytes,
            ),
            used(
                texts.storage,
                vm.storage_bytes,
                storage_total,
                format::bytes,
            ),
        ],
    )
}

/// A use with its bar where the whole is known.
fn used(
    label: &'static str,
    used: Option<u64>,
    total: Option<u64>,
    format: fn(u64) -> String,
) -> AnyView {
    let value = used.map(|used| match total {
        Some(total) => (text::deferred().parts.used_of)(&format(used), &format(total)),
        None => format(used),
    });
    let bar = used
        .zip(total)
        .map(|(used, total)| view! { {meter(label.to_owned(), used, total, true)} });
    fact(label, view! { {or_unknown(value)} {bar} }.into_any())
}

pub(super) fn files(vm: &VmFacts) -> AnyView {
    let texts = &text::deferred().vm;
    fact_card(
        "files",
        texts.files,
        vec![
            text_fact(texts.datastore, format::value(vm, vm_field::datastore)),
            fact(
                texts.configuration,
                copied(vm.vmx_path.clone(), texts.copy_path),
            ),
            fact(texts.bios_uuid, copied(vm.uuid.clone(), texts.copy_uuid)),
        ],
    )
}

/// A text with a button of this name that copies it.
fn copied(value: Option<String>, name: &'static str) -> AnyView {
    match value {
        Some(value) => view! {
            {value.clone()}
            " "
            {copy_button(value, name, false)}
        }
        .into_any(),
        None => or_unknown(None),
    }
}

pub(super) fn shell(place: &Place) -> AnyView {
    let (texts, parts) = (&text::deferred().vm, &text::deferred().parts);
    let lines = view! {
        <div class="lines">
            <div>
                <p class="label">{sentence(texts.log_in_to, [place.node.clone().into_any()])}</p>
                {copy_line(parts.copy_ssh_line, place.ssh.clone())}
            </div>
            <div>
                <p class="label">{texts.ask_for_this_vm}</p>
                {copy_line(texts.copy_vim_cmd_line, place.summary.clone())}
            </div>
        </div>
    };
    card("shell", parts.shell, lines.into_any())
}

pub(super) fn raw(vm: Memo<Option<Arc<VmFacts>>>) -> impl IntoView {
    // Plain data: nothing in it can fail to become JSON.
    let json = Memo::new(move |_| {
        vm.with(|vm| {
            vm.as_deref()
                .and_then(|vm| serde_json::to_value(vm).ok())
                .unwrap_or_default()
        })
    });
    let texts = &text::deferred().vm;
    let pretty = Signal::derive(move || {
        json.with(|json| serde_json::to_string_pretty(json).unwrap_or_default())
    });
    // Every VM has the same members.
    let names: Vec<String> = json.with_untracked(|json| {
        let members = json.as_object().into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    });
    let rows: Vec<_> = names
        .into_iter()
        .map(|name| {
            let member = name.clone();
            let value = Memo::new(move |_| {
                json.with(|json| match json.get(&member) {
                    None | Some(Value::Null) => UNKNOWN.to_owned(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                })
            });
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td>{value}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card wide" aria-labelledby="raw">
            <h2 id="raw">
                {texts.raw_facts}
                {copy_button(pretty, texts.copy_json, true)}
            </h2>
            <table class="raw">
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

/// vSphere's word for the state of VMware Tools in words.
fn tools(status: &str) -> String {
    let texts = &text::deferred().vm;
    match status {
        "toolsOk" => texts.tools_running,
        "toolsOld" => texts.tools_old,
        "toolsNotRunning" => texts.tools_not_running,
        "toolsNotInstalled" => texts.tools_not_installed,
        other => other,
    }
    .to_owned()
}

/// What vSphere thinks of the VM, and whether its files are there.
fn status(vm: &VmFacts) -> Option<String> {
    match (vm.overall_status.as_deref(), vm.connection_state.as_deref()) {
        (Some(overall), Some("connected") | None) => Some(overall.to_owned()),
        (Some(overall), Some(connection)) => {
            Some((text::deferred().vm.status_with_files)(overall, connection))
        }
        (None, connection) => connection.map(str::to_owned),
    }
}
