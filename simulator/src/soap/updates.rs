//! WaitForUpdatesEx: what has changed since the caller heard of it last.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::endpoint::{Answer, Endpoint, Watch};
use super::properties;
use super::reply::{fault, response, text};

/// How often it is looked whether something has changed by itself.
const GLANCE: Duration = Duration::from_millis(250);

/// Of these a host does not notify, or late.
const SILENT: [&str; 2] = ["summary.quickStats", "summary.storage"];

const METHOD: &str = "WaitForUpdatesEx";

/// Waits for a change, as long as the caller does.
pub(super) fn wait(endpoint: &Endpoint, cookie: &str, request: &str) -> Answer {
    let seconds = text(request, "maxWaitSeconds").and_then(|seconds| seconds.parse().ok());
    let due = Instant::now() + Duration::from_secs(seconds.unwrap_or(1800));
    let known = text(request, "version");
    let mut state = endpoint.shared.state();
    loop {
        state.host.settle();
        let Some(mut watch) = endpoint.sessions().watches.get(cookie).cloned() else {
            return fault("NotAuthenticated", "The session is not authenticated.");
        };
        if known.is_none() {
            watch.seen.clear();
        } else if known != Some(watch.version.to_string()) {
            return fault("InvalidCollectorVersion", "");
        }
        let now = match properties::machines(&state.host, &watch.spec) {
            Ok(now) => now,
            Err(path) => return fault("InvalidProperty", &path),
        };
        let changes = changes(&watch.seen, &now);
        if !changes.is_empty() || known.is_none() {
            let version = watch.version + 1;
            let watch = Watch {
                version,
                seen: now,
                ..watch
            };
            let watches = &mut endpoint.sessions().watches;
            watches.insert(cookie.to_owned(), watch);
            return response(
                METHOD,
                &format!(
                    "<returnval><version>{version}</version><filterSet>\
                     <filter type=\"PropertyFilter\">session[52c0ffee]filter-1</filter>\
                     {changes}</filterSet></returnval>"
                ),
            );
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() || endpoint.stopping.load(Ordering::SeqCst) {
            return response(METHOD, "");
        }
        state = endpoint.shared.wait(state, left.min(GLANCE));
    }
}

/// An `objectSet` for each VM that is not as it was.
fn changes(before: &BTreeMap<u32, String>, now: &BTreeMap<u32, String>) -> String {
    let of_vm = |kind: &str, id: u32, changes: &str| {
        format!(
            "<objectSet><kind>{kind}</kind><obj type=\"VirtualMachine\">{id}</obj>{changes}\
             </objectSet>"
        )
    };
    let there = now.iter().filter_map(|(&id, object)| {
        let known = before.get(&id);
        let changes = assigned(known.map_or("", String::as_str), object);
        match known {
            None => Some(of_vm("enter", id, &changes)),
            Some(_) if changes.is_empty() => None,
            Some(_) => Some(of_vm("modify", id, &changes)),
        }
    });
    let gone = before.keys().filter(|id| !now.contains_key(id));
    there
        .chain(gone.map(|&id| of_vm("leave", id, "")))
        .collect()
}

/// A `changeSet` for each property that has another value.
fn assigned(before: &str, now: &str) -> String {
    let before: Vec<&str> = properties_of(before).collect();
    properties_of(now)
        .filter(|property| !before.contains(property))
        .filter_map(|property| property.split_once("</name>"))
        .filter(|(name, _)| !SILENT.contains(name))
        .map(|(name, value)| {
            format!("<changeSet><name>{name}</name><op>assign</op>{value}</changeSet>")
        })
        .collect()
}

/// Name and value of each property of an object: `NAME</name><val>…</val>`.
fn properties_of(object: &str) -> impl Iterator<Item = &str> {
    object
        .split("<propSet><name>")
        .skip(1)
        .filter_map(|part| part.split_once("</propSet>"))
        .map(|(property, _)| property)
}
