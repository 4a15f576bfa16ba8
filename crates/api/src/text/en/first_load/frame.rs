//! The frame around every page.

use crate::text::first_load::Frame;

pub(super) const FRAME: Frame = Frame {
    window_title: |title| format!("{title} · ECoMan"),
    skip_to_content: "Skip to content",
    home: "ECoMan, all VMs",
    pages: "Pages",
    vms: "VMs",
    nodes: "Nodes",
    tasks: "Tasks",
    history: "History",
    tasks_under_way: " under way",
    tasks_failed: " failed",
    title_attention: |questions, failures, title| match (questions, failures) {
        (questions, 0) => format!("? {questions} · {title}"),
        (0, failures) => format!("⚠ {failures} · {title}"),
        (questions, failures) => format!("? {questions} ⚠ {failures} · {title}"),
    },
    access: "Access",
    account_links: "Account, API tokens, users and audit log",
    sign_out: "Sign out",
    not_signed_in: "Not signed in",
    connecting: "Connecting",
    live: "Live",
    not_connected: "Not connected",
    colours_system: "Colours: system",
    colours_light: "Colours: light",
    colours_dark: "Colours: dark",
    loading_page: "Loading the page",
    page_not_loaded: "This page could not be loaded",
    page_not_loaded_why: "The server does not answer, or has a newer version: if so, reload.",
};
