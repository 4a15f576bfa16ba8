//! Changes of power: buttons, the question back, and what came of it for each VM.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use ecoman_api::{AnswerQuestion, PowerAction, Question, SetPower, Task, TaskId, TaskState, Vm};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::focus;
use crate::api;
use crate::clock::use_clock;
use crate::components::{Icon, ago, busy, dialog, icon, link, power_word, task_badge};
use crate::live::{Live, use_live};
use crate::location::use_location;
use crate::state::format;
use crate::state::inventory::{Nodes, Row, VmKey, seen_at};
use crate::state::power_plan::{
    GUEST_SECONDS, GUEST_SECONDS_LEAST, GUEST_SECONDS_MOST, Known, Plan, is_harmless, longer,
    meaning, order, result,
};
use crate::state::route::Page;
use crate::state::tasks::{Tasks, at, guest_was_late, has_come_true};

/// So many requests are on their way at once.
const AT_ONCE: usize = 4;
/// A preview of more VMs than this names only the first of them.
const MOST_LISTED: usize = 200;
/// The heading of the dialog.
const HEADING: &str = "power-heading";
/// What has the focus first in it: nothing happens by an Enter there.
const FIRST: &str = "power-first";

/// Where changes of power are asked for, from anywhere in the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PowerDesk {
    live: Live,
    shown: RwSignal<Option<Shown>>,
    /// The VM that a change alone is on its way for: a second click asks for nothing more.
    asking: StoredValue<Option<VmKey>>,
}

/// What the dialog shows.
#[derive(Clone, Debug)]
struct Shown {
    plan: Arc<Plan>,
    /// `None`: it is not sent yet.
    outcomes: Option<Outcomes>,
}

/// By VM, in the order of the plan. Belongs to no part of the page: the one that it was asked for
/// in may go before the answers come.
type Outcomes = ArcRwSignal<Vec<Outcome>>;

/// What came of the request for one VM.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// It is on its way.
    Sent,
    /// It was not taken.
    Refused(String),
    /// It is this task now.
    Task(TaskId),
}

impl PowerDesk {
    /// A desk where nothing is asked.
    pub(crate) fn new(live: Live) -> Self {
        Self {
            live,
            shown: RwSignal::new(None),
            asking: StoredValue::new(None),
        }
    }

    /// Asks for a change of power of one VM, which the reader is looking at.
    pub(crate) fn ask_one(self, action: PowerAction, vm: &Vm) {
        let Some(row) = self.row(vm) else {
            return;
        };
        let plan = self.plan(action, &[row]);
        if is_harmless(action) && plan.doing.len() == 1 {
            self.send(&plan, GUEST_SECONDS);
        } else {
            self.show(plan);
        }
    }

    /// Asks the guest of a VM once more to shut down, with more time than it had.
    fn wait_longer(self, vm: &Vm, seconds: u32) {
        let Some(row) = self.row(vm) else {
            return;
        };
        let plan = self.plan(PowerAction::Shutdown, &[row]);
        if plan.doing.is_empty() {
            // It tells why not.
            self.show(plan);
        } else {
            self.send(&plan, seconds);
        }
    }

    fn row(self, vm: &Vm) -> Option<Arc<Row>> {
        self.live
            .vms
            .with_untracked(|vms| vms.data()?.get(&VmKey::of(vm)).cloned())
    }

    /// Asks for a change of power of many VMs.
    pub(crate) fn ask_many(self, action: PowerAction, rows: &[Arc<Row>]) {
        self.show(self.plan(action, rows));
    }

    fn plan(self, action: PowerAction, rows: &[Arc<Row>]) -> Arc<Plan> {
        Arc::new(untrack(|| {
            known(self.live, |known| Plan::new(action, rows, known))
        }))
    }

    fn show(self, plan: Arc<Plan>) {
        self.shown.set(Some(Shown {
            plan,
            outcomes: None,
        }));
    }

    fn close(self) {
        self.shown.set(None);
    }

    fn send(self, plan: &Arc<Plan>, guest_seconds: u32) {
        let count = plan.doing.len();
        let outcomes = ArcRwSignal::new(vec![Outcome::Sent; count]);
        let shown = Shown {
            plan: Arc::clone(plan),
            outcomes: Some(outcomes.clone()),
        };
        let alone = count == 1 && plan.left_out.is_empty();
        if alone {
            let key = plan.doing.first().map(|row| VmKey::of(&row.vm));
            if self.asking.get_value() == key {
                return;
            }
            self.asking.set_value(key);
        } else {
            self.shown.set(Some(shown.clone()));
        }
        let next = Rc::new(Cell::new(0));
        for _ in 0..AT_ONCE.min(count) {
            let plan = Arc::clone(plan);
            let shown = shown.clone();
            let outcomes = outcomes.clone();
            let next = Rc::clone(&next);
            spawn_local(async move {
                loop {
                    let nth = next.replace(next.get() + 1);
                    let Some(row) = plan.doing.get(nth) else {
                        return;
                    };
                    let guest_seconds =
                        (plan.action == PowerAction::Shutdown).then_some(guest_seconds);
                    let wanted = SetPower {
                        action: plan.action,
                        guest_seconds,
                    };
                    let key = super::new::fresh_key();
                    let asked = api::set_power(&row.vm.node, row.vm.vmid, wanted, &key).await;
                    let outcome = match asked {
                        Ok(task) => {
                            let id = task.id;
                            self.live.take_task(task);
                            Outcome::Task(id)
                        }
                        Err(error) => Outcome::Refused(error.to_string()),
                    };
                    if alone {
                        self.asking.set_value(None);
                        // What comes of it shows on the page; what was refused shows nowhere else.
                        let refused = matches!(outcome, Outcome::Refused(_));
                        self.shown.set(refused.then(|| shown.clone()));
                    }
                    outcomes.update(|outcomes| {
                        if let Some(slot) = outcomes.get_mut(nth) {
                            *slot = outcome;
                        }
                    });
                }
            });
        }
    }
}

/// The desk, from anywhere in the page.
pub(crate) fn use_desk() -> PowerDesk {
    expect_context()
}

/// What is known at this moment, by tracked reads.
pub(crate) fn known<T>(live: Live, read: impl FnOnce(Known<'_>) -> T) -> T {
    let (no_nodes, no_tasks) = (Nodes::new(), Tasks::default());
    live.nodes.with(|nodes| {
        live.tasks.with(|tasks| {
            live.config.with(|config| {
                read(Known {
                    nodes: nodes.data().unwrap_or(&no_nodes),
                    tasks: tasks.data().unwrap_or(&no_tasks),
                    config: config.as_ref(),
                })
            })
        })
    })
}

/// The change of a VM's power that is being made, by tracked reads.
pub(crate) fn change_of(live: Live, vm: &Vm) -> Option<PowerAction> {
    known(live, |known| {
        let task = known.tasks.changing(vm, seen_at(vm, known.nodes))?;
        crate::state::tasks::power_of(task).map(|(action, _)| action)
    })
}

/// Sign of a change.
pub(crate) fn sign(action: PowerAction) -> Icon {
    match action {
        PowerAction::On => Icon::Start,
        PowerAction::Off => Icon::Stop,
        PowerAction::Shutdown => Icon::Shutdown,
        PowerAction::Reboot => Icon::Again,
        PowerAction::Reset => Icon::Reset,
        PowerAction::Suspend => Icon::Suspended,
    }
}

/// A button that asks for a change. `why_not`: why it cannot be asked for.
pub(crate) fn power_button(
    action: PowerAction,
    why_not: Memo<Option<String>>,
    label: Signal<String>,
    ask: impl Fn() + 'static,
) -> AnyView {
    let id = format!("why-{}", action.word());
    let described = id.clone();
    let class = if action.cuts() {
        "button danger"
    } else {
        "button"
    };
    view! {
        <button
            type="button"
            class=class
            tabindex="0"
            aria-disabled=move || why_not.with(Option::is_some).then_some("true")
            aria-describedby=move || why_not.with(Option::is_some).then(|| described.clone())
            data-tip=move || Some(why_not.get().unwrap_or_else(|| meaning(action).to_owned()))
            on:click=move |_| {
                if why_not.with_untracked(Option::is_none) {
                    ask();
                }
            }
        >
            {icon(sign(action))}
            {label}
        </button>
        <span class="sr" id=id>{move || why_not.get()}</span>
    }
    .into_any()
}

/// The buttons of one VM.
pub(crate) fn power_bar(vm: Memo<Option<Arc<Vm>>>) -> AnyView {
    let live = use_live();
    let desk = use_desk();
    let buttons = PowerAction::ALL.map(|action| {
        let why_not = Memo::new(move |_| {
            let vm = vm.get()?;
            if live.vms.with(|vms| vms.data().is_none()) {
                return Some(String::from("The list of VMs is still being loaded."));
            }
            known(live, |known| known.refusal(&vm, action))
        });
        power_button(
            action,
            why_not,
            Signal::derive(move || order(action).to_owned()),
            move || {
                if let Some(vm) = vm.get_untracked() {
                    desk.ask_one(action, &vm);
                }
            },
        )
    });
    view! {
        <div
            class="power-bar"
            role="group"
            aria-label="Power"
            hidden=move || vm.with(Option::is_none)
        >
            {buttons.into_iter().collect::<Vec<_>>()}
        </div>
    }
    .into_any()
}

/// What is being done to a VM, or why the last thing was not; and the question that it waits with.
pub(crate) fn vm_task(vm: Memo<Option<Arc<Vm>>>) -> AnyView {
    let live = use_live();
    let clock = use_clock();
    let key = Memo::new(move |_| vm.with(|vm| vm.as_deref().map(VmKey::of)));
    let newest = Memo::new(move |_| {
        let key = key.get()?;
        live.tasks
            .with(|tasks| tasks.data()?.newest_of(&key).cloned())
    });
    let question = Memo::new(move |_| {
        let key = key.get()?;
        live.tasks.with(|tasks| {
            let (_, question) = tasks.data()?.question(&key)?;
            Some((key, question.clone()))
        })
    });
    let doing = Memo::new(move |_| {
        let task = newest.get()?;
        at(&task, clock.now())
    });
    // What has come true late is told by the VM's state.
    let moot = Memo::new(move |_| {
        newest
            .get()
            .zip(vm.get())
            .is_some_and(|(task, vm)| has_come_true(&task, &vm))
    });
    let strip = move || {
        let task = newest.get()?;
        match task.state {
            TaskState::Succeeded => None,
            TaskState::Queued | TaskState::Running => Some(
                view! {
                    <div class="notice">
                        {busy()}
                        <p>{task_link(&task)} ": " {move || doing.get()}</p>
                    </div>
                }
                .into_any(),
            ),
            TaskState::Failed | TaskState::Interrupted => {
                (!moot.get()).then(|| unsuccessful(vm, &task))
            }
        }
    };
    view! {
        <div role="status">{strip}</div>
        {move || question.get().map(|(key, question)| question_card(key, question))}
    }
    .into_any()
}

fn task_link(task: &Task) -> AnyView {
    let page = Page::Task { id: task.id }.path();
    link("", page, task.title.clone().into_any())
}

/// Why a change did not succeed, and what can be done about it from here.
fn unsuccessful(vm: Memo<Option<Arc<Vm>>>, task: &Task) -> AnyView {
    let end = task.finished_at.unwrap_or(task.created_at);
    let why = task.error.as_ref().map(|error| error.detail.clone());
    let ways = guest_was_late(task).map(|seconds| late_guest(vm, longer(seconds)));
    view! {
        <div class="notice bad">
            {icon(Icon::Warning)}
            <div>
                <p>
                    {task_link(task)}
                    " did not succeed "
                    <span class="aside">"(" {ago(end)} ")"</span>
                    ": "
                    {why}
                </p>
                {ways}
            </div>
        </div>
    }
    .into_any()
}

/// What can be done about a guest that has not shut down in time. Nothing of it happens by itself:
/// only the reader knows what the guest may lose.
fn late_guest(vm: Memo<Option<Arc<Vm>>>, seconds: u32) -> AnyView {
    let live = use_live();
    let desk = use_desk();
    let possible = move |action| {
        Memo::new(move |_| {
            let vm = vm.get();
            vm.is_some_and(|vm| known(live, |known| known.refusal(&vm, action).is_none()))
        })
    };
    let (wait, cut) = (possible(PowerAction::Shutdown), possible(PowerAction::Off));
    let ask_again = move |_| {
        if let Some(vm) = vm.get_untracked() {
            desk.wait_longer(&vm, seconds);
        }
    };
    let ask_off = move |_| {
        if let Some(vm) = vm.get_untracked() {
            desk.ask_one(PowerAction::Off, &vm);
        }
    };
    let time = format::duration(seconds.into());
    let tip = format!("Asks the guest once more, and waits up to {time} for it to shut down.");
    view! {
        <div class="choices" role="group" aria-label="The guest is still on">
            {move || {
                wait.get()
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button"
                                data-tip=tip.clone()
                                aria-description=tip.clone()
                                on:click=ask_again
                            >
                                {icon(sign(PowerAction::Shutdown))}
                                "Wait longer"
                                <span class="aside">{time.clone()}</span>
                            </button>
                        }
                    })
            }}
            {move || {
                cut.get()
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button danger"
                                data-tip=meaning(PowerAction::Off)
                                on:click=ask_off
                            >
                                {icon(sign(PowerAction::Off))}
                                "Power off…"
                            </button>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// A question that a VM waits with, and its answers.
pub(crate) fn question_card(key: VmKey, question: Question) -> AnyView {
    let live = use_live();
    // The index of the answer that was chosen.
    let chosen = RwSignal::new(None::<u32>);
    let error = RwSignal::new(None::<String>);
    let (key, id) = (StoredValue::new(key), StoredValue::new(question.id));
    let answer = move |choice: u32| {
        if chosen.get_untracked().is_some() {
            return;
        }
        chosen.set(Some(choice));
        error.set(None);
        spawn_local(async move {
            let VmKey { node, vmid } = key.get_value();
            let answer = AnswerQuestion {
                question: id.get_value(),
                choice,
            };
            match api::answer(&node, vmid, answer).await {
                Ok(task) => live.take_task(task),
                Err(wrong) => {
                    chosen.try_set(None);
                    error.try_set(Some(wrong.to_string()));
                }
            }
        });
    };
    // One that has failed may be given again.
    Effect::new(move || {
        let failed = live.tasks.with(|tasks| {
            let newest = tasks.data()?.of(&key.get_value()).next()?;
            let answer = matches!(newest.request, ecoman_api::TaskRequest::Answer { .. });
            (answer && newest.state == TaskState::Failed)
                .then(|| newest.error.as_ref().map(|error| error.detail.clone()))
        });
        if let Some(why) = failed {
            chosen.set(None);
            error.set(why);
        }
    });
    let choices: Vec<_> = question
        .choices
        .into_iter()
        .map(|choice| {
            let index = choice.index;
            let class = if choice.default {
                "button primary"
            } else {
                "button"
            };
            view! {
                <button
                    type="button"
                    class=class
                    aria-disabled=move || chosen.get().is_some().then_some("true")
                    on:click=move |_| answer(index)
                >
                    {move || (chosen.get() == Some(index)).then(busy)}
                    {choice.label}
                </button>
            }
        })
        .collect();
    view! {
        <section class="card question" aria-labelledby="question">
            <h2 id="question">{icon(Icon::Unknown)} "The VM waits for an answer"</h2>
            <div class="lines">
                <p class="asked">{question.text}</p>
                <div class="choices">{choices}</div>
                <p class="bad" role="status">{move || error.get()}</p>
            </div>
        </section>
    }
    .into_any()
}

/// The dialog of the desk; one for the whole page.
#[component]
pub(crate) fn PowerDialog() -> impl IntoView {
    let desk = use_desk();
    let open = Memo::new(move |_| desk.shown.with(Option::is_some));
    let location = use_location();
    // A link in it leads away from it.
    Effect::new(move |known: Option<()>| {
        location.path.track();
        // The dialog's code may come after what was asked for.
        if known.is_some() {
            desk.close();
        }
    });
    let content = move || {
        let shown = desk.shown.get()?;
        Some(match shown.outcomes {
            None => ask_back(desk, &shown.plan),
            Some(outcomes) => results(desk, &shown.plan, &outcomes),
        })
    };
    dialog(
        open,
        (HEADING, FIRST),
        move || desk.close(),
        content.into_any(),
    )
}

/// Whether that is really wanted.
fn ask_back(desk: PowerDesk, plan: &Arc<Plan>) -> AnyView {
    let action = plan.action;
    let count = plan.doing.len();
    let typed = RwSignal::new(String::new());
    let seconds = RwSignal::new(GUEST_SECONDS.to_string());
    let number = plan.number_to_type();
    let seconds_given = move || {
        let seconds: u32 = seconds.with(|text| text.trim().parse().ok())?;
        (GUEST_SECONDS_LEAST..=GUEST_SECONDS_MOST)
            .contains(&seconds)
            .then_some(seconds)
    };
    let ready = Memo::new(move |_| {
        let counted =
            number.is_none_or(|number| typed.with(|typed| typed.trim() == number.to_string()));
        count > 0 && counted && (action != PowerAction::Shutdown || seconds_given().is_some())
    });
    let confirm = {
        let plan = Arc::clone(plan);
        move || {
            if ready.get_untracked() {
                let seconds = untrack(seconds_given).unwrap_or(GUEST_SECONDS);
                if count == 1 && plan.left_out.is_empty() {
                    desk.close();
                }
                desk.send(&plan, seconds);
            }
        }
    };
    let confirm = StoredValue::new_local(confirm);
    let gentle = action
        .gentle()
        .map(|gentle| gentle_button(desk, plan, gentle));
    let counting = number.map(|number| {
        view! {
            <label class="field">
                <span>"To confirm, type how many VMs that is: " <strong>{number}</strong></span>
                <input
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    id=FIRST
                    prop:value=typed
                    on:input=move |event| typed.set(event_target_value(&event))
                    on:keydown=move |event| {
                        if event.key() == "Enter" {
                            confirm.with_value(|confirm| confirm());
                        }
                    }
                />
            </label>
        }
    });
    let limit = (action == PowerAction::Shutdown && count > 0).then(|| {
        view! {
            <label class="field">
                <span>
                    {format!(
                        "Wait for the guest, in seconds ({GUEST_SECONDS_LEAST} to {})",
                        format::grouped(GUEST_SECONDS_MOST.into()),
                    )}
                </span>
                <input
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    aria-invalid=move || seconds_given().is_none().then_some("true")
                    prop:value=seconds
                    on:input=move |event| seconds.set(event_target_value(&event))
                />
            </label>
        }
    });
    let title = if count == 0 {
        format!("{}: none of these VMs", order(action))
    } else {
        format!("{} {}?", order(action), plan.whom())
    };
    let class = if action.cuts() {
        "button danger solid"
    } else {
        "button primary"
    };
    let many = count + plan.left_out.len() > 1;
    let label = if count > 1 {
        format!("{} {}", order(action), format::plural(count, "VM", "VMs"))
    } else {
        order(action).to_owned()
    };
    view! {
        <h2 id=HEADING class:danger=action.cuts()>{icon(sign(action))} {title}</h2>
        <p>{meaning(action)}</p>
        {(many || count == 0).then(|| preview(plan))}
        {limit}
        {counting}
        <div class="choices">
            {gentle}
            <button
                type="button"
                class=class
                aria-disabled=move || (!ready.get()).then_some("true")
                on:click=move |_| confirm.with_value(|confirm| confirm())
            >
                {label}
            </button>
            <button
                type="button"
                class="button last"
                id=number.is_none().then_some(FIRST)
                on:click=move |_| desk.close()
            >
                "Cancel"
            </button>
        </div>
    }
    .into_any()
}

/// The way that asks the guest, before the one that does not.
fn gentle_button(desk: PowerDesk, plan: &Arc<Plan>, gentle: PowerAction) -> AnyView {
    let rows = plan.doing.clone();
    let softer = desk.plan(gentle, &rows);
    let why_not = (softer.doing.is_empty()).then(|| {
        softer
            .left_out
            .first()
            .map_or_else(|| String::from("No VM is left."), |(_, why)| why.clone())
    });
    let can = why_not.is_none();
    let partly = (can && !softer.left_out.is_empty())
        .then(|| format!(" ({} of {})", softer.doing.len(), rows.len()));
    let ask = move |_| {
        if can {
            // Its own dialog, with its own preview and limit.
            desk.show(Arc::clone(&softer));
            request_animation_frame(|| focus(FIRST));
        }
    };
    view! {
        <button
            type="button"
            class="button primary"
            aria-disabled=(!can).then_some("true")
            aria-describedby=(!can).then_some("why-not-gentle")
            on:click=ask
        >
            {icon(sign(gentle))}
            {order(gentle)}
            " instead"
            {partly}
        </button>
        {why_not.map(|why| view! { <p class="small why-not" id="why-not-gentle">{why}</p> })}
    }
    .into_any()
}

/// What happens to which VM, and which are left out.
fn preview(plan: &Plan) -> AnyView {
    let line = |row: &Row, what: AnyView| {
        view! {
            <li>
                <span class="fit">
                    <strong>{format::vm_name(&row.vm).to_owned()}</strong>
                    " "
                    <span class="aside">{row.vm.node.clone()}</span>
                </span>
                <span class="what">{what}</span>
            </li>
        }
        .into_any()
    };
    let count = plan.doing.len();
    let state = |row: &Row| power_word(row.vm.power);
    let to = power_word(result(plan.action));
    let doing: Vec<_> = plan
        .doing
        .iter()
        .take(MOST_LISTED)
        .map(|row| line(row, format!("{} → {to}", state(row)).into_any()))
        .collect();
    let more = count
        .checked_sub(MOST_LISTED)
        .filter(|&more| more > 0)
        .map(|more| view! { <li class="aside">{format!("and {} more", format::grouped(more as u64))}</li> });
    let out = plan.left_out.len();
    let left_out: Vec<_> = plan
        .left_out
        .iter()
        .take(MOST_LISTED)
        .map(|(row, why)| line(row, why.clone().into_any()))
        .collect();
    // Above the list: of a long one only the beginning is seen.
    let counted = (out > 0).then(|| {
        let which = if count > 0 { ", listed last" } else { "" };
        view! {
            <p class="left-out">
                {icon(Icon::Warning)}
                {format!("{} left out{which}.", format::plural(out, "VM is", "VMs are"))}
            </p>
        }
    });
    view! {
        {counted}
        <div class="preview" tabindex="0" role="region" aria-label="What happens to which VM">
            {(count > 0).then(|| view! { <ul class="vms">{doing} {more}</ul> })}
            {(out > 0).then(|| view! { <ul class="vms out" aria-label="Left out">{left_out}</ul> })}
        </div>
    }
    .into_any()
}

/// What came of it, VM by VM, as it happens.
fn results(desk: PowerDesk, plan: &Arc<Plan>, outcomes: &Outcomes) -> AnyView {
    let live = desk.live;
    let clock = use_clock();
    let action = plan.action;
    let rows: Vec<_> = plan
        .doing
        .iter()
        .enumerate()
        .map(|(nth, row)| {
            let outcomes = outcomes.clone();
            let outcome = Memo::new(move |_| outcomes.with(|all| all.get(nth).cloned()));
            let task = Memo::new(move |_| match outcome.get() {
                Some(Outcome::Task(id)) => live.tasks.with(|tasks| tasks.data()?.get(id).cloned()),
                _ => None,
            });
            let what = move || match (outcome.get(), task.get()) {
                (_, Some(task)) => {
                    let more = at(&task, clock.now())
                        .or_else(|| task.error.as_ref().map(|error| error.detail.clone()));
                    let page = Page::Task { id: task.id }.path();
                    let state = task.state;
                    view! {
                        {link("", page, task_badge(state))}
                        " "
                        <span class="aside">{more}</span>
                    }
                    .into_any()
                }
                (Some(Outcome::Refused(why)), _) => view! {
                    {task_badge(TaskState::Failed)}
                    " "
                    <span class="aside">{why}</span>
                }
                .into_any(),
                _ => view! { {busy()} " asking" }.into_any(),
            };
            view! {
                <li>
                    <span class="fit">
                        <strong>{format::vm_name(&row.vm).to_owned()}</strong>
                        " "
                        <span class="aside">{row.vm.node.clone()}</span>
                    </span>
                    <span class="what">{what}</span>
                </li>
            }
        })
        .collect();
    let outcomes = outcomes.clone();
    let tally = Memo::new(move |_| {
        let (mut done, mut failed, mut under_way) = (0, 0, 0);
        outcomes.with(|outcomes| {
            live.tasks.with(|tasks| {
                for outcome in outcomes {
                    let state = match outcome {
                        Outcome::Task(id) => tasks
                            .data()
                            .and_then(|tasks| tasks.get(*id))
                            .map(|task| task.state),
                        Outcome::Refused(_) => Some(TaskState::Failed),
                        Outcome::Sent => None,
                    };
                    match state {
                        Some(TaskState::Succeeded) => done += 1,
                        Some(TaskState::Failed | TaskState::Interrupted) => failed += 1,
                        _ => under_way += 1,
                    }
                }
            });
        });
        format!("{done} done, {failed} failed, {under_way} under way")
    });
    request_animation_frame(|| focus(FIRST));
    view! {
        <h2 id=HEADING>
            {icon(sign(action))} {format!("{} {}", order(action), plan.whom())}
        </h2>
        <p role="status">{move || tally.get()}</p>
        <div class="preview" tabindex="0" role="region" aria-label="What came of it">
            <ul class="vms">{rows}</ul>
        </div>
        <div class="choices">
            <p class="small aside">
                "It goes on when this is closed; "
                {link("", Page::Tasks.path(), "Tasks".into_any())} " tell of it."
            </p>
            <button
                type="button"
                class="button last"
                id=FIRST
                on:click=move |_| desk.close()
            >
                "Close"
            </button>
        </div>
    }
    .into_any()
}
