import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initProject } from '#app/project/init'
import { openWorkspace } from '#app/project/workspace'
import { httpRecorder } from '#app/pipelines/recorder'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import {
  chromiumPath,
  openBrowser,
  openPage,
  pictureFolder,
  violationsOn,
} from '../support/browser.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let root: string
let server: TestServer

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'orrery-run-plots-'))
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
  await initProject(root, { noScm: false })
  writeFileSync(join(root, 'write.mjs'), SCRIPT)
  writeFileSync(join(root, 'dvc.yaml'), PIPELINE)
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
  rmSync(root, { recursive: true, force: true })
})

const HOSTILE = '<img src=x onerror=alert(1)>'

const SCRIPT = `import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
mkdirSync('curves')
const rows = Array.from({ length: 3000 }, (_, at) => [at, 1 / (1 + at / 100), 1 - 1 / (1 + at / 200)].join())
writeFileSync('curves/loss.csv', ['step,loss,acc', ...rows].join('\\n'))
writeFileSync('curves/classes.csv', 'actual,predicted\\ncat,dog\\ncat,cat\\ndog,dog\\n')
writeFileSync('curves/weights.json', JSON.stringify([{ name: 'age', weight: 2 }, { name: '${HOSTILE}', weight: 1 }]))
writeFileSync('curves/spread.csv', 'a,b\\n1,2\\n2,1\\n3,3\\n')
writeFileSync('curves/picture.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30"><rect width="60" height="30" fill="teal"/></svg>')
writeFileSync('curves/large.csv', 'a\\n' + '1\\n'.repeat(2_000_000))
symlinkSync(process.env.SECRET, 'curves/linked.csv')
`

const PIPELINE = `stages:
  train:
    cmd: node write.mjs
    deps: [write.mjs]
    plots: [curves: {cache: false}]
plots:
- loss and accuracy: {x: step, y: {curves/loss.csv: [loss, acc]}, x_label: batch}
- curves/classes.csv: {x: actual, y: predicted, template: confusion, title: Taken for}
- curves/weights.json: {x: weight, y: name, template: bar_horizontal_sorted, title: '${HOSTILE}'}
- curves/spread.csv: {x: a, y: b, template: scatter}
- of another: {y: {write.csv: a}}
`

async function recordedRun(): Promise<string> {
  const secret = join(root, '..', `${root.split('/').at(-1)}-secret.csv`)
  writeFileSync(secret, 'password\nhunter2\n')
  const { pipelines } = openWorkspace(root, {
    variables: { PATH: process.env['PATH'], SHELL: '/bin/sh', SECRET: secret },
    environments: join(root, '.environments'),
  })
  const recorder = httpRecorder(server.url, { clock: systemClock, ids: randomIds })
  try {
    const { outcome, steps } = await pipelines.repro({ targets: [], recorder })
    expect({ outcome, failures: steps.map(({ failure }) => failure) }).toMatchObject({
      outcome: 'succeeded',
    })
    return String(steps[0]?.runId)
  } finally {
    rmSync(secret)
  }
}

describe('the plots of a stage are kept with its run', () => {
  let run: string
  beforeAll(async () => {
    run = await recordedRun()
  })

  const file = (path: string) =>
    fetch(`${server.url}/get-artifact?${new URLSearchParams({ run_uuid: run, path }).toString()}`)

  test('as files within bounds, and in numbers', async () => {
    const { plots } = (await (await file('plots/plots.json')).json()) as {
      plots: { id: string; kind: string; lines?: { name: string; spots: number[][] }[] }[]
    }
    expect(plots.map(({ id, kind }) => `${id}: ${kind}`).toSorted()).toEqual([
      'curves/classes.csv: tally',
      'curves/loss.csv: lines',
      'curves/picture.svg: picture',
      'curves/spread.csv: points',
      'curves/weights.json: bars',
      'loss and accuracy: lines',
    ])
    const both = plots.find(({ id }) => id === 'loss and accuracy')?.lines ?? []
    expect(both.map(({ name }) => name)).toEqual(['loss', 'acc'])
    expect(both[0]?.spots.length).toBeLessThanOrEqual(1001)
    expect(both[0]?.spots.at(-1)).toEqual([2999, 1 / (1 + 29.99)])
    expect(await (await file('plots/curves/spread.csv')).text()).toBe(
      readFileSync(join(root, 'curves/spread.csv'), 'utf8'),
    )
    expect((await file('plots/curves/large.csv')).status).toBe(404)
    expect((await file('plots/curves/linked.csv')).status).toBe(404)
  })

  test.skipIf(chromiumPath === undefined)('and drawn on its page', async () => {
    const browser = await openBrowser()
    try {
      const opened = await openPage(browser, `${server.url}/runs/${run}`, {
        height: 2400,
        ready: { role: 'region', name: 'Plots' },
      })
      const { page, troubles } = opened
      const plots = page.getByRole('region', { name: 'Plots' })
      await plots.getByRole('img', { name: 'curves/picture.svg' }).waitFor()
      await page.screenshot({ path: join(await pictureFolder(), 'run-plots.png'), fullPage: true })
      expect(await violationsOn(page)).toEqual([])
      expect(troubles).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
