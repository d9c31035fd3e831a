import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, openBrowser, openPage, violationsOn } from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe.skipIf(chromiumPath === undefined)('the trash in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let server: TestServer

  beforeAll(async () => {
    browser = await openBrowser()
    server = await startTestServer()
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
  })

  const mlflow = async (path: string, body: object) => {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await response.json()) as { run: { info: { run_id: string } } }
  }

  test('what was deleted is listed, restored and, after a look at what it means, purged', async () => {
    for (const run_name of ['first', 'second']) {
      const { run } = await mlflow('runs/create', { experiment_id: '0', run_name })
      await mlflow('runs/delete', { run_id: run.info.run_id })
    }
    const { page, troubles } = await openPage(browser, `${server.url}/settings/trash`, {
      ready: { role: 'main' },
    })
    await page.getByRole('button', { name: 'Restore first' }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await page.getByRole('button', { name: 'Restore first' }).click()
    await page.getByRole('button', { name: 'Restore first' }).waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Delete now second' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete second for good?' })
    await dialog.getByText('This cannot be undone.').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByText('The trash is empty.').waitFor()
    expect(troubles).toEqual([])
  })
})
