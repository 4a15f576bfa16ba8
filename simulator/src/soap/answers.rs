//! What is answered to each request.

use std::sync::atomic::Ordering;

use super::endpoint::{Answer, Endpoint, Request, Watch, write_ticket};
use super::properties::{self, Refusal};
use super::reply::{fault, plain, response, text};
use super::updates;
use crate::{Fault, SoapFault};

/// Answers a request.
pub(super) fn answer(endpoint: &Endpoint, request: &Request) -> Answer {
    let faults = {
        let mut state = endpoint.shared.state();
        state.host.settle();
        state.host.faults.clone()
    };
    let has = |wanted: &SoapFault| faults.contains(&Fault::Soap(wanted.clone()));
    let down = faults
        .iter()
        .any(|fault| matches!(fault, Fault::HostdDown(_)));
    if down || has(&SoapFault::Starting) {
        // It forgets who had signed in.
        let mut sessions = endpoint.sessions();
        sessions.cookies.clear();
        sessions.watches.clear();
        drop(sessions);
        return Answer {
            status: 503,
            ..plain("503 Service Unavailable".to_owned())
        };
    }
    let method = request
        .body
        .split_once("Body><")
        .and_then(|(_, rest)| rest.split([' ', '>']).next())
        .unwrap_or_default();
    let cookie = {
        let sessions = endpoint.sessions();
        let mut cookies = sessions.cookies.iter();
        cookies
            .find(|cookie| request.cookie.contains(cookie.as_str()))
            .cloned()
    };
    match method {
        "RetrieveServiceContent" => response(method, &content(endpoint)),
        "AcquireLocalTicket" => ticket(endpoint, request, has(&SoapFault::TicketMissing)),
        "Login" => login(endpoint, request),
        // A host judges a request that names no version by the oldest that it knows.
        "RetrievePropertiesEx"
        | "ContinueRetrievePropertiesEx"
        | "CreateFilter"
        | "WaitForUpdatesEx"
            if !request.action.starts_with("urn:vim25/") =>
        {
            fault(
                "InvalidRequest",
                &format!("Unable to resolve WSDL method name: \"{method}\""),
            )
        }
        "RetrievePropertiesEx"
        | "ContinueRetrievePropertiesEx"
        | "CreateFilter"
        | "WaitForUpdatesEx"
        | "Logout"
            if cookie.is_none() =>
        {
            fault("NotAuthenticated", "The session is not authenticated.")
        }
        "CreateFilter" if has(&SoapFault::NoFilters) => fault(
            "NotSupported",
            "The operation is not supported on the object.",
        ),
        "CreateFilter" => {
            let watch = Watch {
                spec: request.body.clone(),
                ..Watch::default()
            };
            let watches = &mut endpoint.sessions().watches;
            watches.insert(cookie.unwrap_or_default(), watch);
            response(
                method,
                "<returnval type=\"PropertyFilter\">session[52c0ffee]filter-1</returnval>",
            )
        }
        "WaitForUpdatesEx" => updates::wait(endpoint, &cookie.unwrap_or_default(), &request.body),
        "RetrievePropertiesEx" => {
            if has(&SoapFault::Nonsense) {
                return plain("<html><body>It works!</body></html>".to_owned());
            }
            if has(&SoapFault::UnknownPath) {
                return fault("InvalidProperty", "");
            }
            let objects = {
                let state = endpoint.shared.state();
                properties::objects(&state.host, &request.body)
            };
            match objects {
                Ok(objects) => page(endpoint, method, objects, &faults),
                Err(Refusal::Path(path)) => fault("InvalidProperty", &path),
                Err(Refusal::Vm(id)) => fault(
                    "ManagedObjectNotFound",
                    &format!("The object 'vim.VirtualMachine:{id}' has already been deleted"),
                ),
            }
        }
        "ContinueRetrievePropertiesEx" => {
            let token = text(&request.body, "token").unwrap_or_default();
            let rest = endpoint.sessions().rest.remove(&token);
            match rest {
                Some(objects) => page(endpoint, method, objects, &faults),
                None => fault("InvalidArgument", "token"),
            }
        }
        "Logout" => {
            let cookie = cookie.unwrap_or_default();
            let mut sessions = endpoint.sessions();
            sessions.cookies.remove(&cookie);
            sessions.watches.remove(&cookie);
            response(method, "")
        }
        _ => fault("InvalidRequest", "Unable to resolve WSDL method name"),
    }
}

fn content(endpoint: &Endpoint) -> String {
    let state = endpoint.shared.state();
    let release = &state.host.spec.release;
    let generation = state.host.generation();
    let api = match generation >= crate::Generation::V7_0 {
        true => format!("{}.0", release.version),
        false => generation.to_string(),
    };
    format!(
        "<returnval><rootFolder type=\"Folder\">ha-folder-root</rootFolder>\
         <propertyCollector type=\"PropertyCollector\">ha-property-collector</propertyCollector>\
         <about><name>VMware ESXi</name><fullName>{}</fullName><vendor>VMware, Inc.</vendor>\
         <version>{}</version><build>{}</build><localeVersion>INTL</localeVersion>\
         <localeBuild>000</localeBuild><osType>vmnix-x86</osType>\
         <productLineId>embeddedEsx</productLineId><apiType>HostAgent</apiType>\
         <apiVersion>{api}</apiVersion></about>\
         <sessionManager type=\"SessionManager\">ha-sessionmgr</sessionManager></returnval>",
        state.host.full_name(),
        release.version,
        release.build,
    )
}

/// Uses one of the faults that happen so many times; false where there is none.
fn happens(endpoint: &Endpoint, is_it: impl Fn(&mut SoapFault) -> Option<&mut u32>) -> bool {
    let mut state = endpoint.shared.state();
    let mut happens = false;
    state.host.faults.retain_mut(|fault| {
        let Fault::Soap(fault) = fault else {
            return true;
        };
        let Some(left) = is_it(fault) else {
            return true;
        };
        happens = true;
        *left = left.saturating_sub(1);
        *left > 0
    });
    happens
}

fn ticket(endpoint: &Endpoint, request: &Request, is_missing: bool) -> Answer {
    let refused = happens(endpoint, |fault| match fault {
        SoapFault::TicketsRefused(left) => Some(left),
        _ => None,
    });
    if refused {
        return fault(
            "NoPermission",
            "Permission to perform this operation was denied.",
        );
    }
    let user = text(&request.body, "userName").unwrap_or_default();
    let (name, word) = {
        let mut sessions = endpoint.sessions();
        let (name, word) = (sessions.word(), sessions.word());
        sessions.tickets.insert(name.clone(), word.clone());
        (name, word)
    };
    if !is_missing && write_ticket(endpoint, &name, &word).is_err() {
        return fault("SystemError", "the ticket cannot be written");
    }
    response(
        "AcquireLocalTicket",
        &format!(
            "<returnval><userName>{user}</userName>\
             <passwordFilePath>/var/run/vmware-hostd-ticket/{name}</passwordFilePath></returnval>"
        ),
    )
}

fn login(endpoint: &Endpoint, request: &Request) -> Answer {
    let refused = happens(endpoint, |fault| match fault {
        SoapFault::LoginsRefused(left) => Some(left),
        _ => None,
    });
    let word = text(&request.body, "password").unwrap_or_default();
    let cookie = {
        let mut sessions = endpoint.sessions();
        let known = sessions.tickets.values().any(|ticket| *ticket == word);
        // It serves once.
        sessions.tickets.retain(|_, ticket| *ticket != word);
        (known && !refused).then(|| {
            let cookie = sessions.word();
            sessions.cookies.insert(cookie.clone());
            cookie
        })
    };
    let Some(cookie) = cookie else {
        return fault(
            "InvalidLogin",
            "Cannot complete login due to an incorrect user name or password.",
        );
    };
    endpoint.sign_ins.fetch_add(1, Ordering::SeqCst);
    let body = format!(
        "<returnval><key>{cookie}</key><userName>root</userName>\
         <fullName>Administrator</fullName></returnval>"
    );
    Answer {
        cookie: Some(cookie),
        ..response("Login", &body)
    }
}

/// As many objects as a page has, and a token for the others.
fn page(endpoint: &Endpoint, method: &str, mut objects: Vec<String>, faults: &[Fault]) -> Answer {
    let most = faults.iter().find_map(|fault| match fault {
        Fault::Soap(SoapFault::Pages(most)) => Some(*most),
        _ => None,
    });
    let mut token = String::new();
    if let Some(most) = most.filter(|most| *most < objects.len()) {
        let rest = objects.split_off(most);
        let mut sessions = endpoint.sessions();
        let word = sessions.word();
        token = format!("<token>{word}</token>");
        sessions.rest.insert(word, rest);
    }
    let cut = faults.iter().find_map(|fault| match fault {
        Fault::Soap(SoapFault::CutAfter(bytes)) => Some(*bytes),
        _ => None,
    });
    let body = format!("<returnval>{token}{}</returnval>", objects.concat());
    Answer {
        cut,
        ..response(method, &body)
    }
}
