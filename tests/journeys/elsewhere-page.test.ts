import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  keepPicture,
  openBrowser,
  openPage,
  violationsOn,
} from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const NAME = 'order #7 of müller'

describe.skipIf(chromiumPath === undefined)(
  'a prediction of another system in Chromium (ORRERY_TEST_CHROMIUM)',
  () => {
    let browser: Browser
    let server: TestServer

    beforeAll(async () => {
      browser = await openBrowser()
      server = await startTestServer()
      await tell('/endpoints', { name: 'fraud', elsewhere: true })
      const common = { time: Date.UTC(2026, 0, 5), outputs: { probability: 0.7 } }
      const inputs = { amount: 12.5, country: 'DE' }
      await tell('/predictions?endpoint=fraud', [
        { ...common, id: NAME, modelVersion: 'xgb-2026-01', latencyMs: 3, inputs },
        { ...common, id: 'of nobody', inputs },
      ])
    }, 60_000)
    afterAll(async () => {
      await browser.close()
      await server.stop()
    })

    const tell = async (path: string, body: unknown) => {
      const answer = await fetch(`${server.url}/api/v1${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(answer.ok).toBe(true)
    }
    const at = async (id: string) => {
      const url = `${server.url}/predictions/${encodeURIComponent(id)}?endpoint=fraud`
      const opened = await openPage(browser, url, { ready: { role: 'heading', name: id } })
      await opened.page.locator('#inputs').getByText('12.5').waitFor()
      return opened
    }

    test('says who answered it, and that its model cannot be asked why from here', async () => {
      const { page, troubles } = await at(NAME)
      await page.getByText('xgb-2026-01 answered in another system, on').waitFor()
      await page.getByText('within 3 ms').waitFor()
      const why = page.locator('#explanation')
      await why
        .getByText('Another system serves this model and only tells of its predictions')
        .waitFor()
      expect(await why.getByRole('button').count()).toBe(0)
      expect(await page.getByRole('link', { name: /xgb/ }).count()).toBe(0)
      expect(await page.locator('#command code').innerText()).toBe(
        "orrery trace 'order #7 of müller' --endpoint fraud",
      )
      expect(await violationsOn(page)).toEqual([])
      await keepPicture(page, 'prediction-of-elsewhere')
      expect(troubles).toEqual([])
      await page.context().close()
    }, 60_000)

    test('says so as well where nobody told which model it was, nor how long it took', async () => {
      const { page, troubles } = await at('of nobody')
      await page.getByText('answered in another system, on').waitFor()
      expect(await page.getByText('within').count()).toBe(0)
      await page.locator('#explanation').getByText('Another system serves this model').waitFor()
      expect(troubles).toEqual([])
      await page.context().close()
    }, 60_000)
  },
)
