//! What a value looks like is told of anything, in words; and XML in base64 is never taken for something else.

use vouchsafe::crypto::base64_encode;
use vouchsafe::doctor::Doctor;
use vouchsafe::xml::Document;
use vouchsafe::{FieldContent, Limits, PostedResponse};

use crate::receive_past_signature::NOW;

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let _ = content(data);
}

/// What the input looks like.
#[must_use]
pub fn content(data: &[u8]) -> Option<FieldContent> {
    let content = FieldContent::of(data);
    if let Some(content) = content {
        assert!(!content.description().is_empty() && content.hint().ends_with('.'), "{content:?}");
    }
    let value = base64_encode(data);
    let limits = Limits::default();
    if Document::parse(data, &limits).is_ok() && data.starts_with(b"<") {
        assert_eq!(FieldContent::of(value.as_bytes()), None, "as it should be");
        assert!(PostedResponse::from_base64(&value, &limits).is_ok(), "left to its parser");
        if (40..20_000).contains(&data.len()) {
            for surrounded in
                [format!("\"{value}\""), format!("data:text/xml;base64,{value}"), format!("See: {value}\n.")]
            {
                let found = FieldContent::of(surrounded.as_bytes());
                assert_eq!(found, Some(FieldContent::SurroundedBase64), "{surrounded}");
            }
        }
    }
    let diagnosis = Doctor::new(NOW).examine(&[("value", data)]);
    assert!(!diagnosis.exhibits.is_empty(), "no answer");
    if let Ok(value) = std::str::from_utf8(data) {
        the_doctor_says_what_the_service_says(value);
    }
    content
}

/// What a service refuses as a posted field, the doctor does not call good, whatever it can read in it.
fn the_doctor_says_what_the_service_says(value: &str) {
    let Err(error) = PostedResponse::from_base64(value, &Limits::default()) else { return };
    let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let entry = format!(
        r#"{{"log":{{"entries":[{{"request":{{"method":"POST","url":"https://sp.example.com/acs","postData":{{"text":"SAMLResponse={escaped}"}}}}}}]}}}}"#
    );
    let diagnosis = Doctor::new(NOW).examine(&[("posted.har", entry.as_bytes())]);
    let told = diagnosis.exhibits.iter().flat_map(|exhibit| &exhibit.complaints);
    assert!(told.into_iter().any(|one| one.code == error.code()), "{error}: {diagnosis:?}");
    assert!(!diagnosis.is_healthy(), "{error}");
}
