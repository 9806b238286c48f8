use std::fmt;

/// What an attack aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A genuine message that must be accepted; not an attack.
    Control,
    /// The signed element is moved and a forged one stands where it is read.
    Wrapping,
    /// Two elements have one identifier.
    DuplicateId,
    /// No signature, half a signature, or the signature of something else.
    Stripping,
    /// A signature by a key that the message brings along.
    KeySubstitution,
    /// An algorithm that proves nothing, or no more.
    Algorithm,
    /// A reference that covers something else than what is read.
    Transform,
    /// Comments, which canonicalization drops and readers stumble over.
    Comment,
    /// Processing instructions, CDATA, namespaces, encodings, more than one root.
    Markup,
    /// DOCTYPE and entities.
    Entity,
    /// The form around the message.
    Binding,
    /// A message that was accepted before.
    Replay,
    /// One customer's identity provider speaks for another's people.
    CrossTenant,
    /// Genuine messages for somebody else, from another time, or in answer to another question.
    Context,
    /// A failure that comes with an assertion.
    Status,
    /// Ciphertext that nobody signed, or that was changed.
    Encryption,
    /// Small messages that cause much work.
    Resource,
    /// Elements that are known by their local name alone.
    Foreign,
    /// What the schema does not allow, and what changes the meaning.
    Schema,
    /// An answer that another browser than the one that asked brings.
    Browser,
    /// One customer's identity provider genuinely names another customer's person.
    Accounts,
    /// An identity provider that is no longer trusted, or an address of another customer.
    Tenancy,
    /// Metadata without the key that is needed.
    Configuration,
    /// The query of a redirect.
    Redirect,
    /// Where the browser is sent after signing in.
    Return,
}

impl Kind {
    /// Every kind of attack.
    pub const ALL: [Self; 24] = [
        Self::Wrapping,
        Self::DuplicateId,
        Self::Stripping,
        Self::KeySubstitution,
        Self::Algorithm,
        Self::Transform,
        Self::Comment,
        Self::Markup,
        Self::Entity,
        Self::Binding,
        Self::Replay,
        Self::CrossTenant,
        Self::Context,
        Self::Status,
        Self::Encryption,
        Self::Resource,
        Self::Foreign,
        Self::Schema,
        Self::Browser,
        Self::Accounts,
        Self::Tenancy,
        Self::Configuration,
        Self::Redirect,
        Self::Return,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Control => "control",
            Self::Wrapping => "signature wrapping",
            Self::DuplicateId => "duplicate IDs",
            Self::Stripping => "signature stripping",
            Self::KeySubstitution => "key substitution",
            Self::Algorithm => "algorithm confusion",
            Self::Transform => "references and transforms",
            Self::Comment => "comments",
            Self::Markup => "markup",
            Self::Entity => "DOCTYPE and entities",
            Self::Binding => "form fields",
            Self::Replay => "replay",
            Self::CrossTenant => "cross-tenant",
            Self::Context => "time, audience and addressee",
            Self::Status => "status",
            Self::Encryption => "encryption",
            Self::Resource => "resources",
            Self::Foreign => "elements of foreign namespaces",
            Self::Schema => "schema violations",
            Self::Browser => "browser binding",
            Self::Accounts => "accounts of several customers",
            Self::Tenancy => "tenants",
            Self::Configuration => "configuration",
            Self::Redirect => "redirect queries",
            Self::Return => "open redirects",
        })
    }
}
