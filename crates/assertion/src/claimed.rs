//! A response that was parsed once and is not verified yet.

use std::fmt;

use vouchsafe_crypto::base64_decode;
use vouchsafe_metadata::EntityId;
use vouchsafe_xml::{Document, Limits};

use crate::envelope::{ResponseFacts, claimed_issuer};
use crate::error::AssertionError;
use crate::ledger::{Check, Ledger, Outcome};
use crate::message::ResolvedResponse;
use crate::refusal::Refusal;

/// A Response that was parsed once and is not verified yet.
///
/// It owns the document and tells two things: the claimed sender, and the request that it claims to answer. Use them
/// only to *look up* a connection and a pending request, and to *refuse*; whatever was looked up this way is compared
/// with the authentic bytes afterwards. [`authenticate`](crate::authenticate) consumes the value. It gives access to
/// nothing else:
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::Claimed;
/// fn who(claimed: &Claimed) -> String {
///     claimed.name_id().to_owned() // error: no such method
/// }
/// ```
///
/// ```compile_fail,E0616
/// # use vouchsafe_assertion::Claimed;
/// fn what(claimed: Claimed) {
///     let _ = claimed.document; // error: the field is private
/// }
/// ```
///
/// ```compile_fail,E0277
/// # use vouchsafe_assertion::{Authentic, Claimed};
/// fn forge(claimed: Claimed) -> Authentic<'static> {
///     claimed.into() // error: nothing becomes authentic by conversion
/// }
/// ```
pub struct Claimed {
    pub(crate) document: Document,
    pub(crate) facts: ResponseFacts,
    pub(crate) ledger: Ledger,
    /// The fields of the signed form that carried it, decoded.
    pub(crate) form: Option<Vec<(String, String)>>,
    issuer: Option<EntityId>,
}

impl Claimed {
    /// Parses a message within the limits and reads the envelope.
    ///
    /// # Errors
    /// A [`Refusal`] if the bytes are not acceptable XML (`xml.*`), or the refusals of [`of`](Self::of).
    pub fn parse(message: &[u8], limits: &Limits) -> Result<Claimed, Refusal> {
        Claimed::of(Document::parse(message, limits)?)
    }

    /// Reads the envelope of a document that is already parsed.
    ///
    /// # Errors
    /// A [`Refusal`] if the document element is not a `samlp:Response`.
    pub fn of(document: Document) -> Result<Claimed, Refusal> {
        Claimed::read(document, Ledger::of_a_response())
    }

    /// Reads the Response that an artifact was resolved to, after the checks of the message around it.
    pub(crate) fn of_artifact(
        bytes: Vec<u8>,
        ledger: Ledger,
        limits: &Limits,
    ) -> Result<ResolvedResponse, Refusal> {
        let claimed = Claimed::read(Document::parse(&bytes, limits)?, ledger)?;
        Ok(ResolvedResponse { claimed, bytes })
    }

    fn read(document: Document, mut ledger: Ledger) -> Result<Claimed, Refusal> {
        let root = document.root();
        let facts = match ResponseFacts::read(root) {
            Ok(facts) => facts,
            Err(error) => return Err(unreadable(root.local_name(), error)),
        };
        let own = facts.issuer.as_ref().map(|issuer| issuer.value.as_str().into());
        let issuer = claimed_issuer(root, own).and_then(|claimed| EntityId::new(claimed).ok());
        ledger.record(Check::new(ROOT, CLAUSE, Outcome::Passed).expected(RESPONSE).actual(RESPONSE));
        Ok(Claimed { document, facts, ledger, form: None, issuer })
    }

    /// Parses a message that came in a signed form (HTTP-POST-SimpleSign). `fields` are all fields of the form,
    /// decoded: `SAMLResponse`, `SigAlg`, `Signature`, and perhaps `RelayState`. If the fields are signed, their signature must be
    /// valid, whatever else is signed.
    ///
    /// # Errors
    /// The same as for [`parse`](Self::parse); `crypto.base64` and similar codes if the form does not contain exactly
    /// one message in base64.
    pub fn in_form(fields: Vec<(String, String)>, limits: &Limits) -> Result<Claimed, Refusal> {
        const FIELD: &str = "SAMLResponse";
        let mut messages = fields.iter().filter(|(name, _)| name == FIELD).map(|(_, value)| value);
        let (message, more) = (messages.next().map(String::as_str), messages.next());
        let once = message.filter(|_| more.is_none()).unwrap_or_default();
        let bytes = base64_decode(once).map_err(AssertionError::from)?;
        Ok(Claimed { form: Some(fields), ..Claimed::parse(&bytes, limits)? })
    }

    /// The claimed sender of the response: its Issuer, or the Issuer of its only plain Assertion. `None` if there is
    /// no Issuer, or if it is not a valid entity ID.
    ///
    /// Use it only to find the connections whose keys to try.
    #[must_use]
    pub fn issuer(&self) -> Option<&EntityId> {
        self.issuer.as_ref()
    }

    /// Refuses a response whose status is not Success. This check comes first, whatever else is wrong with the
    /// response and whoever sent it: a message that reports a failed sign-in is refused in any case.
    ///
    /// # Errors
    /// `assertion.status`, with the status codes and the message (saml-core-2.0-os 3.2.2.2).
    pub fn require_success(&self) -> Result<(), Refusal> {
        match self.facts.status.refusal() {
            None => Ok(()),
            Some(error) => Err(Refusal::by(error, self.facts.status.failed_check())),
        }
    }

    /// The ID of the request that the response claims to answer. Use it only to find that request.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.facts.in_response_to.as_deref()
    }
}

const ROOT: &str = "response.root";
const CLAUSE: &str = "saml-core-2.0-os 3.3.3";
const RESPONSE: &str = "samlp:Response";

fn unreadable(name: &str, error: AssertionError) -> Refusal {
    let check = Check::new(ROOT, CLAUSE, Outcome::Failed).expected(RESPONSE).actual(name.to_owned());
    Refusal::by(error, check)
}

impl fmt::Debug for Claimed {
    /// Shows the data that may be shown, and no content of the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed")
            .field("issuer", &self.issuer)
            .field("in_response_to", &self.in_response_to())
            .finish_non_exhaustive()
    }
}
