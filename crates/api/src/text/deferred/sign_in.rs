//! In place of every page, for a person who has not signed in.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// In place of every page, for a person who has not signed in.
#[derive(Clone, Copy, Debug)]
pub struct SignInPage {
    pub loading: &'static str,
    pub not_possible: &'static str,
    pub no_access: &'static str,
    pub elsewhere: &'static str,
    pub elsewhere_how: &'static str,
    pub elsewhere_why: fn(why: &str) -> String,
    pub reload: &'static str,
    pub title: &'static str,
    pub session_ended: &'static str,
    pub name: &'static str,
    pub password: &'static str,
    pub sign_in: &'static str,
    pub signing_in: &'static str,
}
