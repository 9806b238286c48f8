//! Pages of Markdown: which there are, and what they link to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Pages of Markdown below the folder, without what is built, hidden, or a symbolic link to another page.
pub(crate) fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                collect(&path, pages);
            }
        } else if name.ends_with(".md") {
            pages.push(path);
        }
    }
}

/// What a page links to, without what is in code.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Links {
    /// The targets that are written where the link is.
    pub(crate) inline: Vec<String>,
    /// The labels of the links whose target is written elsewhere.
    pub(crate) labels: Vec<String>,
    /// The targets of labels.
    pub(crate) definitions: BTreeMap<String, String>,
}

impl Links {
    pub(crate) fn of(text: &str) -> Links {
        let mut links = Links::default();
        for line in prose(text) {
            if let Some((label, target)) = definition(line) {
                links.definitions.insert(label.to_owned(), target.to_owned());
                continue;
            }
            let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            for part in plain.split("](").skip(1) {
                let target = part.split(')').next().unwrap_or_default();
                links.inline.push(target.trim_matches(['<', '>']).to_owned());
            }
            for part in plain.split("][").skip(1) {
                links.labels.push(part.split(']').next().unwrap_or_default().to_owned());
            }
        }
        links
    }
}

/// The lines of a page that are not in a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !in_block && !fence
    })
}

/// A label and its target, of a line such as `[label]: target`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let (label, target) = line.strip_prefix('[')?.split_once("]: ")?;
    Some((label, target.trim()))
}

/// The anchors of a page's headings, as GitHub makes them.
pub(crate) fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|line| line.starts_with('#'));
    titles
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}
