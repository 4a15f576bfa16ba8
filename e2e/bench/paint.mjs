// From a key press to the new rows on the screen, and the frames of scrolling, in a list of
// 10,000 VMs. Usage: node paint.mjs URL, where `ecoman-bench seed` has filled the store.
//
// Keys are pressed by the browser's own input, as a person's are. A key's time runs from when the
// browser received it to after the frame in which the list's count had changed; keys that change
// nothing on the screen are left out.

import { chromium } from '@playwright/test';

const [url] = process.argv.slice(2);
if (!url) throw new Error('usage: node paint.mjs URL');

/** Typed one after the other, each into an empty filter. */
const FILTERS = ['web-0', 'db-01', 'esxi-042', '10.12.', 'owner: ops', 'power:off', 'memory:>=8GB'];
const ROUNDS = 4;
const FRAMES = 240;
const PIXELS_PER_FRAME = 170;

const browser = await chromium.launch({
  executablePath: process.env.ECOMAN_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  await page.goto(url);
  const counts = page
    .getByRole('search', { name: 'VMs' })
    .getByRole('status')
    .filter({ hasText: /^[\d,]+( of [\d,]+)? VMs$/ });
  await counts.waitFor();
  const filter = page.getByRole('textbox', { name: 'Filter' });
  await filter.focus();

  // Each key leaves its time in `painted`, or null when the count was the same a while later.
  const painted = await counts.evaluateHandle((element) => {
    const times = [];
    addEventListener(
      'keydown',
      (event) => {
        const before = element.textContent;
        const deadline = event.timeStamp + 500;
        const afterPaint = new MessageChannel();
        const frame = () => {
          if (element.textContent !== before) afterPaint.port2.postMessage(null);
          else if (performance.now() < deadline) requestAnimationFrame(frame);
          else times.push(null);
        };
        // A message is delivered after the frame that was being made when it was sent.
        afterPaint.port1.onmessage = () => times.push(performance.now() - event.timeStamp);
        requestAnimationFrame(frame);
      },
      { capture: true },
    );
    return times;
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const text of FILTERS) {
      for (const key of text) await press(page, painted, key);
      await press(page, painted, 'Control+a');
      await press(page, painted, 'Delete');
    }
  }
  const keys = (await painted.jsonValue()).filter((time) => time !== null);
  if (keys.length < 50) throw new Error(`only ${keys.length} keys changed the list`);

  const frames = await page.getByRole('grid', { name: 'Virtual machines' }).evaluate(
    (grid, [count, pixels]) =>
      new Promise((resolve) => {
        const frames = [];
        let last;
        const step = (now) => {
          if (last !== undefined) frames.push(now - last);
          last = now;
          grid.scrollTop += pixels;
          if (frames.length < count) requestAnimationFrame(step);
          else if (grid.scrollTop === 0) throw new Error('the list did not scroll');
          else resolve(frames);
        };
        requestAnimationFrame(step);
      }),
    [FRAMES, PIXELS_PER_FRAME],
  );

  figure('key_to_paint_10000_p50', quantile(keys, 0.5), 'ms');
  figure('key_to_paint_10000_p95', quantile(keys, 0.95), 'ms', 50);
  // A screen of 60 Hz shows a frame every 16.7 ms.
  figure('scroll_frame_10000_p95', quantile(frames, 0.95), 'ms', 16.8);
} finally {
  await browser.close();
}

/** Presses a key and waits until its time is known. */
async function press(page, painted, key) {
  const known = await painted.evaluate((times) => times.length);
  await page.keyboard.press(key);
  // A combination is two keys.
  const wanted = known + key.split('+').length;
  await page.waitForFunction(([times, wanted]) => times.length >= wanted, [painted, wanted]);
}

function quantile(values, fraction) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}

function figure(name, value, unit, goal) {
  const goalField = goal === undefined ? '' : ` goal=${goal}`;
  console.log(`BENCH name=${name} value=${value.toFixed(2)} unit=${unit}${goalField} better=lower`);
}
