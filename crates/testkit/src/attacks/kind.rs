use std::fmt;

/// The weakness that an attack tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A genuine message that must be accepted. It is not an attack.
    Control,
    /// The signed element is moved, and a forged one stands where it is read.
    Wrapping,
    /// Two elements have the same identifier.
    DuplicateId,
    /// There is no signature, a part of a signature, or the signature of another element.
    Stripping,
    /// The signature is by a key that is in the message.
    KeySubstitution,
    /// The algorithm never proved anything, or is broken now.
    Algorithm,
    /// The reference covers other content than the content that is read.
    Transform,
    /// There are comments, which canonicalization drops and which split texts for some readers.
    Comment,
    /// There are processing instructions, CDATA, unusual namespaces or encodings, or more than one root.
    Markup,
    /// There is a DOCTYPE, or there are entities.
    Entity,
    /// The form around the message is changed.
    Binding,
    /// The message was accepted before.
    Replay,
    /// One customer's identity provider makes statements about another customer's people.
    CrossTenant,
    /// The message is genuine, but for somebody else, from another time, or in answer to another request.
    Context,
    /// The message reports a failure, but contains an assertion.
    Status,
    /// The ciphertext is not signed, or was changed.
    Encryption,
    /// The message is small, but causes much work.
    Resource,
    /// Elements have the right local name, but another namespace.
    Foreign,
    /// The message breaks the schema, or changes its meaning.
    Schema,
    /// Another browser than the one that started the request brings the answer.
    Browser,
    /// One customer's identity provider genuinely names another customer's person.
    Accounts,
    /// The identity provider is no longer trusted, or the address belongs to another customer.
    Tenancy,
    /// The metadata does not have the key that is needed.
    Configuration,
    /// The query of a redirect is changed.
    Redirect,
    /// The browser is sent to another site after signing in.
    Return,
}

impl Kind {
    /// All kinds of attack.
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
