//! What is wrong, above the page.

use crate::text::Template;
use crate::text::first_load::{Banner, Symptoms};

pub(super) const BANNER: Banner = Banner {
    no_connection: Template::new("No connection to the server since {0}"),
    shown_from: Template::new("{0}. What is shown is from {1}."),
    store_unwritable_since: Template::new(
        "The server cannot write to its store since {0}: {1}. Changes are refused, and nothing newer is recorded.",
    ),
    store_unwritable: Template::new(
        "The server cannot write to its store: {0}. Changes are refused, and nothing newer is recorded.",
    ),
    hosts_file: Template::new(
        "hosts.yml has changed and cannot be used; what it said before holds. {0}",
    ),
    node_failed: Template::new("{0} {1} since {2} — {3}."),
    node_silent: Template::new("{0} does not answer."),
    nodes_failed: Template::new("{0} cannot be read: {1}."),
    between_nodes: ", ",
    shown_as_seen: Template::new("{0} shown as seen {1}."),
    symptom: Symptoms {
        configuration: "cannot be used as it is configured",
        no_answer: "does not answer",
        host_key: "shows a host key that is not trusted",
        authentication: "refuses the login",
        hostd: "is there, but its management agent does not answer",
        protocol: "answers with something that cannot be read",
    },
};
