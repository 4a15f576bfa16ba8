//! The table of nodes: its order and what stands below it.

use std::cmp::Ordering;

use ecoman_api::{Allocated, Node};

use crate::inventory::Nodes;
use crate::route::Route;

/// What the table can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The name.
    Name,
    /// VMs that are powered on.
    VmsOn,
    /// Use of the CPUs, by share.
    Cpu,
    /// Memory that is free.
    FreeMemory,
    /// Memory of powered-on VMs, by share of the node's.
    ProvisionedOn,
    /// Memory of all VMs, by share of the node's.
    Provisioned,
    /// The free space of the datastore that has most of it.
    Datastore,
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: Column,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// The columns by their names in the address.
const NAMES: [(Column, &str); 7] = [
    (Column::Name, "name"),
    (Column::VmsOn, "on"),
    (Column::Cpu, "cpu"),
    (Column::FreeMemory, "free"),
    (Column::ProvisionedOn, "provisioned_on"),
    (Column::Provisioned, "provisioned"),
    (Column::Datastore, "datastore"),
];

impl Default for Order {
    fn default() -> Self {
        Self {
            column: Column::Name,
            descending: false,
        }
    }
}

impl Order {
    /// The order in the query of an address.
    pub fn from_query(query: &str) -> Self {
        let given = form_urlencoded::parse(query.trim_start_matches('?').as_bytes())
            .find_map(|(key, value)| (key == "sort").then(|| value.into_owned()));
        let text = given.unwrap_or_default();
        let name = text.strip_prefix('-').unwrap_or(&text);
        let column = NAMES.iter().find(|(_, known)| *known == name);
        column.map_or_else(Self::default, |&(column, _)| Self {
            column,
            descending: text.starts_with('-'),
        })
    }

    /// The address of the table in this order.
    pub fn to_url(self) -> String {
        let path = Route::Nodes.path();
        if self == Self::default() {
            return path;
        }
        let name = NAMES
            .iter()
            .find_map(|&(column, name)| (column == self.column).then_some(name));
        let sign = if self.descending { "-" } else { "" };
        format!("{path}?sort={sign}{}", name.unwrap_or_default())
    }

    /// The order after a click on the heading of a column: the largest first, except of names.
    #[must_use]
    pub fn click(self, column: Column) -> Self {
        let descending = if self.column == column {
            !self.descending
        } else {
            column != Column::Name
        };
        Self { column, descending }
    }

    /// The names of the nodes in this order. What is not known comes last, and equals go by name.
    pub fn names(self, nodes: &Nodes) -> Vec<String> {
        let mut all: Vec<_> = nodes.values().collect();
        all.sort_by(|a, b| self.compare(a, b).then_with(|| a.name.cmp(&b.name)));
        all.into_iter().map(|node| node.name.clone()).collect()
    }

    fn compare(self, a: &Node, b: &Node) -> Ordering {
        if self.column == Column::Name {
            let order = a.name.cmp(&b.name);
            return if self.descending {
                order.reverse()
            } else {
                order
            };
        }
        match (self.column.value(a), self.column.value(b)) {
            (Some(a), Some(b)) if self.descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

impl Column {
    fn value(self, node: &Node) -> Option<u64> {
        let share =
            |part: u64, whole: u64| (whole > 0).then(|| part.saturating_mul(10_000) / whole);
        match self {
            Self::Name => None,
            Self::VmsOn => Some(node.vms.on),
            Self::Cpu => share(node.cpu.usage_mhz?, cpu_mhz(node)?),
            Self::FreeMemory => node.memory.free_mb,
            Self::ProvisionedOn => share(node.allocated_on.memory_mb, memory_mb(node)?),
            Self::Provisioned => share(node.allocated.memory_mb, memory_mb(node)?),
            Self::Datastore => node.datastores.iter().filter_map(|it| it.free_bytes).max(),
        }
    }
}

/// The clock of all cores of a node together.
pub fn cpu_mhz(node: &Node) -> Option<u64> {
    let (cores, mhz) = node.cpu.cores.zip(node.cpu.mhz)?;
    Some(u64::from(cores).saturating_mul(mhz))
}

/// The memory of a node in MB.
pub fn memory_mb(node: &Node) -> Option<u64> {
    node.memory.capacity_bytes.map(|bytes| bytes >> 20)
}

/// What VMs are given of the memory of a node, in hundredths of it.
pub fn share_of_memory(allocated: &Allocated, node: &Node) -> Option<u64> {
    let all = memory_mb(node).filter(|&all| all > 0)?;
    Some(allocated.memory_mb.saturating_mul(100) / all)
}

/// What all nodes have together, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Nodes that answer.
    pub answering: usize,
    /// Nodes.
    pub nodes: usize,
    /// VMs that are on.
    pub vms_on: u64,
    /// VMs.
    pub vms: u64,
    /// Free memory.
    pub free_mb: u64,
    /// Memory.
    pub memory_mb: u64,
    /// Memory of VMs that are on.
    pub provisioned_on_mb: u64,
    /// Memory of all VMs.
    pub provisioned_mb: u64,
}

impl Totals {
    /// The sums over these nodes.
    pub fn of(nodes: &Nodes) -> Self {
        let mut sums = Self::default();
        let add = |sum: &mut u64, part: u64| *sum = sum.saturating_add(part);
        for node in nodes.values() {
            sums.nodes += 1;
            sums.answering += usize::from(node.reachable == Some(true));
            add(&mut sums.vms_on, node.vms.on);
            add(&mut sums.vms, node.vms.total);
            add(&mut sums.free_mb, node.memory.free_mb.unwrap_or(0));
            add(&mut sums.memory_mb, memory_mb(node).unwrap_or(0));
            add(&mut sums.provisioned_on_mb, node.allocated_on.memory_mb);
            add(&mut sums.provisioned_mb, node.allocated.memory_mb);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::format::tests::node;

    fn nodes() -> Nodes {
        let with = |name: &str, free_gb: Option<u64>, on_gb: u64| {
            let mut node = node(name);
            node.memory.capacity_bytes = free_gb.map(|_| 64 << 30);
            node.memory.free_mb = free_gb.map(|gb| gb << 10);
            node.allocated_on.memory_mb = on_gb << 10;
            node.allocated.memory_mb = (on_gb + 100) << 10;
            node.vms.on = 2;
            node.vms.total = 3;
            node.reachable = free_gb.map(|_| true);
            (name.to_owned(), Arc::new(node))
        };
        [
            with("a", Some(10), 80),
            with("b", None, 0),
            with("c", Some(40), 20),
            with("d", Some(10), 10),
        ]
        .into_iter()
        .collect()
    }

    fn names(query: &str) -> Vec<String> {
        Order::from_query(query).names(&nodes())
    }

    #[test]
    fn what_is_not_known_comes_last_either_way() {
        assert_eq!(names(""), ["a", "b", "c", "d"]);
        assert_eq!(names("?sort=-free"), ["c", "a", "d", "b"]);
        assert_eq!(names("?sort=free"), ["a", "d", "c", "b"]);
        assert_eq!(names("?sort=-provisioned_on"), ["a", "c", "d", "b"]);
        assert_eq!(names("?sort=-name"), ["d", "c", "b", "a"]);
        assert_eq!(names("?sort=nonsense"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_click_orders_by_the_largest_and_then_the_other_way_round() {
        let free = Order::default().click(Column::FreeMemory);
        assert_eq!(free.to_url(), "/nodes?sort=-free");
        assert_eq!(free.click(Column::FreeMemory).to_url(), "/nodes?sort=free");
        assert_eq!(free.click(Column::Name).to_url(), "/nodes");
        for (column, _) in NAMES {
            let order = Order::default().click(column);
            let url = order.to_url();
            let query = url.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(Order::from_query(query), order, "{url}");
        }
    }

    #[test]
    fn the_sums_leave_out_what_is_not_known() {
        let sums = Totals::of(&nodes());
        assert_eq!((sums.answering, sums.nodes), (3, 4));
        assert_eq!((sums.free_mb >> 10, sums.memory_mb >> 10), (60, 192));
        assert_eq!(sums.provisioned_on_mb >> 10, 110);
        assert_eq!((sums.vms_on, sums.vms), (8, 12));
    }
}
