//! What requests and answers look like.

use super::endpoint::Answer;
use super::xml::escaped;

/// The text of the first element of this name, as it stands there.
pub(super) fn text(body: &str, name: &str) -> Option<String> {
    let (_, after) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

pub(super) fn plain(body: String) -> Answer {
    Answer {
        status: 200,
        cookie: None,
        body,
        cut: None,
    }
}

pub(super) fn response(method: &str, body: &str) -> Answer {
    plain(envelope(&format!(
        "<{method}Response xmlns=\"urn:vim25\">{body}</{method}Response>"
    )))
}

pub(super) fn fault(kind: &str, words: &str) -> Answer {
    let body = envelope(&format!(
        "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{}</faultstring>\
         <detail><{kind}Fault xmlns=\"urn:vim25\" xsi:type=\"{kind}\"></{kind}Fault></detail>\
         </soapenv:Fault>",
        escaped(words)
    ));
    Answer {
        status: 500,
        ..plain(body)
    }
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soapenv:Envelope xmlns:soapenc=\"http://schemas.xmlsoap.org/soap/encoding/\"\n \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"\n \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"\n \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n\
         <soapenv:Body>\n{body}\n</soapenv:Body>\n</soapenv:Envelope>"
    )
}
