//! Which way a node is asked in the next round: a pure function of how it went before.
//!
//! `vim-cmd` is the way that always works. `read` is believed on a node only after it has said the
//! same there and now; again after a reboot, an update and a day, and now and then in between.

use chrono::TimeDelta;
use ecoman_esxi::hostd::HostdError;
use ecoman_model::{Collect, Collecting, NodeFacts, Timestamp, Way};

/// How long a proof holds, and how long a way rests that has failed.
const DAY: TimeDelta = TimeDelta::days(1);

/// Rounds from one comparison of a VM to the next.
const ROUNDS_BETWEEN_CHECKS: u32 = 10;

/// Failures in a row, each of which costs its own round only, after which the way rests.
const PASSING_FAILURES: u32 = 3;

/// Differences in a row after which the way rests.
const DIFFERENCES: u32 = 2;

/// A boot time further away than this is another boot: hosts reckon it from their uptime.
const SAME_BOOT: TimeDelta = TimeDelta::minutes(2);

/// What to do in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Ask with `vim-cmd`.
    VimCmd,
    /// Ask with `vim-cmd`, then read, and compare.
    Prove,
    /// Read.
    Read {
        /// Whether one VM is compared.
        check: bool,
    },
}

/// What a proof is about: another boot or another build takes another proof.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    booted_at: Option<Timestamp>,
    version: Option<String>,
    build: Option<String>,
}

impl Identity {
    fn of(facts: &NodeFacts) -> Self {
        Self {
            booted_at: facts.booted_at,
            version: facts.version.version.clone(),
            build: facts.version.build.clone(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let same_boot = match (self.booted_at, other.booted_at) {
            (Some(one), Some(other)) => (one - other).abs() <= SAME_BOOT,
            (one, other) => one == other,
        };
        same_boot && self.version == other.version && self.build == other.build
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Unproven,
    Proven { at: Timestamp, rounds: u32 },
    Rests { until: Timestamp },
}

/// The ways of asking one node.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    wanted: Collect,
    /// Why `vim-cmd` is, where it is.
    reason: &'static str,
    state: State,
    /// The node as it was when `state` began.
    identity: Option<Identity>,
    /// Failures in a row that each cost their round only.
    failures: u32,
    /// Differences in a row.
    differences: u32,
    /// Until when the program does not stay, and why, where it could not.
    stays_after: Option<(Timestamp, String)>,
    /// Failures of it in a row.
    not_stayed: u32,
    used: Option<Collecting>,
    /// What the user should know, while it is so.
    warning: Option<String>,
}

impl Ways {
    pub(crate) fn new(wanted: Collect) -> Self {
        Self {
            wanted,
            reason: "vim-cmd, as configured",
            state: State::Unproven,
            identity: None,
            failures: 0,
            differences: 0,
            stays_after: None,
            not_stayed: 0,
            used: None,
            warning: None,
        }
    }

    /// There is one round only: a proof would cost more than it could save.
    pub(crate) fn once(&mut self) {
        self.wanted = Collect::VimCmd;
        self.reason = "a single poll always uses vim-cmd";
    }

    /// What to do in the round that begins `now`, on a node with these facts so far.
    pub(crate) fn plan(&mut self, facts: &NodeFacts, now: Timestamp) -> Plan {
        if self.wanted == Collect::VimCmd {
            self.used(Way::VimCmd, self.reason, now);
            return Plan::VimCmd;
        }
        self.look(facts);
        match &mut self.state {
            State::Unproven => Plan::Prove,
            State::Rests { until } if now < *until => Plan::VimCmd,
            State::Proven { at, rounds } if now >= *at && now < *at + DAY => {
                *rounds += 1;
                Plan::Read {
                    // After a difference at once again.
                    check: self.differences > 0 || *rounds % ROUNDS_BETWEEN_CHECKS == 0,
                }
            }
            // It is over, or the clock was set back.
            State::Rests { .. } | State::Proven { .. } => {
                self.state = State::Unproven;
                Plan::Prove
            }
        }
    }

    /// Looks whether the node is still the one that `state` is about; false where it is not, and a
    /// proof is due.
    pub(crate) fn look(&mut self, facts: &NodeFacts) -> bool {
        let same = self
            .identity
            .as_ref()
            .is_none_or(|identity| identity.is_same(&Identity::of(facts)));
        if !same {
            self.prove_again();
        }
        same
    }

    /// Has the way proven again in the next round, whatever is known of it.
    pub(crate) fn prove_again(&mut self) {
        self.state = State::Unproven;
        self.identity = None;
        self.failures = 0;
        self.stays_after = None;
        self.not_stayed = 0;
    }

    /// The proof has succeeded.
    pub(crate) fn proven(&mut self, way: Way, facts: &NodeFacts, now: Timestamp) {
        self.state = State::Proven { at: now, rounds: 0 };
        self.identity = Some(Identity::of(facts));
        self.agreed();
        self.warning = None;
        self.use_reading(way, now);
    }

    /// Whether the program that stays is to be used now.
    pub(crate) fn follows(&self, now: Timestamp) -> bool {
        matches!(self.wanted, Collect::Auto | Collect::Follow)
            && self
                .stays_after
                .as_ref()
                .is_none_or(|(until, _)| now >= *until)
    }

    /// The program that stays has answered.
    pub(crate) fn stayed(&mut self) {
        self.not_stayed = 0;
        self.stays_after = None;
    }

    /// It could not, or not any more. Another may still read.
    pub(crate) fn not_stayed(&mut self, error: &HostdError, now: Timestamp) {
        self.not_stayed += 1;
        let lasts = matches!(
            error,
            HostdError::NotUnderstood { .. } | HostdError::NoPermission { .. }
        );
        if lasts || self.not_stayed >= PASSING_FAILURES {
            self.not_stayed = 0;
            self.stays_after = Some((now + DAY, error.to_string()));
        }
    }

    /// What was compared was the same.
    pub(crate) fn agreed(&mut self) {
        self.differences = 0;
    }

    /// A reading was whole, whatever it said.
    pub(crate) fn answered(&mut self) {
        self.failures = 0;
    }

    /// The two ways say something different: in words.
    pub(crate) fn differed(&mut self, facts: &NodeFacts, words: &str, now: Timestamp) {
        self.differences += 1;
        if self.differences >= DIFFERENCES {
            self.differences = 0;
            self.rest(facts, now);
            self.warning = Some(format!(
                "read and vim-cmd differ; polling uses vim-cmd for a day: {words}"
            ));
        }
        self.used(Way::VimCmd, &format!("read differs: {words}"), now);
    }

    /// It could not be read.
    pub(crate) fn failed(&mut self, facts: &NodeFacts, error: &HostdError, now: Timestamp) {
        let rests = match error {
            // vim-cmd will say so, too.
            HostdError::HostdDown { .. } => false,
            HostdError::NoPython { .. }
            | HostdError::NotPermitted { .. }
            | HostdError::SignInRefused { .. }
            | HostdError::NoPermission { .. }
            | HostdError::NotUnderstood { .. } => true,
            _ => {
                self.failures += 1;
                self.failures >= PASSING_FAILURES
            }
        };
        // A host without Python is as it should be, unless somebody wants it to be read.
        let warns = matches!(self.wanted, Collect::Read | Collect::Follow)
            || matches!(
                error,
                HostdError::SignInRefused { .. }
                    | HostdError::NoPermission { .. }
                    | HostdError::NotUnderstood { .. }
            );
        self.warning = None;
        if rests {
            self.failures = 0;
            self.rest(facts, now);
            if warns {
                self.warning = Some(format!("polling uses vim-cmd for a day: {error}"));
            }
        }
        self.used(Way::VimCmd, &error.to_string(), now);
    }

    fn rest(&mut self, facts: &NodeFacts, now: Timestamp) {
        self.state = State::Rests { until: now + DAY };
        self.identity = Some(Identity::of(facts));
    }

    /// A round was done by reading.
    pub(crate) fn use_reading(&mut self, way: Way, now: Timestamp) {
        let proven = "same result as vim-cmd";
        match self.stays_after.as_ref().filter(|_| way == Way::Read) {
            None => self.used(way, proven, now),
            Some((_, why)) => {
                let reason = format!("{proven}; following is not possible: {why}");
                if self.wanted == Collect::Follow {
                    self.warning = Some(format!("read once per poll: {why}"));
                }
                self.used(way, &reason, now);
            }
        }
        if way == Way::Follow {
            self.warning = None;
        }
    }

    fn used(&mut self, way: Way, reason: &str, now: Timestamp) {
        let since = match &self.used {
            Some(used) if used.way == way => used.since,
            _ => now,
        };
        self.used = Some(Collecting {
            way,
            since,
            reason: reason.to_owned(),
            cost: None,
        });
    }

    /// How the last round was done.
    pub(crate) fn collecting(&self) -> Option<&Collecting> {
        self.used.as_ref()
    }

    /// What the user should know.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn facts(booted_at: &str, build: &str) -> NodeFacts {
        let mut facts = NodeFacts {
            booted_at: Some(booted_at.parse().unwrap()),
            ..NodeFacts::default()
        };
        facts.version.build = Some(build.to_owned());
        facts
    }

    fn usual() -> NodeFacts {
        facts("2026-11-01T00:00:00Z", "1")
    }

    fn at(minutes: i64) -> Timestamp {
        "2026-11-29T12:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minutes)
    }

    fn proven() -> Ways {
        let mut ways = Ways::new(Collect::Auto);
        assert_eq!(ways.plan(&usual(), at(0)), Plan::Prove);
        ways.proven(Way::Read, &usual(), at(0));
        ways
    }

    fn no_python() -> HostdError {
        HostdError::NoPython {
            words: "none".to_owned(),
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_tried() {
        let mut ways = Ways::new(Collect::VimCmd);
        assert_eq!(ways.plan(&usual(), at(0)), Plan::VimCmd);
    }

    #[test]
    fn a_proven_way_is_checked_every_tenth_round_and_proven_again_after_a_day() {
        let mut ways = proven();
        let plans: Vec<Plan> = (1..=10)
            .map(|round| ways.plan(&usual(), at(round)))
            .collect();
        assert_eq!(plans[..9], [Plan::Read { check: false }; 9]);
        assert_eq!(plans[9], Plan::Read { check: true });
        assert_eq!(ways.plan(&usual(), at(24 * 60)), Plan::Prove);
    }

    #[test]
    fn a_reboot_an_update_or_a_clock_that_goes_back_takes_another_proof() {
        for (facts, now) in [
            (facts("2026-11-29T12:00:00Z", "1"), at(1)),
            (facts("2026-11-01T00:00:00Z", "2"), at(1)),
            (usual(), at(-1)),
        ] {
            assert_eq!(proven().plan(&facts, now), Plan::Prove, "{facts:?}");
        }
        let reckoned = facts("2026-11-01T00:00:01.5Z", "1");
        assert_eq!(proven().plan(&reckoned, at(1)), Plan::Read { check: false });
    }

    #[test]
    fn a_way_that_rests_is_proven_again_when_somebody_asks_for_it() {
        let mut ways = proven();
        ways.failed(&usual(), &no_python(), at(1));
        assert_eq!(ways.plan(&usual(), at(2)), Plan::VimCmd);
        ways.prove_again();
        assert_eq!(ways.plan(&usual(), at(3)), Plan::Prove);
        let mut configured = Ways::new(Collect::VimCmd);
        configured.prove_again();
        assert_eq!(configured.plan(&usual(), at(4)), Plan::VimCmd);
    }

    #[test]
    fn two_differences_in_a_row_make_it_rest_and_one_does_not() {
        let mut ways = proven();
        ways.differed(&usual(), "cpus of VM 1", at(1));
        assert_eq!(ways.plan(&usual(), at(2)), Plan::Read { check: true });
        ways.agreed();
        assert_eq!(ways.plan(&usual(), at(3)), Plan::Read { check: false });
        ways.differed(&usual(), "cpus of VM 1", at(4));
        assert_eq!(ways.warning(), None);
        ways.differed(&usual(), "cpus of VM 1", at(5));
        assert!(ways.warning().unwrap().contains("cpus of VM 1"));
        assert_eq!(ways.plan(&usual(), at(6)), Plan::VimCmd);
        assert_eq!(ways.plan(&usual(), at(5 + 24 * 60)), Plan::Prove);
    }

    #[test]
    fn each_failure_has_its_reaction() {
        let words = || "x".to_owned();
        // Until a reboot, an update or a day.
        for error in [
            no_python(),
            HostdError::NotPermitted { words: words() },
            HostdError::SignInRefused { words: words() },
            HostdError::NoPermission { words: words() },
            HostdError::NotUnderstood { words: words() },
        ] {
            let mut ways = proven();
            ways.failed(&usual(), &error, at(1));
            assert_eq!(ways.plan(&usual(), at(2)), Plan::VimCmd, "{error}");
            assert_eq!(
                ways.clone()
                    .plan(&facts("2026-11-29T00:00:00Z", "1"), at(3)),
                Plan::Prove
            );
            assert_eq!(ways.plan(&usual(), at(2 + 24 * 60)), Plan::Prove);
        }
        // This round, and a day after the third.
        for error in [
            HostdError::OutOfMemory { words: words() },
            HostdError::CutOff { words: words() },
            HostdError::TooSlow { words: words() },
            HostdError::TooLong { words: words() },
        ] {
            let mut ways = proven();
            for round in 1..=2 {
                ways.failed(&usual(), &error, at(round));
                let plan = ways.plan(&usual(), at(round));
                assert_eq!(plan, Plan::Read { check: false }, "{error}");
            }
            ways.failed(&usual(), &error, at(3));
            assert_eq!(ways.plan(&usual(), at(4)), Plan::VimCmd, "{error}");
        }
        // For as long as it lasts.
        let mut ways = proven();
        for round in 1..=9 {
            ways.failed(
                &usual(),
                &HostdError::HostdDown { words: words() },
                at(round),
            );
            assert_ne!(ways.plan(&usual(), at(round)), Plan::VimCmd);
        }
    }

    #[test]
    fn a_missing_python_is_a_warning_only_where_it_is_wanted() {
        for (wanted, warns) in [(Collect::Auto, false), (Collect::Read, true)] {
            let mut ways = Ways::new(wanted);
            ways.failed(&usual(), &no_python(), at(0));
            assert_eq!(ways.warning().is_some(), warns);
            let used = ways.collecting().unwrap();
            assert_eq!(used.way, Way::VimCmd);
            assert!(used.reason.contains("no usable Python"), "{used:?}");
        }
    }

    #[test]
    fn since_is_when_the_way_changed() {
        let mut ways = Ways::new(Collect::Auto);
        ways.failed(&usual(), &no_python(), at(0));
        ways.differed(&usual(), "two", at(1));
        assert_eq!(ways.collecting().unwrap().since, at(0));
        ways.use_reading(Way::Read, at(2));
        ways.use_reading(Way::Read, at(3));
        assert_eq!(ways.collecting().unwrap().since, at(2));
    }
}
