import { AxeBuilder } from '@axe-core/playwright'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReportWire } from '#protocols/api/report/shown'
import { chromiumPath, openBrowser } from '../support/browser.ts'
import { runCommand, type Ended } from '../support/command.ts'
import { createCredit } from '../support/credit.ts'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// One file that a person reads without Orrery: what changed, how sure that is, why it is so and what was done.

let server: TestServer
let file: string
let written: Ended
const ask = askingOf(() => server.url)

beforeAll(async () => {
  server = await startTestServer()
  await createCredit(ask)
  const { alerts } = await ask<{ alerts: { id: string; kind: string }[] }>('GET', '/alerts')
  const drift = alerts.find(({ kind }) => kind === 'drift')
  await ask('POST', `/alerting/alerts/${encodeURIComponent(drift?.id ?? '')}/acknowledge`, {
    comment: 'The cents are <b>ours</b>; the team of payments looks after it.',
  })
  file = join(server.home, 'credit.html')
  const words = ['report', 'credit', '-o', file, '--url', server.url]
  written = await runCommand(server.home, words)
}, 90_000)
afterAll(async () => {
  await server.stop()
})

test('it says what changed, how sure, why and what was done, for programs too', async () => {
  const report = await ask<ReportWire>('GET', '/endpoints/credit/report?since=90d')
  expect(report.summary[0]).toMatch(/alerts were raised; \d+ are still open/)
  const drift = report.alerts.find(({ kind }) => kind === 'drift')
  expect(drift?.evidence[0]).toMatchObject({ column: 'amount' })
  expect(drift?.causes?.ranked.length).toBeGreaterThan(0)
  const acknowledged = report.alerts.filter(({ done }) => done.length > 0)
  expect(acknowledged.map(({ id }) => id)).toEqual([drift?.id])
  expect(report.done.map(({ type }) => type)).toContain('alert-acknowledged')
  expect(report.heat[0]).toMatchObject({ feature: null })
  expect(report.quality.map(({ column }) => column)).toContain('amount')
  expect(report.windows.length).toBeGreaterThanOrEqual(15)
  const words = ['report', 'credit', '--since', '3d', '--json', '--url', server.url]
  const { out } = await runCommand(server.home, words)
  expect((JSON.parse(out) as ReportWire).windows).toHaveLength(3)
})

test('it is one file that asks nobody for anything, runs nothing and is small', async () => {
  expect(written).toMatchObject({ code: 0, out: '', err: `Wrote ${file}; open it in a browser.\n` })
  const html = await readFile(file, 'utf8')
  expect(html.length).toBeLessThan(1_000_000)
  expect(html).not.toMatch(/<script|<link|<img|<iframe|https?:\/\/|url\(|@import|\son\w+=/i)
  expect(html).not.toContain('<b>ours')
})

test.each([
  ['/endpoints/nope/report', /there is no endpoint nope/],
  ['/endpoints/credit/report?since=soon', /write 30d, 12h or 2026-01-31/],
  ['/endpoints/credit/report?format=pdf', /format/],
])('%s is refused with what to do', async (path, told) => {
  await expect(ask('GET', path)).rejects.toThrow(told)
})

test('names that are HTML stay names', async () => {
  const name = '<img src=x onerror=alert(1)>'
  const monitor = { min_samples: 5, reference: { from: '2026-01-01', to: '2026-01-03' } }
  await ask('POST', '/endpoints', { name: 'odd', elsewhere: true, monitor })
  await ask('POST', '/predictions', {
    endpoint: 'odd',
    modelVersion: name,
    predictions: Array.from({ length: 120 }, (_, at) => ({
      id: `o${at}`,
      time: Date.UTC(2026, 0, 1) + at * 3_600_000,
      inputs: { [name]: at },
      outputs: { [name]: at > 60 ? 9 : 1 },
    })),
  })
  await ask('POST', '/endpoints/odd/watermark', { time: '2026-01-09T00:00:00Z' })
  const path = `${server.url}/api/v1/endpoints/odd/report?format=html`
  await expect.poll(async () => (await fetch(path)).status, { timeout: 20_000 }).toBe(200)
  const answer = await fetch(path)
  expect(answer.headers.get('content-security-policy')).toContain('sandbox')
  const html = await answer.text()
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
  expect(html).not.toContain('<img')
}, 30_000)

describe.skipIf(chromiumPath === undefined)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
  })

  test.each(['light', 'dark'] as const)('it is read with ease, %s', async (colorScheme) => {
    const page = await opened({ colorScheme })
    await page.getByRole('heading', { name: 'credit', level: 1 }).waitFor()
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
      'What changed',
      'Over time',
      'Which columns moved',
      'What was asked',
      'Where answers are worse',
      'How groups are treated',
      'What was done',
      'How this was judged',
    ])
    expect(await page.getByRole('img').count()).toBeGreaterThanOrEqual(4)
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
    await page.context().close()
  })

  test('it fits a narrow screen and a sheet of paper', async () => {
    const page = await opened({ viewport: { width: 360, height: 700 } })
    const width = () => page.evaluate('document.documentElement.scrollWidth')
    expect(await width()).toBeLessThanOrEqual(360)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(paper).toBe('rgb(255, 255, 255)')
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000)
    await page.context().close()
  })

  async function opened(how: Parameters<Browser['newContext']>[0]): Promise<Page> {
    const context = await browser.newContext(how)
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`file://${file}`)
    expect(asked).toEqual([`file://${file}`])
    return page
  }
})
