//! What the list of nodes and the page of one show alike.

use ecoman_api::{Allocated, Datastore, Node, VmCounts};
use leptos::prelude::*;

use crate::components::{Icon, ago, follow, icon, link, meter, or_unknown, sentence, when};
use crate::state::format::{self, UNKNOWN};
use crate::state::list::ListQuery;
use crate::state::node_error::{cause, symptom};
use crate::state::node_table::{cpu_mhz, memory_mb, share_of_memory};
use crate::state::route::Route;
use crate::state::text;

/// Whether it answers, and since when it was last seen.
pub(super) fn state(node: &Node) -> AnyView {
    let texts = &text::deferred().nodes;
    let (class, word, sign) = match node.reachable {
        None => ("state", texts.not_tried, Icon::Unknown),
        Some(false) => ("state bad", texts.not_answering, Icon::Warning),
        Some(true) if node.stale => ("state", texts.not_reported, Icon::Stale),
        Some(true) => ("state good", texts.reachable, Icon::On),
    };
    let maintenance = node
        .in_maintenance_mode
        .unwrap_or_default()
        .then(|| view! { <div class="small">{texts.in_maintenance}</div> });
    let read_only = node
        .read_only
        .then(|| view! { <div class="small">{texts.read_only}</div> });
    view! {
        <span class=class>{icon(sign)} {word}</span>
        {node
            .observed_at
            .map(|time| view! { <div class="small">{sentence(texts.seen, [ago(time)])}</div> })}
        {maintenance}
        {read_only}
    }
    .into_any()
}

/// What is wrong with it, a notice for each.
pub(super) fn troubles(node: &Node) -> Option<AnyView> {
    let texts = &text::deferred().nodes;
    let error = node.last_error.as_ref().map(|error| {
        let what = (texts.failed)(&node.name, symptom(error.kind));
        let why = cause(&node.name, &error.message).to_owned();
        view! {
            <div class="notice bad">
                {icon(Icon::Warning)}
                <div>
                    <p>
                        <strong>{what}</strong>
                        {why}
                        <span class="aside">{sentence(texts.failed_since, [when(error.since, false)])}</span>
                    </p>
                    <p class="hint">{error.hint.clone()}</p>
                </div>
            </div>
        }
    });
    // A node that answers can be stale too: the crawler has stopped reporting.
    let stale = node
        .stale_reason
        .clone()
        .filter(|_| node.stale && node.last_error.is_none())
        .map(|reason| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Stale)}
                    <p>{reason}</p>
                </div>
            }
        });
    let warnings: Vec<_> = node
        .warnings
        .iter()
        .map(|warning| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Warning)}
                    <p>{cause(&node.name, warning).to_owned()}</p>
                </div>
            }
        })
        .collect();
    (error.is_some() || stale.is_some() || !warnings.is_empty()).then(|| {
        view! {
            {error}
            {stale}
            {warnings}
        }
        .into_any()
    })
}

/// How many of its VMs are on, and what else is to know of them; leads to them.
pub(super) fn vms(node: &str, counts: VmCounts) -> AnyView {
    let list = format!("{}{}", Route::Vms.path(), ListQuery::of_node(node).to_url());
    let texts = &text::deferred().nodes;
    let numbers = format!(
        "{} / {}",
        format::grouped(counts.on),
        format::grouped(counts.total)
    );
    let kinds = [
        ("", Icon::Suspended, counts.suspended, texts.suspended),
        ("", Icon::Unknown, counts.unknown, texts.unknown),
        ("big", Icon::Large, counts.large, texts.large),
    ];
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter(|(_, _, count, _)| *count > 0)
        .map(|(class, sign, count, word)| {
            view! {
                <span class=class data-tip=word>
                    {icon(sign)} {format::grouped(count)} <span class="sr">" " {word}</span>
                </span>
            }
        })
        .collect();
    view! {
        <a href=list on:click=follow()>
            {numbers} <span class="sr">" " {text::first_load().frame.vms}</span>
        </a>
        <div class="tally small">{kinds}</div>
    }
    .into_any()
}

/// Its VMs by power state; leads to them.
pub(super) fn tally(node: &str, counts: VmCounts) -> AnyView {
    let list = format!("{}{}", Route::Vms.path(), ListQuery::of_node(node).to_url());
    let texts = &text::deferred().nodes;
    let kinds = [
        ("on", Icon::On, counts.on, texts.on),
        ("", Icon::Off, counts.off, texts.off),
        ("", Icon::Suspended, counts.suspended, texts.suspended),
        ("", Icon::Unknown, counts.unknown, texts.unknown),
        ("big", Icon::Large, counts.large, texts.large),
    ];
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter(|(_, _, count, _)| *count > 0)
        .map(|(class, sign, count, word)| {
            view! { <span class=class>{icon(sign)} {format::grouped(count)} " " {word}</span> }
        })
        .collect();
    let total = usize::try_from(counts.total).unwrap_or(usize::MAX);
    view! {
        {link("", list, (text::format().vms)(total).into_any())}
        <div class="tally small">{kinds}</div>
    }
    .into_any()
}

/// Use and allocation of its CPUs.
pub(super) fn cpu(node: &Node) -> AnyView {
    let (texts, parts) = (&text::deferred().nodes, &text::deferred().parts);
    let total = cpu_mhz(node);
    let use_text = match (node.cpu.usage_mhz, total) {
        (Some(used), Some(total)) => {
            (parts.used_of)(&format::megahertz(used), &format::megahertz(total))
        }
        (Some(used), None) => format::megahertz(used),
        (None, Some(total)) => (texts.in_all)(&format::megahertz(total)),
        (None, None) => UNKNOWN.to_owned(),
    };
    let given = node.cpu.threads.map_or_else(
        || (texts.vcpus)(node.allocated.cpus),
        |threads| (texts.vcpus_on_threads)(node.allocated.cpus, threads),
    );
    let label = (texts.cpu_of)(&node.name);
    view! {
        <div>{use_text}</div>
        {node.cpu.usage_mhz.zip(total).map(|(used, total)| view! { {meter(label, used, total, false)} })}
        <div class="small">{given}</div>
    }
    .into_any()
}

/// Use and allocation of its CPUs, for a table.
pub(super) fn cpu_use(node: &Node) -> AnyView {
    let (texts, parts) = (&text::deferred().nodes, &text::deferred().parts);
    let used = node.cpu.usage_mhz.zip(cpu_mhz(node));
    let exact = used
        .map(|(used, total)| (parts.used_of)(&format::megahertz(used), &format::megahertz(total)));
    let share = used.and_then(|(used, total)| format::percent(used, total));
    let given = node.cpu.threads.map_or_else(
        || (texts.vcpus)(node.allocated.cpus),
        |threads| (texts.vcpus_to_threads)(node.allocated.cpus, threads),
    );
    let label = (texts.cpu_of)(&node.name);
    view! {
        <div class="share" data-tip=exact>
            {used.map(|(used, total)| view! { {meter(label, used, total, false)} })}
            <span>{share.map_or_else(|| UNKNOWN.to_owned(), |share| format!("{share} %"))}</span>
        </div>
        <div class="small nowrap">{given}</div>
    }
    .into_any()
}

/// Use of its memory.
pub(super) fn memory(node: &Node) -> AnyView {
    let (texts, parts) = (&text::deferred().nodes, &text::deferred().parts);
    let used = node
        .memory
        .usage_mb
        .map(|mb| mb.saturating_mul(1024 * 1024));
    let total = node.memory.capacity_bytes;
    let use_text = match (used, total) {
        (Some(used), Some(total)) => (parts.used_of)(&format::bytes(used), &format::bytes(total)),
        (Some(used), None) => format::bytes(used),
        (None, Some(total)) => (texts.in_all)(&format::bytes(total)),
        (None, None) => UNKNOWN.to_owned(),
    };
    let free = node.memory.free_mb.map(|mb| {
        let free = (texts.free)(mb.saturating_mul(1024 * 1024));
        view! { <span class="aside">" · " {free}</span> }
    });
    view! {
        <div>{use_text} {free}</div>
        {memory_bar(node)}
    }
    .into_any()
}

/// What of its memory is in use, and what powered-on VMs are given of it: beyond its end they are
/// given more than there is.
pub(super) fn memory_bar(node: &Node) -> AnyView {
    let texts = &text::deferred().nodes;
    let Some((used, all)) = node.memory.usage_mb.zip(memory_mb(node)) else {
        return or_unknown(None);
    };
    let on = node.allocated_on.memory_mb;
    let scale = all.max(on);
    let part = |mb: u64| format::percent(mb, scale).map(|percent| format!("{percent}%"));
    let over = (on > all).then(|| view! { <i class="end" style:left=part(all)></i> });
    let words = (texts.memory_bar)(
        &format::megabytes(used),
        &format::megabytes(on),
        &format::megabytes(all),
    );
    let class = match format::percent(used, all) {
        Some(95..) => "stack full",
        Some(85..) => "stack scarce",
        _ => "stack",
    };
    view! {
        <div
            class=class
            role="meter"
            aria-label=(texts.memory_of)(&node.name)
            aria-valuenow=format::percent(used, all)
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuetext=words.clone()
            data-tip=words
        >
            <i class="on" style:width=part(on)></i>
            <i class="used" style:width=part(used)></i>
            {over}
        </div>
    }
    .into_any()
}

/// Memory that is not in use.
pub(super) fn free_memory(node: &Node) -> AnyView {
    let texts = &text::deferred().nodes;
    view! {
        <strong>{or_unknown(node.memory.free_mb.map(format::megabytes))}</strong>
        <div class="small">{memory_mb(node).map(texts.of_memory)}</div>
    }
    .into_any()
}

/// What VMs are given of its memory.
pub(super) fn provisioned(node: &Node, given: Allocated) -> AnyView {
    ratio(share_of_memory(&given, node), given.memory_mb)
}

/// Memory as a share of what there is, and as such.
pub(super) fn ratio(hundredths: Option<u64>, mb: u64) -> AnyView {
    let texts = &text::deferred().nodes;
    let is_over = hundredths.is_some_and(|hundredths| hundredths > 100);
    view! {
        <span class:over=is_over>{or_unknown(hundredths.map(texts.ratio))}</span>
        <div class="small">{format::megabytes(mb)}</div>
    }
    .into_any()
}

/// A datastore with its free space.
pub(super) fn datastore(store: &Datastore) -> AnyView {
    let texts = &text::deferred().nodes;
    let name = store.name.clone().unwrap_or_else(|| store.path.clone());
    let free = match (store.accessible, store.free_bytes) {
        (false, _) => texts.not_accessible.to_owned(),
        (true, Some(free)) => (texts.free)(free),
        (true, None) => UNKNOWN.to_owned(),
    };
    let used = store
        .capacity_bytes
        .zip(store.free_bytes)
        .map(|(total, free)| (total.saturating_sub(free), total));
    let exact = store
        .capacity_bytes
        .map(|total| (texts.in_all)(&format::bytes(total)));
    let label = (texts.datastore_named)(&name);
    view! {
        <div class="store" data-tip=exact>
            <div class="line">
                <span class="fit">{name}</span>
                <span class="nowrap aside">{free}</span>
            </div>
            {used.map(|(used, total)| view! { {meter(label, used, total, false)} })}
        </div>
    }
    .into_any()
}

/// Version and build.
pub(super) fn version(node: &Node) -> Option<String> {
    match (&node.version, &node.build) {
        (Some(version), Some(build)) => Some((text::deferred().nodes.version)(version, build)),
        (version, _) => version.clone(),
    }
}
