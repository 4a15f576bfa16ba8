//! The frame around every page.

#![expect(
    missing_docs,
    reason = "the English text beside each name says what it is"
)]

/// The frame around every page.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub window_title: fn(title: &str) -> String,
    pub skip_to_content: &'static str,
    pub home: &'static str,
    pub pages: &'static str,
    pub vms: &'static str,
    pub nodes: &'static str,
    pub tasks: &'static str,
    pub history: &'static str,
    pub tasks_under_way: &'static str,
    pub tasks_failed: &'static str,
    /// Before a title: how many VMs wait for an answer, and how many failures were not seen.
    pub title_attention: fn(questions: usize, failures: usize, title: &str) -> String,
    pub access: &'static str,
    pub account_links: &'static str,
    pub sign_out: &'static str,
    pub not_signed_in: &'static str,
    pub connecting: &'static str,
    pub live: &'static str,
    pub not_connected: &'static str,
    pub colours_system: &'static str,
    pub colours_light: &'static str,
    pub colours_dark: &'static str,
    pub loading_page: &'static str,
    pub page_not_loaded: &'static str,
    pub page_not_loaded_why: &'static str,
}
