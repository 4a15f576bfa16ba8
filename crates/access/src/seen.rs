//! Which failed tasks a user has seen: the page announces the others.

use std::collections::BTreeSet;

use ecoman_model::TaskId;

use crate::records::SeenFile;
use crate::{Access, AccessError};

/// So many are kept for each user; the oldest go.
pub const SEEN_TASKS: usize = 500;

impl Access {
    /// The tasks that a user has seen.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn seen_tasks(&self, user: &str) -> Result<BTreeSet<TaskId>, AccessError> {
        Ok(self.seen.read()?.0.get(user).cloned().unwrap_or_default())
    }

    /// Adds to the tasks that a user has seen, and returns all of them.
    ///
    /// # Errors
    ///
    /// The file cannot be changed.
    pub fn mark_seen(
        &self,
        user: &str,
        tasks: &BTreeSet<TaskId>,
    ) -> Result<BTreeSet<TaskId>, AccessError> {
        let known = self.seen_tasks(user)?;
        if tasks.is_subset(&known) {
            return Ok(known);
        }
        self.seen.change(|seen| {
            let all = seen.0.entry(user.to_owned()).or_default();
            all.extend(tasks);
            while all.len() > SEEN_TASKS {
                all.pop_first();
            }
            Ok(all.clone())
        })
    }
}

impl SeenFile {
    pub(crate) fn forget(&mut self, user: &str) {
        self.0.remove(user);
    }
}
