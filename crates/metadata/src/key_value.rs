//! Keys as numbers: ds:KeyValue (XML-DSig 1.1, 4.5.2) and dsig11:DEREncodedKeyValue (4.5.9).

use vouchsafe_crypto::{KeyValue, base64_decode};
use vouchsafe_xml::namespace::{DSIG, DSIG11};
use vouchsafe_xml::{Element, Quoted};

use crate::values::trimmed;

/// Returns whether this child of ds:KeyInfo is a key as numbers.
pub(crate) fn is_key_value(child: &Element<'_>) -> bool {
    child.is(DSIG, "KeyValue") || child.is(DSIG11, "DEREncodedKeyValue")
}

/// Reads such an element. Returns the reason if it cannot be read.
pub(crate) fn read(element: Element<'_>) -> Result<KeyValue, String> {
    if element.is(DSIG11, "DEREncodedKeyValue") {
        return of(element, KeyValue::from_spki_der(&bytes(element)?));
    }
    let mut children = element.elements();
    let (Some(value), None) = (children.next(), children.next()) else {
        return Err(format!("expected one element in ds:KeyValue, found {}", element.elements().count()));
    };
    if value.is(DSIG, "RSAKeyValue") {
        let (modulus, exponent) = (number(value, "Modulus")?, number(value, "Exponent")?);
        return of(value, KeyValue::rsa(&modulus, &exponent));
    }
    if value.is(DSIG11, "ECKeyValue") {
        return on_curve(value);
    }
    let name = Quoted::new(value.local_name());
    if ["RSAKeyValue", "ECKeyValue"].contains(&value.local_name()) {
        return Err(format!(
            "ds:KeyValue: {name} in namespace {} is not read",
            Quoted::new(value.namespace())
        ));
    }
    Err(format!("ds:KeyValue: {name} is not read; ds:RSAKeyValue and dsig11:ECKeyValue are"))
}

/// Reads a key on a curve. Only named curves are accepted, because parameters chosen by the sender would make forged
/// signatures valid.
fn on_curve(value: Element<'_>) -> Result<KeyValue, String> {
    let child = |name| value.elements().find(|child| child.is(DSIG11, name));
    let Some(curve) = child("NamedCurve") else {
        return Err(if child("ECParameters").is_some() {
            "ECKeyValue: explicit ECParameters are not read; the curve must be named by NamedCurve".to_owned()
        } else {
            "ECKeyValue has no NamedCurve".to_owned()
        });
    };
    let uri = trimmed(curve.attribute("URI").unwrap_or_default());
    let Some(identifier) = uri.strip_prefix("urn:oid:") else {
        return Err(format!(
            "ECKeyValue: NamedCurve must have a URI that begins with urn:oid:, found {}",
            Quoted::new(uri)
        ));
    };
    let point = child("PublicKey").ok_or("ECKeyValue has no PublicKey")?;
    of(value, KeyValue::on_named_curve(identifier, &bytes(point)?))
}

fn number(value: Element<'_>, name: &str) -> Result<Vec<u8>, String> {
    let element = value.elements().find(|child| child.is(DSIG, name));
    bytes(element.ok_or_else(|| format!("{} has no {name}", value.local_name()))?)
}

fn bytes(element: Element<'_>) -> Result<Vec<u8>, String> {
    of(element, base64_decode(element.text().as_bytes()))
}

fn of<T>(element: Element<'_>, read: Result<T, vouchsafe_crypto::CryptoError>) -> Result<T, String> {
    read.map_err(|error| format!("{}: {error}", element.local_name()))
}
