//! The objects that a question is about, with the properties that it asks for.

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

/// All objects, each as its XML; an unknown path is an error.
pub(super) fn objects(host: &Host, request: &str) -> Result<Vec<String>, String> {
    let of_host = paths(request, "HostSystem");
    let of_store = paths(request, "Datastore");
    let of_vm = paths(request, "VirtualMachine");
    let soap: Vec<&SoapFault> = host
        .faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::Soap(fault) => Some(fault),
            _ => None,
        })
        .collect();
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
    for (id, vm) in &host.vms {
        if soap.contains(&&SoapFault::Forgets(*id)) {
            continue;
        }
        let object = if host.is_invalid(*id) {
            invalid(*id)
        } else {
            machine(host, vm, &of_vm, &soap)?
        };
        if soap.contains(&&SoapFault::Repeats(*id)) {
            objects.push(object.clone());
        }
        objects.push(object);
    }
    let without_files = host.invalid.iter().filter(|id| !host.vms.contains_key(id));
    objects.extend(without_files.map(|id| invalid(*id)));
    Ok(objects)
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
