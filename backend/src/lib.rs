//! JSON API over the store, and the web page.
