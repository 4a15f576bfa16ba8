//! Which tasks of the list are shown, as the address says.

use ecoman_api::{Task, TaskState};
use form_urlencoded::Serializer;

use crate::route::Route;
use crate::text;

/// States that are looked for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskGroup {
    /// Not ended.
    UnderWay,
    /// Ended, and not as it was asked.
    Failed,
    /// Done, or cancelled, as requested.
    Done,
}

/// What the list of tasks is narrowed down to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Nothing: whatever their state.
    pub groups: Vec<TaskGroup>,
    /// `None`: of every node.
    pub node: Option<String>,
}

impl TaskGroup {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::UnderWay, Self::Failed, Self::Done];

    /// Its label.
    pub fn label(self) -> &'static str {
        let texts = &text::deferred().tasks;
        match self {
            Self::UnderWay => texts.group_under_way,
            Self::Failed => texts.group_failed,
            Self::Done => texts.group_done,
        }
    }

    /// Whether a task of this state belongs to the group.
    pub fn has(self, state: TaskState) -> bool {
        match state {
            TaskState::Queued | TaskState::Running => self == Self::UnderWay,
            TaskState::Failed | TaskState::Interrupted => self == Self::Failed,
            TaskState::Succeeded | TaskState::Cancelled => self == Self::Done,
        }
    }

    /// As the API names its states.
    fn words(self) -> &'static str {
        match self {
            Self::UnderWay => "queued,running",
            Self::Failed => "failed,interrupted",
            Self::Done => "succeeded,cancelled",
        }
    }
}

impl TaskFilter {
    /// Reads the query of an address; what it does not know is left out.
    pub fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            match key.as_ref() {
                "state" => {
                    let named = |group: &TaskGroup| {
                        let mut words = value.split(',');
                        words.any(|word| group.words().split(',').any(|known| known == word))
                    };
                    filter.groups = TaskGroup::ALL.into_iter().filter(named).collect();
                }
                "node" if !value.is_empty() => filter.node = Some(value.into_owned()),
                _ => {}
            }
        }
        filter
    }

    /// The address of the list that is narrowed down so.
    pub fn to_url(&self) -> String {
        let query = self.query();
        let path = Route::Tasks.path();
        match query.is_empty() {
            true => path,
            false => format!("{path}?{query}"),
        }
    }

    /// The parameters, for the address and for the API alike; empty where nothing is left out.
    pub fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        if !self.groups.is_empty() {
            let words: Vec<_> = self.groups.iter().map(|group| group.words()).collect();
            query.append_pair("state", &words.join(","));
        }
        if let Some(node) = &self.node {
            query.append_pair("node", node);
        }
        query.finish()
    }

    /// With a group more, or less.
    pub fn toggled(mut self, group: TaskGroup) -> Self {
        if self.groups.contains(&group) {
            self.groups.retain(|known| *known != group);
        } else {
            self.groups.push(group);
        }
        self
    }

    /// Whether the list contains this task.
    pub fn shows(&self, task: &Task) -> bool {
        let state = self.groups.is_empty() || self.groups.iter().any(|it| it.has(task.state));
        state && self.node.as_ref().is_none_or(|node| *node == task.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for filter in [
            TaskFilter::default(),
            TaskFilter {
                groups: vec![TaskGroup::UnderWay, TaskGroup::Done],
                node: Some(String::from("a&b=ノード")),
            },
            TaskFilter {
                groups: vec![TaskGroup::Failed],
                node: None,
            },
        ] {
            assert_eq!(TaskFilter::parse(&filter.query()), filter);
        }
        assert_eq!(TaskFilter::default().to_url(), "/tasks");
        let unknown = TaskFilter::parse("?state=lost&node=&page=3");
        assert_eq!(unknown, TaskFilter::default());
    }

    #[test]
    fn every_state_is_in_one_group() {
        for state in [
            TaskState::Queued,
            TaskState::Running,
            TaskState::Succeeded,
            TaskState::Failed,
            TaskState::Interrupted,
            TaskState::Cancelled,
        ] {
            let groups = TaskGroup::ALL.into_iter().filter(|group| group.has(state));
            assert_eq!(groups.count(), 1, "{state:?}");
        }
    }
}
