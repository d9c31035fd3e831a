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
import { HOSTILE, pipelineProject, type PipelineProject } from '../support/pipeline-project.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const PATIENCE = { timeout: 30_000 }

let server: TestServer
let project: PipelineProject
let ask: ReturnType<typeof asker>

beforeAll(async () => {
  project = await pipelineProject()
  server = await startTestServer()
  ask = asker(server.url)
  await ask('POST', '/api/v1/projects', { origin: project.origin })
}, 60_000)
afterAll(async () => {
  await server.stop()
  await project.remove()
})

async function until(id: string, states: RegExp): Promise<void> {
  await expect
    .poll(async () => (await ask('GET', `/api/v1/pipelines/runs/${id}`)).state, PATIENCE)
    .toMatch(states)
}

/** A run that another machine told of, whose stages have names that nobody should trust. */
async function recordRun(id: string, stages: readonly string[], outcome: string): Promise<void> {
  const start = { id, project: 'runs', commit: null, dirty: true, branch: 'main', stages }
  await ask('POST', '/api/v1/pipeline-runs', start)
  for (const [place, stage] of stages.slice(0, 2).entries()) {
    const deps = place === 0 ? [] : [{ path: 'a.txt', md5: 'a'.repeat(32), sizeBytes: 1 }]
    const outs = place === 0 ? [{ path: 'a.txt', md5: 'a'.repeat(32), sizeBytes: 1 }] : []
    const address = `/api/v1/pipeline-runs/${id}/stages`
    const told = { stage, command: 'true', params: {}, deps, environment: null }
    await ask('POST', address, told)
    const end = { outcome: 'succeeded', reason: null, outs, metrics: {}, logTail: '' }
    await ask('POST', `${address}/${encodeURIComponent(stage)}/finish`, end)
  }
  const end = { outcome, reason: null, lockDigest: null }
  await ask('POST', `/api/v1/pipeline-runs/${id}/finish`, end)
}

describe('runs of pipelines over REST', () => {
  test('an order is looked over before it is given: its stages, its commit, and all that would be refused', async () => {
    const good = await ask('POST', '/api/v1/pipelines/check', {
      project: 'runs',
      targets: ['deploy'],
      overrides: ['depth=5'],
    })
    expect(good).toMatchObject({ chosen: ['clean', 'deploy'], refused: [] })
    const bad = { project: 'runs', targets: ['nope'], overrides: ['deep=5'] }
    const { refused } = await ask('POST', '/api/v1/pipelines/check', bad)
    expect(refused).toEqual([
      expect.stringContaining('deep is not in params.yaml'),
      expect.stringContaining('nope names no stage'),
    ])
    for (const [order, words] of [
      [{ project: 'runs', rev: 'nowhere' }, 'has no branch, tag or commit "nowhere"'],
      [{ project: 'runs', rev: '--upload-pack=x' }, 'is no revision'],
      [{ project: 'nobody' }, 'nobody'],
    ] as const)
      expect((await ask('POST', '/api/v1/pipelines/check', order)).refused.join()).toContain(words)
  })

  test('runs of other machines stand among those that were asked for, each once, over all pages', async () => {
    await recordRun('laptop-1', ['make', 'use'], 'succeeded')
    const { id } = await ask('POST', '/api/v1/run-requests', {
      project: 'runs',
      targets: ['tests'],
    })
    await until(id, /failed/)
    await recordRun('laptop-2', ['make'], 'failed')
    const seen: string[] = []
    for (let next = ''; ;) {
      const page = await ask('GET', `/api/v1/pipelines/runs?limit=1${next}`)
      seen.push(...page.runs.map((run: Record<string, string>) => `${run['id']} ${run['kind']}`))
      if (page.next === null) break
      next = `&before=${page.next}`
    }
    expect(seen).toEqual(['laptop-2 recorded', `${id} asked`, 'laptop-1 recorded'])
    const found = async (query: string) =>
      (await ask('GET', `/api/v1/pipelines/runs?${query}`)).runs.map(
        (run: Record<string, string>) => run['id'],
      )
    expect(await found('state=failed')).toEqual(['laptop-2', id])
    expect(await found('by=people')).toEqual([id])
    expect(await found('by=machines&state=succeeded')).toEqual(['laptop-1'])
    expect(await found('by=policies')).toEqual([])
    expect(await found('project=other')).toEqual([])
    await expect(found('before=nonsense')).rejects.toThrow(/400.*no place in the list/)
    expect((await ask('GET', `/api/v1/pipelines/runs/${id}.1`)).id).toBe(id)
    const { from, stages } = await ask('GET', `/api/v1/pipelines/runs/${id}/graph`)
    expect({ from, stages }).toMatchObject({
      from: 'commit',
      stages: [
        { stage: 'clean', needs: [] },
        { stage: 'tests', needs: ['clean'] },
      ],
    })
    expect(await ask('GET', '/api/v1/pipelines/runs/laptop-1/graph')).toMatchObject({
      from: 'record',
      stages: [
        { stage: 'make', needs: [] },
        { stage: 'use', needs: ['make'] },
      ],
    })
    const { tests } = await ask('GET', `/api/v1/pipelines/runs/${id}/stages/tests/tests`)
    expect(tests.map(({ name }: Record<string, string>) => name)).toEqual(['no twins', 'no nulls'])
  }, 60_000)
})

describe.skipIf(chromiumPath === undefined)('pipelines in Chromium (ORRERY_TEST_CHROMIUM)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser.close())

  const at = async (path: string, how: { theme?: 'light' | 'dark'; width?: number } = {}) =>
    openPage(browser, `${server.url}${path}`, { ready: { role: 'main' }, ...how })
  const lines = (page: Page) => page.getByRole('region', { name: 'Lines of the log' })

  test('a run is asked for in a dialog that says what would be refused, its log grows, and it is cancelled', async () => {
    const { page, troubles } = await at('/')
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await page.getByRole('heading', { name: 'Pipelines', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Run…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Parameters').fill('deep=5')
    await dialog.getByText('deep is not in params.yaml').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'pipelines-dialog')
    await dialog.getByLabel('Parameters').fill('depth=5')
    await dialog.getByRole('checkbox', { name: 'slow' }).check()
    await dialog.getByText('2 stages at').waitFor()
    await dialog.getByText('orrery run runs slow -S depth=5', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByRole('heading', { name: 'Run of runs', level: 1 }).waitFor()
    await lines(page).getByText('tick 1', { exact: true }).waitFor(PATIENCE)
    await lines(page).getByText('tick 3', { exact: true }).waitFor(PATIENCE)
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'pipeline-running')
    await page.getByRole('button', { name: 'Cancel…' }).click()
    await page.getByLabel('Reason').fill('wrong data')
    await page.getByRole('button', { name: 'Cancel the run' }).click()
    await page.getByText('cancelled by local: wrong data').first().waitFor(PATIENCE)
    expect(troubles).toEqual([])
    await page.context().close()
  }, 90_000)

  test('a stage that waits is approved with a comment, in the dark', async () => {
    const { id } = await ask('POST', '/api/v1/run-requests', {
      project: 'runs',
      targets: ['deploy'],
    })
    await until(id, /waiting/)
    const { page, troubles } = await at('/pipelines?state=waiting', { theme: 'dark' })
    await page.getByRole('link', { name: id }).click()
    await page.getByText('Deploy it to all shops?').first().waitFor()
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'pipeline-waiting-dark')
    await page.getByLabel('Comment on deploy').fill('looks <b>good</b>')
    await page.getByRole('button', { name: 'Approve deploy' }).click()
    await page.getByText('looks <b>good</b>').waitFor()
    await page.getByText('Lock on branch').waitFor(PATIENCE)
    await page.getByText(`orrery/${id}`).waitFor()
    expect(troubles).toEqual([])
    await page.context().close()
  }, 90_000)

  test('failed tests are told first, and what a stage prints to do harm is only text, on a narrow page too', async () => {
    const { id } = await ask('POST', '/api/v1/run-requests', {
      project: 'runs',
      targets: ['tests'],
      force: true,
    })
    await until(id, /failed/)
    const { page, troubles } = await at(`/pipelines/${id}`, { width: 400 })
    await page.getByText('3 twins <b>here</b>').waitFor()
    await page.getByText('2 tests: 1 failed, 1 passed').waitFor()
    expect(await violationsOn(page)).toEqual([])
    await page.getByRole('button', { name: /^clean/ }).click()
    await page
      .getByText('5,503 lines')
      .or(page.getByText(/5,\d+ lines/))
      .first()
      .waitFor()
    await page.getByRole('searchbox', { name: 'Find in the log' }).fill('onerror')
    await lines(page).getByText(HOSTILE).waitFor()
    await lines(page).getByText('red and plain').waitFor()
    expect(await lines(page).locator('img, script').count()).toBe(0)
    expect(await lines(page).locator('[data-index]').count()).toBeLessThan(200)
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(wide).toBeLessThanOrEqual(400)
    expect(await violationsOn(page)).toEqual([])
    await keepPicture(page, 'pipeline-failed-narrow')
    expect(troubles).toEqual([])
    await page.context().close()
  }, 90_000)

  test('a thousand stages with hostile names are drawn and listed without holding up the page', async () => {
    const names = Array.from({ length: 1000 }, (_, place) => `${HOSTILE.slice(0, 12)}@${place}`)
    await recordRun('wide', names, 'succeeded')
    const { page, troubles } = await at('/pipelines/wide')
    await page.getByRole('img', { name: /1,000 stages/ }).waitFor(PATIENCE)
    expect(await page.getByRole('listitem').count()).toBeLessThan(100)
    await page.getByRole('region', { name: /arrow keys/ }).press('ArrowRight')
    await keepPicture(page, 'pipeline-wide')
    expect(troubles).toEqual([])
    await page.context().close()
  }, 60_000)
})
