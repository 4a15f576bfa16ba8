//! One node's task: its rounds, its kept connection, and what is known of it between rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use ecoman_esxi::{Host, Session};
use ecoman_model::{
    FailureKind, NodeFacts, NodeFailure, NodeName, NodeRecord, RefreshRequest, Round, RoundVms,
    Timestamp, VmRecord, Vmid,
};
use ecoman_store::StoreError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::collect::{Collection, Scope, Trouble, collect, look};
use crate::schedule::Backoff;
use crate::shared::{STORE_RETRY, Shared};

/// Version, port groups and ISO images change with maintenance, not by themselves, and each of
/// their commands costs the node an interpreter start: they are read on a new connection and then
/// only this often.
const SETUP_AGE: Duration = Duration::from_secs(10 * 60);

/// What came of a node's round.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It listed its VMs.
    Answered {
        /// How many.
        vms: usize,
    },
    /// It did not.
    Failed(NodeFailure),
}

/// Polls one node.
#[derive(Debug)]
pub(crate) struct NodeTask {
    host: Host,
    shared: Arc<Shared>,
    session: Option<Session>,
    setup_read_at: Option<tokio::time::Instant>,
    backoff: Backoff,
    /// The node as it was recorded last, or will be once the store takes it.
    record: Option<NodeRecord>,
    /// Its VMs likewise.
    vms: BTreeMap<Vmid, VmRecord>,
    notes: Notes,
    /// VMs that were looked at and recorded beside the round that is under way, with the notes
    /// that asked for it.
    beside: BTreeMap<Vmid, (VmRecord, Vec<Uuid>)>,
}

impl NodeTask {
    pub(crate) fn new(host: Host, shared: Arc<Shared>) -> Self {
        Self {
            notes: Notes::new(&host, &shared),
            host,
            shared,
            session: None,
            setup_read_at: None,
            backoff: Backoff::default(),
            record: None,
            vms: BTreeMap::new(),
            beside: BTreeMap::new(),
        }
    }

    /// One round, recorded, and the connection closed again.
    pub(crate) async fn once(&mut self) -> Result<Outcome, StoreError> {
        self.load().await?;
        let (round, _delay) = self.round().await;
        let shared = Arc::clone(&self.shared);
        let (recorded, ()) = tokio::join!(shared.store.record_round(&round), self.disconnect());
        recorded?;
        Ok(match (round.node.failure, round.vms) {
            (Some(failure), _) => Outcome::Failed(failure),
            (None, RoundVms::Complete(vms)) => Outcome::Answered { vms: vms.len() },
            (None, RoundVms::Unchanged) => Outcome::Answered {
                vms: self.vms.len(),
            },
        })
    }

    /// Rounds until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // What is under way is dropped where it waits: the session ends its remote commands,
        // and the store's writes are safe to repeat.
        stop.run_until_cancelled(self.poll()).await;
        self.disconnect().await;
    }

    async fn poll(&mut self) {
        // Without what was known before, a VM that cannot be read now would lose its facts.
        let mut store = StoreTroubles::default();
        while let Err(error) = self.load().await {
            store.failed(&self.host, &error);
            tokio::time::sleep(STORE_RETRY).await;
        }
        let mut unwritten: Option<Round> = None;
        // Notes that are seen to once what was seen is written.
        let mut answered: Vec<Uuid> = Vec::new();
        loop {
            // Not those that are left from now on: the round may have looked already.
            let asked = self.notes.open();
            let began = tokio::time::Instant::now();
            let (round, delay) = self.round().await;
            if let RoundVms::Complete(_) = round.vms {
                answered.extend(asked.into_iter().map(|note| note.id));
            }
            let mut round = match unwritten.take() {
                Some(earlier) => superseding(earlier, round),
                None => round,
            };
            self.merge_beside(&mut round);
            let due = began + delay;
            loop {
                match self.shared.store.record_round(&round).await {
                    Ok(written) => {
                        store.worked(&self.host);
                        tracing::debug!(
                            node = %self.host.name,
                            vms_written = written.vms,
                            vms_removed = written.removed,
                            round_ms = round.node.round_millis,
                            "recorded"
                        );
                        self.notes.seen_to.extend(answered.drain(..));
                        self.wait(due, &mut store).await;
                        break;
                    }
                    Err(error) => store.failed(&self.host, &error),
                }
                if tokio::time::Instant::now() >= due {
                    unwritten = Some(round);
                    break;
                }
                tokio::time::sleep(STORE_RETRY).await;
                // Its VMs are as old as before, but the store should not think that of us.
                round.node.attempted_at = Some(Utc::now());
            }
        }
    }

    /// Waits until the next round begins: when it is `due`, or sooner where a note asks for one.
    /// Looks at the VMs that notes ask for.
    async fn wait(&mut self, due: tokio::time::Instant, store: &mut StoreTroubles) {
        loop {
            self.notes.changes.mark_unchanged();
            let mut again = self.notes.remove_seen_to(&self.shared).await.is_err();
            let urgent = if self.may_be_asked() {
                self.notes.urgent()
            } else {
                Vec::new()
            };
            for note in &urgent {
                match self.look(note).await {
                    Ok(Looked::Seen) => {
                        store.worked(&self.host);
                        self.notes.seen_to.insert(note.id);
                    }
                    Ok(Looked::RoundNeeded) => {
                        // One round for all; if it fails, they wait for the next.
                        self.notes.tried.extend(urgent.iter().map(|note| note.id));
                        return;
                    }
                    Err(error) => {
                        store.failed(&self.host, &error);
                        again = true;
                    }
                }
            }
            if !again && !self.notes.seen_to.is_empty() {
                continue;
            }
            let retry = tokio::time::sleep(STORE_RETRY);
            tokio::select! {
                () = tokio::time::sleep_until(due) => return,
                changed = self.notes.changes.changed() => if changed.is_err() {
                    // Only while the crawler ends.
                    return tokio::time::sleep_until(due).await;
                },
                () = retry, if again => {}
            }
        }
    }

    /// Whether the node may be asked before its time: not where that may cost the account.
    fn may_be_asked(&self) -> bool {
        let failure = self.record.as_ref().and_then(|node| node.failure.as_ref());
        !failure.is_some_and(|failure| {
            matches!(
                failure.kind,
                FailureKind::Authentication | FailureKind::Configuration
            )
        })
    }

    /// Does what a note asks for, as far as it takes no round.
    async fn look(&mut self, note: &RefreshRequest) -> Result<Looked, StoreError> {
        let (Some(vmid), Some(session)) = (note.vmid, &self.session) else {
            return Ok(Looked::RoundNeeded);
        };
        let timeout = self.shared.options.command_timeout;
        let known = self.vms.get(&vmid);
        let Some(vm) = look(session, &self.host, vmid, known, timeout, Utc::now()).await else {
            return Ok(Looked::RoundNeeded);
        };
        match self.shared.store.record_vm(&vm).await {
            Ok(_) => {
                tracing::debug!(node = %self.host.name, %vmid, "looked at, as a note asked");
                self.vms.insert(vmid, vm);
                Ok(Looked::Seen)
            }
            Err(StoreError::UnknownNode(_)) => Ok(Looked::RoundNeeded),
            Err(error) => Err(error),
        }
    }

    /// Puts what was seen beside a round into it, so that the round does not undo it: the round
    /// may have looked at those VMs before.
    fn merge_beside(&mut self, round: &mut Round) {
        for (vmid, (seen, notes)) in std::mem::take(&mut self.beside) {
            if let RoundVms::Complete(vms) = &mut round.vms {
                let Some(vm) = vms.iter_mut().find(|vm| vm.key.vmid == vmid) else {
                    // It is gone, or newer than the listing: the notes are looked at again.
                    self.notes.seen_to.retain(|id| !notes.contains(id));
                    continue;
                };
                *vm = seen.clone();
            }
            self.vms.insert(vmid, seen);
        }
    }

    /// Takes over what the store knows of the node.
    async fn load(&mut self) -> Result<(), StoreError> {
        if let Some(state) = self.shared.store.node_state(&self.host.name).await? {
            self.vms = state.vms.into_iter().map(|vm| (vm.key.vmid, vm)).collect();
            self.record = Some(state.node);
        }
        Ok(())
    }

    /// Asks the node, and returns what to record and when the next round begins.
    async fn round(&mut self) -> (Round, Duration) {
        let began_at = Utc::now();
        let began = tokio::time::Instant::now();
        let previous = self.record.take();
        let known_facts = previous.as_ref().and_then(|record| record.facts.clone());
        let mut facts = known_facts;
        let mut warnings = Vec::new();
        let vms = match self.ask(began_at, facts.clone().unwrap_or_default()).await {
            Ok(collection) => {
                facts = Some(collection.facts);
                warnings = collection.warnings;
                collection.vms
            }
            Err(trouble) => Err(trouble),
        };

        let failure = vms.as_ref().err().map(|trouble| NodeFailure {
            kind: trouble.kind,
            message: trouble.message.clone(),
            hint: trouble.hint.clone(),
            since: previous
                .as_ref()
                .and_then(|record| record.failure.as_ref())
                .map_or(began_at, |before| before.since),
        });
        let backoff = self
            .backoff
            .after(failure.as_ref().map(|failure| failure.kind));
        let delay = backoff.delay(self.shared.options.interval, spread(&self.host, began_at));
        let said_before = previous.as_ref().and_then(|record| record.failure.as_ref());
        tell(&self.host, said_before, failure.as_ref(), delay);
        self.backoff = backoff;

        let record = NodeRecord {
            name: self.host.name.clone(),
            settings: self.host.settings.clone(),
            facts,
            observed_at: match &vms {
                Ok(_) => Some(began_at),
                Err(_) => previous.and_then(|record| record.observed_at),
            },
            attempted_at: Some(Utc::now()),
            next_attempt_at: TimeDelta::from_std(delay)
                .ok()
                .map(|delay| began_at + delay),
            interval_seconds: self.shared.options.interval.as_secs(),
            round_millis: u64::try_from(began.elapsed().as_millis()).ok(),
            failure,
            warnings,
        };
        self.record = Some(record.clone());
        let vms = match vms {
            Ok(vms) => {
                self.vms = vms.iter().map(|vm| (vm.key.vmid, vm.clone())).collect();
                RoundVms::Complete(vms)
            }
            Err(_) => RoundVms::Unchanged,
        };
        (Round { node: record, vms }, delay)
    }

    /// Asks the node over the kept connection, or over a new one where there is none or it has
    /// turned out to be dead.
    async fn ask(&mut self, began_at: Timestamp, known: NodeFacts) -> Result<Collection, Trouble> {
        let kept = self.session.is_some();
        let collection = self.ask_once(began_at, known.clone()).await?;
        match &collection.vms {
            Err(trouble) if trouble.kind == FailureKind::Disconnected && kept => {
                tracing::debug!(node = %self.host.name, "the kept connection is dead: connecting anew");
                self.disconnect().await;
                self.ask_once(began_at, known).await
            }
            _ => Ok(collection),
        }
    }

    async fn ask_once(
        &mut self,
        began_at: Timestamp,
        known: NodeFacts,
    ) -> Result<Collection, Trouble> {
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                self.setup_read_at = None;
                // Only closed on shutdown, which drops this future anyway.
                let _permit = self.shared.connecting.acquire().await;
                Session::connect(&self.host, &self.shared.options.session).await?
            }
        };
        let setup_is_fresh = self
            .setup_read_at
            .is_some_and(|at| at.elapsed() < SETUP_AGE);
        let scope = if setup_is_fresh {
            Scope::Usual
        } else {
            Scope::WithSetup
        };
        let timeout = self.shared.options.command_timeout;
        let over = CancellationToken::new();
        let (collection, ()) = tokio::join!(
            async {
                let _over = over.clone().drop_guard();
                collect(
                    &session, &self.host, scope, timeout, known, &self.vms, began_at,
                )
                .await
            },
            look_beside(
                &session,
                &self.host,
                &self.shared,
                &mut self.notes,
                &self.vms,
                &mut self.beside,
                &over,
            ),
        );
        match &collection.vms {
            Ok(_) => {
                if scope == Scope::WithSetup {
                    self.setup_read_at = Some(tokio::time::Instant::now());
                }
                self.session = Some(session);
            }
            // Whatever went wrong, a new connection is the better start for the next round.
            Err(_) => session.close().await,
        }
        Ok(collection)
    }

    async fn disconnect(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }
}

/// Looks, until a round is `over`, at the VMs that notes ask for, and records them. What does not
/// work waits for the end of the round.
async fn look_beside(
    session: &Session,
    host: &Host,
    shared: &Shared,
    notes: &mut Notes,
    known: &BTreeMap<Vmid, VmRecord>,
    seen: &mut BTreeMap<Vmid, (VmRecord, Vec<Uuid>)>,
    over: &CancellationToken,
) {
    let timeout = shared.options.command_timeout;
    let mut given_up = BTreeSet::new();
    while !over.is_cancelled() {
        notes.changes.mark_unchanged();
        for note in notes.urgent() {
            let Some(vmid) = note.vmid.filter(|_| !given_up.contains(&note.id)) else {
                continue;
            };
            let look = look(session, host, vmid, known.get(&vmid), timeout, Utc::now());
            let Some(vm) = over.run_until_cancelled(look).await else {
                return;
            };
            match vm {
                // To its end, as the round is written next.
                Some(vm) if shared.store.record_vm(&vm).await.is_ok() => {
                    let before = seen.remove(&vmid).map(|(_, notes)| notes);
                    let mut asked = before.unwrap_or_default();
                    asked.push(note.id);
                    seen.insert(vmid, (vm, asked));
                    notes.seen_to.insert(note.id);
                }
                _ => {
                    given_up.insert(note.id);
                }
            }
        }
        tokio::select! {
            () = over.cancelled() => {}
            changed = notes.changes.changed() => if changed.is_err() {
                // Only while the crawler ends.
                over.cancelled().await;
            }
        }
    }
}

/// What came of a note.
enum Looked {
    /// What it asked for is recorded.
    Seen,
    /// It takes a round.
    RoundNeeded,
}

/// The notes on one node, and how far they are.
#[derive(Debug)]
struct Notes {
    node: NodeName,
    /// Those on all nodes.
    changes: watch::Receiver<Vec<RefreshRequest>>,
    /// Those that a round was begun for: if it fails, the next one comes in its own time.
    tried: BTreeSet<Uuid>,
    /// Those that were seen to and are still in the store.
    seen_to: BTreeSet<Uuid>,
    /// Those that were removed, as `changes` may still have them.
    removed: BTreeSet<Uuid>,
}

impl Notes {
    fn new(host: &Host, shared: &Shared) -> Self {
        Self {
            node: host.name.clone(),
            changes: shared.notes.subscribe(),
            tried: BTreeSet::new(),
            seen_to: BTreeSet::new(),
            removed: BTreeSet::new(),
        }
    }

    /// Those that nobody has seen to.
    fn open(&self) -> Vec<RefreshRequest> {
        self.changes
            .borrow()
            .iter()
            .filter(|note| {
                note.node == self.node
                    && !self.seen_to.contains(&note.id)
                    && !self.removed.contains(&note.id)
            })
            .cloned()
            .collect()
    }

    /// Those of them that nothing was done for.
    fn urgent(&self) -> Vec<RefreshRequest> {
        let mut open = self.open();
        open.retain(|note| !self.tried.contains(&note.id));
        open
    }

    async fn remove_seen_to(&mut self, shared: &Shared) -> Result<(), StoreError> {
        if !self.seen_to.is_empty() {
            let ids: Vec<Uuid> = self.seen_to.iter().copied().collect();
            shared.store.remove_refresh_requests(&ids).await?;
            self.seen_to.clear();
            self.removed.extend(ids);
        }
        // What is gone for good need not be remembered.
        let there: BTreeSet<Uuid> = self.changes.borrow().iter().map(|note| note.id).collect();
        self.removed.retain(|id| there.contains(id));
        self.tried.retain(|id| there.contains(id));
        Ok(())
    }
}

/// The later of two rounds, with what the earlier one saw and the later one did not.
fn superseding(earlier: Round, later: Round) -> Round {
    match later.vms {
        RoundVms::Complete(_) => later,
        RoundVms::Unchanged => Round {
            node: later.node,
            vms: earlier.vms,
        },
    }
}

/// A number from 0 to 1 that differs between nodes and rounds.
fn spread(host: &Host, at: Timestamp) -> f64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (host.name.as_str(), at.timestamp_micros()).hash(&mut hasher);
    f64::from(u16::try_from(hasher.finish() % 1000).unwrap_or(0)) / 1000.0
}

/// Logs what is new about a node, once.
fn tell(host: &Host, before: Option<&NodeFailure>, now: Option<&NodeFailure>, delay: Duration) {
    match (before, now) {
        (None, None) => {}
        (Some(_), None) => tracing::info!(node = %host.name, "answers again"),
        (Some(before), Some(now)) if before.message == now.message => {}
        (_, Some(now)) => tracing::warn!(
            node = %host.name,
            kind = ?now.kind,
            hint = now.hint,
            next_attempt_seconds = delay.as_secs(),
            "{}", now.message
        ),
    }
}

/// Logs the store's going away and coming back once each.
#[derive(Debug, Default)]
struct StoreTroubles {
    away: bool,
}

impl StoreTroubles {
    fn failed(&mut self, host: &Host, error: &StoreError) {
        if !std::mem::replace(&mut self.away, true) {
            tracing::error!(
                node = %host.name,
                error = error as &dyn std::error::Error,
                "could not record what was seen; trying until it works"
            );
        }
    }

    fn worked(&mut self, host: &Host) {
        if std::mem::replace(&mut self.away, false) {
            tracing::info!(node = %host.name, "recording again");
        }
    }
}
