//! The methods of canonicalization, and the receiver of canonical bytes.

/// A canonicalization method: its rules, and whether comments are kept.
///
/// ```
/// use vouchsafe_xml::Canonicalization;
/// let method = Canonicalization::from_uri("http://www.w3.org/2001/10/xml-exc-c14n#WithComments");
/// assert_eq!(method, Some(Canonicalization::EXCLUSIVE_WITH_COMMENTS));
/// assert_eq!(Canonicalization::EXCLUSIVE_WITH_COMMENTS.without_comments(), Canonicalization::EXCLUSIVE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Canonicalization {
    pub(crate) rules: Rules,
    pub(crate) comments: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rules {
    Exclusive,
    Inclusive,
    Inclusive11,
}

impl Canonicalization {
    /// Exclusive XML Canonicalization 1.0, which SAML recommends (SAML core, 5.4.3).
    pub const EXCLUSIVE: Self = Self { rules: Rules::Exclusive, comments: false };
    /// Exclusive XML Canonicalization 1.0 with comments.
    pub const EXCLUSIVE_WITH_COMMENTS: Self = Self { rules: Rules::Exclusive, comments: true };
    /// Canonical XML 1.0.
    pub const INCLUSIVE: Self = Self { rules: Rules::Inclusive, comments: false };
    /// Canonical XML 1.0 with comments.
    pub const INCLUSIVE_WITH_COMMENTS: Self = Self { rules: Rules::Inclusive, comments: true };
    /// Canonical XML 1.1.
    pub const INCLUSIVE_11: Self = Self { rules: Rules::Inclusive11, comments: false };
    /// Canonical XML 1.1 with comments.
    pub const INCLUSIVE_11_WITH_COMMENTS: Self = Self { rules: Rules::Inclusive11, comments: true };

    const ALL: [Self; 6] = [
        Self::EXCLUSIVE,
        Self::EXCLUSIVE_WITH_COMMENTS,
        Self::INCLUSIVE,
        Self::INCLUSIVE_WITH_COMMENTS,
        Self::INCLUSIVE_11,
        Self::INCLUSIVE_11_WITH_COMMENTS,
    ];

    /// Returns the method with this identifier.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.uri() == uri)
    }

    /// Returns its identifier, as in `Algorithm` of a `CanonicalizationMethod` or `Transform`.
    pub const fn uri(self) -> &'static str {
        match (self.rules, self.comments) {
            (Rules::Exclusive, false) => "http://www.w3.org/2001/10/xml-exc-c14n#",
            (Rules::Exclusive, true) => "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            (Rules::Inclusive, false) => "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            (Rules::Inclusive, true) => "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
            (Rules::Inclusive11, false) => "http://www.w3.org/2006/12/xml-c14n11",
            (Rules::Inclusive11, true) => "http://www.w3.org/2006/12/xml-c14n11#WithComments",
        }
    }

    /// Returns the method with the same rules that omits comments. A same-document reference never selects comments,
    /// whatever method follows (XML Signature 1.1, 4.4.3.3); the caller must apply this rule.
    #[must_use]
    pub const fn without_comments(self) -> Self {
        Self { rules: self.rules, comments: false }
    }

    /// Returns whether the method uses a `PrefixList`.
    pub const fn is_exclusive(self) -> bool {
        matches!(self.rules, Rules::Exclusive)
    }
}

/// A receiver of canonical bytes, such as a buffer or a digest.
pub trait Sink {
    /// Receives the next bytes.
    fn write(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
