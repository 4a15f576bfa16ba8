//! Host keys: fetching, showing and pinning them.
