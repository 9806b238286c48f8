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
    },
}

impl Outcome {
    /// Somebody was signed in as this subject.
    pub fn accepted(subject: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), attributes: Vec::new() }
    }

    /// And an attribute with this value was believed. Attacks on attributes are judged by what is told here.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Accepted { attributes, .. } = &mut self {
            attributes.push((name.into(), value.into()));
        }
        self
    }
}
