//! Why the signature of a query does not verify: what its signer signed instead.
//!
//! An explanation is named only where a trusted key made the signature over that other text. It never changes a verdict.

use percent_encoding::utf8_percent_encode;
use vouchsafe_crypto::{Provider, base64_decode};

use crate::keys::{self, Signed};
use crate::query::{Parameters, VALUE, base64_value, form_value};
use crate::{SignatureError, TrustedKey, algorithms};

/// What the signer of a query signed in the place of the query as it came (SAML Bindings 3.4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryExplanation {
    /// `RelayState=` without a value, which is not in the query.
    EmptyRelayState,
    /// The query without the RelayState that is in it, which was added afterwards or left out by mistake.
    WithoutRelayState,
    /// The same parameters in another order.
    OtherOrder,
    /// The same values, percent-encoded otherwise: something encoded the query again after it was signed.
    OtherEncoding,
    /// The values before they were percent-encoded.
    DecodedValues,
}

/// Keys that each text is tried with.
const KEYS: usize = 4;

impl QueryExplanation {
    /// What was signed, as a sentence that follows "the signature".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::EmptyRelayState => "is over an empty RelayState parameter, which the query does not have",
            Self::WithoutRelayState => "is over the query without its RelayState",
            Self::OtherOrder => "is over the same parameters in another order",
            Self::OtherEncoding => "is over the same values with another percent-encoding",
            Self::DecodedValues => "is over the values before they were percent-encoded",
        }
    }

    /// What to change.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::EmptyRelayState => {
                "Have the sender sign only the parameters that it sends: where there is no RelayState, none is signed (SAML Bindings 3.4.4.1)."
            }
            Self::WithoutRelayState => {
                "Have the sender sign the RelayState together with the message (SAML Bindings 3.4.4.1). If it does, somebody added this RelayState \
                 to a signed query."
            }
            Self::OtherOrder => {
                "Have the sender sign SAMLRequest or SAMLResponse, then RelayState, then SigAlg, in this order (SAML Bindings 3.4.4.1)."
            }
            Self::OtherEncoding => {
                "Hand over the query exactly as it came, undecoded: a proxy or framework encoded it again. Different encoders write \
                 different letter cases and spaces."
            }
            Self::DecodedValues => {
                "Have the sender sign the values in the percent-encoding in which it sends them (SAML Bindings 3.4.4.1)."
            }
        }
    }
}

/// Looks for the text that a trusted key signed, where [`verify_query`](crate::verify_query) answered `signature.not_verified`. `None` if
/// none of the known mistakes explains it: then the key is another one, or the message was altered.
///
/// It costs at most 48 public-key operations, so it is for tools and logs, not for every request.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
/// use vouchsafe_signature::{QueryExplanation, TrustedKey, explain_query, sign_query};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let signed = sign_query("SAMLRequest=fZJ&RelayState=", SignatureAlgorithm::EcdsaSha256, &key, &provider)?;
/// let sent = signed.replace("&RelayState=&", "&");
///
/// let trusted = [TrustedKey::new(key.public_key().clone(), "peer")];
/// assert_eq!(explain_query(&sent, &trusted, &provider), Some(QueryExplanation::EmptyRelayState));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn explain_query(raw_query: &str, keys: &[TrustedKey], provider: &Provider) -> Option<QueryExplanation> {
    let parameters = Parameters::read(raw_query).ok()?;
    let (raw_algorithm, raw_signature) = (parameters.algorithm?, parameters.signature?);
    let uri = form_value("SigAlg", raw_algorithm).ok()?;
    let algorithm = algorithms::signature_by_uri(&uri, "SigAlg").ok()?;
    keys::accepted(algorithm, "SigAlg", provider).ok()?;
    let signature = base64_decode(base64_value("Signature", raw_signature).ok()?.as_bytes()).ok()?;
    let texts = otherwise(&parameters, raw_algorithm, &uri).ok()?;
    texts.into_iter().find_map(|(explanation, text)| {
        let element = parameters.parameter.name();
        let signed = Signed { algorithm, message: text.as_bytes(), signature: &signature, element };
        keys::key_that_signed(keys, &signed, provider, KEYS).ok().map(|_| explanation)
    })
}

/// What may have been signed instead.
fn otherwise(
    parameters: &Parameters<'_>,
    raw_algorithm: &str,
    uri: &str,
) -> Result<Vec<(QueryExplanation, String)>, SignatureError> {
    use QueryExplanation::{DecodedValues, EmptyRelayState, OtherEncoding, OtherOrder, WithoutRelayState};
    let name = parameters.parameter.name();
    let message = format!("{name}={}", parameters.message);
    let algorithm = format!("SigAlg={raw_algorithm}");
    let mut texts = Vec::new();
    match parameters.relay_state {
        None => texts.push((EmptyRelayState, format!("{message}&RelayState=&{algorithm}"))),
        Some(relay_state) => {
            let relay_state = format!("RelayState={relay_state}");
            texts.push((WithoutRelayState, format!("{message}&{algorithm}")));
            for order in [
                [&relay_state, &message, &algorithm],
                [&message, &algorithm, &relay_state],
                [&algorithm, &message, &relay_state],
                [&relay_state, &algorithm, &message],
                [&algorithm, &relay_state, &message],
            ] {
                texts.push((OtherOrder, order.map(String::as_str).join("&")));
            }
        }
    }
    let message = base64_value(name, parameters.message)?;
    let relay_state = parameters.relay_state.map(|raw| form_value("RelayState", raw)).transpose()?;
    let written = |encode: &dyn Fn(&str) -> String| {
        let relay_state = relay_state.as_deref().map(|state| format!("&RelayState={}", encode(state)));
        format!("{name}={}{}&SigAlg={}", encode(&message), relay_state.unwrap_or_default(), encode(uri))
    };
    let escaped = |text: &str| utf8_percent_encode(text, VALUE).to_string();
    texts.push((OtherEncoding, written(&escaped)));
    texts.push((OtherEncoding, written(&|text| lower_case(&escaped(text)))));
    texts.push((OtherEncoding, written(&|text| escaped(text).replace("%20", "+"))));
    texts.push((OtherEncoding, written(&|text| lower_case(&escaped(text)).replace("%20", "+"))));
    texts.push((DecodedValues, written(&str::to_owned)));
    Ok(texts)
}

/// Percent-encoding with hexadecimal digits in lower case, as .NET writes it.
fn lower_case(encoded: &str) -> String {
    let mut digits = 0_u8;
    encoded
        .chars()
        .map(|letter| {
            let is_digit = digits > 0;
            digits = if letter == '%' { 2 } else { digits.saturating_sub(1) };
            if is_digit { letter.to_ascii_lowercase() } else { letter }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use vouchsafe_crypto::{KeyKind, PrivateKey, SignatureAlgorithm, base64_encode};

    use super::*;
    use crate::verify_query;

    const MESSAGE: &str = "SAMLResponse=fZJ%2Bx%2F8%3D";
    const STATE: &str = "RelayState=%2Fhome%20of+ada";
    const ALGORITHM: &str = "SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23ecdsa-sha256";

    fn signature(key: &PrivateKey, provider: &Provider, text: &str) -> String {
        let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, key, text.as_bytes()).unwrap();
        format!("Signature={}", utf8_percent_encode(&base64_encode(&signature), VALUE))
    }

    /// What was sent, what was signed, and what is said.
    #[test]
    fn each_mistake_is_told() {
        use QueryExplanation::*;
        let provider = Provider::rustcrypto();
        let [key, other] = [(); 2].map(|()| provider.generate_key(KeyKind::P256).unwrap());
        let trusted = [TrustedKey::new(key.public_key().clone(), "peer")];
        let lower = |text: &str| lower_case(text);
        let whole = format!("{MESSAGE}&{STATE}&{ALGORITHM}");
        let stateless = format!("{MESSAGE}&{ALGORITHM}");
        for (sent, signed, expected) in [
            (&stateless, format!("{MESSAGE}&RelayState=&{ALGORITHM}"), Some(EmptyRelayState)),
            (&whole, stateless.clone(), Some(WithoutRelayState)),
            (&whole, format!("{STATE}&{MESSAGE}&{ALGORITHM}"), Some(OtherOrder)),
            (&whole, format!("{MESSAGE}&{ALGORITHM}&{STATE}"), Some(OtherOrder)),
            (&stateless, lower(&stateless), Some(OtherEncoding)),
            (&lower(&stateless), stateless.clone(), Some(OtherEncoding)),
            (&whole, format!("{MESSAGE}&RelayState=%2Fhome+of+ada&{ALGORITHM}"), Some(OtherEncoding)),
            (&whole, format!("{MESSAGE}&RelayState=%2Fhome%20of%20ada&{ALGORITHM}"), Some(OtherEncoding)),
            (
                &stateless,
                "SAMLResponse=fZJ+x/8=&SigAlg=http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(),
                Some(DecodedValues),
            ),
            (&stateless, stateless.replace("fZJ", "fZK"), None),
        ] {
            let query = format!("{sent}&{}", signature(&key, &provider, &signed));
            let verdict = verify_query(&query, &trusted, &provider);
            assert_eq!(verdict.unwrap_err().code(), "signature.not_verified", "{signed}");
            assert_eq!(explain_query(&query, &trusted, &provider), expected, "{signed}");
            let foreign = format!("{sent}&{}", signature(&other, &provider, &signed));
            assert_eq!(explain_query(&foreign, &trusted, &provider), None, "another key explains nothing");
        }
    }
}
