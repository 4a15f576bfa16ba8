//! The frame around every page.

use crate::text::first_load::Frame;

pub(super) const FRAME: Frame = Frame {
    window_title: |title| format!("{title} · ECoMan"),
    skip_to_content: "Skip to content",
    home: "ECoMan, all VMs",
    pages: "Pages",
    vms: "VMs",
    nodes: "Hosts",
    tasks: "Tasks",
    history: "History",
    tasks_under_way: " in progress",
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
    colours_system: "Theme: system",
    colours_light: "Theme: light",
    colours_dark: "Theme: dark",
    loading_page: "Loading the page",
    page_not_loaded: "This page could not be loaded",
    page_not_loaded_why: "The server is not responding, or was upgraded. Reload the page.",
};
