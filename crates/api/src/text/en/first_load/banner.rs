//! What is wrong, above the page.

use crate::text::Template;
use crate::text::first_load::{Banner, Symptoms};

pub(super) const BANNER: Banner = Banner {
    no_connection: Template::new("Not connected since {0}"),
    shown_from: Template::new("{0}. Data as of {1}."),
    store_unwritable_since: Template::new(
        "The server cannot write to its store since {0}: {1}. Changes are refused, and nothing newer is recorded.",
    ),
    store_unwritable: Template::new(
        "The server cannot write to its store: {0}. Changes are refused, and nothing newer is recorded.",
    ),
    hosts_file: Template::new(
        "hosts.yml was changed and is invalid; the previous version stays in use. {0}",
    ),
    node_failed: Template::new("{0} {1} since {2} ({3})."),
    node_silent: Template::new("{0} is not responding."),
    nodes_failed: Template::new("{0} cannot be read: {1}."),
    between_nodes: ", ",
    shown_as_seen: Template::new("{0} shown as of {1}."),
    symptom: Symptoms {
        configuration: "is configured incorrectly",
        no_answer: "has not responded",
        host_key: "presents an untrusted host key",
        authentication: "has refused the login",
        hostd: "responds, but its management agent (hostd) does not",
        protocol: "sends unreadable output",
    },
};
