//! Each link of the repository's pages leads to a file, and to a heading in it. In the documentation of `vouchsafe`, the
//! links of the guides lead to other guides.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod guides;
mod pages;

use std::fs;
use std::path::Path;

use pages::{Links, collect, headings, root};

#[test]
fn every_link_leads_somewhere() {
    let mut pages = Vec::new();
    collect(root(), &mut pages);
    assert!(pages.len() > 40, "these are not all pages: {pages:?}");
    let mut broken = Vec::new();
    for page in &pages {
        let shown = page.strip_prefix(root()).unwrap();
        if shown == guides::DEFINITIONS {
            continue; // these are for rustdoc, which checks them
        }
        for (link, reason) in broken_links(page, &Links::of(&fs::read_to_string(page).unwrap())) {
            broken.push(format!("{}: {link}: {reason}", shown.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_broken_link_is_noticed() {
    let page = root().join("docs/FIRST_LOGIN.md");
    assert!(broken_target(&page, "nowhere.md").is_some());
    assert!(broken_target(&page, "OKTA.md#nowhere").is_some());
    assert!(broken_target(&page, "OKTA.md#3-attribute-statements").is_none());
    assert!(broken_target(&page, "#next").is_none());
    let links = Links::of("[a](b.md) `[c](d)` [e](<f g.md>) [j][k]\n```\n[h](i)\n```\n[l]: nowhere.md\n");
    assert_eq!(links.inline, ["b.md", "f g.md"]);
    assert_eq!(links.labels, ["k"]);
    let broken: Vec<String> = broken_links(&page, &links).into_iter().map(|(link, _)| link).collect();
    assert_eq!(broken, ["b.md", "f g.md", "nowhere.md", "k", "l"]);
}

/// The links of a page that lead nowhere, and why.
fn broken_links(page: &Path, links: &Links) -> Vec<(String, &'static str)> {
    let targets = links.inline.iter().chain(links.definitions.values());
    let mut broken: Vec<(String, &'static str)> = targets
        .filter_map(|target| broken_target(page, target).map(|reason| (target.clone(), reason)))
        .collect();
    for label in &links.labels {
        if !links.definitions.contains_key(label) {
            broken.push((label.clone(), "the label has no target"));
        }
    }
    for label in links.definitions.keys() {
        if !links.labels.contains(label) {
            broken.push((label.clone(), "no link has the label"));
        }
    }
    broken
}

fn broken_target(page: &Path, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !file.exists() {
        return Some("there is no such file");
    }
    if heading.is_empty() || file.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let headings = headings(&fs::read_to_string(&file).unwrap());
    (!headings.contains(heading)).then_some("there is no such heading")
}
