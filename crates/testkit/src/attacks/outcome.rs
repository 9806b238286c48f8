use super::Account;

/// What the service made of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nobody was signed in.
    Refused,
    /// Somebody was signed in.
    #[non_exhaustive]
    Accepted {
        /// As whom: the NameID, or what the service makes an account from.
        subject: String,
        /// What else the service believed, as far as the test tells: names and values of attributes.
        attributes: Vec<(String, String)>,
        /// Into which account, where the service has accounts.
        account: Option<Account>,
        /// Where the browser was sent: the value of the header Location, where the test tells it.
        location: Option<String>,
    },
}

impl Outcome {
    /// Somebody was signed in as this subject.
    pub fn accepted(subject: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), attributes: Vec::new(), account: None, location: None }
    }

    /// And an attribute with this value was believed. Attacks on attributes are judged by what is told here.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Accepted { attributes, .. } = &mut self {
            attributes.push((name.into(), value.into()));
        }
        self
    }

    /// Into this account. Attacks on accounts are judged by what is told here.
    #[must_use]
    pub fn into_account(mut self, into: Account) -> Self {
        if let Self::Accepted { account, .. } = &mut self {
            *account = Some(into);
        }
        self
    }

    /// And the browser was sent there. Open redirects are judged by what is told here.
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
