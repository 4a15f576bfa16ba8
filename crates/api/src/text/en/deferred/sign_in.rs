//! In place of every page, for a person who has not signed in.

use crate::text::deferred::SignInPage;

pub(super) const SIGN_IN: SignInPage = SignInPage {
    loading: "Loading…",
    not_possible: "Sign-in is not possible now",
    no_access: "You have no access here yet",
    elsewhere: "You are not signed in",
    elsewhere_how: "Sign-in is handled by the proxy in front of this server. Reload to continue.",
    elsewhere_why: |why| {
        format!(
            "{why} Sign-in is handled by the proxy in front of this server. Reload to continue."
        )
    },
    reload: "Reload",
    title: "Sign in",
    session_ended: "Your session has ended. Sign in again.",
    name: "User name",
    password: "Password",
    sign_in: "Sign in",
    signing_in: "Signing in…",
};
