//! Clean-ups, which only the dashboard begins: the page shows their steps.

use ecoman_api::CleanUp;

use super::ActView;

impl ActView for CleanUp {}
