//! When nodes and VMs are stale, and why. Pure: the time is a parameter.
//!
//! These are the reasons that a VM shares with its node. A reason of its own is `VmRecord::failure`,
//! which the crawler sets: `crawler/src/collect.rs` for VMs that it asks for with `vim-cmd`,
//! `crawler/src/read.rs` for those that one program reads.
//!
//! A reason names a point in time, not a duration: a duration would change every minute, and with
//! it every VM.

use chrono::TimeDelta;
use ecoman_model::{NodeRecord, Timestamp};

/// Since when the store fails, and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreFailure {
    pub(crate) since: Timestamp,
    pub(crate) message: String,
}

/// A store that fails for less time makes nothing stale.
const STORE_GRACE: TimeDelta = TimeDelta::seconds(30);

/// Tolerance beyond the interval, for a round that takes a little longer.
const ROUND_GRACE: TimeDelta = TimeDelta::seconds(30);

/// Missing rounds after which the crawler counts as stopped.
const MISSED_ROUNDS: i32 = 3;

/// What keeps the store from being read, and from being written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StoreFailures<'a> {
    pub(crate) reading: Option<&'a StoreFailure>,
    pub(crate) writing: Option<&'a StoreFailure>,
}

/// Why a node and its VMs are stale; `None`: they are not.
pub(crate) fn of_node(
    node: &NodeRecord,
    store: StoreFailures<'_>,
    now: Timestamp,
) -> Option<String> {
    let lasting = |failure: &&StoreFailure| now - failure.since > STORE_GRACE;
    if let Some(failure) = store.reading.filter(lasting) {
        return Some(format!(
            "The dashboard cannot read its store since {}: {}",
            moment(failure.since),
            failure.message
        ));
    }
    let attempted_at = node.attempted_at?;
    // A round may still find room where a larger one does not.
    let unrecorded = |failure: &&StoreFailure| attempted_at <= failure.since;
    if let Some(failure) = store.writing.filter(lasting).filter(unrecorded) {
        return Some(format!(
            "The database has been read-only since {}, so nothing newer is recorded: {}.",
            moment(failure.since),
            failure.message
        ));
    }
    if now > next_report_by(node, attempted_at) {
        return Some(format!(
            "The crawler has not reported {} since {}; check that it runs.",
            node.name,
            moment(attempted_at)
        ));
    }
    Some(node.failure.as_ref()?.message.clone())
}

/// The latest time for the crawler's next report of a node. The crawler tries a failing node less
/// and less often; `next_attempt_at` has the next try.
fn next_report_by(node: &NodeRecord, attempted_at: Timestamp) -> Timestamp {
    let seconds = |count: u64| {
        i64::try_from(count)
            .ok()
            .and_then(TimeDelta::try_seconds)
            // Too long to count: never overdue.
            .unwrap_or(TimeDelta::weeks(52_000))
    };
    let interval = seconds(node.interval_seconds);
    let round = seconds(node.round_millis.unwrap_or_default() / 1000);
    let by_interval = interval
        .checked_mul(MISSED_ROUNDS)
        .and_then(|rounds| attempted_at.checked_add_signed(rounds));
    let by_plan = node
        .next_attempt_at
        .and_then(|due| due.checked_add_signed(interval));
    by_interval
        .max(by_plan)
        .and_then(|by| by.checked_add_signed(round))
        .and_then(|by| by.checked_add_signed(ROUND_GRACE))
        .unwrap_or(Timestamp::MAX_UTC)
}

fn moment(time: Timestamp) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M:%S UTC")
}

#[cfg(test)]
mod tests {
    use ecoman_model::{FailureKind, NodeFailure, NodeSettings};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_795_377_600 + second, 0).expect("in range")
    }

    fn node() -> NodeRecord {
        NodeRecord {
            name: "hoge".parse().expect("a name"),
            settings: NodeSettings {
                address: "192.0.2.10".to_owned(),
                port: 22,
                username: "root".to_owned(),
                datastore_path: "/vmfs/volumes/datastore1".to_owned(),
                installer_iso_path: "/vmfs/volumes/datastore1/a.iso".to_owned(),
                network_port_group: "VM Network".to_owned(),
                max_sessions: 4,
                read_only: false,
            },
            facts: None,
            observed_at: Some(at(-1)),
            attempted_at: Some(at(0)),
            next_attempt_at: Some(at(60)),
            interval_seconds: 60,
            round_millis: Some(1000),
            failure: None,
            warnings: Vec::new(),
            collecting: None,
            vms_read_at: Vec::new(),
        }
    }

    #[test]
    fn a_node_is_stale_when_three_rounds_are_missing() {
        assert_eq!(of_node(&node(), StoreFailures::default(), at(211)), None);
        assert_eq!(
            of_node(&node(), StoreFailures::default(), at(212)).as_deref(),
            Some(
                "The crawler has not reported hoge since 2026-11-22 20:00:00 UTC; check that it \
                 runs."
            )
        );
    }

    #[test]
    fn a_node_that_fails_is_stale_for_that_reason_until_the_crawler_is_gone() {
        let failing = NodeRecord {
            failure: Some(NodeFailure {
                kind: FailureKind::Authentication,
                message: "hoge refuses the key".to_owned(),
                hint: String::new(),
                since: at(-900),
            }),
            next_attempt_at: Some(at(900)),
            ..node()
        };
        assert_eq!(
            of_node(&failing, StoreFailures::default(), at(1)).as_deref(),
            Some("hoge refuses the key")
        );
        assert_eq!(
            of_node(&failing, StoreFailures::default(), at(990)).as_deref(),
            Some("hoge refuses the key")
        );
        assert!(
            of_node(&failing, StoreFailures::default(), at(992))
                .is_some_and(|reason| reason.contains("crawler"))
        );
    }

    #[test]
    fn a_node_that_was_never_tried_is_not_old() {
        let new = NodeRecord {
            attempted_at: None,
            observed_at: None,
            ..node()
        };
        assert_eq!(of_node(&new, StoreFailures::default(), at(9999)), None);
    }

    #[test]
    fn everything_is_stale_when_the_store_is_away_for_half_a_minute() {
        let failure = StoreFailure {
            since: at(10),
            message: "no answer".to_owned(),
        };
        let store = StoreFailures {
            reading: Some(&failure),
            writing: None,
        };
        assert_eq!(of_node(&node(), store, at(40)), None);
        assert_eq!(
            of_node(&node(), store, at(41)).as_deref(),
            Some("The dashboard cannot read its store since 2026-11-22 20:00:10 UTC: no answer")
        );
    }

    #[test]
    fn what_the_store_could_not_take_is_stale_for_that_reason() {
        let failure = StoreFailure {
            since: at(10),
            message: "the disk is full: free some space".to_owned(),
        };
        let store = StoreFailures {
            reading: None,
            writing: Some(&failure),
        };
        assert_eq!(of_node(&node(), store, at(40)), None);
        for second in [41, 10_000] {
            assert_eq!(
                of_node(&node(), store, at(second)).as_deref(),
                Some(
                    "The database has been read-only since 2026-11-22 20:00:10 UTC, so nothing \
                     newer is recorded: the disk is full: free some space."
                )
            );
        }
        let recorded_since = NodeRecord {
            attempted_at: Some(at(11)),
            ..node()
        };
        assert_eq!(of_node(&recorded_since, store, at(41)), None);
    }

    #[test]
    fn huge_numbers_in_a_record_do_no_harm() {
        let odd = NodeRecord {
            interval_seconds: u64::MAX,
            round_millis: Some(u64::MAX),
            next_attempt_at: Some(Timestamp::MAX_UTC),
            ..node()
        };
        assert_eq!(of_node(&odd, StoreFailures::default(), at(1)), None);
    }
}
