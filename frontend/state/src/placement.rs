//! Where a new VM would do best.

use std::cmp::Reverse;

use ecoman_api::Node;

use crate::inventory::Nodes;
use crate::text;

/// Shares are counted in thousandths.
const WHOLE: u64 = 1000;

/// The size of a new VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory.
    pub memory_mb: u64,
    /// Disk.
    pub disk_gb: u64,
}

/// How well a node suits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: String,
    /// What speaks for it and against it: what is free, and what is promised already.
    pub reason: String,
    /// Why it cannot be had there.
    pub blocked: Option<String>,
    /// Whether another size would change that.
    pub too_small: bool,
    /// Whether its memory is enough without swapping.
    fits: bool,
    score: u64,
}

/// All nodes, the best first.
///
/// Those that take no VM come last, before them those that are too small for this one, and before
/// them those whose free memory is. The rest go by shares after the VM is there: half the score
/// is the memory that is free (a node that swaps slows down all its VMs), three tenths are the
/// free space of its datastore (a full one stops all of them), two tenths how little memory is
/// promised (VMs that are off may be switched on). Equals go by name. The text
/// `order` of the page says so to the reader.
pub fn rank(nodes: &Nodes, size: Size) -> Vec<Place> {
    let mut places: Vec<_> = nodes.values().map(|node| place(node, size)).collect();
    places.sort_by_key(|place| {
        let free = place.blocked.is_none();
        (
            !free,
            !place.too_small && !free,
            !place.fits,
            Reverse(place.score),
        )
    });
    places
}

fn place(node: &Node, size: Size) -> Place {
    let memory = node.memory.capacity_bytes.map(|bytes| bytes >> 20);
    let free = memory
        .zip(node.memory.usage_mb)
        .map(|(all, used)| all.saturating_sub(used));
    let datastore = node.datastore();
    let disk = datastore.and_then(|it| it.free_bytes.zip(it.capacity_bytes));
    let promised = node.allocated.memory_mb.saturating_add(size.memory_mb);

    let after = free.map(|free| free.saturating_sub(size.memory_mb));
    let memory_share = share(after, memory);
    let disk_share = share(
        disk.map(|(free, _)| free.saturating_sub(size.disk_gb << 30)),
        disk.map(|(_, all)| all),
    );
    let slack = WHOLE.saturating_sub(share(Some(promised), memory) / 2);
    let texts = &text::deferred().new_vm;
    let mut reasons = Vec::new();
    match (free, memory) {
        (Some(free), Some(all)) => reasons.push((texts.memory_free)(free, all)),
        _ => reasons.push(texts.memory_unknown.to_owned()),
    }
    match (disk, datastore.and_then(|it| it.name.as_deref())) {
        (Some((free, _)), Some(name)) => {
            reasons.push((texts.free_on)(free, name));
        }
        _ => reasons.push(texts.datastore_unknown.to_owned()),
    }
    if let Some(all) = memory.filter(|&all| all > 0) {
        let tenths = node.allocated.memory_mb.saturating_mul(10) / all;
        let promised = if tenths > 10 {
            texts.over_committed
        } else {
            texts.memory_promised
        };
        reasons.push(promised(tenths));
    }
    let takes_none = takes_none(node);
    let too_small = too_small(node, size).filter(|_| takes_none.is_none());
    Place {
        node: node.name.clone(),
        reason: reasons.join(" · "),
        too_small: too_small.is_some(),
        blocked: takes_none.or(too_small),
        fits: free.is_none_or(|free| free >= size.memory_mb),
        score: memory_share * 5 + disk_share * 3 + slack.min(WHOLE) * 2,
    }
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

fn too_small(node: &Node, size: Size) -> Option<String> {
    let texts = &text::deferred().new_vm;
    let limits = node.limits();
    if let Some(most) = limits.cpus.filter(|&most| size.cpus > most) {
        return Some((texts.few_threads)(most));
    }
    if let Some(most) = limits.memory_mb.filter(|&most| size.memory_mb > most) {
        return Some((texts.little_memory)(most));
    }
    let most = limits.disk_gb.filter(|&most| size.disk_gb > most)?;
    Some((texts.little_disk)(most))
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
        node.allocated.memory_mb = promised_gb << 10;
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
        let nodes: Nodes = nodes
            .into_iter()
            .map(|node| (node.name.clone(), Arc::new(node)))
            .collect();
        let size = Size {
            cpus: 2,
            memory_mb: 4096,
            disk_gb: 50,
        };
        rank(&nodes, size)
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
                ("e", Some("has only 40 GB free for disks")),
                ("a", Some("read-only: hosts.yml says read_only: true")),
                ("b", Some("does not answer")),
            ]
        );
    }

    #[test]
    fn the_reason_names_what_is_free_and_what_is_promised() {
        let places = ranked(vec![with("hoge", 12, 310, 96)]);
        assert_eq!(
            places.first().map(|place| place.reason.as_str()),
            Some(
                "52.0 GB of 64.0 GB memory free · 310.0 GB free on datastore1 · \
                 1.5× of memory promised, over-committed"
            )
        );
        let unknown = ranked(vec![node("fuga")]);
        assert_eq!(
            unknown.first().map(|place| place.reason.as_str()),
            Some("free memory not known · datastore not known")
        );
    }
}
