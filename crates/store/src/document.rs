//! How records are written down, the same in MongoDB (BSON) and in the embedded store (JSON).
//!
//! The names and shapes here are the format on disk and change apart from the domain's words.
//! Fields that this version does not know are passed over; a missing one is "not known".

mod audit;
mod task;

use ecoman_model::{
    Datastore, FailureKind, IsoImage, NodeFacts, NodeFailure, NodeName, NodeRecord, NodeSettings,
    PortGroup, PowerState, Timestamp, VersionFacts, VmFacts, VmKey, VmRecord, Vmid,
};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use audit::{AuditAge, AuditDocument, outcome_word, time_bound};
pub(crate) use task::{ErrorDocument, NoteDocument, TaskDocument, state_word};

/// A VM as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VmDocument {
    node: NodeName,
    vmid: u32,
    facts: VmFactsDocument,
    observed_at: Timestamp,
    failure: Option<String>,
}

/// A node as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NodeDocument {
    name: NodeName,
    settings: NodeSettingsDocument,
    facts: Option<NodeFactsDocument>,
    observed_at: Option<Timestamp>,
    attempted_at: Option<Timestamp>,
    next_attempt_at: Option<Timestamp>,
    interval_seconds: Number,
    round_millis: Option<Number>,
    failure: Option<NodeFailureDocument>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct VmFactsDocument {
    name: Option<String>,
    uuid: Option<String>,
    power: PowerDocument,
    hostname: Option<String>,
    ip_address: Option<String>,
    cpus: Option<u32>,
    memory_mb: Option<Number>,
    storage_bytes: Option<Number>,
    storage_uncommitted_bytes: Option<Number>,
    guest_os: Option<String>,
    tools_status: Option<String>,
    overall_status: Option<String>,
    connection_state: Option<String>,
    uptime_seconds: Option<Number>,
    booted_at: Option<Timestamp>,
    cpu_usage_mhz: Option<Number>,
    guest_memory_mb: Option<Number>,
    host_memory_mb: Option<Number>,
    nic_count: Option<u32>,
    disk_count: Option<u32>,
    datastore: Option<String>,
    vmx_path: Option<String>,
    hardware_version: Option<String>,
    comment: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PowerDocument {
    On,
    Off,
    Suspended,
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
struct NodeSettingsDocument {
    address: String,
    port: u16,
    username: String,
    datastore_path: String,
    installer_iso_path: String,
    network_port_group: String,
    max_sessions: u8,
    read_only: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct NodeFactsDocument {
    version: VersionDocument,
    vendor: Option<String>,
    model: Option<String>,
    cpu_model: Option<String>,
    cpu_mhz: Option<Number>,
    cpu_packages: Option<u32>,
    cpu_cores: Option<u32>,
    cpu_threads: Option<u32>,
    memory_bytes: Option<Number>,
    cpu_usage_mhz: Option<Number>,
    memory_usage_mb: Option<Number>,
    booted_at: Option<Timestamp>,
    in_maintenance_mode: Option<bool>,
    overall_status: Option<String>,
    #[serde(default)]
    datastores: Vec<DatastoreDocument>,
    #[serde(default)]
    port_groups: Vec<PortGroupDocument>,
    #[serde(default)]
    iso_images: Vec<IsoImageDocument>,
    #[serde(default)]
    setup_read_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct VersionDocument {
    product: Option<String>,
    version: Option<String>,
    build: Option<String>,
    update: Option<u32>,
    patch: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DatastoreDocument {
    name: Option<String>,
    path: String,
    kind: String,
    accessible: bool,
    capacity_bytes: Option<Number>,
    free_bytes: Option<Number>,
}

#[derive(Debug, Serialize, Deserialize)]
struct IsoImageDocument {
    path: String,
    #[serde(default)]
    bytes: Option<Number>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PortGroupDocument {
    name: String,
    virtual_switch: String,
    active_clients: u32,
    vlan_id: u16,
}

#[derive(Debug, Serialize, Deserialize)]
struct NodeFailureDocument {
    kind: FailureKindDocument,
    message: String,
    hint: String,
    since: Timestamp,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureKindDocument {
    Configuration,
    Unreachable,
    HostKey,
    Authentication,
    Timeout,
    Disconnected,
    Hostd,
    Protocol,
}

/// A 64-bit count. BSON's integers end at 2⁶³ − 1; what lies above, which only a node that
/// talks nonsense says, is written as a decimal text rather than lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number(u64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) => serializer.serialize_i64(number),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number from 0 to 18446744073709551615")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                u64::try_from(number)
                    .map(Number)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse()
                    .map(Number)
                    .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

// Every conversion takes its source apart field by field, so that a new field of the model
// cannot be forgotten here.

impl From<&VmRecord> for VmDocument {
    fn from(record: &VmRecord) -> Self {
        let VmRecord {
            key: VmKey { node, vmid },
            facts,
            observed_at,
            failure,
        } = record;
        Self {
            node: node.clone(),
            vmid: vmid.0,
            facts: facts.into(),
            observed_at: *observed_at,
            failure: failure.clone(),
        }
    }
}

impl From<VmDocument> for VmRecord {
    fn from(document: VmDocument) -> Self {
        let VmDocument {
            node,
            vmid,
            facts,
            observed_at,
            failure,
        } = document;
        Self {
            key: VmKey {
                node,
                vmid: Vmid(vmid),
            },
            facts: facts.into(),
            observed_at,
            failure,
        }
    }
}

impl From<&VmFacts> for VmFactsDocument {
    fn from(facts: &VmFacts) -> Self {
        let VmFacts {
            name,
            uuid,
            power,
            hostname,
            ip_address,
            cpus,
            memory_mb,
            storage_bytes,
            storage_uncommitted_bytes,
            guest_os,
            tools_status,
            overall_status,
            connection_state,
            uptime_seconds,
            booted_at,
            cpu_usage_mhz,
            guest_memory_mb,
            host_memory_mb,
            nic_count,
            disk_count,
            datastore,
            vmx_path,
            hardware_version,
            comment,
        } = facts.clone();
        Self {
            name,
            uuid,
            power: power.into(),
            hostname,
            ip_address,
            cpus,
            memory_mb: memory_mb.map(Number),
            storage_bytes: storage_bytes.map(Number),
            storage_uncommitted_bytes: storage_uncommitted_bytes.map(Number),
            guest_os,
            tools_status,
            overall_status,
            connection_state,
            uptime_seconds: uptime_seconds.map(Number),
            booted_at,
            cpu_usage_mhz: cpu_usage_mhz.map(Number),
            guest_memory_mb: guest_memory_mb.map(Number),
            host_memory_mb: host_memory_mb.map(Number),
            nic_count,
            disk_count,
            datastore,
            vmx_path,
            hardware_version,
            comment,
        }
    }
}

impl From<VmFactsDocument> for VmFacts {
    fn from(document: VmFactsDocument) -> Self {
        let VmFactsDocument {
            name,
            uuid,
            power,
            hostname,
            ip_address,
            cpus,
            memory_mb,
            storage_bytes,
            storage_uncommitted_bytes,
            guest_os,
            tools_status,
            overall_status,
            connection_state,
            uptime_seconds,
            booted_at,
            cpu_usage_mhz,
            guest_memory_mb,
            host_memory_mb,
            nic_count,
            disk_count,
            datastore,
            vmx_path,
            hardware_version,
            comment,
        } = document;
        Self {
            name,
            uuid,
            power: power.into(),
            hostname,
            ip_address,
            cpus,
            memory_mb: memory_mb.map(u64::from),
            storage_bytes: storage_bytes.map(u64::from),
            storage_uncommitted_bytes: storage_uncommitted_bytes.map(u64::from),
            guest_os,
            tools_status,
            overall_status,
            connection_state,
            uptime_seconds: uptime_seconds.map(u64::from),
            booted_at,
            cpu_usage_mhz: cpu_usage_mhz.map(u64::from),
            guest_memory_mb: guest_memory_mb.map(u64::from),
            host_memory_mb: host_memory_mb.map(u64::from),
            nic_count,
            disk_count,
            datastore,
            vmx_path,
            hardware_version,
            comment,
        }
    }
}

impl From<PowerState> for PowerDocument {
    fn from(power: PowerState) -> Self {
        match power {
            PowerState::On => Self::On,
            PowerState::Off => Self::Off,
            PowerState::Suspended => Self::Suspended,
            PowerState::Unknown => Self::Unknown,
        }
    }
}

impl From<PowerDocument> for PowerState {
    fn from(document: PowerDocument) -> Self {
        match document {
            PowerDocument::On => Self::On,
            PowerDocument::Off => Self::Off,
            PowerDocument::Suspended => Self::Suspended,
            PowerDocument::Unknown => Self::Unknown,
        }
    }
}

impl From<&NodeRecord> for NodeDocument {
    fn from(record: &NodeRecord) -> Self {
        let NodeRecord {
            name,
            settings,
            facts,
            observed_at,
            attempted_at,
            next_attempt_at,
            interval_seconds,
            round_millis,
            failure,
            warnings,
        } = record.clone();
        Self {
            name,
            settings: settings.into(),
            facts: facts.map(Into::into),
            observed_at,
            attempted_at,
            next_attempt_at,
            interval_seconds: Number(interval_seconds),
            round_millis: round_millis.map(Number),
            failure: failure.map(Into::into),
            warnings,
        }
    }
}

impl From<NodeDocument> for NodeRecord {
    fn from(document: NodeDocument) -> Self {
        let NodeDocument {
            name,
            settings,
            facts,
            observed_at,
            attempted_at,
            next_attempt_at,
            interval_seconds,
            round_millis,
            failure,
            warnings,
        } = document;
        Self {
            name,
            settings: settings.into(),
            facts: facts.map(Into::into),
            observed_at,
            attempted_at,
            next_attempt_at,
            interval_seconds: interval_seconds.into(),
            round_millis: round_millis.map(u64::from),
            failure: failure.map(Into::into),
            warnings,
        }
    }
}

impl From<NodeSettings> for NodeSettingsDocument {
    fn from(settings: NodeSettings) -> Self {
        let NodeSettings {
            address,
            port,
            username,
            datastore_path,
            installer_iso_path,
            network_port_group,
            max_sessions,
            read_only,
        } = settings;
        Self {
            address,
            port,
            username,
            datastore_path,
            installer_iso_path,
            network_port_group,
            max_sessions,
            read_only,
        }
    }
}

impl From<NodeSettingsDocument> for NodeSettings {
    fn from(document: NodeSettingsDocument) -> Self {
        let NodeSettingsDocument {
            address,
            port,
            username,
            datastore_path,
            installer_iso_path,
            network_port_group,
            max_sessions,
            read_only,
        } = document;
        Self {
            address,
            port,
            username,
            datastore_path,
            installer_iso_path,
            network_port_group,
            max_sessions,
            read_only,
        }
    }
}

impl From<NodeFacts> for NodeFactsDocument {
    fn from(facts: NodeFacts) -> Self {
        let NodeFacts {
            version,
            vendor,
            model,
            cpu_model,
            cpu_mhz,
            cpu_packages,
            cpu_cores,
            cpu_threads,
            memory_bytes,
            cpu_usage_mhz,
            memory_usage_mb,
            booted_at,
            in_maintenance_mode,
            overall_status,
            datastores,
            port_groups,
            iso_images,
            setup_read_at,
        } = facts;
        Self {
            version: version.into(),
            vendor,
            model,
            cpu_model,
            cpu_mhz: cpu_mhz.map(Number),
            cpu_packages,
            cpu_cores,
            cpu_threads,
            memory_bytes: memory_bytes.map(Number),
            cpu_usage_mhz: cpu_usage_mhz.map(Number),
            memory_usage_mb: memory_usage_mb.map(Number),
            booted_at,
            in_maintenance_mode,
            overall_status,
            datastores: datastores.into_iter().map(Into::into).collect(),
            port_groups: port_groups.into_iter().map(Into::into).collect(),
            iso_images: iso_images.into_iter().map(Into::into).collect(),
            setup_read_at,
        }
    }
}

impl From<NodeFactsDocument> for NodeFacts {
    fn from(document: NodeFactsDocument) -> Self {
        let NodeFactsDocument {
            version,
            vendor,
            model,
            cpu_model,
            cpu_mhz,
            cpu_packages,
            cpu_cores,
            cpu_threads,
            memory_bytes,
            cpu_usage_mhz,
            memory_usage_mb,
            booted_at,
            in_maintenance_mode,
            overall_status,
            datastores,
            port_groups,
            iso_images,
            setup_read_at,
        } = document;
        Self {
            version: version.into(),
            vendor,
            model,
            cpu_model,
            cpu_mhz: cpu_mhz.map(u64::from),
            cpu_packages,
            cpu_cores,
            cpu_threads,
            memory_bytes: memory_bytes.map(u64::from),
            cpu_usage_mhz: cpu_usage_mhz.map(u64::from),
            memory_usage_mb: memory_usage_mb.map(u64::from),
            booted_at,
            in_maintenance_mode,
            overall_status,
            datastores: datastores.into_iter().map(Into::into).collect(),
            port_groups: port_groups.into_iter().map(Into::into).collect(),
            iso_images: iso_images.into_iter().map(Into::into).collect(),
            setup_read_at,
        }
    }
}

impl From<VersionFacts> for VersionDocument {
    fn from(facts: VersionFacts) -> Self {
        let VersionFacts {
            product,
            version,
            build,
            update,
            patch,
        } = facts;
        Self {
            product,
            version,
            build,
            update,
            patch,
        }
    }
}

impl From<VersionDocument> for VersionFacts {
    fn from(document: VersionDocument) -> Self {
        let VersionDocument {
            product,
            version,
            build,
            update,
            patch,
        } = document;
        Self {
            product,
            version,
            build,
            update,
            patch,
        }
    }
}

impl From<Datastore> for DatastoreDocument {
    fn from(datastore: Datastore) -> Self {
        let Datastore {
            name,
            path,
            kind,
            accessible,
            capacity_bytes,
            free_bytes,
        } = datastore;
        Self {
            name,
            path,
            kind,
            accessible,
            capacity_bytes: capacity_bytes.map(Number),
            free_bytes: free_bytes.map(Number),
        }
    }
}

impl From<DatastoreDocument> for Datastore {
    fn from(document: DatastoreDocument) -> Self {
        let DatastoreDocument {
            name,
            path,
            kind,
            accessible,
            capacity_bytes,
            free_bytes,
        } = document;
        Self {
            name,
            path,
            kind,
            accessible,
            capacity_bytes: capacity_bytes.map(u64::from),
            free_bytes: free_bytes.map(u64::from),
        }
    }
}

impl From<IsoImage> for IsoImageDocument {
    fn from(IsoImage { path, bytes }: IsoImage) -> Self {
        let bytes = bytes.map(Number);
        Self { path, bytes }
    }
}

impl From<IsoImageDocument> for IsoImage {
    fn from(IsoImageDocument { path, bytes }: IsoImageDocument) -> Self {
        let bytes = bytes.map(u64::from);
        Self { path, bytes }
    }
}

impl From<PortGroup> for PortGroupDocument {
    fn from(port_group: PortGroup) -> Self {
        let PortGroup {
            name,
            virtual_switch,
            active_clients,
            vlan_id,
        } = port_group;
        Self {
            name,
            virtual_switch,
            active_clients,
            vlan_id,
        }
    }
}

impl From<PortGroupDocument> for PortGroup {
    fn from(document: PortGroupDocument) -> Self {
        let PortGroupDocument {
            name,
            virtual_switch,
            active_clients,
            vlan_id,
        } = document;
        Self {
            name,
            virtual_switch,
            active_clients,
            vlan_id,
        }
    }
}

impl From<NodeFailure> for NodeFailureDocument {
    fn from(failure: NodeFailure) -> Self {
        let NodeFailure {
            kind,
            message,
            hint,
            since,
        } = failure;
        Self {
            kind: kind.into(),
            message,
            hint,
            since,
        }
    }
}

impl From<NodeFailureDocument> for NodeFailure {
    fn from(document: NodeFailureDocument) -> Self {
        let NodeFailureDocument {
            kind,
            message,
            hint,
            since,
        } = document;
        Self {
            kind: kind.into(),
            message,
            hint,
            since,
        }
    }
}

impl From<FailureKind> for FailureKindDocument {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Configuration => Self::Configuration,
            FailureKind::Unreachable => Self::Unreachable,
            FailureKind::HostKey => Self::HostKey,
            FailureKind::Authentication => Self::Authentication,
            FailureKind::Timeout => Self::Timeout,
            FailureKind::Disconnected => Self::Disconnected,
            FailureKind::Hostd => Self::Hostd,
            FailureKind::Protocol => Self::Protocol,
        }
    }
}

impl From<FailureKindDocument> for FailureKind {
    fn from(document: FailureKindDocument) -> Self {
        match document {
            FailureKindDocument::Configuration => Self::Configuration,
            FailureKindDocument::Unreachable => Self::Unreachable,
            FailureKindDocument::HostKey => Self::HostKey,
            FailureKindDocument::Authentication => Self::Authentication,
            FailureKindDocument::Timeout => Self::Timeout,
            FailureKindDocument::Disconnected => Self::Disconnected,
            FailureKindDocument::Hostd => Self::Hostd,
            FailureKindDocument::Protocol => Self::Protocol,
        }
    }
}

impl From<Number> for u64 {
    fn from(number: Number) -> Self {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape that files and databases in the field have: it must stay readable.
    const VM: &str = r#"{
        "node": "hoge",
        "vmid": 14,
        "facts": {"name": "metrics-b", "power": "on", "memory_mb": 4096},
        "observed_at": "2026-11-22T10:00:00.000001Z",
        "failure": null
    }"#;

    #[test]
    fn a_missing_field_is_not_known() {
        let vm = VmRecord::from(serde_json::from_str::<VmDocument>(VM).unwrap());
        assert_eq!(vm.key.to_string(), "hoge/14");
        assert_eq!(vm.facts.memory_mb, Some(4096));
        assert_eq!(vm.facts.storage_bytes, None);
        assert_eq!(vm.facts.comment, None);
    }

    #[test]
    fn a_field_that_this_version_does_not_know_is_passed_over() {
        let newer = VM.replace(r#""name""#, r#""encrypted": true, "name""#);
        assert!(serde_json::from_str::<VmDocument>(&newer).is_ok());
    }

    #[test]
    fn a_word_that_this_version_does_not_know_is_an_error() {
        let newer = VM.replace(r#""on""#, r#""hibernated""#);
        let error = serde_json::from_str::<VmDocument>(&newer).unwrap_err();
        assert!(error.to_string().contains("hibernated"), "{error}");
    }

    #[test]
    fn a_number_above_the_integers_of_bson_is_a_text() {
        for (number, json) in [
            (0, "0".to_owned()),
            (i64::MAX.unsigned_abs(), "9223372036854775807".to_owned()),
            (1 << 63, r#""9223372036854775808""#.to_owned()),
            (u64::MAX, r#""18446744073709551615""#.to_owned()),
        ] {
            assert_eq!(serde_json::to_string(&Number(number)).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<Number>(&json).unwrap(),
                Number(number)
            );
        }
        for wrong in ["-1", "1.5", r#""-1""#, r#""""#, "null", "true"] {
            assert!(serde_json::from_str::<Number>(wrong).is_err(), "{wrong}");
        }
    }
}
