//! The attacks on an endpoint other than the assertion consumer, and their results.

use std::fmt;

use super::delivery::Answered;

/// The result of one attack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EndpointVerdict {
    /// The attack was refused.
    Refused,
    /// The message was accepted, as it may be: it means somebody else, and had no effect on the victim.
    Harmless,
    /// The attack had its effect: a finding.
    Succeeded,
    /// The endpoint answered as if it believed the message, although no effect was seen: a finding.
    Believed,
    /// A genuine message sent in the same way has no effect either, or the endpoint was not available, so the attack
    /// proves nothing.
    Inconclusive,
}

impl EndpointVerdict {
    /// Returns the verdict on a message that had an effect, or not, and was answered like this.
    pub(super) fn of(had_effect: bool, answered: Answered, may_be_accepted: bool) -> EndpointVerdict {
        match answered {
            _ if had_effect => EndpointVerdict::Succeeded,
            Answered::Unavailable => EndpointVerdict::Inconclusive,
            Answered::Refused => EndpointVerdict::Refused,
            Answered::Accepted if may_be_accepted => EndpointVerdict::Harmless,
            Answered::Accepted => EndpointVerdict::Believed,
        }
    }

    /// Returns the verdict that counts, of those on several messages of one attack.
    pub(super) fn worse_of(self, other: EndpointVerdict) -> EndpointVerdict {
        let rank = |verdict: EndpointVerdict| match verdict {
            EndpointVerdict::Succeeded => 4,
            EndpointVerdict::Believed => 3,
            EndpointVerdict::Inconclusive => 2,
            EndpointVerdict::Harmless => 1,
            EndpointVerdict::Refused => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// Returns the verdict of an attack, of which a genuine message shows afterwards whether the endpoint still `works`.
    /// An endpoint that has stopped refuses everything.
    pub(super) fn proven_by(self, works: bool) -> EndpointVerdict {
        if works || self.is_finding() { self } else { EndpointVerdict::Inconclusive }
    }

    fn is_finding(self) -> bool {
        matches!(self, EndpointVerdict::Succeeded | EndpointVerdict::Believed)
    }
}

/// After how many attacks a genuine message shows again that an endpoint works.
pub(super) const PROOF_AFTER: usize = 8;

/// A named attack on an endpoint, at one door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointAttack {
    name: String,
    door: &'static str,
    description: &'static str,
}

impl EndpointAttack {
    pub(super) fn new(
        kind: &str,
        what: &str,
        door: &'static str,
        description: &'static str,
    ) -> EndpointAttack {
        EndpointAttack { name: format!("{kind}/{what}/{door}"), door, description }
    }

    /// Returns its name: the endpoint, the attack, and the door. It does not change.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its description in one line.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// Returns its door, such as `redirect`.
    #[must_use]
    pub fn door(&self) -> &'static str {
        self.door
    }
}

/// The results of all attacks on an endpoint.
#[derive(Clone, Debug)]
#[must_use]
pub struct EndpointReport {
    entries: Vec<(String, EndpointVerdict)>,
    what_a_finding_is: &'static str,
}

impl EndpointReport {
    pub(super) fn new(
        entries: Vec<(String, EndpointVerdict)>,
        what_a_finding_is: &'static str,
    ) -> EndpointReport {
        EndpointReport { entries, what_a_finding_is }
    }

    /// Returns the name and the result of each attack.
    #[must_use]
    pub fn entries(&self) -> &[(String, EndpointVerdict)] {
        &self.entries
    }

    /// Returns the attacks that succeeded, or that the endpoint believed.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        self.names(EndpointVerdict::is_finding)
    }

    /// Returns the attacks that prove nothing.
    pub fn inconclusive(&self) -> impl Iterator<Item = &str> {
        self.names(|verdict| verdict == EndpointVerdict::Inconclusive)
    }

    /// Asserts, at the end of a test, that there are attacks, that none of them is a finding, and that each proves
    /// something.
    ///
    /// # Panics
    ///
    /// It panics with this report if that is not so.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is an assertion, for tests")]
    pub fn assert_none_accepted(&self) {
        if self.entries.is_empty() || self.findings().next().is_some() || self.inconclusive().next().is_some()
        {
            panic!("\n{self}");
        }
    }

    fn names(&self, is_one: impl Fn(EndpointVerdict) -> bool) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(move |(_, found)| is_one(*found)).map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for EndpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.names(|verdict| verdict == EndpointVerdict::Succeeded) {
            writeln!(f, "{}: {name}", self.what_a_finding_is)?;
        }
        for name in self.names(|verdict| verdict == EndpointVerdict::Believed) {
            writeln!(f, "answered as if it were genuine: {name}")?;
        }
        for name in self.inconclusive() {
            writeln!(f, "proves nothing: {name}")?;
        }
        let count = |verdict| self.names(move |found| found == verdict).count();
        let (refused, harmless) = (count(EndpointVerdict::Refused), count(EndpointVerdict::Harmless));
        writeln!(f, "{refused} of {} refused, {harmless} without effect", self.entries.len())
    }
}
