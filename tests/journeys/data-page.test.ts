import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asker } from '../support/bad-input/world.ts'
import {
  chromiumPath,
  keepPicture,
  openBrowser,
  openPage,
  violationsOn,
} from '../support/browser.ts'
import { runCommand } from '../support/command.ts'
import { dataProject, type DataProject } from '../support/data-project.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CONFIG = `project: shop
contracts:
  data/sales.parquet: contracts/sales.odcs.yaml
`
const SALES = encodeURIComponent('data/sales.parquet')
const AT = `/api/v1/datasets/shop/${SALES}`

let server: TestServer
let project: DataProject
let first: string
let second: string

beforeAll(async () => {
  project = await dataProject(CONFIG)
  server = await startTestServer()
  const ask = asker(server.url)
  first = await project.commitTable('data/sales.parquet', salesOf(500, 0), {
    message: 'First sales\n\nOf the north alone.',
  })
  await project.commitTable('data/lost.parquet', 'select 1 as a', {
    message: 'Nobody pushed this',
    pushed: false,
  })
  await ask('POST', '/api/v1/projects', { origin: project.origin })
  second = await project.commitTable('data/sales.parquet', salesOf(600, 20), {
    message: 'Sales of the south too',
  })
  await ask('POST', '/api/v1/projects/shop/sync', {})
  await recordRun(ask, { run: 'warned-run', md5: second })
}, 60_000)
afterAll(async () => {
  await server.stop()
  await project.remove()
})

/** How far parts of the page moved without being asked to: what comes later must not push away what is read. */
const SHIFTS = `new Promise((resolve) => {
  new PerformanceObserver((list) =>
    resolve(list.getEntries().reduce((sum, { value, hadRecentInput }) => sum + (hadRecentInput ? 0 : value), 0)),
  ).observe({ type: 'layout-shift', buffered: true })
  setTimeout(() => resolve(0), 200)
})`

/** Prices around some mean, and from the second version on a column of shops. */
function salesOf(rows: number, more: number): string {
  const shop = more === 0 ? '' : `, case when range % 3 = 0 then 'south' else 'north' end as shop`
  return `select range as id, ${more} + (range * 7919) % 100 as price,
    case when range % ${more + 10} = 0 then null else 'n' || range % 4 end as kind ${shop}
    from range(${rows})`
}

/** A stage that read the sales, whose contract had something to say. */
async function recordRun(
  ask: ReturnType<typeof asker>,
  { run, md5 }: { run: string; md5: string },
): Promise<void> {
  const stages = ['train']
  await ask('POST', '/api/v1/pipeline-runs', {
    id: run,
    project: 'shop',
    commit: null,
    dirty: false,
    branch: 'main',
    stages,
  })
  const verdict = (contract: string, outcome: string) => {
    return { contract, digest: 'd'.repeat(64), outcome, reason: null }
  }
  await ask('POST', `/api/v1/pipeline-runs/${run}/stages`, {
    stage: 'train',
    command: 'python train.py',
    params: {},
    deps: [{ path: 'data/sales.parquet', md5, sizeBytes: 10 }],
    environment: null,
    checks: {
      outcome: 'warned',
      verdicts: [verdict('contracts/sales.odcs.yaml', 'warned')],
    },
  })
  await ask('POST', `/api/v1/pipeline-runs/${run}/stages/train/finish`, {
    outcome: 'succeeded',
    reason: null,
    outs: [{ path: 'model.bin', md5: 'b'.repeat(32), sizeBytes: 77 }],
    metrics: {},
    logTail: '',
  })
  const end = { outcome: 'succeeded', reason: null, lockDigest: null }
  await ask('POST', `/api/v1/pipeline-runs/${run}/finish`, end)
}

async function profiled(path: string, md5: string) {
  const ask = asker(server.url)
  const place = `/api/v1/datasets/shop/${encodeURIComponent(path)}/versions/${md5}/profile`
  await ask('POST', place)
  await expect
    .poll(async () => (await ask('GET', place)).state, { timeout: 20_000 })
    .toMatch(/ready|failed/)
  return ask('GET', place)
}

describe('datasets over REST', () => {
  test('every dataset is listed by pages, with what is tracked apart from what is made', async () => {
    const ask = asker(server.url)
    const seen: string[] = []
    for (let after = ''; ;) {
      const page = await ask('GET', `/api/v1/datasets?limit=1&after=${after}`)
      seen.push(...page.datasets.map((each: Record<string, string>) => `${each.kind} ${each.path}`))
      if (page.next === null) break
      after = page.next
    }
    expect(seen).toEqual([
      'tracked data/lost.parquet',
      'tracked data/sales.parquet',
      'made model.bin',
    ])
    const found = await ask('GET', '/api/v1/datasets?project=shop&kind=tracked&search=SALES')
    expect(found.datasets).toMatchObject([{ path: 'data/sales.parquet', versions: 2 }])
    expect((await ask('GET', '/api/v1/datasets?project=other')).datasets).toEqual([])
    const made = await ask('GET', '/api/v1/datasets/shop/model.bin/versions')
    expect(made.versions).toMatchObject([{ version: 'b'.repeat(32), sizeBytes: 77 }])
  })

  test('a version is told with the words of its author, and a run with the verdict of the contract', async () => {
    const ask = asker(server.url)
    const { versions, next } = await ask('GET', `${AT}/versions?limit=1`)
    expect(versions).toMatchObject([
      { version: second, author: 'Ada', message: 'Sales of the south too', files: 1 },
    ])
    const older = await ask('GET', `${AT}/versions?before=${next}`)
    // The server saw it at a later commit, which is not the one that brought it.
    const note = { version: first, message: 'First sales\n\nOf the north alone.' }
    expect(older).toMatchObject({ versions: [note], next: null })
    const { runs } = await ask('GET', `${AT}/runs`)
    expect(runs).toMatchObject([
      {
        relation: 'read',
        version: second,
        stage: 'train',
        pipelineRun: 'warned-run',
        checks: { outcome: 'warned', contracts: [{ contract: 'contracts/sales.odcs.yaml' }] },
      },
    ])
    expect((await ask('GET', `${AT}/runs?version=${first}`)).runs).toEqual([])
  })

  test('a profile is made once, when it is asked for, and two of them are compared', async () => {
    const ask = asker(server.url)
    const place = `${AT}/versions/${first}/profile`
    expect(await ask('GET', place)).toMatchObject({ state: 'none', profile: null })
    await expect(ask('GET', `${AT}/difference?old=${first}&new=${second}`)).rejects.toThrow(
      /409.*has no profile yet/,
    )
    for (const md5 of [first, second])
      expect(await profiled('data/sales.parquet', md5)).toMatchObject({ state: 'ready' })
    const { profile } = await ask('GET', place)
    expect(profile).toMatchObject({ rows: 500, files: 1 })
    const { rows, columns } = await ask('GET', `${AT}/difference?old=${first}&new=${second}`)
    expect(rows).toEqual({ old: 500, new: 600 })
    const changes = columns.map(({ name, change }: Record<string, string>) => `${name} ${change}`)
    expect(changes).toEqual(['id values', 'price values', 'kind values', 'shop added'])
    const price = columns[1]
    expect(price.histograms).toMatchObject({ from: 0, to: 119 })
    const total = (shares: number[]) => shares.reduce((sum, share) => sum + share, 0)
    expect(total(price.histograms.old)).toBeCloseTo(1, 5)
    expect(total(price.histograms.new)).toBeCloseTo(1, 5)
    expect(price.distance).toBeGreaterThan(0.1)
    expect(price.distance).toBeLessThan(0.3)
  }, 60_000)

  test('bytes that are nowhere are told with the remote that lacks them, and can be asked for again', async () => {
    const { datasets } = await asker(server.url)('GET', '/api/v1/datasets?search=lost')
    const { version } = datasets[0].newest
    const { state, reason } = await profiled('data/lost.parquet', version)
    expect(state).toBe('failed')
    expect(reason).toContain(`data/lost.parquet@${version}`)
    expect(reason).toMatch(/nor on the remote store \(.*store\).*orrery push/s)
    expect(await profiled('data/lost.parquet', version)).toMatchObject({ state: 'failed' })
  }, 60_000)
})

test('the command line lists them and shows one', async () => {
  const run = (...args: string[]) =>
    runCommand(project.origin, ['datasets', ...args, '--url', server.url])
  const listed = await run('list', '--search', 'sales', '--json')
  expect(JSON.parse(listed.out)).toMatchObject({ datasets: [{ path: 'data/sales.parquet' }] })
  const shown = await run('show', 'shop', 'data/sales.parquet')
  expect(shown.out).toMatch(new RegExp(`${second} .*Sales of the south too`))
  expect(shown.out).toMatch(/train +read .*warned/)
  const missing = await run('show', 'shop', 'data/none.parquet')
  expect(missing).toMatchObject({ out: '', err: expect.stringContaining('orrery add') as string })
  expect(missing.code).not.toBe(0)
}, 60_000)

describe.skipIf(chromiumPath === undefined)('data in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser.close())

  const at = async (path: string, how: { theme?: 'light' | 'dark'; width?: number } = {}) =>
    openPage(browser, `${server.url}${path}`, { ready: { role: 'main' }, ...how })

  test('the list is filtered and leads to a dataset with its versions, runs and profile', async () => {
    const { page, troubles } = await at('/data')
    await page.getByRole('link', { name: 'data/sales.parquet' }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'data')
    await page.getByRole('searchbox', { name: 'Paths that hold' }).fill('sales')
    await page.getByRole('link', { name: 'data/lost.parquet' }).waitFor({ state: 'detached' })
    expect(page.url()).toContain('search=sales')
    await page.getByRole('link', { name: 'data/sales.parquet' }).click()
    await page.getByRole('heading', { name: 'data/sales.parquet', level: 1 }).waitFor()
    await page.getByText('Sales of the south too').waitFor()
    await page.getByRole('link', { name: 'train' }).waitFor()
    await page.getByText('Warned').first().waitFor()
    await page.getByRole('row', { name: /price/ }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'dataset')
    await page.getByRole('button', { name: first.slice(0, 8) }).click()
    await page.getByText('500 rows, 3 columns').waitFor()
    expect(page.url()).toContain(`version=${first}`)
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Data', level: 1 }).waitFor()
    expect(await page.evaluate<number>(SHIFTS)).toBeLessThan(0.1)
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('two versions are laid beside each other, column by column', async () => {
    const { page, troubles } = await at(`/data/shop/${SALES}`, { theme: 'dark' })
    await page.getByRole('combobox', { name: 'Compare with' }).selectOption(first)
    await page.getByText('500 → 600 rows').waitFor()
    expect(page.url()).toContain(`old=${first}`)
    await page.getByRole('row', { name: /shop.*added/i }).waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'dataset-compared-dark')
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)

  test('a profile that cannot be made says which remote lacks the bytes', async () => {
    const { page } = await at(`/data/shop/${encodeURIComponent('data/lost.parquet')}`, {
      width: 400,
    })
    const button = page.getByRole('button', { name: /Profile|Try again/ })
    await button.click()
    await page.getByRole('alert').getByText('nor on the remote store').waitFor()
    expect(await violationsOn(page)).toEqual([])
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(wide).toBeLessThanOrEqual(400)
    await keepPicture(page, 'dataset-lost')
    await page.context().close()
  }, 60_000)
})
