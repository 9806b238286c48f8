//! Finds out why the signatures of a response fail, with the keys of all connections of a service provider.
//!
//! [`vouchsafe_signature::autopsy`] examines one signature. This module calls it for each signature of a response,
//! with the keys of every trusted identity provider, and reports its findings in the terms of the person who runs the
//! service.

use vouchsafe_assertion::{Claimed, Refusal};
#[cfg(doc)]
use vouchsafe_signature::AutopsyBudget;
use vouchsafe_xml::Document;

use crate::autopsy_finding::PostMortem;
use crate::connection::Connection;
use crate::posted::PostedResponse;
use crate::service_provider::ServiceProvider;
use crate::signature_inquiry::SignatureInquiry;

impl ServiceProvider {
    /// Finds out why the signatures of a response fail. There is one entry for each signature: of the Response and of
    /// its Assertion.
    ///
    /// This is for people who investigate a refusal. It tries the keys of all these connections and about a hundred
    /// hypotheses, so it costs many times what receiving costs. It stops when an [`AutopsyBudget`] is spent over all
    /// signatures of the response, and reports that it stopped. The decision stays that of
    /// [`receive`](Self::receive); no finding makes a message trusted.
    ///
    /// ```
    /// # use vouchsafe_testkit as testkit;
    /// use vouchsafe::{Connection, ConnectionId, EntityId, IdentityProvider, Limits, PostedResponse, ServiceProvider};
    ///
    /// # let metadata = |one: testkit::IdentityProvider| IdentityProvider::from_metadata(one.metadata().unwrap().as_bytes());
    /// let service_provider = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
    ///     .assertion_consumer("https://app.example.com/saml/acs")?
    ///     .build()?;
    /// let connections = [
    ///     Connection::new(ConnectionId::new("acme")?, metadata(testkit::IdentityProvider::okta())?),
    ///     Connection::new(ConnectionId::new("globex")?, metadata(testkit::IdentityProvider::other())?),
    /// ];
    ///
    /// // Signed by the other tenant's identity provider, in the name of this one.
    /// let issued = testkit::IdentityProvider::okta().response().key(testkit::keys::other_identity_provider()).issue()?;
    /// let posted = PostedResponse::from_base64(&issued.to_base64(), &Limits::default())?;
    /// let found = service_provider.autopsy(&posted, &connections)?;
    /// assert_eq!(found[0].findings[0].code(), "autopsy.other_identity_provider");
    /// assert!(found[0].findings[0].to_string().contains(testkit::IdentityProvider::other().entity_id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`Refusal`] if the posted bytes are not a response.
    pub fn autopsy(
        &self,
        posted: &PostedResponse,
        connections: &[Connection],
    ) -> Result<Vec<PostMortem>, Refusal> {
        let claimed = Claimed::parse(posted.bytes(), self.limits())?;
        let is_claimed = |one: &&Connection| Some(one.identity_provider().entity_id()) == claimed.issuer();
        let trusted = connections.iter().find(is_claimed).and_then(|one| Some((one, one.trust(self).ok()?)));
        let others = connections.iter().filter(|one| !is_claimed(one)).filter_map(|one| one.trust(self).ok());
        let document = Document::parse(posted.bytes(), self.limits())?;
        let inquiry = SignatureInquiry::new(self.provider(), self.limits())
            .with_known_keys(others.flat_map(|trust| trust.keys().to_vec()));
        let inquiry = match &trusted {
            Some((connection, trust)) => inquiry.of(connection.identity_provider(), trust),
            None => inquiry,
        };
        Ok(inquiry.post_mortem(&document, &String::from_utf8_lossy(posted.bytes())))
    }
}
