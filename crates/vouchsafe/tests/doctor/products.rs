//! Each product recognised, and each quirk shown, by a sample.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe::doctor::{catalogue, hint_in_the_words_of_the_console};
use vouchsafe::redirect;
use vouchsafe_testkit::{self as testkit, Attribute, Encryption, keys};

use crate::samples::{NESTED, PERSISTENT, Sample, TRANSIENT, metadata};
use crate::{examine, now};

const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const GUID: &str = "1f0b7d3e-8a5c-4a36-9d21-7c4e5b6f8a90";

/// A logout message of this sender to this address.
fn logout(name: &str, issuer: &str, destination: &str, content: &str) -> String {
    format!(
        "<samlp:{name} xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\" Version=\"2.0\" \
         IssueInstant=\"2026-01-01T00:00:00Z\" Destination=\"{destination}\"><saml:Issuer>{issuer}</saml:Issuer>{content}</samlp:{name}>"
    )
}

/// The samples of each product: its short name in the catalogue, and files.
fn samples() -> Vec<(&'static str, Vec<String>)> {
    let okta = testkit::IdentityProvider::okta();
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let groups = okta
        .response()
        .name_id_format(unspecified)
        .attribute(Attribute::new("groups", ["Everyone", "app-team"]));
    let sealed = okta.response().encrypt(Encryption::to(keys::service_provider().certificate()));
    let microsoft = "https://login.microsoftonline.com/1f0b7d3e/saml2";
    let request = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_1\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" \
         Destination=\"{microsoft}\"><samlp:RequestedAuthnContext/></samlp:AuthnRequest>"
    );
    let query = redirect::encode(redirect::SAML_REQUEST, &request, None);
    let lower = query.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d");
    let entra = |name: &str, value: &str| {
        Sample::new("https://sts.windows.net/1f0b7d3e/", "samlp", "").attribute(name, value).xml()
    };
    let google = || Sample::new("https://accounts.google.com/o/saml2?idpid=C01", "saml2p", "saml2");
    let adfs = "http://fs.example.com/adfs/services/trust";
    let roles = "<RoleDescriptor xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"fed:SecurityTokenServiceType\" \
                 xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" protocolSupportEnumeration=\"x\"/>";
    let realm = "https://id.example.com/realms/staff";
    let scope = "<Extensions><shibmd:Scope xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" regexp=\"false\">example.org</shibmd:Scope></Extensions>";
    let ssp = "https://idp.example.com/simplesaml/saml2/idp/metadata.php";
    let plain = |issuer: &str| Sample::new(issuer, "samlp", "saml");
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    vec![
        ("okta", vec![okta.logout_request().signed().unwrap(), okta.metadata().unwrap(), groups.issue().unwrap().into_xml(), sealed.issue().unwrap().into_xml()]),
        (
            "entra",
            vec![
                entra("http://schemas.microsoft.com/claims/groups.link", "https://graph.windows.net/x"),
                entra("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", GUID),
                entra("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "a@example.com"),
                format!("{microsoft}?{lower}"),
                logout("LogoutRequest", "https://sts.windows.net/1f0b7d3e/", "https://app.example.com/saml/slo", "<saml:NameID>a</saml:NameID>"),
            ],
        ),
        (
            "google",
            vec![
                google().xml(),
                google().with(|sample| sample.sign_response = true).xml(),
                metadata("https://accounts.google.com/o/saml2?idpid=C01", "https://accounts.google.com/o/saml2/idp?idpid=C01", "", ""),
                logout("LogoutRequest", "urn:sp", "https://accounts.google.com/o/saml2/idp?idpid=C01", "<saml:NameID>a</saml:NameID>"),
            ],
        ),
        (
            "adfs",
            vec![
                Sample::new(adfs, "samlp", "")
                    .attribute(UPN, "ada@corp.example")
                    .with(|sample| {
                        sample.name_id = "SPNameQualifier=\"https://app.example.com/saml/metadata\"".to_owned();
                        sample.key_info = "<ds:X509Data><ds:X509Certificate>LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t</ds:X509Certificate></ds:X509Data>";
                    })
                    .xml(),
                metadata(adfs, "https://fs.example.com/adfs/ls/", "", roles),
                logout("LogoutRequest", "urn:sp", "https://fs.example.com/adfs/ls/", "<saml:NameID>a</saml:NameID>"),
            ],
        ),
        (
            "keycloak",
            vec![
                Sample::new(realm, "samlp", "saml")
                    .attribute("Role", "admin")
                    .attribute("Role", "user")
                    .with(|sample| {
                        sample.id = format!("ID_{GUID}");
                        sample.key_info = "<ds:KeyName>FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE</ds:KeyName>";
                        sample.name_id = format!("Format=\"{PERSISTENT}\"");
                    })
                    .xml(),
                metadata(realm, &format!("{realm}/protocol/saml"), "WantAuthnRequestsSigned=\"true\"", ""),
                logout("LogoutRequest", realm, "https://app.example.com/saml/slo", "<saml:NameID>a</saml:NameID>"),
            ],
        ),
        (
            "onelogin",
            vec![
                Sample::new("https://app.onelogin.com/saml/metadata/634027", "samlp", "saml")
                    .with(|sample| {
                        sample.id = "R060bff490336a09324ed664f6e8b03fa12dc1994".to_owned();
                        sample.assertion_id = format!("pfx{GUID}");
                        sample.destination = "";
                        sample.audience = "{audience}";
                        sample.algorithm = sha1;
                    })
                    .xml(),
            ],
        ),
        (
            "auth0",
            vec![
                Sample::new("\nurn:example.auth0.com\n", "samlp", "saml")
                    .attribute("http://schemas.auth0.com/clientID", "c")
                    .with(|sample| sample.algorithm = sha1)
                    .xml(),
            ],
        ),
        (
            "pingfederate",
            vec![
                Sample::new("https://pingfed.example.com", "samlp", "saml")
                    .with(|sample| {
                        sample.key_info = "";
                        sample.sign_response = true;
                    })
                    .xml(),
                metadata("urn:partner:idp", "https://sso.example.com/idp/SSO.saml2", "", ""),
            ],
        ),
        (
            "shibboleth",
            vec![
                Sample::new("https://idp.example.org/idp/shibboleth", "saml2p", "saml2")
                    .attribute("urn:oid:0.9.2342.19200300.100.1.3", "ada@example.org")
                    .with(|sample| sample.name_id = format!("Format=\"{TRANSIENT}\""))
                    .xml(),
                Sample::new("https://idp.example.org/idp/shibboleth", "saml2p", "saml2").with(|sample| sample.encrypted = Some(NESTED)).xml(),
                metadata("https://idp.example.org/idp/shibboleth", "https://idp.example.org/idp/profile/SAML2/Redirect/SSO", "", scope),
                logout("LogoutRequest", "https://idp.example.org/idp/shibboleth", "https://app.example.com/saml/slo", "<saml:EncryptedID/>"),
            ],
        ),
        (
            "simplesamlphp",
            vec![
                Sample::new(ssp, "samlp", "saml").attribute("uid", "ada").with(|sample| sample.name_id = format!("Format=\"{TRANSIENT}\"")).xml(),
                Sample::new(ssp, "samlp", "saml").with(|sample| sample.encrypted = Some(NESTED)).xml(),
                metadata(ssp, "https://idp.example.com/simplesaml/saml2/idp/SSOService.php", "", ""),
                logout(
                    "LogoutResponse",
                    ssp,
                    "https://app.example.com/saml/slo",
                    "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
                     Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"/></samlp:StatusCode></samlp:Status>",
                ),
            ],
        ),
        (
            "cloudflare",
            vec![
                plain("https://team.cloudflareaccess.com/cdn-cgi/access/sso/saml/1f0b").xml(),
                metadata("https://team.cloudflareaccess.com", "https://team.cloudflareaccess.com/cdn-cgi/access/sso/saml/1f0b", "", ""),
            ],
        ),
        (
            "cyberark",
            vec![
                plain("https://aab1234.id.cyberark.cloud/1f0b").with(|sample| sample.sign_response = true).xml(),
                metadata("urn:x", "https://aab1234.my.idaptive.app/applogin/appKey/1f0b", "", ""),
            ],
        ),
        ("duo", vec![plain("https://sso-1f0b.sso.duosecurity.com/saml2/sp/DI1/metadata").xml()]),
        (
            "ibm_verify",
            vec![
                plain("https://acme.verify.ibm.com/saml/sps/saml20ip/saml20").xml(),
                metadata("urn:x", "https://sso.example.com/saml/sps/saml20ip/saml20/login", "", ""),
            ],
        ),
        (
            "jumpcloud",
            vec![plain("JumpCloud-acme").xml(), metadata("urn:x", "https://sso.jumpcloud.com/saml2/acme", "", "")],
        ),
        ("miniorange", vec![plain("https://login.xecurify.com/moas/1f0b").xml()]),
        (
            "netiq",
            vec![
                plain("https://nam.example.com:8443/nidp/saml2/metadata").xml(),
                metadata("https://nam.example.com/nidp/saml2/metadata", "https://nam.example.com/nidp/saml2/sso", "", ""),
            ],
        ),
        ("oracle_idcs", vec![plain("https://idcs-1f0b.identity.oraclecloud.com:443/fed").xml()]),
        (
            "sap_ias",
            vec![
                plain("acme.accounts.ondemand.com").with(|sample| sample.algorithm = sha1).xml(),
                metadata("urn:x", "https://acme.accounts.cloud.sap/saml2/idp/sso", "", ""),
            ],
        ),
        (
            "zitadel",
            vec![
                plain("https://login.example.com/saml/v2/metadata").xml(),
                metadata("https://login.example.com/saml/v2/metadata", "https://login.example.com/saml/v2/SSO", "", "").replace(
                    "<SingleSignOnService",
                    "<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
                     Location=\"https://login.example.com/saml/v2/SLO\"/><SingleSignOnService",
                ),
            ],
        ),
        (
            "pingone",
            vec![plain("https://auth.pingone.eu/1f0b").with(|sample| sample.encrypted = Some(NESTED)).xml()],
        ),
    ]
}

#[test]
fn every_product_is_recognised_and_every_quirk_shown() {
    let samples: BTreeMap<&str, Vec<String>> = samples().into_iter().collect();
    for product in catalogue() {
        let files =
            samples.get(product.id.as_str()).unwrap_or_else(|| panic!("{} has no sample", product.id));
        let mut shown = BTreeSet::new();
        for file in files {
            let exhibit = examine(file);
            let recognised = exhibit
                .product
                .as_ref()
                .unwrap_or_else(|| panic!("{}: not recognised in {file}\n{exhibit:#?}", product.id));
            assert_eq!(recognised.name, product.name, "{file}\n{recognised:#?}");
            assert!(recognised.certain, "{file}\n{recognised:#?}");
            shown.extend(
                exhibit
                    .complaints
                    .iter()
                    .filter_map(|one| one.code.strip_prefix("quirk."))
                    .map(str::to_owned),
            );
        }
        let described: BTreeSet<String> =
            product.quirk.iter().map(|quirk| format!("{}.{}", product.id, quirk.id)).collect();
        assert_eq!(shown, described);
    }
    assert_eq!(samples.len(), catalogue().len());
}

#[test]
fn a_product_that_nobody_knows_is_not_guessed() {
    let unknown =
        Sample::new("https://login.example.net", "p", "a").with(|sample| sample.id = "x".to_owned());
    let exhibit = examine(unknown.xml());
    assert!(exhibit.product.is_none(), "{exhibit:#?}");
    // The setting is then named in general words.
    let settings = exhibit.complaints.iter().filter_map(|complaint| complaint.setting.as_ref());
    assert!(
        settings.into_iter().all(|setting| setting.place.contains("the identity provider's console")),
        "{exhibit:#?}"
    );
    assert!(now() > testkit::ISSUE_INSTANT);
}

/// The console of the recognised product has a name for each setting, which replaces Okta's.
#[test]
fn a_hint_speaks_of_the_console_of_the_product() {
    let issuers = [
        ("https://sts.windows.net/1f0b7d3e/", "Microsoft Entra ID"),
        ("https://accounts.google.com/o/saml2?idpid=C01", "Google"),
        ("http://fs.example.com/adfs/services/trust", "AD FS"),
        ("https://id.example.com/realms/staff", "Keycloak"),
        ("https://app.onelogin.com/saml/metadata/634027", "OneLogin"),
        ("https://auth.pingone.eu/1f0b", "PingOne"),
    ];
    let hints = [
        ("assertion.audience", "Set it (Okta: \"Audience URI (SP Entity ID)\"), letter by letter."),
        (
            "assertion.destination",
            "Set it (Okta: \"Single sign-on URL\", and \"Use this for Recipient URL\").",
        ),
        ("assertion.unsigned", "Have it sign (Okta: \"Response\" Signed)."),
        (
            "signature.not_verified",
            "compare the certificate (Okta: Sign On > SAML Signing Certificates) first",
        ),
        ("assertion.name_id", "Set it (Okta: \"Name ID format\")."),
        ("assertion.status", "Its log says why (Okta: Reports, System Log)."),
    ];
    for (issuer, name) in issuers {
        let document = Sample::new(issuer, "samlp", "saml").xml();
        for (code, hint) in hints {
            let words = hint_in_the_words_of_the_console(&[document.as_bytes()], code, hint);
            assert!(words.contains(&format!(" ({name}")) && !words.contains("Okta"), "{code} {words}");
            assert_eq!(words.matches('(').count(), words.matches(')').count(), "{words}");
        }
    }
    let (code, hint) = hints[0];
    let unknown =
        Sample::new("https://login.example.net", "p", "a").with(|sample| sample.id = "x".to_owned()).xml();
    let okta = testkit::IdentityProvider::okta().metadata().unwrap();
    assert_eq!(hint_in_the_words_of_the_console(&[okta.as_bytes()], code, hint), hint);
    for document in [unknown, "no XML".to_owned()] {
        let words = hint_in_the_words_of_the_console(&[document.as_bytes()], code, hint);
        assert_eq!(words, "Set it, letter by letter.");
    }
    let exhibit = crate::only(
        &vouchsafe::doctor::Doctor::new(now()).with_entity_id("https://other.example"),
        Sample::new("https://app.onelogin.com/saml/metadata/1", "samlp", "saml")
            .with(|sample| sample.destination = "")
            .xml(),
    );
    assert!(exhibit.complaints.iter().all(|one| !one.remedy.contains("Okta")), "{exhibit:#?}");
}
