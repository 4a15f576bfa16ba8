//! What the VM list shows: filter, chips and order, kept in the URL.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ecoman_api::text::first_load::Columns;
use ecoman_api::{Filter, FilterError, Moment, Sort, SortKey, Unit, Vm, VmField, Word, vm_field};
use form_urlencoded::Serializer;

use crate::inventory::{Nodes, Row, VmTable, seen_at};
use crate::text;

/// A column of the list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What it shows.
    pub field: &'static VmField,
    /// Its class in the style sheet.
    pub class: &'static str,
    title: fn(&Columns) -> &'static str,
}

/// The columns in their order on the page.
pub const COLUMNS: [Column; 12] = [
    column(vm_field::power, "c-power", |titles| titles.power),
    column(vm_field::node, "c-node", |titles| titles.node),
    column(vm_field::vmid, "c-vmid num", |titles| titles.vmid),
    column(vm_field::name, "c-name", |titles| titles.name),
    column(vm_field::ip_address, "c-ip", |titles| titles.ip),
    column(vm_field::uptime_seconds, "c-uptime num", |titles| {
        titles.uptime
    }),
    column(vm_field::cpus, "c-cpu num", |titles| titles.cpus),
    column(vm_field::memory_mb, "c-ram num", |titles| titles.memory),
    column(vm_field::storage_bytes, "c-storage num", |titles| {
        titles.storage
    }),
    column(vm_field::guest_os, "c-guest", |titles| titles.guest_os),
    column(vm_field::comment, "c-comment", |titles| titles.comment),
    AGE,
];

/// The time since a VM was last seen, which moves on by itself.
pub const AGE: Column = column(vm_field::observed_at, "c-age num", |titles| titles.age);

const fn column(
    field: &'static VmField,
    class: &'static str,
    title: fn(&Columns) -> &'static str,
) -> Column {
    Column {
        field,
        class,
        title,
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field
    }
}

impl Column {
    /// Its heading.
    pub fn title(self) -> &'static str {
        (self.title)(&text::first_load().list.columns)
    }

    /// Who looks at sizes looks for the big ones.
    fn descending_first(self) -> bool {
        match self.field.unit {
            Unit::Count
            | Unit::Megabytes
            | Unit::Bytes
            | Unit::Megahertz
            | Unit::Seconds
            | Unit::Time
            | Unit::Date => true,
            Unit::Text
            | Unit::Node
            | Unit::Vmid
            | Unit::Ip
            | Unit::Flag
            | Unit::Power
            | Unit::Tools
            | Unit::Resources
            | Unit::Question
            | Unit::Pending => false,
        }
    }

    /// An age grows as its time lies further back.
    fn inverted(self) -> bool {
        self == AGE
    }

    /// How the list is sorted by this column: `None`, or whether largest first.
    pub fn descending(self, sort: &Sort) -> Option<bool> {
        let (field, descending) = match sort.keys().first() {
            Some(by) => (by.key.field(), by.descending),
            None => (vm_field::node, false),
        };
        (field == self.field).then_some(descending != self.inverted())
    }

    /// The order after a click on the heading: the other direction, or this column's first one.
    pub fn click(self, sort: &Sort) -> Sort {
        let descending = match self.descending(sort) {
            Some(descending) => !descending,
            None => self.descending_first(),
        };
        match SortKey::of(self.field) {
            Some(key) if self.field != vm_field::node || descending => {
                Sort::by(key, descending != self.inverted())
            }
            _ => Sort::default(),
        }
    }
}

/// A chip: a question of yes or no about a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// Powered on.
    Running,
    /// Powered off.
    Off,
    /// Large by any resource.
    Large,
    /// Old facts.
    Stale,
    /// Waiting for an answer.
    Question,
    /// With a change that waits until it is off.
    Pending,
}

impl Chip {
    /// In the order on the page.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Off,
        Self::Large,
        Self::Stale,
        Self::Question,
        Self::Pending,
    ];

    /// Its label.
    pub fn label(self) -> &'static str {
        let chips = &text::first_load().list.chips;
        match self {
            Self::Running => chips.running,
            Self::Off => chips.off,
            Self::Large => chips.large,
            Self::Stale => chips.stale,
            Self::Question => chips.question,
            Self::Pending => chips.pending,
        }
    }

    /// Its name in the URL.
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Off => "off",
            Self::Large => "large",
            Self::Stale => "stale",
            Self::Question => "question",
            Self::Pending => "pending",
        }
    }

    /// The field that it asks for, and the word of the filter language for its value.
    fn term(self) -> (&'static VmField, &'static str) {
        match self {
            Self::Running => (vm_field::power, "on"),
            Self::Off => (vm_field::power, "off"),
            Self::Large => (vm_field::large, "true"),
            Self::Stale => (vm_field::stale, "true"),
            Self::Question => (vm_field::question, "true"),
            Self::Pending => (vm_field::pending, "true"),
        }
    }

    fn test(self) -> ChipTest {
        let (field, wanted) = self.term();
        let word = field.unit.words().iter().find(|word| word.text == wanted);
        ChipTest { field, word }
    }
}

/// What a chip asks, ready for many VMs.
#[derive(Clone, Copy)]
struct ChipTest {
    field: &'static VmField,
    word: Option<&'static Word>,
}

impl ChipTest {
    fn matches(self, vm: &Vm) -> bool {
        self.word
            .is_some_and(|word| (word.means)(self.field.of(vm)))
    }
}

/// The chips that are pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chips([bool; Chip::ALL.len()]);

impl Chips {
    /// Whether a chip is pressed.
    pub fn has(self, chip: Chip) -> bool {
        self.0.get(chip as usize).copied().unwrap_or_default()
    }

    /// With one chip turned over.
    pub fn toggled(mut self, chip: Chip) -> Self {
        if let Some(pressed) = self.0.get_mut(chip as usize) {
            *pressed = !*pressed;
        }
        self
    }

    /// Whether no chip is pressed.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn pressed(self) -> impl Iterator<Item = Chip> {
        Chip::ALL.into_iter().filter(move |&chip| self.has(chip))
    }
}

/// Whether a VM is shown while these chips are pressed: chips of one field are alternatives, those
/// of another are asked on top.
fn passes(pressed: &[ChipTest], vm: &Vm) -> bool {
    pressed.iter().all(|chip| {
        let mut alternatives = pressed.iter().filter(|other| other.field == chip.field);
        alternatives.any(|chip| chip.matches(vm))
    })
}

/// What the list is asked to show, as it stands in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// The text of the filter box, right or wrong.
    pub filter: String,
    /// The chips.
    pub chips: Chips,
    /// The order.
    pub sort: Sort,
}

impl ListQuery {
    /// Reads the query part of a URL, with or without its question mark. What it does not know it
    /// ignores: the address was typed by a person or comes from another version.
    pub fn parse(query: &str) -> Self {
        let mut out = Self::default();
        for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            match key.as_ref() {
                "q" => out.filter = value.into_owned(),
                "show" => {
                    for chip in Chip::ALL {
                        if value.split(',').any(|word| word == chip.word()) && !out.chips.has(chip)
                        {
                            out.chips = out.chips.toggled(chip);
                        }
                    }
                }
                "sort" => out.sort = Sort::parse(&value).unwrap_or_default(),
                _ => {}
            }
        }
        out
    }

    /// The VMs of one node.
    pub fn of_node(name: &str) -> Self {
        let quoted = name.replace('\\', r"\\").replace('"', r#"\""#);
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        Self {
            filter: if plain {
                format!("node:{name}")
            } else {
                format!("node:\"{quoted}\"")
            },
            ..Self::default()
        }
    }

    /// The query part of the same list in the API, with its question mark: there, chips are terms
    /// of the filter.
    pub fn to_api(&self) -> String {
        let mut filter = self.filter.clone();
        let mut and = |term: &str| {
            filter.push(' ');
            filter.push_str(term);
        };
        let mut asked: Vec<(&VmField, String)> = Vec::new();
        for (field, word) in self.chips.pressed().map(Chip::term) {
            match asked.iter_mut().find(|(known, _)| *known == field) {
                Some((_, words)) => *words = format!("{words},{word}"),
                None => asked.push((field, word.to_owned())),
            }
        }
        for (field, words) in asked {
            let name = field.filter.map_or(field.name, |filter| filter.name);
            and(&format!("{name}:{words}"));
        }
        let mut out = Serializer::new(String::from("?"));
        out.append_pair("q", filter.trim());
        out.append_pair("sort", &self.sort.to_string());
        out.finish()
    }

    /// The query part of the URL with its question mark; empty where everything is default.
    pub fn to_url(&self) -> String {
        let mut out = Serializer::new(String::new());
        if !self.filter.is_empty() {
            out.append_pair("q", &self.filter);
        }
        let words: Vec<_> = self.chips.pressed().map(Chip::word).collect();
        if !words.is_empty() {
            out.append_pair("show", &words.join(","));
        }
        let sort = self.sort.to_string();
        if !sort.is_empty() {
            out.append_pair("sort", &sort);
        }
        match out.finish() {
            // Commas and colons are allowed in a query, and this is one to be read by people.
            query if !query.is_empty() => {
                format!("?{}", query.replace("%2C", ",").replace("%3A", ":"))
            }
            _ => String::new(),
        }
    }
}

/// The rows that match, in order, and what was counted on the way.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// What is shown.
    pub rows: Arc<Vec<Arc<Row>>>,
    /// For each chip, in the order of [`Chip::ALL`]: how many VMs it would match among those
    /// that match the filter.
    pub counts: [usize; Chip::ALL.len()],
    /// How many VMs there are.
    pub total: usize,
}

impl Listing {
    /// Picks out of `ordered` what matches at `now`.
    pub fn select(
        ordered: &[Arc<Row>],
        filter: &Filter,
        chips: Chips,
        nodes: &Nodes,
        now: DateTime<Utc>,
    ) -> Self {
        let seen_at = |vm: &Vm| seen_at(vm, nodes);
        let moment = Moment::new(now, &seen_at);
        let mut counts = [0; Chip::ALL.len()];
        let tests = Chip::ALL.map(Chip::test);
        let pressed: Vec<_> = chips.pressed().map(Chip::test).collect();
        let rows = ordered
            .iter()
            .filter(|row| filter.matches_prepared(&row.vm, &row.searchable, &moment))
            .inspect(|row| {
                for (count, chip) in counts.iter_mut().zip(tests) {
                    *count += usize::from(chip.matches(&row.vm));
                }
            })
            .filter(|row| passes(&pressed, &row.vm))
            .cloned()
            .collect();
        Self {
            rows: Arc::new(rows),
            counts,
            total: ordered.len(),
        }
    }

    /// The one before where it shows the same: a selection that follows the time changes
    /// seldom.
    #[must_use]
    pub fn or_same(self, before: Option<&Self>) -> Self {
        let same = before.filter(|before| {
            let rows = before.rows.iter().zip(self.rows.iter());
            before.rows.len() == self.rows.len()
                && before.counts == self.counts
                && before.total == self.total
                && { rows }.all(|(before, now)| Arc::ptr_eq(before, now))
        });
        same.cloned().unwrap_or(self)
    }

    /// For one chip: how many VMs it would match among those that match the filter.
    pub fn count(&self, chip: Chip) -> usize {
        self.counts.get(chip as usize).copied().unwrap_or_default()
    }
}

/// What of a filter with a mistake in it holds: the terms before the one with the mistake.
pub fn before_mistake(text: &str, error: &FilterError) -> Filter {
    let until: String = text.chars().take(error.position).collect();
    let mut good = until.as_str();
    // Blanks within quotes are no ends of terms, which shows in what stands before them.
    while let Some(blank) = good.rfind(char::is_whitespace) {
        let cut = good.get(blank..).unwrap_or_default().trim_start();
        good = good.get(..blank).unwrap_or_default();
        // What stands before an operator is no word, but a field.
        if cut.starts_with(['>', '<', '=']) || cut.starts_with("!=") {
            continue;
        }
        // The mistake may lie within brackets.
        let open = good.matches('(').count();
        let closed = (0..=open).map(|brackets| format!("{good}{}", ")".repeat(brackets)));
        if let Some(filter) = closed.flat_map(|text| Filter::parse(&text)).next() {
            return filter;
        }
    }
    Filter::default()
}

impl PartialEq for Listing {
    /// Whether it is the very same selection, not merely one that looks so.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rows, &other.rows)
            && self.counts == other.counts
            && self.total == other.total
    }
}

/// All rows in order.
pub fn ordered(table: &VmTable, sort: &Sort, nodes: &Nodes) -> Vec<Arc<Row>> {
    let mut rows = table.rows().to_vec();
    match sort.keys() {
        // The age that is shown is younger than the VM's own time: see `seen_at`.
        [by, ..] if by.key.field() == vm_field::observed_at => {
            let mut timed: Vec<_> = rows
                .into_iter()
                .map(|row| (seen_at(&row.vm, nodes), row))
                .collect();
            timed.sort_unstable_by(|(a_time, a), (b_time, b)| {
                let order = a_time.cmp(b_time);
                let order = if by.descending {
                    order.reverse()
                } else {
                    order
                };
                order.then_with(|| Sort::default().compare(&a.vm, &b.vm))
            });
            rows = timed.into_iter().map(|(_, row)| row).collect();
        }
        _ => sort_rows(&mut rows, sort),
    }
    rows
}

/// Puts rows in order, which no two VMs share a place in: a sort that may swap equals is smaller.
pub fn sort_rows(rows: &mut [Arc<Row>], sort: &Sort) {
    rows.sort_unstable_by(|a, b| sort.compare(&a.vm, &b.vm));
}

#[cfg(test)]
mod tests {
    use ecoman_api::{PowerState, Resource};

    use super::*;
    use crate::format::tests::vm;

    fn table() -> VmTable {
        let power = |vmid, power| Vm {
            power,
            ..vm("hoge", vmid)
        };
        VmTable::new(vec![
            Vm {
                large: vec![Resource::Cpu],
                ..power(1, PowerState::On)
            },
            power(2, PowerState::On),
            Vm {
                stale: true,
                ..power(3, PowerState::Off)
            },
            Vm {
                large: vec![Resource::Memory],
                ..power(4, PowerState::Off)
            },
            power(5, PowerState::Suspended),
        ])
    }

    fn chips(chosen: &[Chip]) -> Chips {
        chosen
            .iter()
            .fold(Chips::default(), |chips, &chip| chips.toggled(chip))
    }

    fn shown(filter: &str, chosen: &[Chip]) -> Vec<u32> {
        let rows = ordered(&table(), &Sort::default(), &Nodes::new());
        let filter = Filter::parse(filter).expect("a filter");
        let now = DateTime::UNIX_EPOCH;
        let listing = Listing::select(&rows, &filter, chips(chosen), &Nodes::new(), now);
        listing.rows.iter().map(|row| row.vm.vmid).collect()
    }

    #[test]
    fn power_chips_are_alternatives_and_the_others_are_asked_on_top() {
        assert_eq!(shown("", &[]), [1, 2, 3, 4, 5]);
        assert_eq!(shown("", &[Chip::Running]), [1, 2]);
        assert_eq!(shown("", &[Chip::Running, Chip::Off]), [1, 2, 3, 4]);
        assert_eq!(shown("", &[Chip::Off, Chip::Large]), [4]);
        assert_eq!(shown("", &[Chip::Large, Chip::Stale]), Vec::<u32>::new());
        assert_eq!(shown("vmid:>2", &[Chip::Large]), [4]);
    }

    #[test]
    fn the_api_is_asked_for_the_same_list() {
        for pressed in 0..1_usize << Chip::ALL.len() {
            let is_pressed = |chip: &Chip| pressed & (1 << *chip as usize) != 0;
            let chosen: Vec<_> = Chip::ALL.into_iter().filter(is_pressed).collect();
            let query = ListQuery {
                filter: String::from("vmid:<5"),
                chips: chips(&chosen),
                sort: Sort::parse("-name").expect("an order"),
            };
            let asked = query.to_api();
            let asked = form_urlencoded::parse(asked.trim_start_matches('?').as_bytes());
            let asked: Vec<_> = asked.into_owned().collect();
            let [(q, filter), (sort, order)] = asked.as_slice() else {
                panic!("two parameters, not {asked:?}");
            };
            assert_eq!([q, sort, order], ["q", "sort", "-name"]);
            assert_eq!(shown(filter, &[]), shown("vmid:<5", &chosen), "{filter}");
        }
    }

    #[test]
    fn a_chip_counts_what_matches_the_filter_whatever_else_is_pressed() {
        let rows = ordered(&table(), &Sort::default(), &Nodes::new());
        let filter = Filter::parse("vmid:<4").expect("a filter");
        let chips = chips(&[Chip::Stale]);
        let now = DateTime::UNIX_EPOCH;
        let listing = Listing::select(&rows, &filter, chips, &Nodes::new(), now);
        assert_eq!(listing.counts, [2, 1, 1, 1, 0, 0]);
        assert_eq!((listing.rows.len(), listing.total), (1, 5));
    }

    #[test]
    fn the_last_round_of_the_node_counts_for_the_time_since_a_vm_was_seen() {
        let rows = ordered(&table(), &Sort::default(), &Nodes::new());
        let round = crate::fixtures::time("2026-11-22T14:00:00Z");
        let hoge = ecoman_api::Node {
            observed_at: Some(round),
            ..crate::format::tests::node("hoge")
        };
        let nodes = Nodes::from([("hoge".to_owned(), Arc::new(hoge))]);
        let filter = Filter::parse("seen:<1h").expect("a filter");
        let at = |minutes| {
            let now = round + chrono::TimeDelta::minutes(minutes);
            Listing::select(&rows, &filter, Chips::default(), &nodes, now)
        };
        let vmids =
            |listing: &Listing| -> Vec<_> { listing.rows.iter().map(|row| row.vm.vmid).collect() };
        let first = at(59);
        assert_eq!(vmids(&first), [1, 2, 4, 5], "the third is stale");
        assert!(at(58).or_same(Some(&first)) == first, "it is the very same");
        assert_eq!(vmids(&at(60).or_same(Some(&first))), Vec::<u32>::new());
    }

    #[test]
    fn a_term_that_is_being_typed_does_not_empty_the_list() {
        for (text, good) in [
            ("cpus:", ""),
            ("cpus:>4X", ""),
            ("web ram > 8", "web"),
            ("web ram >", "web"),
            ("web cpus:", "web"),
            ("web node:hoge memory:>", "web node:hoge"),
            ("\"a b\" name:\"c d", "\"a b\""),
            ("\"a b", ""),
            ("node:hoge colour:red", "node:hoge"),
            ("web OR", "web"),
            ("(web OR (db cpus:", "(web OR (db))"),
        ] {
            let error = Filter::parse(text).expect_err("half a term");
            let expected = Filter::parse(good).expect("a filter");
            assert_eq!(before_mistake(text, &error), expected, "{text}");
        }
    }

    #[test]
    fn the_url_brings_back_the_same_list() {
        for query in [
            ListQuery::default(),
            ListQuery {
                filter: String::from("name:\"a b\" & 50% +x ノード"),
                chips: chips(&[Chip::Running, Chip::Stale]),
                sort: Sort::parse("-memory,name").expect("an order"),
            },
        ] {
            let url = query.to_url();
            assert_eq!(ListQuery::parse(&url), query, "{url}");
        }
        assert_eq!(ListQuery::default().to_url(), "");
        assert_eq!(
            ListQuery::parse("q=node:hoge&show=off,large&sort=-memory").to_url(),
            "?q=node:hoge&show=off,large&sort=-memory"
        );
    }

    #[test]
    fn the_vms_of_a_node_are_found_whatever_it_is_called() {
        for name in ["hoge", "ノード 1", r#"a"b\c,d"#, "x:y", "!z"] {
            let query = ListQuery::of_node(name);
            let filter = Filter::parse(&query.filter).expect("a filter");
            let finds = |node| filter.matches(&vm(node, 1), DateTime::UNIX_EPOCH);
            assert!(finds(name), "{}", query.filter);
            assert!(!finds("else"), "{}", query.filter);
        }
    }

    #[test]
    fn an_address_with_mistakes_still_shows_a_list() {
        assert_eq!(
            ListQuery::parse("sort=colour&show=blue&x=y&&="),
            ListQuery::default()
        );
    }

    fn of(field: &VmField) -> Column {
        *COLUMNS
            .iter()
            .find(|column| column.field == field)
            .expect("a column")
    }

    #[test]
    fn a_second_click_turns_the_order_round() {
        let by_name = of(vm_field::name).click(&Sort::default());
        assert_eq!(by_name.to_string(), "name");
        assert_eq!(of(vm_field::name).click(&by_name).to_string(), "-name");
        let by_memory = of(vm_field::memory_mb).click(&by_name);
        assert_eq!(by_memory.to_string(), "-memory");
        assert_eq!(
            of(vm_field::memory_mb).click(&by_memory).to_string(),
            "memory"
        );
        assert_eq!(of(vm_field::node).click(&by_memory), Sort::default());
        assert_eq!(
            of(vm_field::node).click(&Sort::default()).to_string(),
            "-node"
        );
    }

    #[test]
    fn the_oldest_age_is_the_earliest_time() {
        let oldest_first = AGE.click(&Sort::default());
        assert_eq!(oldest_first.to_string(), "observed_at");
        assert_eq!(AGE.descending(&oldest_first), Some(true));
        assert_eq!(of(vm_field::name).descending(&oldest_first), None);
        assert_eq!(of(vm_field::node).descending(&Sort::default()), Some(false));
    }
}
