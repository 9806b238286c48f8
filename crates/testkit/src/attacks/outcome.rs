use super::Account;

/// The service's answer to a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nobody was signed in.
    Refused,
    /// Somebody was signed in.
    #[non_exhaustive]
    Accepted {
        /// The subject: the NameID, or the value from which the service makes an account.
        subject: String,
        /// The attributes that the service believed, as names and values, as far as the test reports them.
        attributes: Vec<(String, String)>,
        /// The account, if the service has accounts.
        account: Option<Account>,
        /// The address that the browser was sent to: the value of the header Location, if the test reports it.
        location: Option<String>,
    },
}

impl Outcome {
    /// Reports that somebody was signed in as this subject.
    pub fn accepted(subject: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), attributes: Vec::new(), account: None, location: None }
    }

    /// Reports that an attribute with this value was believed. Attacks on attributes are judged by it.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Accepted { attributes, .. } = &mut self {
            attributes.push((name.into(), value.into()));
        }
        self
    }

    /// Reports the account. Attacks on accounts are judged by it.
    #[must_use]
    pub fn into_account(mut self, into: Account) -> Self {
        if let Self::Accepted { account, .. } = &mut self {
            *account = Some(into);
        }
        self
    }

    /// Reports the address that the browser was sent to. Open redirects are judged by it.
    #[must_use]
    pub fn leading_to(mut self, to: impl Into<String>) -> Self {
        if let Self::Accepted { location, .. } = &mut self {
            *location = Some(to.into());
        }
        self
    }

    pub(crate) fn account(&self) -> Option<&Account> {
        match self {
            Self::Accepted { account, .. } => account.as_ref(),
            Self::Refused => None,
        }
    }

    pub(crate) fn location(&self) -> Option<&str> {
        match self {
            Self::Accepted { location, .. } => location.as_deref(),
            Self::Refused => None,
        }
    }
}
