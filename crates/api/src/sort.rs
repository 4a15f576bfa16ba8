//! The sort language: `sort` of `/vms` and of the page's URL.
//!
//! Keys with commas between them, the first the most important, `-` before a key for the reverse:
//! `memory,-name`. VMs that are equal by all keys are ordered by node and id. What the node did not say
//! comes last in both directions. Of a text the first [`SORTED_CHARACTERS`] count.

use std::cmp::Ordering;
use std::fmt;
use std::iter::{Peekable, Take};
use std::net::IpAddr;
use std::str::{Chars, FromStr};
use std::sync::LazyLock;

use crate::field::{Unit, Value};
use crate::{PowerState, VM_FIELDS, Vm, VmField};

/// An order of VMs. The default is by node and id.
///
/// Its `Display` is the text that parses to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sort {
    /// The most important first, no key twice.
    keys: Vec<SortBy>,
}

/// A key with its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortBy {
    /// What to sort by.
    pub key: SortKey,
    /// Largest first.
    pub descending: bool,
}

/// What VMs can be sorted by: a field with a name in orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortKey(&'static VmField);

/// The text is no sort order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SortError {
    /// Where: index of the character, counted from 0.
    pub position: usize,
    /// What is wrong there and what would be right, as a sentence.
    pub message: String,
}

/// How many characters of a text its place depends on: a comment may be a book.
pub const SORTED_CHARACTERS: usize = 256;

/// Compares as people sort: upper and lower case the same, runs of ASCII digits by their value,
/// up to [`SORTED_CHARACTERS`]. `Equal` does not mean the same text.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    let mut left = a.chars().take(SORTED_CHARACTERS).peekable();
    let mut right = b.chars().take(SORTED_CHARACTERS).peekable();
    loop {
        let order = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                by_value(&mut left, &mut right)
            }
            (Some(x), Some(y)) => {
                left.next();
                right.next();
                if x.is_ascii() && y.is_ascii() {
                    x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase())
                } else {
                    x.to_lowercase().cmp(y.to_lowercase())
                }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Sort {
    /// Reads an order; the empty text is the default.
    ///
    /// # Errors
    ///
    /// The first key that does not exist or is there twice.
    pub fn parse(text: &str) -> Result<Self, SortError> {
        let mut keys: Vec<SortBy> = Vec::new();
        if text.is_empty() {
            return Ok(Self { keys });
        }
        let mut position = 0;
        for item in text.split(',') {
            let (descending, name) = match item.strip_prefix('-') {
                Some(name) => (true, name),
                None => (false, item),
            };
            let key = SortKey::all()
                .iter()
                .copied()
                .find(|key| key.as_str() == name)
                .ok_or_else(|| {
                    let keys: Vec<_> = SortKey::all().iter().map(|key| key.as_str()).collect();
                    SortError {
                        position: position + usize::from(descending),
                        message: format!(
                            "must be keys with commas between them, each one of {} with or \
                             without a - before it",
                            keys.join(", ")
                        ),
                    }
                })?;
            if keys.iter().any(|earlier| earlier.key == key) {
                return Err(SortError {
                    position,
                    message: format!("the key {name} is there twice"),
                });
            }
            keys.push(SortBy { key, descending });
            position += item.chars().count() + 1;
        }
        Ok(Self { keys })
    }

    /// The order by one key.
    #[must_use]
    pub fn by(key: SortKey, descending: bool) -> Self {
        Self {
            keys: vec![SortBy { key, descending }],
        }
    }

    /// Its keys, the most important first; none for the default order.
    #[must_use]
    pub fn keys(&self) -> &[SortBy] {
        &self.keys
    }

    /// Which of two VMs comes first. `Equal` only for the same VM.
    #[must_use]
    pub fn compare(&self, a: &Vm, b: &Vm) -> Ordering {
        self.keys
            .iter()
            .map(|by| by.key.compare(a, b, by.descending))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| by_node(&a.node, &b.node).then(a.vmid.cmp(&b.vmid)))
    }
}

impl FromStr for Sort {
    type Err = SortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, by) in self.keys.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let sign = if by.descending { "-" } else { "" };
            write!(f, "{comma}{sign}{}", by.key.as_str())?;
        }
        Ok(())
    }
}

impl SortKey {
    /// The key of a field, where VMs can be sorted by it.
    #[must_use]
    pub const fn of(field: &'static VmField) -> Option<Self> {
        match field.sort {
            Some(_) => Some(Self(field)),
            None => None,
        }
    }

    /// All of them.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<SortKey>> = LazyLock::new(|| {
            let keys = VM_FIELDS.iter().copied().filter_map(SortKey::of);
            listed(keys, &LISTED_FIRST, SortKey::as_str)
        });
        &ALL
    }

    /// The field.
    #[must_use]
    pub const fn field(self) -> &'static VmField {
        self.0
    }

    /// Its name in the language.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.sort.unwrap_or_default()
    }

    fn compare(self, a: &Vm, b: &Vm, descending: bool) -> Ordering {
        let Self(field) = self;
        nulls_last(known(a.known(field)), known(b.known(field)), |a, b| {
            let order = compare(field.unit, a, b);
            if descending { order.reverse() } else { order }
        })
    }
}

/// The order in which errors name the keys; those that are not here come behind them.
const LISTED_FIRST: [&str; 13] = [
    "node",
    "vmid",
    "name",
    "power",
    "ip",
    "uptime",
    "cpus",
    "memory",
    "storage",
    "comment",
    "guest_os",
    "observed_at",
    "large",
];

/// Items in the order of their names in `first`, those that are not there behind them.
pub(crate) fn listed<T: Copy>(
    items: impl Iterator<Item = T>,
    first: &[&str],
    name: fn(T) -> &'static str,
) -> Vec<T> {
    let items: Vec<_> = items.collect();
    let place = |item: &T| first.iter().position(|listed| *listed == name(*item));
    let named =
        (0..first.len()).flat_map(|at| items.iter().filter(move |item| place(item) == Some(at)));
    let others = items.iter().filter(|item| place(item).is_none());
    named.chain(others).copied().collect()
}

/// A value that has a place in an order.
fn known(value: Value<'_>) -> Option<Value<'_>> {
    match value {
        Value::Unknown | Value::Power(PowerState::Unknown) => None,
        known => Some(known),
    }
}

/// Compares two known values of one field.
fn compare(unit: Unit, a: Value<'_>, b: Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => match unit {
            Unit::Node => by_node(a, b),
            Unit::Ip => by_address(a, b),
            _ => natural(a, b),
        },
        (Value::Number(a), Value::Number(b)) => a.cmp(&b),
        (Value::Time(a), Value::Time(b)) => a.cmp(&b),
        (Value::Date(a), Value::Date(b)) => a.cmp(&b),
        (Value::Flag(a), Value::Flag(b)) => a.cmp(&b),
        (Value::Power(a), Value::Power(b)) => a.cmp(&b),
        (Value::Resources(a), Value::Resources(b)) => a.len().cmp(&b.len()),
        // The values of a field are of one kind.
        _ => Ordering::Equal,
    }
}

fn nulls_last<T>(a: Option<T>, b: Option<T>, compare: impl FnOnce(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// `Equal` for the same node only, whatever other names differ from it in.
fn by_node(a: &str, b: &str) -> Ordering {
    natural(a, b).then_with(|| a.cmp(b))
}

/// IPv4 before IPv6 before what is no address, each by its own order.
fn by_address(a: &str, b: &str) -> Ordering {
    match (a.parse::<IpAddr>(), b.parse::<IpAddr>()) {
        (Ok(x), Ok(y)) => x.cmp(&y),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => natural(a, b),
    }
}

/// Compares two runs of digits by value and moves behind both.
fn by_value(
    left: &mut Peekable<Take<Chars<'_>>>,
    right: &mut Peekable<Take<Chars<'_>>>,
) -> Ordering {
    while left.next_if_eq(&'0').is_some() {}
    while right.next_if_eq(&'0').is_some() {}
    // The longer number is the larger one; of two as long, the first other digit decides.
    let mut order = Ordering::Equal;
    loop {
        match (
            left.next_if(char::is_ascii_digit),
            right.next_if(char::is_ascii_digit),
        ) {
            (Some(x), Some(y)) => order = order.then(x.cmp(&y)),
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (None, None) => return order,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::Resource;
    use crate::vm::tests::vm;

    fn sorted(sort: &str, mut vms: Vec<Vm>) -> Vec<u32> {
        let sort = Sort::parse(sort).expect(sort);
        vms.sort_by(|a, b| sort.compare(a, b));
        vms.into_iter().map(|vm| vm.vmid).collect()
    }

    fn named(names: &[Option<&str>]) -> Vec<Vm> {
        let named = |(vmid, name): (u32, &Option<&str>)| Vm {
            name: name.map(str::to_owned),
            ..vm("hoge", vmid)
        };
        (1..).zip(names).map(named).collect()
    }

    #[test]
    fn names_sort_as_people_do_and_missing_ones_are_last_both_ways() {
        let vms = named(&[
            Some("web10"),
            None,
            Some("Web2"),
            Some("web02b"),
            Some("äther"),
            Some("DB"),
        ]);
        assert_eq!(sorted("name", vms.clone()), [6, 3, 4, 1, 5, 2]);
        assert_eq!(sorted("-name", vms), [5, 1, 4, 3, 6, 2]);
    }

    #[test]
    fn equal_vms_are_ordered_by_node_and_id_whatever_the_direction() {
        let vms = vec![vm("esxi10", 1), vm("esxi2", 9), vm("esxi2", 10)];
        for sort in ["", "name", "-name", "-cpus,large"] {
            assert_eq!(sorted(sort, vms.clone()), [9, 10, 1], "{sort}");
        }
        assert_eq!(sorted("-node", vms.clone()), [1, 9, 10]);
        assert_eq!(sorted("-vmid", vms), [10, 9, 1]);
    }

    #[test]
    fn the_second_key_decides_where_the_first_does_not() {
        let sized = |vmid, cpus, memory_mb| Vm {
            cpus,
            memory_mb,
            ..vm("hoge", vmid)
        };
        let vms = vec![
            sized(1, Some(2), Some(512)),
            sized(2, Some(2), Some(1024)),
            sized(3, None, Some(4096)),
            sized(4, Some(1), None),
        ];
        assert_eq!(sorted("-cpus,-memory", vms.clone()), [2, 1, 4, 3]);
        assert_eq!(sorted("cpus,memory", vms), [4, 1, 2, 3]);
        let vms = named(&[Some("WEB"), Some("web")]);
        assert_eq!(sorted("name,-vmid", vms), [2, 1]);
    }

    #[test]
    fn the_beginning_of_a_long_text_decides() {
        let long = |end: &str| format!("{}{end}", "x".repeat(SORTED_CHARACTERS - 1));
        let vms = named(&[Some(&long("b")), Some(&long("ab")), Some(&long("aa"))]);
        assert_eq!(sorted("name", vms), [2, 3, 1]);
    }

    #[test]
    fn addresses_sort_by_number() {
        let vms = ["192.0.2.100", "192.0.2.20", "2001:db8::1", "::2", "odd"]
            .map(Some)
            .into_iter()
            .chain([None]);
        let vms: Vec<_> = (1..)
            .zip(vms)
            .map(|(vmid, address)| Vm {
                ip_address: address.map(str::to_owned),
                ..vm("hoge", vmid)
            })
            .collect();
        assert_eq!(sorted("ip", vms.clone()), [2, 1, 4, 3, 5, 6]);
        assert_eq!(sorted("-ip", vms), [5, 3, 4, 1, 2, 6]);
    }

    #[test]
    fn an_unknown_power_state_is_last_both_ways() {
        use PowerState::{Off, On, Suspended, Unknown};
        let vms: Vec<_> = (1..)
            .zip([Unknown, Suspended, On, Off])
            .map(|(vmid, power)| Vm {
                power,
                ..vm("hoge", vmid)
            })
            .collect();
        assert_eq!(sorted("power", vms.clone()), [3, 4, 2, 1]);
        assert_eq!(sorted("-power", vms), [2, 4, 3, 1]);
    }

    #[test]
    fn a_sort_order_prints_as_it_is_read() {
        for text in ["", "memory,-name", "-large,observed_at,guest_os"] {
            assert_eq!(
                Sort::parse(text).map(|sort| sort.to_string()).as_deref(),
                Ok(text)
            );
        }
        for key in SortKey::all() {
            assert_eq!(Sort::parse(key.as_str()), Ok(Sort::by(*key, false)));
        }
    }

    #[test]
    fn an_error_points_at_the_key() {
        for (text, position) in [
            ("nmae", 0),
            ("name,-siez", 6),
            ("name,", 5),
            ("name, node", 5),
            ("--name", 1),
        ] {
            let error = Sort::parse(text).expect_err(text);
            assert_eq!(error.position, position, "{text}");
            assert!(error.message.contains("node, vmid, name, power"), "{error}");
        }
        let error = Sort::parse("name,-name").expect_err("twice");
        assert_eq!(
            (error.position, error.message.as_str()),
            (5, "the key name is there twice")
        );
    }

    prop_compose! {
        fn any_vm()(
            node in "[aA][0-2]{1,2}",
            vmid in 0_u32..4,
            name in proptest::option::of("[aAσΣİ0-2]{0,4}"),
            address in proptest::option::of(prop::sample::select(vec!["10.0.0.2", "10.0.0.10", "::1", "0:0::1", "x"])),
            cpus in proptest::option::of(0_u32..3),
            power in prop::sample::select(vec![PowerState::On, PowerState::Off, PowerState::Unknown]),
            large in prop::sample::subsequence(vec![Resource::Cpu, Resource::Memory], 0..=2),
            second in 0_i64..3,
        ) -> Vm {
            Vm {
                name,
                ip_address: address.map(str::to_owned),
                cpus,
                power,
                large,
                observed_at: DateTime::from_timestamp(second, 0).expect("in range"),
                ..vm(&node, vmid)
            }
        }
    }

    fn any_sort() -> impl Strategy<Value = Sort> {
        prop::sample::subsequence(SortKey::all().to_vec(), 0..4)
            .prop_shuffle()
            .prop_flat_map(|keys| {
                let length = keys.len();
                (Just(keys), prop::collection::vec(any::<bool>(), length))
            })
            .prop_map(|(keys, directions)| Sort {
                keys: keys
                    .into_iter()
                    .zip(directions)
                    .map(|(key, descending)| SortBy { key, descending })
                    .collect(),
            })
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,20}|[a-z_,-]{0,20}") {
            if let Err(error) = Sort::parse(&text) {
                prop_assert!(error.position <= text.chars().count());
            }
        }

        #[test]
        fn every_sort_is_a_total_order(sort in any_sort(), a in any_vm(), b in any_vm(), c in any_vm()) {
            let order = sort.compare(&a, &b);
            prop_assert_eq!(sort.compare(&b, &a), order.reverse());
            prop_assert_eq!(order.is_eq(), (&a.node, a.vmid) == (&b.node, b.vmid)
                && sort.keys.iter().all(|by| by.key.compare(&a, &b, by.descending).is_eq()));
            if order.is_le() && sort.compare(&b, &c).is_le() {
                prop_assert!(sort.compare(&a, &c).is_le());
            }
        }
    }
}
