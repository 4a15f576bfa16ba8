//! What hosts print, read into facts: pure functions that never panic and never guess.
