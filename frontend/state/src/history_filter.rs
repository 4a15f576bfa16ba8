//! Which lines of the history are shown, as the address says.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use ecoman_api::EventKind;
use form_urlencoded::Serializer;

use crate::inventory::VmKey;
use crate::route::Route;

/// Kinds of lines that are chosen together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryGroup {
    /// Tasks that have ended.
    Tasks,
    /// Switched on or off.
    Power,
    /// Came and went.
    Presence,
    /// Another size.
    Size,
    /// Another address.
    Address,
    /// Another name, other notes.
    Names,
    /// Of the nodes themselves.
    Nodes,
}

impl HistoryGroup {
    /// In the order on the page.
    pub const ALL: [Self; 7] = [
        Self::Tasks,
        Self::Power,
        Self::Presence,
        Self::Size,
        Self::Address,
        Self::Names,
        Self::Nodes,
    ];

    /// The kinds in it.
    pub fn kinds(self) -> &'static [EventKind] {
        match self {
            Self::Tasks => &[EventKind::Task],
            Self::Power => &[EventKind::Power],
            Self::Presence => &[EventKind::VmAppeared, EventKind::VmGone],
            Self::Size => &[EventKind::Cpus, EventKind::Memory],
            Self::Address => &[EventKind::Address],
            Self::Names => &[EventKind::Name, EventKind::Notes],
            Self::Nodes => &[EventKind::NodeAway, EventKind::NodeBack],
        }
    }
}

/// What the history is narrowed down to, as the address says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// `None`: of every VM.
    pub vm: Option<VmKey>,
    /// `None`: of every node.
    pub node: Option<String>,
    /// `None`: of every user and nobody.
    pub user: Option<String>,
    /// Empty: of every kind.
    pub kinds: Vec<EventKind>,
    /// A day of the reader; `None`: every day.
    pub day: Option<NaiveDate>,
    /// Words that stand in the line; empty: any.
    pub text: String,
}

impl HistoryFilter {
    /// The lines of a VM.
    pub fn of_vm(vm: VmKey) -> Self {
        Self {
            vm: Some(vm),
            ..Self::default()
        }
    }

    /// The lines of a node and its VMs.
    pub fn of_node(node: String) -> Self {
        Self {
            node: Some(node),
            ..Self::default()
        }
    }

    /// Reads the query of an address; what it does not know is left out.
    pub fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            match key.as_ref() {
                "vm" => filter.vm = vm_key(&value),
                "node" if !value.is_empty() => filter.node = Some(value.into_owned()),
                "user" if !value.is_empty() => filter.user = Some(value.into_owned()),
                "kind" => {
                    let named =
                        |kind: &EventKind| value.split(',').any(|word| word == kind.as_str());
                    filter.kinds = EventKind::ALL.into_iter().filter(named).collect();
                }
                "day" => filter.day = day(&value),
                "q" => filter.text = value.into_owned(),
                _ => {}
            }
        }
        filter
    }

    /// The parameters that address and API have in common.
    fn common(&self) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        if let Some(vm) = &self.vm {
            query.append_pair("vm", &format!("{}/{}", vm.node, vm.vmid));
        }
        for (key, value) in [("node", &self.node), ("user", &self.user)] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        if !self.kinds.is_empty() {
            let words: Vec<_> = self.kinds.iter().map(|it| it.as_str()).collect();
            query.append_pair("kind", &words.join(","));
        }
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        query
    }

    /// The address of the history with this filter.
    pub fn to_url(&self) -> String {
        let mut query = self.common();
        if let Some(day) = self.day {
            query.append_pair("day", &written(day));
        }
        let path = Route::History.path();
        match query.finish() {
            query if query.is_empty() => path,
            query => format!("{path}?{query}"),
        }
    }

    /// The parameters for the API. `midnight`: when a day begins where the reader is.
    pub fn to_api(&self, midnight: impl Fn(NaiveDate) -> DateTime<Utc>) -> String {
        let mut query = self.common();
        if let Some(day) = self.day {
            let mut bound = |key, day| {
                query.append_pair(key, &crate::format::machine(midnight(day)));
            };
            bound("since", day);
            if let Some(next) = day.succ_opt() {
                bound("until", next);
            }
        }
        query.finish()
    }

    /// Whether lines of this group are chosen.
    pub fn has(&self, group: HistoryGroup) -> bool {
        group.kinds().iter().all(|kind| self.kinds.contains(kind))
    }

    /// The filter with this group added, or without it if it is there.
    pub fn toggled(mut self, group: HistoryGroup) -> Self {
        let had = self.has(group);
        self.kinds.retain(|kind| !group.kinds().contains(kind));
        if !had {
            self.kinds.extend(group.kinds());
        }
        self.kinds.sort_unstable();
        self
    }
}

/// A day as addresses and the fields of browsers have it: `2026-11-28`.
pub fn written(day: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

/// A day from its text; `None`: it is none.
pub fn day(text: &str) -> Option<NaiveDate> {
    // Not by chrono's format strings: what interprets them would be a tenth of the page.
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, month, parts.next()?.parse().ok()?)
}

fn vm_key(text: &str) -> Option<VmKey> {
    let (node, vmid) = text.rsplit_once('/')?;
    Some(VmKey {
        node: node.to_owned(),
        vmid: vmid.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let all = HistoryFilter {
            vm: Some(VmKey {
                node: String::from("ノード/1"),
                vmid: 14,
            }),
            node: Some(String::from("a&b=c")),
            user: Some(String::from("alice+bob")),
            kinds: vec![EventKind::Power, EventKind::Task],
            day: NaiveDate::from_ymd_opt(2026, 11, 2),
            text: String::from("power on & off"),
        };
        for filter in [HistoryFilter::default(), all] {
            let url = filter.to_url();
            let query = url.strip_prefix("/history").expect("its path");
            assert_eq!(HistoryFilter::parse(query), filter, "{url}");
        }
        assert_eq!(HistoryFilter::default().to_url(), "/history");
        let strange = "?vm=hoge&vm=x/y&node=&kind=else&day=2026-02-30&page=2";
        assert_eq!(HistoryFilter::parse(strange), HistoryFilter::default());
    }

    #[test]
    fn a_day_is_that_of_the_reader() {
        let filter = HistoryFilter::parse("?day=2026-10-25&q=web");
        // A day of 25 hours.
        let midnight = |day: NaiveDate| {
            let hours = if day.day() > 25 { 23 } else { 22 };
            let before = day.pred_opt().and_then(|day| day.and_hms_opt(hours, 0, 0));
            before.expect("a time").and_utc()
        };
        assert_eq!(
            filter.to_api(midnight),
            "q=web&since=2026-10-24T22%3A00%3A00Z&until=2026-10-25T23%3A00%3A00Z"
        );
    }

    #[test]
    fn groups_are_chosen_one_by_one_and_hold_every_kind_once() {
        let mut kinds: Vec<_> = HistoryGroup::ALL
            .iter()
            .flat_map(|group| group.kinds())
            .collect();
        kinds.sort_unstable();
        assert!(kinds.iter().copied().eq(&EventKind::ALL));
        let both = HistoryFilter::default()
            .toggled(HistoryGroup::Tasks)
            .toggled(HistoryGroup::Presence);
        assert!(both.has(HistoryGroup::Tasks) && both.has(HistoryGroup::Presence));
        assert!(!both.has(HistoryGroup::Power));
        assert!(both.to_url().contains("kind=vm_appeared%2Cvm_gone%2Ctask"));
        let one = both.toggled(HistoryGroup::Presence);
        assert_eq!(one.kinds, [EventKind::Task]);
    }
}
