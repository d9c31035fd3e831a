import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { httpRecorder } from '#app/pipelines/recorder'
import { initProject } from '#app/project/init'
import { openWorkspace } from '#app/project/workspace'
import { pythonBin } from '../support/python.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let top = ''
let server: TestServer

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'orrery-repeatable-'))
  server = await startTestServer()
})

afterAll(async () => {
  await server.stop()
  rmSync(top, { recursive: true, force: true })
})

/** A project in a folder of its own, with nothing that another one has made. */
async function project(name: string, fill: (root: string) => void): Promise<string> {
  const root = join(top, name)
  mkdirSync(root)
  fill(root)
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
  await initProject(root, { noScm: false })
  const who = ['-c', 'user.name=Tests', '-c', 'user.email=tests@example.org']
  execFileSync('git', ['add', '.'], { cwd: root })
  execFileSync('git', [...who, 'commit', '-q', '-m', 'first'], {
    cwd: root,
    env: { ...process.env, GIT_COMMITTER_DATE: '2026-11-21T00:00:00Z' },
  })
  return root
}

/** The demo's, which need what the flights need as well. */
const ENVIRONMENTS = new URL('../../.orrery/environments', import.meta.url).pathname
/** Its uv builds faster than pip; its Python has other packages. */
const path = () => `${process.env['PATH']}${delimiter}${pythonBin()}`

/** What the machine that tests have may set. */
const UNSET = { PYTHONHASHSEED: undefined, TZ: undefined, LC_ALL: undefined }

function opened(root: string, own: Readonly<Record<string, string>> = {}) {
  return openWorkspace(root, {
    variables: { ...process.env, ...UNSET, PATH: path(), SHELL: '/bin/sh', ...own },
    environments: ENVIRONMENTS,
  })
}

async function reproduced(root: string, own: Readonly<Record<string, string>> = {}) {
  const recorder = httpRecorder(server.url, { clock: systemClock, ids: randomIds })
  let said = ''
  const result = await opened(root, own).pipelines.repro({
    targets: [],
    recorder,
    onEvent: (event) => {
      if (event.kind === 'output') said += event.text
    },
  })
  const failed = result.steps.map(({ failure }) => failure ?? '').join('')
  if (result.outcome !== 'succeeded') throw new Error(failed + said)
  return result
}

/** What MLflow's clients see on the run of a stage. */
async function tagsOf(run: string | null | undefined): Promise<Record<string, string>> {
  const response = await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${run}`)
  const { run: found } = (await response.json()) as {
    run: { data: { tags: { key: string; value: string }[] } }
  }
  return Object.fromEntries(found.data.tags.map(({ key, value }) => [key, value]))
}

const FLIGHTS = new URL('../../examples/flights/', import.meta.url).pathname
const COPIED = 'src dvc.yaml params.yaml requirements.txt .gitignore .dvcignore'.split(' ')
const ENVIRONMENT = 'environment: { requirements: requirements.txt }'
const MADE = ['data/prepared/train.parquet', 'data/prepared/holdout.parquet', 'models/model.onnx']

test('the flights that are trained twice from nothing, in two folders, give the same bytes', async () => {
  const month = '2013-01.parquet'
  const roots = []
  for (const name of ['here', 'and-in-a-longer-place'])
    roots.push(
      await project(name, (root) => {
        for (const each of COPIED)
          cpSync(join(FLIGHTS, each), join(root, each), { recursive: true })
        writeFileSync(join(root, 'orrery.yaml'), `project: ${name}\n${ENVIRONMENT}\n`)
      }),
    )
  const made = []
  for (const root of roots) {
    mkdirSync(join(root, 'data', 'raw'), { recursive: true })
    cpSync(join(FLIGHTS, 'months', month), join(root, 'data', 'raw', month))
    await opened(root).data.add(['data/raw'])
    await reproduced(root)
    made.push([...MADE, 'metrics.json', 'dvc.lock'].map((file) => readFileSync(join(root, file))))
  }
  expect(made[0]?.map((bytes) => bytes.length > 0)).not.toContain(false)
  expect(made[1]).toEqual(made[0])
})

/** Python orders sets of texts by a seed of the process's own, and tells the time where it is. */
const CHANCE = `python -c "import sys, time; print([*{*map(str, range(99))}], time.tzname)" > out`

test('what is pinned is on record, and a stage that is not pinned need not repeat', async () => {
  const dvcYaml = (meta: string) =>
    `stages:\n  make:\n    cmd: ${JSON.stringify(CHANCE)}\n    outs: [out]\n    meta: ${meta}\n`
  const madeBy = async (name: string, meta: string, own: Record<string, string> = {}) => {
    const root = await project(name, (at) => writeFileSync(join(at, 'dvc.yaml'), dvcYaml(meta)))
    const { steps } = await reproduced(root, own)
    return {
      out: readFileSync(join(root, 'out'), 'utf8'),
      pinned: JSON.parse((await tagsOf(steps[0]?.runId))['orrery.pinned'] ?? 'null') as unknown,
    }
  }
  const [one, other] = [await madeBy('one', '{}'), await madeBy('other', '{}')]
  expect(one.out).toBe(other.out)
  expect(one).toEqual(other)
  expect(one.pinned).toEqual({
    variables: expect.objectContaining({ PYTHONHASHSEED: '0', SOURCE_DATE_EPOCH: '1795219200' }),
    own: [],
  })
  const free = [await madeBy('free', '{pin: false}'), await madeBy('freer', '{pin: false}')]
  expect(free[0]?.out).not.toBe(free[1]?.out)
  expect(free[0]?.pinned).toEqual({ variables: {}, own: [] })
  const mine = await madeBy('mine', '{pin: {SEED: 7}, resources: {cpu: 3}}', { TZ: 'Asia/Tokyo' })
  expect(mine.out).toContain('JST')
  expect(mine.pinned).toEqual({
    variables: expect.objectContaining({ TZ: 'Asia/Tokyo', SEED: '7', OMP_NUM_THREADS: '3' }),
    own: ['TZ'],
  })
})
