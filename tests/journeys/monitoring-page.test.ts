import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  keepPicture,
  openBrowser,
  openPage,
  violationsOn,
  type Reader,
} from '../support/browser.ts'
import { createCredit, type Credit } from '../support/credit.ts'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A model that is served elsewhere goes bad, and somebody finds out on the pages what happened and looks after it.

describe.skipIf(chromiumPath === undefined)('monitoring in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let server: TestServer
  let credit: Credit

  beforeAll(async () => {
    browser = await openBrowser()
    server = await startTestServer()
    credit = await createCredit(askingOf(() => server.url))
  }, 90_000)
  afterAll(async () => {
    await browser.close()
    await server.stop()
  })

  const at = async (path: string, reader: Reader = {}) =>
    openPage(browser, `${server.url}${path}`, { ready: { role: 'main' }, ...reader })
  const monitoring = '/endpoints/credit/monitoring'

  test('windows stand in a line, and a click tells all that was found of one', async () => {
    const { page, troubles } = await at('/endpoints')
    await page.getByRole('link', { name: 'credit' }).click()
    await page.getByRole('link', { name: 'Monitoring' }).click()
    const alerts = page.locator('#alerts')
    await alerts.getByText('amount looks as if it was multiplied by 100').waitFor()
    const slider = page.getByRole('slider', { name: 'Windows: window' })
    await slider.waitFor()
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^19 Jan 2026: .*Drift: 2 of 5/)
    await page.locator('#windows [data-at="3"]').first().click()
    await page.getByRole('heading', { name: 'The window of 8 Jan 2026' }).waitFor()
    expect(new URL(page.url()).searchParams.get('window')).toContain('2026-01-08')
    await page.locator('#window').getByText('as the training data promises').waitFor()
    await slider.focus()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('heading', { name: 'The window of 9 Jan 2026' }).waitFor()
    await page.goto(`${server.url}${monitoring}?window=${credit.badStart}`)
    await page.getByRole('heading', { name: 'The window of 15 Jan 2026' }).waitFor()
    const window = page.locator('#window')
    await window.getByText('far outside of what it was in the training data').waitFor()
    await expectRow(page, 'Metrics', /^roc_auc/, /0\.\d+ \(0\.\d+ to 0\.\d+\)/)
    await expectRow(page, 'Groups by sex', /^f/, /\d/)
    await expectRow(page, 'KPIs', /^profit in EUR/, /-\d/)
    await expectRow(page, 'roc_auc by country', /^BR/, /0\.\d/)
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'monitoring')
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a column is shown beside what it is compared with', async () => {
    const { page } = await at(`${monitoring}?window=${credit.badStart}`, { theme: 'dark' })
    await page.getByRole('button', { name: 'country' }).click()
    const column = page.locator('#column')
    await column.getByText('drifted; jensen-shannon').waitFor()
    await column.getByText('chance alone makes').waitFor()
    await column.getByText('The same as a table').click()
    await expectRow(page, 'Shares of values', /^any other/, /2\d/)
    expect(await column.getByRole('img').getAttribute('aria-label')).toMatch(/Changed most: /)
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'monitoring-dark')
    await page.context().close()
  }, 60_000)

  test('an alert leads to its causes, is looked after, and the endpoint is silenced', async () => {
    const { page, troubles } = await at('/alerts')
    await page.getByRole('link', { name: 'Performance: roc_auc' }).click()
    const causes = page.getByRole('list', { name: /^Causes/ })
    await causes.getByText('alone it moves the mean loss').first().waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'alerts')
    const line = page.getByRole('listitem').filter({ hasText: 'Performance: roc_auc' })
    await line.getByRole('button', { name: 'Acknowledge' }).click()
    const dialog = page.getByRole('dialog', { name: 'Look after this alert?' })
    await dialog.getByRole('textbox').fill('the gateway sends cents')
    await dialog.getByRole('button', { name: 'Acknowledge' }).click()
    await line.getByText('the gateway sends cents').waitFor()
    await line.getByRole('button', { name: 'Silence' }).click()
    const silence = page.getByRole('dialog', { name: 'Tell nobody of it?' })
    await silence.getByRole('combobox', { name: 'Silence' }).selectOption({ index: 2 })
    await silence.getByText(/It covers \d+ open alerts now/).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'alerts-silence')
    await silence.getByRole('button', { name: 'Silence' }).click()
    // A silence without a reason is none.
    expect(await silence.isVisible()).toBe(true)
    await silence.getByRole('textbox').fill('mended tonight')
    await silence.getByRole('button', { name: 'Silence' }).click()
    await line.getByText('silenced until').waitFor()
    await page.getByRole('link', { name: 'Silences' }).click()
    await page.getByText('mended tonight').waitFor()
    await page.getByRole('button', { name: 'End it' }).click()
    await page.getByText('Over', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByText('Cleared').first().waitFor()
    await page
      .getByRole('link', { name: 'the window that raised it' })
      .waitFor({ state: 'detached' })
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('both pages fit a narrow screen, in the dark too', async () => {
    for (const [path, name] of [
      [monitoring, 'monitoring-narrow'],
      ['/alerts?show=all', 'alerts-narrow'],
    ] as const) {
      const { page } = await at(path, { width: 320, theme: 'dark' })
      await page.locator('#alerts li').first().waitFor()
      if (path === monitoring) await page.locator('#metrics').waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
      expect(await violationsOn(page)).toEqual([])
      await keepPicture(page, name)
      await page.context().close()
    }
  }, 60_000)
})

async function expectRow(page: Page, table: string, row: RegExp, says: RegExp): Promise<void> {
  const found = page.getByRole('region', { name: table }).getByRole('row', { name: row })
  await found.first().waitFor()
  expect(await found.first().textContent()).toMatch(says)
}
