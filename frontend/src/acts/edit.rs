//! Changes of a VM's settings.

use ecoman_api::Edit;

use super::ActView;

impl ActView for Edit {}
