//! The words of the page, in the language that `language.rs` has chosen.

use std::sync::OnceLock;

use ecoman_api::text::{
    Acts, Deferred, EN, FilterFaults, FirstLoad, Format, Refusals, Tasks, Texts,
};
use ecoman_api::{FilterFault, Task, TaskStep, TaskVm};

/// The words that the list needs, of one language.
#[derive(Clone, Copy, Debug)]
pub struct FirstWords {
    first_load: &'static FirstLoad,
    acts: &'static Acts,
    refusals: &'static Refusals,
    format: &'static Format,
    filter_faults: &'static FilterFaults,
}

/// The words that only the deferred pages need, of one language.
#[derive(Clone, Copy, Debug)]
pub struct LaterWords {
    deferred: &'static Deferred,
    tasks: &'static Tasks,
}

/// The language, unless it is English.
static FIRST: OnceLock<FirstWords> = OnceLock::new();
static LATER: OnceLock<LaterWords> = OnceLock::new();

impl FirstWords {
    /// Those of a language.
    pub const fn of(texts: &Texts) -> Self {
        Self {
            first_load: texts.first_load,
            acts: texts.acts,
            refusals: texts.refusals,
            format: texts.format,
            filter_faults: texts.filter_faults,
        }
    }
}

impl LaterWords {
    /// Those of a language.
    pub const fn of(texts: &Texts) -> Self {
        Self {
            deferred: texts.deferred,
            tasks: texts.tasks,
        }
    }
}

/// Shows the page in another language than English. Only the first call counts, and only before
/// anything is drawn: texts are not followed like signals.
pub fn choose(words: FirstWords) {
    // Fails where a language was chosen already.
    let _ = FIRST.set(words);
}

/// The same for the deferred pages, before the first of them is drawn.
pub fn choose_later(words: LaterWords) {
    let _ = LATER.set(words);
}

/// Whether the deferred pages are in English although the list is not.
pub fn lacks_later() -> bool {
    FIRST.get().is_some() && LATER.get().is_none()
}

/// The words of the first load: the frame and the list.
pub fn first_load() -> &'static FirstLoad {
    FIRST.get().map_or(EN.first_load, |words| words.first_load)
}

/// The words of the deferred pages. Called by their code alone, so that the words are in its file.
pub fn deferred() -> &'static Deferred {
    LATER.get().map_or(EN.deferred, |words| words.deferred)
}

/// The words of the acts.
pub fn acts() -> &'static Acts {
    FIRST.get().map_or(EN.acts, |words| words.acts)
}

/// Why an act is refused.
pub fn refusals() -> &'static Refusals {
    FIRST.get().map_or(EN.refusals, |words| words.refusals)
}

/// What is wrong with a filter.
pub fn filter_fault(fault: &FilterFault) -> String {
    let texts = FIRST
        .get()
        .map_or(EN.filter_faults, |words| words.filter_faults);
    (texts.sentence)(fault)
}

/// How the language writes values.
pub fn format() -> &'static Format {
    FIRST.get().map_or(EN.format, |words| words.format)
}

/// The title of a task. In English it is what the server has written.
pub fn task_title(task: &Task) -> String {
    let Some(texts) = LATER.get().map(|words| words.tasks) else {
        return task.title.clone();
    };
    let vm = match &task.vm {
        Some(TaskVm {
            name: Some(name), ..
        }) => name.clone(),
        Some(TaskVm { vmid, .. }) => (texts.vm_by_id)(*vmid),
        None => texts.some_vm.to_owned(),
    };
    (texts.title)(&task.request, &vm, &task.node)
}

/// The title of a step of a task, likewise.
pub fn step_title(step: &TaskStep) -> String {
    match (LATER.get(), step.code) {
        (Some(words), Some(code)) => (words.tasks.step)(code),
        _ => step.title.clone(),
    }
}

/// The step that a task is at, likewise.
pub fn current_step(task: &Task) -> Option<String> {
    let title = task.step.as_ref()?;
    let step = task.steps.iter().rev().find(|step| step.title == *title);
    Some(step.map_or_else(|| title.clone(), step_title))
}
