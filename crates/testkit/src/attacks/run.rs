use super::control;
use super::play::Playing;
use super::report::{Declared, Report};
use super::wait::block_on;
use super::{Attack, Service, Target};

/// Attacks to be run against a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct Attacks {
    attacks: Vec<Attack>,
    target: Target,
    declared: Vec<Declared>,
}

impl Attacks {
    pub(crate) fn new(attacks: impl Iterator<Item = Attack>) -> Self {
        Self { attacks: attacks.collect(), target: Target::default(), declared: Vec::new() }
    }

    /// Which service is attacked, and whom it trusts; [`Target::default`] otherwise.
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

    /// Says of an attack that it can show nothing about this service, and why. It is run all the same, and is a finding
    /// when it is accepted. By the name of a control this is said of every attack that is made from that message: a
    /// service that wants both signatures names `control/assertion-signed`.
    ///
    /// A declaration that turns out to be wrong makes [`Report::assert_none_accepted`] fail, as does an attack that shows
    /// nothing and was not declared.
    pub fn not_applicable(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.declared.push(Declared { name: name.into(), reason: reason.into(), holds: false });
        self
    }

    /// The attacks in the order in which they are run.
    pub fn iter(&self) -> impl Iterator<Item = &Attack> {
        self.attacks.iter()
    }

    /// Runs the controls, then the attacks, one after the other.
    pub async fn run(&self, service: &impl Service) -> Report {
        let mut report = Report::default();
        let mut browsers = 0;
        for attack in control::CONTROLS.iter().chain(&self.attacks) {
            let entry = Playing::new(attack, &self.target, service, &mut browsers).play(&report).await;
            report.push(entry);
        }
        report.declare(self.declared.clone());
        report
    }

    /// [`run`](Self::run) on this thread, which waits for the service.
    pub fn run_blocking(&self, service: &impl Service) -> Report {
        block_on(self.run(service))
    }
}
