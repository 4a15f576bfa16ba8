//! Benchmarks against the budgets.

fn main() {}
