import { expect, test } from './support/test.ts';

// The guard of every test sees requests to strangers and violations of the page's policy.
test('the API can be read and tried under /api/docs, without asking anybody else', async ({
  lab,
  page,
}) => {
  await page.goto(`${lab.url}/api/docs`);
  await expect(page).toHaveTitle('ECoMan API');
  await expect(page.getByRole('heading', { name: /^ECoMan/ })).toBeVisible();

  const listVms = page.locator('#operations-Virtual_machines-listVms');
  await listVms.getByRole('button', { name: /List VMs/ }).first().click();
  await listVms.getByRole('button', { name: 'Execute' }).click();
  const answer = listVms.locator('.live-responses-table');
  await expect(answer.locator('.response-col_status').last()).toContainText('200');
  await expect(answer).toContainText('"total": 6');
  await expect(answer).toContainText('x-request-id');
});

test('a change can be tried from its example, and a refusal is shown as a problem', async ({
  guard,
  lab,
  page,
}) => {
  // The browser's own word on the answer that is asked for.
  guard.allow(/status of 404/);
  await page.goto(`${lab.url}/api/docs/#/Virtual%20machines/setPower`);
  const setPower = page.locator('#operations-Virtual_machines-setPower');
  await setPower.getByPlaceholder('vmid').fill('4000');
  await setPower.getByRole('button', { name: 'Execute' }).click();
  const answer = setPower.locator('.live-responses-table');
  await expect(answer.locator('.response-col_status').last()).toContainText('404');
  await expect(answer).toContainText('urn:ecoman:problem:vm-not-found');
});
