//! What a term asks of a VM.

use std::net::IpAddr;

use super::searchable::{Searchable, TextField};
use crate::{PowerState, Resource, Vm};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Term {
    pub(super) negated: bool,
    pub(super) test: Test,
}

/// What a term asks; where there are several values, any of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// Folded text in any of the word fields.
    Word(String),
    /// Folded texts in one field.
    Text(TextField, Vec<String>),
    Ip(Vec<IpPattern>),
    Power(Vec<PowerState>),
    Tools(Vec<Tools>),
    Large(Vec<Large>),
    Stale(Vec<bool>),
    Number(NumberField, Vec<Comparison>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum IpPattern {
    /// Part of the address as text.
    Part(String),
    /// A network: address and length of its prefix.
    Network(IpAddr, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tools {
    Ok,
    Old,
    NotRunning,
    NotInstalled,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Large {
    Any(bool),
    By(Resource),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum NumberField {
    Vmid,
    Cpus,
    Memory,
    Storage,
    Uptime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Comparison {
    pub(super) operator: Operator,
    /// In the smallest unit of the field: pieces, bytes, seconds.
    pub(super) value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A unit and how many of the smallest it is, from small to large.
pub(super) type Units = &'static [(&'static str, u64)];

pub(super) const PIECES: Units = &[("", 1)];
pub(super) const SIZES: Units = &[
    ("B", 1),
    ("KB", 1 << 10),
    ("MB", 1 << 20),
    ("GB", 1 << 30),
    ("TB", 1 << 40),
];
pub(super) const DURATIONS: Units = &[
    ("s", 1),
    ("m", 60),
    ("h", 3600),
    ("d", 86_400),
    ("w", 604_800),
];

pub(super) const POWER_STATES: [(&str, PowerState); 4] = [
    ("on", PowerState::On),
    ("off", PowerState::Off),
    ("suspended", PowerState::Suspended),
    ("unknown", PowerState::Unknown),
];
pub(super) const TOOLS: [(&str, Tools); 5] = [
    ("ok", Tools::Ok),
    ("old", Tools::Old),
    ("not_running", Tools::NotRunning),
    ("not_installed", Tools::NotInstalled),
    ("unknown", Tools::Unknown),
];
pub(super) const LARGE: [(&str, Large); 5] = [
    ("true", Large::Any(true)),
    ("false", Large::Any(false)),
    ("cpu", Large::By(Resource::Cpu)),
    ("memory", Large::By(Resource::Memory)),
    ("storage", Large::By(Resource::Storage)),
];
pub(super) const BOOLEANS: [(&str, bool); 2] = [("true", true), ("false", false)];
pub(super) const OPERATORS: [(&str, Operator); 5] = [
    // The longer ones first: `>=` begins with `>`.
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

impl Test {
    pub(super) fn matches(&self, vm: &Vm, searchable: &Searchable) -> bool {
        match self {
            Self::Word(word) => searchable.words().contains(word.as_str()),
            Self::Text(field, texts) => {
                let value = searchable.field(*field);
                texts.iter().any(|text| value.contains(text.as_str()))
            }
            Self::Ip(patterns) => patterns.iter().any(|pattern| match pattern {
                IpPattern::Part(text) => searchable.field(TextField::Ip).contains(text.as_str()),
                IpPattern::Network(network, length) => vm
                    .ip_address
                    .as_deref()
                    .and_then(|address| address.parse().ok())
                    .is_some_and(|address| in_network(address, *network, *length)),
            }),
            Self::Power(states) => states.contains(&vm.power),
            Self::Tools(states) => {
                Tools::of(vm.tools_status.as_deref()).is_some_and(|state| states.contains(&state))
            }
            Self::Large(kinds) => kinds.iter().any(|kind| match kind {
                Large::Any(large) => *large != vm.large.is_empty(),
                Large::By(resource) => vm.large.contains(resource),
            }),
            Self::Stale(values) => values.contains(&vm.stale),
            Self::Number(field, comparisons) => field.of(vm).is_some_and(|actual| {
                comparisons
                    .iter()
                    .any(|comparison| comparison.matches(actual))
            }),
        }
    }
}

impl Tools {
    /// The state that vSphere's word means; `None` for a word that this version does not know.
    pub(super) fn of(status: Option<&str>) -> Option<Self> {
        match status {
            Some("toolsOk") => Some(Self::Ok),
            Some("toolsOld") => Some(Self::Old),
            Some("toolsNotRunning") => Some(Self::NotRunning),
            Some("toolsNotInstalled") => Some(Self::NotInstalled),
            Some(_) => None,
            None => Some(Self::Unknown),
        }
    }
}

impl NumberField {
    pub(super) const ALL: [Self; 5] = [
        Self::Vmid,
        Self::Cpus,
        Self::Memory,
        Self::Storage,
        Self::Uptime,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Vmid => "vmid",
            Self::Cpus => "cpus",
            Self::Memory => "memory",
            Self::Storage => "storage",
            Self::Uptime => "uptime",
        }
    }

    pub(super) const fn units(self) -> Units {
        match self {
            Self::Vmid | Self::Cpus => PIECES,
            Self::Memory | Self::Storage => SIZES,
            Self::Uptime => DURATIONS,
        }
    }

    pub(super) fn of(self, vm: &Vm) -> Option<u128> {
        match self {
            Self::Vmid => Some(vm.vmid.into()),
            Self::Cpus => vm.cpus.map(Into::into),
            Self::Memory => vm.memory_mb.map(|megabytes| u128::from(megabytes) << 20),
            Self::Storage => vm.storage_bytes.map(Into::into),
            Self::Uptime => vm.uptime_seconds.map(Into::into),
        }
    }
}

impl Comparison {
    pub(super) fn matches(self, actual: u128) -> bool {
        let value = u128::from(self.value);
        match self.operator {
            Operator::Equal => actual == value,
            Operator::Greater => actual > value,
            Operator::GreaterOrEqual => actual >= value,
            Operator::Less => actual < value,
            Operator::LessOrEqual => actual <= value,
        }
    }
}

fn in_network(address: IpAddr, network: IpAddr, length: u8) -> bool {
    // Shifting out all bits is no shift for the processor, hence `checked_shr`.
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (address.to_bits() ^ network.to_bits())
            .checked_shr(32_u32.saturating_sub(length.into()))
            .is_none_or(|difference| difference == 0),
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits() ^ network.to_bits())
            .checked_shr(128_u32.saturating_sub(length.into()))
            .is_none_or(|difference| difference == 0),
        _ => false,
    }
}
