//! Each link of the repository's pages leads to a file, and to a heading in it.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut pages = Vec::new();
    collect(root, &mut pages);
    assert!(pages.len() > 40, "these are not all pages: {pages:?}");
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in links(&text) {
            if let Some(reason) = broken_link(page, &link) {
                broken.push(format!("{}: {link}: {reason}", page.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_broken_link_is_noticed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("FIRST_LOGIN.md");
    assert!(broken_link(&page, "nowhere.md").is_some());
    assert!(broken_link(&page, "OKTA.md#nowhere").is_some());
    assert!(broken_link(&page, "OKTA.md#3-attribute-statements").is_none());
    assert!(broken_link(&page, "#next").is_none());
    assert_eq!(links("[a](b.md) `[c](d)` [e](<f g.md>)\n```\n[h](i)\n```\n"), ["b.md", "f g.md"]);
}

/// Pages of Markdown below the folder, without what is built or hidden.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                collect(&path, pages);
            }
        } else if name.ends_with(".md") {
            pages.push(path);
        }
    }
}

/// The targets of a page's links, without those in code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            for part in plain.split("](").skip(1) {
                let target = part.split(')').next().unwrap_or_default();
                found.push(target.trim_matches(['<', '>']).to_owned());
            }
        }
    }
    found
}

fn broken_link(page: &Path, link: &str) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !target.exists() {
        return Some("there is no such file");
    }
    if heading.is_empty() || target.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let headings = headings(&fs::read_to_string(&target).unwrap());
    (!headings.contains(heading)).then_some("there is no such heading")
}

/// The anchors of a page's headings, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block && line.starts_with('#') {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'));
            found.insert(kept.collect::<String>().replace(' ', "-"));
        }
    }
    found
}
