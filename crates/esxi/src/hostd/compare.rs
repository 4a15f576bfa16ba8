//! Whether two ways of asking say the same of a VM.

use std::fmt;

use chrono::TimeDelta;
use ecoman_model::{VmFacts, Vmid, vm_facts};

/// A fact of a VM that two ways of asking give differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The VM.
    pub vmid: Vmid,
    /// The fact, by its name in the API.
    pub field: &'static str,
    /// What `vim-cmd` says, in JSON.
    pub vim_cmd: String,
    /// What hostd says, in JSON.
    pub read: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vmid,
            field,
            vim_cmd,
            read,
        } = self;
        write!(
            f,
            "{field} of VM {vmid}: {vim_cmd} from vim-cmd, {read} from read"
        )
    }
}

/// What moves while nobody changes anything: a reading between two others may differ from both.
const MOVING: [&str; 4] = [
    "uptime_seconds",
    "cpu_usage_mhz",
    "guest_memory_mb",
    "host_memory_mb",
];

/// Compares what hostd says of a VM with what `vim-cmd` said just `before` and just `after`: each
/// fact must equal one of the two, so that a change meanwhile is no difference, and a difference
/// cannot hide behind one. What moves by itself must be there where both have it, and boot times
/// are the same within a second.
#[must_use]
pub fn differences(
    vmid: Vmid,
    before: &VmFacts,
    read: &VmFacts,
    after: &VmFacts,
) -> Vec<Difference> {
    let mut read = read.clone();
    // Some releases round the one and not the other.
    let same_second = [before, after].into_iter().find(|known| {
        let times = known.booted_at.zip(read.booted_at);
        times.is_some_and(|(one, other)| (one - other).abs() < TimeDelta::seconds(1))
    });
    if let Some(known) = same_second {
        read.booted_at = known.booted_at;
    }
    let mut found = Vec::new();
    macro_rules! compare {
        ($(
            $(#[doc = $doc:tt])*
            $name:ident: $type:ty = $unit:ident { $($details:tt)* }
        )*) => {
            $(
                let (earlier, later, between) = (&before.$name, &after.$name, &read.$name);
                let same = earlier == between || later == between;
                let moved = MOVING.contains(&stringify!($name))
                    && earlier != later
                    && json(between) != "null";
                if !same && !moved {
                    found.push(Difference {
                        vmid,
                        field: stringify!($name),
                        vim_cmd: json(later),
                        read: json(between),
                    });
                }
            )*
        };
    }
    vm_facts!(compare);
    found
}

/// Longer than any value that a person compares by eye.
const MAX_CHARACTERS: usize = 200;

fn json(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    match text.char_indices().nth(MAX_CHARACTERS) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
