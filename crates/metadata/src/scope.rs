/// A domain the identity provider may speak for: `shibmd:Scope`, used to check scoped attributes and subject identifiers
/// (SAML2int 17).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    value: String,
    is_pattern: bool,
}

impl Scope {
    /// The domain, or the regular expression when [`Scope::is_pattern`].
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether `regexp="true"`: the value is a regular expression over the whole scope.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.is_pattern
    }

    pub(crate) fn new(value: String, is_pattern: bool) -> Scope {
        Scope { value, is_pattern }
    }
}
