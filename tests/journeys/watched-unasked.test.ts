import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { runCommand } from '../support/command.ts'
import { FLIGHTS, writeModel } from '../support/models.ts'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A project says nothing of monitors at all. Its endpoints are watched nevertheless, against what their models were
// trained on.

const DAY_MS = 86_400_000
const ROWS = 400

const CONFIG = `project: unasked
models:
  flights-late: { from: train }
endpoints:
  calm: { model: models:/flights-late/1 }
  strange: { model: models:/flights-late/1 }
`

/** Registers the model that lies beside it. */
const TRAIN = `import { readFile, writeFile } from 'node:fs/promises'
const { MLFLOW_TRACKING_URI: url, MLFLOW_RUN_ID: run } = process.env
const send = async (method, path, body) => {
  const json = !Buffer.isBuffer(body)
  const answer = await fetch(url + path, {
    method,
    body: json ? JSON.stringify(body) : body,
    headers: json ? { 'content-type': 'application/json' } : {},
  })
  if (!answer.ok) throw new Error(path + ': ' + answer.status + ' ' + await answer.text())
}
const API = '/api/2.0/mlflow'
const { run: { info } } = await (await fetch(url + API + '/runs/get?run_id=' + run)).json()
const folder = info.artifact_uri.replace(/^mlflow-artifacts:\\/*/, '') + '/model'
for (const file of ['model.onnx', 'MLmodel'])
  await send('PUT', '/api/2.0/mlflow-artifacts/artifacts/' + folder + '/' + file, await readFile('model/' + file))
await send('POST', API + '/registered-models/create', { name: 'flights-late' })
await send('POST', API + '/model-versions/create', { name: 'flights-late', source: info.artifact_uri + '/model', run_id: run })
await writeFile('trained.txt', run)
`

const PIPELINE = `stages:
  train:
    cmd: '"${process.execPath}" train.mjs'
    deps: [model, train.mjs, flights.csv] # the folder is Git's, the rows are DVC's
    outs: [trained.txt]
`

let server: TestServer
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-unasked-'))
  server = await startTestServer()
  await writeProject()
  const told = ['--url', server.url]
  for (const args of [['add', 'flights.csv'], ['repro', ...told], ['push']]) {
    const { code, err } = await runCommand(folder, args)
    if (code !== 0) throw new Error(`orrery ${args.join(' ')}: ${err}`)
  }
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Trained')
  await ask('POST', '/projects', { origin: folder })
}, 120_000)
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

test('endpoints of which nobody said how are judged by their training data from the first window', async () => {
  for (const endpoint of ['calm', 'strange']) await serves(endpoint)
  await predict('calm', row)
  // Kilometres in place of miles, from an hour that no flight of the training data left at.
  await predict('strange', (draw) => {
    const { carrier, distance } = row(draw)
    return { carrier, hour: 23, distance: distance * 1.609 }
  })
  const calm = await firstWindow('calm')
  expect(calm).toMatchObject({
    predictions: ROWS,
    partial: true,
    modelVersion: 'flights-late/1',
    drift: { state: 'judged', compared: 3, drifted: [] },
    quality: { state: 'judged', issues: [] },
    performance: null,
  })
  const strange = await firstWindow('strange')
  expect(strange.drift).toMatchObject({ state: 'judged' })
  expect(strange.drift.features.find(({ feature }) => feature === 'hour')?.state).toBe('drifted')
  expect(strange.quality.issues.map(({ column }) => column)).toContain('distance')
  // A limit of performance is what somebody has to set: no word of it.
  const { alerts } = await ask<{ alerts: { endpoint: string; kind: string }[] }>('GET', '/alerts')
  expect(alerts.filter(({ endpoint }) => endpoint === 'calm')).toEqual([])
  expect(alerts.filter(({ kind }) => !['quality', 'drift'].includes(kind))).toEqual([])
}, 60_000)

interface Window {
  predictions: number
  drift: { state: string; features: { feature: string; state: string }[] }
  quality: { issues: { column: string }[] }
}

/** Moves event time on until the day of the predictions is over. */
async function firstWindow(endpoint: string): Promise<Window> {
  const time = new Date(Date.now() + DAY_MS).toISOString()
  await ask('POST', `/endpoints/${endpoint}/watermark`, { time })
  const windows = async () =>
    (await ask<{ windows: Window[] }>('GET', `/endpoints/${endpoint}/windows`)).windows
  await expect.poll(async () => (await windows()).length, { timeout: 30_000 }).toBeGreaterThan(0)
  return (await windows()).at(-1) as Window
}

function row(draw: () => number) {
  return {
    carrier: ['AA', 'UA', 'B6'][Math.floor(draw() * 3)] as string,
    hour: 5 + Math.floor(draw() * 16),
    distance: 100 + Math.floor(draw() * 2000),
  }
}

async function predict(endpoint: string, made: (draw: () => number) => object): Promise<void> {
  const draw = seededDraws(7)
  const records = Array.from({ length: ROWS }, () => made(draw))
  await ask('POST', `/endpoints/${endpoint}/predictions`, { records })
}

async function serves(endpoint: string): Promise<void> {
  const state = async () => {
    const shown = await ask<{ state: string }>('GET', `/endpoints/${endpoint}`).catch(() => null)
    return shown?.state
  }
  await expect.poll(state, { timeout: 30_000 }).toBe('ready')
}

const ask = askingOf(() => server.url)

async function writeProject(): Promise<void> {
  const draw = seededDraws(3)
  const rows = Array.from({ length: 4000 }, () => Object.values(row(draw)).join(','))
  const store = join(folder, '.store')
  await mkdir(join(folder, '.dvc'), { recursive: true })
  await writeModel(FLIGHTS, join(folder, 'model'))
  for (const [path, text] of Object.entries({
    '.dvc/config': `[core]\n    remote = store\n['remote "store"']\n    url = ${store}\n`,
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/.store\n',
    'orrery.yaml': CONFIG,
    'dvc.yaml': PIPELINE,
    'train.mjs': TRAIN,
    'flights.csv': `carrier,hour,distance\n${rows.join('\n')}\n`,
  }))
    await writeFile(join(folder, path), text)
  git('init', '--quiet', '--initial-branch=main')
}

function git(...args: string[]): void {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost']
  execFileSync('git', [...who, ...args], { cwd: folder })
}
