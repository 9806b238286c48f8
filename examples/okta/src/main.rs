//! The Okta demo service.
fn main() {}
