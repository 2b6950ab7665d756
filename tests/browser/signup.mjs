// A household signs up in a real browser: on a phone and on a desk, with a mouse and with the keyboard alone.
//
// `.ci/browser` installs what this needs and runs it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';

const SHOTS = new URL('screenshots/', import.meta.url).pathname;
const SCREENS = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
/** Longer than a person takes between the clicks of a double click: the second one finds the form still there. */
const LATENCY = 500;
const LONG = `Rue ${'Donaudampfschifffahrt'.repeat(9)} 7`;

let browser;
/** Fetches what another one would still have in memory, as after ten minutes on the consent page. */
let forgetful;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  const start = (...more) => {
    // Chromium's own sandbox does not run as root. Only pages of this machine are opened.
    return puppeteer.launch({ executablePath: process.env.BROWSER, args: ['--no-sandbox', ...more] });
  };
  browser = await start();
  forgetful = await start('--disable-features=BackForwardCache');
});
after(() => Promise.all([browser.close(), forgetful.close()]));

/** The example on a free port, and how many households it has created: certain once it has stopped. */
async function serve(environment = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TRAXES_'));
  const env = { ...Object.fromEntries(inherited), RUST_LOG: 'warn,traxes_connect=debug', NO_COLOR: '1', ...environment };
  const process_ = spawn(process.env.SIGNUP, ['--listen', '127.0.0.1:0'], { env });
  const log = createInterface(process_.stderr);
  const logged = once(log, 'close');
  const site = { created: 0, stop: () => (process_.kill(), logged) };
  log.on('line', line => (site.created += line.includes('attempt succeeded')));
  for await (const line of createInterface(process_.stdout)) {
    site.url = line.replace('listening on ', '');
    return site;
  }
  throw new Error('the example did not start');
}

/** The example in front of an API that gives the same answer every time. */
async function serveWith(status, headers = {}) {
  const api = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status, headers).end());
  });
  await new Promise(done => api.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${api.address().port}`;
  const site = await serve({ TRAXES_BASE_URL: url, TRAXES_ACCESS_TOKEN: 'any' });
  const { stop } = site;
  return Object.assign(site, { stop: () => (stop(), api.close(), api.closeAllConnections()) });
}

/** A visitor with no history. Each address that the browser asks for is kept, and so is each form that it sends. */
async function visit(site, viewport, in_ = browser) {
  const context = await in_.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport(viewport);
  page.setDefaultTimeout(10_000);
  const visitor = { page, urls: [], posts: 0 };
  page.on('request', request => {
    visitor.urls.push(decodeURIComponent(request.url().replaceAll('+', ' ')));
    visitor.posts += request.method() === 'POST';
  });
  await page.goto(site.url);
  return visitor;
}

const path = page => new URL(page.url()).pathname;
const heading = page => page.$eval('h1', element => element.textContent);
const text = page => page.$eval('main', element => element.innerText);
const moving = (page, action) => Promise.all([page.waitForNavigation(), action]);

async function enter(page, name) {
  await page.$eval('#name', input => (input.value = ''));
  await page.type('#name', name);
  await moving(page, page.click('button'));
}

/** A picture in both colour schemes, and what nobody needs to look at one for. */
async function look(page, name) {
  const { width } = page.viewport();
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.screenshot({ path: `${SHOTS}${name}-${width}-${scheme}.png` });
    const faults = await page.evaluate(layoutFaults);
    assert.deepEqual(faults, [], `${name} at ${width} pixels, ${scheme}`);
  }
}

/** Runs in the page. */
function layoutFaults() {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  const numbers = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = colour => {
    const linear = numbers(colour).slice(0, 3).map(channel => channel / 255)
      .map(channel => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return numbers(colour)[3] === 0 ? ground(element.parentElement) : colour;
  };
  const main = document.querySelector('main').getBoundingClientRect();
  for (const element of document.querySelectorAll('main *')) {
    const box = element.getBoundingClientRect();
    if (box.width && (box.left < main.left || box.right > main.right)) faults.push(`${element.localName} sticks out`);
    const texts = [[element.innerText, getComputedStyle(element).color]];
    if (element.placeholder) texts.push([element.placeholder, getComputedStyle(element, '::placeholder').color]);
    for (const [text, colour] of texts.filter(([text]) => text)) {
      const ratio = contrast(colour, ground(element));
      if (ratio < 4.5) faults.push(`${element.localName} "${text}" has a contrast of ${ratio.toFixed(2)}`);
    }
    const target = element.matches('button, .button, input:not([type=hidden])');
    if (target && box.height < 44) faults.push(`${element.localName} is too small for a finger`);
  }
  return faults;
}

function assertPrivate(visitor, ...entered) {
  for (const url of visitor.urls) {
    for (const name of entered) assert(!url.includes(name), `${name} is in ${url}`);
  }
}

for (const screen of SCREENS) {
  for (const remembers of [true, false]) {
    const memory = remembers ? '' : ' in a browser that forgets';
    test(`at ${screen.width} pixels, a household signs up, goes back, corrects and signs up anew${memory}`, async () => {
      const site = await serve();
      try {
        const visitor = await visit(site, screen, remembers ? browser : forgetful);
        const { page } = visitor;
        await look(page, 'form');
        await enter(page, 'Zuckerhut 61');
        const first = path(page);
        assert.match(first, /^\/consent\//);
        assert.equal(await heading(page), 'Give your consent');
        await look(page, 'consent');
        await moving(page, page.click('button'));
        assert.equal(path(page), '/return');
        await look(page, 'return');

        await page.goBack();
        assert.equal(path(page), first);
        await page.goBack();
        assert.equal(path(page), '/');
        assert.equal(await page.$eval('#name', input => input.value), 'Zuckerhut 61', 'what was entered is gone');
        await moving(page, page.click('button'));
        assert.equal(path(page), first, 'the same form with the same name is one sign-up');
        assert.equal(site.created, 1);

        await page.goBack();
        await enter(page, 'Zuckerhut 16');
        assert.equal(await heading(page), 'This is a new sign-up');
        const told = await text(page);
        assert(told.includes('Zuckerhut 61') && told.includes('Zuckerhut 16'), told);
        await look(page, 'another');
        await moving(page, page.click('.button'));
        const second = path(page);
        assert.match(second, /^\/consent\//);
        assert.notEqual(second, first);
        await page.goBack();
        assert.equal(await heading(page), 'This is a new sign-up');
        await page.reload();
        assert.equal(await page.$eval('.button', link => link.pathname), second);
        assert.equal(site.created, 2);

        await page.goBack();
        await enter(page, LONG.slice(0, 200));
        assert.equal(await heading(page), 'This is a new sign-up');
        await look(page, 'another-long');
        assertPrivate(visitor, 'Zuckerhut', 'Donau');
      } finally {
        site.stop();
      }
    });
  }

  test(`at ${screen.width} pixels, a double click is one sign-up`, async () => {
    const site = await serve();
    try {
      const visitor = await visit(site, screen);
      const { page } = visitor;
      await page.type('#name', 'Zuckerhut 61');
      await page.emulateNetworkConditions({ download: -1, upload: -1, latency: LATENCY });
      const { x, y } = await (await page.$('button')).clickablePoint();
      await page.mouse.click(x, y);
      // A browser that cancels the first one before it has left proves nothing about the example.
      while (site.created === 0) await setTimeout(1);
      await moving(page, page.mouse.click(x, y));
      assert.match(path(page), /^\/consent\//);
      assert.equal(visitor.posts, 2);
      await site.stop();
      assert.equal(site.created, 1);
    } finally {
      site.stop();
    }
  });

  test(`at ${screen.width} pixels, the keyboard is enough`, async () => {
    const site = await serve();
    try {
      const visitor = await visit(site, screen);
      const { page } = visitor;
      const focused = () => page.evaluate(() => {
        const { localName, textContent } = document.activeElement;
        return `${localName} ${textContent}`.trim();
      });
      const outlined = () => page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };

      await page.waitForSelector('#name:focus');
      await page.keyboard.type('Zuckerhut 61');
      await press('Tab');
      assert.equal(await focused(), 'button Continue to consent');
      assert.equal(await outlined(), 'solid');
      await look(page, 'focus');
      await moving(page, press('Space'));
      assert.match(path(page), /^\/consent\//);
      await press('Tab');
      assert.equal(await focused(), 'button Give consent');
      await moving(page, press('Enter'));
      assert.equal(path(page), '/return');

      await page.goBack();
      await page.goBack();
      await page.focus('#name');
      await press('End', 'Backspace', 'Backspace', '1', '6');
      await moving(page, press('Enter'));
      assert.equal(await heading(page), 'This is a new sign-up');
      await press('Tab', 'Tab');
      assert.equal(await focused(), 'a Continue with the new one');
      assert.equal(await outlined(), 'solid');
      await moving(page, press('Enter'));
      assert.match(path(page), /^\/consent\//);
      assert.equal(site.created, 2);
    } finally {
      site.stop();
    }
  });

  test(`at ${screen.width} pixels, what goes wrong is told without an address in a URL`, async () => {
    const later = { 'retry-after': '120' };
    for (const [name, title, status, headers] of [
      ['refused', 'Sign up your household', 400],
      ['later', 'Please try again later', 429, later],
      ['unclear', 'We are not sure it worked', 500, { 'x-request-id': '3c90c3cc-0d44-4b50-8888-8dd25736052a' }],
    ]) {
      const site = await serveWith(status, headers);
      try {
        const visitor = await visit(site, screen);
        const { page } = visitor;
        await enter(page, 'Zuckerhut 61');
        assert.equal(await heading(page), title);
        await look(page, name);
        if (name !== 'unclear') {
          await moving(page, page.click('button'));
          assert.equal(await heading(page), title, 'sent again, it gets the same answer');
        }
        assertPrivate(visitor, 'Zuckerhut');
      } finally {
        site.stop();
      }
    }
    const site = await serve();
    try {
      const { page } = await visit(site, screen);
      await enter(page, '   ');
      assert.equal(await heading(page), 'Sign up your household');
      await look(page, 'empty');
      await page.goto(`${site.url}/elsewhere`);
      await look(page, 'not-found');
    } finally {
      site.stop();
    }
  });
}
