//! Developer commands: demo, test, bench, openapi.

fn main() {}
