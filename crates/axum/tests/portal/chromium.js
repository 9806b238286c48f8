// The browser of an administrator: node chromium.js JSON opens the link and, at one width and without script, goes through every
// step, judges newer metadata that waits (`walk: 'judge'`), or gives newer metadata (`walk: 'renew'`), and prints what it saw:
// the title of each page, what is wrong with a page, and the text of the last one.
const { chromium } = require('playwright-core');

(async () => {
  const { width, link, origin, metadata, walk, screenshots } = JSON.parse(process.argv[2]);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    headless: true,
    args: ['--no-proxy-server', '--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  const pages = [], complaints = [];
  page.on('console', message => /Content Security Policy|Refused/.test(message.text()) && complaints.push(message.text()));

  const look = async name => {
    const wrong = await page.evaluate(() => {
      const found = [];
      const root = document.documentElement;
      if (root.scrollWidth > root.clientWidth) found.push(`${root.scrollWidth} pixels wide`);
      if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
      if (!root.lang) found.push('no language');
      for (const field of document.querySelectorAll('input:not([type=hidden]), textarea, select')) {
        if (!field.labels.length) found.push(`no label: ${field.name}`);
      }
      if (getComputedStyle(document.body).margin !== '0px') found.push('the stylesheet is not there');
      return found;
    });
    complaints.push(...wrong.map(text => `${name}: ${text}`));
    pages.push(await page.title());
    if (screenshots) await page.screenshot({ path: `${screenshots}/${width}-${pages.length}-${name}.png`, fullPage: true });
  };
  // A click does not wait for the page that it leads to, and the one that is left is loaded already.
  const led = async (role, text) => {
    const loaded = page.waitForEvent('load');
    await page.getByRole(role, { name: text, exact: true }).click();
    await loaded;
  };
  const press = text => led('button', text);
  const follow = text => led('link', text);

  const setsUp = async () => {
    await look('overview');
    await follow('Begin');
    await look('product');
    await page.getByLabel('Okta', { exact: true }).check();
    await press('Show the values to copy');
    await look('values');
    await follow('Go on to the metadata');
    await look('metadata');
    await page.getByLabel('Address of the metadata').fill('https://10.0.0.1/metadata');
    await press('Use this metadata');
    await look('metadata-wrong');
    await page.getByRole('link', { name: 'Go to the field' }).click();
    // By the keyboard alone: the field has the focus after it.
    await page.keyboard.press('Tab');
    await page.getByLabel('Address of the metadata').fill(metadata);
    await press('Use this metadata');
    await look('trial');
    await press('Sign in at your identity provider');
    // The page leads on by itself; at the identity provider a user is chosen.
    await page.waitForURL(address => !address.href.startsWith(origin), { timeout: 30000 });
    await page.getByRole('button', { name: /Ada/ }).or(page.getByRole('button', { name: /ada@example.com/ })).first().click();
    await page.waitForURL(address => address.href.startsWith(origin), { timeout: 30000 });
    await page.getByText('The sign-in would be accepted.').waitFor({ timeout: 30000 });
    await look('tried');
    await follow('Go on to the activation');
    await look('activation');
    await follow('Domains');
    await look('domains');
    await follow('Activate');
    await press('Activate the connection');
    await look('done');
  };
  // Newer metadata waits: it is refused, the refusal ends, and what comes after it is approved.
  const judges = async () => {
    await look('waits');
    await press('Refuse this document');
    await look('refused');
    await press('End the refusal');
    await look('refusal-ended');
  };
  // People sign in already: whoever gives newer metadata is not sent to the values.
  const renews = async () => {
    await look('connected');
    await follow('Renew or replace');
    await page.getByLabel('Okta', { exact: true }).check();
    await press('Go on');
    await look('renewal');
    await follow('Show the values to copy');
    await look('values-for-another');
    await follow('Give newer metadata');
    await page.getByLabel('Address of the metadata').fill(metadata);
    await press('Use this metadata');
    await look('renewal-trial');
  };

  await page.goto(link);
  await look('landing');
  await press('Begin');
  await ({ judge: judges, renew: renews }[walk] || setsUp)();
  console.log(JSON.stringify({ pages, complaints, end: await page.locator('body').innerText() }));
  await browser.close();
})().catch(error => { console.error(error); process.exit(1); });
