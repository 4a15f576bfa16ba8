//! The ways to a node past ECoMan: a shell, and the node's own page.

use ecoman_api::Node;

/// The line that opens a shell on the node.
pub fn ssh_line(node: &Node) -> String {
    let target = shell_word(&format!("{}@{}", node.username, node.address));
    match node.port {
        22 => format!("ssh {target}"),
        port => format!("ssh -p {port} {target}"),
    }
}

/// The line that asks the node for a VM's summary.
pub fn summary_line(node: &Node, vmid: u32) -> String {
    format!("{} vim-cmd vmsvc/get.summary {vmid}", ssh_line(node))
}

/// The node's own Host Client, at a VM or at the front.
pub fn host_client(node: &Node, vmid: Option<u32>) -> String {
    let address = &node.address;
    // A literal IPv6 address stands in brackets.
    let host = if address.contains(':') {
        format!("[{address}]")
    } else {
        address.clone()
    };
    match vmid {
        Some(vmid) => format!("https://{host}/ui/#/host/vms/{vmid}"),
        None => format!("https://{host}/ui/"),
    }
}

/// Text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::node;

    fn at(address: &str, port: u16) -> Node {
        Node {
            address: address.into(),
            port,
            ..node("hoge")
        }
    }

    #[test]
    fn the_ssh_line_names_a_port_only_where_it_is_another() {
        assert_eq!(
            ssh_line(&at("hoge.example.org", 22)),
            "ssh root@hoge.example.org"
        );
        assert_eq!(
            summary_line(&at("192.0.2.1", 2222), 14),
            "ssh -p 2222 root@192.0.2.1 vim-cmd vmsvc/get.summary 14"
        );
    }

    #[test]
    fn what_is_copied_into_a_shell_is_one_word() {
        assert_eq!(ssh_line(&at("a;b'c", 22)), r"ssh 'root@a;b'\''c'");
    }

    #[test]
    fn the_host_client_is_found_at_names_and_at_both_kinds_of_address() {
        assert_eq!(
            host_client(&at("hoge.example.org", 2222), Some(14)),
            "https://hoge.example.org/ui/#/host/vms/14"
        );
        assert_eq!(
            host_client(&at("2001:db8::1", 22), None),
            "https://[2001:db8::1]/ui/"
        );
    }
}
