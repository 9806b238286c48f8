//! The results of attacks on an endpoint other than the assertion consumer.

use std::fmt;

/// The result of one attack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EndpointVerdict {
    /// The attack had no effect.
    Refused,
    /// The attack had its effect: a finding.
    Succeeded,
    /// A genuine message sent in the same way has no effect either, so the attack proves nothing.
    Inconclusive,
}

impl EndpointVerdict {
    /// Returns the verdict of an attack, of which a genuine message shows afterwards whether the endpoint still `works`.
    /// An endpoint that has stopped refuses everything.
    pub(super) fn proven_by(self, works: bool) -> EndpointVerdict {
        if works || self == EndpointVerdict::Succeeded { self } else { EndpointVerdict::Inconclusive }
    }
}

/// After how many attacks a genuine message shows again that an endpoint works.
pub(super) const PROOF_AFTER: usize = 8;

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

    /// Returns the attacks that succeeded.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        self.of(EndpointVerdict::Succeeded)
    }

    /// Returns the attacks that prove nothing.
    pub fn inconclusive(&self) -> impl Iterator<Item = &str> {
        self.of(EndpointVerdict::Inconclusive)
    }

    fn of(&self, verdict: EndpointVerdict) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(move |(_, found)| *found == verdict).map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for EndpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.findings() {
            writeln!(f, "{}: {name}", self.what_a_finding_is)?;
        }
        for name in self.inconclusive() {
            writeln!(f, "proves nothing: {name}")?;
        }
        let refused = self.of(EndpointVerdict::Refused).count();
        writeln!(f, "{refused} of {} refused", self.entries.len())
    }
}
