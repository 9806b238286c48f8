//! The code of a guide that an example has too is the same.

#![expect(clippy::string_slice, reason = "this is a test: it may panic")]

use std::fs;
use std::path::Path;

/// LOGOUT.md shows how the example own-database ends sessions that an identity provider means.
#[test]
fn the_guide_ends_sessions_as_the_example_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let example = fs::read_to_string(root.join("examples/own-database/src/sessions.rs")).unwrap();
    let from = example.find("impl LogoutSessions for Sessions {").unwrap();
    let guide = fs::read_to_string(root.join("docs/LOGOUT.md")).unwrap();
    assert!(guide.contains(&example[from..]), "write the end of sessions.rs into docs/LOGOUT.md");
}
