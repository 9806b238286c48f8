//! What a test does not give to the kit, so that attacks are left out, and what would run them.

/// A part that a test does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The certificate to encrypt to.
    Certificate,
    /// An assertion consumer for each customer.
    OwnAddresses,
    /// The address to return to.
    ReturnPath,
    /// The attributes that the other customer's identity provider sends.
    OtherAttributes,
    /// The start of a sign-in.
    Start,
    /// The start of a sign-in of the other customer.
    StartForBoth,
    /// A service whose responses answer no request.
    Unsolicited,
    /// The end of the trust in an identity provider.
    Trust,
    /// A service that trusts other metadata.
    Configuration,
    /// Messages in the query of a redirect.
    Redirect,
    /// The look-up of an e-mail address.
    Discovery,
    /// The address that the browser is sent to.
    Location,
    /// The account of a sign-in.
    Account,
}

impl Missing {
    /// Returns the reason why attacks are left out.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Certificate => "the target has no certificate to encrypt to",
            Self::OwnAddresses => "the customers have one assertion consumer",
            Self::ReturnPath => "the target has no address to return to",
            Self::OtherAttributes => "the target does not say what the other tenant's messages hold",
            Self::Start => "the service starts no sign-in for this customer",
            Self::StartForBoth => "the service starts sign-ins for one customer only",
            Self::Unsolicited => "responses answer a request",
            Self::Trust => "the test cannot take the trust in an identity provider away",
            Self::Configuration => "the test cannot configure the service again",
            Self::Redirect => "the service does not accept signed messages by redirect",
            Self::Discovery => "the service does not look up who types an address",
            Self::Location => "the test does not tell where the browser is sent",
            Self::Account => "the test does not tell accounts",
        }
    }

    /// Returns the method of the test's configuration that runs them.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Certificate => "`Target::certificate(..)`",
            Self::OwnAddresses => "`Target::other_assertion_consumer(..)`",
            Self::ReturnPath => "`Target::return_to(..)`",
            Self::OtherAttributes => "`Target::other_attributes(..)`",
            Self::Start => "`Service::start`",
            Self::StartForBoth => "`Service::start` for `Customer::Other`",
            Self::Unsolicited => "a second run without `Service::start`",
            Self::Trust => "`Service::set_trusted`",
            Self::Configuration => "`Service::post_trusting`",
            Self::Redirect => "`Service::receive_query`",
            Self::Discovery => "`Service::discover`",
            Self::Location => "`Outcome::leading_to(..)`",
            Self::Account => "`Outcome::into_account(..)`",
        }
    }
}
