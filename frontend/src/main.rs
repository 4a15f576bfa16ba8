//! The web page: a Leptos single-page application.

fn main() {}
