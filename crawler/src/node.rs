//! The task of one node: its rounds, its kept connection, and its state between rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use ecoman_esxi::hostd::{self, News, VmReading};
use ecoman_esxi::{Host, Session};
use ecoman_model::{
    Collecting, Datastore, FailureKind, HOSTS_WARNING, LastKnown, NodeFacts, NodeFailure, NodeName,
    NodeRecord, RefreshRequest, Round, RoundCost, RoundVms, Timestamp, VmRecord, Vmid, marks,
};
use ecoman_store::StoreError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::asked::Asked;
use crate::collect::{Collection, Scope, collect_vm};
use crate::error::CollectError;
use crate::following::Following;
use crate::iso::{IsoImages, is_iso_warning, iso_images};
use crate::read::{as_read, collect_by};
use crate::read_apart::read_apart;
use crate::rotation::Rotation;
use crate::schedule::Backoff;
use crate::shared::{STORE_RETRY, Shared};
use crate::way::Ways;

/// Version, port groups and ISO images change with maintenance, not by themselves, and each of
/// their commands costs the node an interpreter start: they are read on a new connection and then
/// only this often.
const SETUP_AGE: Duration = Duration::from_secs(10 * 60);

/// From the beginning of a round to that of one which news take.
const NEWS_PAUSE: Duration = Duration::from_secs(1);

/// How a round on a node ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It listed its VMs.
    Answered {
        /// How many.
        vms: usize,
        /// What could not be read.
        warnings: Vec<String>,
    },
    /// It did not.
    Failed(NodeFailure),
}

/// Polls one node.
#[derive(Debug)]
pub(crate) struct NodeTask {
    host: Host,
    shared: Arc<Shared>,
    session: Option<Arc<Session>>,
    setup_read_at: Option<tokio::time::Instant>,
    /// What could not be read of the setup when it was read last.
    setup_warnings: Vec<String>,
    /// The search for ISO images over the kept connection, while it goes on.
    iso_search: Option<IsoSearch>,
    /// What the last search could not read.
    iso_warning: Option<String>,
    backoff: Backoff,
    /// How the node is asked.
    ways: Ways,
    /// Which VMs are read.
    rotation: Rotation,
    /// What the last round cost the node.
    cost: Option<RoundCost>,
    /// What says by itself what changes on the node.
    following: Following,
    /// The node as it was recorded last, or will be once the store takes it.
    record: Option<NodeRecord>,
    /// Its VMs likewise.
    vms: BTreeMap<Vmid, VmRecord>,
    requests: RefreshRequests,
    /// VMs that were read and recorded on their own during the current round, with the refresh
    /// requests for them.
    single_vm_results: BTreeMap<Vmid, (VmRecord, Vec<Uuid>)>,
}

impl NodeTask {
    pub(crate) fn new(host: Host, shared: Arc<Shared>) -> Self {
        Self {
            requests: RefreshRequests::new(&host, &shared),
            ways: Ways::new(host.collect.unwrap_or(shared.options.collect)),
            rotation: Rotation::new(shared.options.interval),
            cost: None,
            following: Following::default(),
            host,
            shared,
            session: None,
            setup_read_at: None,
            setup_warnings: Vec::new(),
            iso_search: None,
            iso_warning: None,
            backoff: Backoff::default(),
            record: None,
            vms: BTreeMap::new(),
            single_vm_results: BTreeMap::new(),
        }
    }

    /// One round, recorded, and the connection closed again.
    pub(crate) async fn once(&mut self) -> Result<Outcome, StoreError> {
        self.ways.once();
        self.load().await?;
        let (round, _delay) = self.round().await;
        let recorded = self.record_once(&round).await;
        self.disconnect().await;
        recorded?;
        let warnings = self
            .record
            .as_ref()
            .map(|record| record.warnings.clone())
            .unwrap_or_default();
        Ok(match (round.node.failure, round.vms) {
            (Some(failure), _) => Outcome::Failed(failure),
            (None, RoundVms::Complete(vms)) => Outcome::Answered {
                vms: vms.len(),
                warnings,
            },
            (None, RoundVms::Unchanged) => Outcome::Answered {
                vms: self.vms.len(),
                warnings,
            },
        })
    }

    /// Records a round; and once more, when the search for ISO images has ended.
    async fn record_once(&mut self, round: &Round) -> Result<(), StoreError> {
        self.shared.store.record_round(round).await?;
        if self.iso_search.is_some() {
            let found = found(&mut self.iso_search).await;
            if let Some(round) = self.take_images(found) {
                self.shared.store.record_round(&round).await?;
            }
        }
        Ok(())
    }

    /// Rounds until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // The round is dropped where it waits: the session ends its remote commands, and the
        // store's writes are safe to repeat.
        stop.run_until_cancelled(self.poll()).await;
        self.shared.store_log.left(&self.host.name);
        self.disconnect().await;
    }

    async fn poll(&mut self) {
        // Without what was known before, a VM that cannot be read now would lose its facts.
        while let Err(error) = self.load().await {
            self.store_failed(&error);
            tokio::time::sleep(STORE_RETRY).await;
        }
        let mut unwritten: Option<Round> = None;
        // Refresh requests that are done once the round is written.
        let mut answered: Vec<Uuid> = Vec::new();
        loop {
            // Not those that arrive from now on: the round may have read their VMs already.
            let asked = self.requests.open();
            if !asked.is_empty() {
                self.rotation.read_all();
            }
            if asked.iter().any(|request| request.whole) {
                self.ways.prove_again();
                self.setup_read_at = None;
            }
            let began = tokio::time::Instant::now();
            let (round, delay) = self.round().await;
            if let RoundVms::Complete(_) = round.vms {
                answered.extend(asked.into_iter().map(|request| request.id));
            }
            let mut round = match unwritten.take() {
                Some(earlier) => superseding(earlier, round),
                None => round,
            };
            self.merge_single_vms(&mut round);
            let due = began + delay;
            loop {
                match self.shared.store.record_round(&round).await {
                    Ok(written) => {
                        self.store_worked();
                        tracing::debug!(
                            node = %self.host.name,
                            vms_written = written.vms,
                            vms_removed = written.removed,
                            round_ms = round.node.round_millis,
                            "recorded"
                        );
                        self.requests.done.extend(answered.drain(..));
                        self.wait(due, began + NEWS_PAUSE).await;
                        break;
                    }
                    Err(error) => self.store_failed(&error),
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

    /// Waits until the next round begins: when it is `due`, or sooner where a refresh request
    /// takes one, or news do, though not before `pause` is over. Reads the VMs of refresh requests
    /// meanwhile, and records the news of others.
    async fn wait(&mut self, mut due: tokio::time::Instant, pause: tokio::time::Instant) {
        loop {
            self.requests.changes.mark_unchanged();
            let mut again = self.requests.remove_done(&self.shared).await.is_err();
            let urgent = if self.may_be_asked() {
                self.requests.urgent()
            } else {
                Vec::new()
            };
            for request in &urgent {
                match self.refresh(request).await {
                    Ok(Refreshed::Recorded) => {
                        self.store_worked();
                        self.requests.done.insert(request.id);
                    }
                    Ok(Refreshed::RoundNeeded) => {
                        // One round for all; if it fails, they wait for the next.
                        self.requests
                            .tried
                            .extend(urgent.iter().map(|request| request.id));
                        return;
                    }
                    Err(error) => {
                        self.store_failed(&error);
                        again = true;
                    }
                }
            }
            if !again && !self.requests.done.is_empty() {
                continue;
            }
            let retry = tokio::time::sleep(STORE_RETRY);
            tokio::select! {
                () = tokio::time::sleep_until(due) => return,
                news = self.following.news() => if self.take_news(news).await {
                    due = due.min(pause);
                },
                found = found(&mut self.iso_search) => {
                    // What cannot be written now is part of the next round.
                    if let Some(round) = self.take_images(found)
                        && let Err(error) = self.shared.store.record_round(&round).await
                    {
                        self.store_failed(&error);
                    }
                }
                changed = self.requests.changes.changed() => if changed.is_err() {
                    // Only while the crawler ends.
                    return tokio::time::sleep_until(due).await;
                },
                () = retry, if again => {}
            }
        }
    }

    fn store_failed(&self, error: &StoreError) {
        self.shared.store_log.failed(&self.host.name, error);
    }

    fn store_worked(&self) {
        self.shared.store_log.worked(&self.host.name);
    }

    /// Records VMs that have changed; true where that takes a round: one has come or gone, which the
    /// listing settles, or could not be read.
    async fn take_news(&mut self, news: News) -> bool {
        let output = match news {
            News::Changed(output) => output,
            News::Moved => return true,
            News::Ended(error) => {
                // The next round starts another.
                tracing::debug!(node = %self.host.name, %error, "the follow program ended");
                return false;
            }
        };
        let read = read_apart(output.bytes(), move || hostd::read_vms(&output)).await;
        let vms = match read {
            Ok(vms) => vms,
            Err(error) => {
                tracing::debug!(node = %self.host.name, %error, "unreadable update");
                return true;
            }
        };
        let now = Utc::now();
        let mut takes_round = false;
        for (vmid, vm) in vms {
            let (VmReading::Read(vm), Some(previous)) = (vm, self.vms.get(&vmid)) else {
                takes_round = true;
                continue;
            };
            let (facts, observed_at, failure) = as_read(vm.facts, Some(previous), now);
            let mut vm = VmRecord {
                key: previous.key.clone(),
                facts,
                observed_at,
                failure,
                last_known: LastKnown::default(),
            };
            vm.remember(Some(previous), self.record.as_ref());
            match self.shared.store.record_vm(&vm).await {
                Ok(_) => {
                    self.store_worked();
                    self.vms.insert(vmid, vm);
                }
                Err(StoreError::UnknownNode(_)) => takes_round = true,
                // The next round has it.
                Err(error) => self.store_failed(&error),
            }
        }
        takes_round
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

    /// Carries out a refresh request, as far as it takes no round.
    async fn refresh(&mut self, request: &RefreshRequest) -> Result<Refreshed, StoreError> {
        let (Some(vmid), Some(session)) = (request.vmid, &self.session) else {
            return Ok(Refreshed::RoundNeeded);
        };
        let timeout = self.shared.options.command_timeout;
        let known = self.vms.get(&vmid);
        let Some(mut vm) = collect_vm(session, &self.host, vmid, known, timeout, Utc::now()).await
        else {
            return Ok(Refreshed::RoundNeeded);
        };
        vm.remember(known, self.record.as_ref());
        match self.shared.store.record_vm(&vm).await {
            Ok(_) => {
                tracing::debug!(node = %self.host.name, %vmid, "read, as requested");
                self.vms.insert(vmid, vm);
                self.rotation.hurry(vmid);
                Ok(Refreshed::Recorded)
            }
            Err(StoreError::UnknownNode(_)) => Ok(Refreshed::RoundNeeded),
            Err(error) => Err(error),
        }
    }

    /// Puts VMs that were read during a round into it, so that the round does not undo them: the
    /// round may have read those VMs before.
    fn merge_single_vms(&mut self, round: &mut Round) {
        for (vmid, (seen, requests)) in std::mem::take(&mut self.single_vm_results) {
            if let RoundVms::Complete(vms) = &mut round.vms {
                let Some(vm) = vms.iter_mut().find(|vm| vm.key.vmid == vmid) else {
                    // It is gone, or newer than the listing: the requests stay open.
                    self.requests.done.retain(|id| !requests.contains(id));
                    continue;
                };
                *vm = seen.clone();
            }
            self.vms.insert(vmid, seen);
            self.rotation.hurry(vmid);
        }
    }

    /// Takes over what the store knows of the node.
    async fn load(&mut self) -> Result<(), StoreError> {
        if let Some(state) = self.shared.store.node_state(&self.host.name).await? {
            self.vms = state.vms.into_iter().map(|vm| (vm.key.vmid, vm)).collect();
            // Until the search of this process knows better.
            let warnings = &state.node.warnings;
            self.iso_warning = warnings.iter().find(|text| is_iso_warning(text)).cloned();
            self.record = Some(state.node);
        }
        Ok(())
    }

    /// Asks the node, and returns what to record and when the next round begins.
    async fn round(&mut self) -> (Round, Duration) {
        let began_at = Utc::now();
        let began = tokio::time::Instant::now();
        let previous = self.record.clone();
        let known_facts = previous.as_ref().and_then(|record| record.facts.clone());
        let mut facts = known_facts;
        let mut warnings = Vec::new();
        let vms = match self.ask(began_at, facts.clone().unwrap_or_default()).await {
            Ok(collection) => {
                facts = Some(collection.facts);
                warnings = collection.warnings;
                if let Some(setup_warnings) = collection.setup_warnings {
                    self.setup_warnings = setup_warnings;
                }
                collection.vms
            }
            Err(error) => Err(error),
        };
        if let Some(search) = self.iso_search.as_mut().filter(|search| search.is_over()) {
            let found = search.result().await;
            self.merge_images(found, &mut facts);
        }
        if vms.is_ok() {
            warnings.extend(self.setup_warnings.iter().cloned());
            warnings.extend(self.iso_warning.clone());
        } else {
            // The facts are those of an earlier round, and so is what they lack.
            warnings = previous
                .as_ref()
                .map(|record| record.warnings.clone())
                .unwrap_or_default();
            warnings.retain(|warning| !warning.starts_with(HOSTS_WARNING));
        }

        // First, so that it is not among those that are too many.
        let warnings: Vec<_> = self
            .shared
            .hosts_problem()
            .into_iter()
            .chain(warnings)
            .collect();
        let warnings = bounded(&warnings);
        let vms = vms.map(|mut vms| {
            for vm in &mut vms {
                vm.failure = vm.failure.as_deref().map(message);
                vm.remember(self.vms.get(&vm.key.vmid), previous.as_ref());
            }
            vms
        });
        let failure = vms.as_ref().err().map(|error| NodeFailure {
            kind: error.kind,
            message: message(&error.message),
            hint: message(&error.hint),
            since: previous
                .as_ref()
                .and_then(|record| record.failure.as_ref())
                .map_or(began_at, |before| before.since),
        });
        let backoff = self
            .backoff
            .after(failure.as_ref().map(|failure| failure.kind));
        let delay = backoff.delay(self.shared.options.interval, spread(&self.host, began_at));
        let logged_before = previous.as_ref().and_then(|record| record.failure.as_ref());
        log_change(&self.host, logged_before, failure.as_ref(), delay);
        self.backoff = backoff;
        let warned_before = previous.as_ref().map(|record| record.warnings.as_slice());
        log_warnings(&self.host, warned_before.unwrap_or_default(), &warnings);

        let record = NodeRecord {
            name: self.host.name.clone(),
            settings: self.host.settings.clone(),
            facts,
            collecting: match self.ways.collecting() {
                Some(used) => Some(Collecting {
                    cost: self.cost,
                    ..used.clone()
                }),
                None => previous
                    .as_ref()
                    .and_then(|record| record.collecting.clone()),
            },
            observed_at: match &vms {
                Ok(_) => Some(began_at),
                Err(_) => previous.as_ref().and_then(|record| record.observed_at),
            },
            vms_read_at: match &vms {
                Ok(_) => self.rotation.read_at(),
                Err(_) => previous
                    .map(|record| record.vms_read_at)
                    .unwrap_or_default(),
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
    async fn ask(
        &mut self,
        began_at: Timestamp,
        known: NodeFacts,
    ) -> Result<Collection, CollectError> {
        let kept = self.session.is_some();
        let collection = self.ask_once(began_at, known.clone()).await?;
        match &collection.vms {
            Err(error) if error.kind == FailureKind::Disconnected && kept => {
                tracing::debug!(node = %self.host.name, "connection lost: reconnecting");
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
    ) -> Result<Collection, CollectError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                self.setup_read_at = None;
                // Only closed on shutdown, which drops this future anyway.
                let _permit = self.shared.connecting.acquire().await;
                Arc::new(Session::connect(&self.host, &self.shared.options.session).await?)
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
        let before = session.counts();
        let over = CancellationToken::new();
        let (collection, ()) = tokio::join!(
            async {
                let _over = over.clone().drop_guard();
                let asked = Asked {
                    session: &session,
                    host: &self.host,
                    scope,
                    timeout,
                    known: &known,
                    previous: &self.vms,
                    at: began_at,
                };
                collect_by(
                    asked,
                    &mut self.ways,
                    &mut self.rotation,
                    &mut self.following,
                )
                .await
            },
            collect_single_vms(
                &session,
                &self.host,
                &self.shared,
                &mut self.requests,
                (&self.vms, self.record.as_ref()),
                &mut self.single_vm_results,
                &over,
            ),
        );
        let program = collection.program.clone().unwrap_or_default();
        let counts = session.counts();
        self.cost = Some(RoundCost {
            commands: counts.commands - before.commands,
            sign_ins: counts.sign_ins - before.sign_ins,
            cpu_millis: program
                .cpu
                .and_then(|cpu| u64::try_from(cpu.as_millis()).ok()),
            memory_kib: program.peak_kib,
        });
        match &collection.vms {
            Ok(_) => {
                if scope == Scope::WithSetup {
                    self.setup_read_at = Some(tokio::time::Instant::now());
                    let volumes = collection.facts.datastores.clone();
                    self.search_images(&session, volumes, began_at);
                }
                self.session = Some(session);
            }
            // A new connection is the better start for the next round, whatever the fault.
            Err(_) => {
                self.session = Some(session);
                self.disconnect().await;
            }
        }
        Ok(collection)
    }

    async fn disconnect(&mut self) {
        self.following.stop();
        if let Some(search) = self.iso_search.take() {
            search.stop().await;
        }
        // No other handle is left: without the search there is none.
        if let Some(session) = self.session.take().and_then(Arc::into_inner) {
            session.close().await;
        }
    }

    /// Begins a search for ISO images, unless one goes on.
    fn search_images(&mut self, session: &Arc<Session>, volumes: Vec<Datastore>, at: Timestamp) {
        if self.iso_search.is_some() {
            return;
        }
        let (session, host) = (Arc::clone(session), self.host.clone());
        let timeout = self.shared.options.command_timeout;
        self.iso_search = Some(IsoSearch {
            began_at: at,
            task: tokio::spawn(async move {
                let images = iso_images(&session, &host, &volumes, timeout).await;
                drop(session);
                images
            }),
        });
    }

    /// Takes over what a search found. Returns what to record of the node, if anything is new.
    fn take_images(&mut self, found: Option<(IsoImages, Timestamp)>) -> Option<Round> {
        let mut record = self.record.take()?;
        let before = record.clone();
        record.warnings.retain(|warning| !is_iso_warning(warning));
        self.merge_images(found, &mut record.facts);
        record.warnings.extend(self.iso_warning.clone());
        log_warnings(&self.host, &before.warnings, &record.warnings);
        self.record = Some(record.clone());
        (record != before).then_some(Round {
            node: record,
            vms: RoundVms::Unchanged,
        })
    }

    fn merge_images(
        &mut self,
        found: Option<(IsoImages, Timestamp)>,
        facts: &mut Option<NodeFacts>,
    ) {
        self.iso_search = None;
        let (Some((images, began_at)), Some(facts)) = (found, facts) else {
            return;
        };
        images.merge_into(facts);
        self.iso_warning = images.warning(&self.host);
        if self.setup_warnings.is_empty() && self.iso_warning.is_none() {
            facts.setup_read_at = Some(began_at);
        }
    }
}

/// A search for ISO images that goes on beside the rounds.
#[derive(Debug)]
struct IsoSearch {
    /// When the round began that started it.
    began_at: Timestamp,
    task: JoinHandle<Option<IsoImages>>,
}

impl IsoSearch {
    fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for its end. `None`: the connection was lost. Dropping the future loses nothing.
    async fn result(&mut self) -> Option<(IsoImages, Timestamp)> {
        // It panics or is aborted only while the crawler ends.
        let images = (&mut self.task).await.ok().flatten()?;
        Some((images, self.began_at))
    }

    /// Ends it, and waits until its handle of the session is gone.
    async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for IsoSearch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits for the end of a search, without end where there is none.
async fn found(search: &mut Option<IsoSearch>) -> Option<(IsoImages, Timestamp)> {
    match search {
        Some(search) => search.result().await,
        None => std::future::pending().await,
    }
}

/// Reads and records the VMs of refresh requests until a round is `over`. A request that fails
/// waits for the end of the round.
async fn collect_single_vms(
    session: &Session,
    host: &Host,
    shared: &Shared,
    requests: &mut RefreshRequests,
    (known, node): (&BTreeMap<Vmid, VmRecord>, Option<&NodeRecord>),
    seen: &mut BTreeMap<Vmid, (VmRecord, Vec<Uuid>)>,
    over: &CancellationToken,
) {
    let timeout = shared.options.command_timeout;
    let mut given_up = BTreeSet::new();
    while !over.is_cancelled() {
        requests.changes.mark_unchanged();
        for request in requests.urgent() {
            let Some(vmid) = request.vmid.filter(|_| !given_up.contains(&request.id)) else {
                continue;
            };
            let collected = collect_vm(session, host, vmid, known.get(&vmid), timeout, Utc::now());
            let Some(mut vm) = over.run_until_cancelled(collected).await else {
                return;
            };
            if let Some(vm) = &mut vm {
                vm.remember(known.get(&vmid), node);
            }
            match vm {
                // To its end, as the round is written next.
                Some(vm) if shared.store.record_vm(&vm).await.is_ok() => {
                    let before = seen.remove(&vmid).map(|(_, requests)| requests);
                    let mut asked = before.unwrap_or_default();
                    asked.push(request.id);
                    seen.insert(vmid, (vm, asked));
                    requests.done.insert(request.id);
                }
                _ => {
                    given_up.insert(request.id);
                }
            }
        }
        tokio::select! {
            () = over.cancelled() => {}
            changed = requests.changes.changed() => if changed.is_err() {
                // Only while the crawler ends.
                over.cancelled().await;
            }
        }
    }
}

/// How a refresh request was carried out.
enum Refreshed {
    /// Its VM is recorded.
    Recorded,
    /// It takes a round.
    RoundNeeded,
}

/// The refresh requests for one node, and how far they are.
#[derive(Debug)]
struct RefreshRequests {
    node: NodeName,
    /// Those on all nodes.
    changes: watch::Receiver<Vec<RefreshRequest>>,
    /// Those that a round was begun for: if it fails, the next one comes in its own time.
    tried: BTreeSet<Uuid>,
    /// Those that are done and still in the store.
    done: BTreeSet<Uuid>,
    /// Those that were removed, as `changes` may still have them.
    removed: BTreeSet<Uuid>,
}

impl RefreshRequests {
    fn new(host: &Host, shared: &Shared) -> Self {
        Self {
            node: host.name.clone(),
            changes: shared.requests.subscribe(),
            tried: BTreeSet::new(),
            done: BTreeSet::new(),
            removed: BTreeSet::new(),
        }
    }

    /// Those that are not done.
    fn open(&self) -> Vec<RefreshRequest> {
        self.changes
            .borrow()
            .iter()
            .filter(|request| {
                request.node == self.node
                    && !self.done.contains(&request.id)
                    && !self.removed.contains(&request.id)
            })
            .cloned()
            .collect()
    }

    /// Those of them that no round was begun for.
    fn urgent(&self) -> Vec<RefreshRequest> {
        let mut open = self.open();
        open.retain(|request| !self.tried.contains(&request.id));
        open
    }

    async fn remove_done(&mut self, shared: &Shared) -> Result<(), StoreError> {
        if !self.done.is_empty() {
            let ids: Vec<Uuid> = self.done.iter().copied().collect();
            shared.store.remove_refresh_requests(&ids).await?;
            self.done.clear();
            self.removed.extend(ids);
        }
        // Requests that the store has lost need not be remembered.
        let there: BTreeSet<Uuid> = self
            .changes
            .borrow()
            .iter()
            .map(|request| request.id)
            .collect();
        self.removed.retain(|id| there.contains(id));
        self.tried.retain(|id| there.contains(id));
        Ok(())
    }
}

/// The later of two rounds; with the VMs of the earlier one where the later one has none.
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

/// Logs once that a node fails, fails in another way or answers again.
fn log_change(
    host: &Host,
    before: Option<&NodeFailure>,
    now: Option<&NodeFailure>,
    delay: Duration,
) {
    match (before, now) {
        (None, None) => {}
        (Some(_), None) => tracing::info!(node = %host.name, "responding again"),
        (Some(before), Some(now)) if before.message == now.message => {}
        (_, Some(now)) => tracing::warn!(
            node = %host.name,
            kind = ?now.kind,
            hint = now.hint,
            next_attempt_seconds = delay.as_secs(),
            "{}", marks::plain_line(&now.message)
        ),
    }
}

/// Most warnings of a round that are kept.
const MAX_WARNINGS: usize = 50;

/// Most characters of a message.
const MAX_MESSAGE: usize = 1000;

/// A message as it is kept: a node's own words may be in it.
fn message(text: &str) -> String {
    let text = marks::plain_line(text);
    match text.char_indices().nth(MAX_MESSAGE) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// Warnings as they are kept: each once, and not more than people read.
fn bounded(warnings: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let count = warnings.len();
    for warning in warnings.iter().map(|text| message(text)) {
        if kept.len() == MAX_WARNINGS {
            kept.push(format!("and {} more warnings", count - MAX_WARNINGS));
            break;
        }
        if !kept.contains(&warning) {
            kept.push(warning);
        }
    }
    kept
}

/// Logs each warning once when it appears and once when it is over.
fn log_warnings(host: &Host, before: &[String], now: &[String]) {
    for warning in now.iter().filter(|warning| !before.contains(warning)) {
        tracing::warn!(node = %host.name, "{}", marks::plain_line(warning));
    }
    for warning in before.iter().filter(|warning| !now.contains(warning)) {
        tracing::info!(node = %host.name, "resolved: {}", marks::plain_line(warning));
    }
}
