//! Which VMs a list shows, in which order and from where on.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecoman_api::{FieldError, Filter, PowerState, Resource, SORTED_CHARACTERS, Sort, SortKey, Vm};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::live::{Snapshot, VmEntry};
use crate::parameters::Parameters;

/// The most VMs on one page, and how many there are where nothing is said.
pub(crate) const LIMIT: usize = 10_000;

/// A question for VMs.
#[derive(Debug)]
pub(crate) struct VmQuery {
    selection: Selection,
    limit: usize,
    /// The last VM of the page before.
    after: Option<Vm>,
}

impl VmQuery {
    /// Reads the parameters of a list.
    ///
    /// # Errors
    ///
    /// What is wrong with them, each by name.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Vec<FieldError>> {
        let mut parameters = Parameters::new(query);
        let selection = Selection {
            filter: parameters
                .take("q", |text| {
                    Filter::parse(text)
                        .map_err(|error| format!("character {}: {error}", error.position + 1))
                })
                .unwrap_or_default(),
            nodes: parameters
                .take("node", |text| {
                    Ok(text.split(',').map(str::to_owned).collect())
                })
                .unwrap_or_default(),
            power: parameters.take_words("power", &POWER_STATES),
            large: parameters.take_words("large", &LARGE),
            sort: parameters
                .take("sort", |text| {
                    Sort::parse(text).map_err(|error| error.message)
                })
                .unwrap_or_default(),
        };
        let limit = parameters.take("limit", |text| {
            let limit = text
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT).contains(limit));
            limit.ok_or_else(|| format!("must be a whole number from 1 to {LIMIT}"))
        });
        let after = parameters.take("page_token", |text| selection.read_token(text));
        parameters.finish("q, node, power, large, sort, limit and page_token")?;
        Ok(Self {
            selection,
            limit: limit.unwrap_or(LIMIT),
            after,
        })
    }

    /// The same for the same question, however it was typed.
    pub(crate) fn canonical(&self) -> String {
        let after = self.after.as_ref().map(|vm| self.selection.token(vm));
        format!(
            "{}\n{}\n{}",
            self.selection.canonical(),
            self.limit,
            after.unwrap_or_default()
        )
    }

    /// The answer as JSON ([`ecoman_api::VmPage`]), put together of the VMs' own JSON.
    pub(crate) fn answer(&self, snapshot: &Snapshot) -> Vec<u8> {
        let vms = self.selection.select(snapshot);
        let start = self.after.as_ref().map_or(0, |after| {
            vms.partition_point(|vm| self.selection.sort.compare(after, &vm.view).is_ge())
        });
        let rest = vms.get(start..).unwrap_or_default();
        let page = rest.get(..self.limit).unwrap_or(rest);
        let next_page = page
            .last()
            .filter(|_| page.len() < rest.len())
            .map(|last| format!("\"{}\"", self.selection.token(&last.view)));

        let size: usize = page.iter().map(|vm| vm.json.len() + 1).sum();
        let mut body = Vec::with_capacity(size + 1024);
        body.extend_from_slice(b"{\"items\":[");
        for (index, vm) in page.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(vm.json.as_bytes());
        }
        let tail = format!(
            "],\"total\":{},\"next_page\":{},\"revision\":{}}}",
            vms.len(),
            next_page.as_deref().unwrap_or("null"),
            snapshot.revision
        );
        body.extend_from_slice(tail.as_bytes());
        body
    }
}

/// Which VMs, in which order: what the pages of one list have in common.
#[derive(Debug)]
struct Selection {
    filter: Filter,
    /// Any of these; none: all. Likewise the others.
    nodes: Vec<String>,
    power: Vec<PowerState>,
    large: Vec<Large>,
    sort: Sort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Large {
    Any(bool),
    By(Resource),
}

const POWER_STATES: [(&str, PowerState); 4] = [
    ("on", PowerState::On),
    ("off", PowerState::Off),
    ("suspended", PowerState::Suspended),
    ("unknown", PowerState::Unknown),
];

const LARGE: [(&str, Large); 5] = [
    ("true", Large::Any(true)),
    ("false", Large::Any(false)),
    ("cpu", Large::By(Resource::Cpu)),
    ("memory", Large::By(Resource::Memory)),
    ("storage", Large::By(Resource::Storage)),
];

/// Where a page ends, and of which list it is.
///
/// It carries what its last VM is sorted by. So it needs no memory of the server's, outlives
/// restarts, and the next page begins right behind that VM even if that has gone in between: over
/// all pages no VM comes twice and none is left out, but for those that change places meanwhile.
#[derive(Serialize, Deserialize)]
struct Token {
    /// Fingerprint of the [`Selection`].
    list: String,
    /// The last VM, less what it is not sorted by.
    after: serde_json::Map<String, serde_json::Value>,
}

impl Selection {
    fn select<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Arc<VmEntry>> {
        let mut vms: Vec<_> = snapshot.vms.iter().filter(|vm| self.matches(vm)).collect();
        if !self.sort.keys().is_empty() {
            vms.sort_by(|a, b| self.sort.compare(&a.view, &b.view));
        }
        vms
    }

    fn matches(&self, entry: &VmEntry) -> bool {
        let vm = &entry.view;
        let large = |wanted: &Large| match wanted {
            Large::Any(wanted) => *wanted != vm.large.is_empty(),
            Large::By(resource) => vm.large.contains(resource),
        };
        (self.nodes.is_empty() || self.nodes.contains(&vm.node))
            && (self.power.is_empty() || self.power.contains(&vm.power))
            && (self.large.is_empty() || self.large.iter().any(large))
            && self.filter.matches_prepared(vm, &entry.searchable)
    }

    fn canonical(&self) -> String {
        let Self {
            filter,
            nodes,
            power,
            large,
            sort,
        } = self;
        format!("{filter}\n{nodes:?}\n{power:?}\n{large:?}\n{sort}")
    }

    fn fingerprint(&self) -> String {
        let hash = Sha256::digest(self.canonical());
        URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or_default())
    }

    fn token(&self, last: &Vm) -> String {
        let mut after = match serde_json::to_value(last) {
            Ok(serde_json::Value::Object(after)) => after,
            // A struct with named fields is an object.
            _ => serde_json::Map::new(),
        };
        after.retain(|field, value| {
            let is_sorted_by = self.sort.keys().iter().any(|by| field_of(by.key) == field);
            (is_sorted_by || NEEDED.contains(&field.as_str())) && !value.is_null()
        });
        for value in after.values_mut() {
            if let serde_json::Value::String(text) = value
                && let Some((end, _)) = text.char_indices().nth(SORTED_CHARACTERS)
            {
                text.truncate(end);
            }
        }
        let token = Token {
            list: self.fingerprint(),
            after,
        };
        // Nothing in it can fail to be JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
    }

    fn read_token(&self, text: &str) -> Result<Vm, String> {
        let token: Option<(String, Vm)> = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|json| serde_json::from_slice::<Token>(&json).ok())
            .and_then(|token| {
                let vm = serde_json::from_value(token.after.into()).ok()?;
                Some((token.list, vm))
            });
        match token {
            None => Err("must be the next_page of an earlier answer".to_owned()),
            Some((list, _)) if list != self.fingerprint() => Err(
                "belongs to a list with other q, node, power, large or sort; begin again without it"
                    .to_owned(),
            ),
            Some((_, vm)) => Ok(vm),
        }
    }
}

/// The fields that a VM cannot be without; the last two say nothing here.
const NEEDED: [&str; 6] = ["node", "vmid", "power", "large", "observed_at", "stale"];

fn field_of(key: SortKey) -> &'static str {
    match key {
        SortKey::Node => "node",
        SortKey::Vmid => "vmid",
        SortKey::Name => "name",
        SortKey::Power => "power",
        SortKey::Ip => "ip_address",
        SortKey::Uptime => "uptime_seconds",
        SortKey::Cpus => "cpus",
        SortKey::Memory => "memory_mb",
        SortKey::Storage => "storage_bytes",
        SortKey::Comment => "comment",
        SortKey::GuestOs => "guest_os",
        SortKey::ObservedAt => "observed_at",
        SortKey::Large => "large",
    }
}
