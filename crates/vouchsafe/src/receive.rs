//! Receiving: what was posted to the assertion consumer, from octets to a valid assertion.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    Correlation, Envelope, Expectations, MessageId, Refusal, ValidAssertion, authenticate,
};
use vouchsafe_xml::Document;

use crate::pending::PendingRequest;
use crate::posted::PostedResponse;
use crate::service_provider::{ServiceProvider, Trusted};

/// What a response may be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Expect<'p> {
    /// The answer to this request, from the identity provider that was asked.
    Reply(&'p PendingRequest),
    /// Sent without being asked for, from any trusted identity provider: the person began at the identity provider's dashboard.
    ///
    /// It is refused unless the service provider was built with [`accept_unsolicited`](crate::Builder::accept_unsolicited): whoever
    /// accepts unsolicited responses accepts that somebody can be signed in to an account that is not theirs by following a link (login
    /// CSRF). A response that names a request is refused here in any case.
    Unsolicited,
}

impl ServiceProvider {
    /// Decides whether to believe a response: parse, authenticate, read what was signed, check it against what is expected.
    ///
    /// What comes out is acceptable but perhaps not new: record its [`replay_key`](ValidAssertion::replay_key), then
    /// [`confirm`](ValidAssertion::confirm) it.
    ///
    /// # Where to call it
    /// It computes and blocks nothing else: no I/O, no locks. It takes a millisecond for an ordinary response, and up to some hundred for
    /// the worst that the limits let in. In an asynchronous service call it where other requests do not wait for it, such as
    /// `tokio::task::spawn_blocking`, and bound how many run at a time; the routes of `vouchsafe-axum` do both.
    ///
    /// # Errors
    /// A [`Refusal`], which carries the first error and the ledger of every rule that was checked.
    pub fn receive(
        &self,
        posted: &PostedResponse,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidAssertion, Refusal> {
        if matches!(expect, Expect::Unsolicited) && !self.accepts_unsolicited() {
            return Err(Refusal::unsolicited_not_accepted());
        }
        let expectations = self.expectations(expect, now)?;
        let document = Document::parse(posted.octets(), self.limits())?;
        let trusted = self.whom_to_believe(&document, expect, now)?;
        let authentic = authenticate(
            document,
            &trusted.trust,
            &self.config.decryption_keys,
            self.provider(),
            self.limits(),
            self.config.signature_policy,
        )?;
        authentic.read()?.validate(&expectations, now)
    }

    /// Which trusted keys to try. The claimed issuer chooses among them and can only be wrong: it is compared with the signed one later.
    /// Keys from metadata that is no longer valid are no keys.
    fn whom_to_believe(
        &self,
        document: &Document,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<&Trusted, Refusal> {
        let envelope = Envelope::read(document)?;
        let claimed = envelope.claimed_issuer();
        let issuer = match (expect, claimed) {
            (Expect::Reply(pending), _) if pending.is_expired(now) => {
                return Err(Refusal::request_expired(pending.expires_at()));
            }
            (Expect::Reply(pending), Some(claimed)) if claimed != pending.identity_provider() => {
                return Err(Refusal::unexpected_issuer(
                    pending.identity_provider().as_str(),
                    claimed.as_str(),
                ));
            }
            (Expect::Reply(pending), _) => pending.identity_provider(),
            (Expect::Unsolicited, Some(claimed)) => claimed,
            (Expect::Unsolicited, None) => return Err(Refusal::unknown_issuer("")),
        };
        let trusted = self.trusted(issuer).ok_or_else(|| Refusal::unknown_issuer(issuer.as_str()))?;
        trusted.identity_provider.check_validity(now).map_err(Refusal::metadata)?;
        Ok(trusted)
    }

    /// What the response must agree with. After a request with ForceAuthn the person must have authenticated since it was issued; of
    /// several limits to the age of an authentication the shortest counts.
    fn expectations(&self, expect: Expect<'_>, now: DateTime<Utc>) -> Result<Expectations, Refusal> {
        let correlation = match expect {
            Expect::Reply(pending) => Correlation::Reply(MessageId::new(pending.request_id())?),
            Expect::Unsolicited => Correlation::Unsolicited,
        };
        let mut expectations =
            Expectations::new(self.entity_id().clone(), self.assertion_consumer(), correlation)
                .with_clock_skew(self.config.clock_skew)?;
        let asked = match expect {
            Expect::Reply(pending) => {
                expectations = expectations.with_requested_context(pending.requested_context().clone());
                let since_asked = || now.signed_duration_since(pending.issued_at());
                [pending.maximum_authentication_age(), pending.force_authn().then(since_asked)]
            }
            Expect::Unsolicited => [None, None],
        };
        let own = self.config.maximum_authentication_age;
        if let Some(age) = asked.into_iter().chain([own]).flatten().min() {
            expectations = expectations.with_maximum_authentication_age(age);
        }
        if let Some(age) = self.config.maximum_message_age {
            expectations = expectations.with_maximum_message_age(age);
        }
        Ok(expectations)
    }
}
