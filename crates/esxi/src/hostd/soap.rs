//! Envelope, body and fault of SOAP.

use super::error::HostdError;
use super::xml::{self, Element, SOAP};
use crate::parse::ParseError;

/// What the body of an answer holds: `XResponse` of method `X`.
///
/// # Errors
/// A fault, broken XML, or something else than the answer to this method.
pub(super) fn response(bytes: &[u8], methods: &[&str]) -> Result<Element, HostdError> {
    let envelope = xml::read(bytes)?;
    let body = body(&envelope)?;
    if let Some(fault) = body.child(SOAP, "Fault") {
        return Err(of_fault("", fault));
    }
    let is_answer = |element: &Element| {
        methods
            .iter()
            .any(|method| element.is(xml::VIM, &format!("{method}Response")))
    };
    let answer = match body.children() {
        [answer] if is_answer(answer) => answer.clone(),
        _ => return Err(body.error("the answer to what was asked").into()),
    };
    Ok(answer)
}

fn body(envelope: &Element) -> Result<&Element, ParseError> {
    Some(envelope)
        .filter(|envelope| envelope.is(SOAP, "Envelope"))
        .and_then(|envelope| envelope.child(SOAP, "Body"))
        .ok_or_else(|| envelope.error("a SOAP envelope with a body"))
}

/// The fault that hostd answered `method` with.
pub(super) fn fault(method: &str, bytes: &[u8]) -> HostdError {
    let envelope = match xml::read(bytes) {
        Ok(envelope) => envelope,
        Err(error) => return error.into(),
    };
    match body(&envelope) {
        Ok(body) => match body.child(SOAP, "Fault") {
            Some(fault) => of_fault(method, fault),
            None => body.error("a fault").into(),
        },
        Err(error) => error.into(),
    }
}

fn of_fault(method: &str, fault: &Element) -> HostdError {
    // `faultcode` and the like have no namespace of their own.
    let child = |name: &str| fault.children().iter().find(|child| child.name() == name);
    let detail = child("detail").and_then(|detail| detail.children().first());
    let kind = detail.map_or("", |detail| {
        detail
            .kind()
            .unwrap_or_else(|| detail.name().trim_end_matches("Fault"))
    });
    let said = child("faultstring").map(Element::words).unwrap_or_default();
    let words = [method, kind, &said]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    match kind {
        "InvalidLogin" | "InvalidLocale" => HostdError::SignInRefused { words },
        _ if matches!(method, "AcquireLocalTicket" | "Login") => {
            HostdError::SignInRefused { words }
        }
        "NoPermission" | "RestrictedVersion" => HostdError::NoPermission { words },
        // It had signed in: the session has ended under it, as when hostd restarts.
        "NotAuthenticated" => HostdError::CutOff { words },
        "HostCommunication" | "HostNotConnected" => HostdError::HostdDown { words },
        _ => HostdError::NotUnderstood { words },
    }
}
