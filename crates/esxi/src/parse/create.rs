//! What the commands print that create something: the id of a VM, the progress of a disk.

use ecoman_model::Vmid;
use serde::Serialize;

use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, digits, line_text};

/// Reads what `vim-cmd solo/registervm` printed: the id of the new VM on a line of its own, and
/// nothing else but empty lines. `vmsvc/createdummyvm` prints the same.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault instead, as it does on the very stream
/// where the id would be; [`ParseError::Unexpected`] for anything else that is not digits only.
pub fn created_vmid(stdout: &[u8]) -> Result<Vmid, ParseError> {
    created("registervm", stdout)
}

pub(super) fn created(reading: &'static str, stdout: &[u8]) -> Result<Vmid, ParseError> {
    let input = Input::with_text(reading, stdout)?;
    let mut lines = input
        .lines_from(0)
        .filter(|line| !line.text.trim_ascii().is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(fault_reader::or_unexpected(
            &input,
            "more than the id of a VM",
        ));
    };
    match digits(line.text) {
        Some(id) if line.ended => Ok(Vmid(id)),
        Some(_) => Err(input.truncated("the last line has no line end")),
        None => Err(fault_reader::or_unexpected(&input, "not the id of a VM")),
    }
}

/// What vmkfstools did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiskDone {
    /// `Create`, `Clone`, `Grow`
    pub operation: String,
}

/// Reads what `vmkfstools -c`, `-i` or `-X` printed: `Create: 100% done.`, after any progress
/// that carriage returns have written over.
///
/// # Errors
/// [`ParseError::Fault`] where it printed a failure, [`ParseError::Truncated`] where 100 % were
/// not reached.
pub fn vmkfstools(output: &[u8]) -> Result<DiskDone, ParseError> {
    let input = Input::with_text("vmkfstools", output)?;
    let mut last = None;
    for line in input.lines_from(0) {
        for piece in line.text.split(|&byte| byte == b'\r') {
            if let Some(found) = progress(piece) {
                last = Some((found, line));
            }
        }
    }
    if let Some(((operation, 100), line)) = &last
        && (line.ended || line.text.ends_with(b"."))
        && !reports_failure(&input)?
    {
        return Ok(DiskDone {
            operation: operation.clone(),
        });
    }
    match last {
        Some(((operation, percent), _)) if !reports_failure(&input)? => {
            Err(input.truncated(format!("{operation} stops at {percent} %")))
        }
        _ => Err(fault_reader::or_unexpected(
            &input,
            "no line `Create: 100% done.`",
        )),
    }
}

fn reports_failure(input: &Input<'_>) -> Result<bool, ParseError> {
    Ok(fault_reader::in_words(input)?.is_some())
}

/// `Create: 100% done.`
fn progress(piece: &[u8]) -> Option<(String, u32)> {
    let piece = piece.trim_ascii().strip_suffix(b"% done.")?;
    let colon = piece.windows(2).rposition(|pair| pair == b": ")?;
    let percent = digits(piece.get(colon + 2..)?)?;
    let operation = piece.get(..colon)?;
    let one_word = !operation.is_empty() && operation.iter().all(u8::is_ascii_alphabetic);
    one_word.then(|| (line_text(operation, "operation", &mut Vec::new()), percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_an_id() {
        assert_eq!(created_vmid(b"31\n"), Ok(Vmid(31)));
        assert_eq!(created_vmid(b"\n31\n"), Ok(Vmid(31)));
        for output in [
            "31",
            " 31\n",
            "+31\n",
            "31 x\n",
            "31\n32\n",
            "99999999999\n",
        ] {
            assert!(created_vmid(output.as_bytes()).is_err(), "{output:?}");
        }
    }

    #[test]
    fn progress_that_stops_is_no_disk() {
        let error = vmkfstools(b"\rCreate: 0% done.\rCreate: 41% done.").unwrap_err();
        assert!(
            error.to_string().contains("Create stops at 41 %"),
            "{error}"
        );
        assert!(vmkfstools(b"Create: 100% done.\nFailed to x: y (1).\n").is_err());
    }
}
