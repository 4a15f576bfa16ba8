//! Snapshots: how their tasks are shown.

use chrono::{DateTime, Utc};
use ecoman_api::{SnapshotCreate, SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, Task};
use leptos::prelude::*;

use super::ActView;
use crate::components::text_fact;
use crate::state::text;

/// The step, with how far the node is.
fn progress(task: &Task) -> Option<String> {
    let step = task.step.clone()?;
    Some(match task.progress {
        Some(percent) => (text::deferred().snapshots.step_at)(&step, percent),
        None => step,
    })
}

impl ActView for SnapshotCreate {
    fn progress(&self, task: &Task, _now: DateTime<Utc>) -> Option<String> {
        progress(task)
    }

    fn facts(&self, _task: &Task) -> Vec<AnyView> {
        let texts = &text::deferred().snapshots;
        let yes_or_no = |is| if is { texts.yes } else { texts.no }.to_owned();
        vec![
            text_fact(texts.name, Some(self.name.clone())),
            text_fact(
                texts.description,
                Some(self.description.clone()).filter(|text| !text.is_empty()),
            ),
            text_fact(texts.memory, Some(yes_or_no(self.memory))),
            text_fact(texts.quiesced, Some(yes_or_no(self.quiesce))),
        ]
    }
}

impl ActView for SnapshotRevert {
    fn progress(&self, task: &Task, _now: DateTime<Utc>) -> Option<String> {
        progress(task)
    }

    fn facts(&self, _task: &Task) -> Vec<AnyView> {
        let id = Some(self.snapshot.to_string());
        vec![text_fact(text::deferred().snapshots.snapshot_id, id)]
    }
}

impl ActView for SnapshotRemove {
    fn progress(&self, task: &Task, _now: DateTime<Utc>) -> Option<String> {
        progress(task)
    }

    fn facts(&self, _task: &Task) -> Vec<AnyView> {
        let id = Some(self.snapshot.to_string());
        vec![text_fact(text::deferred().snapshots.snapshot_id, id)]
    }
}

impl ActView for SnapshotRemoveAll {
    fn progress(&self, task: &Task, _now: DateTime<Utc>) -> Option<String> {
        progress(task)
    }
}
