import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asker } from '../support/bad-input/world.ts'
import {
  chromiumPath,
  keepPicture,
  openBrowser,
  openPage,
  violationsOn,
} from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CONFIG = `project: flights
endpoints: { flights-late: { model: models:/late@champion } }
policies:
  asked: { on: [manual], run: slow, budget: { runs: 5, per: 1h } }
  nightly:
    on: [schedule: { cron: "0 3 * * 1-5", timezone: Europe/Berlin }, data: data/raw]
    run: note
    cooldown: 2h
  off: { on: [schedule: "@daily"], run: note, enabled: false }
  watcher: { on: [drift: flights-late, push: main], run: note }
`
const STAGES = `stages:
  note: { cmd: 'echo "$ORRERY_DATE" > note.txt', outs: [note.txt] }
  slow: { cmd: sleep 600, outs: [slow.txt] }
`

let server: TestServer
let origin: string

beforeAll(async () => {
  origin = await mkdtemp(join(tmpdir(), 'orrery-policies-page-'))
  await mkdir(join(origin, '.dvc'))
  const files = {
    'orrery.yaml': CONFIG,
    'dvc.yaml': STAGES,
    '.dvc/config': '',
    '.gitignore': '/note.txt\n/slow.txt\n',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(origin, path), text)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch', 'main')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
  server = await startTestServer()
  await asker(server.url)('POST', '/api/v1/projects', { origin })
}, 60_000)
afterAll(async () => {
  await server.stop()
  await rm(origin, { recursive: true, force: true })
})

test('a policy is set off at what the origin has, and at nothing else', async () => {
  const ask = asker(server.url)
  const place = '/api/v1/policies/flights/asked/trigger'
  await expect(ask('POST', place, { rev: 'nowhere' })).rejects.toThrow(/404.*nowhere.*push it/)
  const { entries } = await ask('GET', '/api/v1/ledger/entries?type=policy-triggered')
  expect(entries).toEqual([])
})

describe.skipIf(chromiumPath === undefined)('policies in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser.close())

  const at = async (path: string, how: { theme?: 'light' | 'dark'; width?: number } = {}) =>
    openPage(browser, `${server.url}${path}`, { ready: { role: 'main' }, ...how })
  const dialog = (page: Page) => page.getByRole('dialog')

  test('the list says what each policy waits for, and when it is due by two clocks', async () => {
    const { page, troubles } = await at('/policies')
    await page.getByRole('link', { name: 'flights/nightly' }).waitFor()
    const card = (name: string) => page.getByRole('listitem').filter({ hasText: `flights/${name}` })
    const nightly = await card('nightly').first().innerText()
    expect(nightly).toContain('03:00 Monday to Friday (Europe/Berlin)')
    expect(nightly).toContain('a new version of data/raw')
    // The reader is in Tokyo: seven or eight hours on.
    expect(nightly).toMatch(/1[01]:00 \(Asia\/Tokyo\), in \d+ (h|d|min)/)
    expect(nightly).toMatch(/03:00 in Europe\/Berlin/)
    expect(await card('off').first().innerText()).toContain('switched off')
    expect(await card('asked').first().innerText()).toContain('5 runs of 5 left in 1h')
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'policies')
    await page.goto(`${server.url}/policies?endpoint=flights-late`)
    await page.getByRole('link', { name: 'flights/watcher' }).waitFor()
    expect(await page.getByRole('link', { name: 'flights/nightly' }).count()).toBe(0)
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await page.waitForURL(`${server.url}/`)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Go to' }).fill('Backf')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Backfills', level: 1 }).waitFor()
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a dry run says what would happen at a time and why, and does nothing', async () => {
    const { page, troubles } = await at('/policies/flights/nightly', { theme: 'dark' })
    const would = page.getByRole('list', { name: 'What would happen' })
    await would.getByText('nightly runs note because data/raw has the new version').waitFor()
    await page.getByLabel('At (Asia/Tokyo)').fill('2030-03-29T12:00')
    await page.getByRole('button', { name: 'Ask' }).click()
    await would.getByText('it was due at 2030-04-01 01:00 UTC').waitFor()
    expect(page.url()).toContain('at=2030-03-29T03')
    await page.getByText('Nothing was decided yet.').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'policy-dark')
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a person sets a policy off twice, sees the second wait, and cancels it', async () => {
    const { page, troubles } = await at('/policies/flights/asked')
    const setOff = async (reason: string) => {
      await page.getByRole('button', { name: 'Trigger now' }).click()
      await dialog(page).getByText('runs of 5 left in 1h').waitFor()
      await dialog(page).getByLabel('Why, for the ledger').fill(reason)
      await dialog(page).getByRole('button', { name: 'Trigger' }).click()
      await dialog(page).waitFor({ state: 'detached' })
    }
    await setOff('a first try')
    const decisions = page.getByRole('list', { name: 'Decisions, newest first' })
    await decisions.getByText('asked runs slow because local asked for it: a first try').waitFor()
    await setOff('once more')
    await decisions.getByText('It waits, for').waitFor()
    await expect.poll(() => page.locator('#open li').count()).toBe(2)
    await page.getByText('3 runs of 5 left in 1h').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'policy')
    const waiting = page.locator('#open li').filter({ hasText: 'once more' })
    await waiting.getByRole('button', { name: /^Cancel asked-/ }).click()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'policy-cancel')
    await dialog(page).getByLabel('Why, for the ledger').fill('not today')
    await dialog(page).getByRole('button', { name: 'Cancel it' }).click()
    await waiting.waitFor({ state: 'detached' })
    const [end] = (
      await asker(server.url)('GET', '/api/v1/ledger/entries?type=policy-run-finished')
    ).entries
    expect(end).toMatchObject({
      actor: { id: 'local' },
      data: { outcome: 'cancelled', reason: 'not today' },
    })
    await decisions.getByText('not today').waitFor()
    await decisions.getByRole('link', { name: 'policy triggered' }).first().click()
    await page.getByLabel(/^Entry \d+ as JSON$/).waitFor()
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a backfill is asked for, watched by its dates, cancelled and resumed', async () => {
    const { page, troubles } = await at('/policies/backfills')
    await page.getByText('Nobody has asked for a backfill.').waitFor()
    await page.getByLabel('Stages; all without').fill('slow')
    await page.getByLabel('From').fill('2026-01-01')
    await page.getByLabel('To, included').fill('2026-13-01')
    await page.getByRole('button', { name: 'Show what would run' }).click()
    await page.getByRole('alert').getByText('2026-13-01').waitFor()
    await page.getByLabel('To, included').fill('2026-01-03')
    await page.getByRole('button', { name: 'Show what would run' }).click()
    await dialog(page).getByText('3 runs at commit').waitFor()
    await dialog(page).getByRole('button', { name: 'Begin' }).click()
    const dates = page.getByRole('region', { name: 'Dates' })
    await dates.getByRole('row', { name: '2026-01-03 Waiting' }).waitFor()
    await dates.getByRole('row', { name: '2026-01-01 Running 1 run 1' }).waitFor()
    expect(page.url()).toContain('backfill=backfill-')
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'backfills')
    await page.getByRole('button', { name: 'Cancel the backfill' }).click()
    await dialog(page).getByText('1 that run are ended').waitFor()
    await dialog(page).getByRole('button', { name: 'End it' }).click()
    await dates.getByRole('row', { name: '2026-01-01 Cancelled' }).waitFor()
    const [end] = (await asker(server.url)('GET', '/api/v1/ledger/entries?type=backfill-finished'))
      .entries
    expect(end).toMatchObject({ actor: { id: 'local' }, data: { outcome: 'cancelled' } })
    await page.getByRole('button', { name: 'Run 3 again' }).click()
    await dialog(page).getByRole('button', { name: 'Run them again' }).click()
    await dates.getByRole('row', { name: '2026-01-01 Running 2 run 2' }).waitFor()
    await page.getByRole('combobox', { name: 'State' }).selectOption('waiting')
    await dates.getByRole('row', { name: '2026-01-01' }).waitFor({ state: 'detached' })
    expect(troubles.filter((each) => !each.includes('400'))).toEqual([])
    await page.context().close()
  }, 60_000)

  test('all of it fits a narrow page', async () => {
    const { page } = await at('/policies', { width: 390, theme: 'dark' })
    for (const path of ['/policies', '/policies/flights/asked', '/policies/backfills']) {
      await page.goto(`${server.url}${path}`)
      await page
        .getByText(/Decided lately|What it decided|newest first/)
        .first()
        .waitFor()
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(wide).toBeLessThanOrEqual(390)
      expect(await violationsOn(page)).toEqual([])
      await keepPicture(page, `narrow${path.replaceAll('/', '-')}`)
    }
    await page.context().close()
  }, 60_000)
})
