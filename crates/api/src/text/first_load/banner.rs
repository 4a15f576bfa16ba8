//! What is wrong, above the page.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

use crate::text::Template;

/// What is wrong, above the page.
#[derive(Clone, Copy, Debug)]
pub struct Banner {
    /// `{0}`: the time.
    pub no_connection: Template<1>,
    /// `{0}`: the sentence before, `{1}`: how long ago.
    pub shown_from: Template<2>,
    /// `{0}`: the time, `{1}`: the cause.
    pub store_unwritable_since: Template<2>,
    /// `{0}`: the cause.
    pub store_unwritable: Template<1>,
    /// `{0}`: the cause.
    pub hosts_file: Template<1>,
    /// `{0}`: the node, `{1}`: its symptom, `{2}`: the time, `{3}`: the cause.
    pub node_failed: Template<4>,
    /// `{0}`: the node.
    pub node_silent: Template<1>,
    /// `{0}`: how many, `{1}`: their names.
    pub nodes_failed: Template<2>,
    pub between_nodes: &'static str,
    /// `{0}`: how many VMs, `{1}`: how long ago.
    pub shown_as_seen: Template<2>,
    pub symptom: Symptoms,
}

/// How a kind of failure looks from here, after the name of the node.
#[derive(Clone, Copy, Debug)]
pub struct Symptoms {
    pub configuration: &'static str,
    pub no_answer: &'static str,
    pub host_key: &'static str,
    pub authentication: &'static str,
    pub hostd: &'static str,
    pub protocol: &'static str,
}
