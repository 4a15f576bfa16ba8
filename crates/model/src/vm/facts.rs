//! What a node says of one VM: the one place where its facts are declared.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{PowerState, Question};

/// Passes the declaration of every fact of a VM to the macro `$then`. Here that makes
/// [`VmFacts`]; `ecoman_api` makes its `Vm` of it, with the table that filters, orders, CSV and the
/// page read. A fact more is an entry here and a line in the parser.
///
/// An entry has the fact's documentation, its name (the same in JSON, CSV and store), its type, the
/// unit, which says how it is compared, written and shown (`ecoman_api::Unit`), and in this order:
///
/// - `from`: where it stands in vSphere's `vim.vm.Summary`;
/// - `max`: the greatest number, where the type has fewer bits than JSON's;
/// - `example`: for the OpenAPI document;
/// - `filter`: what stands before the colon in a filter, what it looks at, and a whole term;
/// - `also`: what people type before the colon instead;
/// - `in_words`: a word without a field is looked for here too;
/// - `sort`: its name in an order;
/// - `highlight`: the resource that it is the size of.
///
/// The order of the entries is that of the JSON and of the CSV.
#[macro_export]
macro_rules! vm_facts {
    ($then:ident) => {
        $then! {
            /// BIOS UUID.
            uuid: Option<String> = Text {
                from: "`config.uuid`",
                example: "564d71c3-1111-2222-3333-5b0e92d7a4c6",
                filter: ("uuid", "part of the BIOS UUID", "uuid:564d71c3"),
            }
            /// Name. Only VMs that the node itself cannot read (`connection_state` `invalid`) have none.
            name: Option<String> = Text {
                from: "`config.name`, with `%2f`, `%5c` and `%25` turned back to `/`, `\\` and `%`",
                example: "metrics-b",
                filter: ("name", "part of the name", "name:web"),
                also: ["vm", "名前"],
                in_words: true,
                sort: "name",
            }
            /// Power state.
            power: PowerState = Power {
                from: "`runtime.powerState`",
                filter: ("power", "on, off, suspended or unknown", "power:on"),
                also: ["state", "電源"],
                sort: "power",
            }
            /// Host name in the guest, as VMware Tools reports it.
            hostname: Option<String> = Text {
                from: "`guest.hostName`",
                example: "metrics-b",
                filter: ("hostname", "part of the host name in the guest, or of the last known one", "hostname:db"),
                also: ["dns", "fqdn", "ホスト名"],
                in_words: true,
            }
            /// Primary IP address of the guest, as VMware Tools reports it; IPv4 or IPv6.
            ip_address: Option<String> = Ip {
                from: "`guest.ipAddress`",
                example: "192.0.2.36",
                filter: ("ip", "part of the IP address, or a network; of a VM without one, the last known", "ip:192.0.2.0/24"),
                also: ["address", "アドレス"],
                in_words: true,
                sort: "ip",
            }
            /// Virtual CPUs.
            cpus: Option<u32> = Count {
                from: "`config.numCpu`",
                max: 4_294_967_295_u32,
                example: 2,
                filter: ("cpus", "number of virtual CPUs", "cpus:>4"),
                also: ["cpu", "vcpu", "vcpus"],
                sort: "cpus",
                highlight: Cpu,
            }
            /// Configured memory in MB.
            memory_mb: Option<u64> = Megabytes {
                from: "`config.memorySizeMB`",
                example: 4096,
                filter: ("memory", "configured memory", "memory:>=8GB"),
                also: ["ram", "mem", "メモリ", "メモリー"],
                sort: "memory",
                highlight: Memory,
            }
            /// Bytes in use on the datastores.
            storage_bytes: Option<u64> = Bytes {
                from: "`storage.committed`",
                example: 11_929_387_008_u64,
                filter: ("storage", "storage in use", "storage:<50GB"),
                also: ["disk", "used", "ストレージ", "使用済み"],
                sort: "storage",
                highlight: Storage,
            }
            /// Bytes that thin disks may still grow by.
            storage_uncommitted_bytes: Option<u64> = Bytes {
                from: "`storage.uncommitted`",
                example: 28_991_029_248_u64,
            }
            /// Guest operating system in words.
            guest_os: Option<String> = Text {
                from: "what Tools reports (`guest.guestFullName`), else what is configured \
(`config.guestFullName`), else the configured short id",
                example: "Ubuntu Linux (64-bit)",
                filter: ("guest", "part of the guest OS", "guest:ubuntu"),
                also: ["os", "guest_os", "ゲスト"],
                in_words: true,
                sort: "guest_os",
            }
            /// State of VMware Tools (vSphere: `toolsOk`, `toolsOld`, `toolsNotRunning`,
            /// `toolsNotInstalled`).
            tools_status: Option<String> = Tools {
                from: "`guest.toolsStatus`, corrected by `guest.toolsRunningStatus`",
                example: "toolsOk",
                filter: ("tools", "ok, old, not_running, not_installed or unknown", "tools:old"),
            }
            /// Overall status (vSphere: `green`, `yellow`, `red`, `gray`).
            overall_status: Option<String> = Text {
                from: "`overallStatus`",
                example: "green",
            }
            /// Whether the node can reach the VM's files (vSphere: `connected`, `disconnected`,
            /// `inaccessible`, `invalid`, `orphaned`).
            connection_state: Option<String> = Text {
                from: "`runtime.connectionState`",
                example: "connected",
            }
            /// Seconds since power on, at `observed_at`.
            uptime_seconds: Option<u64> = Seconds {
                from: "`quickStats.uptimeSeconds`",
                example: 2_889_844,
                filter: ("uptime", "time since power on", "uptime:>7d"),
                also: ["稼働時間"],
                sort: "uptime",
            }
            /// When it was powered on.
            booted_at: Option<DateTime<Utc>> = Time {
                from: "`runtime.bootTime`",
            }
            /// CPU use in MHz.
            cpu_usage_mhz: Option<u64> = Megahertz {
                from: "`quickStats.overallCpuUsage`",
                example: 212,
            }
            /// Memory that the guest uses actively, in MB.
            guest_memory_mb: Option<u64> = Megabytes {
                from: "`quickStats.guestMemoryUsage`",
                example: 655,
            }
            /// Memory of the node that the VM takes, in MB.
            host_memory_mb: Option<u64> = Megabytes {
                from: "`quickStats.hostMemoryUsage`",
                example: 4127,
            }
            /// Network cards.
            nic_count: Option<u32> = Count {
                from: "`config.numEthernetCards`",
                max: 4_294_967_295_u32,
                example: 1,
            }
            /// Virtual disks.
            disk_count: Option<u32> = Count {
                from: "`config.numVirtualDisks`",
                max: 4_294_967_295_u32,
                example: 1,
            }
            /// Datastore of the `.vmx` file.
            datastore: Option<String> = Text {
                from: "`config.vmPathName`; infrastructure VMs have none",
                example: "nas-a",
                filter: ("datastore", "part of the datastore's name", "datastore:nas"),
                also: ["ds", "データストア"],
            }
            /// Path of the `.vmx` file.
            vmx_path: Option<String> = Text {
                from: "`config.vmPathName`",
                example: "[nas-a] metrics-b/metrics-b.vmx",
            }
            /// Virtual hardware version.
            hardware_version: Option<String> = Text {
                from: "`config.hwVersion` where the node has it, else the row of `getallvms`",
                example: "vmx-19",
            }
            /// Comment: the VM's annotation ("Notes" in vSphere).
            comment: Option<String> = Text {
                from: "`config.annotation`; an empty one is `None`",
                example: "owner: ops",
                filter: ("comment", "part of the comment", "comment:\"owner: ops\""),
                also: ["notes", "note", "annotation", "メモ"],
                in_words: true,
                sort: "comment",
            }
            /// The question that the VM waits with for an answer; `null`: none is known.
            question: Option<Question> = Question {
                from: "`runtime.question`",
                filter: ("question", "true or false: it waits for an answer", "question:true"),
            }
        }
    };
}

macro_rules! declare_struct {
    ($(
        $(#[doc = $doc:tt])*
        $name:ident: $type:ty = $unit:ident { from: $from:literal $($details:tt)* }
    )*) => {
        /// What a node says of one VM, by `vim-cmd vmsvc/get.summary` (vim.vm.Summary) and, where
        /// that could not be read, by its row of `vim-cmd vmsvc/getallvms`.
        ///
        /// `None` is "the node did not say": it is never replaced by 0 or an empty text.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct VmFacts {
            $(
                $(#[doc = $doc])*
                #[doc = ""]
                #[doc = concat!("From ", $from, ".")]
                pub $name: $type,
            )*
        }
    };
}

vm_facts!(declare_struct);
