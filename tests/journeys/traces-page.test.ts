import type { Browser } from 'playwright-core'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, openBrowser, pictureFolder, violationsOn } from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const TRACE = 'ab'.repeat(16)

describe.skipIf(chromiumPath === undefined)('the traces in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let pictures: string
  let server: TestServer
  let empty: TestServer

  beforeAll(async () => {
    browser = await openBrowser()
    pictures = await pictureFolder()
    server = await startTestServer()
    empty = await startTestServer()
    await send(server.url, TRACE, 'agent')
    for (let count = 0; count < 60; count++)
      await send(server.url, count.toString(16).padStart(4, '0').padStart(32, 'c'), `call ${count}`)
  })
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
    await empty.stop()
    console.log(`pictures of the traces: ${pictures}`)
  })

  const open = async (address: string, theme: 'light' | 'dark' = 'light', width = 1280) => {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: theme,
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    await page.goto(address)
    await page.getByRole('heading', { level: 1 }).waitFor()
    return page
  }

  test('a first trace is told how to send, and no way leads to the page before', async () => {
    const page = await open(`${empty.url}/traces`)
    await page.getByText('@mlflow.trace').waitFor()
    await page.screenshot({ path: join(pictures, 'empty.png'), fullPage: true })
    expect(await violationsOn(page)).toEqual([])
    expect(await page.getByRole('link', { name: 'Traces' }).count()).toBe(0)
    const home = await open(`${server.url}/`)
    await home.getByRole('link', { name: 'Traces' }).waitFor()
  })

  test('the list is paged, filtered, and tells what is wrong with a filter', async () => {
    const page = await open(`${server.url}/traces`)
    await page.getByRole('link', { name: 'Next page' }).click()
    await page.getByRole('link', { name: 'First page' }).waitFor()
    const filter = page.getByRole('textbox', { name: /^Filter/ })
    await filter.fill("name = 'agent' AND span.name LIKE 'too%'")
    await filter.press('Enter')
    await page.getByRole('link', { name: 'agent' }).waitFor()
    await expect.poll(() => page.getByRole('row').count()).toBe(2)
    await filter.fill('status ==')
    await filter.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'Invalid' }).waitFor()
  })

  test('a trace shows its steps, what they were given, and takes feedback', async () => {
    const page = await open(`${server.url}/traces/tr-${TRACE}`)
    await page.getByRole('button', { name: /tool/ }).click()
    await page.getByText('Failed: no luck').waitFor()
    await page.getByRole('textbox', { name: 'Why' }).fill('as it should be')
    await page.getByRole('button', { name: 'Add feedback' }).click()
    await page.getByText('good: yes').waitFor()
    await page.getByText('as it should be').waitFor()
    expect(await page.getByText('Nobody has said yet').count()).toBe(0)
  })

  test.each([
    { theme: 'light' as const, width: 1280 },
    { theme: 'dark' as const, width: 1280 },
    { theme: 'dark' as const, width: 320 },
  ])('has nothing for axe to find: $theme, $width px wide', async ({ theme, width }) => {
    for (const [name, path] of [
      ['list', '/traces'],
      ['trace', `/traces/tr-${TRACE}`],
    ] as const) {
      const page = await open(`${server.url}${path}`, theme, width)
      await page
        .getByText(name === 'list' ? 'call 59' : 'Inputs')
        .first()
        .waitFor()
      await page.screenshot({ path: join(pictures, `${name}-${theme}-${width}.png`) })
      expect(await violationsOn(page)).toEqual([])
    }
  })
})

/** A call of an agent with a model and a tool that failed. */
async function send(url: string, traceId: string, name: string): Promise<void> {
  const at = 1_750_000_000_000_000_000n + BigInt(`0x${traceId.slice(-4)}`) * 1_000_000_000n
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const span = (id: string, from: bigint, to: bigint) => ({
    traceId,
    spanId: id.padStart(16, '0'),
    startTimeUnixNano: String(at + from * 1_000_000n),
    endTimeUnixNano: String(at + to * 1_000_000n),
    status: { code: 1 },
  })
  const spans = [
    {
      ...span('1', 0n, 1200n),
      name,
      status: { code: 2, message: 'no luck' },
      attributes: [
        text('input.value', '{"question": "Which flight is late?"}'),
        text('output.value', 'UA 1545'),
        text('openinference.span.kind', 'AGENT'),
        text('mlflow.traceTag.mlflow.traceName', name),
        text('mlflow.traceTag.team', 'air'),
      ],
    },
    {
      ...span('2', 30n, 900n),
      parentSpanId: '1'.padStart(16, '0'),
      name: 'model',
      attributes: [
        text('gen_ai.operation.name', 'chat'),
        text('gen_ai.request.model', 'tiny'),
        { key: 'gen_ai.usage.input_tokens', value: { intValue: '1200' } },
        { key: 'gen_ai.usage.output_tokens', value: { intValue: '345' } },
      ],
    },
    {
      ...span('3', 910n, 1190n),
      parentSpanId: '1'.padStart(16, '0'),
      name: 'tool',
      status: { code: 2, message: 'no luck' },
      attributes: [text('input.value', '{"flight": 1545}')],
      events: [{ name: 'exception', timeUnixNano: String(at + 1_000_000_000n), attributes: [] }],
    },
  ]
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-mlflow-experiment-id': '0' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  })
  expect(answer.status).toBe(200)
}
