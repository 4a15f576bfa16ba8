//! Where changes of power are asked for, and what is sent for each VM.

use std::sync::Arc;

use ecoman_api::{GUEST_SECONDS, PowerAction, PowerState, SetPower, Vm};
use leptos::prelude::*;

use super::context::known;
use crate::acts::results::{Outcome, Outcomes, send_all};
use crate::api;
use crate::live::LiveData;
use crate::state::confirmation::Since;
use crate::state::inventory::{Row, VmKey};
use crate::state::power_plan::{Plan, is_harmless};
use crate::state::selection::Selection;

/// The heading of the dialog.
pub(super) const HEADING: &str = "power-heading";
/// What has the focus first in it: nothing happens by an Enter there.
pub(super) const FIRST: &str = "power-first";

/// Where changes of power are asked for, from anywhere in the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PowerDialogs {
    pub(super) live: LiveData,
    pub(super) shown: RwSignal<Option<DialogContent>>,
    selection: RwSignal<Selection>,
    /// The VM that a change alone is on its way for: a second click asks for nothing more.
    asking: StoredValue<Option<VmKey>>,
}

/// What the dialog shows.
#[derive(Clone, Debug)]
pub(super) struct DialogContent {
    pub(super) plan: Arc<Plan>,
    /// `None`: it is not sent yet.
    pub(super) outcomes: Option<Outcomes>,
}

impl PowerDialogs {
    /// Nothing is asked. What is taken of a change of many VMs leaves `selection`.
    pub(crate) fn new(live: LiveData, selection: RwSignal<Selection>) -> Self {
        Self {
            live,
            shown: RwSignal::new(None),
            selection,
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
    pub(super) fn wait_longer(self, vm: &Vm, seconds: u32) {
        let Some(row) = self.row(vm) else {
            return;
        };
        let plan = self.plan(PowerAction::Shutdown, &[row]);
        if plan.doing.is_empty() {
            // It says why not.
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

    pub(super) fn plan(self, action: PowerAction, rows: &[Arc<Row>]) -> Arc<Plan> {
        Arc::new(untrack(|| {
            known(self.live, |known| Plan::new(action, rows, known))
        }))
    }

    /// What is left of a plan now, by tracked reads.
    pub(super) fn since(self, plan: &Plan) -> Since {
        self.live
            .vms
            .with(|vms| known(self.live, |known| Since::new(plan, vms.data(), known)))
    }

    /// Asks once more, of the VMs of a plan as they are now.
    pub(super) fn review(self, plan: &Plan) {
        let left_out = plan.left_out.iter().map(|(row, _)| row);
        let rows: Vec<_> = self.live.vms.with_untracked(|vms| {
            let rows = plan.doing.iter().chain(left_out);
            rows.filter_map(|row| vms.data()?.get(&VmKey::of(&row.vm)).cloned())
                .collect()
        });
        self.show(self.plan(plan.action, &rows));
    }

    pub(super) fn show(self, plan: Arc<Plan>) {
        self.shown.set(Some(DialogContent {
            plan,
            outcomes: None,
        }));
    }

    pub(super) fn close(self) {
        self.shown.set(None);
    }

    pub(super) fn send(self, plan: &Arc<Plan>, guest_seconds: u32) {
        let count = plan.doing.len();
        let outcomes = ArcRwSignal::new(vec![Outcome::Sent; count]);
        let shown = DialogContent {
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
        let plan = Arc::clone(plan);
        send_all(count, &outcomes, move |nth| {
            let (plan, shown) = (Arc::clone(&plan), shown.clone());
            async move {
                let Some(row) = plan.doing.get(nth) else {
                    return Outcome::Sent;
                };
                let guest_seconds = (plan.action == PowerAction::Shutdown).then_some(guest_seconds);
                let wanted = SetPower {
                    action: plan.action,
                    guest_seconds,
                    // As the person saw it: the dialog takes no other state by itself.
                    if_power: Some(row.vm.power).filter(|power| *power != PowerState::Unknown),
                };
                let key = api::fresh_key();
                let asked = api::set_power(&row.vm.node, row.vm.vmid, wanted, &key).await;
                let outcome = match asked {
                    Ok(task) => {
                        let id = task.id;
                        self.live.take_task(task);
                        if !alone {
                            let key = VmKey::of(&row.vm);
                            self.selection.update(|chosen| chosen.remove(&key));
                        }
                        Outcome::Task(id)
                    }
                    Err(error) => Outcome::Refused(error.to_string()),
                };
                if alone {
                    self.asking.set_value(None);
                    // The result shows on the page; what was refused shows nowhere else.
                    let refused = matches!(outcome, Outcome::Refused(_));
                    self.shown.set(refused.then_some(shown));
                }
                outcome
            }
        });
    }
}

/// The dialogs, from anywhere in the page.
pub(crate) fn use_power_dialogs() -> PowerDialogs {
    expect_context()
}
