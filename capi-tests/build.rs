//! Generates the layout checks.
fn main() {}
