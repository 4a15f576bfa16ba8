//! What the page shows on the first load.

mod banner;
mod frame;
mod list;
mod parts;
mod request_errors;

use crate::text::FirstLoad;

pub(super) use parts::PARTS;

pub(super) static FIRST_LOAD: FirstLoad = FirstLoad {
    frame: frame::FRAME,
    parts: PARTS,
    request_errors: request_errors::REQUEST_ERRORS,
    banner: banner::BANNER,
    list: list::LIST,
};
