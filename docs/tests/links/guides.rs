//! The guides are modules of the documentation of `vouchsafe`, so their links need other targets there. A guide links to
//! other files by labels, `[the glossary][GLOSSARY.md]`, and has their targets at its end; `DEFINITIONS` stands before each
//! guide and has other targets for the same labels. In Markdown the first definition of a label wins.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use crate::pages::{Links, root};

/// The targets in the documentation. `VOUCHSAFE_WRITE=1` writes them anew.
pub(crate) const DEFINITIONS: &str = "crates/vouchsafe/guides/links.md";
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main");

#[test]
fn the_links_of_the_guides_lead_to_guides_in_the_documentation() {
    let made = definitions();
    let page = root().join(DEFINITIONS);
    if std::env::var_os("VOUCHSAFE_WRITE").is_some() {
        fs::write(&page, &made).unwrap();
    }
    let held = fs::read_to_string(page).unwrap_or_default();
    assert_eq!(held, made, "VOUCHSAFE_WRITE=1 cargo test -p vouchsafe-guides writes {DEFINITIONS} anew");
}

#[test]
fn each_guide_is_a_page_of_the_documentation_and_of_the_readme() {
    let modules = fs::read_to_string(root().join("crates/vouchsafe/src/guides.rs")).unwrap();
    let readme = Links::of(&fs::read_to_string(root().join("README.md")).unwrap());
    for name in names() {
        let module = format!(
            "#[doc = include_str!(\"../guides/links.md\")]\n#[doc = include_str!(\"../guides/{name}.md\")]\n\
             pub mod {} {{}}\n",
            name.to_lowercase()
        );
        assert!(modules.contains(&module), "crates/vouchsafe/src/guides.rs lacks:\n{module}");
        let link = format!("docs/{name}.md");
        assert!(readme.inline.contains(&link), "README.md has no link to {link}");
    }
}

#[test]
fn the_guides_link_to_other_files_by_labels() {
    for name in names() {
        let inline = guide(&name).inline;
        let files: Vec<&String> =
            inline.iter().filter(|target| !target.starts_with('#') && !target.contains("://")).collect();
        assert!(files.is_empty(), "docs/{name}.md: write [text][{0}], and [{0}]: {0} at its end", files[0]);
    }
}

/// The names of the guides, without `.md`: each is a symbolic link in a folder that is packaged with `vouchsafe`.
fn names() -> BTreeSet<String> {
    let folder = root().join(DEFINITIONS).parent().unwrap().to_owned();
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let names: BTreeSet<String> = paths
        .filter(|path| path.is_symlink())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() > 20, "these are not all guides: {names:?}");
    names
}

fn guide(name: &str) -> Links {
    Links::of(&fs::read_to_string(root().join("docs").join(name).with_extension("md")).unwrap())
}

/// For each label of the guides, where it leads in the documentation.
fn definitions() -> String {
    let names = names();
    let targets: BTreeSet<String> =
        names.iter().flat_map(|name| guide(name).definitions.into_values()).collect();
    let mut made = String::new();
    for target in targets {
        let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
        let heading = if heading.is_empty() { String::new() } else { format!("#{heading}") };
        let name = file.strip_suffix(".md").unwrap_or(file);
        let place = match file.strip_prefix("../") {
            _ if names.contains(name) => format!("crate::guides::{}", name.to_lowercase()),
            Some(below_root) => format!("{REPOSITORY}/{below_root}"),
            None => format!("{REPOSITORY}/docs/{file}"),
        };
        let _ = writeln!(made, "[{target}]: {place}{heading}");
    }
    made
}
