import type { Browser } from 'playwright-core'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  openBrowser,
  openPage,
  pictureFolder,
  violationsOn,
} from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const TRACE = `tr-${'cd'.repeat(16)}`
/** What it would do to a page of ours if it could: call it another name, ask the server, and write into itself. */
const SCRIPT =
  "parent.document.title='owned';document.title='owned';fetch('/owned');document.body.textContent='script ran'"
const HTML = `<h1>A report</h1><img src=x onerror="${SCRIPT}"><script>${SCRIPT}</script>`
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40" onload="fetch('/owned')"><rect width="80" height="40" fill="red"/><script>fetch('/owned')</script></svg>`

describe.skipIf(chromiumPath === undefined)('the pages together (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let server: TestServer
  let pictures: string
  let run: string
  let going: string

  beforeAll(async () => {
    browser = await openBrowser()
    pictures = await pictureFolder()
    server = await startTestServer({ webhookSchemes: 'http', webhookAllowPrivate: true })
    ;({ run, going } = await fill(server.url))
  }, 60_000)
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
    console.log(`pictures of the pages: ${pictures}`)
  })

  const open = (path: string, width = 1280) =>
    openPage(browser, `${server.url}${path}`, { width, ready: { role: 'main' } })

  test('one navigation leads to every page, which then has the focus and names the tab', async () => {
    const { page, troubles } = await open('/')
    const pages = page.getByRole('navigation', { name: 'Pages' })
    for (const [link, title] of [
      ['Experiments', 'All experiments'],
      ['Models', 'Models'],
      ['Traces', 'Traces'],
      ['Settings', 'Webhooks'],
      ['Home', 'Home'],
    ] as const) {
      await pages.getByRole('link', { name: link }).click()
      await expect.poll(() => page.title()).toBe(`${title} · Orrery`)
      await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('content')
      expect(await pages.locator('[aria-current=page]').textContent()).toBe(link)
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    }
    await page.goto(`${server.url}/settings/webhooks`)
    await page
      .getByRole('navigation', { name: 'Settings' })
      .getByRole('link', { name: 'Trash' })
      .click()
    await page.getByRole('heading', { level: 1, name: 'Trash' }).waitFor()
    expect(troubles).toEqual([])
  })

  test('a trace leads to its run, the run to its experiment and its model, the model to its history', async () => {
    const { page, troubles } = await open(`/traces/${TRACE}`)
    await page.getByRole('link', { name: run.slice(0, 12) }).click()
    await page.getByRole('heading', { level: 1, name: 'the good one' }).waitFor()
    await page.getByRole('link', { name: 'air/late' }).click()
    await page.getByRole('heading', { level: 1, name: 'air/late' }).waitFor()
    await page.getByRole('row').getByRole('link', { name: 'the good one' }).click()
    await page.getByRole('link', { name: 'History of late' }).click()
    await page.getByText('Version 1', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Versions' }).click()
    await page.getByRole('link', { name: run.slice(0, 12) }).click()
    await page.getByRole('heading', { level: 1, name: 'the good one' }).waitFor()
    expect(troubles).toEqual([])
  })

  test('keys go to a run by its name, walk rows, open one and come back', async () => {
    const { page, troubles } = await open('/models')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Go to' }).fill('good on')
    await page.getByRole('option', { name: /the good one/ }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'the good one' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { level: 1, name: 'air/late' }).waitFor()
    await page.locator('tbody tr[data-at="1"]').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await page.keyboard.press('x')
    await page.getByRole('button', { name: 'Charts of 1' }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/runs\/[0-9a-f]{32}/)
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await page.getByRole('checkbox', { name: 'Keys without Ctrl' }).uncheck()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.keyboard.press('/')
    expect(new URL(page.url()).pathname).toBe('/models')
    expect(troubles).toEqual([])
  })

  test('a run that goes on is shown as it goes on, until it ends', async () => {
    const { page, troubles } = await open(`/runs/${going}`)
    await page.getByRole('button', { name: /^loss 0\.5/ }).waitFor()
    await mlflow(server.url, 'runs/log-metric', metric(going, 'loss', 0.25, 2))
    await page.getByRole('button', { name: /^loss 0\.25/ }).click()
    await page.getByText(/loss fell from 0.5 to 0.25 in 2 points/).waitFor()
    await mlflow(server.url, 'runs/update', { run_id: going, status: 'FINISHED', end_time: 9e12 })
    await page.locator('main').getByText('Finished').first().waitFor()
    expect(troubles).toEqual([])
  })

  test('files are looked into, and nothing that was uploaded runs', async () => {
    const { page, requests } = await open(`/runs/${run}`)
    const files = page.getByRole('navigation', { name: 'Files' })
    await files.getByRole('button', { name: 'table.csv' }).click()
    await page.getByRole('columnheader', { name: 'carrier' }).waitFor()
    await page.getByRole('cell', { name: 'a, "b"' }).waitFor()
    await files.getByRole('button', { name: 'shape.svg' }).click()
    const picture = page.getByRole('img', { name: 'shape.svg' })
    await picture.waitFor()
    await expect
      .poll(() => page.evaluate("document.querySelector('main img').naturalWidth"))
      .toBe(80)
    await files.getByRole('button', { name: 'page.html' }).click()
    await page.getByLabel('page.html').getByText('<h1>A report</h1>').waitFor()
    await page.getByRole('checkbox', { name: 'Draw it, without its scripts' }).check()
    await page.frameLocator('iframe').getByRole('heading', { name: 'A report' }).waitFor()
    expect(await page.locator('iframe').getAttribute('sandbox')).toBe('')
    await page.screenshot({ path: join(pictures, 'file.png'), fullPage: true })
    expect(await page.frameLocator('iframe').getByText('script ran').count()).toBe(0)
    expect(await page.title()).toBe('the good one · Orrery')
    expect(requests.filter((url) => url.endsWith('/owned'))).toEqual([])
    // Nor is any of it a page when it is asked for by its address.
    for (const file of ['page.html', 'shape.svg']) {
      const { headers } = await fetch(`${server.url}/get-artifact?run_uuid=${run}&path=${file}`)
      expect(headers.get('content-disposition')).toMatch(/^attachment/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
    await files.getByRole('button', { name: 'bytes.bin' }).click()
    await page.getByText('A file of this kind is not shown here').waitFor()
  })

  test.each([
    ['/runs/RUN?metric=loss&file=table.csv', 'carrier'],
    ['/runs/RUN?tab=lineage', 'late v1'],
    ['/runs/RUN?tab=activity', 'run started'],
    ['/runs/RUN?tab=raw', 'Copy as code'],
    ['/runs/nothing', 'nothing'],
    ['/models', 'late'],
    ['/models/late', '@next'],
    ['/settings/webhooks', 'chat'],
    ['/nowhere', 'There is no page here'],
  ])('%s has nothing for axe to find, light, dark and narrow', async (path, words) => {
    const { page } = await open(path.replace('RUN', run))
    await page.locator('main').getByText(words).first().waitFor()
    if (path === '/settings/webhooks') {
      await page.getByRole('button', { name: /^chat/ }).click()
      await page.getByRole('button', { name: 'Send again' }).first().waitFor()
    }
    expect(await violationsOn(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 390, height: 844 })
    const name = path.replaceAll(/\W+/g, '-')
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
    expect(await violationsOn(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})

async function mlflow<Body>(url: string, path: string, body: unknown): Promise<Body> {
  const answer = await fetch(
    `${url}/api/${path.startsWith('traces') ? '3.0' : '2.0'}/mlflow/${path}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
  )
  expect([path, answer.status]).toEqual([path, 200])
  return (await answer.json()) as Body
}

function metric(run_id: string, key: string, value: number, step: number) {
  return { run_id, key, value, step, timestamp: 1_760_000_000_000 + step }
}

/** A run with something of everything, one that goes on, a model, a trace of the run, and somebody who is told. */
async function fill(url: string): Promise<{ run: string; going: string }> {
  const { experiment_id } = await mlflow<{ experiment_id: string }>(url, 'experiments/create', {
    name: 'air/late',
  })
  const begin = async (run_name: string) =>
    (
      await mlflow<{ run: { info: { run_id: string } } }>(url, 'runs/create', {
        experiment_id,
        run_name,
        start_time: Date.now(),
      })
    ).run.info.run_id
  const webhook = await fetch(`${url}/api/v1/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'chat', url: 'http://127.0.0.1:9/', events: ['*'] }),
  })
  expect(webhook.status).toBeLessThan(300)
  const run = await begin('the good one')
  await mlflow(url, 'runs/log-batch', {
    run_id: run,
    params: [{ key: 'depth', value: '3' }],
    tags: [{ key: 'team', value: 'air' }],
    metrics: Array.from({ length: 50 }, (_, step) => metric(run, 'loss', 1 / (step + 1), step)),
  })
  for (const [file, body] of [
    ['table.csv', 'carrier,delay\n"a, ""b""",1\n'],
    ['page.html', HTML],
    ['shape.svg', SVG],
    ['bytes.bin', '\0\0'],
  ] as const)
    await fetch(
      `${url}/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run}/artifacts/${file}`,
      { method: 'PUT', body },
    )
  await mlflow(url, 'runs/update', { run_id: run, status: 'FINISHED', end_time: Date.now() })
  await mlflow(url, 'registered-models/create', { name: 'late' })
  await mlflow(url, 'model-versions/create', { name: 'late', source: 's3://bucket/m', run_id: run })
  await mlflow(url, 'registered-models/alias', { name: 'late', alias: 'next', version: '1' })
  await mlflow(url, 'traces', {
    trace: {
      trace_info: {
        trace_id: TRACE,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } },
        request_time: '2026-01-01T00:00:00Z',
        execution_duration: '1.5s',
        state: 'OK',
        trace_metadata: { 'mlflow.sourceRun': run },
      },
    },
  })
  const going = await begin('still going')
  await mlflow(url, 'runs/log-metric', metric(going, 'loss', 0.5, 1))
  return { run, going }
}
