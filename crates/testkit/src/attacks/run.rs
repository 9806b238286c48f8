use std::time::{Duration, Instant};

use super::control;
use super::report::{Entry, Report, Verdict};
use super::scene::Made;
use super::{Asked, Attack, Form, Outcome, Target};

/// Attacks to be run against a target.
#[derive(Clone, Debug)]
#[must_use]
pub struct Attacks {
    attacks: Vec<Attack>,
    target: Target,
}

impl Attacks {
    pub(crate) fn new(attacks: impl Iterator<Item = Attack>) -> Self {
        Self { attacks: attacks.collect(), target: Target::default() }
    }

    /// Which endpoint is attacked; [`Target::default`] otherwise.
    pub fn against(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Leaves an attack out, by name: one that the service accepts knowingly.
    pub fn without(mut self, name: &str) -> Self {
        self.attacks.retain(|attack| attack.name != name);
        self
    }

    /// Only those whose name satisfies a condition.
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.attacks.retain(|attack| wanted(attack.name));
        self
    }

    /// The attacks in the order in which they are run.
    pub fn iter(&self) -> impl Iterator<Item = &Attack> {
        self.attacks.iter()
    }

    /// Runs the controls, then the attacks. `post` hands a form to the service and tells what came of it.
    pub fn run(&self, mut post: impl FnMut(&Form) -> Outcome) -> Report {
        let mut report = Report::default();
        for attack in self.with_controls() {
            let asked = self.target.asks.as_ref().map(|ask| ask());
            let forms = match self.prepare(attack, asked.as_ref(), &mut report) {
                Some(forms) => forms,
                None => continue,
            };
            let mut run = Running::new(attack, &self.target);
            for form in &forms {
                let begun = Instant::now();
                let outcome = post(form);
                run.judge(form, &outcome, begun.elapsed());
            }
            run.end(&mut report);
        }
        report
    }

    /// [`run`](Self::run) with an asynchronous `post`. One form is posted at a time.
    pub async fn run_async(&self, post: impl AsyncFnMut(&Form) -> Outcome) -> Report {
        let ask = self.target.asks.clone();
        let start = async || ask.as_ref().map(|ask| ask());
        self.run_each(start, post).await
    }

    /// [`run_async`](Self::run_async) against a service whose responses answer a request: `start` starts a sign-in and
    /// tells what was asked, once for each attack.
    pub async fn run_answering(
        &self,
        mut start: impl AsyncFnMut() -> Asked,
        post: impl AsyncFnMut(&Form) -> Outcome,
    ) -> Report {
        self.run_each(async || Some(start().await), post).await
    }

    async fn run_each(
        &self,
        mut start: impl AsyncFnMut() -> Option<Asked>,
        mut post: impl AsyncFnMut(&Form) -> Outcome,
    ) -> Report {
        let mut report = Report::default();
        for attack in self.with_controls() {
            let asked = start().await;
            let forms = match self.prepare(attack, asked.as_ref(), &mut report) {
                Some(forms) => forms,
                None => continue,
            };
            let mut run = Running::new(attack, &self.target);
            for form in &forms {
                let begun = Instant::now();
                let outcome = post(form).await;
                run.judge(form, &outcome, begun.elapsed());
            }
            run.end(&mut report);
        }
        report
    }

    fn with_controls(&self) -> impl Iterator<Item = &Attack> {
        control::CONTROLS.iter().chain(&self.attacks)
    }

    /// The forms of an attack; what keeps it from being run goes into the report.
    fn prepare(&self, attack: &Attack, asked: Option<&Asked>, report: &mut Report) -> Option<Vec<Form>> {
        if let Some(reason) = attack.lacks(&self.target, asked.is_some()) {
            report.push(Entry::new(attack, Verdict::LeftOut { reason: reason.to_owned() }));
            return None;
        }
        let made: Made = attack.forms(&self.target, asked);
        match made {
            Ok(forms) => Some(forms),
            Err(error) => {
                report.push(Entry::new(attack, Verdict::Inconclusive { reason: error.to_string() }));
                None
            }
        }
    }
}

/// One attack while its forms are posted.
struct Running<'a> {
    attack: &'a Attack,
    patience: Duration,
    verdict: Verdict,
    longest: Duration,
}

impl<'a> Running<'a> {
    fn new(attack: &'a Attack, target: &Target) -> Self {
        Self { attack, patience: target.patience, verdict: Verdict::Refused, longest: Duration::ZERO }
    }

    fn judge(&mut self, form: &Form, outcome: &Outcome, elapsed: Duration) {
        self.longest = self.longest.max(elapsed);
        let verdict = form.verdict(outcome);
        self.verdict = std::mem::replace(&mut self.verdict, Verdict::Refused).worse_of(verdict);
    }

    fn end(self, report: &mut Report) {
        let slow = self.longest > self.patience;
        let verdict = match self.verdict {
            Verdict::Refused | Verdict::Harmless if slow => Verdict::Slow { seconds: self.longest.as_secs() },
            verdict => verdict,
        };
        let verdict = match report.verdict_of(control::of(self.attack.base)) {
            // What was accepted was accepted, whatever the control says.
            Some(Verdict::Harmless | Verdict::LeftOut { .. }) | None => verdict,
            Some(_) if matches!(verdict, Verdict::Accepted { .. } | Verdict::Slow { .. }) => verdict,
            Some(_) => Verdict::Inconclusive {
                reason: format!("{} is not accepted either", control::of(self.attack.base)),
            },
        };
        report.push(Entry::new(self.attack, verdict).taking(self.longest));
    }
}
