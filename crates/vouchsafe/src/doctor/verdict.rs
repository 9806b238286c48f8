//! The findings about all files, and the result in one line: the answer, the first cause, and what to change.

use serde::Serialize;

use super::address;
use super::complaint::{Complaint, Severity};
use super::exhibit::{Exhibit, Kind};
use super::story::Story;

/// The doctor's findings about all files.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The result of all files in one line, with what to change. Read it first.
    pub verdict: Verdict,
    /// One exhibit for each file, in the order of the files. A browser's recording gives one for each message in it.
    pub exhibits: Vec<Exhibit>,
    /// The story of each recording.
    pub stories: Vec<Story>,
}

/// The result of all files. Read it first.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether something is wrong.
    pub answer: Answer,
    /// The file of the cause, and the place in it.
    pub source: Option<String>,
    /// The cause, with what to change: the first error of a recording, of a message, or of the rest, or otherwise the
    /// first warning.
    pub cause: Option<Complaint>,
    /// The checks of the messages that were not made, because the necessary data were not given.
    pub not_judged: Vec<&'static str>,
}

/// Whether something is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// Nothing is wrong, and everything was checked.
    Good,
    /// Nothing is wrong with what was checked.
    GoodAsFarAsJudged,
    /// Nothing is refused, but there is something to look at.
    LookedAt,
    /// Something is wrong.
    Wrong,
    /// Nothing among the files is SAML, a certificate, a log or the reference of a refusal.
    #[default]
    NotUnderstood,
}

impl Answer {
    /// Returns the answer in a few words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Answer::Good => "nothing is wrong",
            Answer::GoodAsFarAsJudged => "nothing is wrong with what was judged",
            Answer::LookedAt => "nothing is refused, and there is something to look at",
            Answer::Wrong => "something is wrong",
            Answer::NotUnderstood => "there is no SAML in this",
        }
    }
}

impl Diagnosis {
    /// Removes the secrets in addresses from all texts.
    pub(super) fn mask(&mut self) {
        for exhibit in &mut self.exhibits {
            exhibit.source = address::masked(&exhibit.source);
            for fact in &mut exhibit.facts {
                fact.value = address::masked(&fact.value);
            }
            exhibit.complaints.iter_mut().for_each(Complaint::mask);
        }
        for story in &mut self.stories {
            story.cause.iter_mut().for_each(|cause| cause.complaint.mask());
            story.events.iter_mut().flat_map(|event| &mut event.complaints).for_each(Complaint::mask);
        }
    }

    /// Returns whether nothing is wrong; notes do not count.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self
            .exhibits
            .iter()
            .flat_map(|exhibit| &exhibit.complaints)
            .any(|one| one.severity == Severity::Error)
            && self.stories.iter().all(|story| story.cause.is_none())
    }

    /// Returns whether at least one of the files is SAML or a certificate.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.exhibits.iter().any(|exhibit| !matches!(exhibit.kind, Kind::Unrecognised | Kind::OtherXml))
    }
}

impl Verdict {
    pub(super) fn of(diagnosis: &Diagnosis) -> Verdict {
        let mut not_judged: Vec<&'static str> = Vec::new();
        let stories = diagnosis.stories.iter().flat_map(|story| &story.not_judged);
        for one in diagnosis.exhibits.iter().flat_map(|exhibit| &exhibit.not_judged).chain(stories) {
            if !not_judged.contains(one) {
                not_judged.push(*one);
            }
        }
        let cause = cause(diagnosis);
        let answer = match &cause {
            _ if !diagnosis.is_understood() => Answer::NotUnderstood,
            Some((_, complaint)) if complaint.severity == Severity::Error => Answer::Wrong,
            Some(_) => Answer::LookedAt,
            None if not_judged.is_empty() => Answer::Good,
            None => Answer::GoodAsFarAsJudged,
        };
        let (source, cause) = cause.unzip();
        Verdict { answer, source, cause, not_judged }
    }
}

/// Returns the first cause with its place: the first error of a recording; otherwise of a file that cannot be read,
/// or whose fault prevents the messages from being checked; otherwise of the messages; otherwise of the rest.
fn cause(diagnosis: &Diagnosis) -> Option<(String, Complaint)> {
    let told = |exhibit: &Exhibit, complaint: &Complaint| (exhibit.source.clone(), complaint.clone());
    if let Some((story, cause)) =
        diagnosis.stories.iter().find_map(|story| Some((story, story.cause.as_ref()?)))
    {
        let source = format!("{}, request {}", story.source, cause.request);
        return Some((source, cause.complaint.clone()));
    }
    for severity in [Severity::Error, Severity::Warning] {
        // Errors of a sequence are already its cause.
        let warned = diagnosis.stories.iter().find_map(warning_of).filter(|_| severity == Severity::Warning);
        if warned.is_some() {
            return warned;
        }
        let all = || {
            let worst =
                diagnosis.exhibits.iter().filter_map(|exhibit| Some((exhibit, exhibit.complaints.first()?)));
            worst.filter(move |(_, complaint)| complaint.severity == severity)
        };
        // If the metadata is faulty, it also explains that there was nothing to verify a message with. A message explains
        // more than a reference that is in no log.
        let is_for_want = |complaint: &Complaint| {
            matches!(
                complaint.code.as_str(),
                "doctor.nothing_to_verify_with"
                    | "doctor.unverified_sender"
                    | "doctor.unknown_reference"
                    | "assertion.unknown_issuer"
            )
        };
        // A log without any refusal is not recognised; the reference that was looked for in it says more.
        let names_reference = diagnosis.exhibits.iter().any(|one| one.kind == Kind::RefusalReference);
        let is_rest = |exhibit: &Exhibit| {
            !(exhibit.is_message() || names_reference && exhibit.kind == Kind::Unrecognised)
        };
        let of_messages = || all().filter(|(exhibit, _)| exhibit.is_message());
        let first = of_messages()
            .find(|(_, complaint)| !is_for_want(complaint))
            .or_else(|| all().find(|(exhibit, _)| is_rest(exhibit)))
            .or_else(|| of_messages().next());
        if let Some((exhibit, complaint)) = first {
            return Some(told(exhibit, complaint));
        }
    }
    None
}

/// Returns the first warning of a sequence, with its place.
fn warning_of(story: &Story) -> Option<(String, Complaint)> {
    story.events.iter().find_map(|event| {
        let mut warnings = event.complaints.iter().filter(|one| one.severity == Severity::Warning);
        Some((format!("{}, request {}", story.source, event.request), warnings.next()?.clone()))
    })
}
