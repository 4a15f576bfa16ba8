//! `esxcli vm process list`: the VMs that run.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Serialize;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, digits, line_text};

const READING: &str = "process.list";

/// A VM that runs, as the kernel sees it.
///
/// The world id is not the VM's id; UUID or configuration file identify the VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// `World ID`: what `esxcli vm process kill` takes.
    pub world_id: u64,
    /// `UUID`, spelled as in `get.summary`: `564d71c3-1111-2222-3333-5b0e92d7a4c6`.
    pub uuid: String,
    /// `Display Name`
    pub name: String,
    /// `Config File`, with the datastore's UUID in it, not its name.
    pub vmx_path: String,
}

/// Reads what `esxcli vm process list` printed, as text or with `--formatter=xml`. Nothing at all
/// is an empty list: no VM runs. Other lines may stand before, between and behind the VMs.
///
/// Text that is cut between two VMs looks like a shorter list.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a failure instead; [`ParseError::Truncated`]
/// where a line is missing; [`ParseError::Value`] where a field is not of its kind.
pub fn process_list(stdout: &[u8]) -> Result<Vec<Process>, ParseError> {
    let input = Input::new(READING, stdout)?;
    if input.bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = input.lines_from(0);
    match lines.find(|line| line.text.starts_with(b"<?xml") || line.text.starts_with(b"<output")) {
        Some(xml) => of_xml(&input, xml.start),
        None => of_text(&input),
    }
}

/// The fields of one VM, as they are found.
#[derive(Default)]
struct Fields {
    start: usize,
    world_id: Option<Vec<u8>>,
    uuid: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    vmx_path: Option<Vec<u8>>,
}

impl Fields {
    fn slot(&mut self, name: &str) -> Option<&mut Option<Vec<u8>>> {
        match name {
            "World ID" | "WorldID" => Some(&mut self.world_id),
            "UUID" => Some(&mut self.uuid),
            "Display Name" | "DisplayName" => Some(&mut self.name),
            "Config File" | "ConfigFile" => Some(&mut self.vmx_path),
            _ => None,
        }
    }

    /// Whether any field is there.
    fn is_begun(&self) -> bool {
        self.world_id.is_some()
            || self.uuid.is_some()
            || self.name.is_some()
            || self.vmx_path.is_some()
    }

    /// Whether all fields are there.
    fn is_complete(&self) -> bool {
        self.world_id.is_some()
            && self.uuid.is_some()
            && self.name.is_some()
            && self.vmx_path.is_some()
    }

    fn process(self, input: &Input<'_>) -> Result<Process, ParseError> {
        let (Some(world_id), Some(uuid), Some(name), Some(vmx_path)) =
            (self.world_id, self.uuid, self.name, self.vmx_path)
        else {
            return Err(input.truncated("lines of the last VM are missing"));
        };
        let warnings = &mut Vec::new();
        Ok(Process {
            world_id: digits(&world_id)
                .ok_or_else(|| input.value(self.start, "World ID", "a whole number", &world_id))?,
            uuid: hyphenated(&uuid)
                .ok_or_else(|| input.value(self.start, "UUID", "16 bytes in hexadecimal", &uuid))?,
            name: line_text(&name, "Display Name", warnings),
            vmx_path: line_text(&vmx_path, "Config File", warnings),
        })
    }
}

fn of_text(input: &Input<'_>) -> Result<Vec<Process>, ParseError> {
    let mut list = Vec::new();
    let mut current: Option<Fields> = None;
    for line in input.lines_from(0) {
        if line.text.trim_ascii().is_empty() {
            continue;
        }
        let field = line
            .text
            .strip_prefix(b"   ")
            .filter(|text| !text.starts_with(b" "));
        match (field, &mut current) {
            // A line of something else within the block of a VM.
            (None, Some(fields)) if fields.is_begun() && !fields.is_complete() => {}
            // The VM's name, alone on its line, opens its block.
            (None, _) => {
                let before = current.replace(Fields {
                    start: line.start,
                    ..Fields::default()
                });
                list.extend(before.filter(Fields::is_begun));
            }
            (Some(_), None) => {
                return Err(fault_reader::or_unexpected(
                    input,
                    "no line with the name of a VM",
                ));
            }
            (Some(field), Some(fields)) => {
                let Some(colon) = field.windows(2).position(|pair| pair == b": ") else {
                    if field.ends_with(b":") && line.ended {
                        continue;
                    }
                    return Err(input.unexpected_or_cut(line, "no line `   Name: value`"));
                };
                if !line.ended {
                    return Err(input.truncated("the last line has no line end"));
                }
                let name = String::from_utf8_lossy(field.get(..colon).unwrap_or_default());
                let value = field.get(colon + 2..).unwrap_or_default();
                if let Some(slot) = fields.slot(&name) {
                    if slot.is_some() {
                        return Err(input.ambiguous(line.start, format!("{name} comes twice")));
                    }
                    *slot = Some(value.to_vec());
                }
            }
        }
    }
    // A last line may be the name of a VM whose lines were cut off, or what went wrong.
    let other_line_ends = current.as_ref().is_some_and(|fields| {
        !fields.is_begun() && fault_reader::reports_failure(input.rest(fields.start))
    });
    list.extend(current.filter(|_| !other_line_ends));
    // A sentence without any field is no list.
    if !list.iter().any(Fields::is_begun) {
        return Err(fault_reader::or_unexpected(input, "no list of VMs"));
    }
    list.into_iter()
        .map(|fields| fields.process(input))
        .collect()
}

fn of_xml(input: &Input<'_>, start: usize) -> Result<Vec<Process>, ParseError> {
    let mut reader = Reader::from_reader(input.rest(start));
    let mut list = Vec::new();
    let mut current: Option<Fields> = None;
    let mut field: Option<String> = None;
    let mut value = String::new();
    loop {
        let at = start + usize::try_from(reader.buffer_position()).unwrap_or(0);
        let broken = |reason: String| input.truncated(reason);
        match reader.read_event() {
            Err(error) => return Err(broken(format!("broken XML: {error}"))),
            Ok(Event::Eof) => return Err(input.truncated("the end </output> is missing")),
            Ok(Event::Start(tag)) => match tag.name().as_ref() {
                b"structure" => {
                    current = Some(Fields {
                        start: at,
                        ..Fields::default()
                    });
                }
                b"field" => {
                    let name = tag
                        .try_get_attribute("name")
                        .map_err(|error| broken(format!("broken XML: {error}")))?;
                    field = name.map(|name| String::from_utf8_lossy(&name.value).into_owned());
                    value.clear();
                }
                _ => {}
            },
            Ok(Event::Text(words)) => {
                value.push_str(&String::from_utf8_lossy(&words));
            }
            Ok(Event::GeneralRef(reference)) => {
                let name = String::from_utf8_lossy(&reference).into_owned();
                let character = reference.resolve_char_ref().ok().flatten();
                match (
                    character,
                    quick_xml::escape::resolve_predefined_entity(&name),
                ) {
                    (Some(character), _) => value.push(character),
                    (None, Some(words)) => value.push_str(words),
                    (None, None) => return Err(broken(format!("the entity {name} is unknown"))),
                }
            }
            Ok(Event::End(tag)) => match tag.name().as_ref() {
                b"field" => {
                    if let (Some(name), Some(fields)) = (field.take(), &mut current)
                        && let Some(slot) = fields.slot(&name)
                    {
                        *slot = Some(value.trim().as_bytes().to_vec());
                    }
                }
                b"structure" => {
                    if let Some(fields) = current.take() {
                        list.push(fields.process(input)?);
                    }
                }
                b"output" => return Ok(list),
                _ => {}
            },
            Ok(_) => {}
        }
    }
}

/// `56 4d 71 c3 11 11 22 22-33 33 5b 0e 92 d7 a4 c6` as `564d71c3-1111-2222-3333-5b0e92d7a4c6`.
fn hyphenated(uuid: &[u8]) -> Option<String> {
    let digits: String = std::str::from_utf8(uuid)
        .ok()?
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    Some(
        [
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32),
        ]
        .join("-")
        .to_ascii_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_output_is_no_running_vm() {
        assert_eq!(process_list(b""), Ok(Vec::new()));
    }

    #[test]
    fn other_lines_do_not_matter() {
        let vm = |name: &str, id: u32| {
            format!(
                "{name}\n   World ID: {id}\n   Process ID: 0\n   UUID: 56 4d c2 0e 00 00 00 00-00 00 \
                 71 b9 4f e6 d0 35\n   Display Name: {name}\n   Config File: /v/{name}.vmx\n\n"
            )
        };
        let quiet = format!("{}{}", vm("a", 1), vm("b b", 2));
        let list = process_list(quiet.as_bytes()).unwrap();
        assert_eq!(list.len(), 2);
        let noise = "Errors: \nCannot open volume: x, skipping.\n";
        for noisy in [
            format!("{noise}{quiet}"),
            format!("{}{noise}{}", vm("a", 1), vm("b b", 2)),
            quiet.replace("   UUID", &format!("{noise}   UUID")),
            format!("{quiet}{noise}"),
        ] {
            assert_eq!(process_list(noisy.as_bytes()), Ok(list.clone()), "{noisy}");
        }
        assert!(process_list(noise.as_bytes()).is_err());
        // Cut behind a name.
        assert!(process_list(format!("{quiet}c\n").as_bytes()).is_err());
    }

    #[test]
    fn xml_entities_are_resolved() {
        let xml = b"<output><root><list><structure typeName=\"VirtualMachine\">\
            <field name=\"ConfigFile\"><string>/v/a&amp;b.vmx</string></field>\
            <field name=\"DisplayName\"><string>a&amp;b &#x3c;1&gt;</string></field>\
            <field name=\"UUID\"><string>56 4d c2 0e 00 00 00 00-00 00 71 b9 4f e6 d0 35</string></field>\
            <field name=\"WorldID\"><integer>7</integer></field>\
            </structure></list></root></output>";
        let list = process_list(xml).unwrap();
        assert_eq!(list[0].name, "a&b <1>");
        assert_eq!(list[0].uuid, "564dc20e-0000-0000-0000-71b94fe6d035");
        let noisy = [b"Errors:\nslow <x\n".as_slice(), xml, b"\nTraceback <y\n"].concat();
        assert_eq!(process_list(&noisy), Ok(list));
    }
}
