//! What the list of tasks and the page of one share.

use std::sync::Arc;

use ecoman_api::{Task as TaskFacts, TaskId};
use leptos::prelude::*;

use crate::live::LiveData;

pub(super) fn loading_line(words: &'static str) -> AnyView {
    view! { <p class="skeleton" role="status">{words}</p> }.into_any()
}

pub(super) fn task_of(live: LiveData, id: TaskId) -> Memo<Option<Arc<TaskFacts>>> {
    Memo::new(move |_| live.tasks.with(|tasks| tasks.data()?.get(id).cloned()))
}
