//! Which VMs are large, and by which of their resources.

use serde::{Deserialize, Serialize};

use crate::VmFacts;

/// From which size on a VM is large; the limit itself is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thresholds {
    /// Virtual CPUs.
    // `DASHBOARD_THRESHOLD_CPU`
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 5))]
    pub cpus: u32,
    /// Memory in MB.
    // `DASHBOARD_THRESHOLD_RAM_MB`
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 8192))]
    pub memory_mb: u64,
    /// Storage in use in GB of 1024³ bytes.
    // `DASHBOARD_THRESHOLD_STORAGE_GB`
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 50))]
    pub storage_gb: u64,
}

impl Default for Thresholds {
    /// The original's: 5 CPUs, 8192 MB, 50 GB.
    fn default() -> Self {
        Self {
            cpus: 5,
            memory_mb: 8192,
            storage_gb: 50,
        }
    }
}

/// A hardware resource that can make a VM large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Virtual CPUs.
    Cpu,
    /// Memory.
    Memory,
    /// Storage in use.
    Storage,
}

impl Resource {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Storage => "storage",
        }
    }
}

/// Why a VM is large: `value` has reached `threshold`, both in the unit of the threshold's name
/// but for storage, where both are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeReason {
    /// Which resource.
    pub resource: Resource,
    /// The size that the VM has.
    pub value: u64,
    /// The size from which on it is large.
    pub threshold: u64,
}

/// GB of 1024³ bytes in bytes; stops at the greatest number instead of wrapping.
#[must_use]
pub fn gibibytes(count: u64) -> u64 {
    count.saturating_mul(1024 * 1024 * 1024)
}

impl Thresholds {
    /// The resources by which a VM is large, in the order CPU, memory, storage. An unknown size
    /// is not large.
    #[must_use]
    pub fn large(&self, vm: &VmFacts) -> Vec<LargeReason> {
        [
            (Resource::Cpu, vm.cpus.map(u64::from), u64::from(self.cpus)),
            (Resource::Memory, vm.memory_mb, self.memory_mb),
            (
                Resource::Storage,
                vm.storage_bytes,
                gibibytes(self.storage_gb),
            ),
        ]
        .into_iter()
        .filter_map(|(resource, value, threshold)| {
            let value = value.filter(|&value| value >= threshold)?;
            Some(LargeReason {
                resource,
                value,
                threshold,
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(cpus: u32, memory_mb: u64, storage_bytes: u64) -> Vec<Resource> {
        let vm = VmFacts {
            cpus: Some(cpus),
            memory_mb: Some(memory_mb),
            storage_bytes: Some(storage_bytes),
            ..VmFacts::default()
        };
        Thresholds::default()
            .large(&vm)
            .into_iter()
            .map(|reason| reason.resource)
            .collect()
    }

    #[test]
    fn the_limit_itself_is_large() {
        assert_eq!(large(4, 8191, gibibytes(50) - 1), []);
        assert_eq!(large(5, 8191, gibibytes(50) - 1), [Resource::Cpu]);
        assert_eq!(large(4, 8192, gibibytes(50) - 1), [Resource::Memory]);
        assert_eq!(large(4, 8191, gibibytes(50)), [Resource::Storage]);
        assert_eq!(
            large(5, 8192, gibibytes(50)),
            [Resource::Cpu, Resource::Memory, Resource::Storage]
        );
    }

    #[test]
    fn an_unknown_size_is_not_large() {
        assert_eq!(
            Thresholds {
                cpus: 0,
                memory_mb: 0,
                storage_gb: 0
            }
            .large(&VmFacts::default()),
            []
        );
    }

    #[test]
    fn a_huge_threshold_does_not_wrap() {
        let thresholds = Thresholds {
            storage_gb: u64::MAX,
            ..Thresholds::default()
        };
        let vm = VmFacts {
            storage_bytes: Some(1),
            ..VmFacts::default()
        };
        assert_eq!(thresholds.large(&vm), []);
    }
}
