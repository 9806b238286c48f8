// Records sign-ins at the example in headless Chromium, one HAR a fault, and the files that a support desk would have beside them.
//
//   node record.mjs SERVICE IDENTITY-PROVIDER OUTPUT-FOLDER [LIFETIME]
//
// The example is started by whoever calls this. Faults are made at the identity provider's page /admin, as people make them; what cannot be
// made there is done by the browser. With LIFETIME, the --request-lifetime of the example in seconds, only the answer that comes after it is
// recorded: every other sign-in is answered in time, however slow the machine is.

import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [service, identityProvider, output, lifetime] = process.argv.slice(2);
const ADA = 'ada@acme.example';
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

/** A browser of its own, with a page. A step that never comes ends the recording; a slow one does not. */
async function open(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(300_000);
  return [context, await context.newPage()];
}

/** Does something at the identity provider's page for administrators, without being recorded. */
async function admin(act) {
  const [context, page] = await open();
  await page.goto(`${identityProvider}/admin`);
  const result = await act(page);
  await context.close();
  return result;
}

/** The form of an application on that page, by the address that it posts to. */
const form = (page, action, app) => page.locator(`form[action="/admin/${action}"]:has(input[value="${app}"])`);

/** Sends a form on that page, and waits until it was answered. */
async function send(page, one) {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await one.locator('button').click();
  await answered;
}

async function faults(app, { audience = '', secondsAhead = '', signsAs = '' }) {
  await admin(async (page) => {
    const one = form(page, 'faults', app);
    await one.locator('[name=audience]').fill(audience);
    await one.locator('[name=seconds_ahead]').fill(secondsAhead);
    await one.locator('[name=signs_as]').selectOption(signsAs);
    await send(page, one);
  });
}

async function token(app, value) {
  return admin(async (page) => {
    const one = form(page, 'token', app);
    const before = await one.locator('[name=token]').inputValue();
    await one.locator('[name=token]').fill(value);
    await send(page, one);
    return before;
  });
}

/** Records what `act` does in a browser of its own. */
async function record(name, act) {
  const [context, page] = await open({ recordHar: { path: path.join(output, `${name}.har`), content: 'embed' } });
  await act(page, context);
  await context.close();
}

/** Begins at the service as somebody of Acme does, up to the page that asks who it is. */
async function begin(page) {
  await page.goto(`${service}/`);
  await page.fill('[name=organization]', 'acme');
  await page.click('text=Continue with SAML SSO');
  await page.waitForURL(`${identityProvider}/**`);
}

/** Waits until the sign-in has ended at a page of the service. */
async function atTheService(page) {
  await page.waitForURL(`${service}/**`);
}

/** Goes on as Ada, until the sign-in has ended. */
async function goOn(page, ended = atTheService) {
  await page.locator(`button:has-text("${ADA}")`).click();
  await ended(page);
}

async function signIn(page) {
  await begin(page);
  await goOn(page);
}

const [acme, globex] = await admin(async (page) => {
  const text = await page.content();
  return [...new Set([...text.matchAll(/\/app\/(exk\w+)\/sso\/saml\/metadata/g)].map((match) => match[1]))].sort();
});
const save = async (name, address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  fs.writeFileSync(path.join(output, name), await answer.text());
};
await save('acme.xml', `${identityProvider}/app/${acme}/sso/saml/metadata`);
await save('globex.xml', `${identityProvider}/app/${globex}/sso/saml/metadata`);
await save('service.xml', `${service}/saml/metadata`);

if (lifetime === undefined) {
  await inTime();
} else {
  await record('late-answer', async (page) => {
    await begin(page);
    // A longer wait does no harm. The service then starts a new sign-in, whose answer may be late too: the doctor names the first cause.
    await page.waitForTimeout(2_000 * lifetime);
    await goOn(page);
  });
}
await browser.close();

/** Records the sign-ins whose answers come before their requests expire. */
async function inTime() {
  await record('good', signIn);

  await record('replay', async (page, context) => {
    let posted;
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().startsWith(`${service}/saml/acs`)) posted ??= request.postData();
    });
    await signIn(page);
    // Another page of the same browser posts the form again, as an extension or a script does.
    const again = await context.newPage();
    const escaped = (text) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
    const inputs = [...new URLSearchParams(posted)].map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
    await again.setContent(`<form method="post" action="${service}/saml/acs">${inputs.join('')}<button>Again</button></form>`);
    await again.click('button');
    await atTheService(again);
  });

  await record('lost-cookie', async (page, context) => {
    await begin(page);
    await context.clearCookies();
    await goOn(page);
  });

  const right = await token(acme, 'a-token-that-nobody-issued');
  await record('wrong-token', signIn);
  await token(acme, '');
  await record('missing-token', signIn);
  await token(acme, right);

  await faults(acme, { audience: `${service}/saml/metadata/` });
  await record('wrong-audience', signIn);
  await faults(acme, { signsAs: globex });
  await record('other-tenants-key', signIn);
  await faults(acme, { secondsAhead: '3600' });
  await record('clock', signIn);
  await faults(acme, {});

  await admin((page) => send(page, form(page, 'unassign', acme)));
  await record('unassigned-person', async (page) => {
    await begin(page);
    await goOn(page, async () => {
      await page.getByRole('heading', { name: 'App Not Assigned' }).waitFor();
      await page.waitForLoadState();
    });
  });
  await admin((page) => send(page, form(page, 'assign', acme).filter({ has: page.locator(`input[value="${ADA}"]`) })));

  // Last, since the service keeps the old certificate.
  await admin((page) => send(page, form(page, 'key', acme)));
  await record('rolled-key', signIn);
}
