"""An identity provider on lasso that signs a person in and then ends the session, or changes the name, over SOAP from its own side.

over_soap_lasso.py IDP_METADATA KEY CERTIFICATE SP_METADATA logout|name
Lines in JSON: it writes {"response"}, waits for a line, writes {"url", "envelope"}, reads {"envelope"} and writes {"confirmed"}.
"""
import json
import sys
import time

import lasso

metadata, key, certificate, service, what = sys.argv[1:6]
server = lasso.Server(metadata, key, None, certificate)
server.signatureMethod = lasso.SIGNATURE_METHOD_RSA_SHA256
server.addProvider(lasso.PROVIDER_ROLE_SP, service)
provider = list(server.providers.keys())[0]


def say(**fields):
    print(json.dumps(fields), flush=True)


login = lasso.Login(server)
login.initIdpInitiatedAuthnRequest(provider)
login.request.nameIdPolicy.format = (
    lasso.SAML2_NAME_IDENTIFIER_FORMAT_EMAIL if what == 'logout' else lasso.SAML2_NAME_IDENTIFIER_FORMAT_PERSISTENT)
login.request.nameIdPolicy.allowCreate = True
login.request.protocolBinding = lasso.SAML2_METADATA_BINDING_POST
login.processAuthnRequestMsg(None)
login.validateRequestMsg(True, True)
instant = lambda offset: time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + offset))
login.buildAssertion(lasso.SAML2_AUTHN_CONTEXT_PASSWORD, instant(0), None, instant(-60), instant(300))
if what == 'logout':
    login.assertion.subject.nameId.content = 'user1@example.com'
login.assertion.authnStatement[0].sessionIndex = login.assertion.id
login.setSignatureHint(lasso.PROFILE_SIGNATURE_HINT_FORCE)
login.buildAuthnResponseMsg()
say(response=login.msgBody)
sys.stdin.readline()

if what == 'logout':
    asking = lasso.Logout(server)
    asking.setSessionFromDump(login.session.dump())
    asking.initRequest(provider, lasso.HTTP_METHOD_SOAP)
else:
    asking = lasso.NameIdManagement(server)
    asking.setIdentityFromDump(login.identity.dump())
    asking.setSessionFromDump(login.session.dump())
    asking.initRequest(provider, 'theirs-1', lasso.HTTP_METHOD_SOAP)
asking.setSignatureHint(lasso.PROFILE_SIGNATURE_HINT_FORCE)
asking.buildRequestMsg()
say(url=asking.msgUrl, envelope=asking.msgBody)
answer = json.loads(sys.stdin.readline())['envelope']
try:
    asking.processResponseMsg(answer)
    say(confirmed=True)
except lasso.Error as error:
    say(confirmed=False, why=str(error))
