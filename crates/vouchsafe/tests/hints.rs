//! No hint trusts the sender's message: a person who is told to load metadata or a certificate is told to compare it
//! with the console first.
//!
//! The hints of `vouchsafe-metadata` are about files that the operator chose, and name their source in other words.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The sources of texts that are shown after a message was examined.
const SOURCES: [&str; 11] = [
    "crates/assertion/src/error_hints.rs",
    "crates/assertion/src/message/error.rs",
    "crates/crypto/src/error.rs",
    "crates/encryption/src/error.rs",
    "crates/signature/src/autopsy_explanation.rs",
    "crates/signature/src/error.rs",
    "crates/vouchsafe/src/autopsy_finding.rs",
    "crates/vouchsafe/src/doctor/complaint.rs",
    "crates/vouchsafe/src/error.rs",
    "crates/vouchsafe/src/metadata_check.rs",
    "crates/xml/src/error.rs",
];

/// The texts between quotation marks, with the line breaks inside them taken out.
fn texts(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let code = code.replace("\\\"", "'");
    let joined = code.split('"').skip(1).step_by(2);
    joined
        .map(|text| text.split('\n').map(|line| line.trim().trim_end_matches('\\')).collect::<String>())
        .collect()
}

fn quirks() -> Vec<String> {
    let folder = workspace().join("crates/vouchsafe/quirks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    tables.flat_map(|path| texts(&std::fs::read_to_string(path).unwrap())).collect()
}

/// Returns whether a text recommends to use metadata, a certificate, an address or a name.
fn takes_over(text: &str) -> bool {
    let text = format!(" {}", text.to_lowercase());
    let verbs = [
        " load ",
        "reload",
        "import ",
        " install",
        "activate ",
        "download",
        "fetch ",
        "add a certificate",
        "take over",
        " in the place of ",
    ];
    let objects = ["metadata", "certificate"];
    text.contains(' ')
        && verbs.iter().any(|verb| text.contains(verb))
        && objects.iter().any(|object| text.contains(object))
}

#[test]
fn whoever_is_told_to_load_metadata_is_told_to_look_into_the_console() {
    let mut looked_at = 0;
    for source in SOURCES {
        for text in texts(&std::fs::read_to_string(workspace().join(source)).unwrap()) {
            if takes_over(&text) {
                looked_at += 1;
                assert!(text.contains("console"), "{source}: {text}");
            }
        }
    }
    assert!(looked_at >= 10, "{looked_at}");
}

#[test]
fn unknown_keys_and_names_are_never_told_as_a_roll_over() {
    let text = |file: &str| texts(&std::fs::read_to_string(workspace().join(file)).unwrap());
    for (file, least) in [
        ("crates/assertion/src/error_hints.rs", 1),
        ("crates/signature/src/error.rs", 2),
        ("crates/vouchsafe/src/autopsy_finding.rs", 1),
        ("crates/crypto/src/error.rs", 1),
        ("crates/vouchsafe/src/metadata_check.rs", 1),
    ] {
        let honest = text(file).into_iter().filter(|text| {
            let text = text.to_lowercase();
            text.starts_with("compare")
                && text.contains("console")
                && text.contains("first")
                && text.contains("anybody")
        });
        assert!(honest.count() >= least, "{file}");
    }
    for source in SOURCES {
        for text in text(source) {
            for story in [
                "has changed its certificate",
                "reload the metadata",
                "signs with another",
                "to exactly this one",
            ] {
                assert!(!text.contains(story), "{source}: {text}");
            }
        }
    }
}

/// The texts of the catalogue are shown for every message that looks like a product's, so they must be safe for a
/// forged one.
#[test]
fn the_catalogue_tells_to_take_over_nothing_that_a_message_brings() {
    let all = quirks();
    assert!(all.len() > 200, "{}", all.len());
    for text in all.iter().filter(|text| takes_over(text)) {
        let ours = [
            "our ",
            "its certificate",
            "Download metadata",
            "Import Certificate",
            "Metadata Export",
            "keys",
            "Keys",
        ];
        assert!(ours.iter().any(|ours| text.contains(ours)), "{text}");
    }
    for text in &all {
        assert!(!text.contains("danger_"), "{text}");
    }
}
