//! Where a new VM would do best.

use std::cmp::Reverse;

use ecoman_api::Node;

use crate::inventory::Nodes;
use crate::text;

/// Shares are counted in thousandths.
const WHOLE: u64 = 1000;

/// What a new VM takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory.
    pub memory_mb: u64,
    /// Disk.
    pub disk_gb: u64,
    /// Datastore, on nodes that have it; else that of hosts.yml.
    pub datastore: Option<String>,
}

/// How well a node suits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: String,
    /// What speaks for it and against it: what is free, and what is provisioned already.
    pub reason: String,
    /// Why it cannot be had there.
    pub blocked: Option<String>,
    /// Whether another size would change that.
    pub too_small: bool,
    /// Memory that is free now.
    pub free_mb: Option<u64>,
    /// Memory that is free, or short, with this VM.
    pub then: Option<Then>,
    /// The datastore and what is free on it.
    pub disk: Option<(String, u64)>,
    /// Memory of powered-on VMs with this one, in hundredths of the node's.
    pub provisioned: Option<u64>,
    score: u64,
}

/// Memory once the VM is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// So much is left, in MB.
    Free(u64),
    /// So much is missing, in MB.
    Short(u64),
}

impl Place {
    /// Whether it can be suggested: nothing speaks against it, and its memory is enough without
    /// swapping.
    pub fn is_good(&self) -> bool {
        self.blocked.is_none() && self.fits()
    }

    fn fits(&self) -> bool {
        !matches!(self.then, Some(Then::Short(_)))
    }
}

/// All nodes, the best first.
///
/// Those that take no VM come last, before them those that are too small for this one, and before
/// them those whose free memory is. The rest go by shares after the VM is there: half the score
/// is the memory that is free (a node that swaps slows down all its VMs), three tenths are the
/// free space of its datastore (a full one stops all of them), two tenths how little memory is
/// provisioned to powered-on VMs. Equals go by name. The text `order` of the page says so to the
/// reader.
pub fn rank(nodes: &Nodes, wanted: &Wanted) -> Vec<Place> {
    let mut places: Vec<_> = nodes.values().map(|node| place(node, wanted)).collect();
    places.sort_by_key(|place| {
        let free = place.blocked.is_none();
        (
            !free,
            !place.too_small && !free,
            !place.fits(),
            Reverse(place.score),
        )
    });
    places
}

fn place(node: &Node, wanted: &Wanted) -> Place {
    let memory = node.memory.capacity_bytes.map(|bytes| bytes >> 20);
    let free = node.memory.free_mb;
    let named = wanted.datastore.as_deref();
    let datastore = node.datastore(named).or_else(|| node.datastore(None));
    let disk = datastore.and_then(|it| it.free_bytes.zip(it.capacity_bytes));
    let on = node.allocated_on.memory_mb.saturating_add(wanted.memory_mb);

    let then = free.map(|free| match free.checked_sub(wanted.memory_mb) {
        Some(left) => Then::Free(left),
        None => Then::Short(wanted.memory_mb - free),
    });
    let after = then.map(|then| match then {
        Then::Free(left) => left,
        Then::Short(_) => 0,
    });
    let memory_share = share(after, memory);
    let disk_share = share(
        disk.map(|(free, _)| free.saturating_sub(wanted.disk_gb << 30)),
        disk.map(|(_, all)| all),
    );
    let slack = WHOLE.saturating_sub(share(Some(on), memory) / 2);
    let name = datastore.and_then(|it| it.name.clone());
    let disk = name.zip(disk.map(|(free, _)| free));
    let all = memory.filter(|&all| all > 0);
    let provisioned = all.map(|all| on.saturating_mul(100) / all);
    let takes_none = takes_none(node);
    let too_small = too_small(node, wanted).filter(|_| takes_none.is_none());
    let mut place = Place {
        node: node.name.clone(),
        reason: String::new(),
        too_small: too_small.is_some(),
        blocked: takes_none.or(too_small),
        free_mb: free,
        then,
        disk,
        provisioned,
        score: memory_share * 5 + disk_share * 3 + slack.min(WHOLE) * 2,
    };
    place.reason = reason(&place, memory);
    place
}

/// The same in words.
fn reason(place: &Place, memory: Option<u64>) -> String {
    let texts = &text::deferred().new_vm;
    let mut reasons = Vec::new();
    if let Some(Then::Short(mb)) = place.then {
        reasons.push((texts.does_not_fit)(mb));
    }
    reasons.push(match (place.free_mb, memory) {
        (Some(free), Some(all)) => (texts.memory_free)(free, all),
        _ => texts.memory_unknown.to_owned(),
    });
    reasons.push(match &place.disk {
        Some((name, free)) => (texts.free_on)(*free, name),
        None => texts.datastore_unknown.to_owned(),
    });
    reasons.extend(place.provisioned.map(|hundredths| {
        let words = if hundredths > 100 {
            texts.over_committed
        } else {
            texts.provisioned
        };
        format!("{} {}", texts.provisioned_then, words(hundredths))
    }));
    reasons.join(" · ")
}

/// What is not known counts as nothing: a node that reports its facts comes first.
fn share(part: Option<u64>, whole: Option<u64>) -> u64 {
    match (part, whole) {
        (Some(part), Some(whole)) if whole > 0 => {
            let share = u128::from(part) * u128::from(WHOLE) / u128::from(whole);
            u64::try_from(share).unwrap_or(u64::MAX)
        }
        _ => 0,
    }
}

fn takes_none(node: &Node) -> Option<String> {
    let texts = &text::deferred().new_vm;
    if node.read_only {
        Some(texts.read_only.to_owned())
    } else if node.reachable == Some(false) {
        Some(texts.no_answer.to_owned())
    } else if node.in_maintenance_mode == Some(true) {
        Some(texts.in_maintenance.to_owned())
    } else {
        None
    }
}

fn too_small(node: &Node, wanted: &Wanted) -> Option<String> {
    let texts = &text::deferred().new_vm;
    let named = wanted.datastore.as_deref();
    let named = named.filter(|name| node.datastore(Some(name)).is_some());
    let limits = node.limits(named);
    if let Some(most) = limits.cpus.filter(|&most| wanted.cpus > most) {
        return Some((texts.few_threads)(most));
    }
    if let Some(most) = limits.memory_mb.filter(|&most| wanted.memory_mb > most) {
        return Some((texts.little_memory)(most));
    }
    let most = limits.disk_gb.filter(|&most| wanted.disk_gb > most)?;
    let datastore = node.datastore(named);
    let name = datastore.and_then(|datastore| datastore.name.as_deref());
    Some((texts.little_disk)(most, name.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ecoman_api::Datastore;

    use super::*;
    use crate::format::tests::node;

    /// 64 GB of memory and a datastore of 1000 GB.
    fn with(name: &str, used_gb: u64, free_disk_gb: u64, promised_gb: u64) -> Node {
        let mut node = node(name);
        node.cpu.threads = Some(8);
        node.memory.capacity_bytes = Some(64 << 30);
        node.memory.usage_mb = Some(used_gb << 10);
        node.memory.free_mb = Some((64 - used_gb) << 10);
        node.allocated_on.memory_mb = promised_gb << 10;
        // What is off takes no memory.
        node.allocated.memory_mb = 1 << 20;
        node.datastores = vec![Datastore {
            name: Some(String::from("datastore1")),
            path: String::from("/vmfs/volumes/5f0c1a2b"),
            kind: String::from("VMFS-6"),
            accessible: true,
            capacity_bytes: Some(1000 << 30),
            free_bytes: Some(free_disk_gb << 30),
        }];
        node
    }

    fn ranked(nodes: Vec<Node>) -> Vec<Place> {
        ranked_for(
            nodes,
            &Wanted {
                cpus: 2,
                memory_mb: 4096,
                disk_gb: 50,
                datastore: None,
            },
        )
    }

    fn ranked_for(nodes: Vec<Node>, wanted: &Wanted) -> Vec<Place> {
        let nodes: Nodes = nodes
            .into_iter()
            .map(|node| (node.name.clone(), Arc::new(node)))
            .collect();
        rank(&nodes, wanted)
    }

    fn names(places: &[Place]) -> Vec<&str> {
        places.iter().map(|place| place.node.as_str()).collect()
    }

    #[test]
    fn free_memory_weighs_most_then_space_then_promises() {
        let places = ranked(vec![
            with("a-little-memory", 50, 500, 64),
            with("b-much-memory", 10, 500, 64),
            with("c-much-of-both", 10, 900, 64),
            with("d-and-little-promised", 10, 900, 16),
        ]);
        let expected = [
            "d-and-little-promised",
            "c-much-of-both",
            "b-much-memory",
            "a-little-memory",
        ];
        assert_eq!(names(&places), expected);
    }

    #[test]
    fn a_node_that_would_swap_comes_behind_every_one_that_would_not() {
        let places = ranked(vec![with("swaps", 62, 1000, 0), with("busy", 59, 60, 256)]);
        assert_eq!(names(&places), ["busy", "swaps"]);
    }

    #[test]
    fn a_node_that_cannot_take_it_comes_last_and_says_why() {
        let mut read_only = with("a", 0, 1000, 0);
        read_only.read_only = true;
        let mut away = with("b", 0, 1000, 0);
        away.reachable = Some(false);
        let mut few = with("d", 0, 1000, 0);
        few.cpu.threads = Some(1);
        let full = with("e", 0, 40, 0);
        let places = ranked(vec![read_only, away, with("c", 60, 100, 128), few, full]);
        let reported: Vec<_> = places
            .iter()
            .map(|place| (place.node.as_str(), place.blocked.as_deref()))
            .collect();
        assert_eq!(
            reported,
            [
                ("c", None),
                ("d", Some("has only 1 thread")),
                ("e", Some("has only 40 GB free on datastore1")),
                ("a", Some("is read-only (read_only: true in hosts.yml)")),
                ("b", Some("is not responding")),
            ]
        );
    }

    #[test]
    fn a_node_that_is_short_of_memory_says_how_much_and_is_never_suggested() {
        let wanted = Wanted {
            memory_mb: 32 << 10,
            ..Wanted::default()
        };
        let mut busy = with("busy", 43, 1000, 0);
        busy.memory.free_mb = Some((20 << 10) + 512);
        let places = ranked_for(vec![busy], &wanted);
        let first = places.first().expect("a place");
        assert_eq!(first.then, Some(Then::Short((11 << 10) + 512)));
        assert!(!first.is_good());
        assert!(
            first.reason.starts_with("does not fit: 11.5 GB short · "),
            "{}",
            first.reason
        );
        // It may be chosen: the VM may stay off.
        assert_eq!(first.blocked, None);
    }

    #[test]
    fn the_datastore_that_was_chosen_counts_where_there_is_one() {
        let mut two = with("two", 0, 40, 0);
        two.datastores.push(Datastore {
            name: Some(String::from("nas-a")),
            path: String::from("/vmfs/volumes/6f0c1a2b"),
            free_bytes: Some(4000 << 30),
            ..two.datastores[0].clone()
        });
        let wanted = Wanted {
            disk_gb: 50,
            datastore: Some(String::from("nas-a")),
            ..Wanted::default()
        };
        let places = ranked_for(vec![two, with("one", 0, 40, 0)], &wanted);
        let shown: Vec<_> = places
            .iter()
            .map(|place| (place.disk.clone(), place.blocked.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                (Some((String::from("nas-a"), 4000 << 30)), None),
                (
                    Some((String::from("datastore1"), 40 << 30)),
                    Some("has only 40 GB free on datastore1")
                ),
            ]
        );
    }

    #[test]
    fn the_reason_names_what_is_free_and_what_is_provisioned() {
        let places = ranked(vec![with("hoge", 12, 310, 96)]);
        assert_eq!(
            places.first().map(|place| place.reason.as_str()),
            Some(
                "52.0 GB of 64.0 GB memory free · 310.0 GB free on datastore1 · \
                 Provisioned 1.56 : 1, over-committed"
            )
        );
        let unknown = ranked(vec![node("fuga")]);
        assert_eq!(
            unknown.first().map(|place| place.reason.as_str()),
            Some("free memory unknown · datastore unknown")
        );
    }
}
