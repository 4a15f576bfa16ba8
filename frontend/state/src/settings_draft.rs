//! The dialog that changes the settings of a VM: what was seen, what was typed, what of it changes,
//! and what is wrong with it.

use ecoman_api::{
    Edit, FieldFault, GuestOs, Limits, PowerState, SeenSettings, Setting, UpdateVm, Vm, VmSettings,
    Vmid,
};

use crate::format::{self, UNKNOWN};
use crate::text;

/// The unit that memory is typed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryUnit {
    /// MB of 1024² bytes.
    Megabytes,
    /// GB of 1024³ bytes.
    Gigabytes,
}

impl MemoryUnit {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Megabytes, Self::Gigabytes];

    /// Its symbol, the same in every language.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Megabytes => "MB",
            Self::Gigabytes => "GB",
        }
    }

    fn write(self, megabytes: u64) -> String {
        match self {
            Self::Megabytes => megabytes.to_string(),
            Self::Gigabytes => {
                let (whole, rest) = (megabytes / 1024, megabytes % 1024);
                // 1/1024 has ten decimals.
                let decimals = format!("{:010}", rest * 9_765_625);
                match decimals.trim_end_matches('0') {
                    "" => whole.to_string(),
                    decimals => format!("{whole}.{decimals}"),
                }
            }
        }
    }

    /// In MB; `None`: it is no whole number of them.
    fn read(self, text: &str) -> Option<u64> {
        let text = text.trim();
        match self {
            Self::Megabytes => text.parse().ok(),
            Self::Gigabytes => {
                let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
                if decimals.len() > 10 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                let whole: u64 = whole.parse().ok()?;
                let rest: u64 = format!("{decimals:0<10}").parse().ok()?;
                let rest = rest.is_multiple_of(9_765_625).then_some(rest / 9_765_625)?;
                whole.checked_mul(1024)?.checked_add(rest)
            }
        }
    }
}

/// What was typed, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsDraft {
    /// Name.
    pub name: String,
    /// Comment.
    pub comment: String,
    /// Virtual CPUs.
    pub cpus: String,
    /// Virtual CPUs in one socket; `None`: as it is, which no list of VMs says.
    pub cores_per_socket: Option<u32>,
    /// Memory, in `memory_unit`.
    pub memory: String,
    /// What the memory is typed in.
    pub memory_unit: MemoryUnit,
    /// The id of the guest operating system; `None`: as it is, which the list knows in words alone.
    pub guest_os: Option<String>,
}

impl SettingsDraft {
    /// The settings of a VM, those that wait until it is off as they will be.
    fn of(vm: &Vm) -> Self {
        let now = settings(vm);
        let waits = vm.pending.clone();
        let (name, comment) = waits.map_or((None, None), |it| (it.name, it.comment));
        let megabytes = now.memory_mb;
        let memory_unit = match megabytes {
            Some(mb) if mb >= 1024 && mb.is_multiple_of(512) => MemoryUnit::Gigabytes,
            _ => MemoryUnit::Megabytes,
        };
        Self {
            name: name.or(now.name).unwrap_or_default(),
            comment: comment.or(now.comment).unwrap_or_default(),
            cpus: now.cpus.map(|cpus| cpus.to_string()).unwrap_or_default(),
            cores_per_socket: None,
            memory: megabytes
                .map(|mb| memory_unit.write(mb))
                .unwrap_or_default(),
            memory_unit,
            guest_os: None,
        }
    }

    /// The memory in MB; `None`: it is no number of them.
    pub fn megabytes(&self) -> Option<u64> {
        self.memory_unit.read(&self.memory)
    }

    /// Writes the memory in another unit.
    pub fn convert(&mut self, unit: MemoryUnit) {
        if let Some(megabytes) = self.megabytes() {
            self.memory = unit.write(megabytes);
        }
        self.memory_unit = unit;
    }

    fn has_same(&self, other: &Self, setting: Setting) -> bool {
        match setting {
            Setting::Name => self.name == other.name,
            Setting::Comment => self.comment == other.comment,
            Setting::Cpus => self.cpus.trim() == other.cpus.trim(),
            Setting::CoresPerSocket => self.cores_per_socket == other.cores_per_socket,
            Setting::Memory => match (self.megabytes(), other.megabytes()) {
                (Some(one), Some(other)) => one == other,
                (None, None) => self.memory == other.memory,
                _ => false,
            },
            Setting::GuestOs => self.guest_os == other.guest_os,
        }
    }

    fn take(&mut self, other: &Self, setting: Setting) {
        match setting {
            Setting::Name => self.name.clone_from(&other.name),
            Setting::Comment => self.comment.clone_from(&other.comment),
            Setting::Cpus => self.cpus.clone_from(&other.cpus),
            Setting::CoresPerSocket => self.cores_per_socket = other.cores_per_socket,
            Setting::Memory => {
                self.memory.clone_from(&other.memory);
                self.memory_unit = other.memory_unit;
            }
            Setting::GuestOs => self.guest_os.clone_from(&other.guest_os),
        }
    }
}

/// What the list knows of a VM's settings, old or not.
fn settings(vm: &Vm) -> VmSettings {
    VmSettings {
        name: vm.name.clone(),
        comment: Some(vm.comment.clone().unwrap_or_default()),
        cpus: vm.cpus,
        memory_mb: vm.memory_mb,
        ..VmSettings::default()
    }
}

/// Whether a change of name and comment waits, and one of the hardware is refused.
pub fn waits_until_off(vm: &Vm) -> bool {
    let off = matches!(vm.power, PowerState::Off | PowerState::Unknown);
    !off && !vm.stale
}

/// A setting of a VM that somebody else has changed while it was being changed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which.
    pub setting: Setting,
    /// What it was.
    pub seen: String,
    /// What it is now.
    pub now: String,
}

/// The settings of one VM, as they are being changed.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsForm {
    /// What was typed.
    pub draft: SettingsDraft,
    /// What would be typed by now if nobody had touched it.
    start: SettingsDraft,
    /// What the reader saw, of what was typed over: goes along as `if`.
    seen: VmSettings,
    /// The VM as it is by now.
    vm: Vm,
}

impl SettingsForm {
    /// The settings of a VM as they are.
    pub fn of(vm: &Vm) -> Self {
        let start = SettingsDraft::of(vm);
        Self {
            draft: start.clone(),
            start,
            seen: settings(vm),
            vm: vm.clone(),
        }
    }

    /// The VM as it is by now.
    pub fn vm(&self) -> &Vm {
        &self.vm
    }

    /// Whether a setting is typed over.
    pub fn is_changed(&self, setting: Setting) -> bool {
        !self.draft.has_same(&self.start, setting)
    }

    /// Whether anything is.
    pub fn is_dirty(&self) -> bool {
        Setting::ALL.into_iter().any(|it| self.is_changed(it))
    }

    /// Takes the VM as it is by now. What was not touched follows it.
    pub fn follow(&mut self, vm: &Vm) {
        let (start, now) = (SettingsDraft::of(vm), settings(vm));
        for setting in Setting::ALL {
            if !self.is_changed(setting) {
                if !start.has_same(&self.start, setting) {
                    self.draft.take(&start, setting);
                }
                see(&mut self.seen, &now, setting);
            }
        }
        self.start = start;
        self.vm = vm.clone();
        // Somebody else has made the very same change.
        for setting in Setting::ALL {
            if !self.is_changed(setting) {
                see(&mut self.seen, &now, setting);
            }
        }
    }

    /// What is typed over here and was changed by somebody else meanwhile.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let now = settings(&self.vm);
        let typed = Setting::ALL.into_iter().filter(|it| self.is_changed(*it));
        typed
            .filter_map(|setting| {
                let (seen, now) = (self.seen.get(setting)?, now.get(setting)?);
                (seen != now).then_some(Conflict { setting, seen, now })
            })
            .collect()
    }

    /// Gives up what is typed over the changes of somebody else.
    pub fn take_theirs(&mut self) {
        for Conflict { setting, .. } in self.conflicts() {
            self.draft.take(&self.start, setting);
            see(&mut self.seen, &settings(&self.vm), setting);
        }
    }

    /// Keeps what is typed, over the changes of somebody else, which the reader has seen now.
    pub fn keep_mine(&mut self) {
        for Conflict { setting, .. } in self.conflicts() {
            see(&mut self.seen, &settings(&self.vm), setting);
        }
    }

    /// What is asked for: what was typed over, with what the reader saw there. Numbers that are none
    /// are 0, which no node accepts.
    pub fn request(&self) -> UpdateVm {
        let changed = |setting| self.is_changed(setting);
        let draft = &self.draft;
        let seen = SeenSettings {
            name: self.seen.name.clone().filter(|_| changed(Setting::Name)),
            comment: self
                .seen
                .comment
                .clone()
                .filter(|_| changed(Setting::Comment)),
            cpus: self.seen.cpus.filter(|_| changed(Setting::Cpus)),
            memory_mb: self.seen.memory_mb.filter(|_| changed(Setting::Memory)),
            ..SeenSettings::default()
        };
        UpdateVm {
            name: changed(Setting::Name).then(|| draft.name.clone()),
            comment: changed(Setting::Comment).then(|| draft.comment.clone()),
            cpus: changed(Setting::Cpus).then(|| draft.cpus.trim().parse().unwrap_or_default()),
            cores_per_socket: draft.cores_per_socket,
            memory_mb: changed(Setting::Memory).then(|| draft.megabytes().unwrap_or_default()),
            guest_os: draft.guest_os.clone(),
            seen: (seen != SeenSettings::default()).then_some(seen),
        }
    }

    /// What was and what will be, in words; `None`: the setting stays.
    pub fn before_after(&self, setting: Setting, guests: &[GuestOs]) -> Option<(String, String)> {
        if !self.is_changed(setting) {
            return None;
        }
        let request = self.request();
        let seen = self.seen.get(setting);
        Some(match setting {
            Setting::Name => (seen?, request.name?),
            Setting::Comment => (line(&seen?), line(&request.comment?)),
            Setting::Cpus => (seen?, request.cpus?.to_string()),
            Setting::CoresPerSocket => (UNKNOWN.to_owned(), request.cores_per_socket?.to_string()),
            Setting::Memory => (
                self.seen.memory_mb.map(exact)?,
                self.draft.megabytes().map(exact)?,
            ),
            Setting::GuestOs => {
                let id = request.guest_os?;
                let guest = guests.iter().find(|guest| guest.id == id);
                let before = self.vm.guest_os.clone();
                (
                    before.unwrap_or_else(|| UNKNOWN.to_owned()),
                    guest.map_or(id, |guest| guest.name.clone()),
                )
            }
        })
    }

    /// All that is wrong, by field, at most once a field. `is_taken`: whether another VM of the node
    /// has that name.
    pub fn faults(&self, limits: &Limits, is_taken: impl Fn(&str) -> bool) -> Vec<FieldFault> {
        let texts = &text::deferred().edit;
        let mut faults: Vec<FieldFault> = Vec::new();
        let mut add = |setting: Setting, rule: String| {
            let field = setting.field();
            if !faults.iter().any(|fault| fault.field == field) {
                faults.push(FieldFault { field, rule });
            }
        };
        let draft = &self.draft;
        let cpus = draft
            .cpus
            .trim()
            .parse::<u32>()
            .ok()
            .filter(|cpus| *cpus > 0);
        if self.is_changed(Setting::Cpus) && cpus.is_none() {
            add(Setting::Cpus, texts.not_a_number.to_owned());
        }
        if self.is_changed(Setting::Memory) {
            match draft.megabytes() {
                None | Some(0) => add(Setting::Memory, texts.not_a_number.to_owned()),
                Some(mb) if !mb.is_multiple_of(4) => {
                    add(Setting::Memory, texts.not_a_multiple.to_owned());
                }
                Some(_) => {}
            }
        }
        let request = self.request();
        if let Some((cpus, most)) = request.cpus.zip(limits.cpus)
            && cpus > most
        {
            let most = format::grouped(most.into());
            add(Setting::Cpus, (texts.at_most)(&most));
        }
        if let Some((memory, most)) = request.memory_mb.zip(limits.memory_mb)
            && memory > most
        {
            add(Setting::Memory, (texts.at_most)(&exact(most)));
        }
        if let Some((cores, cpus)) = draft.cores_per_socket.zip(cpus)
            && !cpus.is_multiple_of(cores.max(1))
        {
            add(Setting::CoresPerSocket, (texts.uneven)(cpus));
        }
        if let Some(name) = &request.name
            && is_taken(name)
        {
            add(Setting::Name, texts.name_taken.to_owned());
        }
        if let Err(broken) = request.edit(Vmid(self.vm.vmid)).check() {
            for fault in broken {
                let setting = Setting::ALL
                    .into_iter()
                    .find(|it| it.field() == fault.field);
                if let Some(setting) = setting {
                    add(setting, fault.rule);
                }
            }
        }
        faults
    }

    /// How many virtual CPUs a socket may have: what divides the number of CPUs.
    pub fn cores_choices(&self) -> Vec<u32> {
        let cpus: u32 = self.draft.cpus.trim().parse().unwrap_or_default();
        // No host has more.
        let cpus = cpus.min(1024);
        (1..=cpus)
            .filter(|cores| cpus.is_multiple_of(*cores))
            .collect()
    }

    /// The most that the node and the VM's virtual hardware allow.
    pub fn limits(&self, node: &Limits) -> Limits {
        Edit::most(node, self.vm.hardware_version.as_deref())
    }
}

/// To the last digit, in GB where it is a whole number of them.
pub fn exact(megabytes: u64) -> String {
    let unit = match megabytes.is_multiple_of(1024) && megabytes > 0 {
        true => MemoryUnit::Gigabytes,
        false => MemoryUnit::Megabytes,
    };
    let number = match unit {
        MemoryUnit::Gigabytes => megabytes / 1024,
        MemoryUnit::Megabytes => megabytes,
    };
    format!("{} {}", format::grouped(number), unit.symbol())
}

/// A text in one line; an empty one is [`UNKNOWN`].
pub fn line(text: &str) -> String {
    match text {
        "" => UNKNOWN.to_owned(),
        text => text.trim_end_matches('\n').replace('\n', " ↵ "),
    }
}

fn see(seen: &mut VmSettings, now: &VmSettings, setting: Setting) {
    match setting {
        Setting::Name => seen.name.clone_from(&now.name),
        Setting::Comment => seen.comment.clone_from(&now.comment),
        Setting::Cpus => seen.cpus = now.cpus,
        Setting::Memory => seen.memory_mb = now.memory_mb,
        Setting::CoresPerSocket | Setting::GuestOs => {}
    }
}

#[cfg(test)]
mod tests {
    use ecoman_api::Pending;

    use super::*;
    use crate::fixtures::time;
    use crate::format::tests::vm;

    fn web() -> Vm {
        Vm {
            name: Some("web".to_owned()),
            comment: Some("owner: ops".to_owned()),
            power: PowerState::Off,
            cpus: Some(2),
            memory_mb: Some(4096),
            hardware_version: Some("vmx-19".to_owned()),
            ..vm("hoge", 1)
        }
    }

    fn rules(form: &SettingsForm) -> Vec<String> {
        let limits = form.limits(&Limits {
            cpus: Some(8),
            memory_mb: Some(16_384),
            disk_gb: None,
        });
        let faults = form.faults(&limits, |name| name == "taken");
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_was_typed_over_is_sent_with_what_was_seen_there() {
        let mut form = SettingsForm::of(&web());
        assert!(!form.is_dirty());
        assert_eq!(form.request(), UpdateVm::default());
        form.draft.comment = String::new();
        form.draft.convert(MemoryUnit::Megabytes);
        assert_eq!(form.draft.memory, "4096");
        assert!(!form.is_changed(Setting::Memory), "the same in MB");
        form.draft.memory = "8192".to_owned();
        let sent = serde_json::to_value(form.request()).expect("JSON");
        let expected = serde_json::json!({
            "comment": "", "memory_mb": 8192, "if": { "comment": "owner: ops", "memory_mb": 4096 },
        });
        assert_eq!(sent, expected);
        let words = |setting| form.before_after(setting, &[]);
        let pair = |before: &str, after: &str| Some((before.to_owned(), after.to_owned()));
        assert_eq!(words(Setting::Memory), pair("4 GB", "8 GB"));
        assert_eq!(words(Setting::Comment), pair("owner: ops", "–"));
        assert_eq!(words(Setting::Cpus), None);
    }

    #[test]
    fn memory_is_typed_in_either_unit() {
        let read = |text| MemoryUnit::Gigabytes.read(text);
        assert_eq!(read("1.5"), Some(1536));
        assert_eq!(read(" 16 "), Some(16_384));
        assert_eq!(read("0.0009765625"), Some(1));
        for wrong in [
            "",
            "1.5.5",
            "1,5",
            "0.1",
            "-1",
            "1.00000000001",
            "99999999999999999999",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        for megabytes in [0, 1, 4, 512, 1536, 4095, 1 << 40] {
            for unit in MemoryUnit::ALL {
                assert_eq!(unit.read(&unit.write(megabytes)), Some(megabytes));
            }
        }
        assert_eq!(
            (exact(1536), exact(16_384)),
            ("1,536 MB".into(), "16 GB".into())
        );
    }

    #[test]
    fn what_cannot_be_is_reported_once_a_field() {
        let mut form = SettingsForm::of(&web());
        assert_eq!(rules(&form), [""; 0]);
        form.draft.name = "taken".to_owned();
        form.draft.cpus = "9".to_owned();
        form.draft.memory = "17".to_owned();
        form.draft.cores_per_socket = Some(2);
        assert_eq!(
            rules(&form),
            [
                "cpus at most 8",
                "memory_mb at most 16 GB",
                "cores_per_socket must divide the 9 CPUs",
                "name is taken by another VM of this host",
            ]
        );
        form = SettingsForm::of(&web());
        form.draft.cpus = "two".to_owned();
        form.draft.memory = "0.001".to_owned();
        form.draft.name = "a/b".to_owned();
        assert_eq!(
            rules(&form),
            [
                "cpus must be a whole number from 1",
                "memory_mb must be a whole number from 1",
                "name must not contain / \\ or %",
            ]
        );
        form = SettingsForm::of(&web());
        form.draft.cpus = "6".to_owned();
        assert_eq!(form.cores_choices(), [1, 2, 3, 6]);
    }

    #[test]
    fn what_was_not_touched_follows_and_what_was_is_a_conflict() {
        let mut form = SettingsForm::of(&web());
        form.draft.comment = "mine".to_owned();
        let theirs = Vm {
            comment: Some("theirs".to_owned()),
            cpus: Some(4),
            ..web()
        };
        form.follow(&theirs);
        assert_eq!(form.draft.cpus, "4");
        let conflict = Conflict {
            setting: Setting::Comment,
            seen: "owner: ops".to_owned(),
            now: "theirs".to_owned(),
        };
        assert_eq!(form.conflicts(), [conflict]);
        let seen = |form: &SettingsForm| form.request().seen.and_then(|seen| seen.comment);
        assert_eq!(
            seen(&form).as_deref(),
            Some("owner: ops"),
            "it would be refused"
        );

        let mut kept = form.clone();
        kept.keep_mine();
        assert_eq!(kept.conflicts(), []);
        assert_eq!(kept.draft.comment, "mine");
        assert_eq!(seen(&kept).as_deref(), Some("theirs"));

        form.take_theirs();
        assert_eq!(form.draft.comment, "theirs");
        assert!(!form.is_dirty());
    }

    #[test]
    fn the_same_change_by_somebody_else_is_no_conflict() {
        let mut form = SettingsForm::of(&web());
        form.draft.comment = "same".to_owned();
        form.follow(&Vm {
            comment: Some("same".to_owned()),
            ..web()
        });
        assert!(!form.is_dirty());
        assert_eq!(form.conflicts(), []);
    }

    #[test]
    fn what_waits_is_changed_on_and_taken_back_by_the_old_text() {
        let waiting = Vm {
            power: PowerState::On,
            pending: Some(Pending {
                name: None,
                comment: Some("later".to_owned()),
                by: None,
                at: time("2026-11-28T16:09:00Z"),
            }),
            ..web()
        };
        assert!(waits_until_off(&waiting));
        let mut form = SettingsForm::of(&waiting);
        assert_eq!(form.draft.comment, "later");
        form.draft.comment = "owner: ops".to_owned();
        let request = form.request();
        assert_eq!(request.comment.as_deref(), Some("owner: ops"));
        let seen = request.seen.and_then(|seen| seen.comment);
        assert_eq!(seen.as_deref(), Some("owner: ops"));
    }
}
