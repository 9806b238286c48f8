//! This module finds out why the signature of a query is not valid: which other text the signer signed.
//!
//! An explanation is returned only if a trusted key made the signature over that other text, or if the value itself
//! shows who made it. It never changes the result of the verification.

use percent_encoding::utf8_percent_encode;
use vouchsafe_crypto::{Provider, SignatureAlgorithm, base64_decode};

use crate::keys::{self, Signed};
use crate::query::{Parameters, VALUE, base64_value, form_value};
use crate::{SignatureError, TrustedKey, algorithms};

/// The text that the signer of a query signed instead of the received query (SAML Bindings 3.4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryExplanation {
    /// The query with an empty `RelayState=`, which the received query does not have.
    EmptyRelayState,
    /// The query without its RelayState: it was added afterwards, or the signer left it out by mistake.
    WithoutRelayState,
    /// The same parameters in another order.
    OtherOrder,
    /// The same values with another percent-encoding: some software encoded the query again after it was signed.
    OtherEncoding,
    /// The received query, but with its percent-encoding in the other letter case: `%2f` for `%2F`.
    LetterCase,
    /// The received query, but with another percent-encoding of its RelayState.
    RelayStateEncoding,
    /// The values before they were percent-encoded.
    DecodedValues,
    /// A trusted key made the signature, but none of these mistakes explains the text. This can be found out for RSA
    /// PKCS#1 v1.5 only.
    AlteredText,
    /// None of the trusted keys made the signature, over any text. This can be found out for RSA PKCS#1 v1.5 only.
    OtherKey,
}

/// The largest number of keys that each text is tried with.
const KEYS: usize = 4;

impl QueryExplanation {
    /// Returns what was signed, as a sentence that follows "the signature".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::EmptyRelayState => "is over an empty RelayState parameter, which the query does not have",
            Self::WithoutRelayState => "is over the query without its RelayState",
            Self::OtherOrder => "is over the same parameters in another order",
            Self::OtherEncoding => "is over the same values with another percent-encoding",
            Self::LetterCase => "is over the same query with the percent-encoding in the other letter case",
            Self::RelayStateEncoding => {
                "is over the same query with its RelayState percent-encoded otherwise"
            }
            Self::DecodedValues => "is over the values before they were percent-encoded",
            Self::AlteredText => {
                "is by a trusted key over another text: the query was altered after it was signed"
            }
            Self::OtherKey => "is by another key than the trusted ones, over whatever text",
        }
    }

    /// Returns what to change.
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
            Self::OtherEncoding | Self::LetterCase | Self::RelayStateEncoding => {
                "Hand over the query exactly as it came, undecoded: a proxy or framework encoded it again. Different encoders write \
                 different letter cases and spaces."
            }
            Self::DecodedValues => {
                "Have the sender sign the values in the percent-encoding in which it sends them (SAML Bindings 3.4.4.1)."
            }
            Self::AlteredText => {
                "The key is the right one, so something added, cut or changed a parameter on the way: compare the query with \
                 what the sender logged. If nothing does so, treat it as an attack."
            }
            Self::OtherKey => {
                "Compare the signing certificate in the sender's console with the one trusted here first. If it is the same, anybody may have \
                 made this query."
            }
        }
    }
}

/// Looks for the text that a trusted key signed, after [`verify_query`](crate::verify_query) returned
/// `signature.not_verified`. Returns `None` if no known mistake explains it, and the kind of key does not show
/// whether another key or an altered text is the reason.
///
/// It costs at most 84 public-key operations, so call it in tools and for logs, not for every request.
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
    let explained = texts.into_iter().find_map(|(explanation, text)| {
        let element = parameters.parameter.name();
        let signed = Signed { algorithm, message: text.as_bytes(), signature: &signature, element };
        keys::key_that_signed(keys, &signed, provider, KEYS).ok().map(|_| explanation)
    });
    explained.or_else(|| whose(algorithm, &signature, keys))
}

/// Finds out whether another key made the signature or the text was altered, if every trusted key can show it.
fn whose(algorithm: SignatureAlgorithm, signature: &[u8], keys: &[TrustedKey]) -> Option<QueryExplanation> {
    let fitting = keys.iter().filter(|key| algorithm.fits(key.public_key().kind()));
    let made: Vec<Option<bool>> = fitting
        .map(|key| key.public_key().made_value(algorithm, signature))
        .take(KEYS.saturating_add(1))
        .collect();
    if made.contains(&Some(true)) {
        return Some(QueryExplanation::AlteredText);
    }
    let all_tell = (1..=KEYS).contains(&made.len()) && made.iter().all(Option::is_some);
    all_tell.then_some(QueryExplanation::OtherKey)
}

/// Returns the texts that may have been signed instead.
fn otherwise(
    parameters: &Parameters<'_>,
    raw_algorithm: &str,
    uri: &str,
) -> Result<Vec<(QueryExplanation, String)>, SignatureError> {
    use QueryExplanation::{
        DecodedValues, EmptyRelayState, LetterCase, OtherEncoding, OtherOrder, RelayStateEncoding,
        WithoutRelayState,
    };
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
    let as_it_came = |relay_state: Option<String>| {
        let relay_state = relay_state.map(|state| format!("&RelayState={state}")).unwrap_or_default();
        format!("{message}{relay_state}&{algorithm}")
    };
    let whole = as_it_came(parameters.relay_state.map(str::to_owned));
    texts.extend([lower_case(&whole), upper_case(&whole)].map(|text| (LetterCase, text)));
    let encodings: [&dyn Fn(&str) -> String; 5] = [
        &|text| escaped(text),
        &|text| lower_case(&escaped(text)),
        &|text| escaped(text).replace("%20", "+"),
        &|text| lower_case(&escaped(text)).replace("%20", "+"),
        &str::to_owned,
    ];
    let relay_state = parameters.relay_state.map(|raw| form_value("RelayState", raw)).transpose()?;
    if let Some(state) = relay_state.as_deref() {
        texts.extend(encodings.map(|encode| (RelayStateEncoding, as_it_came(Some(encode(state))))));
    }
    let message = base64_value(name, parameters.message)?;
    let written = |encode: &dyn Fn(&str) -> String| {
        let relay_state = relay_state.as_deref().map(|state| format!("&RelayState={}", encode(state)));
        format!("{name}={}{}&SigAlg={}", encode(&message), relay_state.unwrap_or_default(), encode(uri))
    };
    let explanations = [OtherEncoding, OtherEncoding, OtherEncoding, OtherEncoding, DecodedValues];
    texts.extend(explanations.into_iter().zip(encodings.map(written)));
    Ok(texts)
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// Writes the hexadecimal digits of percent-encoding in lower case, as .NET does.
fn lower_case(encoded: &str) -> String {
    with_digits(encoded, |digit| digit.to_ascii_lowercase())
}

fn upper_case(encoded: &str) -> String {
    with_digits(encoded, |digit| digit.to_ascii_uppercase())
}

fn with_digits(encoded: &str, write: fn(&char) -> char) -> String {
    let mut digits = 0_u8;
    encoded
        .chars()
        .map(|letter| {
            let is_digit = digits > 0;
            digits = if letter == '%' { 2 } else { digits.saturating_sub(1) };
            if is_digit { write(&letter) } else { letter }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use vouchsafe_crypto::{KeyKind, PrivateKey, base64_encode};

    use super::*;
    use crate::verify_query;

    const MESSAGE: &str = "SAMLResponse=fZJ%2Bx%2F8%3D";
    const STATE: &str = "RelayState=%2Fhome%20of+ada";
    const ALGORITHM: &str = "SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23ecdsa-sha256";

    fn signature(key: &PrivateKey, provider: &Provider, text: &str) -> String {
        let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, key, text.as_bytes()).unwrap();
        format!("Signature={}", utf8_percent_encode(&base64_encode(&signature), VALUE))
    }

    /// Each row has the sent query, the signed text, and the expected explanation.
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
            (&stateless, lower(&stateless), Some(LetterCase)),
            (&lower(&stateless), stateless.clone(), Some(LetterCase)),
            (&whole, lower(&whole), Some(LetterCase)),
            (&whole, format!("{MESSAGE}&RelayState=%2Fhome+of+ada&{ALGORITHM}"), Some(RelayStateEncoding)),
            (
                &whole,
                format!("{MESSAGE}&RelayState=%2Fhome%20of%20ada&{ALGORITHM}"),
                Some(RelayStateEncoding),
            ),
            (&whole, format!("{MESSAGE}&RelayState=/home of ada&{ALGORITHM}"), Some(RelayStateEncoding)),
            (&stateless.replace("%2B", "%2b"), stateless.replace("%3D", "%3d").replace("%2F", "%2f"), None),
            (&format!("{MESSAGE}&RelayState=&{ALGORITHM}"), stateless.clone(), Some(WithoutRelayState)),
            (
                &whole.replace("%2Bx", "+x").replace("%2Fhome", "/home"),
                whole.replace("%20of+", "+of+"),
                Some(OtherEncoding),
            ),
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

    /// A value of RSA PKCS#1 v1.5 shows by itself whether the key made it.
    #[test]
    fn another_key_is_told_from_an_altered_text() {
        let provider = Provider::rustcrypto();
        let [key, other] = [(); 2].map(|()| provider.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap());
        let trusted = [TrustedKey::new(key.public_key().clone(), "peer")];
        let text = format!("{MESSAGE}&{}", ALGORITHM.replace("ecdsa-sha256", "rsa-sha256"));
        let signed = |by: &PrivateKey, text: &str| {
            let value = provider.sign(SignatureAlgorithm::RsaSha256, by, text.as_bytes()).unwrap();
            format!("Signature={}", utf8_percent_encode(&base64_encode(&value), VALUE))
        };
        for (query, expected) in [
            (format!("{text}&{}", signed(&key, &text.replace("fZJ", "fZK"))), QueryExplanation::AlteredText),
            (format!("{text}&{}", signed(&other, &text)), QueryExplanation::OtherKey),
            (format!("{text}&{}", signed(&key, &lower_case(&text))), QueryExplanation::LetterCase),
        ] {
            assert_eq!(explain_query(&query, &trusted, &provider), Some(expected), "{query}");
        }
        let elliptic =
            TrustedKey::new(provider.generate_key(KeyKind::P256).unwrap().public_key().clone(), "peer");
        let both = [trusted[0].clone(), elliptic];
        let foreign = format!("{text}&{}", signed(&other, &text));
        assert_eq!(explain_query(&foreign, &both, &provider), Some(QueryExplanation::OtherKey));
        assert_eq!(explain_query(&foreign, &[], &provider), None);
        let many = vec![trusted[0].clone(); 5];
        assert_eq!(explain_query(&foreign, &many, &provider), None, "more keys than are looked at");
    }
}
