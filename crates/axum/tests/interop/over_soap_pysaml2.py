"""An identity provider on pysaml2 that signs a person in and then ends the session, or changes the name, over SOAP from its own side.

over_soap_pysaml2.py IDP_METADATA KEY CERTIFICATE SP_METADATA logout|name
Lines in JSON: it writes {"response"}, waits for a line, writes {"url", "envelope"}, reads {"envelope"} and writes {"confirmed"}.
"""
import base64
import json
import re
import sys

from saml2 import BINDING_HTTP_POST, BINDING_SOAP, xmldsig
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.samlp import NewID
from saml2.server import Server

metadata, key, certificate, service, what = sys.argv[1:6]
entity = re.search(r'entityID="([^"]*)"', open(metadata).read()).group(1)
config = IdPConfig()
config.load({
    'entityid': entity,
    'key_file': key,
    'cert_file': certificate,
    'metadata': {'local': [service]},
    'service': {'idp': {'endpoints': {'single_sign_on_service': [], 'single_logout_service': []}}},
})
idp = Server(config=config)
SIGN, DIGEST = xmldsig.SIG_RSA_SHA256, xmldsig.DIGEST_SHA256
provider = list(idp.metadata.keys())[0]


def say(**fields):
    print(json.dumps(fields), flush=True)


name = NameID(format=NAMEID_FORMAT_EMAILADDRESS, text='user1@example.com')
_, consumer = idp.pick_binding('assertion_consumer_service', [BINDING_HTTP_POST], entity_id=provider)
response = idp.create_authn_response(
    {}, None, consumer, provider, name_id=name, authn={'class_ref': 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password'},
    sign_response=True, sign_assertion=True, sign_alg=SIGN, digest_alg=DIGEST)
say(response=base64.b64encode(str(response).encode()).decode())
sys.stdin.readline()

address = 'single_logout_service' if what == 'logout' else 'manage_name_id_service'
_, destination = idp.pick_binding(address, [BINDING_SOAP], entity_id=provider)
if what == 'logout':
    number, request = idp.create_logout_request(
        destination, provider, name_id=name, sign=True, sign_alg=SIGN, digest_alg=DIGEST)
else:
    number, request = idp.create_manage_name_id_request(
        destination, name_id=name, new_id=NewID(text='theirs-1'), sign=True, sign_alg=SIGN, digest_alg=DIGEST)
# The signed text as it is: pysaml2 would write it anew.
text = re.sub(r'^<\?xml[^>]*\?>\s*', '', str(request))
say(url=destination, envelope='<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>%s</S:Body></S:Envelope>' % text)
answer = json.loads(sys.stdin.readline())['envelope']
try:
    parse = idp.parse_logout_request_response if what == 'logout' else idp.parse_manage_name_id_request_response
    parsed = parse(answer, BINDING_SOAP)
    status = parsed.response.status.status_code.value
    say(confirmed=parsed.response.in_response_to == number and status.endswith(':Success'), why=status)
except Exception as error:
    say(confirmed=False, why='%s %s' % (type(error).__name__, error))
