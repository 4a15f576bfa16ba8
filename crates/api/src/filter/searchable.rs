//! The texts of a VM, made ready for filters.

use super::fold::{SEPARATOR, fold};
use crate::Vm;

/// The texts of a VM that filters look into, made ready once for many filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searchable {
    /// The folded texts one after the other, each with a [`SEPARATOR`] behind it.
    text: Box<str>,
    /// Where each of [`TextField::ALL`] ends in `text`, its separator not included.
    ends: [usize; TextField::ALL.len()],
}

impl Searchable {
    /// Makes the texts of a VM ready.
    #[must_use]
    pub fn new(vm: &Vm) -> Self {
        let mut text = String::with_capacity(128);
        let ends = TextField::ALL.map(|field| {
            let start = text.len();
            // Nearly all texts are ASCII, which folds in place.
            let raw = field.of(vm).unwrap_or_default();
            if raw.is_ascii() {
                text.push_str(raw);
                if let Some(added) = text.get_mut(start..) {
                    added.make_ascii_lowercase();
                }
            } else {
                text.push_str(&fold(raw));
            }
            let end = text.len();
            text.push(SEPARATOR);
            end
        });
        Self {
            text: text.into_boxed_str(),
            ends,
        }
    }

    /// One field, folded; empty where the node did not say.
    pub(super) fn field(&self, field: TextField) -> &str {
        let end = self.ends.get(field as usize).copied();
        let start = match (field as usize).checked_sub(1) {
            None => Some(0),
            Some(previous) => self
                .ends
                .get(previous)
                .map(|end| end + SEPARATOR.len_utf8()),
        };
        start
            .zip(end)
            .and_then(|(start, end)| self.text.get(start..end))
            .unwrap_or_default()
    }

    /// The fields that a mere word is looked for in.
    pub(super) fn words(&self) -> &str {
        self.ends
            .get(TextField::LAST_OF_WORDS as usize)
            .and_then(|&end| self.text.get(..end))
            .unwrap_or_default()
    }
}

/// The fields with free text; those up to `LAST_OF_WORDS` are searched by mere words too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TextField {
    Name,
    Comment,
    Ip,
    Hostname,
    Guest,
    Node,
    Datastore,
    Uuid,
}

impl TextField {
    /// In the order of the variants, which is that of [`Searchable`].
    pub(super) const ALL: [Self; 8] = [
        Self::Name,
        Self::Comment,
        Self::Ip,
        Self::Hostname,
        Self::Guest,
        Self::Node,
        Self::Datastore,
        Self::Uuid,
    ];
    pub(super) const LAST_OF_WORDS: Self = Self::Node;

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Comment => "comment",
            Self::Ip => "ip",
            Self::Hostname => "hostname",
            Self::Guest => "guest",
            Self::Node => "node",
            Self::Datastore => "datastore",
            Self::Uuid => "uuid",
        }
    }

    pub(super) fn of(self, vm: &Vm) -> Option<&str> {
        match self {
            Self::Name => vm.name.as_deref(),
            Self::Comment => vm.comment.as_deref(),
            Self::Ip => vm.ip_address.as_deref(),
            Self::Hostname => vm.hostname.as_deref(),
            Self::Guest => vm.guest_os.as_deref(),
            Self::Node => Some(&vm.node),
            Self::Datastore => vm.datastore.as_deref(),
            Self::Uuid => vm.uuid.as_deref(),
        }
    }
}
