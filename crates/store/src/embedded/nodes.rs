//! Nodes and VMs in the file.

use std::collections::BTreeMap;
use std::io::Write as _;

use async_trait::async_trait;
use ecoman_model::{NodeName, NodeRecord, NodeState, Round, RoundVms, VmRecord, Vmid};
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};

use super::file::{Change, EmbeddedStore, Failure, Shared, to_json};
use super::tables::{NODES, PENDING, VMS};
use crate::changes::{Changes, check, first_revision};
use crate::history;
use crate::record;
use crate::{Revision, Store, StoreError, Unwritable, Written};

/// What [`Store::check_write`] writes.
const CHECK: &str = "a file, to learn whether it can be written";
const WRITE_CHECK_BYTES: usize = 256 * 1024;

#[async_trait]
impl Store for EmbeddedStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read("the file", |_, database| {
            database.begin_read()?;
            Ok(())
        })
        .await
    }

    async fn check_write(&self) -> Result<(), StoreError> {
        let path = self.shared.path.with_extension("write-check");
        // A file of its own: redb may still find room in the pages that it has.
        let written = tokio::task::spawn_blocking(move || {
            let written = std::fs::File::create(&path).and_then(|mut file| {
                file.write_all(&[1; WRITE_CHECK_BYTES])?;
                file.sync_all()
            });
            let _ = std::fs::remove_file(&path);
            written
        })
        .await;
        let failed = |source| StoreError::Write {
            what: CHECK.to_owned(),
            source,
        };
        match written {
            Ok(Ok(())) => self.ping().await,
            Ok(Err(error)) => Err(match Unwritable::of(&error) {
                Some(problem) => self.shared.unwritable(CHECK, problem, error),
                None => failed(error.into()),
            }),
            Err(error) => Err(failed(error.into())),
        }
    }

    async fn write_refused(&self) {
        self.shared.refused.notified().await;
    }

    async fn record_round(&self, round: &Round) -> Result<Written, StoreError> {
        check(round)?;
        let round = round.clone();
        self.write(
            format!("the round on {}", round.node.name),
            move |shared, transaction| {
                let name = &round.node.name;
                let stored = match round.vms {
                    RoundVms::Complete(_) => {
                        shared.vms(&transaction.open_table(VMS)?, name.as_str())?
                    }
                    RoundVms::Unchanged => BTreeMap::new(),
                };
                let changes = Changes::of_round(&round, &stored);
                write_changes(transaction, name, &changes)?;

                let mut nodes = transaction.open_table(NODES)?;
                let before = shared.node(&nodes, name)?;
                let recorded = before.as_ref().map(|(_, node)| node);
                let events = history::of_round(&round, recorded, &stored);
                let since = recorded.and_then(NodeRecord::all_read_at);
                shared.record_events(transaction, events, since.unwrap_or_default())?;
                let unchanged = changes.is_empty()
                    && before
                        .as_ref()
                        .is_some_and(|(_, stored)| *stored == round.node);
                if unchanged {
                    return Ok((changes.written(), Change::None));
                }
                let revision = next_revision(before.map(|(revision, _)| revision));
                let document = to_json(&round.node)?;
                nodes.insert(name.as_str(), (revision, document.as_slice()))?;
                let moved = Change::Nodes(vec![(name.clone(), Some(revision))]);
                Ok((changes.written(), moved))
            },
        )
        .await
    }

    async fn record_vm(&self, vm: &VmRecord) -> Result<Written, StoreError> {
        let vm = vm.clone();
        self.write(format!("VM {}", vm.key), move |shared, transaction| {
            let name = &vm.key.node;
            let mut nodes = transaction.open_table(NODES)?;
            let Some((revision, node)) = shared.node(&nodes, name)? else {
                return Err(Failure::Store(StoreError::UnknownNode(name.clone())));
            };
            let stored = {
                let vms = transaction.open_table(VMS)?;
                let stored = vms.get((name.as_str(), vm.key.vmid.0))?;
                stored
                    .map(|json| shared.vm(name.as_str(), vm.key.vmid.0, json.value()))
                    .transpose()?
            };
            let changes = Changes::of_vm(&vm, stored.as_ref());
            if changes.is_empty() {
                return Ok((changes.written(), Change::None));
            }
            write_changes(transaction, name, &changes)?;
            if let Some(before) = &stored {
                let since = before.seen_at(&node);
                let events = history::of_vm(&vm, before);
                shared.record_events(transaction, events, since)?;
            }
            let revision = next_revision(Some(revision));
            let document = to_json(&node)?;
            nodes.insert(name.as_str(), (revision, document.as_slice()))?;
            let moved = Change::Nodes(vec![(name.clone(), Some(revision))]);
            Ok((changes.written(), moved))
        })
        .await
    }

    async fn retain_nodes(&self, names: &[NodeName]) -> Result<Vec<NodeName>, StoreError> {
        let names = names.to_vec();
        self.write("the list of nodes", move |shared, transaction| {
            let mut nodes = transaction.open_table(NODES)?;
            let mut vms = transaction.open_table(VMS)?;
            let mut pending = transaction.open_table(PENDING)?;
            let mut forgotten = Vec::new();
            for entry in nodes.iter()? {
                let (name, _) = entry?;
                let name = shared.node_name(name.value())?;
                if !names.contains(&name) {
                    forgotten.push(name);
                }
            }
            for name in &forgotten {
                nodes.remove(name.as_str())?;
                vms.retain_in(vms_of(name.as_str()), |_, _| false)?;
                pending.retain_in(vms_of(name.as_str()), |_, _| false)?;
            }
            if forgotten.is_empty() {
                return Ok((forgotten, Change::None));
            }
            let moved = forgotten.iter().map(|name| (name.clone(), None)).collect();
            Ok((forgotten, Change::Nodes(moved)))
        })
        .await
    }

    async fn node_state(&self, name: &NodeName) -> Result<Option<NodeState>, StoreError> {
        let name = name.clone();
        self.read(format!("node {name}"), move |shared, database| {
            let transaction = database.begin_read()?;
            let Some((_, node)) = shared.node(&transaction.open_table(NODES)?, &name)? else {
                return Ok(None);
            };
            let vms = shared.vms(&transaction.open_table(VMS)?, name.as_str())?;
            let pending = shared.pending_changes(&transaction.open_table(PENDING)?, &name)?;
            Ok(Some(NodeState {
                node,
                vms: vms.into_values().collect(),
                pending,
            }))
        })
        .await
    }

    async fn revisions(&self) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        self.ping().await?;
        Ok(self.shared.revisions.borrow().clone())
    }

    async fn changed(
        &self,
        known: &BTreeMap<NodeName, Revision>,
    ) -> Result<BTreeMap<NodeName, Revision>, StoreError> {
        let mut revisions = self.shared.revisions.subscribe();
        match revisions.wait_for(|now| now != known).await {
            Ok(now) => Ok(now.clone()),
            // The sender lives as long as `self`.
            Err(closed) => Err(StoreError::Read {
                what: "the revisions".to_owned(),
                source: closed.into(),
            }),
        }
    }
}

impl Shared {
    pub(super) fn node(
        &self,
        table: &impl ReadableTable<&'static str, (Revision, &'static [u8])>,
        name: &NodeName,
    ) -> Result<Option<(Revision, NodeRecord)>, Failure> {
        let Some(value) = table.get(name.as_str())? else {
            return Ok(None);
        };
        let (revision, json) = value.value();
        let node = record::from_json(json)
            .map_err(|error| self.unreadable(&format!("node {name}"), error))?;
        Ok(Some((revision, node)))
    }

    fn vms(
        &self,
        table: &impl ReadableTable<(&'static str, u32), &'static [u8]>,
        node: &str,
    ) -> Result<BTreeMap<Vmid, VmRecord>, Failure> {
        let mut vms = BTreeMap::new();
        for entry in table.range(vms_of(node))? {
            let (key, json) = entry?;
            let (_, vmid) = key.value();
            vms.insert(Vmid(vmid), self.vm(node, vmid, json.value())?);
        }
        Ok(vms)
    }

    fn vm(&self, node: &str, vmid: u32, json: &[u8]) -> Result<VmRecord, Failure> {
        record::from_json(json)
            .map_err(|error| self.unreadable(&format!("VM {node}/{vmid}"), error))
    }
}

fn write_changes(
    transaction: &WriteTransaction,
    node: &NodeName,
    changes: &Changes<'_>,
) -> Result<(), Failure> {
    let mut table = transaction.open_table(VMS)?;
    for vm in &changes.vms {
        let document = to_json(vm)?;
        table.insert((node.as_str(), vm.key.vmid.0), document.as_slice())?;
    }
    let mut pending = transaction.open_table(PENDING)?;
    for vmid in &changes.removed {
        table.remove((node.as_str(), vmid.0))?;
        pending.remove((node.as_str(), vmid.0))?;
    }
    Ok(())
}

pub(super) fn next_revision(before: Option<Revision>) -> Revision {
    before.map_or_else(first_revision, |before| before + 1)
}

pub(super) fn vms_of(node: &str) -> std::ops::RangeInclusive<(&str, u32)> {
    (node, u32::MIN)..=(node, u32::MAX)
}
