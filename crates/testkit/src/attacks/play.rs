//! The run of one attack, and the judgement of its result.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::form::{Ending, Landing, Purpose};
use super::missing::Missing;
use super::report::{Entry, Report, Verdict};
use super::scene::Scene;
use super::step::{Query, ReturnTo, Step};
use super::{
    Account, Asked, Attack, Browser, Customer, Discovered, Form, Needs, Outcome, Received, Service, Session,
    Started, Target, control, location,
};

pub(crate) struct Playing<'a, S> {
    attack: &'a Attack,
    target: &'a Target,
    service: &'a S,
    /// The browsers of the attack, by their numbers in it.
    browsers: HashMap<u64, Browser>,
    longest: Duration,
    /// The accounts that forms of the attack led to, in order.
    accounts: Vec<Account>,
    /// Whether a genuine form was refused. Then the first account is not the one of the first form.
    is_genuine_refused: bool,
    /// The session of each browser, as far as the service reported it.
    sessions: HashMap<Browser, Session>,
}

/// The verdict that ends an attack early.
type Ended = Verdict;

impl<'a, S: Service> Playing<'a, S> {
    pub(crate) fn new(attack: &'a Attack, target: &'a Target, service: &'a S) -> Self {
        Self {
            attack,
            target,
            service,
            browsers: HashMap::new(),
            longest: Duration::ZERO,
            accounts: Vec::new(),
            is_genuine_refused: false,
            sessions: HashMap::new(),
        }
    }

    pub(crate) async fn play(mut self, report: &Report) -> Entry {
        let verdict = match self.verdict().await {
            Ok(verdict) | Err(verdict) => verdict,
        };
        let slow = self.longest > self.target.patience;
        let verdict = match verdict {
            Verdict::Refused | Verdict::Harmless if slow => Verdict::Slow { seconds: self.longest.as_secs() },
            verdict => verdict,
        };
        let control = control::of(self.attack.base);
        let shown = matches!(verdict, Verdict::Refused | Verdict::Harmless | Verdict::Inconclusive { .. });
        let is_withstood = matches!(verdict, Verdict::Refused | Verdict::Harmless);
        let verdict = match report.verdict_of(control) {
            // An accepted attack is a finding, whatever the result of the control is.
            Some(Verdict::Inconclusive { .. } | Verdict::Accepted { .. } | Verdict::Slow { .. }) if shown => {
                Verdict::Inconclusive { reason: format!("{control} is not accepted either") }
            }
            Some(left_out @ Verdict::NotApplicable { .. }) if is_withstood => left_out.clone(),
            _ => verdict,
        };
        Entry::new(self.attack, control, verdict).taking(self.longest)
    }

    async fn verdict(&mut self) -> Result<Verdict, Ended> {
        if let Some(missing) = self.attack.lacks(self.target) {
            return Err(Verdict::missing(missing));
        }
        let asked = self.start().await?;
        if !asked.is_empty() && self.attack.needs.contains(&Needs::Unsolicited) {
            return Err(Verdict::missing(Missing::Unsolicited));
        }
        let scene = Scene::new(self.target, self.attack, &asked);
        let steps =
            self.attack.steps(&scene).map_err(|error| Verdict::Inconclusive { reason: error.to_string() })?;
        let mut verdict = Verdict::Refused;
        for step in steps {
            let next = match self.step(step).await {
                Ok(next) => next,
                // A finding is kept even if the rest of the attack cannot be run.
                Err(ended) => return Err(verdict.worse_of(ended)),
            };
            verdict = verdict.worse_of(next);
        }
        Ok(verdict)
    }

    /// Starts the sign-ins of the attack. The list is empty if the service starts no sign-ins, and its responses are
    /// unsolicited.
    async fn start(&mut self) -> Result<Vec<Asked>, Ended> {
        let mut asked = Vec::new();
        for start in self.attack.starts {
            let browser = self.browser(start.browser);
            let return_to = match start.return_to {
                ReturnTo::Unnamed => None,
                ReturnTo::Allowed => self.target.return_to.as_deref(),
                ReturnTo::Hostile(address) => Some(address),
            };
            match self.service.start(browser, start.customer, return_to).await {
                Started::Asked(request) => asked.push(request),
                // If the attack is on the return address, this is the right answer.
                Started::Refused if matches!(start.return_to, ReturnTo::Hostile(_)) => {
                    return Err(Verdict::Refused);
                }
                Started::Refused => {
                    let reason = "the service refused to start a sign-in".to_owned();
                    return Err(Verdict::Inconclusive { reason });
                }
                Started::NoDoor if self.attack.needs.contains(&Needs::Request) => {
                    return Err(Verdict::missing(Missing::Start));
                }
                Started::NoDoor if asked.is_empty() => return Ok(asked),
                Started::NoDoor => {
                    return Err(Verdict::missing(Missing::StartForBoth));
                }
            }
        }
        Ok(asked)
    }

    /// Returns the browser with this number in the attack.
    fn browser(&mut self, number: u64) -> Browser {
        *self.browsers.entry(number).or_default()
    }

    async fn step(&mut self, step: Step) -> Result<Verdict, Ended> {
        match step {
            Step::Post(form) => self.post(&form).await,
            Step::Together(forms) => self.post_together(forms).await,
            Step::Trust(customer, trusted) => self.set_trusted(customer, trusted).await,
            Step::Configured(metadata, form) => self.post_trusting(&metadata, &form).await,
            Step::Query(query) => self.receive(&query).await,
            Step::Discover(address) => self.discover(&address).await,
        }
    }

    async fn post(&mut self, form: &Form) -> Result<Verdict, Ended> {
        let browser = self.browser(form.browser);
        let before = match self.sessions.get(&browser) {
            Some(session) => session.clone(),
            None => self.service.session(browser).await,
        };
        let begun = Instant::now();
        let outcome = self.service.post(browser, form).await;
        self.longest = self.longest.max(begun.elapsed());
        let after = self.service.session(browser).await;
        self.sessions.insert(browser, after.clone());
        let verdict = form.verdict(&outcome);
        self.is_genuine_refused |= matches!(verdict, Verdict::Inconclusive { .. });
        let verdict = verdict.worse_of(of_session(&outcome, &before, &after));
        let verdict = verdict.worse_of(self.of_location(form, &outcome)?);
        Ok(verdict.worse_of(self.of_account(form, &outcome, &after)?))
    }

    /// Posts forms at the same time. Exactly one must be accepted, as the subject of the forms.
    async fn post_together(&mut self, forms: Vec<Form>) -> Result<Verdict, Ended> {
        let posts: Vec<_> = forms.into_iter().map(|form| (self.browser(form.browser), form)).collect();
        let begun = Instant::now();
        let outcomes = self.service.post_together(&posts).await;
        self.longest = self.longest.max(begun.elapsed());
        let accepted: Vec<_> =
            posts.iter().zip(&outcomes).filter(|(_, outcome)| **outcome != Outcome::Refused).collect();
        Ok(match accepted.as_slice() {
            [] => Verdict::Inconclusive { reason: "none of the posts was accepted".to_owned() },
            [((_, form), outcome)] => form.verdict(outcome),
            [((_, form), _), ..] => {
                let subject = form.genuine_subject().unwrap_or_default();
                Verdict::found(subject, format!("{} times out of {}", accepted.len(), posts.len()))
            }
        })
    }

    async fn set_trusted(&mut self, customer: Customer, trusted: bool) -> Result<Verdict, Ended> {
        if self.service.set_trusted(customer, trusted).await {
            Ok(Verdict::Refused)
        } else {
            Err(Verdict::missing(Missing::Trust))
        }
    }

    async fn post_trusting(&mut self, metadata: &str, form: &Form) -> Result<Verdict, Ended> {
        let begun = Instant::now();
        let outcome = self.service.post_trusting(metadata, form).await;
        self.longest = self.longest.max(begun.elapsed());
        let outcome = outcome.ok_or_else(|| Verdict::missing(Missing::Configuration))?;
        Ok(form.verdict(&outcome))
    }

    async fn receive(&mut self, query: &Query) -> Result<Verdict, Ended> {
        let begun = Instant::now();
        let received = self.service.receive_query(&query.text).await;
        self.longest = self.longest.max(begun.elapsed());
        Ok(match received {
            Received::NoDoor => {
                return Err(Verdict::missing(Missing::Redirect));
            }
            Received::Refused if query.is_control => {
                Verdict::Inconclusive { reason: "a genuine message was refused".to_owned() }
            }
            Received::Refused => Verdict::Refused,
            Received::Believed { message, relay_state } => match &query.signed {
                Some((signed, state)) if *signed == message && *state == relay_state => Verdict::Harmless,
                Some((signed, _)) if *signed == message => Verdict::found(
                    "the message that was signed",
                    format!("with the RelayState {:?}", relay_state.unwrap_or_default()),
                ),
                _ => Verdict::found("a message", "that nobody signed"),
            },
        })
    }

    async fn discover(&mut self, address: &str) -> Result<Verdict, Ended> {
        Ok(match self.service.discover(address).await {
            Discovered::NoDoor => {
                return Err(Verdict::missing(Missing::Discovery));
            }
            Discovered::Nobody => Verdict::Refused,
            Discovered::At(place) if place.starts_with(self.target.other.single_sign_on()) => {
                Verdict::found(address, "is sent to the other customer's identity provider")
            }
            Discovered::At(_) => Verdict::Harmless,
        })
    }

    fn of_location(&self, form: &Form, outcome: &Outcome) -> Result<Verdict, Ended> {
        if *outcome == Outcome::Refused {
            return Ok(Verdict::Refused);
        }
        match outcome.location() {
            Some(to) if location::leads_elsewhere(&self.target.assertion_consumer, to) => {
                Ok(Verdict::found("somebody", format!("who is sent to {to:?}")))
            }
            None if self.attack.needs.contains(&Needs::Location) => Err(Verdict::missing(Missing::Location)),
            Some(to) => Ok(self.of_ending(form.ending, to)),
            None => Ok(Verdict::Refused),
        }
    }

    fn of_ending(&self, ending: Ending, to: &str) -> Verdict {
        let Some(allowed) = &self.target.return_to else { return Verdict::Refused };
        let is_there = location::is_same(&self.target.assertion_consumer, to, allowed);
        let reason = match ending {
            Ending::AtReturn if !is_there => format!(
                "a sign-in that was to return to {allowed:?} ended at {to:?}: hand `return_to` on in \
                 `Service::start`, or correct `Target::return_to`"
            ),
            Ending::NotAtReturn if is_there => format!(
                "a sign-in without an address to return to ends at {to:?} too: give `Target::return_to` another \
                 address that the service allows"
            ),
            _ => return Verdict::Refused,
        };
        Verdict::Inconclusive { reason }
    }

    fn of_account(&mut self, form: &Form, outcome: &Outcome, after: &Session) -> Result<Verdict, Ended> {
        if *outcome == Outcome::Refused {
            return Ok(Verdict::Refused);
        }
        let account = match (outcome.account(), after) {
            (Some(account), _) | (None, Session::Of(account)) => account.clone(),
            (None, _) if form.landing == Landing::Any => return Ok(Verdict::Refused),
            (None, _) => return Err(Verdict::missing(Missing::Account)),
        };
        let one = |found: &&Account| found.account() == account.account();
        let near = |found: &Account| found.organization() == account.organization();
        let finding = match form.landing {
            Landing::Any | Landing::Told => None,
            Landing::Same if self.is_genuine_refused => None,
            Landing::Apart if self.accounts.iter().any(near) => Some("in the other customer's organization"),
            Landing::Apart | Landing::Distinct => {
                self.accounts.iter().find(one).map(|_| "in the account of somebody else")
            }
            Landing::Same => {
                self.accounts.first().filter(|found| !one(found)).map(|_| "in another account than before")
            }
        };
        self.accounts.push(account.clone());
        Ok(finding.map_or(Verdict::Refused, |finding| Verdict::found(account.account(), finding)))
    }
}

/// Checks the sessions: after a refused form nobody new may be signed in, and an accepted form must sign in the
/// reported account.
fn of_session(outcome: &Outcome, before: &Session, after: &Session) -> Verdict {
    match (outcome, after) {
        (Outcome::Refused, Session::Of(account)) if before != after => {
            Verdict::found(account.account(), "although the form was refused")
        }
        (Outcome::Accepted { account: Some(told), .. }, Session::Of(account)) if told != account => {
            Verdict::found(account.account(), "although the form led into another account")
        }
        _ => Verdict::Refused,
    }
}

impl Form {
    /// Returns the verdict for an outcome, for services that are tested without
    /// [`Attacks::run`](super::Attacks::run): [`Verdict::Refused`], [`Verdict::Harmless`], [`Verdict::Accepted`], or
    /// [`Verdict::Inconclusive`] if the form is genuine and was refused.
    #[must_use]
    pub fn verdict(&self, outcome: &Outcome) -> Verdict {
        let (subject, attributes) = match (&self.purpose, outcome) {
            (Purpose::Genuine(_), Outcome::Refused) => {
                return Verdict::Inconclusive { reason: "a genuine message was refused".to_owned() };
            }
            (_, Outcome::Refused) => return Verdict::Refused,
            (_, Outcome::Accepted { subject, attributes, .. }) => (subject, attributes),
        };
        let believed = |value: &String| attributes.iter().any(|(_, found)| found == value);
        if self.genuine_subject() == Some(subject) && !self.forged_values.iter().any(believed) {
            Verdict::Harmless
        } else {
            Verdict::accepted(subject)
        }
    }
}
