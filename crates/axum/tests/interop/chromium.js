// The browser's part: node chromium.js RULES URL ... opens each address in one Chromium, in which host names lead where RULES says, waits
// until it arrives at /home, and prints what it shows there and the cookies it holds.
const { chromium } = require('playwright-core');

(async () => {
  const [rules, ...addresses] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    headless: true,
    args: [`--host-resolver-rules=${rules}`, '--no-proxy-server', '--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', message => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
  const shown = [];
  for (const address of addresses) {
    await page.goto(address);
    await page.waitForURL('**/home', { timeout: 30000 }).catch(error => complaints.push(`${page.url()}: ${error}`));
    shown.push(await page.locator('body').innerText());
  }
  console.log(JSON.stringify({ shown, cookies: await context.cookies(), complaints }));
  await browser.close();
})().catch(error => { console.error(error); process.exit(1); });
