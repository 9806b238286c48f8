//! The limits of everything that a sender can make large.

/// The limits of a message.
///
/// There is one struct for all crates: this crate applies the first seven limits to the tree, and the two
/// `canonical_bytes_*` to its canonical forms; the crates that use it apply the others to messages. A message that
/// exceeds a limit is refused with the code `xml.limit` and the name of the limit. The defaults are larger than every
/// SAML message known to the authors needs; [`Limits::metadata`] is for a federation's aggregate.
///
/// ```
/// use vouchsafe_xml::Limits;
/// let limits = Limits::default().with_input_bytes(4 * 1024 * 1024);
/// assert_eq!(limits.input_bytes, 4 * 1024 * 1024);
/// assert_eq!(limits.depth, Limits::default().depth);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one document: 1 MiB. A signed and encrypted response has 10 to 40 KiB; one attribute with thousands
    /// of groups makes it some hundred KiB. ruby-saml stops at 250,000 bytes, form limits of web servers at 1 to 2
    /// MB. Whatever is set, a document of more than 1 GiB is never read.
    pub input_bytes: usize,
    /// Depth of nested elements: 100. A SAML response with an encrypted assertion is about 12 deep. libxml2 stops at
    /// 256, the JDK (24 and later) at 200.
    pub depth: usize,
    /// Nodes (elements, texts, comments and processing instructions): 100,000. 10,000 group values with indentation
    /// are 30,000 nodes. This limits the memory of the tree to some MiB.
    pub nodes: usize,
    /// Attributes and namespace declarations of one element: 200. An AuthnRequest has about 12. The JDK (24 and
    /// later) stops at 200.
    pub attributes_per_element: usize,
    /// Namespace declarations in scope at one place, including hidden ones: 200. Real messages have fewer than 20.
    /// Inclusive canonicalization writes all of them on one element.
    pub namespaces_in_scope: usize,
    /// Bytes of the name of an element, attribute or instruction, and of a namespace name: 1,024. The JDK stops names
    /// at 1,000; SAML allows identifiers of 1,024 characters (SAML core, 8.3.6).
    pub name_bytes: usize,
    /// Bytes of one attribute value, text, comment or instruction: 1 MiB. The ciphertext of an encrypted assertion is
    /// one text. libxml2 stops at 10,000,000.
    pub value_bytes: usize,
    /// Size of a canonical form as a multiple of the document's size: 4. Canonicalization writes characters as
    /// references, inherited declarations on every element that uses them, and an end tag for each empty element, so
    /// that 1 MiB could become 400 MiB. The messages known to the authors grow to 1.1 times their size, and 10,000
    /// group values that all use an `xsi` declared on the Response to 1.7 times. `>` in text, the worst case of
    /// single characters that need no escape, grows to 4 times. Each canonicalization may write
    /// `canonical_bytes_factor * bytes + canonical_bytes_extra`, and is refused before it writes more. One message
    /// has four canonicalizations: two signed elements and the SignedInfo of each.
    pub canonical_bytes_factor: usize,
    /// Bytes of a canonical form in addition to the multiple: 64 KiB. In a small document, inherited declarations are
    /// a large part.
    pub canonical_bytes_extra: usize,
    /// Bytes after inflating a DEFLATE-encoded message (SAML bindings, 3.4.4.1): 256 KiB. DEFLATE can grow up to
    /// 1,032 times, and a message in a URL has about 8 KiB at most, so only decompression bombs reach this limit.
    pub inflated_bytes: usize,
    /// References of one signature: 30. It is for a verifier outside the SAML profile, which allows one (SAML core,
    /// 5.4.2). The JDK's secure validation stops at 30.
    pub references: usize,
    /// Transforms of one reference: 5. The SAML profile allows two (SAML core, 5.4.4). The JDK's secure validation
    /// stops at 5.
    pub transforms: usize,
    /// Encrypted keys that are read for one encrypted element: 8. A sender writes one key for each recipient.
    pub encrypted_keys: usize,
    /// Private-key operations for one message: 32, whatever the number of its encrypted parts and of our keys. An
    /// operation with RSA of 2048 bits takes 1 to 3 ms; a message has one encrypted part, and a service has one or
    /// two keys.
    pub private_key_operations: usize,
    /// Public-key operations for one message: 32. Each key that is tried for a signature is one operation. The
    /// largest entities of federation metadata have fewer than ten keys, and a message has two signatures.
    pub public_key_operations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 1024 * 1024,
            depth: 100,
            nodes: 100_000,
            attributes_per_element: 200,
            namespaces_in_scope: 200,
            name_bytes: 1024,
            value_bytes: 1024 * 1024,
            canonical_bytes_factor: 4,
            canonical_bytes_extra: 64 * 1024,
            inflated_bytes: 256 * 1024,
            references: 30,
            transforms: 5,
            encrypted_keys: 8,
            private_key_operations: 32,
            public_key_operations: 32,
        }
    }
}

macro_rules! setters {
    ($($(#[$documentation:meta])* $setter:ident => $field:ident;)*) => {
        $(
            $(#[$documentation])*
            #[must_use]
            pub const fn $setter(mut self, $field: usize) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}

impl Limits {
    /// Returns limits for metadata from a configured source: 256 MiB and 20,000,000 nodes. The aggregate of eduGAIN
    /// has about 100 MB. It comes from a source that was chosen, and not from anybody who finds the endpoint. Its
    /// canonical form may have twice its bytes.
    #[must_use]
    pub fn metadata() -> Self {
        let (input_bytes, nodes) = (256 * 1024 * 1024, 20_000_000);
        Self { input_bytes, nodes, canonical_bytes_factor: 2, ..Self::default() }
    }

    /// Returns limits for one entity of an aggregate, which is parsed by itself: 4 MiB and 100,000 nodes; the other
    /// limits are those of a message. The largest entities known to the authors have about 100 KiB, including logos.
    #[must_use]
    pub fn metadata_entity() -> Self {
        Self { input_bytes: 4 * 1024 * 1024, ..Self::default() }
    }

    /// Returns how many bytes a canonical form may have, for a document of `document` bytes.
    pub(crate) const fn canonical_bytes(&self, document: usize) -> usize {
        document.saturating_mul(self.canonical_bytes_factor).saturating_add(self.canonical_bytes_extra)
    }

    setters! {
        /// Sets [`input_bytes`](Self::input_bytes).
        with_input_bytes => input_bytes;
        /// Sets [`depth`](Self::depth).
        with_depth => depth;
        /// Sets [`nodes`](Self::nodes).
        with_nodes => nodes;
        /// Sets [`attributes_per_element`](Self::attributes_per_element).
        with_attributes_per_element => attributes_per_element;
        /// Sets [`namespaces_in_scope`](Self::namespaces_in_scope).
        with_namespaces_in_scope => namespaces_in_scope;
        /// Sets [`name_bytes`](Self::name_bytes).
        with_name_bytes => name_bytes;
        /// Sets [`value_bytes`](Self::value_bytes).
        with_value_bytes => value_bytes;
        /// Sets [`canonical_bytes_factor`](Self::canonical_bytes_factor).
        with_canonical_bytes_factor => canonical_bytes_factor;
        /// Sets [`canonical_bytes_extra`](Self::canonical_bytes_extra).
        with_canonical_bytes_extra => canonical_bytes_extra;
        /// Sets [`inflated_bytes`](Self::inflated_bytes).
        with_inflated_bytes => inflated_bytes;
        /// Sets [`references`](Self::references).
        with_references => references;
        /// Sets [`transforms`](Self::transforms).
        with_transforms => transforms;
        /// Sets [`encrypted_keys`](Self::encrypted_keys).
        with_encrypted_keys => encrypted_keys;
        /// Sets [`private_key_operations`](Self::private_key_operations).
        with_private_key_operations => private_key_operations;
        /// Sets [`public_key_operations`](Self::public_key_operations).
        with_public_key_operations => public_key_operations;
    }
}
