//! Documents that are not plain UTF-8: saved on Windows with a byte order mark or in UTF-16.

use vouchsafe_metadata::{Aggregate, IdentityProvider, MetadataDescription};
use vouchsafe_signature::{Signer, TrustedKey, sign};
use vouchsafe_xml::Limits;

use super::*;

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// Returns the same document in every form that XML parsers know.
fn forms(xml: &str) -> Vec<Vec<u8>> {
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n{xml}");
    let marked = format!("\u{feff}{declared}");
    vec![
        format!("\u{feff}{xml}").into_bytes(),
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>{xml}").into_bytes(),
        utf_16(&declared, u16::to_le_bytes),
        utf_16(&declared, u16::to_be_bytes),
        utf_16(&marked, u16::to_le_bytes),
        utf_16(&marked, u16::to_be_bytes),
        utf_16(&format!("\u{feff}{xml}"), u16::to_le_bytes),
    ]
}

#[test]
fn every_form_reads_the_same() {
    let xml = whole();
    let expected = format!("{:?}", described(&xml));
    for bytes in forms(&xml) {
        IdentityProvider::from_metadata(&bytes).unwrap();
        let read = MetadataDescription::read(&bytes).unwrap();
        assert_eq!(format!("{:?}", read.entities()[0]), expected);
        let aggregate = Aggregate::read(bytes).unwrap();
        let found = aggregate.find(&"https://idp.example.com".parse().unwrap()).unwrap();
        found.identity_provider().unwrap();
        let range = found.range().unwrap();
        assert!(aggregate.bytes()[range].starts_with(b"<md:EntityDescriptor"));
    }
}

#[test]
fn a_signature_is_over_the_text_and_not_over_its_bytes() {
    let (provider, limits) = (Provider::rustcrypto(), Limits::metadata());
    let xml = whole().replace("entityID=", "ID=\"_1\" entityID=");
    let signed = sign(&xml, "_1", &Signer::new(&KEY), &provider, &limits).unwrap();
    let key = TrustedKey::of_certificate(&CERTIFICATE, "publisher", &provider).unwrap();
    for bytes in forms(&signed) {
        let (aggregate, _) = Aggregate::read_signed(bytes, std::slice::from_ref(&key), &provider).unwrap();
        assert_eq!(aggregate.len(), 1);
    }
    let altered = forms(&signed.replace("The organization", "Another organization"));
    for bytes in altered {
        let refused = Aggregate::read_signed(bytes, std::slice::from_ref(&key), &provider).unwrap_err();
        assert_eq!(refused.code(), "signature.digest_mismatch");
    }
}

#[test]
fn another_encoding_is_refused() {
    let latin = [b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>".as_slice(), whole().as_bytes()].concat();
    let half = [utf_16(&format!("\u{feff}{}", whole()), u16::to_le_bytes), vec![b'<']].concat();
    for bytes in [latin, half] {
        assert_eq!(Aggregate::read(bytes).unwrap_err().code(), "xml.encoding");
    }
}
