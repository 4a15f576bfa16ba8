//! The node itself: `hostsvc/hostsummary`, its version, processors and memory.

use ecoman_model::{NodeFacts, VersionFacts};
use serde::Serialize;

use super::dump::Trailing;
use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, Line, digits, line_text};
use super::object::DataObject;

/// Reads what `vim-cmd hostsvc/hostsummary` printed (vim.host.Summary): all but the volumes and
/// the port groups.
///
/// # Errors
/// As for [`summary`](super::summary()).
pub fn host_summary(stdout: &[u8]) -> Result<NodeFacts, ParseError> {
    let input = Input::with_text("hostsummary", stdout)?;
    let dump = fault_reader::expect_dump(&input, &["vim.host.Summary"], Trailing::Refused)?;
    dump.root()
        .map_or_else(|| Err(input.truncated("the dump is empty")), of_object)
}

/// Reads a vim.host.Summary.
pub(crate) fn of_object(root: impl DataObject) -> Result<NodeFacts, ParseError> {
    let mut facts = NodeFacts::default();
    let warnings = &mut Vec::new();
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
    facts.overall_status = root.some_text("overallStatus", warnings)?;
    if let Some(hardware) = root.structure("hardware")? {
        facts.vendor = trimmed(hardware.some_text("vendor", warnings)?);
        facts.model = trimmed(hardware.some_text("model", warnings)?);
        facts.cpu_model = trimmed(hardware.some_text("cpuModel", warnings)?);
        facts.cpu_mhz = some(hardware.number("cpuMhz")?);
        facts.cpu_packages = some(hardware.number("numCpuPkgs")?);
        facts.cpu_cores = some(hardware.number("numCpuCores")?);
        facts.cpu_threads = some(hardware.number("numCpuThreads")?);
        facts.memory_bytes = some(hardware.number("memorySize")?);
    }
    if let Some(runtime) = root.structure("runtime")? {
        facts.booted_at = runtime.time("bootTime")?;
        facts.in_maintenance_mode = runtime.boolean("inMaintenanceMode")?;
    }
    if let Some(config) = root.structure("config")?
        && let Some(product) = config.structure("product")?
    {
        facts.version.product = product.some_text("name", warnings)?;
        facts.version.version = product.some_text("version", warnings)?;
        facts.version.build = product.some_text("build", warnings)?;
    }
    if let Some(usage) = root.structure("quickStats")? {
        facts.cpu_usage_mhz = usage.number("overallCpuUsage")?;
        facts.memory_usage_mb = usage.number("overallMemoryUsage")?;
    }
    Ok(facts)
}

/// A size of hardware, of which no host has none.
fn some<T: PartialEq + Default>(size: Option<T>) -> Option<T> {
    size.filter(|size| *size != T::default())
}

/// Reads what `esxcli system version get` printed. `Patch` is there since 6.0.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a failure instead; [`ParseError::Truncated`]
/// where a line is missing; [`ParseError::Unexpected`] for anything else.
pub fn version(stdout: &[u8]) -> Result<VersionFacts, ParseError> {
    let input = Input::with_text("version", stdout)?;
    let fields = Fields::read(&input)?;
    let version = fields.need("Version")?;
    let build = fields.need("Build")?;
    let product = fields.need("Product")?;
    let update = fields.need("Update")?;
    let patch = match fields.get("Patch") {
        Some(patch) => Some(patch.number()?),
        // 5.x has none.
        None if version.value.starts_with(b"5.") || version.value.starts_with(b"4.") => None,
        None => return Err(input.truncated("the line `Patch` is missing")),
    };
    Ok(VersionFacts {
        product: Some(product.words()),
        version: Some(version.words()),
        build: Some(build_number(build.value).ok_or_else(|| build.error("Releasebuild-NUMBER"))?),
        update: Some(update.number()?),
        patch,
    })
}

/// Reads what `vmware -vl` printed: `VMware ESXi 7.0.3 build-21053776` and
/// `VMware ESXi 7.0 Update 3`, or `... GA`, which is update 0, in either order and among other
/// lines. A release line without an update (some vendors' builds) leaves it unknown.
///
/// # Errors
/// [`ParseError::Truncated`] where one of the two lines is missing (see [`vmware_v`]);
/// [`ParseError::Unexpected`] where no line has the build.
pub fn vmware_vl(stdout: &[u8]) -> Result<VersionFacts, ParseError> {
    let input = Input::with_text("vmware -vl", stdout)?;
    let (facts, releases) = product_lines(&input)?;
    if releases.is_empty() {
        return Err(input.truncated("the line of the release is missing"));
    }
    let update = releases.into_iter().find_map(|line| update_of(line.text));
    Ok(VersionFacts { update, ..facts })
}

/// Reads what `vmware -v` printed, the line of [`vmware_vl`] with the build.
///
/// # Errors
/// As for [`vmware_vl`].
pub fn vmware_v(stdout: &[u8]) -> Result<VersionFacts, ParseError> {
    let input = Input::with_text("vmware -v", stdout)?;
    Ok(product_lines(&input)?.0)
}

/// The processors of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CpuGlobal {
    /// `CPU Packages`
    pub cpu_packages: u32,
    /// `CPU Cores`
    pub cpu_cores: u32,
    /// `CPU Threads`
    pub cpu_threads: u32,
    /// `Hyperthreading Active`
    pub hyperthreading_active: Option<bool>,
    /// `HV Support`: 3 where virtualisation by hardware is there and switched on.
    pub hv_support: Option<u32>,
}

/// Reads what `esxcli hardware cpu global get` printed.
///
/// # Errors
/// As for [`version`].
pub fn cpu_global(stdout: &[u8]) -> Result<CpuGlobal, ParseError> {
    let input = Input::with_text("cpu.global", stdout)?;
    let fields = Fields::read(&input)?;
    Ok(CpuGlobal {
        cpu_packages: fields.need("CPU Packages")?.number()?,
        cpu_cores: fields.need("CPU Cores")?.number()?,
        cpu_threads: fields.need("CPU Threads")?.number()?,
        hyperthreading_active: Some(fields.need("Hyperthreading Active")?.boolean()?),
        // The last line.
        hv_support: Some(fields.need("HV Support")?.number()?),
    })
}

/// The memory of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryGet {
    /// `Physical Memory`
    pub memory_bytes: u64,
}

/// Reads what `esxcli hardware memory get` printed.
///
/// # Errors
/// As for [`version`].
pub fn memory_get(stdout: &[u8]) -> Result<MemoryGet, ParseError> {
    let input = Input::with_text("memory", stdout)?;
    let fields = Fields::read(&input)?;
    let memory = fields.need("Physical Memory")?;
    let number = memory
        .value
        .strip_suffix(b" Bytes")
        .and_then(digits)
        .ok_or_else(|| memory.error("a number of Bytes"))?;
    Ok(MemoryGet {
        memory_bytes: number,
    })
}

/// The lines `   Name: value` of one esxcli object. Other lines (what esxcli could not read, say)
/// may stand before, between and behind them.
struct Fields<'i> {
    input: &'i Input<'i>,
    fields: Vec<Field<'i>>,
}

#[derive(Clone, Copy)]
struct Field<'i> {
    input: &'i Input<'i>,
    start: usize,
    name: &'i [u8],
    value: &'i [u8],
}

/// More fields than any object has.
const MAX_FIELDS: usize = 1024;

impl<'i> Fields<'i> {
    fn read(input: &'i Input<'i>) -> Result<Self, ParseError> {
        let mut fields = Vec::new();
        for line in input.lines_from(0) {
            let field = line.text.strip_prefix(b" ").and_then(|text| {
                let colon = memchr::memchr(b':', text)?;
                Some(Field {
                    input,
                    start: line.start,
                    name: text.get(..colon)?.trim_ascii(),
                    value: text.get(colon + 1..)?.trim_ascii(),
                })
            });
            if !line.ended {
                let other = "no line `   Name: value`";
                return Err(match fields.is_empty() {
                    true => fault_reader::or_unexpected(input, other),
                    false => input.truncated("the last line has no line end"),
                });
            }
            fields.extend(field);
            if fields.len() > MAX_FIELDS {
                return Err(input.unexpected(line.start, "more fields than any host prints"));
            }
        }
        if fields.is_empty() {
            return Err(fault_reader::or_unexpected(
                input,
                "no line `   Name: value`",
            ));
        }
        Ok(Self { input, fields })
    }

    fn get(&self, name: &str) -> Option<Field<'i>> {
        self.fields
            .iter()
            .find(|field| field.name == name.as_bytes())
            .copied()
    }

    fn need(&self, name: &str) -> Result<Field<'i>, ParseError> {
        self.get(name).ok_or_else(|| {
            self.input
                .truncated(format!("the line `{name}` is missing"))
        })
    }
}

impl Field<'_> {
    fn error(&self, expected: &'static str) -> ParseError {
        let name = String::from_utf8_lossy(self.name);
        self.input.value(self.start, name, expected, self.value)
    }

    fn number<T: std::str::FromStr>(&self) -> Result<T, ParseError> {
        digits(self.value)
            .ok_or_else(|| self.error("a whole number that is neither negative nor huge"))
    }

    fn boolean(&self) -> Result<bool, ParseError> {
        match self.value {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(self.error("true or false")),
        }
    }

    fn words(&self) -> String {
        line_text(self.value, "a line", &mut Vec::new())
    }
}

/// What `VMware ESXi 7.0.3 build-21053776` says, and the other lines of the product, of the
/// release.
fn product_lines<'i>(input: &'i Input<'_>) -> Result<(VersionFacts, Vec<Line<'i>>), ParseError> {
    let mut facts = None;
    let mut others = Vec::new();
    for line in input.lines_from(0) {
        if !line.ended {
            return Err(input.truncated("the last line has no line end"));
        }
        if !line.text.trim_ascii_start().starts_with(b"VMware ") {
            continue;
        }
        match build_of(line.text) {
            Some(build) if facts.is_none() => facts = Some(build),
            _ if others.len() < MAX_FIELDS => others.push(line),
            _ => {}
        }
    }
    let Some(facts) = facts else {
        const NONE: &str = "no line `VMware ESXi VERSION build-NUMBER`";
        return Err(match others.first() {
            Some(line) => input.unexpected(line.start, NONE),
            None => fault_reader::or_unexpected(input, NONE),
        });
    };
    Ok((facts, others))
}

/// Product, version and build of `VMware ESXi 7.0.3 build-21053776`; a vendor may add words.
fn build_of(line: &[u8]) -> Option<VersionFacts> {
    let words = line_text(line.trim_ascii(), "the version", &mut Vec::new());
    let words: Vec<&str> = words.split_whitespace().collect();
    let place = words.iter().position(|word| word.contains("build-"))?;
    let build = build_number(words.get(place)?.as_bytes())?;
    let (version, product) = words.get(..place)?.split_last()?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit()) && !product.is_empty();
    is_version.then(|| VersionFacts {
        product: Some(product.join(" ")),
        version: Some((*version).to_owned()),
        build: Some(build),
        ..VersionFacts::default()
    })
}

/// The update release of `VMware ESXi 7.0 Update 3`; 0 of `VMware ESXi 8.0 GA`.
fn update_of(line: &[u8]) -> Option<u32> {
    let words: Vec<&[u8]> = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    if words.contains(&b"GA".as_slice()) {
        return Some(0);
    }
    let place = words.iter().rposition(|word| *word == b"Update")?;
    // `3c` is a later build of update 3.
    let number = words.get(place + 1)?;
    let end = number
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits(number.get(..end)?)
}

/// The digits of `Releasebuild-21053776` or `build-21053776`.
fn build_number(build: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(build).ok()?;
    let (_, number) = text.rsplit_once('-')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_lines_come_in_either_order_and_among_others() {
        let (build, release) = (
            "VMware ESXi 8.0.2 build-22380479",
            "VMware ESXi 8.0 Update 2",
        );
        let whole = vmware_vl(format!("{build}\n{release}\n").as_bytes()).unwrap();
        assert_eq!(whole.version.as_deref(), Some("8.0.2"));
        assert_eq!(whole.update, Some(2));
        for lines in [
            [release, build, ""],
            ["", release, build],
            ["Authorized use only.", release, build],
            [build, "warning: clock", release],
            [
                release,
                build,
                "VMware offers supported, powerful system tools.",
            ],
            [
                "  VMware ESXi 8.0.2 build-22380479 (Vendor Image A07)",
                "VMware ESXi 8.0 Update 2c",
                "",
            ],
        ] {
            let read = vmware_vl(format!("{}\n", lines.join("\n")).as_bytes());
            assert_eq!(read.as_ref(), Ok(&whole), "{lines:?}");
        }
        let vendor = vmware_vl(b"VMware ESXi 8.0.2 build-22380479\nVMware ESXi 8.0 Custom\n");
        assert_eq!(vendor.unwrap().update, None);
        let error = vmware_vl(b"VMware ESXi 8.0 GA\n").unwrap_err();
        assert!(matches!(error, ParseError::Unexpected { .. }), "{error}");
    }

    #[test]
    fn other_lines_around_the_fields_of_an_object_do_not_matter() {
        let quiet = "   Product: VMware ESXi\n   Version: 5.5.0\n   Build: Releasebuild-1331820\n   Update: 0\n";
        let read = version(quiet.as_bytes()).unwrap();
        let noisy = format!(
            "Errors: \nCannot open volume: /vmfs/volumes/x, skipping.\n\n{}\nDone.\n",
            quiet.replace("   Build", "warning: slow\n  Build")
        );
        assert_eq!(version(noisy.as_bytes()), Ok(read));
        let cut = version(b"Errors: \n   Product: VMware ESXi\n   Ver").unwrap_err();
        assert!(matches!(cut, ParseError::Truncated { .. }), "{cut}");
    }

    #[test]
    fn a_first_release_is_update_zero() {
        let facts = vmware_vl(b"VMware ESXi 6.7.0 build-8169922\nVMware ESXi 6.7.0 GA\n").unwrap();
        assert_eq!(facts.update, Some(0));
        assert_eq!(facts.version.as_deref(), Some("6.7.0"));
    }

    #[test]
    fn five_has_no_patch_and_nine_has_maintenance() {
        let five = b"   Product: VMware ESXi\n   Version: 5.5.0\n   Build: Releasebuild-1331820\n   Update: 0\n";
        assert_eq!(version(five).unwrap().patch, None);
        let nine = b"   Product: VMware ESXi\n   Version: 9.0.0\n   Build: Releasebuild-24755229\n   Update: 0\n   Maintenance: 0\n   Patch: 0\n";
        assert_eq!(version(nine).unwrap().patch, Some(0));
        let cut = b"   Product: VMware ESXi\n   Version: 9.0.0\n   Build: Releasebuild-24755229\n   Update: 0\n";
        assert!(matches!(version(cut), Err(ParseError::Truncated { .. })));
    }
}
