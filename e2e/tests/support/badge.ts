// The badge beside the name of a VM, and all that it has said.

import type { Locator, Page } from '@playwright/test';

export const badge = (page: Page): Locator =>
  page.getByRole('heading', { level: 1 }).locator('..').getByRole('status');

/**
 * Notes every word of the badge from now on, in the page itself: who looks now and then misses what
 * is there for a moment. The answer has all of them so far, the present one first.
 */
export async function noteBadge(page: Page): Promise<() => Promise<string[]>> {
  await badge(page).waitFor();
  const words = await page.evaluateHandle(() => {
    // The page builds heading and badge again where much has changed.
    const word = () => document.querySelector('h1 ~ [role="status"]')?.textContent ?? '';
    const words = [word()];
    new MutationObserver(() => {
      const now = word();
      if (now !== '' && now !== words.at(-1)) words.push(now);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    return words;
  });
  return () => words.jsonValue();
}
