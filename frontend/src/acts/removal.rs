//! VMs that are unregistered or deleted: how their tasks are shown.

use ecoman_api::{Destroy, Task, Unregister};
use leptos::prelude::*;

use super::ActView;
use crate::components::text_fact;
use crate::state::text;

fn facts(name: &str) -> Vec<AnyView> {
    let title = text::deferred().deletion.typed_name;
    vec![text_fact(title, Some(name.to_owned()))]
}

impl ActView for Unregister {
    fn facts(&self, _: &Task) -> Vec<AnyView> {
        facts(&self.name)
    }
}

impl ActView for Destroy {
    fn facts(&self, _: &Task) -> Vec<AnyView> {
        facts(&self.name)
    }
}
