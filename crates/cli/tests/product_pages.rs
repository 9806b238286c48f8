//! The values in each product's page of docs/ equal the output of `vouchsafe values`. `VOUCHSAFE_WRITE=1` writes
//! them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use std::fs;
use std::path::Path;

use support::vouchsafe;

const PAGES: &[(&str, &str)] = &[
    ("ENTRA.md", "entra"),
    ("GOOGLE.md", "google"),
    ("ADFS.md", "adfs"),
    ("KEYCLOAK.md", "keycloak"),
    ("ONELOGIN.md", "onelogin"),
    ("PINGONE.md", "pingone"),
    ("JUMPCLOUD.md", "jumpcloud"),
];

#[test]
fn the_values_of_a_page_are_those_of_the_command() {
    for (page, product) in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
        let text = fs::read_to_string(&path).unwrap();
        let begin = format!("<!-- values: {product} -->\n```text\n");
        let (before, rest) = text.split_once(&begin).unwrap();
        let (held, after) = rest.split_once("```\n<!-- end of values -->").unwrap();
        let printed = vouchsafe([
            "values",
            "--product",
            product,
            "--entity-id",
            "https://app.example.com/saml/metadata",
            "--acs",
            "https://app.example.com/saml/acs",
        ])
        .stdout;
        assert!(printed.lines().count() > 10, "{printed}");
        if std::env::var_os("VOUCHSAFE_WRITE").is_some() {
            let written = format!("{before}{begin}{printed}```\n<!-- end of values -->{after}");
            fs::write(&path, written).unwrap();
        } else {
            assert_eq!(
                held, printed,
                "{page}: VOUCHSAFE_WRITE=1 cargo test -p vouchsafe-cli --test product_pages"
            );
        }
    }
}
