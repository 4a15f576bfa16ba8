//! From hostd's answers to facts.

use std::collections::{BTreeMap, BTreeSet};

use ecoman_model::{NodeFacts, VersionFacts, Vmid};

use super::error::HostdError;
use super::frames::{self, Cost};
use super::soap;
use super::xml::{self, Element};
use crate::Output;
use crate::parse::{self, DataObject as _, ParseError, Summary};

/// Everything that hostd says of its node at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What [`parse::host_summary`] reads of a dump.
    pub facts: NodeFacts,
    /// Its datastores, by their mount points.
    pub datastores: BTreeMap<String, DatastoreSpace>,
    /// Its VMs.
    pub vms: BTreeMap<Vmid, VmReading>,
    /// The VMs of the host's own list (`vmInventory.xml`); `None` where that could not be read.
    pub inventory: Option<BTreeSet<Vmid>>,
    /// What the reading cost the node.
    pub cost: Cost,
}

/// One VM of a [`Reading`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmReading {
    /// All that hostd says of it.
    Read(Box<Summary>),
    /// Something of it could not be read: why.
    Unread(String),
}

/// What changes by itself of a datastore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatastoreSpace {
    /// Its name.
    pub name: Option<String>,
    /// Whether it can be used.
    pub accessible: Option<bool>,
    /// Size in bytes.
    pub capacity_bytes: Option<u64>,
    /// Free space in bytes.
    pub free_bytes: Option<u64>,
}

/// Reads what [`crate::Command::read_hostd`] printed.
///
/// # Errors
/// Every class of [`HostdError`]: a reading is whole, or there is none. What is wrong with a
/// single VM costs that one only ([`VmReading::Unread`]).
pub fn read(output: &Output) -> Result<Reading, HostdError> {
    let answer = frames::read(output)?;
    let Some(content) = answer.content else {
        return not_understood("the service content is missing");
    };
    let version = version(content)?;
    let mut objects = Objects::default();
    let last = answer.pages.len().saturating_sub(1);
    for (number, page) in answer.pages.iter().enumerate() {
        objects.take(page, number == last)?;
    }
    let Some(host) = objects.host else {
        return not_understood("the host itself is missing");
    };
    let facts = NodeFacts {
        version,
        ..parse::host_of_object(host.get("summary").unwrap_or(&Element::made("summary")))?
    };
    Ok(Reading {
        facts: with_runtime(facts, &host)?,
        datastores: objects.datastores,
        vms: objects.vms,
        inventory: answer.inventory.map(inventory).transpose()?.flatten(),
        cost: answer.cost,
    })
}

/// Reads what the program that stays printed of VMs that have changed.
///
/// # Errors
/// Every class of [`HostdError`], as [`read()`].
pub fn read_vms(output: &Output) -> Result<BTreeMap<Vmid, VmReading>, HostdError> {
    let answer = frames::read(output)?;
    let mut objects = Objects::default();
    let last = answer.pages.len().saturating_sub(1);
    for (number, page) in answer.pages.iter().enumerate() {
        objects.take(page, number == last)?;
    }
    Ok(objects.vms)
}

fn not_understood<T>(words: &str) -> Result<T, HostdError> {
    Err(HostdError::NotUnderstood {
        words: words.to_owned(),
    })
}

/// `about` of RetrieveServiceContent.
fn version(content: &[u8]) -> Result<VersionFacts, HostdError> {
    let response = soap::response(content, &["RetrieveServiceContent"])?;
    let about = response
        .get("returnval")
        .and_then(|content| content.get("about"));
    let Some(about) = about else {
        return not_understood("the service content does not say which product it is");
    };
    let warnings = &mut Vec::new();
    if about.some_text("apiType", warnings)?.as_deref() != Some("HostAgent") {
        return not_understood("the API is not that of a host");
    }
    Ok(VersionFacts {
        product: about.some_text("name", warnings)?,
        version: about.some_text("version", warnings)?,
        build: about.some_text("build", warnings)?,
        ..VersionFacts::default()
    })
}

/// `runtime` is asked for beside `summary`, where a dump has it within.
fn with_runtime(facts: NodeFacts, host: &Element) -> Result<NodeFacts, HostdError> {
    let Some(runtime) = host.get("runtime") else {
        return not_understood("the host's state is missing");
    };
    Ok(NodeFacts {
        booted_at: runtime.time("bootTime")?,
        in_maintenance_mode: runtime.boolean("inMaintenanceMode")?,
        ..facts
    })
}

/// The objects of all pages.
#[derive(Default)]
struct Objects {
    host: Option<Element>,
    datastores: BTreeMap<String, DatastoreSpace>,
    vms: BTreeMap<Vmid, VmReading>,
}

impl Objects {
    fn take(&mut self, page: &[u8], is_last: bool) -> Result<(), HostdError> {
        let methods = ["RetrievePropertiesEx", "ContinueRetrievePropertiesEx"];
        let response = soap::response(page, &methods)?;
        for result in response.take_children() {
            if !result.is(xml::VIM, "returnval") {
                continue;
            }
            if result.get("token").is_some() == is_last {
                return not_understood("a page is missing, or one too many is there");
            }
            for object in result.take_children() {
                if object.is(xml::VIM, "objects") {
                    self.object(object)?;
                }
            }
        }
        Ok(())
    }

    fn object(&mut self, object: Element) -> Result<(), HostdError> {
        let (id, kind) = match object.get("obj") {
            Some(reference) => (
                reference.words(),
                reference.refers_to().unwrap_or_default().to_owned(),
            ),
            None => return Err(object.error("an object with its reference").into()),
        };
        let missing = missing(&object);
        if let Some((path, fault)) = missing
            .iter()
            .find(|(_, fault)| matches!(fault.as_str(), "NoPermission" | "NotAuthenticated"))
        {
            let words = format!("{path} of {kind} {id}: {fault}");
            return Err(HostdError::NoPermission { words });
        }
        match kind.as_str() {
            "HostSystem" => {
                if let Some((path, fault)) = missing.first() {
                    return not_understood(&format!("{path} of the host: {fault}"));
                }
                if self.host.replace(properties(object)?).is_some() {
                    return not_understood("the host itself is there twice");
                }
            }
            "Datastore" => self.datastore(&id, &properties(object)?)?,
            "VirtualMachine" => {
                let Ok(vmid) = id.parse::<Vmid>() else {
                    return not_understood(&format!("a VM has the id {id}, which is no number"));
                };
                if self.vms.insert(vmid, vm(vmid, object, &missing)?).is_some() {
                    return not_understood(&format!("VM {vmid} is there twice"));
                }
            }
            // Folders are passed through.
            _ => {}
        }
        Ok(())
    }

    fn datastore(&mut self, id: &str, properties: &Element) -> Result<(), HostdError> {
        let Some(summary) = properties.structure("summary")? else {
            return Ok(());
        };
        let warnings = &mut Vec::new();
        let Some(url) = summary.some_text("url", warnings)? else {
            return not_understood(&format!("datastore {id} has no URL"));
        };
        // Some releases write it with a scheme and a slash behind: `ds:///vmfs/volumes/UUID/`.
        let path = url.strip_prefix("ds://").unwrap_or(&url);
        let path = path.trim_end_matches('/').to_owned();
        let space = DatastoreSpace {
            name: summary.some_text("name", warnings)?,
            accessible: summary.boolean("accessible")?,
            capacity_bytes: summary.number("capacity")?,
            free_bytes: summary.number("freeSpace")?,
        };
        self.datastores.insert(path, space);
        Ok(())
    }
}

/// The paths that hostd could not give, each with the kind of fault.
fn missing(object: &Element) -> Vec<(String, String)> {
    object
        .all("missingSet")
        .map(|missing| {
            let path = missing.get("path").map(Element::words).unwrap_or_default();
            let fault = missing.get("fault").and_then(|fault| fault.get("fault"));
            let kind = fault.and_then(Element::kind).unwrap_or("a fault");
            (path, kind.to_owned())
        })
        .collect()
}

/// The properties of an object, each where its path says.
fn properties(object: Element) -> Result<Element, ParseError> {
    let mut root = Element::made("object");
    let mut seen = BTreeSet::new();
    for set in object.take_children() {
        if !set.is(xml::VIM, "propSet") {
            continue;
        }
        let Some(name) = set.get("name").map(Element::words) else {
            return Err(set.error("a property with its name"));
        };
        if !seen.insert(name.clone()) {
            return Err(set.error("there once only"));
        }
        let value = set.take_children().into_iter();
        let mut value = value.filter(|child| child.is(xml::VIM, "val"));
        if let Some(value) = value.next() {
            root.put(&name, value);
        }
    }
    Ok(root)
}

fn vm(vmid: Vmid, object: Element, missing: &[(String, String)]) -> Result<VmReading, HostdError> {
    // What cannot be reached has no configuration, and says so.
    let essential = missing
        .iter()
        .find(|(path, _)| !path.starts_with("config."));
    if let Some((path, fault)) = essential {
        let words = format!("hostd could not give {path}: {fault}");
        return Ok(VmReading::Unread(words));
    }
    let properties = properties(object)?;
    let Some(summary) = properties.get("summary") else {
        let words = format!("hostd gave nothing of VM {vmid}");
        return Ok(VmReading::Unread(words));
    };
    let read = parse::summary_of_object(summary).and_then(|mut read| {
        read.vmid = Some(vmid);
        if read.facts.hardware_version.is_none()
            && let Some(config) = properties.structure("config")?
        {
            read.facts.hardware_version = config.some_text("version", &mut read.warnings)?;
        }
        Ok(read)
    });
    Ok(match read {
        Ok(read) => VmReading::Read(Box::new(read)),
        Err(error) => VmReading::Unread(error.to_string()),
    })
}

/// The ids of `vmInventory.xml`; `None` where it is not what it was on releases that are known.
fn inventory(bytes: &[u8]) -> Result<Option<BTreeSet<Vmid>>, HostdError> {
    // It is rewritten in place: a reader may meet half of it.
    let Ok(root) = xml::read(bytes) else {
        return Ok(None);
    };
    if root.name() != "ConfigRoot" {
        return Ok(None);
    }
    let entries = root.children().iter();
    let ids = entries.filter(|entry| entry.name() == "ConfigEntry");
    Ok(ids
        .map(|entry| {
            let id = entry
                .children()
                .iter()
                .find(|child| child.name() == "objID");
            id.and_then(|id| id.words().parse().ok())
        })
        .collect())
}
