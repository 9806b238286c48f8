//! Wrapping attacks on a signed Assertion: the original is moved, or a forged one is put where it is read first.
//!
//! In all of them the genuine signature is complete and valid for the original, wherever the original is.

use vouchsafe_xml::namespace::{DSIG, SAML_ASSERTION, SAML_PROTOCOL};

use super::scene::{Made, Scene};
use super::surgery::{after, append, copy, root, set, without};
use super::{Attack, Base, Kind};
use crate::TestkitError;

/// Somorovsky, Mayer, Schwenk, Kampmann, Jensen: "On Breaking SAML: Be Whoever You Want to Be", USENIX Security 2012.
pub(crate) const ON_BREAKING_SAML: &str = "Somorovsky et al., On Breaking SAML (2012)";

const fn row(name: &'static str, description: &'static str, make: fn(&Scene<'_>) -> Made) -> Attack {
    Attack::new(name, Kind::Wrapping, description, make).from(Base::Assertion)
}

pub(super) const ATTACKS: &[Attack] = &[
    row("wrapping/xsw3", "forged Assertion before the signed one", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.evil, &parts.original])))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw3-after", "forged Assertion after the signed one", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.original, &parts.evil])))
    }),
    row("wrapping/three-assertions", "the signed Assertion between two forged ones", |scene| {
        wrap(scene, |parts| {
            let last = set(&parts.evil, "ID", &parts.evil_id(), &format!("{}2", parts.evil_id()));
            Ok(parts.response(&[&parts.evil, &parts.original, &last]))
        })
    })
    .known_as("CVE-2022-41912 (crewjam/saml)"),
    row("wrapping/xsw4", "forged Assertion around the signed one", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&append(&parts.evil, &["Assertion"], &parts.original)?])))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw5", "forged Assertion holds the signature, the original follows", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.evil_with(&parts.signature)?, &parts.bare])))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw5-before", "the original first, then a forged Assertion with its signature", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.bare, &parts.evil_with(&parts.signature)?])))
    }),
    row("wrapping/xsw6", "forged Assertion holds the signature, that holds the original", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&parts.evil_with(&within(&parts.signature, &parts.bare)?)?])))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw7", "forged Assertion in Extensions before the signed one", |scene| {
        wrap(scene, |parts| parts.extended(&parts.response(&[&parts.original]), &parts.evil))
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/xsw8", "forged Assertion holds the signature, its ds:Object the original", |scene| {
        wrap(scene, |parts| {
            let signature = within(&parts.signature, &object(&parts.bare))?;
            Ok(parts.response(&[&parts.evil_with(&signature)?]))
        })
    })
    .known_as(ON_BREAKING_SAML),
    row("wrapping/advice", "the signed Assertion in the Advice of a forged one", |scene| {
        wrap(scene, |parts| Ok(parts.response(&[&advised(&parts.evil, &parts.original)?])))
    }),
    row(
        "wrapping/advice-detached",
        "the original in the Advice of a forged Assertion with its signature",
        |scene| {
            wrap(scene, |parts| {
                Ok(parts.response(&[&advised(&parts.evil_with(&parts.signature)?, &parts.bare)?]))
            })
        },
    ),
    row(
        "wrapping/attribute-value",
        "the signed Assertion is the value of an attribute of a forged one",
        |scene| {
            wrap(scene, |parts| {
                Ok(parts.response(&[&append(
                    &parts.evil,
                    &["Assertion"],
                    &attribute_value(&parts.original),
                )?]))
            })
        },
    ),
    row(
        "wrapping/attribute-value-detached",
        "the original is an attribute's value, its signature in the forged Assertion",
        |scene| {
            wrap(scene, |parts| {
                let evil = parts.evil_with(&parts.signature)?;
                Ok(parts.response(&[&append(&evil, &["Assertion"], &attribute_value(&parts.bare))?]))
            })
        },
    ),
    row(
        "wrapping/key-info",
        "the original in the KeyInfo of the signature, that in a forged Assertion",
        |scene| {
            wrap(scene, |parts| {
                let signature = append(&parts.signature, &["Signature", "KeyInfo"], &parts.bare)?;
                Ok(parts.response(&[&parts.evil_with(&signature)?]))
            })
        },
    ),
    row("wrapping/signature-value", "the original inside the SignatureValue", |scene| {
        wrap(scene, |parts| {
            let signature = append(&parts.signature, &["Signature", "SignatureValue"], &parts.bare)?;
            Ok(parts.response(&[&parts.evil_with(&signature)?]))
        })
    }),
    row(
        "wrapping/confirmation-data",
        "the signed Assertion in the SubjectConfirmationData of a forged one",
        |scene| {
            wrap(scene, |parts| {
                let path = ["Assertion", "Subject", "SubjectConfirmation", "SubjectConfirmationData"];
                Ok(parts.response(&[&append(&parts.evil, &path, &parts.original)?]))
            })
        },
    ),
    row(
        "wrapping/authn-context-declaration",
        "the signed Assertion in the AuthnContext of a forged one",
        |scene| {
            wrap(scene, |parts| {
                let declaration =
                    format!("<saml2:AuthnContextDecl>{}</saml2:AuthnContextDecl>", parts.original);
                let path = ["Assertion", "AuthnStatement", "AuthnContext"];
                Ok(parts.response(&[&append(&parts.evil, &path, &declaration)?]))
            })
        },
    ),
    row("wrapping/name-id", "the signed Assertion inside the NameID of a forged one", |scene| {
        wrap(scene, |parts| {
            Ok(parts.response(&[&append(&parts.evil, &["Assertion", "Subject", "NameID"], &parts.original)?]))
        })
    }),
    row("wrapping/issuer", "the signed Assertion inside the Issuer of the Response", |scene| {
        wrap(scene, |parts| append(&parts.response(&[&parts.evil]), &["Response", "Issuer"], &parts.original))
    }),
    row("wrapping/extensions", "the signed Assertion in Extensions, a forged one in its place", |scene| {
        wrap(scene, |parts| parts.extended(&parts.response(&[&parts.evil]), &parts.original))
    }),
    row(
        "wrapping/extensions-detached",
        "the original in Extensions, a forged Assertion with its signature",
        |scene| {
            wrap(scene, |parts| {
                parts.extended(&parts.response(&[&parts.evil_with(&parts.signature)?]), &parts.bare)
            })
        },
    ),
    row(
        "wrapping/extensions-response",
        "the whole genuine Response in Extensions, a forged Assertion",
        |scene| {
            wrap(scene, |parts| {
                let inner = parts.response(&[&parts.original]);
                let outer = set(&parts.response(&[&parts.evil]), "ID", &parts.response_id, "_outer");
                parts.extended(&outer, root(&inner))
            })
        },
    ),
    row(
        "wrapping/status-detail",
        "the signed Assertion in StatusDetail, a forged one in its place",
        |scene| wrap(scene, |parts| parts.detailed(&parts.response(&[&parts.evil]), &parts.original)),
    ),
    row("wrapping/status-detail-forged", "forged Assertion in StatusDetail before the signed one", |scene| {
        wrap(scene, |parts| parts.detailed(&parts.response(&[&parts.original]), &parts.evil))
    }),
    row(
        "wrapping/foreign-element",
        "the signed Assertion in an element without a meaning before a forged one",
        |scene| {
            wrap(scene, |parts| {
                let foreign = format!("<x:Wrapper xmlns:x=\"urn:example:x\">{}</x:Wrapper>", parts.original);
                Ok(parts.response(&[&foreign, &parts.evil]))
            })
        },
    ),
    row(
        "wrapping/response-signature",
        "the Assertion's signature as the Response's, a forged Assertion first",
        |scene| {
            wrap(scene, |parts| {
                let response = parts.response(&[&parts.evil, &parts.bare]);
                after(&response, &["Response", "Issuer"], &parts.signature)
            })
        },
    )
    .known_as("CVE-2024-8698 (Keycloak)"),
    row("wrapping/forged-in-key-info", "forged Assertion in the KeyInfo of the genuine signature", |scene| {
        wrap(scene, |parts| {
            let path = ["Response", "Assertion", "Signature", "KeyInfo"];
            append(&parts.response(&[&parts.original]), &path, &parts.evil)
        })
    }),
    row("wrapping/forged-in-object", "forged Assertion in a ds:Object of the genuine signature", |scene| {
        wrap(scene, |parts| {
            let path = ["Response", "Assertion", "Signature"];
            append(&parts.response(&[&parts.original]), &path, &object(&parts.evil))
        })
    }),
    row(
        "wrapping/forged-in-signature-value",
        "forged Assertion inside the genuine SignatureValue",
        |scene| {
            wrap(scene, |parts| {
                let path = ["Response", "Assertion", "Signature", "SignatureValue"];
                append(&parts.response(&[&parts.original]), &path, &parts.evil)
            })
        },
    ),
    row(
        "wrapping/subject-in-object",
        "forged Subject in a ds:Object, before the genuine one in the text",
        |scene| {
            wrap(scene, |parts| {
                let subject = copy(&parts.evil, &["Assertion", "Subject"])?.replacen(
                    "<saml2:Subject",
                    &format!("<saml2:Subject xmlns:saml2=\"{SAML_ASSERTION}\""),
                    1,
                );
                let path = ["Response", "Assertion", "Signature"];
                append(&parts.response(&[&parts.original]), &path, &object(&subject))
            })
        },
    ),
];

/// A genuine Response, split into its parts. Only its Assertion is signed.
pub(crate) struct Parts {
    shell: String,
    response_id: String,
    assertion_id: String,
    /// The Assertion with its signature.
    pub(crate) original: String,
    /// The Assertion without its signature.
    pub(crate) bare: String,
    pub(crate) signature: String,
    /// The same Assertion about the victim, without a signature and with an ID of its own.
    pub(crate) evil: String,
}

const HOLE: &str = "<assertions/>";

impl Parts {
    pub(crate) fn of(scene: &Scene<'_>) -> Result<Self, TestkitError> {
        let issued = scene.message().issue()?.into_xml();
        let (before, original, behind) = super::surgery::cut(&issued, &["Response", "Assertion"])?;
        let shell = [before, HOLE, behind].concat();
        let signature = copy(original, &["Assertion", "Signature"])?;
        let bare = without(original, &["Assertion", "Signature"])?;
        let assertion_id = scene.assertion_id();
        let evil = set(&scene.forged(&bare), "ID", &assertion_id, &format!("{assertion_id}.forged"));
        let (original, response_id) = (original.to_owned(), scene.response_id());
        Ok(Self { shell, response_id, assertion_id, original, bare, signature, evil })
    }

    /// Returns the Response with these children instead of the Assertion.
    pub(crate) fn response(&self, children: &[&str]) -> String {
        self.shell.replacen(HOLE, &children.concat(), 1)
    }

    /// Returns the forged Assertion with a text after its Issuer, in the place of a signature.
    pub(crate) fn evil_with(&self, signature: &str) -> Result<String, TestkitError> {
        after(&self.evil, &["Assertion", "Issuer"], signature)
    }

    /// Returns the forged Assertion with the ID of the genuine one.
    pub(crate) fn twin(&self) -> String {
        set(&self.evil, "ID", &self.evil_id(), &self.assertion_id)
    }

    pub(crate) fn assertion_id(&self) -> &str {
        &self.assertion_id
    }

    pub(crate) fn response_id(&self) -> &str {
        &self.response_id
    }

    pub(crate) fn evil_id(&self) -> String {
        format!("{}.forged", self.assertion_id)
    }

    pub(crate) fn extended(&self, response: &str, what: &str) -> Result<String, TestkitError> {
        after(response, &["Response", "Issuer"], &extensions(what))
    }

    pub(crate) fn detailed(&self, response: &str, what: &str) -> Result<String, TestkitError> {
        append(response, &["Response", "Status"], &status_detail(what))
    }
}

/// Returns one form. It may only be accepted as the attacker.
pub(crate) fn wrap(scene: &Scene<'_>, layout: impl FnOnce(&Parts) -> Result<String, TestkitError>) -> Made {
    Ok(vec![scene.bent(layout(&Parts::of(scene)?)?)])
}

/// Adds a text as the last child of a signature.
pub(crate) fn within(signature: &str, what: &str) -> Result<String, TestkitError> {
    append(signature, &["Signature"], what)
}

pub(crate) fn object(what: &str) -> String {
    format!("<ds:Object xmlns:ds=\"{DSIG}\">{what}</ds:Object>")
}

pub(crate) fn extensions(what: &str) -> String {
    format!("<saml2p:Extensions xmlns:saml2p=\"{SAML_PROTOCOL}\">{what}</saml2p:Extensions>")
}

pub(crate) fn status_detail(what: &str) -> String {
    format!("<saml2p:StatusDetail xmlns:saml2p=\"{SAML_PROTOCOL}\">{what}</saml2p:StatusDetail>")
}

pub(crate) fn advised(assertion: &str, what: &str) -> Result<String, TestkitError> {
    let advice = format!("<saml2:Advice xmlns:saml2=\"{SAML_ASSERTION}\">{what}</saml2:Advice>");
    after(assertion, &["Assertion", "Conditions"], &advice)
}

fn attribute_value(what: &str) -> String {
    format!(
        "<saml2:AttributeStatement xmlns:saml2=\"{SAML_ASSERTION}\"><saml2:Attribute Name=\"evidence\">\
         <saml2:AttributeValue>{what}</saml2:AttributeValue></saml2:Attribute></saml2:AttributeStatement>"
    )
}
