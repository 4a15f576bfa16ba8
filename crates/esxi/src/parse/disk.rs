//! `NAME.vmdk`: the descriptor of a virtual disk.

use serde::Serialize;

use super::error::ParseError;
use super::input::Input;

/// What the descriptor of a virtual disk says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiskDescriptor {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// `createType`: `vmfs`, `seSparse`, `vmfsRawDeviceMap`, ...
    pub create_type: String,
    /// The files that hold its data, as they are named there: beside the descriptor.
    pub extents: Vec<String>,
    /// Whether it is built on another disk.
    pub has_parent: bool,
    /// Whether it takes space only as it is written to; `None`: the file ends before it says so.
    pub thin: Option<bool>,
}

impl DiskDescriptor {
    /// Whether it stands for a device of the node.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        let kind = self.create_type.to_ascii_lowercase();
        kind.contains("rawdevicemap") || kind.contains("raw")
    }

    /// Whether it is a disk that hosts run VMs from, and no other format.
    #[must_use]
    pub fn is_of_host(&self) -> bool {
        self.create_type.eq_ignore_ascii_case("vmfs")
    }
}

/// Reads the descriptor of a disk.
///
/// # Errors
/// Where it is none.
pub fn disk_descriptor(content: &[u8]) -> Result<DiskDescriptor, ParseError> {
    let input = Input::with_text("vmdk", content)?;
    let mut sectors = None;
    let mut extents = Vec::new();
    let mut create_type = None;
    let mut has_parent = false;
    let mut thin = None;
    for line in input.lines_from(0) {
        let text = line.text.trim_ascii();
        if let Some(count) = extent(text) {
            if !line.ended {
                return Err(input.truncated("the line of an extent has no end"));
            }
            let count =
                count.ok_or_else(|| input.unexpected(line.start, "not the size of an extent"))?;
            let sum = count.checked_add(sectors.unwrap_or(0u64));
            sectors = Some(sum.ok_or_else(|| input.unexpected(line.start, "too large"))?);
            extents.extend(quoted(text));
            continue;
        }
        let Some((key, value)) = pair(text).filter(|_| !text.starts_with(b"#")) else {
            continue;
        };
        match key.to_ascii_lowercase().as_str() {
            "createtype" if line.ended => create_type = Some(value),
            "parentcid" => has_parent |= !value.eq_ignore_ascii_case("ffffffff"),
            "parentfilenamehint" => has_parent = true,
            "ddb.thinprovisioned" if line.ended => thin = Some(value == "1"),
            // The keys are sorted, and a thick disk has no such line.
            key if key.starts_with("ddb.") && key > "ddb.thinprovisioned" && line.ended => {
                thin = thin.or(Some(false));
            }
            _ => {}
        }
    }
    let bytes = sectors.and_then(|sectors| sectors.checked_mul(512));
    match (create_type, bytes) {
        (Some(create_type), Some(size_bytes)) => Ok(DiskDescriptor {
            size_bytes,
            create_type,
            extents,
            has_parent,
            thin,
        }),
        _ => Err(input.unexpected(0, "neither the kind nor the size of a disk")),
    }
}

/// The sectors of `RW 83886080 VMFS "app-flat.vmdk"`; `None`: it is no such line.
fn extent(line: &[u8]) -> Option<Option<u64>> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    matches!(words.next()?, "RW" | "RDONLY" | "NOACCESS").then(|| words.next()?.parse().ok())
}

/// The name in quotes of the line of an extent.
fn quoted(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let (_, rest) = text.split_once('"')?;
    Some(rest.rsplit_once('"')?.0.to_owned())
}

fn pair(line: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(line);
    let (key, value) = text.split_once('=')?;
    let value = value.trim().trim_matches('"');
    Some((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n\
        createType=\"vmfsPassthroughRawDeviceMap\"\n\nRW 2048 VMFSRDM \"a-rdmp.vmdk\"\n\
        # The Disk Data Base \n#DDB\n\nddb.adapterType = \"lsilogic\"\n";

    #[test]
    fn a_disk_of_another_kind_is_recognized() {
        let raw = disk_descriptor(RAW.as_bytes()).unwrap();
        assert!(raw.is_raw() && !raw.is_of_host() && !raw.has_parent);
        assert_eq!(raw.thin, None);
        let thick = format!("{RAW}ddb.virtualHWVersion = \"14\"\n");
        assert_eq!(disk_descriptor(thick.as_bytes()).unwrap().thin, Some(false));
        assert_eq!(raw.size_bytes, 1 << 20);
        let two = RAW.replace("RW 2048", "RW 2 FLAT \"b.vmdk\" 0\nRW 2048");
        assert_eq!(
            disk_descriptor(two.as_bytes()).unwrap().size_bytes,
            (1 << 20) + 1024
        );
    }

    #[test]
    fn what_is_no_descriptor_is_an_error() {
        for text in [
            "KDMV\u{1}\0\0",
            "# Disk DescriptorFile\n",
            "createType=\"vmfs\"\n#DDB\n",
            "createType=\"vmfs\"\nRW x VMFS \"a\"\n#DDB\n",
            "createType=\"vmfs\"\nRW\n#DDB\n",
            "createType=\"vmfs\"\nRW 18446744073709551615 VMFS \"a\"\n#DDB\n",
        ] {
            assert!(disk_descriptor(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
