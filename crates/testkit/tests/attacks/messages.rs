//! Reads the messages in a delivery.

use std::io::Read as _;

use vouchsafe_crypto::base64_decode;
use vouchsafe_testkit::attacks::Delivery;

/// Returns every message in the delivery, under any name.
pub(crate) fn text(delivery: &Delivery) -> String {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let messages = |text: &str, inflate: bool| {
        let values = text.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| decoded(value));
        let bytes = values.filter_map(|value| base64_decode(&value).ok()).map(|bytes| match inflate {
            true => {
                let mut xml = Vec::new();
                let _ = flate2::read::DeflateDecoder::new(bytes.as_slice()).read_to_end(&mut xml);
                xml
            }
            false => bytes,
        });
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect::<String>()
    };
    match delivery {
        Delivery::Redirect(query) => messages(query, true),
        Delivery::Post(form) => messages(form, false),
        Delivery::Soap(envelope) => envelope.clone(),
        _ => String::new(),
    }
}
