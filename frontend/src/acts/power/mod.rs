//! Changes of power: buttons, confirmation, progress, and the result for each VM.

mod buttons;
mod confirm;
mod context;
mod dialogs;
mod late_guest;
mod meanwhile;
mod preview;
mod progress;
mod status;
mod view;

pub(crate) use self::buttons::{power_bar, power_button};
pub(crate) use self::context::{change_of, known};
pub(crate) use self::dialogs::{PowerDialogs, use_power_dialogs};
pub(crate) use self::status::{power_off_now, vm_task};
pub(crate) use self::view::PowerDialog;
