//! What goes with signing in: the account, API tokens, users and the audit log.

mod account;
mod audit;
mod choice;
mod fields;
mod permitted;
mod section;
mod table;
mod tokens;
mod users;

pub(crate) use self::account::account;
pub(crate) use self::audit::audit;
pub(crate) use self::tokens::tokens;
pub(crate) use self::users::users;
