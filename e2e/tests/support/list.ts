// The list of the page, as a person sees it.

import { type Locator, type Page, expect } from '@playwright/test';

export const COLUMNS = [
  'Power',
  'Host',
  'VM ID',
  'Name',
  'IP address',
  'Uptime',
  'CPU',
  'Memory',
  'Storage',
  'Guest OS',
  'Notes',
  'Updated',
] as const;

export type Column = (typeof COLUMNS)[number];

export class List {
  readonly grid: Locator;
  readonly filter: Locator;
  /** "12 of 340 VMs" */
  readonly counts: Locator;

  constructor(private readonly page: Page) {
    this.grid = page.getByRole('grid', { name: 'Virtual machines' });
    this.filter = page.getByRole('textbox', { name: 'Filter' });
    this.counts = page
      .getByRole('search', { name: 'VMs' })
      .getByRole('status')
      .filter({ hasText: /^[\d,]+( of [\d,]+)? VMs$/ });
  }

  /** Opens it and waits for its rows. */
  async open(url: string, query = ''): Promise<void> {
    await this.page.goto(`${url}/${query}`);
    // Compiling the page and ten thousand VMs take a busy machine a while.
    await expect(this.rows.first()).toBeVisible({ timeout: 30_000 });
  }

  /** The rows in the document, without that of the headings. */
  get rows(): Locator {
    return this.grid.getByRole('row').filter({ has: this.page.getByRole('gridcell') });
  }

  /** The names that are shown, from top to bottom. */
  get names(): Locator {
    return this.grid.getByRole('gridcell').getByRole('link');
  }

  row(name: string): Locator {
    return this.rows.filter({ has: this.page.getByRole('link', { name, exact: true }) });
  }

  cell(name: string, column: Column): Locator {
    // A small screen leaves some columns out, but none of the others changes its place.
    const cells = this.row(name).getByRole('gridcell', { includeHidden: true });
    // The first one holds the box to select it.
    return cells.nth(COLUMNS.indexOf(column) + 1);
  }

  /** The box that selects a VM. */
  box(name: string): Locator {
    return this.row(name).getByRole('checkbox', { name: `Select ${name}`, exact: true });
  }

  /** What can be done to the selected VMs. */
  get selection(): Locator {
    return this.page.getByRole('region', { name: 'Selected VMs' });
  }

  heading(column: Column): Locator {
    return this.grid.getByRole('columnheader', { name: column, exact: true });
  }

  chip(name: 'Running' | 'Off' | 'Large' | 'Outdated'): Locator {
    return this.page
      .getByRole('group', { name: 'Show only' })
      .getByRole('button', { name: new RegExp(`^${name} `) });
  }

  /** The row that the keyboard is on. */
  get selected(): Locator {
    return this.grid.getByRole('row', { selected: true });
  }
}
