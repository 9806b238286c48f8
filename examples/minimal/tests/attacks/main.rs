//! The example signs people in, and refuses every attack of the test kit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

mod reached;
mod serve;

/// Whoever starts the program reads what to change, and not the fields of an error.
#[test]
fn a_wrong_address_is_told_with_its_hint() {
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_minimal"))
        .arg("http://idp.example.com/metadata")
        .output()
        .unwrap();
    let said = String::from_utf8(program.stderr).unwrap();
    assert!(said.starts_with("Error: \"http://idp.example.com/metadata\" is not loaded: "), "{said}");
    assert!(said.contains(" [client.forbidden_address]. Give the https address "), "{said}");
}
