//! Comparing, and the list of differences that are known.

use std::collections::{BTreeMap, BTreeSet};

/// What both said of one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Our verdict: a word, or the code of the refusal.
    pub ours: String,
    /// Theirs.
    pub theirs: String,
}

/// A set of cases, with the differences that are known.
#[derive(Debug)]
pub struct Comparison {
    set: &'static str,
    known: BTreeMap<String, Outcome>,
    rules: BTreeSet<Outcome>,
    agreed: BTreeMap<Outcome, usize>,
    unjudged: usize,
    explained: usize,
    new: BTreeMap<Outcome, Vec<String>>,
    stale: Vec<String>,
}

#[derive(serde::Deserialize)]
struct File {
    #[serde(default)]
    disagreement: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    set: String,
    ours: String,
    theirs: String,
    reason: String,
    /// Named cases, each of which must occur. None: a rule for generated cases.
    #[serde(default)]
    cases: Vec<String>,
}

/// Whether there is a rule for generated cases of the set with this outcome.
#[must_use]
pub fn is_explained(set: &'static str, ours: &str, theirs: &str) -> bool {
    let outcome = Outcome { ours: ours.to_owned(), theirs: theirs.to_owned() };
    Comparison::of(set).rules.contains(&outcome)
}

impl Comparison {
    /// Begins a set with what `disagreements.toml` says about it.
    ///
    /// # Panics
    /// When the file is not in order: an entry without a reason, a case twice.
    #[must_use]
    pub fn of(set: &'static str) -> Self {
        let file: File = toml::from_str(include_str!("../disagreements.toml")).expect("disagreements.toml");
        let mut comparison = Self {
            set,
            known: BTreeMap::new(),
            rules: BTreeSet::new(),
            agreed: BTreeMap::new(),
            unjudged: 0,
            explained: 0,
            new: BTreeMap::new(),
            stale: Vec::new(),
        };
        for entry in file.disagreement.into_iter().filter(|entry| entry.set == set) {
            assert!(entry.reason.len() > 20, "{set}: a reason in a sentence, not {:?}", entry.reason);
            let outcome = Outcome { ours: entry.ours, theirs: entry.theirs };
            if entry.cases.is_empty() {
                comparison.rules.insert(outcome.clone());
            }
            for case in entry.cases {
                let twice = comparison.known.insert(case.clone(), outcome.clone());
                assert!(twice.is_none(), "{set}: {case} is listed twice");
            }
        }
        comparison
    }

    /// Compares what both said of a case. They agree when both accept or both refuse. Where we refuse and they have no verdict,
    /// nothing is compared.
    pub fn record(&mut self, case: &str, accepts: (bool, bool), ours: &str, theirs: &str) {
        let outcome = Outcome { ours: ours.to_owned(), theirs: theirs.to_owned() };
        let known = self.known.remove(case);
        if !accepts.0 && theirs == "no verdict" && known.is_none() {
            self.unjudged += 1;
        } else if accepts.0 == accepts.1 {
            if known.is_some() {
                self.stale.push(format!("{case}: both say the same now: {ours} / {theirs}"));
            }
            *self.agreed.entry(outcome).or_default() += 1;
        } else if known.as_ref() == Some(&outcome) || self.rules.contains(&outcome) {
            self.explained += 1;
        } else {
            self.new.entry(outcome).or_default().push(case.to_owned());
        }
    }

    /// Prints what was counted.
    ///
    /// # Panics
    /// When a difference is not explained, or an explained one did not occur.
    pub fn finish(self) {
        let agreed: usize = self.agreed.values().sum();
        let Self { set, explained, unjudged, .. } = &self;
        println!("{set}: {agreed} agree, {explained} differ as explained, {unjudged} without a judge");
        for (outcome, count) in &self.agreed {
            println!("  {count} x {} / {}", outcome.ours, outcome.theirs);
        }
        for (outcome, cases) in &self.new {
            println!("[[disagreement]]\nset = {:?}\nours = {:?}", self.set, outcome.ours);
            println!("theirs = {:?}\nreason = \"\"\ncases = {cases:#?}\n", outcome.theirs);
        }
        assert!(self.new.is_empty(), "{}: differences that nothing explains, above", self.set);
        assert!(self.stale.is_empty(), "{}: differences that are none: {:#?}", self.set, self.stale);
        let absent: Vec<&String> = self.known.keys().collect();
        assert!(absent.is_empty(), "{}: listed, and not among the cases: {absent:#?}", self.set);
    }
}
