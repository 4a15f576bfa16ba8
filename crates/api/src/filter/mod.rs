//! The filter language: `q` of `/vms`, the page's filter box and its URL.
//!
//! A filter is a list of terms with blanks between them; a VM has to match all of them. Upper and
//! lower case are the same, and so are the forms that Unicode has for a letter: `É` as one sign or
//! as two, `Ａ` and `A`, `ｶﾞ` and `ガ`. But `E` is not `É`.
//!
//! | term | matches |
//! | --- | --- |
//! | `web` | the text is part of the name, comment, IP address, host name, guest OS or node |
//! | `"web server"` | the same with a blank in it; `\"` and `\\` stand for `"` and `\` |
//! | `name:web` | the text is part of one field |
//! | `name:=web` | the text is the whole field |
//! | `web*`, `ip:192.168.13.*` | a field begins so; `*` stands for anything |
//! | `power:on,suspended` | any of several values |
//! | `cpus:>4`, `memory>=8GB`, `uptime:<7d` | a number compared: `>`, `>=`, `<`, `<=`, `=`, `!=`; nothing for `=` |
//! | `seen:>1h` | the time since it was last seen compared; `expires:<30d` likewise counts from today |
//! | `ip:192.0.2.0/24`, `192.0.2.0/24` | the address lies in the network |
//! | `!term`, `-term`, `NOT term` | the term does not match |
//! | `a OR b`, `(a OR b) c` | either; brackets group. `AND` may stand where a blank does |
//!
//! Grammar:
//!
//! ```text
//! filter = any
//! any    = all *( "OR" all )
//! all    = not *( [ "AND" ] not )
//! not    = [ "!" / "-" / "NOT" ] term
//! term   = "(" any ")" / field ":" values / field operator values / network / pattern
//! values = [ operator ] pattern *( "," [ operator ] pattern )
//! ```
//!
//! [`filter_fields`] lists the fields, with what people may type instead of their names: those of the
//! node's facts are declared in `crates/model/src/vm/facts.rs`, the others in `vm.rs`. The words of
//! values are in `words.rs`. Sizes count by 1024: `8GB`, `8GiB` and `8G` are the same.
//! What the node did not say matches no
//! value and no comparison, so `!cpus:>4` finds the VMs of unknown size too.

mod compare;
mod display;
mod error;
mod expression;
mod fold;
mod moment;
mod parse;
mod reference;
mod searchable;
#[cfg(test)]
mod tests;
mod value;
mod words;

use std::str::FromStr;

use chrono::{DateTime, Utc};

use self::compare::Test;
use self::expression::Expression;
use self::parse::Parser;
use crate::Vm;

pub use self::error::{FilterError, FilterFault, TermPlace};
pub use self::moment::Moment;
pub use self::reference::{filter_fields, filter_table};
pub use self::searchable::Searchable;
pub use self::words::Word;

/// A filter over VMs. The empty one, which is also the default, matches all.
///
/// Its `Display` is the canonical text: equal filters print the same, and the text parses to the
/// same filter again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    expression: Expression,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            expression: Expression::all([]),
        }
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// The first mistake, with the character that it is at.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        match Parser::new(text).filter() {
            Ok(expression) => Ok(Self { expression }),
            Err(mistake) => Err(mistake.within(text)),
        }
    }

    /// Whether it matches every VM.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what it matches changes with the time alone.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        self.expression.has(Test::depends_on_time)
    }

    /// Whether a VM matches that was last seen at its own `observed_at`. For many VMs keep their
    /// [`Searchable`]s and ask [`Filter::matches_prepared`].
    #[must_use]
    pub fn matches(&self, vm: &Vm, now: DateTime<Utc>) -> bool {
        let seen_at = |vm: &Vm| vm.observed_at;
        let moment = Moment::new(now, &seen_at);
        self.is_empty() || self.matches_prepared(vm, &Searchable::new(vm), &moment)
    }

    /// Whether a VM matches whose texts have been made ready. `searchable` belongs to `vm`.
    #[must_use]
    pub fn matches_prepared(&self, vm: &Vm, searchable: &Searchable, moment: &Moment<'_>) -> bool {
        self.expression.matches(vm, searchable, moment)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
