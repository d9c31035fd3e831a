import { AxeBuilder } from '@axe-core/playwright'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

/** The Chromium that `npm test` finds or installs. */
export const chromiumPath = process.env['ORRERY_TEST_CHROMIUM']

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** How a reader's browser is set up. */
export interface Reader {
  readonly width?: number
  readonly height?: number
  readonly theme?: 'light' | 'dark'
  readonly motion?: 'reduce' | 'no-preference'
  /** What is there when the page is; the loop, unless another page is opened. */
  readonly ready?: { readonly role: Parameters<Page['getByRole']>[0]; readonly name?: string }
}

/** A page with all that went wrong on it, and all that it asked for. */
export interface WatchedPage {
  readonly page: Page
  readonly troubles: string[]
  readonly requests: string[]
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: String(chromiumPath), args: FLAGS })
}

export async function openPage(
  browser: Browser,
  url: string,
  {
    width = 1280,
    height = 900,
    theme = 'light',
    motion = 'reduce',
    ready = { role: 'navigation', name: 'The loop' },
  }: Reader = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: motion,
    timezoneId: 'Asia/Tokyo',
  })
  const page = await context.newPage()
  const troubles: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text())
  })
  page.on('pageerror', (error) => troubles.push(error.message))
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(url)
  const { role, ...named } = ready
  await page.getByRole(role, named).waitFor()
  return { page, troubles, requests }
}

/** What axe finds wrong with the page, one line each; an empty list is what WCAG 2.2 AA asks for. */
export async function violationsOn(page: Page): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`),
  )
}

/** A folder of pictures for people to look at; it stays when the tests are over. */
export function pictureFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'orrery-page-'))
}

/** Keeps a picture of the whole page where somebody wants to look at it: ORRERY_SCREENSHOTS names the folder. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['ORRERY_SCREENSHOTS']
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}
