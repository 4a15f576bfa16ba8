//! The calls of the original ECoMan, under `/v1/machine`: its names, and the shapes of its
//! answers.

use std::fmt;

use chrono::{DateTime, Utc};
use ecoman_model::PowerAction;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{PowerState, Vm, strict_enum};

/// A VM as the original has it. What the node did not say is `null`, but for `ip_address` and
/// `comment`, which are empty then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Machine {
    /// Power state.
    pub power: MachinePower,
    /// When it was powered on.
    pub boot_time: Option<DateTime<Utc>>,
    /// State of VMware Tools (vSphere: `toolsOk`, `toolsOld`, `toolsNotRunning`,
    /// `toolsNotInstalled`).
    #[cfg_attr(feature = "openapi", schema(example = "toolsOk"))]
    pub tools_status: Option<String>,
    /// Host name in the guest.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
    pub hostname: Option<String>,
    /// Primary IP address of the guest; empty: unknown.
    #[cfg_attr(feature = "openapi", schema(example = "192.0.2.36"))]
    pub ip_address: String,
    /// Name.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
    pub name: Option<String>,
    /// Configured memory in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 4096))]
    pub memory_size_mb: Option<u64>,
    /// Virtual CPUs.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 2))]
    pub num_cpu: Option<u32>,
    /// Network cards.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 1))]
    pub num_ethernet_cards: Option<u32>,
    /// Virtual disks.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 1))]
    pub num_virtual_disks: Option<u32>,
    /// Guest operating system in words.
    #[cfg_attr(feature = "openapi", schema(example = "Ubuntu Linux (64-bit)"))]
    pub guest_fullname: Option<String>,
    /// Bytes in use on the datastores.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 11_929_387_008_u64))]
    pub storage_commited: Option<u64>,
    /// CPU use in MHz.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 212))]
    pub overall_cpu_usage: Option<u64>,
    /// Memory that the guest uses actively, in MB.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 655))]
    pub guest_memory_usage: Option<u64>,
    /// Seconds since power on.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 2_889_844))]
    pub uptime_seconds: Option<u64>,
    /// Overall status (vSphere: `green`, `yellow`, `red`, `gray`).
    #[cfg_attr(feature = "openapi", schema(example = "green"))]
    pub overall_status: Option<String>,
    /// Id of the VM on its node.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 14))]
    pub id: u32,
    /// Datastore of the `.vmx` file, in brackets as the node prints it.
    #[cfg_attr(feature = "openapi", schema(example = "[nas-a]"))]
    pub datastore: Option<String>,
    /// Path of the `.vmx` file on its datastore.
    #[cfg_attr(feature = "openapi", schema(example = "metrics-b/metrics-b.vmx"))]
    pub datastore_path: Option<String>,
    /// Comment; empty: none.
    #[cfg_attr(feature = "openapi", schema(example = "owner: ops"))]
    pub comment: String,
    /// The node that the VM is registered on.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub esxi_node_name: String,
    /// Host name or IP address of the node.
    #[cfg_attr(feature = "openapi", schema(example = "hoge.example.org"))]
    pub esxi_node_address: String,
    /// When these facts were last seen to be true.
    pub updated_at: DateTime<Utc>,
}

/// VMs as the original has them, by node and id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Machines(pub Vec<Machine>);

/// Power state in the original's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MachinePower {
    /// Running.
    On,
    /// Not running.
    Off,
    /// Frozen, its memory kept in a file.
    Suspend,
    /// The node did not say.
    Unknown,
}

/// A change of power, as the original asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetMachinePower {
    /// The change.
    #[serde(deserialize_with = "strict_enum::required")]
    pub status: PowerAction,
}

/// The answer to a change of power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachinePowerSet {
    /// That it is done; failures are answered otherwise.
    pub result: MachineResult,
    /// What was asked for.
    pub request_status: PowerAction,
    /// What the node printed.
    #[cfg_attr(feature = "openapi", schema(example = "Powering on VM:"))]
    pub message: String,
}

/// A VM to be created, as the original asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateMachine {
    /// Name; made lower case. Empty: `machine-` and three digits.
    #[cfg_attr(feature = "openapi", schema(example = "ecoman-example3"))]
    pub name: String,
    /// Memory in MB, a multiple of 4, at most that of the node.
    pub ram_mb: Count,
    /// Virtual CPUs, at least 1, at most the threads of the node.
    pub cpu_cores: Count,
    /// Disk in GB of 1024³ bytes, thin, at least 1, at most what is free on the datastore.
    pub storage_gb: Count,
    /// The node to create it on.
    #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
    pub esxi_nodename: String,
    /// Comment; may be empty.
    #[cfg_attr(feature = "openapi", schema(example = "owner: ops"))]
    pub comment: String,
}

/// The answer to the creation of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineCreated {
    /// That it is done; failures are answered otherwise.
    pub result: MachineResult,
    /// What was done, in words.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Created ecoman-example3 on hoge, VM 15.")
    )]
    pub message: String,
}

/// How it went. The original's `ng` comes as a failure with a status of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MachineResult {
    /// Done.
    Ok,
}

/// A whole number, or its digits as a text: the original's own page sends what stands in the
/// fields of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub u64);

impl Machine {
    /// A VM in the original's words; `address` is that of its node.
    #[must_use]
    pub fn new(vm: &Vm, address: &str) -> Self {
        let path = vm.vmx_path.as_deref();
        let path = path.map(|path| path.split_once("] ").map_or(path, |(_, path)| path));
        Self {
            power: match vm.power {
                PowerState::On => MachinePower::On,
                PowerState::Off => MachinePower::Off,
                PowerState::Suspended => MachinePower::Suspend,
                PowerState::Unknown => MachinePower::Unknown,
            },
            boot_time: vm.booted_at,
            tools_status: vm.tools_status.clone(),
            hostname: vm.hostname.clone(),
            ip_address: vm.ip_address.clone().unwrap_or_default(),
            name: vm.name.clone(),
            memory_size_mb: vm.memory_mb,
            num_cpu: vm.cpus,
            num_ethernet_cards: vm.nic_count,
            num_virtual_disks: vm.disk_count,
            guest_fullname: vm.guest_os.clone(),
            storage_commited: vm.storage_bytes,
            overall_cpu_usage: vm.cpu_usage_mhz,
            guest_memory_usage: vm.guest_memory_mb,
            uptime_seconds: vm.uptime_seconds,
            overall_status: vm.overall_status.clone(),
            id: vm.vmid,
            datastore: vm.datastore.as_ref().map(|name| format!("[{name}]")),
            datastore_path: path.map(str::to_owned),
            comment: vm.comment.clone().unwrap_or_default(),
            esxi_node_name: vm.node.clone(),
            esxi_node_address: address.to_owned(),
            updated_at: vm.observed_at,
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or its digits as a text")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Count, E> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number
                    .map(Count)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::schema::{
        KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
    };
    use utoipa::openapi::{RefOr, Schema};

    use super::Count;

    impl utoipa::PartialSchema for Count {
        fn schema() -> RefOr<Schema> {
            let number = ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Integer))
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0))
                .build();
            let digits = ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::String))
                .pattern(Some("^[0-9]{1,18}$"))
                .build();
            OneOfBuilder::new()
                .item(number)
                .item(digits)
                .description(Some("A whole number, or its digits as a text."))
                .examples([serde_json::json!(1024)])
                .into()
        }
    }

    impl utoipa::ToSchema for Count {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_come_as_digits() {
        for text in ["14", "\"14\"", "\"014\""] {
            let count: Count = serde_json::from_str(text).expect(text);
            assert_eq!(count, Count(14), "{text}");
        }
        for text in [
            "-1",
            "1.5",
            "\"\"",
            "\"+1\"",
            "\"1 \"",
            "\"-1\"",
            "null",
            "true",
            "\"99999999999999999999\"",
        ] {
            let error = serde_json::from_str::<Count>(text).expect_err(text);
            assert!(
                error.to_string().contains("a whole number, or its digits"),
                "{error}"
            );
        }
    }
}
