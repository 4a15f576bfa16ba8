//! `vim-cmd vmsvc/power.getstate ID`.

use ecoman_model::PowerState;

use super::error::ParseError;
use super::fault_reader;
use super::input::Input;

const READING: &str = "power.getstate";

/// Reads what `vim-cmd vmsvc/power.getstate ID` printed: `Retrieved runtime info` and then
/// `Powered on`, `Powered off` or `Suspended`. Another word is [`PowerState::Unknown`].
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault instead; [`ParseError::Truncated`] where
/// the second line is missing.
pub fn power_state(stdout: &[u8]) -> Result<PowerState, ParseError> {
    let input = Input::with_text(READING, stdout)?;
    let mut lines = input
        .lines_from(0)
        .skip_while(|line| line.text.trim_ascii() != b"Retrieved runtime info");
    let Some(head) = lines.next() else {
        return Err(fault_reader::or_unexpected(
            &input,
            "no line `Retrieved runtime info`",
        ));
    };
    let Some(state) = lines.find(|line| !line.text.trim_ascii().is_empty()) else {
        return Err(if head.ended {
            input.truncated("the line with the state is missing")
        } else {
            input.truncated("the last line has no line end")
        });
    };
    match state.text.trim_ascii() {
        b"Powered on" => Ok(PowerState::On),
        b"Powered off" => Ok(PowerState::Off),
        b"Suspended" => Ok(PowerState::Suspended),
        _ if state.ended => Ok(PowerState::Unknown),
        _ => Err(input.truncated("the last line has no line end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_version_to_come_is_unknown() {
        let state = power_state(b"Retrieved runtime info\nHibernated\n");
        assert_eq!(state, Ok(PowerState::Unknown));
    }

    #[test]
    fn half_a_word_is_cut() {
        let error = power_state(b"Retrieved runtime info\nPowered o").unwrap_err();
        assert!(
            matches!(error, ParseError::Truncated { line: 2, .. }),
            "{error}"
        );
    }
}
