//! A public function has at most five inputs, `self` among them: what would be a sixth has a name, as a field of a struct.
//! The items are read from docs/api, which `.ci/run api` compares with the code.

#![expect(clippy::string_slice, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

use std::fs;
use std::path::Path;

const MOST: usize = 5;

/// The functions with more inputs, and why.
const ALLOWED: &[(&str, &str)] = &[
    (
        "vouchsafe_metadata::Refresh::answered",
        "the answer, the document at hand, and what makes the decision repeatable",
    ),
    ("vouchsafe_metadata::Refresh::answered_after_end", "as `answered`"),
    ("vouchsafe_metadata::Refresh::restore", "as `answered`"),
    ("vouchsafe::ServiceProvider::answer_logout", "all that the answer repeats, and how it turned out"),
    ("vouchsafe::ServiceProvider::answer_name_id_request", "as `answer_logout`"),
];

#[test]
fn a_sixth_input_has_a_name() {
    let (mut wrong, mut long) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("api")).unwrap() {
        for item in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let Some((name, inputs)) = function(item) else { continue };
            if inputs <= MOST {
                continue;
            }
            match ALLOWED.iter().find(|(allowed, _)| *allowed == name) {
                Some((allowed, _)) => long.push(*allowed),
                None => wrong.push(format!("{name} has {inputs} inputs")),
            }
        }
    }
    let dead = ALLOWED.iter().filter(|(allowed, _)| !long.contains(allowed));
    wrong.extend(dead.map(|(allowed, _)| format!("{allowed} needs no row here any more")));
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn inputs_are_counted_at_the_outermost_level() {
    for (item, expected) in [
        ("pub fn a::b() -> u8", Some(("a::b", 0))),
        (
            "pub async fn a::B<'x, T>::c(&self, (u8, u8), Vec<(u8, u8)>) -> Result<(), E>",
            Some(("a::B<'x, T>::c", 3)),
        ),
        ("pub fn a::d<F: Fn(u8, u8) -> u8>(F, impl FnOnce(u8, u8) -> Answer<(), u8>)", Some(("a::d", 2))),
        ("pub a::B::decide: fn(u8, u8, u8)", None),
        ("pub struct a::B", None),
    ] {
        assert_eq!(function(item), expected, "{item}");
    }
}

/// The path of a function without its own type parameters, and the number of its inputs.
fn function(item: &str) -> Option<(&str, usize)> {
    let start = item.find("fn ").filter(|at| item[..*at].split(' ').all(is_keyword))? + "fn ".len();
    let (mut depth, mut open, mut commas, mut before) = (0_usize, None, 0, ' ');
    for (at, one) in item.char_indices().skip(start) {
        match one {
            '(' if depth == 0 && open.is_none() => open = Some(at),
            ')' if depth == 0 => {
                let open = open?;
                let inputs = if item[open..at].len() > 1 { commas + 1 } else { 0 };
                return Some((path(&item[start..open]), inputs));
            }
            '(' | '[' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '>' => depth -= 1,
            ',' if depth == 0 => commas += 1,
            _ => {}
        }
        before = one;
    }
    None
}

fn is_keyword(word: &str) -> bool {
    matches!(word, "" | "pub" | "const" | "async" | "unsafe" | "#[must_use]")
}

/// The path without type parameters of the function itself.
fn path(name: &str) -> &str {
    let last = name.rfind("::").map_or(0, |at| at + 2);
    match name[last..].find('<') {
        Some(parameters) if !name[last..].contains("::") => &name[..last + parameters],
        _ => name,
    }
}
