//! In place of every page, for a person who has not signed in.

use crate::text::deferred::SignInPage;

pub(super) const SIGN_IN: SignInPage = SignInPage {
    loading: "Looking who is there",
    not_possible: "Nobody can sign in now",
    no_access: "You have no access here yet",
    elsewhere: "You are not signed in",
    elsewhere_how: "One signs in to the proxy in front of this server: reload to get there.",
    elsewhere_why: |why| {
        format!("{why} One signs in to the proxy in front of this server: reload to get there.")
    },
    reload: "Reload",
    title: "Sign in",
    session_ended: "Your session has ended; sign in to go on.",
    name: "Name",
    password: "Password",
    sign_in: "Sign in",
    signing_in: "Signing in…",
};
