import type { Browser, Page } from 'playwright-core'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  openBrowser,
  openPage,
  pictureFolder,
  violationsOn,
} from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const DIST = fileURLToPath(new URL('../../web/dist', import.meta.url))
const RUNS = 2000
const FOLDERS = ['air/late/trees', 'air/late/nets', 'air/fuel', 'sea/waves'] as const

describe.skipIf(chromiumPath === undefined)('the page of runs (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let server: TestServer
  let empty: TestServer
  let pictures: string

  beforeAll(async () => {
    if (!existsSync(join(DIST, 'index.html')))
      throw new Error('web/dist is not built; run "node scripts/setup.mjs web"')
    browser = await openBrowser()
    pictures = await pictureFolder()
    server = await startTestServer()
    empty = await startTestServer()
    await fill(server.url)
  }, 120_000)
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
    await empty.stop()
    console.log(`pictures of the page: ${pictures}`)
  })

  const open = async (path: string, theme: 'light' | 'dark' = 'light', width = 1440) => {
    const opened = await openPage(browser, `${server.url}${path}`, {
      theme,
      width,
      ready: { role: 'main' },
    })
    return opened
  }

  test('shows the runs of a folder, the best first, and what they hold', async () => {
    const { page, troubles } = await open('/runs')
    await page.getByRole('button', { name: /^air/ }).click()
    await page.getByRole('button', { name: /^late/ }).click()
    await rowText(page, 1, /run-/)
    await page.getByRole('button', { name: 'auc', exact: true }).click()
    await page
      .getByRole('columnheader', { name: 'auc' })
      .and(page.locator('[aria-sort=descending]'))
      .waitFor()
    await page.getByRole('complementary', { name: 'Facets' }).getByText('1,000 runs').waitFor()
    expect(new URL(page.url()).searchParams.get('folder')).toBe('air/late')
    // Of a thousand rows only those in sight are drawn.
    expect(await page.locator('tbody tr').count()).toBeLessThan(100)
    const first = Number(await page.locator('tbody tr[data-at="0"] td').nth(4).textContent())
    expect(first).toBeGreaterThan(0.95)
    await page.screenshot({ path: join(pictures, 'runs.png') })
    expect(troubles).toEqual([])
  })

  test('says what is wrong with a filter where it is written, and takes a right one', async () => {
    const { page } = await open('/runs')
    await page.keyboard.press('/')
    await page.keyboard.type('metrics.auc >')
    await page.keyboard.press('Enter')
    await page
      .getByRole('alert')
      .getByText(/a value has to follow/)
      .waitFor()
    await page
      .getByRole('searchbox', { name: 'Filter' })
      .fill("params.model = 'tree' AND metrics.auc > 0.9")
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await page.locator('tbody tr[data-at="0"]').waitFor()
    expect(new URL(page.url()).searchParams.get('filter')).toContain("params.model = 'tree'")
    await page.getByRole('searchbox', { name: 'Filter' }).fill("params.model = 'none'")
    await page.keyboard.press('Enter')
    await page.getByText('No run matches the filter.').waitFor()
  })

  test('opens runs below runs, by keyboard too, and puts a value of a facet into the filter', async () => {
    const { page, troubles } = await open('/runs?folder=sea')
    const outer = page.locator('tbody tr').filter({ hasText: 'outer' })
    await outer.getByRole('checkbox').focus()
    await page.keyboard.press('ArrowRight')
    await page.locator('tbody tr').filter({ hasText: 'middle' }).getByRole('button').click()
    await page.locator('tbody tr').filter({ hasText: 'inner' }).waitFor()
    await page
      .getByRole('complementary', { name: 'Facets' })
      .getByRole('button', { name: /net/ })
      .click()
    await page.waitForURL((url) => url.searchParams.get('filter') === "params.model = 'net'")
    expect(troubles).toEqual([])
  })

  test('compares chosen runs where they differ, and draws their metrics', async () => {
    const { page, troubles } = await open('/runs?folder=air')
    await page.locator('tbody tr[data-at="0"]').getByRole('checkbox').check()
    await page.locator('tbody tr[data-at="1"]').getByRole('checkbox').check()
    await page.getByRole('button', { name: 'Compare 2' }).click()
    await page.getByRole('rowheader', { name: 'params.lr' }).waitFor()
    expect(await page.getByRole('rowheader', { name: 'params.seed' }).count()).toBe(0)
    await page.getByRole('checkbox', { name: 'Only what differs' }).uncheck()
    await page.getByRole('rowheader', { name: 'params.seed' }).waitFor()
    await page.screenshot({ path: join(pictures, 'compare.png') })
    await page.getByRole('button', { name: 'Charts of 2' }).click()
    await page.getByRole('img', { name: 'loss: 2 lines' }).locator('canvas').waitFor()
    await page.getByRole('slider', { name: /Smoothing/ }).fill('0.9')
    await page.getByRole('combobox', { name: 'Over' }).selectOption('relative')
    await page.getByRole('checkbox', { name: 'Logarithmic' }).check()
    await page.screenshot({ path: join(pictures, 'charts.png') })
    const address = page.url()
    const again = await openPage(browser, address, { ready: { role: 'main' } })
    await again.page.getByRole('img', { name: 'loss: 2 lines' }).waitFor()
    expect(troubles).toEqual([])
  })

  test('keeps a view on the server, and opens it again', async () => {
    const { page, troubles } = await open('/runs?folder=air&filter=metrics.auc%20%3E%200.5')
    await page.getByText('Views', { exact: true }).click()
    await page.getByRole('textbox', { name: 'Name of the new view' }).fill('good ones')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Save over good ones' }).waitFor()
    const other = (await open('/runs')).page
    await other.getByText('Views', { exact: true }).click()
    await other.getByRole('button', { name: 'good ones' }).click()
    await other.waitForURL((url) => url.searchParams.get('filter') === 'metrics.auc > 0.5')
    expect(troubles).toEqual([])
  })

  test('tells what a model was on a day, and what has changed since', async () => {
    const { page } = await open('/models')
    await page.getByRole('link', { name: 'late' }).click()
    await page.getByRole('cell', { name: '@next' }).waitFor()
    await page.getByRole('button', { name: 'History' }).click()
    await page.getByText('“it is better”').waitFor()
    await page.getByRole('checkbox', { name: 'version' }).check()
    await page.getByText('Version 2', { exact: true }).waitFor()
    await page.screenshot({ path: join(pictures, 'history.png') })
    expect(await violationsOn(page)).toEqual([])
    await page.getByLabel('As of').fill('2020-01-01')
    await page.getByRole('button', { name: 'Versions' }).click()
    await page
      .getByRole('alert')
      .getByText(/there was no registered model late/)
      .waitFor()
  })

  test.each([
    { theme: 'light' as const, width: 1440 },
    { theme: 'dark' as const, width: 1440 },
    { theme: 'dark' as const, width: 390 },
  ])('has nothing for axe to find: $theme, $width px wide', async ({ theme, width }) => {
    const { page } = await open('/runs?folder=air', theme, width)
    await page.locator('tbody tr[data-at="0"]').waitFor()
    await page.getByText('Columns', { exact: true }).click()
    await page.screenshot({ path: join(pictures, `runs-${theme}-${width}.png`) })
    expect(await violationsOn(page)).toEqual([])
  })

  test('tells what to type while there is no run', async () => {
    const { page, troubles } = await openPage(browser, `${empty.url}/runs`, {
      ready: { role: 'main' },
    })
    await page.getByText('MLFLOW_TRACKING_URI', { exact: false }).first().waitFor()
    expect(await violationsOn(page)).toEqual([])
    expect(troubles).toEqual([])
  })
})

async function rowText(page: Page, at: number, words: RegExp): Promise<void> {
  await page.locator(`tbody tr[data-at="${at}"]`).filter({ hasText: words }).waitFor()
}

async function fill(url: string): Promise<void> {
  const send = async <Body>(path: string, body: unknown, headers = {}): Promise<Body> => {
    const answer = await fetch(`${url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    expect([path, answer.status]).toEqual([path, 200])
    return (await answer.json()) as Body
  }
  const experiments: string[] = []
  for (const name of FOLDERS)
    experiments.push(
      (await send<{ experiment_id: string }>('experiments/create', { name })).experiment_id,
    )
  const run = async (at: number, name: string, parent?: string): Promise<string> => {
    const tags = parent === undefined ? [] : [{ key: 'mlflow.parentRunId', value: parent }]
    const { run: made } = await send<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id: experiments[at % experiments.length],
      run_name: name,
      user_id: at % 3 === 0 ? 'ada' : 'bob',
      start_time: 1_760_000_000_000 + at * 1000,
      tags,
    })
    const { run_id } = made.info
    const value = ((at * 7919) % RUNS) / RUNS
    const loss =
      at < RUNS - 8
        ? []
        : Array.from({ length: 60 }, (_, step) => ({
            key: 'loss',
            value: Math.exp(-step / 20) + value / 3 + Math.sin(step * at) / 20 + 0.1,
            step,
            timestamp: 1_760_000_000_000 + step * 1000,
          }))
    await send('runs/log-batch', {
      run_id,
      metrics: [{ key: 'auc', value, step: 0, timestamp: 1 }, ...loss],
      params: [
        { key: 'lr', value: String(((at * 31) % 10) / 100) },
        { key: 'model', value: ['tree', 'net', 'line'][at % 3] },
        { key: 'seed', value: '1' },
      ],
    })
    return run_id
  }
  for (let from = 0; from < RUNS; from += 40)
    await Promise.all(Array.from({ length: 40 }, (_, at) => run(from + at, `run-${from + at}`)))
  const outer = await run(RUNS + 3, 'outer')
  await run(RUNS + 7, 'inner', await run(RUNS + 11, 'middle', outer))
  await send('registered-models/create', { name: 'late' })
  for (let at = 0; at < 2; at++)
    await send('model-versions/create', { name: 'late', source: 's3://bucket/m' })
  await send('registered-models/alias', { name: 'late', alias: 'next', version: '1' })
  await send(
    'registered-models/alias',
    { name: 'late', alias: 'next', version: '2' },
    { 'x-orrery-reason': 'it is better' },
  )
}
