use super::control;
use super::play::Playing;
use super::report::{Declared, Report};
use super::wait::block_on;
use super::{Attack, Service, Target};

/// A set of attacks to run against a service.
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

    /// Sets the service under attack and the identity providers that it trusts. The default is [`Target::default`].
    pub fn against(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Leaves out an attack by name, because the service accepts it knowingly.
    pub fn without(mut self, name: &str) -> Self {
        self.attacks.retain(|attack| attack.name != name);
        self
    }

    /// Keeps only the attacks whose name satisfies a condition.
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.attacks.retain(|attack| wanted(attack.name));
        self
    }

    /// Declares that an attack cannot test this service, with the reason. It is run nevertheless, and is a finding if
    /// it is accepted. With the name of a control, this declares all attacks that are made from that message: a
    /// service that requires both signatures declares `control/assertion-signed`.
    ///
    /// [`Report::assert_none_accepted`] fails if a declaration is wrong, or if an attack proves nothing and was not
    /// declared.
    pub fn not_applicable(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.declared.push(Declared { name: name.into(), reason: reason.into(), holds: false });
        self
    }

    /// Returns the attacks in the order in which they are run.
    pub fn iter(&self) -> impl Iterator<Item = &Attack> {
        self.attacks.iter()
    }

    /// Runs the controls, then the attacks, one after another.
    pub async fn run(&self, service: &impl Service) -> Report {
        let mut report = Report::default();
        for attack in control::CONTROLS.iter().chain(&self.attacks) {
            let entry = Playing::new(attack, &self.target, service).play(&report).await;
            report.push(entry);
        }
        report.declare(self.declared.clone());
        report
    }

    /// Calls [`run`](Self::run) and blocks this thread until it is done.
    pub fn run_blocking(&self, service: &impl Service) -> Report {
        block_on(self.run(service))
    }
}
