//! The session of a user who has signed in with a password.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;

/// Ends the session, and shows what is left.
pub(crate) fn sign_out() {
    spawn_local(async {
        // A user who is still signed in after this sees it at once.
        if let Err(error) = api::sign_out().await {
            leptos::logging::warn!("Could not sign out: {error}");
        }
        let _ = window().location().reload();
    });
}
