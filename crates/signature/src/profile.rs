//! The signature profile: the form that a `ds:Signature` must have before any digest or signature is computed.
//!
//! SAML Core 5.4 narrows XML-DSig to one form, and every signature wrapping attack needs another form. So this code
//! never searches or skips: each rule is one function, which names the element that must stand in each place and
//! refuses any other. [`read`] lists the rules in order.
//!
//! ```text
//! element ID="x"
//!   ds:Signature                      immediate child, exactly one
//!     ds:SignedInfo                   first
//!       ds:CanonicalizationMethod     one of the six
//!       ds:SignatureMethod
//!       ds:Reference URI="#x"         exactly one
//!         ds:Transforms               enveloped-signature, then at most one canonicalization
//!         ds:DigestMethod
//!         ds:DigestValue
//!     ds:SignatureValue               second
//!     ds:KeyInfo                      third, may be absent; never looked into
//! ```

use std::borrow::Cow;

use vouchsafe_crypto::{DigestAlgorithm, SignatureAlgorithm};
use vouchsafe_xml::{Attribute, Canonicalization, Document, Element, Limits, namespace};

use crate::SignatureError;
use crate::algorithms::{self, Method};
use crate::children::{Children, is_dsig, value};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Selects which attributes identify an element, and whether a reference may name the whole document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// SAML: the attribute is `ID`, and the reference always names it.
    Saml,
    /// Any enveloped signature: the attribute is `ID` or, outside SAML's namespaces, `Id` or `xml:id`. An empty URI
    /// is accepted at the root.
    Any,
}

/// A signature whose structure follows the profile. Nothing is verified yet.
pub(crate) struct Parts<'d> {
    /// The element that carries the signature. The reference names this element.
    pub(crate) element: Element<'d>,
    pub(crate) signature: Element<'d>,
    pub(crate) signed_info: Element<'d>,
    /// The method that converts `signed_info` into bytes.
    pub(crate) signed_info_method: Method<'d>,
    pub(crate) algorithm: SignatureAlgorithm,
    /// The signature value, base64.
    pub(crate) signature_value: Cow<'d, str>,
    /// The identifier that the reference names; `None` if it names the whole document.
    pub(crate) id: Option<&'d str>,
    /// The method that converts the element into bytes, without comments.
    pub(crate) reference_method: Method<'d>,
    pub(crate) digest: DigestAlgorithm,
    /// The digest value, base64.
    pub(crate) digest_value: Cow<'d, str>,
}

/// Reads the signature that `element` carries. An error means that its structure is refused.
pub(crate) fn read<'d>(
    element: Element<'d>,
    profile: Profile,
    limits: &Limits,
) -> Result<Parts<'d>, SignatureError> {
    let signature = the_only_signature(element)?;
    let (signed_info, signature_value) = signature_children(signature)?;
    let (canonicalization_method, signature_method, reference) = signed_info_children(signed_info)?;
    let (transforms, digest_method, digest_value) = reference_children(reference)?;
    let id = reference_names_the_element(reference, element, profile)?;
    if let Some(id) = id {
        identifier_is_unique(element, id)?;
    }
    Ok(Parts {
        element,
        signature,
        signed_info,
        signed_info_method: algorithms::canonicalization(
            canonicalization_method,
            "CanonicalizationMethod",
            limits,
        )?,
        algorithm: algorithms::signature(signature_method)?,
        signature_value: value(signature_value, "SignatureValue", &["Id"])?,
        id,
        reference_method: enveloped_then_canonicalization(transforms, limits)?,
        digest: algorithms::digest(digest_method, "DigestMethod")?,
        digest_value: value(digest_value, "DigestValue", &[])?,
    })
}

/// Returns the `ds:Signature` among the immediate children of `element`, if there is one.
///
/// # Errors
/// `signature.count` when there is more than one.
pub fn signature_child<'d>(element: Element<'d>) -> Result<Option<Element<'d>>, SignatureError> {
    let mut signatures = element.elements().filter(|child| is_dsig(*child, "Signature"));
    let first = signatures.next();
    match signatures.count() {
        0 => Ok(first),
        more => Err(SignatureError::Count {
            element: element.local_name().to_owned(),
            actual: more.saturating_add(1),
        }),
    }
}

/// Rule: the signature is an immediate child of the element that it signs, and the only one (SAML Core 5.4.1, 5.4.2).
fn the_only_signature<'d>(element: Element<'d>) -> Result<Element<'d>, SignatureError> {
    signature_child(element)?
        .ok_or_else(|| SignatureError::Missing { element: element.local_name().to_owned() })
}

/// Rule: the children are `SignedInfo`, `SignatureValue`, then at most one `KeyInfo`. `ds:Object` is refused.
fn signature_children<'d>(signature: Element<'d>) -> Result<(Element<'d>, Element<'d>), SignatureError> {
    let mut children = Children::of(signature, "Signature", &["Id"])?;
    let signed_info = children.next("SignedInfo")?;
    let signature_value = children.next("SignatureValue")?;
    children.optional("KeyInfo");
    children.end("ds:KeyInfo or nothing")?;
    Ok((signed_info, signature_value))
}

/// Rule: the children are `CanonicalizationMethod`, `SignatureMethod` and exactly one `Reference`.
fn signed_info_children<'d>(
    signed_info: Element<'d>,
) -> Result<(Element<'d>, Element<'d>, Element<'d>), SignatureError> {
    let references = signed_info.elements().filter(|child| is_dsig(*child, "Reference")).count();
    if references != 1 {
        return Err(SignatureError::ReferenceCount { actual: references });
    }
    let mut children = Children::of(signed_info, "SignedInfo", &["Id"])?;
    let canonicalization_method = children.next("CanonicalizationMethod")?;
    let signature_method = children.next("SignatureMethod")?;
    let reference = children.next("Reference")?;
    children.end("nothing after ds:Reference")?;
    Ok((canonicalization_method, signature_method, reference))
}

/// Rule: the children are `Transforms`, `DigestMethod` and `DigestValue`. The attribute `Type` is only advice to
/// applications (XML-DSig 4.4.3.2) and is ignored.
fn reference_children<'d>(
    reference: Element<'d>,
) -> Result<(Element<'d>, Element<'d>, Element<'d>), SignatureError> {
    let mut children = Children::of(reference, "Reference", &["Id", "URI", "Type"])?;
    let transforms = children.next("Transforms")?;
    let digest_method = children.next("DigestMethod")?;
    let digest_value = children.next("DigestValue")?;
    children.end("nothing after ds:DigestValue")?;
    Ok((transforms, digest_method, digest_value))
}

/// Rule: the URI is `#` and the identifier of the element that carries the signature (SAML Core 5.4.2). They are
/// compared as text: XPointer and percent-encoding are not accepted. `None` is the whole document, which only
/// [`Profile::Any`] allows.
fn reference_names_the_element<'d>(
    reference: Element<'d>,
    element: Element<'d>,
    profile: Profile,
) -> Result<Option<&'d str>, SignatureError> {
    let uri = reference
        .attribute("URI")
        .ok_or(SignatureError::AttributeMissing { element: "Reference", attribute: "URI" })?;
    if profile == Profile::Any && uri.is_empty() && element.parent().is_none() {
        return Ok(None);
    }
    let profile = if is_saml(element) { Profile::Saml } else { profile };
    let mut identifiers = identifiers(element, profile).peekable();
    let first = *identifiers
        .peek()
        .ok_or_else(|| SignatureError::IdMissing { element: element.local_name().to_owned() })?;
    let named = uri.strip_prefix('#').and_then(|name| identifiers.find(|id| *id == name));
    match named {
        Some(id) if is_bare_name(id) => Ok(Some(id)),
        Some(_) => Err(SignatureError::IdMissing { element: element.local_name().to_owned() }),
        None => Err(SignatureError::ReferenceUri { expected: format!("#{first}"), actual: uri.to_owned() }),
    }
}

/// Rule: no other element of the document has this identifier, under any of the attribute names `ID`, `Id` and
/// `xml:id`.
///
/// The position binds the reference to the element already. This rule refuses documents that other software would
/// read differently.
pub(crate) fn identifier_is_unique(element: Element<'_>, id: &str) -> Result<(), SignatureError> {
    let actual = identified(element.document(), id);
    if actual == 1 { Ok(()) } else { Err(SignatureError::IdRepeated { id: id.to_owned(), actual }) }
}

/// Returns how many elements have this identifier, under any of the attribute names `ID`, `Id` and `xml:id`.
pub(crate) fn identified(document: &Document, id: &str) -> usize {
    let is_identifier = |attribute: &Attribute<'_>| {
        let name = (attribute.namespace, attribute.local_name);
        matches!(name, ("", "ID" | "Id") | (namespace::XML, "id"))
    };
    document.attributes_with_value(id).filter(is_identifier).count()
}

/// Returns the values of the attributes that identify an element.
pub(crate) fn identifiers<'d>(element: Element<'d>, profile: Profile) -> impl Iterator<Item = &'d str> {
    let others = match profile {
        Profile::Saml => [None, None],
        Profile::Any => [element.attribute("Id"), element.attribute_in(namespace::XML, "id")],
    };
    std::iter::once(element.attribute("ID")).chain(others).flatten()
}

/// Returns whether an element is one of SAML's own. These are identified by `ID` under either profile.
fn is_saml(element: Element<'_>) -> bool {
    let name = element.namespace();
    [namespace::SAML_PROTOCOL, namespace::SAML_ASSERTION, namespace::SAML_METADATA].contains(&name)
}

/// Returns whether an identifier can stand in a URI fragment without being an XPointer or needing an escape.
///
/// Names that begin with a digit are not XML names, but they occur in practice and are not ambiguous.
pub(crate) fn is_bare_name(id: &str) -> bool {
    !id.is_empty()
        && id.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '~' | '+' | '=' | '/' | '{' | '}')
        })
}

/// Rule: the first transform is enveloped-signature, then at most one canonicalization follows (SAML Core 5.4.4).
/// Without a canonicalization, XML-DSig 4.4.3.2 prescribes Canonical XML 1.0. A same-document reference never
/// includes comments (4.4.3.3).
fn enveloped_then_canonicalization<'d>(
    transforms: Element<'d>,
    limits: &Limits,
) -> Result<Method<'d>, SignatureError> {
    let mut children = Children::of(transforms, "Transforms", &[])?;
    let enveloped = children.next("Transform")?;
    let uri = algorithms::named(enveloped, "Transform")?;
    if uri != ENVELOPED {
        return Err(SignatureError::Transform { position: 1, expected: ENVELOPED, actual: uri.to_owned() });
    }
    Children::of(enveloped, "Transform", &["Algorithm"])?.end("nothing inside enveloped-signature")?;
    let Some(second) = children.optional("Transform") else {
        children.end("ds:Transform or nothing")?;
        return Ok(Method::plain(Canonicalization::INCLUSIVE));
    };
    let uri = algorithms::named(second, "Transform")?;
    if Canonicalization::from_uri(uri).is_none() {
        return Err(SignatureError::Transform {
            position: 2,
            expected: "a canonicalization",
            actual: uri.to_owned(),
        });
    }
    if children.optional("Transform").is_some() {
        return Err(SignatureError::Transform {
            position: 3,
            expected: "nothing: at most two transforms",
            actual: "one more ds:Transform".to_owned(),
        });
    }
    children.end("at most two ds:Transform")?;
    Ok(algorithms::canonicalization(second, "Transform", limits)?.without_comments())
}
