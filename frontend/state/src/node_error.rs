//! What a node's error says.

use ecoman_api::FailureKind;

use crate::text;

/// How a kind of failure looks from here, after the name of the node.
pub fn symptom(kind: FailureKind) -> &'static str {
    let symptoms = &text::first_load().banner.symptom;
    match kind {
        FailureKind::Configuration => symptoms.configuration,
        FailureKind::Unreachable | FailureKind::Timeout | FailureKind::Disconnected => {
            symptoms.no_answer
        }
        FailureKind::HostKey => symptoms.host_key,
        FailureKind::Authentication => symptoms.authentication,
        FailureKind::Hostd => symptoms.hostd,
        FailureKind::Protocol => symptoms.protocol,
    }
}

/// The message of a node's error without the node, which stands beside it: messages begin with
/// `NAME: ` or, where the address matters, with `NAME (ADDRESS): `.
pub fn cause<'a>(node: &str, message: &'a str) -> &'a str {
    let Some(rest) = message.strip_prefix(node) else {
        return message;
    };
    rest.strip_prefix(": ")
        .or_else(|| {
            rest.strip_prefix(" (")?
                .split_once("): ")
                .map(|(_, rest)| rest)
        })
        .unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_node_is_not_said_twice() {
        assert_eq!(cause("hoge", "hoge: no route to it"), "no route to it");
        assert_eq!(cause("hoge", "hoge2: no route"), "hoge2: no route");
        assert_eq!(cause("hoge", "no route"), "no route");
        let with_address = "hoge (192.0.2.1:22): no route to it";
        assert_eq!(cause("hoge", with_address), "no route to it");
        assert_eq!(cause("hog", with_address), with_address);
    }
}
