//! What `vim-cmd` prints of VMs and of the host, as data objects. Order and presence of the
//! members follow the generation.

use chrono::SubsecRound as _;

use crate::dump::{Data, Object, show_time};
use crate::guest_os;
use crate::host::Host;
use crate::vm::{Question, Vm};
use crate::{DatastoreSpec, Generation, Power, Timestamp, Tools, VolumeKind};

/// `vim-cmd vmsvc/get.summary`, without the label.
pub(crate) fn vm_summary(host: &Host, vm: &Vm) -> Data {
    let old = host.generation() < Generation::V6_5;
    Object::new("vim.vm.Summary")
        .with(
            "vm",
            Data::Reference(format!("vim.VirtualMachine:{}", vm.id)),
        )
        .with("runtime", vm_runtime(host, vm))
        .with("guest", guest_summary(host, vm))
        .with("config", config_summary(host, vm))
        .with("storage", storage_summary(host, vm))
        .with("quickStats", quick_stats(host, vm))
        .with("overallStatus", vm.spec.overall_status.as_str())
        .with_if(!old, "customValue", Data::UnsetArray)
        .into()
}

/// `vim-cmd vmsvc/get.runtime`, without the label.
pub(crate) fn vm_runtime(host: &Host, vm: &Vm) -> Object {
    let generation = host.generation();
    let since = |first| generation >= first;
    let runs = vm.power == Power::On;
    let power = match vm.power {
        Power::On => "poweredOn",
        Power::Off => "poweredOff",
        Power::Suspended => "suspended",
    };
    let devices = if runs && !vm.spec.networks.is_empty() {
        let cards = (4000_u32..).zip(&vm.spec.networks);
        Data::Array(
            "vim.vm.DeviceRuntimeInfo",
            cards
                .map(|(key, _)| network_card(generation, key))
                .collect(),
        )
    } else {
        Data::UnsetArray
    };
    let needed = match generation {
        Generation::V5_5 => Data::UnsetArray,
        Generation::V6_5 | Generation::V6_7 => features(&[("cpuid.lm", "Bool:Min:1")]),
        _ => features(&[("cpuid.lm", "Num:Min:1")]),
    };
    let used = match generation {
        _ if !runs => Data::UnsetArray,
        Generation::V5_5 => Data::UnsetArray,
        Generation::V6_5 | Generation::V6_7 => features(&[("cpuid.SSE3", "Bool:Min:1")]),
        Generation::V7_0 => features(&[
            ("cpuid.sse3", "Bool:Min:1"),
            ("cpuid.nx", "Bool:Min:1"),
            ("misc.cpuidfaulting", "Bool:Min:1"),
        ]),
        Generation::V8_0 | Generation::V9_0 => features(&[("cpuid.sse3", "Bool:Min:1")]),
    };
    let clean_power_off = if runs {
        Data::Unset
    } else {
        vm.clean_power_off.into()
    };
    Object::new("vim.vm.RuntimeInfo")
        .with("device", devices)
        .with("host", Data::Reference("vim.HostSystem:ha-host".to_owned()))
        .with("connectionState", vm.spec.connection_state.as_str())
        .with("powerState", power)
        .with_if(since(Generation::V7_0), "vmFailoverInProgress", false)
        .with("faultToleranceState", "notConfigured")
        .with(
            "dasVmProtection",
            Data::Null("vim.vm.RuntimeInfo.DasProtectionState"),
        )
        .with("toolsInstallerMounted", false)
        .with(
            "suspendTime",
            Data::time(vm.suspended_at.map(|time| host.shown(time))),
        )
        .with("bootTime", boot_time(host, vm))
        .with("suspendInterval", vm.spec.suspend_interval)
        .with("question", question(vm.question.as_ref()))
        .with(
            "memoryOverhead",
            Data::number(vm.spec.memory_overhead_bytes),
        )
        .with(
            "maxCpuUsage",
            u64::from(vm.spec.cpus) * host.spec.hardware.cpu_mhz,
        )
        .with("maxMemoryUsage", vm.spec.memory_mb)
        .with("numMksConnections", 0_u32)
        .with("recordReplayState", "inactive")
        .with("cleanPowerOff", clean_power_off)
        .with("needSecondaryReason", Data::Unset)
        .with("onlineStandby", false)
        .with("minRequiredEVCModeKey", Data::Unset)
        .with("consolidationNeeded", false)
        .with("offlineFeatureRequirement", needed)
        .with("featureRequirement", used)
        .with("featureMask", Data::UnsetArray)
        .with("vFlashCacheAllocation", Data::Unset)
        .with_if(since(Generation::V6_5), "paused", false)
        .with_if(since(Generation::V6_5), "snapshotInBackground", false)
        .with_if(since(Generation::V6_5), "quiescedForkParent", Data::Unset)
        .with_if(since(Generation::V6_7), "instantCloneFrozen", false)
        .with_if(since(Generation::V6_7), "cryptoState", Data::Unset)
        .with_if(since(Generation::V7_0), "suspendedToMemory", Data::Unset)
        .with_if(generation == Generation::V7_0, "crypto", Data::Unset)
        .with_if(
            since(Generation::V8_0),
            "opNotificationTimeout",
            Data::Unset,
        )
}

/// Releases from 7.0 on print whole seconds.
fn boot_time(host: &Host, vm: &Vm) -> Data {
    let whole_seconds = host.generation() >= Generation::V7_0;
    Data::time(vm.booted_at.map(|time| {
        let time = host.shown(time);
        if whole_seconds {
            time.trunc_subsecs(0)
        } else {
            time
        }
    }))
}

fn network_card(generation: Generation, key: u32) -> Data {
    let unset_array = || Data::UnsetArray;
    let state = Object::new("vim.vm.DeviceRuntimeInfo.VirtualEthernetCardRuntimeState")
        .with("vmDirectPathGen2Active", false)
        .with("vmDirectPathGen2InactiveReasonVm", unset_array())
        .with(
            "vmDirectPathGen2InactiveReasonOther",
            Data::Array("string", vec!["vmNptIncompatibleNetwork".into()]),
        )
        .with("vmDirectPathGen2InactiveReasonExtended", Data::Unset);
    let uptv2 = generation >= Generation::V8_0;
    let later = generation >= Generation::V7_0;
    let state = state
        .with_if(uptv2, "uptv2Active", Data::Unset)
        .with_if(uptv2, "uptv2InactiveReasonVm", unset_array())
        .with_if(uptv2, "uptv2InactiveReasonOther", unset_array())
        .with("reservationStatus", Data::Unset)
        .with_if(later, "attachmentStatus", "")
        .with_if(later, "featureRequirement", unset_array());
    Object::new("vim.vm.DeviceRuntimeInfo")
        .with("runtimeState", state)
        .with("key", key)
        .into()
}

fn features(list: &[(&'static str, &'static str)]) -> Data {
    let feature = |&(key, value): &(&'static str, &'static str)| {
        Object::new("vim.vm.FeatureRequirement")
            .with("key", key)
            .with("featureName", key)
            .with("value", value)
            .into()
    };
    Data::Array(
        "vim.vm.FeatureRequirement",
        list.iter().map(feature).collect(),
    )
}

fn question(question: Option<&Question>) -> Data {
    let Some(question) = question else {
        return Data::Null("vim.vm.QuestionInfo");
    };
    let choices = (0_u32..)
        .zip(&question.choices)
        .map(|(number, (_, label))| {
            Object::new("vim.ElementDescription")
                .with("label", label.as_str())
                .with("summary", label.as_str())
                .with("key", number.to_string())
                .into()
        });
    let default = question.default.and_then(|index| u32::try_from(index).ok());
    let choice = Object::new("vim.option.ChoiceOption")
        .with("valueIsReadonly", Data::Unset)
        .with(
            "choiceInfo",
            Data::Array("vim.ElementDescription", choices.collect()),
        )
        .with("defaultIndex", Data::number(default));
    Object::new("vim.vm.QuestionInfo")
        .with("id", question.id.to_string())
        .with("text", question.text.as_str())
        .with("choice", choice)
        .with("message", Data::UnsetArray)
        .into()
}

/// What VMware Tools last reported: id and name of the system, host name, address.
struct GuestTold {
    system: Option<(String, String)>,
    host_name: Option<String>,
    ip_address: Option<String>,
}

fn guest_report(host: &Host, vm: &Vm) -> GuestTold {
    let running = host.tools_run(vm);
    let kept = vm.power == Power::Suspended && host.tools(vm) != Tools::Missing;
    let system = vm.spec.guest.guest_id.as_ref().map_or_else(
        || (vm.spec.guest_id.clone(), full_name(vm)),
        |id| (id.clone(), guest_os::full_name(id)),
    );
    GuestTold {
        system: (running || kept).then_some(system),
        host_name: vm.spec.guest.host_name.clone().filter(|_| running || kept),
        ip_address: vm
            .spec
            .guest
            .ip_addresses
            .first()
            .cloned()
            .filter(|_| running),
    }
}

fn full_name(vm: &Vm) -> String {
    let given = vm.spec.guest_full_name.clone();
    given.unwrap_or_else(|| guest_os::full_name(&vm.spec.guest_id))
}

/// `toolsStatus`, `toolsVersionStatus` and `toolsRunningStatus`.
fn tools_status(host: &Host, vm: &Vm) -> (&'static str, &'static str, &'static str) {
    let running = if host.tools_run(vm) {
        "guestToolsRunning"
    } else {
        "guestToolsNotRunning"
    };
    let version = match host.tools(vm) {
        Tools::Missing => "guestToolsNotInstalled",
        Tools::Old => "guestToolsNeedUpgrade",
        Tools::Installed | Tools::Stopped => "guestToolsUnmanaged",
    };
    let status = match (host.tools(vm), host.tools_run(vm)) {
        (Tools::Missing, _) => "toolsNotInstalled",
        (Tools::Old, true) => "toolsOld",
        (_, true) => "toolsOk",
        (_, false) => "toolsNotRunning",
    };
    (status, version, running)
}

fn guest_summary(host: &Host, vm: &Vm) -> Object {
    let guest = guest_report(host, vm);
    let (status, version, running) = tools_status(host, vm);
    let (id, name) = guest.system.unzip();
    // A VM that is off has no version of its hardware here.
    let hardware = (vm.power != Power::Off).then(|| format!("vmx-{:02}", vm.spec.hardware));
    Object::new("vim.vm.Summary.GuestSummary")
        .with("guestId", Data::text(id))
        .with("guestFullName", Data::text(name))
        .with("toolsStatus", status)
        .with("toolsVersionStatus", version)
        .with("toolsVersionStatus2", version)
        .with("toolsRunningStatus", running)
        .with("hostName", Data::text(guest.host_name))
        .with("ipAddress", Data::text(guest.ip_address))
        .with_if(
            host.generation() >= Generation::V7_0,
            "hwVersion",
            Data::text(hardware),
        )
}

fn config_summary(host: &Host, vm: &Vm) -> Object {
    let generation = host.generation();
    let reservation = || {
        if generation < Generation::V6_5 {
            Data::Unset
        } else {
            Data::Number(0)
        }
    };
    let count = |length: usize| Data::Number(i128::try_from(length).unwrap_or(i128::MAX));
    let trusted = generation >= Generation::V6_7;
    Object::new("vim.vm.Summary.ConfigSummary")
        .with("name", vm.spec.name.as_str())
        .with("template", false)
        .with("vmPathName", vm.vmx_name())
        .with("memorySizeMB", vm.spec.memory_mb)
        .with("cpuReservation", reservation())
        .with("memoryReservation", reservation())
        .with("numCpu", vm.spec.cpus)
        .with("numEthernetCards", count(vm.spec.networks.len()))
        .with("numVirtualDisks", count(vm.spec.disks.len()))
        .with("uuid", host.uuid(vm))
        .with("instanceUuid", host.instance_uuid(vm))
        .with("guestId", vm.spec.guest_id.as_str())
        .with("guestFullName", full_name(vm))
        .with("annotation", vm.spec.annotation.as_str())
        .with("product", Data::Null("vim.vApp.ProductInfo"))
        .with("installBootRequired", Data::Unset)
        .with("ftInfo", Data::Null("vim.vm.FaultToleranceConfigInfo"))
        .with("managedBy", Data::Null("vim.ext.ManagedByInfo"))
        .with_if(trusted, "tpmPresent", false)
        .with_if(trusted, "numVmiopBackings", 0_u32)
        .with_if(
            generation >= Generation::V7_0,
            "hwVersion",
            format!("vmx-{:02}", vm.spec.hardware),
        )
}

fn storage_summary(host: &Host, vm: &Vm) -> Object {
    let counted = vm.spec.storage_counted_at.unwrap_or_else(|| host.now());
    Object::new("vim.vm.Summary.StorageSummary")
        .with("committed", vm.spec.committed_bytes)
        .with("uncommitted", vm.spec.uncommitted_bytes)
        .with("unshared", vm.spec.committed_bytes)
        .with("timestamp", show_time(host.shown(counted)))
}

fn quick_stats(host: &Host, vm: &Vm) -> Object {
    let now = host.now();
    let since = |first| host.generation() >= first;
    let runs = vm.power == Power::On;
    let (cpu, memory) = vm.usage(now);
    let running = |value: u64| Data::number(runs.then_some(value));
    let heartbeat = if host.tools_run(vm) { "green" } else { "gray" };
    let uptime = vm
        .booted_at
        .map(|booted| (now - booted).num_seconds().max(0));
    Object::new("vim.vm.Summary.QuickStats")
        .with("overallCpuUsage", running(cpu))
        .with("overallCpuDemand", Data::Unset)
        .with_if(since(Generation::V7_0), "overallCpuReadiness", Data::Unset)
        .with("guestMemoryUsage", running(memory))
        .with("hostMemoryUsage", running(vm.spec.host_memory_mb))
        .with("guestHeartbeatStatus", heartbeat)
        .with("distributedCpuEntitlement", Data::Unset)
        .with("distributedMemoryEntitlement", Data::Unset)
        .with("staticCpuEntitlement", Data::Unset)
        .with("staticMemoryEntitlement", Data::Unset)
        .with_if(
            since(Generation::V7_0),
            "grantedMemory",
            running(vm.spec.memory_mb),
        )
        .with("privateMemory", Data::Unset)
        .with("sharedMemory", running(0))
        .with("swappedMemory", running(0))
        .with("balloonedMemory", running(0))
        .with("consumedOverheadMemory", running(41))
        .with("ftLogBandwidth", Data::Unset)
        .with("ftSecondaryLatency", Data::Unset)
        .with("ftLatencyStatus", Data::Unset)
        .with("compressedMemory", running(0))
        .with("uptimeSeconds", Data::number(uptime))
        .with("ssdSwappedMemory", Data::Unset)
}

/// `vim-cmd vmsvc/get.guest`, without the label.
pub(crate) fn guest_info(host: &Host, vm: &Vm) -> Data {
    let guest = guest_report(host, vm);
    let (status, version, running) = tools_status(host, vm);
    let runs = host.tools_run(vm);
    let (id, name) = guest.system.unzip();
    let family = id.as_deref().map(guest_os::family);
    let networks = if runs {
        let cards = (0_usize..).zip(&vm.spec.networks);
        Data::Array(
            "vim.vm.GuestInfo.NicInfo",
            cards
                .map(|(index, network)| guest_network_card(host, vm, index, network))
                .collect(),
        )
    } else {
        Data::UnsetArray
    };
    let disks = if runs && !vm.spec.guest.disks.is_empty() {
        let disks = vm.spec.guest.disks.iter().map(|(path, size, free)| {
            Object::new("vim.vm.GuestInfo.DiskInfo")
                .with("diskPath", path.as_str())
                .with("capacity", *size)
                .with("freeSpace", *free)
                .into()
        });
        Data::Array("vim.vm.GuestInfo.DiskInfo", disks.collect())
    } else {
        Data::UnsetArray
    };
    let installed = host.tools(vm) != Tools::Missing;
    let screen: Data = if vm.power == Power::On {
        Object::new("vim.vm.GuestInfo.ScreenInfo")
            .with("width", 800_u32)
            .with("height", 600_u32)
            .into()
    } else {
        Data::Null("vim.vm.GuestInfo.ScreenInfo")
    };
    Object::new("vim.vm.GuestInfo")
        .with("toolsStatus", status)
        .with("toolsVersionStatus", version)
        .with("toolsVersionStatus2", version)
        .with("toolsRunningStatus", running)
        .with("toolsVersion", if installed { "12352" } else { "0" })
        .with_if(
            host.generation() >= Generation::V6_5,
            "toolsInstallType",
            Data::text(installed.then_some("guestToolsTypeOpenVMTools")),
        )
        .with_if(
            host.generation() >= Generation::V6_7,
            "toolsUpdateStatus",
            Data::Null("vim.vm.GuestInfo.ToolsUpdateStatus"),
        )
        .with("guestId", Data::text(id))
        .with("guestFamily", Data::text(family))
        .with("guestFullName", Data::text(name))
        .with("hostName", Data::text(guest.host_name))
        .with("ipAddress", Data::text(guest.ip_address))
        .with("net", networks)
        .with("ipStack", Data::UnsetArray)
        .with("disk", disks)
        .with("screen", screen)
        .with("guestState", if runs { "running" } else { "notRunning" })
        .with("guestOperationsReady", runs)
        .with("interactiveGuestOperationsReady", false)
        .with("guestStateChangeSupported", runs)
        .into()
}

fn guest_network_card(host: &Host, vm: &Vm, index: usize, network: &str) -> Data {
    let key = u32::try_from(index).map_or(u32::MAX, |index| 4000 + index);
    let addresses = if index == 0 {
        vm.spec.guest.ip_addresses.clone()
    } else {
        Vec::new()
    };
    let described = addresses.iter().filter(|address| !address.contains(':'));
    let described = described.map(|address| {
        Object::new("vim.net.IpConfigInfo.IpAddress")
            .with("ipAddress", address.as_str())
            .with("prefixLength", 24_u32)
            .with("origin", Data::Unset)
            .with("state", "preferred")
            .with("lifetime", Data::Unset)
            .into()
    });
    let config = Object::new("vim.net.IpConfigInfo").with(
        "ipAddress",
        Data::Array("vim.net.IpConfigInfo.IpAddress", described.collect()),
    );
    Object::new("vim.vm.GuestInfo.NicInfo")
        .with("network", network)
        .with(
            "ipAddress",
            Data::Array("string", addresses.into_iter().map(Data::Text).collect()),
        )
        .with("macAddress", host.mac_address(vm, index))
        .with("connected", true)
        .with("deviceConfigId", key)
        .with("dnsConfig", Data::Null("vim.net.DnsConfigInfo"))
        .with("ipConfig", config)
        .with("netBIOSConfig", Data::Null("vim.net.NetBIOSConfigInfo"))
        .into()
}

/// `vim-cmd hostsvc/hostsummary`
pub(crate) fn host_summary(host: &Host) -> Data {
    let spec = &host.spec;
    let hardware = &spec.hardware;
    let since = |first| host.generation() >= first;
    let tag = Object::new("vim.ElementDescription")
        .with("label", "Asset Tag")
        .with("summary", "Asset tag of the system")
        .with("key", "AssetTag");
    let identifying = Object::new("vim.host.SystemIdentificationInfo")
        .with("identifierValue", "")
        .with("identifierType", tag);
    let hardware = Object::new("vim.host.Summary.HardwareSummary")
        .with("vendor", hardware.vendor.as_str())
        .with("model", hardware.model.as_str())
        .with("uuid", spec.uuid.as_str())
        .with(
            "otherIdentifyingInfo",
            Data::Array(
                "vim.host.SystemIdentificationInfo",
                vec![identifying.into()],
            ),
        )
        .with("memorySize", hardware.memory_bytes)
        .with("cpuModel", hardware.cpu_model.as_str())
        .with("cpuMhz", hardware.cpu_mhz)
        .with("numCpuPkgs", hardware.cpu_packages)
        .with("numCpuCores", hardware.cpu_cores)
        .with("numCpuThreads", hardware.cpu_threads)
        .with("numNics", hardware.nics)
        .with("numHBAs", hardware.hbas);
    let runtime = Object::new("vim.host.RuntimeInfo")
        .with("connectionState", "connected")
        .with("powerState", "poweredOn")
        .with("standbyMode", Data::Unset)
        .with("inMaintenanceMode", false)
        .with_if(since(Generation::V6_5), "inQuarantineMode", Data::Unset)
        .with("bootTime", show_time(host.shown(spec.booted_at)))
        .with(
            "healthSystemRuntime",
            Data::Null("vim.host.HealthStatusSystem.Runtime"),
        )
        .with("dasHostState", Data::Null("vim.host.DasHostState"))
        .with_if(
            since(Generation::V6_5),
            "hostMaxVirtualDiskCapacity",
            64_872_186_060_800_u64,
        );
    let release = &spec.release;
    let product = Object::new("vim.AboutInfo")
        .with("name", "VMware ESXi")
        .with("fullName", host.full_name())
        .with("vendor", "VMware, Inc.")
        .with("version", release.version.as_str())
        .with("build", release.build.to_string())
        .with("localeVersion", "INTL")
        .with("localeBuild", "000")
        .with("osType", "vmnix-x86")
        .with("productLineId", "embeddedEsx")
        .with("apiType", "HostAgent")
        .with(
            "apiVersion",
            if since(Generation::V7_0) {
                format!("{}.0", release.version)
            } else {
                host.generation().to_string()
            },
        );
    let config = Object::new("vim.host.Summary.ConfigSummary")
        .with("name", spec.host_name.as_str())
        .with("port", 443_u32)
        .with("sslThumbprint", Data::Unset)
        .with("product", product)
        .with("vmotionEnabled", false)
        .with("faultToleranceEnabled", false);
    let (cpu, memory) = host.usage();
    let uptime = (host.now() - spec.booted_at).num_seconds().max(0);
    let stats = Object::new("vim.host.Summary.QuickStats")
        .with("overallCpuUsage", cpu)
        .with("overallMemoryUsage", memory)
        .with("distributedCpuFairness", Data::Unset)
        .with("distributedMemoryFairness", Data::Unset)
        .with_if(
            since(Generation::V6_7),
            "availablePMemCapacity",
            Data::Unset,
        )
        .with("uptime", Data::Number(uptime.into()));
    Object::new("vim.host.Summary")
        .with("host", Data::Reference("vim.HostSystem:ha-host".to_owned()))
        .with("hardware", hardware)
        .with("runtime", runtime)
        .with("config", config)
        .with("quickStats", stats)
        .with("overallStatus", "green")
        .with("rebootRequired", false)
        .with("customValue", Data::UnsetArray)
        .with("managementServerIp", Data::Unset)
        .with("maxEVCModeKey", Data::Unset)
        .with("currentEVCModeKey", Data::Unset)
        .into()
}

/// `vim-cmd hostsvc/datastore/listsummary`: the volumes that hold VMs.
pub(crate) fn datastores(host: &Host) -> Data {
    let stores = host.vm_volumes().map(|store| {
        Object::new("vim.Datastore.Summary")
            .with(
                "datastore",
                Data::Reference(format!("vim.Datastore:{}", datastore_id(store))),
            )
            .with("name", store.name.as_str())
            .with("url", format!("/vmfs/volumes/{}", store.uuid))
            .with("capacity", store.capacity_bytes)
            .with("freeSpace", host.free(store))
            .with("uncommitted", 0_u32)
            .with("accessible", store.accessible)
            .with("multipleHostAccess", Data::Unset)
            .with("type", volume_type(store))
            .with(
                "maintenanceMode",
                Data::text(store.maintenance_mode.as_deref()),
            )
            .into()
    });
    Data::Array("vim.Datastore.Summary", stores.collect())
}

fn datastore_id(store: &DatastoreSpec) -> &str {
    match &store.kind {
        VolumeKind::Nfs(remote) => remote,
        _ => &store.uuid,
    }
}

/// `VMFS` or `NFS`
pub(crate) fn volume_type(store: &DatastoreSpec) -> &'static str {
    match store.kind {
        VolumeKind::Nfs(_) => "NFS",
        _ => "VMFS",
    }
}

/// `vim-cmd vimsvc/task_info`
pub(crate) fn task_info(host: &Host, task: &crate::host::Task) -> Data {
    let shown = |time: Timestamp| {
        let time = host.shown(time).format("%Y-%m-%dT%H:%M:%S%.6fZ");
        Data::Text(time.to_string())
    };
    let done = task.completed_at.is_some();
    let state = match (&task.error, done) {
        (Some(_), _) => "error",
        (None, true) => "success",
        (None, false) => "running",
    };
    let error = task
        .error
        .as_ref()
        .map_or(Data::Null("vmodl.MethodFault"), |fault| {
            Object::new(fault.kind)
                .with("faultCause", Data::Null("vmodl.MethodFault"))
                .with("msg", fault.message.as_str())
                .into()
        });
    Object::new("vim.TaskInfo")
        .with("key", task.key())
        .with("task", Data::Reference(format!("vim.Task:{}", task.key())))
        .with("description", Data::Null("vmodl.LocalizableMessage"))
        .with("name", task.method())
        .with("descriptionId", task.method().replacen("vim.", "", 1))
        .with(
            "entity",
            Data::Reference(format!("vim.VirtualMachine:{}", task.vm)),
        )
        .with("entityName", task.vm_name.as_str())
        .with("state", state)
        .with("cancelled", false)
        .with("cancelable", false)
        .with("error", error)
        .with("result", Data::Unset)
        .with(
            "progress",
            Data::number(task.progress(host.now()).or(done.then_some(100_u32))),
        )
        .with(
            "reason",
            Object::new("vim.TaskReasonUser").with("userName", "root"),
        )
        .with("queueTime", shown(task.started_at))
        .with("startTime", shown(task.started_at))
        .with("completeTime", task.completed_at.map_or(Data::Unset, shown))
        .with("eventChainId", task.event_chain)
        .with("changeTag", Data::Unset)
        .with("parentTaskKey", Data::Unset)
        .with("rootTaskKey", Data::Unset)
        .into()
}
