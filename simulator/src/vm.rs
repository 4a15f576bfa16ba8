//! A VM while its node runs: its power state, and how it comes from one to the other.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{Power, SnapshotState, Timestamp, Timing, Tools, VmSpec};

/// What a VM is about to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It is being powered on or resumed.
    PoweringOn,
    /// It is being powered off.
    PoweringOff,
    /// Its memory is being written to the disk.
    Suspending,
    /// The guest is shutting down.
    ShuttingDown,
    /// The guest is restarting.
    Rebooting,
}

/// A question that a VM waits for an answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: u32,
    /// Its text, with the key in front.
    pub text: String,
    /// The possible answers: key and label.
    pub choices: Vec<(String, String)>,
    /// Which of them is meant when none is given.
    pub default: Option<usize>,
}

impl Question {
    /// Whether the VM was moved or copied: what ESXi asks when the `.vmx` lies elsewhere than
    /// its `uuid.location` says.
    #[must_use]
    pub fn moved_or_copied() -> Self {
        let choice = |key: &str, label: &str| (format!("button.uuid.{key}"), label.to_owned());
        Self {
            id: 0,
            text: "msg.uuid.altered:This virtual machine might have been moved or copied. In \
                   order to configure certain management and networking features, VMware ESX \
                   needs to know if this virtual machine was moved or copied. If you don't \
                   know, answer \"I Copied It\"."
                .to_owned(),
            choices: vec![
                choice("cancel", "Cancel"),
                choice("movedTheVM", "I Moved It"),
                choice("copiedTheVM", "I Copied It"),
            ],
            default: Some(2),
        }
    }
}

/// A VM of a running node, as it truly is.
#[derive(Clone, Debug, PartialEq)]
pub struct Vm {
    /// Its id.
    pub id: u32,
    /// What it is.
    pub spec: VmSpec,
    /// Whether it runs.
    pub power: Power,
    /// What is under way, and when it will be done.
    pub activity: Option<(Activity, Timestamp)>,
    /// Since when it runs. A restart does not move it: vSphere documents `runtime.bootTime` as the
    /// time of the power-on.
    pub booted_at: Option<Timestamp>,
    /// How often its guest was restarted, by `power.reset` or `power.reboot`.
    pub restarts: u32,
    /// From when on the guest answers.
    pub guest_up_at: Option<Timestamp>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Whether it was powered off by its guest.
    pub clean_power_off: bool,
    /// What it waits for.
    pub question: Option<Question>,
    /// Where it is among its snapshots.
    pub snapshots: SnapshotState,
    /// The world that runs it, as `esxcli vm process list` shows it: not the id of `vim-cmd`.
    pub world_id: u32,
}

impl Vm {
    pub(crate) fn new(id: u32, spec: VmSpec, node_booted_at: Timestamp) -> Self {
        let booted_at = (spec.power == Power::On).then(|| spec.booted_at.unwrap_or(node_booted_at));
        Self {
            id,
            power: spec.power,
            activity: None,
            booted_at,
            restarts: 0,
            guest_up_at: booted_at,
            suspended_at: spec.suspended_at.filter(|_| spec.power == Power::Suspended),
            clean_power_off: spec.clean_power_off,
            question: None,
            snapshots: SnapshotState::default(),
            world_id: 2_214_000 + id * 10,
            spec,
        }
    }

    /// Whether VMware Tools run in the guest at that time.
    #[must_use]
    pub fn tools_run(&self, now: Timestamp) -> bool {
        self.power == Power::On
            && matches!(self.spec.tools, Tools::Installed | Tools::Old)
            && self.guest_up_at.is_some_and(|up| up <= now)
    }

    /// `[datastore1] web/web.vmx`
    #[must_use]
    pub fn vmx_name(&self) -> String {
        let elsewhere = self.spec.vmx_name.clone();
        elsewhere.unwrap_or_else(|| format!("[{}] {}", self.spec.datastore, self.spec.vmx_path))
    }

    /// Begins a change that takes `duration`.
    pub(crate) fn begin(&mut self, activity: Activity, now: Timestamp, duration: Duration) {
        self.activity = Some((activity, later(now, duration)));
    }

    /// Finishes what is due by now. The answer to a question comes first: nothing ends before.
    pub(crate) fn settle(&mut self, now: Timestamp, timing: &Timing) {
        let Some((activity, done_at)) = self.activity else {
            return;
        };
        if done_at > now || self.question.is_some() {
            return;
        }
        self.activity = None;
        match activity {
            Activity::PoweringOn => {
                let resumed = self.power == Power::Suspended;
                self.power = Power::On;
                self.suspended_at = None;
                self.booted_at = Some(done_at);
                self.guest_up_at = Some(if resumed {
                    done_at
                } else {
                    later(done_at, timing.guest_boot)
                });
            }
            Activity::PoweringOff => self.go_off(Power::Off, false),
            Activity::ShuttingDown => self.go_off(Power::Off, true),
            Activity::Suspending => {
                self.go_off(Power::Suspended, false);
                self.suspended_at = Some(done_at);
            }
            Activity::Rebooting => {
                self.restarts += 1;
                self.guest_up_at = Some(later(done_at, timing.guest_boot));
            }
        }
    }

    fn go_off(&mut self, power: Power, clean: bool) {
        self.power = power;
        self.booted_at = None;
        self.guest_up_at = None;
        self.clean_power_off = clean;
    }

    /// The use of CPU in MHz and of guest memory in MB at that time.
    pub(crate) fn usage(&self, now: Timestamp) -> (u64, u64) {
        let (cpu, memory) = (self.spec.cpu_usage_mhz, self.spec.guest_memory_mb);
        if !self.spec.usage_wanders {
            return (cpu, memory);
        }
        // A new value every 20 s, between half and one and a half of the usual one.
        let turn = now.timestamp().div_euclid(20).unsigned_abs();
        let share = |salt: u64| {
            let mixed = (turn ^ (u64::from(self.id) << 20) ^ salt)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9);
            50 + (mixed >> 40) % 101
        };
        (
            cpu * share(1) / 100,
            (memory * share(2) / 100).min(self.spec.memory_mb),
        )
    }
}

pub(crate) fn later(time: Timestamp, duration: Duration) -> Timestamp {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| time.checked_add_signed(delta))
        .unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_vm_that_is_powered_on_gets_its_guest_only_after_the_boot() {
        let timing = Timing {
            guest_boot: Duration::from_secs(10),
            ..Timing::AT_ONCE
        };
        let mut vm = Vm::new(1, VmSpec::new("a"), at(0));
        vm.begin(Activity::PoweringOn, at(100), Duration::from_secs(2));
        vm.settle(at(101), &timing);
        assert_eq!(vm.power, Power::Off);
        vm.settle(at(105), &timing);
        assert_eq!((vm.power, vm.booted_at), (Power::On, Some(at(102))));
        assert!(!vm.tools_run(at(111)));
        assert!(vm.tools_run(at(112)));
    }

    #[test]
    fn a_question_holds_the_power_on_up() {
        let mut vm = Vm::new(1, VmSpec::new("a"), at(0));
        vm.question = Some(Question::moved_or_copied());
        vm.begin(Activity::PoweringOn, at(100), Duration::ZERO);
        vm.settle(at(200), &Timing::AT_ONCE);
        assert_eq!(vm.power, Power::Off);
        vm.question = None;
        vm.settle(at(201), &Timing::AT_ONCE);
        assert_eq!(vm.power, Power::On);
    }
}
