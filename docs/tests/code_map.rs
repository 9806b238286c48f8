//! docs/CODE_MAP.md names every source file with the first sentence that it says of itself. `VOUCHSAFE_WRITE=1` writes it anew.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_map_is_that_of_the_tree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (map, silent) = map(root);
    assert!(
        silent.is_empty(),
        "these files do not say what they are, by a line that begins with //! or ///: {silent:?}"
    );
    let page = root.join("docs/CODE_MAP.md");
    if std::env::var_os("VOUCHSAFE_WRITE").is_some() {
        fs::write(&page, &map).unwrap();
    }
    let held = fs::read_to_string(page).unwrap_or_default();
    let moved: Vec<&str> = map.lines().filter(|line| !held.lines().any(|one| one == *line)).collect();
    assert!(
        held == map,
        "VOUCHSAFE_WRITE=1 cargo test -p vouchsafe-guides writes the map anew; it lacks {moved:#?}"
    );
}

/// The map, and the files that say nothing of themselves.
fn map(root: &Path) -> (String, Vec<PathBuf>) {
    let mut text = "# Code map\n\nEvery source file of the libraries, with what it says of itself. Made by `VOUCHSAFE_WRITE=1 cargo test -p vouchsafe-guides`; a test\n\
                    compares it with the tree. [ARCHITECTURE.md](ARCHITECTURE.md) says how the crates stand to each other.\n"
        .to_owned();
    let mut silent = Vec::new();
    let mut crates: Vec<PathBuf> =
        entries(&root.join("crates")).into_iter().filter(|path| path.is_dir()).collect();
    crates.sort();
    for folder in crates {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let _ = write!(text, "\n## crates/{name}\n\n| file | what it is |\n|---|---|\n");
        let source = folder.join("src");
        let mut files = Vec::new();
        collect(&source, &mut files);
        files.sort();
        for file in files {
            let shown = file.strip_prefix(&source).unwrap().display().to_string();
            match first_sentence(&fs::read_to_string(&file).unwrap()) {
                Some(sentence) => {
                    let _ = writeln!(
                        text,
                        "| [`{shown}`](../crates/{name}/src/{shown}) | {} |",
                        sentence.replace('|', "\\|")
                    );
                }
                None => silent.push(file),
            }
        }
    }
    (text, silent)
}

/// The first sentence of a file's own documentation, or of the first item in it.
fn first_sentence(source: &str) -> Option<String> {
    sentence_after("//!", source).or_else(|| sentence_after("///", source))
}

fn sentence_after(mark: &str, source: &str) -> Option<String> {
    let lines = source.lines().skip_while(|line| !line.starts_with(mark));
    let words =
        lines.map_while(|line| line.strip_prefix(mark)).map(str::trim).take_while(|line| !line.is_empty());
    let paragraph = words.collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(first, _)| first);
    let plain = sentence.trim_end_matches('.').replace(['[', ']'], "");
    (!plain.is_empty()).then(|| plain.split("](").next().unwrap_or_default().to_owned())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
