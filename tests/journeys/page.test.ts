import type { Browser, Page } from 'playwright-core'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  openBrowser,
  openPage,
  pictureFolder,
  violationsOn,
} from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { writeStory } from '../support/story.ts'

const DIST = fileURLToPath(new URL('../../web/dist', import.meta.url))
/** The budget of the first page's JavaScript, and of that of all pages together, in bytes after gzip. */
const SCRIPT_BYTES_MAX = { first: 175_000, all: 300_000 }

describe.skipIf(chromiumPath === undefined)('the page in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  let pictures: string
  let home: string
  let server: TestServer
  let empty: TestServer

  beforeAll(async () => {
    if (!existsSync(join(DIST, 'index.html')))
      throw new Error('web/dist is not built; run "node scripts/setup.mjs web"')
    browser = await openBrowser()
    pictures = await pictureFolder()
    home = await mkdtemp(join(tmpdir(), 'orrery-page-home-'))
    await writeStory(home)
    server = await startTestServer({ home })
    empty = await startTestServer()
  })
  // A page that stays open goes on asking.
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
    await empty.stop()
    await rm(home, { recursive: true, force: true })
    console.log(`pictures of the page: ${pictures}`)
  })

  test('tells the loop as it stands', async () => {
    const { page, troubles } = await openPage(browser, server.url)
    const loop = page.getByRole('navigation', { name: 'The loop' })
    await expectText(loop.getByRole('link', { name: /^Model/ }), 'flights-late v8')
    await expectText(loop.getByRole('link', { name: /^Monitors/ }), 'performance alert')
    await expectText(page.locator('#data'), 'data/months')
    await expectText(page.locator('#pipeline'), 'evaluate')
    await expectText(page.locator('#checks'), 'v9 against v8')
    await expectText(page.locator('#endpoint'), '6 · flights-late/8')
    await expectText(page.locator('#monitors'), 'of 306 windows')
    await expectText(page.locator('#drift'), 'temp')
    await expectText(page.locator('#policies'), 'because of falling performance')
    await expectText(page.locator('#ledger'), 'predictions sealed')
    await page.screenshot({ path: join(pictures, 'light.png'), fullPage: true })
    expect(troubles).toEqual([])
  })

  test.each([
    { theme: 'light' as const, width: 1280 },
    { theme: 'dark' as const, width: 1280 },
    { theme: 'light' as const, width: 320 },
    { theme: 'dark' as const, width: 320 },
  ])('has nothing for axe to find: $theme, $width px wide', async ({ theme, width }) => {
    const { page } = await openPage(browser, server.url, { theme, width })
    await page.getByText('30 days').click()
    await page.getByText('The same as a table').click()
    await page.locator('#ledger button').first().click()
    await page.evaluate('scrollTo(0, 0)')
    await page.screenshot({ path: join(pictures, `${theme}-${width}.png`), fullPage: true })
    expect(await violationsOn(page)).toEqual([])
  })

  test('tells what to type while nothing has happened', async () => {
    const { page, troubles } = await openPage(browser, empty.url)
    for (const command of ['orrery add', 'orrery repro', 'orrery promote', 'orrery project sync'])
      await expectText(page.locator('main'), command)
    await page.screenshot({ path: join(pictures, 'empty.png'), fullPage: true })
    expect(await violationsOn(page)).toEqual([])
    expect(troubles).toEqual([])
  })

  test('asks nobody but its own server, for little, and scripts stay within their budget', async () => {
    const { page, requests } = await openPage(browser, server.url)
    await page.locator('#ledger').waitFor()
    const origin = new URL(server.url).origin
    expect(requests.filter((url) => new URL(url).origin !== origin)).toEqual([])
    expect(new Set(requests).size).toBeLessThan(15)
    const assets = join(DIST, 'assets')
    const scripts = (await readdir(assets)).filter((file) => file.endsWith('.js'))
    const bytesOf = async (files: readonly string[]) => {
      const sizes = files.map(async (file) => gzipSync(await readFile(join(assets, file))).length)
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    }
    const first = scripts.filter((file) => requests.some((url) => url.endsWith(`/assets/${file}`)))
    expect(await bytesOf(first)).toBeLessThan(SCRIPT_BYTES_MAX.first)
    expect(await bytesOf(scripts)).toBeLessThan(SCRIPT_BYTES_MAX.all)
  })

  test('fits a page of 320 px without scrolling sideways', async () => {
    const { page } = await openPage(browser, server.url, { width: 320 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
  })

  test('keeps still for those who asked for it', async () => {
    const { page } = await openPage(browser, server.url, { motion: 'reduce' })
    await page.locator('#ledger').waitFor()
    const moving = 'document.getAnimations().filter((each) => each.playState === "running").length'
    expect(await page.evaluate(moving)).toBe(0)
  })

  test('leads from a station to its part, by keyboard too', async () => {
    const { page } = await openPage(browser, server.url)
    await page.keyboard.press('Tab')
    await expectText(page.locator(':focus'), 'Skip to the content')
    await page.getByRole('link', { name: /^Policies keep-fresh/ }).focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction('document.activeElement?.id === "policies"')
    expect(new URL(page.url()).hash).toBe('#policies')
    const top = await page.locator('#policies').evaluate((part) => part.getBoundingClientRect().top)
    expect(top).toBeLessThan(900)
  })

  test('reads a day of the charts to those who use the keyboard', async () => {
    const { page } = await openPage(browser, server.url)
    const day = page.getByRole('slider', { name: /Day shown/ })
    await day.focus()
    expect(await day.getAttribute('aria-valuetext')).toMatch(/^31 Dec 2013: AUC 0\.\d{3}, drift/)
    await page.keyboard.press('ArrowLeft')
    await page.waitForFunction(
      'document.querySelector("input[type=range]")?.getAttribute("aria-valuetext")?.startsWith("30 Dec 2013")',
    )
    await expectText(page.locator('#monitors'), '30 Dec 2013')
  })

  test('gives the charts as a table, with what happened', async () => {
    const { page } = await openPage(browser, server.url)
    await page.getByText('The same as a table').click()
    const table = page.locator('#monitors table')
    await expect.poll(() => table.locator('tbody tr').count()).toBe(306)
    await expectText(table, 'flights-late v8 promoted')
  })

  test('keeps a view in its address', async () => {
    const { page } = await openPage(browser, server.url)
    await page.getByText('90 days').click()
    await page.locator('#ledger button').first().click()
    const address = page.url()
    expect(address).toContain('days=90')
    const again = await openPage(browser, address)
    await expectText(again.page.locator('#monitors'), 'of 90 windows')
    await again.page.locator('#ledger pre').waitFor()
  })

  test('remembers the colours that were chosen', async () => {
    const { page } = await openPage(browser, server.url, { theme: 'light' })
    const theme = () => page.evaluate('document.documentElement.dataset.theme')
    expect(await theme()).toBe('light')
    await page.getByTitle('Dark', { exact: true }).click()
    expect(await theme()).toBe('dark')
    await page.reload()
    expect(await theme()).toBe('dark')
  })

  test('shows news as they happen, and misses none while the server is away', async () => {
    let own = await startTestServer()
    const { page, troubles } = await openPage(browser, own.url)
    await expectText(page.locator('header'), 'Live')
    await createExperiment(own.url, 'first')
    await expectText(page.locator('#ledger'), 'Experiment first created')
    await expectText(page.locator('#ledger'), /all signed/)

    const port = Number(new URL(own.url).port)
    await own.stop({ keepHome: true })
    await expectText(page.locator('header'), 'Reconnecting')
    own = await startTestServer({ home: own.home, port })
    await createExperiment(own.url, 'second')
    await expectText(page.locator('#ledger'), 'Experiment second created')
    await expectText(page.locator('header'), 'Live')
    expect(await page.locator('#ledger').getByText('Experiment first created').count()).toBe(1)

    await page.getByRole('button', { name: /^Live/ }).click()
    await createExperiment(own.url, 'third')
    await page.waitForTimeout(1500)
    expect(await page.locator('#ledger').getByText('Experiment third').count()).toBe(0)
    await page.getByRole('button', { name: /^Paused/ }).click()
    await expectText(page.locator('#ledger'), 'Experiment third created')
    expect(troubles.filter((trouble) => !trouble.includes('ERR_'))).toEqual([])
    await own.stop()
  })
})

/** Waits until a part of the page says so. */
async function expectText(
  part: ReturnType<Page['locator']>,
  words: string | RegExp,
): Promise<void> {
  await part.filter({ hasText: words }).first().waitFor({ state: 'attached', timeout: 10_000 })
}

async function createExperiment(url: string, name: string): Promise<void> {
  const answer = await fetch(`${url}/api/2.0/mlflow/experiments/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  expect(answer.status).toBe(200)
}
