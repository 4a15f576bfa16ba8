// The page in Japanese: by the browser, by choice, complete, and in its place.

import AxeBuilder from '@axe-core/playwright';
import type { Page, TestInfo } from '@playwright/test';

import { expect, test } from './support/test.ts';

test.use({ locale: 'ja-JP' });

const PAGES = {
  list: '/',
  mistake: '/?q=colour:red',
  empty: '/?q=nothing-like-this',
  vm: '/vms/hoge/2',
  nodes: '/nodes',
  node: '/nodes/hoge',
  new: '/new',
  tasks: '/tasks',
  history: '/history',
  account: '/account',
  nowhere: '/else',
};

/** Waits until what the page has to say is there. */
async function settled(page: Page): Promise<void> {
  // The words are one more file that a busy machine compiles.
  await expect(page.getByRole('banner').getByRole('status')).toHaveText('リアルタイム', { timeout: 30_000 });
  await expect(page.getByRole('main').getByRole('heading').first()).toBeAttached();
  await expect(page.getByText(/読み込んでいます/)).toBeHidden();
}

async function picture(page: Page, info: TestInfo, name: string): Promise<void> {
  const path = info.outputPath(`${name}.png`);
  await page.screenshot({ path });
  await info.attach(name, { path, contentType: 'image/png' });
}

test('the language is that of the browser from the first byte, and of the user who chooses one', async ({
  lab,
  page,
}) => {
  const lang = async (headers: Record<string, string>) => {
    const answer = await fetch(lab.url, { headers });
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('accept-language');
    return /<html lang="(\w+)"/.exec(await answer.text())?.[1];
  };
  expect(await lang({ 'accept-language': 'ja,en;q=0.5' })).toBe('ja');
  expect(await lang({ 'accept-language': 'de,en;q=0.5' })).toBe('en');
  expect(await lang({ 'accept-language': 'ja', cookie: 'ecoman_language=en' })).toBe('en');

  await page.goto(`${lab.url}/account`);
  await settled(page);
  await page.getByRole('combobox', { name: /Language/ }).selectOption('English');
  await expect(page.getByRole('heading', { level: 1, name: 'Account' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.goto(`${lab.url}/nodes`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(page.getByRole('banner').getByRole('status')).toHaveText('Live');
  await page.goto(`${lab.url}/account`);
  await page.getByRole('combobox', { name: 'Language' }).selectOption('日本語');
  await settled(page);
});

test('a problem is reported in the language of the reader, with the same code', async ({ lab }) => {
  const problem = async (language: string) => {
    const answer = await fetch(`${lab.url}/api/v1/vms/hoge/999`, {
      headers: { 'accept-language': language },
    });
    expect(answer.headers.get('content-language')).toBe(language);
    return (await answer.json()) as { type: string; detail: string };
  };
  const [english, japanese] = [await problem('en'), await problem('ja')];
  expect(japanese.type).toBe(english.type);
  expect(english.detail).toBe('hoge has no VM 999; it may have been removed.');
  expect(japanese.detail).toBe('hoge に ID 999 の仮想マシンはありません。削除された可能性があります。');
});

/** What hosts say, and words of ESXi and of programs, which are the same in every language. */
const SAME =
  /Microsoft Windows Server 2019|Ubuntu Linux|primary database\n?.*|Example Systems.*|Management Network|\b(ECoMan|VMware|Tools|ESXi|Host Client|CSV|CPU|vCPU|GB|MB|TB|GHz|MHz|KB|OS|ID|IP|ISO|UUID|BIOS|API|REST|JSON|HTTP|UTC|DVD|CD|VLAN|NIC|SSH|ssh|vim-cmd|hosts\.yml|English|Language|AND|OR|NOT|Ctrl)\b/g;

/** Texts of the page, and those that only screen readers have, without what comes from hosts. */
function words(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    // Names, notes, commands and values are as the hosts say them.
    const theirs =
      'code, kbd, pre, a.name, .c-name, .c-node, .c-comment, .c-guest-os, .c-ip, [lang=en], [translate=no], option, textarea';
    const texts = new Set<string>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node instanceof Text) {
        const parent = node.parentElement;
        if (parent && !parent.closest(`${theirs}, script, style, noscript`)) texts.add(node.data);
      } else if (node instanceof HTMLElement && !node.closest(theirs)) {
        for (const name of ['aria-label', 'data-tip', 'data-label', 'title', 'placeholder', 'alt']) {
          const value = node.getAttribute(name);
          if (value) texts.add(value);
        }
      }
    }
    return [...texts].map((text) => text.trim()).filter((text) => text.length > 0);
  });
}

for (const width of [1280, 390]) {
  test.describe(`${width} px wide`, () => {
    test.use({ viewport: { width, height: 844 } });

    for (const [name, path] of Object.entries(PAGES)) {
      test(`${name} is in Japanese, in its place and accessible`, async ({ lab, page }, info) => {
        await page.goto(lab.url + path);
        await settled(page);
        await picture(page, info, name);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        expect(await cut(page), 'cut off').toEqual([]);

        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      });
    }

    test('the dialogs of settings are in Japanese, in their place and accessible', async ({ lab, page }, info) => {
      const dialog = page.getByRole('dialog');
      const check = async (name: string) => {
        await picture(page, info, name);
        expect(await cut(page), 'cut off').toEqual([]);
        const { violations } = await new AxeBuilder({ page }).include('dialog[open]').analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      };
      for (const vmid of [14, 2]) {
        await page.goto(`${lab.url}/vms/hoge/${vmid}`);
        await settled(page);
        await page.getByRole('button', { name: '設定の編集' }).click();
        await dialog.getByRole('textbox', { name: 'メモ', exact: true }).fill('所有者: 運用');
        await check(`edit-${vmid}`);
      }
      await page.goto(lab.url);
      await settled(page);
      await page.getByRole('grid').focus();
      await page.keyboard.press('Control+a');
      await page.getByRole('button', { name: 'メモの編集…' }).click();
      for (const mode of ['設定', '追記', '検索と置換']) {
        await dialog.getByRole('radio', { name: mode }).check();
        await dialog.getByRole('textbox').first().fill('owner');
        await check(`notes-${mode}`);
      }
    });
  });
}

test('no text of the page is outside the catalogue of its language', async ({ lab, page }) => {
  const left: [string, string[]][] = [];
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(lab.url + path);
    await settled(page);
    const english = (await words(page)).filter((text) => {
      const rest = text.replace(SAME, '');
      // Two words of four letters in a row are a sentence, or a label.
      return /[A-Za-z]{3,} [A-Za-z]{2,}|^[A-Z][a-z]{3,}$/.test(rest) && !/[ぁ-ヿ一-龯]/.test(rest);
    });
    if (english.length > 0) left.push([name, english]);
  }
  expect(left).toEqual([]);
});

/** Labels whose text does not fit into their place. */
function cut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const labels = document.querySelectorAll<HTMLElement>(
      'button, .button, .chip, .tab, th, [role=columnheader], h1, h2, dt, label, .notice, .strip',
    );
    return [...labels]
      .filter((label) => {
        const shown = label.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        if (!shown || label.closest('.sr, .skip')) return false;
        const box = label.getBoundingClientRect();
        const texts = document.createTreeWalker(label, NodeFilter.SHOW_TEXT);
        for (let text = texts.nextNode(); text; text = texts.nextNode()) {
          const parent = text.parentElement;
          if (!parent || !text.textContent?.trim()) continue;
          // Those that only screen readers have.
          if (parent.closest('.sr') || getComputedStyle(parent).clipPath !== 'none') continue;
          const range = document.createRange();
          range.selectNodeContents(text);
          const place = range.getBoundingClientRect();
          const outside = place.left < box.left - 1.5 || place.right > box.right + 1.5;
          if (place.width > 0 && (outside || place.bottom > box.bottom + 3)) return true;
        }
        return false;
      })
      .map((label) => `${label.className || label.tagName}: ${label.innerText}`);
  });
}

test('keys that an input method takes do nothing on the page', async ({ lab, page }) => {
  await page.goto(lab.url);
  await settled(page);
  const filter = page.getByRole('textbox', { name: 'フィルタ' });
  await filter.fill('web');
  const press = (init: { key: string; isComposing?: boolean; keyCode?: number }) =>
    filter.evaluate((it, init) => {
      it.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }));
    }, init);
  await press({ key: 'Escape', isComposing: true });
  await press({ key: 'Enter', isComposing: true });
  await press({ key: 'Enter', keyCode: 229 });
  await expect(filter).toHaveValue('web');
  await expect(filter).toBeFocused();
  await press({ key: 'Escape' });
  await expect(filter).toHaveValue('');
});
