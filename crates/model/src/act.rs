//! What can be asked of a node, an act a file.

mod create;
mod power;
mod request;

pub use create::{
    COMMENT_BYTES, DEFAULT_GUEST_OS, FieldFault, Limits, NAME_BYTES, NAME_CHARACTERS, NewVm,
};
pub use power::{PowerAction, PowerRefusal, PowerSituation};
pub use request::TaskRequest;
