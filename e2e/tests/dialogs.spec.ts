// Two browsers and one VM: one asks for a change of power and has the dialog open, and something
// happens to the VM behind it. The dialog says what and by whom, and what was confirmed before does
// not arrive on the node.

import type { Page } from '@playwright/test';

import { expect, test } from './support/test.ts';
import { type Lab, until } from './support/lab.ts';
import type { SimulatedNode } from './support/nodes.ts';

/** One that is asked for, and its state then. */
const DIALOGS = [
  { order: 'Power off', seen: 'on', call: 'power.off' },
  { order: 'Shut down', seen: 'on', call: 'power.shutdown' },
  { order: 'Reset', seen: 'on', call: 'power.reset' },
  { order: 'Reboot', seen: 'on', call: 'power.reboot' },
  { order: 'Suspend', seen: 'on', call: 'power.suspend' },
  // Of a suspended VM nothing else is asked back.
  { order: 'Power off', seen: 'suspended', call: 'power.off' },
] as const;

type Dialog = (typeof DIALOGS)[number];

interface Behind {
  what: string;
  /** Makes it happen; `undefined`: it cannot happen to a VM in this state. */
  happens: (lab: Lab, vm: number) => Promise<unknown>;
  /** What the dialog says then. */
  says: (name: string, dialog: Dialog) => RegExp;
  /** What has arrived on the node by then. */
  arrived: string[];
  /** The states in which it can happen. */
  of: readonly Dialog['seen'][];
  /** Whether the change may still be confirmed. */
  goesOn?: boolean;
  /** Whether reviewing offers it again: by order. */
  offered: readonly string[];
}

const power = (action: string) => async (lab: Lab, vm: number) => {
  expect((await lab.power('hoge', vm, action)).state, action).toBe('succeeded');
};

const CHANGES: Behind[] = [
  {
    what: 'another browser powers it off',
    happens: power('off'),
    says: (name, { seen }) =>
      new RegExp(`${name}: ${seen === 'on' ? 'On' : 'Suspended'} → Off \\(Power off, `),
    arrived: ['power.off'],
    of: ['on', 'suspended'],
    offered: [],
  },
  {
    what: 'another browser shuts it down',
    happens: power('shutdown'),
    says: (name) => new RegExp(`${name}: On → Off \\(Shut down, `),
    arrived: ['power.shutdown'],
    of: ['on'],
    offered: [],
  },
  {
    what: 'another browser suspends it',
    happens: power('suspend'),
    says: (name) => new RegExp(`${name}: On → Suspended \\(Suspend, `),
    arrived: ['power.suspend'],
    of: ['on'],
    // And then it says what that costs.
    offered: ['Power off'],
  },
  {
    what: 'another browser resets it',
    happens: power('reset'),
    says: (name) => new RegExp(`${name} was changed: Reset, `),
    arrived: ['power.reset'],
    of: ['on'],
    offered: ['Power off', 'Shut down', 'Reset', 'Reboot', 'Suspend'],
  },
  {
    what: 'another browser resumes it',
    happens: power('on'),
    says: (name) => new RegExp(`${name}: Suspended → On \\(Power on, `),
    arrived: ['power.on'],
    of: ['suspended'],
    offered: ['Power off'],
  },
  {
    what: 'it goes off outside ECoMan',
    happens: (lab, vm) => lab.nodes.editVm('hoge', vm, { power: 'off' }),
    says: (name, { seen }) =>
      new RegExp(`${name}: ${seen === 'on' ? 'On' : 'Suspended'} → Off \\(outside ECoMan\\)`),
    arrived: [],
    of: ['on', 'suspended'],
    offered: [],
  },
  {
    what: 'it is suspended outside ECoMan',
    happens: (lab, vm) => lab.nodes.editVm('hoge', vm, { power: 'suspended' }),
    says: (name) => new RegExp(`${name}: On → Suspended \\(outside ECoMan\\)`),
    arrived: [],
    of: ['on'],
    offered: ['Power off'],
  },
  {
    what: 'it is removed',
    happens: (lab, vm) => lab.nodes.removeVm('hoge', vm),
    says: (name) => new RegExp(`${name} was removed from hoge\\.`),
    arrived: [],
    of: ['on', 'suspended'],
    offered: [],
  },
  {
    what: 'its node goes away',
    happens: (lab) => lab.nodes.goesAway('hoge'),
    says: () => /hoge has not responded since/,
    arrived: [],
    of: ['on', 'suspended'],
    // Old facts forbid nothing.
    goesOn: true,
    offered: [],
  },
];

/** One VM for each change behind the dialog, so that no test waits for the one before. */
const node = (seen: Dialog['seen']): SimulatedNode[] => [
  {
    name: 'hoge',
    vms: CHANGES.map((_, place) => ({ id: place + 1, name: `vm-${place + 1}`, power: seen })),
  },
];

const dialogOf = (page: Page) => page.getByRole('dialog');

for (const dialog of DIALOGS) {
  const { order, seen, call } = dialog;
  test(`"${order}" of a VM that is ${seen}, and what happens behind it`, async ({
    ownLab,
    page,
    browser,
    guard,
  }) => {
    test.setTimeout(240_000);
    // The node that goes away comes last, and its API answers what it cannot do.
    guard.allow(/net::ERR_|status of \d+/);
    const lab = await ownLab(node(seen));
    const other = await (await browser.newContext()).newPage();
    await other.goto(`${lab.url}/`);
    for (const [place, behind] of CHANGES.entries()) {
      if (!behind.of.includes(seen)) continue;
      await test.step(behind.what, async () => {
        const vm = place + 1;
        const name = `vm-${vm}`;
        await page.goto(`${lab.url}/vms/hoge/${vm}`);
        await page.getByRole('group', { name: 'Power' }).getByRole('button', { name: order, exact: true }).click();
        const open = dialogOf(page);
        const confirm = open.getByRole('button', { name: order, exact: true });
        await expect(confirm).toBeEnabled();
        if (seen === 'suspended') await expect(open).toContainText('its saved memory is lost');

        await behind.happens(lab, vm);
        await expect(open, behind.what).toContainText(behind.says(name, dialog), { timeout: 30_000 });
        if (behind.goesOn) {
          await expect(confirm).toBeEnabled();
          await open.getByRole('button', { name: 'Cancel' }).click();
          return;
        }
        await expect(confirm).toBeDisabled();
        // A click that was on its way already.
        await confirm.click({ force: true });
        await expect(open).toBeVisible();
        const { changes } = await lab.nodes.look('hoge', vm);
        expect(changes, 'on the node').toEqual(behind.arrived);

        await open.getByRole('button', { name: 'Review again' }).click();
        if (behind.what === 'it is removed') {
          await expect(confirm).toBeDisabled();
        } else if (behind.offered.includes(order)) {
          await expect(confirm).toBeEnabled();
          if (order === 'Power off' && /suspend/.test(behind.what)) {
            await expect(open).toContainText('its saved memory is lost');
          }
          await confirm.click();
          await until(`${call} arrives at ${name}`, async () => {
            const { changes } = await lab.nodes.look('hoge', vm);
            return changes.at(-1) === call && changes.length === behind.arrived.length + 1;
          });
          return;
        } else {
          await expect(open.getByRole('heading')).toContainText('none of these VMs');
        }
        await page.keyboard.press('Escape');
        await expect(open).toBeHidden();
      });
    }
    await other.close();
  });
}

test('of many VMs those that change behind the dialog are left out, and the rest is counted again', async ({
  ownLab,
  list,
  page,
}) => {
  test.setTimeout(120_000);
  const { url, nodes } = await ownLab([
    {
      name: 'hoge',
      vms: Array.from({ length: 7 }, (_, place) => ({
        id: place + 1,
        name: `vm-${place + 1}`,
        power: place === 6 ? 'suspended' : 'on',
      })),
    },
  ]);
  await list.open(url);
  await page.getByRole('checkbox', { name: 'Select all that match' }).check();
  await list.selection.getByRole('button', { name: 'Power off', exact: true }).click();
  const open = dialogOf(page);
  await expect(open).toContainText('1 suspended VM loses its saved memory.');
  const preview = open.getByRole('region', { name: 'Preview' });
  await expect(preview.getByRole('listitem')).toHaveCount(7);
  const number = open.getByRole('textbox', { name: /^Type .* to confirm/ });
  await number.fill('7');
  await expect(open.getByRole('button', { name: 'Power off 7 VMs' })).toBeEnabled();

  await nodes.editVm('hoge', 1, { power: 'suspended' });
  await nodes.removeVm('hoge', 2);
  await expect(open).toContainText('vm-1: On → Suspended (outside ECoMan)', { timeout: 30_000 });
  await expect(open).toContainText('vm-2 was removed from hoge.', { timeout: 30_000 });
  await expect(preview.getByRole('listitem')).toHaveCount(5);
  await expect(number, 'what is typed stays').toHaveValue('7');
  await expect(number, 'and so does the focus').toBeFocused();
  const confirm = open.getByRole('button', { name: 'Power off 5 VMs' });
  await expect(confirm, 'it is five now').toBeDisabled();
  await number.fill('5');
  await confirm.click();
  await expect(open.getByRole('status')).toHaveText(/^5 completed, 0 failed/, { timeout: 45_000 });
  for (const id of [3, 4, 5, 6, 7]) {
    expect(await nodes.look('hoge', id), `VM ${id}`).toEqual({ power: 'off', changes: ['power.off'] });
  }
  expect(await nodes.look('hoge', 1)).toEqual({ power: 'suspended', changes: [] });
  await open.getByRole('button', { name: 'Close' }).click();
  await expect(list.selection, 'what was done is selected no more').toContainText('1 selected');
});
