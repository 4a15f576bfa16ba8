//! The form for a new VM: what was typed, kept over reloads, and what is wrong with it.

use ecoman_api::{CreateVm, DEFAULT_GUEST_OS, FieldFault, GuestOs, NewVm, Node, Preset};
use serde::{Deserialize, Serialize};

use crate::text;

/// A field of the form, by its name in the API.
pub type Field = &'static str;

/// What was typed so far, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The node; `None`: not chosen yet.
    pub node: Option<String>,
    /// The name.
    pub name: String,
    /// Virtual CPUs.
    pub cpus: String,
    /// Memory in MB.
    pub memory_mb: String,
    /// Disk in GB.
    pub disk_gb: String,
    /// Guest operating system.
    pub guest_os: String,
    /// Datastore; `None`: that of hosts.yml.
    #[serde(default)]
    pub datastore: Option<String>,
    /// Port group; `None`: that of hosts.yml.
    pub network: Option<String>,
    /// ISO image; `None`: that of hosts.yml, empty: an empty drive.
    pub iso_path: Option<String>,
    /// The comment.
    pub comment: String,
    /// Whether to power it on at the end.
    pub power_on: bool,
}

impl Default for Draft {
    /// Nothing was typed; sizes are those of the original's `small`.
    fn default() -> Self {
        Self {
            node: None,
            name: String::new(),
            cpus: String::from("1"),
            memory_mb: String::from("1024"),
            disk_gb: String::from("30"),
            guest_os: DEFAULT_GUEST_OS.to_owned(),
            datastore: None,
            network: None,
            iso_path: None,
            comment: String::new(),
            power_on: true,
        }
    }
}

impl Draft {
    /// The form of a VM that was requested before, on `node`.
    pub fn of(node: &str, vm: &NewVm) -> Self {
        let vm = vm.clone();
        Self {
            node: Some(node.to_owned()),
            name: vm.name,
            cpus: vm.cpus.to_string(),
            memory_mb: vm.memory_mb.to_string(),
            disk_gb: vm.disk_gb.to_string(),
            guest_os: vm.guest_os,
            datastore: vm.datastore,
            network: vm.network,
            iso_path: vm.iso_path,
            comment: vm.comment,
            power_on: vm.power_on,
        }
    }

    /// Takes the sizes of a preset.
    pub fn take(&mut self, preset: &Preset) {
        self.cpus = preset.cpus.to_string();
        self.memory_mb = preset.memory_mb.to_string();
        self.disk_gb = preset.disk_gb.to_string();
    }

    /// Whether its sizes are those of a preset.
    pub fn is_like(&self, preset: &Preset) -> bool {
        number::<u32>(&self.cpus) == Some(preset.cpus)
            && number::<u64>(&self.memory_mb) == Some(preset.memory_mb)
            && number::<u64>(&self.disk_gb) == Some(preset.disk_gb)
    }

    /// What is asked for: numbers that are none are 0, which no node accepts.
    pub fn request(&self) -> CreateVm {
        CreateVm {
            node: self.node.clone().unwrap_or_default(),
            name: self.name.clone(),
            cpus: number(&self.cpus).unwrap_or_default(),
            memory_mb: number(&self.memory_mb).unwrap_or_default(),
            disk_gb: number(&self.disk_gb).unwrap_or_default(),
            comment: self.comment.clone(),
            guest_os: Some(self.guest_os.clone()),
            datastore: self.datastore.clone(),
            network: self.network.clone(),
            iso_path: self.iso_path.clone(),
            power_on: self.power_on,
        }
    }

    /// All that is wrong, by field, at most once a field. `is_taken`: whether a VM of that name is
    /// on the node already.
    pub fn faults(
        &self,
        node: Option<&Node>,
        guest_oses: &[GuestOs],
        is_taken: impl Fn(&str) -> bool,
    ) -> Vec<FieldFault> {
        let texts = &text::deferred().new_vm;
        let mut faults = Vec::new();
        let mut add = |field: Field, rule: String| {
            let known = faults.iter().any(|fault: &FieldFault| fault.field == field);
            if !known {
                faults.push(FieldFault { field, rule });
            }
        };
        for (field, text) in [
            ("cpus", &self.cpus),
            ("memory_mb", &self.memory_mb),
            ("disk_gb", &self.disk_gb),
        ] {
            if number::<u32>(text).is_none() {
                add(field, texts.not_a_number.to_owned());
            }
        }
        let vm = self.request().vm();
        if let Err(broken) = vm.clone().check() {
            broken
                .into_iter()
                .for_each(|fault| add(fault.field, fault.rule));
        }
        let Some(node) = node else {
            add("node", texts.not_chosen.to_owned());
            return faults;
        };
        let datastore = node.datastore(vm.datastore.as_deref());
        match (datastore, &vm.datastore) {
            (Some(datastore), _) if !datastore.accessible => {
                add("datastore", (texts.datastore_away)(&node.name));
            }
            (None, Some(_)) if !node.datastores.is_empty() => {
                add("datastore", (texts.no_datastore)(&node.name));
            }
            _ => {}
        }
        for fault in node.limits(vm.datastore.as_deref()).faults(&vm) {
            add(fault.field, fault.rule);
        }
        if is_taken(&vm.name) {
            add("name", (texts.name_taken)(&node.name));
        }
        let wanted = guest_oses.iter().find(|guest| guest.id == vm.guest_os);
        if let Some((guest, newest)) = wanted.zip(node.newest_hardware)
            && guest.hardware > newest
        {
            add("guest_os", (texts.guest_unknown)(&node.name));
        }
        if let Some(network) = &vm.network
            && !node.port_groups.is_empty()
            && !node.port_groups.iter().any(|group| group.name == *network)
        {
            add("network", (texts.no_port_group)(&node.name));
        }
        faults
    }
}

/// A draft with the key under which it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDraft {
    /// What was typed.
    pub draft: Draft,
    /// What was sent without an answer so far, as it was sent, and the key it was sent under.
    pub sent: Option<(String, String)>,
}

impl SavedDraft {
    /// The key to send `request` under: that of the attempt before, if it was the same and nobody
    /// knows whether it arrived, so that it makes one VM; else `fresh`.
    pub fn key(&mut self, request: &CreateVm, fresh: impl Fn() -> String) -> String {
        // Plain data: nothing in it can fail to become JSON.
        let request = serde_json::to_string(request).unwrap_or_default();
        match &self.sent {
            Some((sent, key)) if *sent == request => key.clone(),
            _ => {
                let key = fresh();
                self.sent = Some((request, key.clone()));
                key
            }
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::node;

    fn draft() -> Draft {
        Draft {
            node: Some(String::from("hoge")),
            name: String::from("web"),
            ..Draft::default()
        }
    }

    fn reported(draft: &Draft, node: Option<&Node>) -> Vec<String> {
        let guests = [GuestOs {
            id: String::from("debian12-64"),
            name: String::from("Debian 12"),
            hardware: 20,
        }];
        draft
            .faults(node, &guests, |name| name == "taken")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_is_right_has_no_faults() {
        assert_eq!(reported(&draft(), Some(&node("hoge"))), [""; 0]);
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it_once() {
        let wrong = Draft {
            name: String::from("taken"),
            cpus: String::from("two"),
            memory_mb: String::from("1023"),
            disk_gb: String::from("-1"),
            guest_os: String::from("debian12-64"),
            network: Some(String::from("Gone")),
            ..draft()
        };
        let mut old = node("hoge");
        old.newest_hardware = Some(13);
        old.port_groups = vec![ecoman_api::PortGroup {
            name: String::from("VM Network"),
            virtual_switch: String::from("vSwitch0"),
            vlan_id: 0,
        }];
        assert_eq!(
            reported(&wrong, Some(&old)),
            [
                "cpus must be a whole number",
                "disk_gb must be a whole number",
                "memory_mb must be a multiple of 4",
                "name is taken: hoge has a VM of this name",
                "guest_os is not supported by hoge (version too old)",
                "network must be a port group of hoge",
            ]
        );
        assert_eq!(reported(&draft(), None), ["node must be chosen"]);
    }

    #[test]
    fn a_size_beyond_the_node_is_reported_with_the_range() {
        let mut small = node("hoge");
        small.cpu.threads = Some(4);
        let big = Draft {
            cpus: String::from("5"),
            ..draft()
        };
        assert_eq!(
            reported(&big, Some(&small)),
            ["cpus must be at most 4, the threads of the node"]
        );
    }

    #[test]
    fn the_same_attempt_keeps_its_key_and_another_gets_its_own() {
        let mut kept = SavedDraft::default();
        let first = kept.key(&draft().request(), || String::from("1"));
        let again = kept.key(&draft().request(), || String::from("2"));
        assert_eq!((first.as_str(), again.as_str()), ("1", "1"));
        let other = Draft {
            name: String::from("db"),
            ..draft()
        };
        assert_eq!(kept.key(&other.request(), || String::from("3")), "3");
    }

    #[test]
    fn a_kept_draft_is_read_again() {
        let mut kept = SavedDraft {
            draft: draft(),
            sent: None,
        };
        kept.key(&draft().request(), || String::from("1"));
        let text = serde_json::to_string(&kept).expect("JSON");
        assert_eq!(
            serde_json::from_str::<SavedDraft>(&text).expect("a draft"),
            kept
        );
    }
}
