//! The VM as the API shows it.

use chrono::{DateTime, NaiveDate, Utc};
use ecoman_model::{
    PowerState, Question, Resource, Situation, VmFacts, VmKey, VmSettings, vm_facts,
};
use serde::{Deserialize, Serialize};

use crate::Node;
use crate::field::{Field, Unit, Value};
use crate::pending::Pending;

/// A field of a VM.
pub type VmField = Field<Vm>;

macro_rules! declare_vm {
    ($(
        $(#[doc = $doc:tt])*
        $name:ident: $type:ty = $unit:ident {
            from: $from:literal
            $(, max: $max:tt)?
            $(, example: $example:tt)?
            $(, filter: $filter:tt)?
            $(, also: $also:tt)?
            $(, in_words: $in_words:tt)?
            $(, sort: $sort:tt)?
            $(, highlight: $highlight:ident)?
            $(,)?
        }
    )*) => {
        /// A virtual machine. What the node did not say is `null`, never 0 or an empty text.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct Vm {
            /// The node that the VM is registered on.
            #[cfg_attr(feature = "openapi", schema(example = "hoge"))]
            pub node: String,
            /// The id of the VM on its node (`Vmid` of `vim-cmd vmsvc/getallvms`).
            #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, maximum = 4_294_967_295_u32, example = 14))]
            pub vmid: u32,
            $(
                $(#[doc = $doc])*
                #[cfg_attr(feature = "openapi", schema(
                    $(format = Int64, minimum = 0, maximum = $max,)?
                    $(example = $example)?
                ))]
                pub $name: $type,
            )*
            /// The resources that have reached their threshold (see `/config`); empty: not a large VM.
            pub large: Vec<Resource>,
            /// When these facts were last seen to be true. For a VM that is not stale, the node's
            /// `observed_at` is at least as recent, and moves on without a `vm` event of its own.
            pub observed_at: DateTime<Utc>,
            /// Whether the facts are old: its node does not answer, the VM could not be read again, or
            /// the crawler has stopped reporting.
            pub stale: bool,
            /// Why the facts are old, as a sentence.
            #[cfg_attr(
                feature = "openapi",
                schema(example = "hoge does not answer: no route to 192.0.2.10:22")
            )]
            pub stale_reason: Option<String>,
            /// Whose it is, as the comment says: `owner: NAME` and the like, or what the server's
            /// `DASHBOARD_OWNER_PATTERN` finds.
            #[cfg_attr(feature = "openapi", schema(example = "ops"))]
            pub owner: Option<String>,
            /// Its last day, as the comment says: `until: 2027-03-31` and the like, or what the server's
            /// `DASHBOARD_EXPIRY_PATTERN` finds.
            #[cfg_attr(feature = "openapi", schema(example = "2027-03-31"))]
            pub expires_on: Option<NaiveDate>,
            /// The change of name and comment that waits until the VM is off; `null`: none does.
            pub pending: Option<Pending>,
            /// The IP address that the guest reported last, where it reports none now: that of a VM
            /// that is off, say.
            #[cfg_attr(feature = "openapi", schema(example = "192.0.2.17"))]
            pub last_ip_address: Option<String>,
            /// When that address was last seen.
            pub last_ip_address_at: Option<DateTime<Utc>>,
            /// The host name that the guest reported last, where it reports none now.
            #[cfg_attr(feature = "openapi", schema(example = "metrics-b"))]
            pub last_hostname: Option<String>,
            /// When that host name was last seen.
            pub last_hostname_at: Option<DateTime<Utc>>,
        }

        impl Vm {
            /// A VM with these facts, neither large nor stale.
            #[must_use]
            pub fn new(key: &VmKey, facts: VmFacts, observed_at: DateTime<Utc>) -> Self {
                let VmFacts { $($name),* } = facts;
                Self {
                    node: key.node.as_str().to_owned(),
                    vmid: key.vmid.0,
                    $($name,)*
                    large: Vec::new(),
                    owner: None,
                    expires_on: None,
                    pending: None,
                    last_ip_address: None,
                    last_ip_address_at: None,
                    last_hostname: None,
                    last_hostname_at: None,
                    observed_at,
                    stale: false,
                    stale_reason: None,
                }
            }
        }

        /// Each field of a VM, called as in JSON.
        #[expect(non_upper_case_globals, reason = "a constant has the name of its field")]
        pub mod field {
            use super::{Resource, Unit, VmField};

            /// The node that the VM is registered on.
            pub const node: &VmField = &VmField::new("node", Unit::Node, |vm| (&vm.node).into())
                .filter("node", "part of the node's name", "node:hoge,fuga")
                .also(&["host", "esxi", "ホスト"])
                .in_words(true)
                .sort("node");
            /// The id of the VM on its node.
            pub const vmid: &VmField = &VmField::new("vmid", Unit::Vmid, |vm| (&vm.vmid).into())
                .filter("vmid", "id on its node", "vmid:14")
                .also(&["id"])
                .sort("vmid");
            $(
                $(#[doc = $doc])*
                pub const $name: &VmField =
                    &VmField::new(stringify!($name), Unit::$unit, |vm| (&vm.$name).into())
                        $(.filter $filter)?
                        $(.also(&$also))?
                        $(.in_words($in_words))?
                        $(.sort($sort))?
                        $(.highlight(Resource::$highlight))?;
            )*
            /// The resources that have reached their threshold.
            pub const large: &VmField = &VmField::new("large", Unit::Resources, |vm| (&vm.large).into())
                .filter("large", "true, false, cpu, memory or storage", "large:true")
                .sort("large");
            /// Whose it is, as the comment says.
            pub const owner: &VmField = &VmField::new("owner", Unit::Text, |vm| (&vm.owner).into())
                .filter("owner", "part of the owner that the comment names", "owner:ops")
                .also(&["user", "所有者", "担当", "担当者"])
                .sort("owner");
            /// Its last day, as the comment says.
            pub const expires_on: &VmField =
                &VmField::new("expires_on", Unit::Date, |vm| (&vm.expires_on).into())
                    .filter("expires", "last day that the comment names", "expires:<2027-01-01")
                    .also(&["expires_on", "until", "期限"])
                    .sort("expires_on");
            /// The change that waits until the VM is off.
            pub const pending: &VmField =
                &VmField::new("pending", Unit::Pending, |vm| (&vm.pending).into())
                    .filter("pending", "true or false: a change waits until it is off", "pending:true");
            /// The IP address that the guest reported last, where it reports none now.
            pub const last_ip_address: &VmField =
                &VmField::new("last_ip_address", Unit::Ip, |vm| (&vm.last_ip_address).into());
            /// When that address was last seen.
            pub const last_ip_address_at: &VmField =
                &VmField::new("last_ip_address_at", Unit::Time, |vm| (&vm.last_ip_address_at).into());
            /// The host name that the guest reported last, where it reports none now.
            pub const last_hostname: &VmField =
                &VmField::new("last_hostname", Unit::Text, |vm| (&vm.last_hostname).into());
            /// When that host name was last seen.
            pub const last_hostname_at: &VmField =
                &VmField::new("last_hostname_at", Unit::Time, |vm| (&vm.last_hostname_at).into());
            /// When these facts were last seen to be true.
            pub const observed_at: &VmField =
                &VmField::new("observed_at", Unit::Time, |vm| (&vm.observed_at).into())
                    .filter("seen", "time since it was last seen", "seen:>1h")
                    .also(&["age", "last_seen", "updated", "最終確認"])
                    .sort("observed_at");
            /// Whether the facts are old.
            pub const stale: &VmField = &VmField::new("stale", Unit::Flag, |vm| (&vm.stale).into())
                .filter("stale", "true or false", "stale:true")
                .also(&["outdated"]);
            /// Why the facts are old.
            pub const stale_reason: &VmField =
                &VmField::new("stale_reason", Unit::Text, |vm| (&vm.stale_reason).into());
        }

        /// The fields of a VM in the order of its JSON.
        pub const VM_FIELDS: &[&VmField] = &[
            field::node,
            field::vmid,
            $(field::$name,)*
            field::large,
            field::observed_at,
            field::stale,
            field::stale_reason,
            field::owner,
            field::expires_on,
            field::pending,
            field::last_ip_address,
            field::last_ip_address_at,
            field::last_hostname,
            field::last_hostname_at,
        ];
    };
}

vm_facts!(declare_vm);

impl Vm {
    /// When its facts were last seen to be true, by `node`, which is its own: those that are not
    /// stale have been confirmed by every later round that read them, which sends no event for that.
    #[must_use]
    pub fn seen_at(&self, node: Option<&Node>) -> DateTime<Utc> {
        match node.and_then(|node| node.read_at(self.vmid)) {
            Some(round) if !self.stale => round.max(self.observed_at),
            _ => self.observed_at,
        }
    }

    /// The value of a field, as people look for it: where the guest reports none now, the last one
    /// that it did.
    #[must_use]
    pub fn known(&self, field: &VmField) -> Value<'_> {
        let last = match field.of(self) {
            Value::Unknown if field == field::ip_address => field::last_ip_address,
            Value::Unknown if field == field::hostname => field::last_hostname,
            value => return value,
        };
        last.of(self)
    }

    /// What is known when an act is considered: old facts are not. `read_only`: that of the node.
    #[must_use]
    pub fn situation(&self, read_only: bool) -> Situation<'_> {
        let mut situation = Situation {
            read_only,
            ..Situation::default()
        };
        if !self.stale {
            situation.power = self.power;
            situation.tools_status = self.tools_status.as_deref();
            situation.connection_state = self.connection_state.as_deref();
        }
        situation
    }

    /// The settings that are known: old facts are not.
    #[must_use]
    pub fn settings(&self) -> VmSettings {
        if self.stale {
            return VmSettings::default();
        }
        VmSettings {
            name: self.name.clone(),
            comment: Some(self.comment.clone().unwrap_or_default()),
            cpus: self.cpus,
            memory_mb: self.memory_mb,
            ..VmSettings::default()
        }
    }
}

/// A page of the VM list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmPage {
    /// The VMs of this page.
    pub items: Vec<Vm>,
    /// How many VMs there are on all pages together, filter applied.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 340))]
    pub total: u64,
    /// Token of the next page for `page_token`; `null` on the last one.
    pub next_page: Option<String>,
    /// The state that the list shows: `id` of the last event that it contains. Grows.
    #[cfg_attr(feature = "openapi", schema(format = Int64, minimum = 0, example = 1_795_372_800_000_017_u64))]
    pub revision: u64,
}

#[cfg(test)]
pub(crate) mod tests {
    use ecoman_model::Vmid;

    use super::*;

    /// A VM of which nothing is known.
    pub(crate) fn vm(node: &str, vmid: u32) -> Vm {
        let key = VmKey {
            node: node.parse().expect("a name"),
            vmid: Vmid(vmid),
        };
        Vm::new(&key, VmFacts::default(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_table_has_the_fields_of_the_json_in_its_order() {
        let json = serde_json::to_string(&vm("hoge", 1)).expect("JSON");
        let mut rest = json.as_str();
        for field in VM_FIELDS {
            let next = rest.split_once(&format!("\"{}\":", field.name));
            rest = next.unwrap_or_else(|| panic!("{} in {json}", field.name)).1;
        }
        assert_eq!(json.matches("\":").count(), VM_FIELDS.len(), "{json}");
    }
}
