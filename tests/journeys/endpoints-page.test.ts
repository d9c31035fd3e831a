import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  keepPicture,
  openBrowser,
  openPage,
  violationsOn,
} from '../support/browser.ts'
import { loopsProject, rolloutsAt, type Person } from '../support/rollouts.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe.skipIf(chromiumPath === undefined)('endpoints in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let server: TestServer
  let person: Person
  let project: { origin: string; remove(): Promise<void> }

  beforeAll(async () => {
    browser = await openBrowser()
    project = await loopsProject(
      '{ steps: [20, 100], every: 10m, min_samples: 5000, guard: { errors: 0.05, p50_ms: 150 } }',
    )
    server = await startTestServer()
    person = rolloutsAt(() => server.url)
    await person.createModel()
    await person.point(await person.register('loop.onnx'))
    await person.ask('POST', '/api/v1/projects', { origin: project.origin })
    await person.serves()
    await person.point(await person.register('loop.onnx'))
    await person.until(({ state }) => state === 'running')
    for (let n = 0; n < 12; n++) await invoke(n)
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await server.stop()
    await project.remove()
  })

  const invoke = async (rounds: number) => {
    const answer = await fetch(`${server.url}/endpoints/loops/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dataframe_records: [{ rounds }] }),
    })
    expect(answer.status).toBe(200)
  }
  const at = async (path: string, theme: 'light' | 'dark' = 'light') =>
    openPage(browser, `${server.url}${path}`, { ready: { role: 'main' }, theme })

  test('the list leads to an endpoint with its traffic, its rollout and its newest predictions', async () => {
    const { page, troubles } = await at('/endpoints')
    await page.getByRole('cell', { name: 'Ready' }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'endpoints')
    await page.getByRole('link', { name: 'loops' }).click()
    await page.getByRole('heading', { name: 'loops', level: 1 }).waitFor()
    await page.getByText('step 1 of 2: 20 % to revision 2').waitFor()
    await page.getByText('In the last five minutes 12 requests came').waitFor()
    await expect
      .poll(() => page.getByRole('region', { name: 'The newest predictions' }).count())
      .toBe(1)
    await expect.poll(() => page.locator('#predictions tbody tr').count()).toBe(12)
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'endpoint')
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('it can be asked from the page, and its answer is logged as any other', async () => {
    const { page, troubles } = await at('/endpoints/loops', 'dark')
    await page.getByRole('textbox', { name: 'rounds' }).fill('3')
    await page.getByRole('button', { name: 'Predict', exact: true }).click()
    await page.getByLabel('Answer').getByText('"counts": 3').waitFor()
    await expect.poll(() => page.locator('#predictions tbody tr').count()).toBe(13)
    await page.getByRole('button', { name: 'Explain' }).click()
    // This model brought no rows to compare with, which is said where it was asked.
    const form = page.getByRole('form', { name: 'Try it' })
    await form.getByRole('alert').or(page.getByLabel('Explanation')).waitFor()
    await page.getByRole('textbox', { name: 'rounds' }).fill('many')
    await page.getByRole('button', { name: 'Predict', exact: true }).click()
    await form.getByRole('alert').getByText('rounds').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'endpoint-dark')
    expect(troubles.filter((line) => !line.includes('400'))).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a prediction has a page that leads back to what its answer came from', async () => {
    const { page, troubles } = await at('/endpoints/loops')
    await page.locator('#predictions tbody a').last().click()
    await page.getByRole('heading', { name: 'Where it came from' }).waitFor()
    const row = page.locator('#inputs tr', { hasText: 'rounds' })
    await row.getByRole('cell', { name: '0', exact: true }).waitFor()
    await page.locator('#answer tr', { hasText: 'counts' }).waitFor()
    await page.locator('#answer').getByText('not known yet').waitFor()
    await page.locator('#trace').getByText('serves').waitFor()
    expect(await page.locator('#trace').getByRole('link').first().textContent()).toMatch(
      /^loops, revision [12]$/,
    )
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'prediction')
    await page
      .locator('#trace')
      .getByRole('link', { name: /^loops v[12]$/ })
      .click()
    await page.getByRole('heading', { name: 'loops', level: 1 }).waitFor()
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a prediction is found by its id, with the inputs that moved its answer', async () => {
    const { batch } = (await person.ask('POST', '/api/v1/endpoints/loops/predictions', {
      records: [{ rounds: 4 }],
    })) as { batch: string }
    const { page, troubles } = await at('/endpoints', 'dark')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Go to' }).fill(`${batch}-0`)
    await page.getByRole('option', { name: `${batch}-0 prediction` }).click()
    await page.getByRole('heading', { name: `${batch}-0`, level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Explain' }).click()
    const explained = page.locator('#explanation')
    // This model brought no rows to compare with.
    await explained.getByRole('alert').getByText('background').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await page.goto(`${server.url}/predictions/nobody-0?endpoint=loops`)
    await page.getByRole('alert').getByText('there is no prediction nobody-0').waitFor()
    expect(troubles.filter((line) => !/40[04]/.test(line))).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a rollout is paused and given up after a question', async () => {
    const { page } = await at('/endpoints/loops')
    await page.getByRole('button', { name: 'Pause' }).click()
    const pause = page.getByRole('dialog', { name: 'Pause?' })
    await pause.getByText('keeps 20 % of the traffic').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await pause.getByRole('button', { name: 'Leave it' }).click()
    expect(await person.newest()).toMatchObject({ state: 'running' })
    await page.getByRole('button', { name: 'Pause' }).click()
    await pause.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Go on' }).waitFor()
    expect(await person.newest()).toMatchObject({ state: 'paused' })
    await page.getByRole('button', { name: 'Give up' }).click()
    const giveUp = page.getByRole('dialog', { name: 'Give up?' })
    await giveUp.getByRole('button', { name: 'Give up' }).click()
    await giveUp.waitFor({ state: 'detached' })
    await page.getByText('aborted').waitFor()
    expect(await page.getByRole('button', { name: 'Give up' }).count()).toBe(0)
    expect(await person.newest()).toMatchObject({ state: 'aborted' })
    await page.context().close()
  }, 60_000)
})
