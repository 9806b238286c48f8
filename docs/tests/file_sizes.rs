//! No source file has more than 500 lines: a longer one holds more than one thing.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::fs;
use std::path::{Path, PathBuf};

const MOST: usize = 500;

#[test]
fn no_source_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    collect(root, &mut files);
    assert!(files.len() > 1000, "these are not all sources: {}", files.len());
    let lengths = files.iter().map(|file| (file, fs::read_to_string(file).unwrap().lines().count()));
    let long: Vec<_> = lengths
        .filter(|(_, lines)| *lines > MOST)
        .map(|(file, lines)| format!("{}: {lines} lines", file.strip_prefix(root).unwrap().display()))
        .collect();
    assert!(long.is_empty(), "split what has more than {MOST} lines:\n{}", long.join("\n"));
}

/// The sources of Rust below the folder, without what is built or hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                collect(&path, files);
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}
