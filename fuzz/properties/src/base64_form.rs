//! Base64 has one reading, that of a decoder written here a second time; a posted form has the reading of its field.

use vouchsafe::crypto::{base64_decode, base64_encode};
use vouchsafe::{Limits, PostedResponse, RelayState};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let decoded = base64_decode(data).ok();
    assert_eq!(decoded, simply(data), "two decoders differ");
    if let Some(bytes) = &decoded {
        let packed: Vec<u8> = data.iter().copied().filter(|byte| !is_white_space(*byte)).collect();
        assert_eq!(base64_encode(bytes).as_bytes(), packed, "two texts for the same bytes");
    }
    assert_eq!(base64_decode(base64_encode(data)).ok().as_deref(), Some(data));
    form(data);
}

fn form(data: &[u8]) {
    let limits = Limits::default();
    let _ = PostedResponse::from_form(data, &limits);
    let value = base64_encode(data);
    let state = String::from_utf8_lossy(data);
    let body = format!("RelayState={}&SAMLResponse={}", escaped(state.as_bytes()), escaped(value.as_bytes()));
    let posted = PostedResponse::from_form(body.as_bytes(), &limits);
    match PostedResponse::from_base64(&value, &limits) {
        Ok(expected) => {
            let posted = posted.expect("an ordinary form");
            assert_eq!(posted, expected.with_relay_state(Some(RelayState::received(state))));
        }
        // What is known to be something else than XML is refused either way, with the same words.
        Err(error) => {
            let is_utf16 = data.starts_with(b"<\0");
            assert!(is_utf16 || !data.trim_ascii_start().starts_with(b"<"), "XML is left to its parser");
            assert_eq!(error.code(), "binding.not_xml");
            assert_eq!(posted.expect_err("the same field").to_string(), error.to_string());
        }
    }
    for again in ["SAMLResponse", "RelayState", "%53AMLResponse"] {
        assert!(PostedResponse::from_form(format!("{body}&{again}=x").as_bytes(), &limits).is_err());
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// Six bits a character, as the grammar of `xs:base64Binary` has it.
fn simply(text: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let packed: Vec<u8> = text.iter().copied().filter(|byte| !is_white_space(*byte)).collect();
    let body: &[u8] = match packed.as_slice() {
        [body @ .., b'=', b'='] | [body @ .., b'='] => body,
        body => body,
    };
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for byte in body {
        let value = ALPHABET.iter().position(|letter| letter == byte)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        held = held.checked_add(6)?;
        if held >= 8 {
            held = held.checked_sub(8)?;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= !(u32::MAX << held);
        }
    }
    (packed.len().is_multiple_of(4) && bits == 0).then_some(bytes)
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
