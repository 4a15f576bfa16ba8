//! The objects that a question is about, with the properties that it asks for.

use std::collections::BTreeMap;

use super::xml::{escaped, value};
use crate::dump::Data;
use crate::host::Host;
use crate::vm::Vm;
use crate::{Fault, SoapFault, summary};

/// What an object lacks.
struct Missing {
    path: String,
    fault: &'static str,
}

/// Why a question is refused as a whole.
pub(super) enum Refusal {
    /// This path is not known.
    Path(String),
    /// This VM is.
    Vm(String),
}

impl From<String> for Refusal {
    fn from(path: String) -> Self {
        Self::Path(path)
    }
}

/// The objects that are asked for, each as its XML.
pub(super) fn objects(host: &Host, request: &str) -> Result<Vec<String>, Refusal> {
    let named: Vec<&str> = request
        .split("<obj type=\"VirtualMachine\">")
        .skip(1)
        .filter_map(|part| part.split_once("</obj>"))
        .map(|(id, _)| id)
        .collect();
    if !named.is_empty() {
        let machines = machines(host, request)?;
        return named
            .into_iter()
            .map(|id| {
                let machine = id.parse().ok().and_then(|id: u32| machines.get(&id));
                machine.cloned().ok_or_else(|| Refusal::Vm(id.to_owned()))
            })
            .collect();
    }
    let of_host = paths(request, "HostSystem");
    let of_store = paths(request, "Datastore");
    let summary = summary::host_summary(host);
    let mut objects = vec![object(
        "HostSystem",
        "ha-host",
        &found(&of_host, |path| host_property(host, &summary, path))?,
        &[],
    )];
    if let Data::Array(_, stores) = summary::datastores(host) {
        for store in stores {
            let id = match member(&store, "datastore") {
                Some(Data::Reference(id)) => id.split_once(':').map_or("", |(_, id)| id).to_owned(),
                _ => String::new(),
            };
            let summary = found(&of_store, |path| (path == "summary").then(|| store.clone()))?;
            objects.push(object("Datastore", &id, &summary, &[]));
        }
    }
    let soap = soap_faults(host);
    for (id, machine) in machines(host, request)? {
        if soap.contains(&&SoapFault::Repeats(id)) {
            objects.push(machine.clone());
        }
        objects.push(machine);
    }
    Ok(objects)
}

/// The VMs, with the properties that are asked for.
pub(super) fn machines(host: &Host, request: &str) -> Result<BTreeMap<u32, String>, String> {
    let (paths, soap) = (paths(request, "VirtualMachine"), soap_faults(host));
    let mut machines = BTreeMap::new();
    for (id, vm) in &host.vms {
        if soap.contains(&&SoapFault::Forgets(*id)) {
            continue;
        }
        let machine = match host.is_invalid(*id) {
            true => invalid(*id),
            false => machine(host, vm, &paths, &soap)?,
        };
        machines.insert(*id, machine);
    }
    let without_files = host.invalid.iter().filter(|id| !host.vms.contains_key(id));
    machines.extend(without_files.map(|id| (*id, invalid(*id))));
    Ok(machines)
}

fn soap_faults(host: &Host) -> Vec<&SoapFault> {
    host.faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::Soap(fault) => Some(fault),
            _ => None,
        })
        .collect()
}

fn machine(host: &Host, vm: &Vm, paths: &[String], soap: &[&SoapFault]) -> Result<String, String> {
    if host.faults.contains(&Fault::Vanishing(vm.id)) {
        let missing: Vec<Missing> = paths
            .iter()
            .map(|path| Missing {
                path: path.clone(),
                fault: "ManagedObjectNotFound",
            })
            .collect();
        return Ok(object("VirtualMachine", &vm.id.to_string(), &[], &missing));
    }
    let summary = summary::vm_summary(host, vm);
    let mut properties = found(paths, |path| match path {
        "config.version" => Some(Data::Text(format!("vmx-{:02}", vm.spec.hardware))),
        _ => walk(&summary, path.strip_prefix("summary.")?),
    })?;
    let mut missing = Vec::new();
    if soap.contains(&&SoapFault::NoPermission(vm.id)) {
        properties.retain(|(path, _)| path != "summary.config");
        missing.push(Missing {
            path: "summary.config".to_owned(),
            fault: "NoPermission",
        });
    }
    let mut text = object("VirtualMachine", &vm.id.to_string(), &properties, &missing);
    for fault in soap {
        if let SoapFault::Says(id, name, said) = fault
            && *id == vm.id
        {
            text = replaced(&text, name, said);
        }
    }
    Ok(text)
}

/// What a host still says of a VM that it cannot load.
fn invalid(id: u32) -> String {
    let connection = Data::Text("invalid".to_owned());
    let power = Data::Text("poweredOff".to_owned());
    let properties = [
        ("summary.runtime.connectionState".to_owned(), connection),
        ("summary.runtime.powerState".to_owned(), power),
    ];
    object("VirtualMachine", &id.to_string(), &properties, &[])
}

fn host_property(host: &Host, summary: &Data, path: &str) -> Option<Data> {
    match path {
        "name" => Some(Data::Text(host.spec.host_name.clone())),
        _ => match path.strip_prefix("summary.") {
            Some(path) => walk(summary, path),
            None => walk(summary, path),
        },
    }
}

/// The paths that a question asks for of objects of a kind.
fn paths(request: &str, kind: &str) -> Vec<String> {
    let mark = format!("<propSet><type>{kind}</type>");
    let Some((_, after)) = request.split_once(&mark) else {
        return Vec::new();
    };
    let set = after.split_once("</propSet>").map_or("", |(set, _)| set);
    set.split("<pathSet>")
        .skip(1)
        .filter_map(|part| part.split_once("</pathSet>"))
        .map(|(path, _)| path.to_owned())
        .collect()
}

/// Each path with what stands there; the first that does not exist is an error.
fn found(
    paths: &[String],
    of: impl Fn(&str) -> Option<Data>,
) -> Result<Vec<(String, Data)>, String> {
    paths
        .iter()
        .map(|path| match of(path) {
            Some(data) => Ok((path.clone(), data)),
            None => Err(path.clone()),
        })
        .collect()
}

fn member(data: &Data, name: &str) -> Option<Data> {
    let Data::Object(object) = data else {
        return None;
    };
    let found = object.members().find(|(member, _)| *member == name);
    found.map(|(_, value)| value.clone())
}

/// What a path within a data object leads to.
fn walk(data: &Data, path: &str) -> Option<Data> {
    path.split('.')
        .try_fold(data.clone(), |data, name| member(&data, name))
}

fn object(kind: &str, id: &str, properties: &[(String, Data)], missing: &[Missing]) -> String {
    let properties: String = properties
        .iter()
        .map(|(path, data)| {
            let text = value(data, path.rsplit('.').next().unwrap_or(path));
            match text.is_empty() {
                true => String::new(),
                false => format!("<propSet><name>{path}</name>{text}</propSet>"),
            }
        })
        .collect();
    let missing: String = missing
        .iter()
        .map(|Missing { path, fault }| {
            format!(
                "<missingSet><path>{path}</path><fault><fault xsi:type=\"{fault}\"></fault>\
                 <localizedMessage></localizedMessage></fault></missingSet>"
            )
        })
        .collect();
    format!(
        "<objects><obj type=\"{kind}\">{}</obj>{properties}{missing}</objects>",
        escaped(id)
    )
}

/// The XML with another text in the first element of this name.
fn replaced(xml: &str, name: &str, text: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let Some((before, after)) = xml.split_once(&open) else {
        return xml.to_owned();
    };
    let Some((_, after)) = after.split_once(&close) else {
        return xml.to_owned();
    };
    format!("{before}{open}{}{close}{after}", escaped(text))
}
