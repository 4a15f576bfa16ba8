//! The fields of the filter language.

/// A field of the filter language, for help texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterField {
    /// What stands before the colon.
    pub name: &'static str,
    /// What it looks at.
    pub meaning: &'static str,
    /// A whole term.
    pub example: &'static str,
}

/// The fields that can stand before a colon.
pub const FILTER_FIELDS: [FilterField; 17] = [
    field("name", "part of the name", "name:web"),
    field("node", "part of the node's name", "node:hoge,fuga"),
    field("vmid", "id on its node", "vmid:14"),
    field(
        "ip",
        "part of the IP address, or a network",
        "ip:192.0.2.0/24",
    ),
    field(
        "hostname",
        "part of the host name in the guest",
        "hostname:db",
    ),
    field("comment", "part of the comment", "comment:\"owner: ops\""),
    field("guest", "part of the guest OS", "guest:ubuntu"),
    field("power", "on, off, suspended or unknown", "power:on"),
    field(
        "tools",
        "ok, old, not_running, not_installed or unknown",
        "tools:old",
    ),
    field("datastore", "part of the datastore's name", "datastore:nas"),
    field("uuid", "part of the BIOS UUID", "uuid:564d71c3"),
    field("cpus", "number of virtual CPUs", "cpus:>4"),
    field("memory", "configured memory", "memory:>=8GB"),
    field("storage", "storage in use", "storage:<50GB"),
    field("uptime", "time since power on", "uptime:>7d"),
    field("large", "true, false, cpu, memory or storage", "large:true"),
    field("stale", "true or false", "stale:true"),
];

const fn field(name: &'static str, meaning: &'static str, example: &'static str) -> FilterField {
    FilterField {
        name,
        meaning,
        example,
    }
}
