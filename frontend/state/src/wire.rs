//! Reading what the server sends.

use ecoman_api::Event;
use serde::de::DeserializeOwned;

use super::error::Error;

/// Reads JSON that the server sent.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Unreadable(error.to_string()))
}

/// Any event but that of a task.
pub fn event(kind: &str, data: &str) -> Result<Event, Error> {
    fn parsed<T: DeserializeOwned>(data: &str) -> Result<T, Error> {
        // By the same reader as answers are: the code for it is in the page once.
        read_json(data.as_bytes())
    }
    Ok(match kind {
        "vm" => Event::Vm(parsed(data)?),
        "vm_removed" => Event::VmRemoved(parsed(data)?),
        "node" => Event::Node(parsed(data)?),
        "node_removed" => Event::NodeRemoved(parsed(data)?),
        "config" => Event::Config(parsed(data)?),
        "reset" => Event::Reset(parsed(data)?),
        other => return Err(Error::Unreadable(format!("event {other}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_by_its_name() {
        let removed = event("vm_removed", r#"{"node":"hoge","vmid":14}"#);
        assert!(matches!(removed, Ok(Event::VmRemoved(vm)) if vm.vmid == 14));
        assert!(matches!(
            event("reset", r#"{"revision":7}"#),
            Ok(Event::Reset(_))
        ));
    }

    #[test]
    fn an_event_that_cannot_be_read_is_an_error() {
        assert!(matches!(event("vm", "{}"), Err(Error::Unreadable(_))));
        assert!(matches!(event("else", "{}"), Err(Error::Unreadable(_))));
    }
}
