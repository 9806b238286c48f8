// Takes the pictures in README.md at the example `okta`, in headless Chromium.
//
//   cd FOLDER-WITH-PLAYWRIGHT-CORE && node .../docs/pictures/take.mjs PROGRAM OUTPUT-FOLDER
//
// `just pictures` builds the program, installs playwright-core into a folder that is removed afterwards, and runs this script. The script starts
// the program on loopback and ends it. It fails if a page does not show what the picture is about.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const { chromium } = createRequire(`${process.cwd()}/`)('playwright-core');
const [program, output] = process.argv.slice(2);
const GRACE = 'grace@globex.example';

/** Starts the example with its two organizations connected, and returns what it writes for test tools. */
async function start(folder) {
  const file = path.join(folder, 'harness.json');
  const child = spawn(program, ['--listen', '127.0.0.1:0', '--harness', file], { stdio: 'ignore' });
  for (let tries = 0; tries < 150 && !fs.existsSync(file); tries += 1) {
    if (child.exitCode !== null) throw new Error(`the example ended with ${child.exitCode}`);
    await sleep(100);
  }
  return { child, harness: JSON.parse(fs.readFileSync(file, 'utf8')) };
}

/** Saves the element as a small WebP picture. */
async function save(page, name, selector) {
  const box = await page.locator(selector).first().boundingBox();
  const clip = { x: box.x - 16, y: box.y - 16, width: box.width + 32, height: box.height + 32, scale: 1 };
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp', quality: 85, clip, captureBeyondViewport: true,
  });
  fs.writeFileSync(path.join(output, `${name}.webp`), Buffer.from(data, 'base64'));
}

async function expectText(page, text) {
  const shown = await page.locator('body').innerText();
  if (!shown.includes(text)) throw new Error(`the page does not show "${text}":\n${shown}`);
}

/** Has the identity provider name another audience: the entity ID with a slash at its end. */
async function setWrongAudience(context, identityProvider, service) {
  const page = await context.newPage();
  await page.goto(`${identityProvider}/admin`);
  const form = page.locator('form[action="/admin/faults"]').last();
  await form.locator('[name=audience]').fill(`${service}/saml/metadata/`);
  await form.locator('button').click();
  await page.close();
}

async function signInAsGrace(page, service) {
  await page.goto(`${service}/`);
  await page.fill('[name=organization]', 'globex');
  await page.click('text=Continue with SAML SSO');
  await page.locator(`button:has-text("${GRACE}")`).click();
  await page.waitForLoadState('networkidle');
}

async function take(browser, { organizations, ...harness }) {
  const [service, identityProvider] = [harness.service, harness.identity_provider].map((address) => address.replace(/\/$/, ''));
  const options = { viewport: { width: 760, height: 700 }, colorScheme: 'light' };
  const owner = organizations.find((one) => one.slug === 'globex').owner;

  const person = await browser.newContext(options);
  const page = await person.newPage();
  await page.goto(`${service}/`);
  await expectText(page, 'Continue with SAML SSO');
  await save(page, 'sign-in', 'main');

  await setWrongAudience(person, identityProvider, service);
  await signInAsGrace(page, service);
  await expectText(page, 'could not be completed');
  const reference = (await page.locator('body').innerText()).match(/[0-9a-f]{8}-[0-9a-f]{8}/)[0];

  const administrator = await browser.newContext({ ...options, viewport: { width: 960, height: 700 } });
  const settings = await administrator.newPage();
  await settings.goto(`${service}/`);
  await settings.fill('[name=email]', owner.email);
  await settings.fill('[name=password]', owner.password);
  await settings.locator('form:has([name=password]) button').click();
  await settings.goto(`${service}/settings/refusals?reference=${reference}`);
  await expectText(settings, 'assertion.audience');
  await save(settings, 'refusal', 'section:has-text("What happened"), .card:has-text("What happened")');
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pictures-'));
const { child, harness } = await start(folder);
let browser;
try {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  await take(browser, harness);
} finally {
  await browser?.close();
  child.kill();
  fs.rmSync(folder, { recursive: true, force: true });
}
