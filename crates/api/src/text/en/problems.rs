//! Details of problems.

use crate::text::Problems;

pub(super) static PROBLEMS: Problems = Problems {
    bad_parameters: "Some parameters of the query are wrong; see errors.",
    bad_body: "The body is not as it has to be; see errors.",
    vm_not_found: |node, vmid| format!("{node} has no VM {vmid}; it may have been removed."),
    node_not_found: |node| {
        format!("There is no node {node}; the nodes are those of the crawler's hosts.yml.")
    },
};
