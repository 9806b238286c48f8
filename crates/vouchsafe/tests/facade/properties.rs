//! Properties that hold for every input.

use proptest::prelude::*;
use vouchsafe::crypto::base64_encode;
use vouchsafe::{Expect, Limits, PostedResponse, RelayState, redirect};

use crate::common::{Service, builder, now};

proptest! {
    #[test]
    fn what_is_encoded_decodes(text in ".{0,400}", state in proptest::option::of(".{1,100}")) {
        let state = state.map(RelayState::received);
        let query = redirect::encode(redirect::SAML_RESPONSE, &text, state.as_ref());
        prop_assert!(query.bytes().all(|byte| byte.is_ascii_graphic()));
        let decoded = redirect::decode_unverified(&query, &Limits::default()).unwrap();
        prop_assert_eq!(decoded.bytes(), text.as_bytes());
        prop_assert_eq!(decoded.relay_state(), state.as_ref());
    }

    #[test]
    fn a_form_carries_every_byte(bytes in proptest::collection::vec(any::<u8>(), 0..400), state in ".{0,100}") {
        // Content that begins as XML in UTF-16 is reported as that.
        prop_assume!(bytes.first() != Some(&0));
        let bytes = [b"<", bytes.as_slice()].concat();
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("SAMLResponse", &base64_encode(&bytes))
            .append_pair("RelayState", &state)
            .finish();
        let posted = PostedResponse::from_form(form.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(posted.relay_state().unwrap().as_str(), state);
        let direct = PostedResponse::from_base64(&base64_encode(&bytes), &Limits::default()).unwrap();
        prop_assert_eq!(direct.with_relay_state(posted.relay_state().cloned()), posted);
    }

    #[test]
    fn nothing_that_is_posted_is_believed_by_chance(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let service_provider = Service::new(builder());
        match PostedResponse::from_base64(&base64_encode(&body), service_provider.saml.limits()) {
            Ok(value) => prop_assert!(service_provider.receive(&value, Expect::Unsolicited, now()).is_err()),
            Err(error) => prop_assert_eq!(error.code(), "binding.not_xml"),
        }
        let _ = PostedResponse::from_form(&body, service_provider.saml.limits());
        let _ = redirect::decode_unverified(&String::from_utf8_lossy(&body), service_provider.saml.limits());
    }
}
