//! What the page shows on the first load.

mod banner;
mod frame;
mod list;
mod parts;
mod request_errors;

pub use self::banner::{Banner, Symptoms};
pub use self::frame::Frame;
pub use self::list::{Chips, Columns, List};
pub use self::parts::{Parts, Roles};
pub use self::request_errors::RequestErrors;

/// What the page shows on the first load.
#[derive(Clone, Copy, Debug)]
pub struct FirstLoad {
    /// The frame around every page.
    pub frame: Frame,
    /// Parts that several pages show.
    pub parts: Parts,
    /// Why the server did not answer a request.
    pub request_errors: RequestErrors,
    /// What is wrong, above the page.
    pub banner: Banner,
    /// The list of VMs.
    pub list: List,
}
