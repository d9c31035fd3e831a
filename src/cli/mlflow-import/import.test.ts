import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { pathOfUri } from '#tracking'
import { importStore } from './import.ts'
import { importTarget } from './target.ts'
import { openSource } from '../mlflow-store/open.ts'
import { showProgress } from '../progress.ts'
import { createMlflowDatabase } from '../mlflow-export/database.ts'
import { restClient } from '../mlflow-store/rest-client.ts'
import { restSource } from '../mlflow-store/rest-source.ts'
import type {
  MlflowSource,
  Owner,
  Point,
  SourceExperiment,
  SourceRun,
} from '../mlflow-store/source.ts'
import { runCommand } from '../../../tests/support/command.ts'
import { freePort, spawnServer, startFamily } from '../../../tests/support/process.ts'
import { startTestServer } from '../../../tests/support/server.ts'

vi.setConfig({ testTimeout: 180_000 })

const MAIN = join(import.meta.dirname, '..', 'main.ts')
const undo: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

test('an import whose command and server are killed comes to the same end when it is run again', async () => {
  const folder = await newFolder()
  const experiment = experimentNamed('1', 'long')
  const file = await writeStore(folder, [experiment], Array.from({ length: 220 }, madeRun))
  const undisturbed = await orrery()
  expect(await runCommand(folder, ['import', 'mlflow', file, '--url', undisturbed])).toMatchObject({
    code: 0,
  })

  const [home, port] = [await newFolder(), await freePort()]
  let server = await spawnServer({ home, port })
  undo.push(() => server.kill())
  const args = [MAIN, 'import', 'mlflow', file, '--url', server.url]
  // The command dies when some of the runs are there …
  const first = startFamily(process.execPath, args)
  first.stdout.resume()
  await someRuns(server.url, 1)
  first.signal('SIGKILL')
  await first.exited
  const afterFirst = await runsAt(server.url)
  expect(afterFirst).toBeLessThan(220)
  // … and then the server, while a second command is at work.
  const second = startFamily(process.execPath, args)
  second.stdout.resume()
  await someRuns(server.url, afterFirst + 1)
  await server.kill()
  second.signal('SIGKILL')
  await second.exited
  server = await spawnServer({ home, port })
  const last = await runCommand(folder, ['import', 'mlflow', file, '--url', server.url, '--json'])
  expect({ code: last.code, err: last.err }).toMatchObject({ code: 0 })
  expect(JSON.parse(last.out)).toMatchObject({ differences: [], skipped: [] })
  expect(await contentOfServer(server.url, 'long')).toEqual(
    await contentOfServer(undisturbed, 'long'),
  )
})

test('whatever odd things a store holds, all of them are here after an import', async () => {
  const url = await orrery()
  let count = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(oddRun(), { minLength: 1, maxLength: 4 }),
      fc.string(),
      async (runs, tag) => {
        const name = `odd ${++count}`
        const experiment = {
          ...experimentNamed(String(count), name),
          tags: [{ key: 'k', value: clean(tag) }],
        }
        const folder = await newFolder()
        const placed = runs.map((each, index) =>
          placedRun(each, `${count}/${index}`, experiment.id),
        )
        const file = await writeStore(folder, [experiment], placed)
        const source = openSource(file, undefined, {})
        const report = await importStore(source, importTarget(url, source.name), {
          wanted: { experiments: [], sinceMs: null, dryRun: false, counting: true },
          progress: showProgress('runs', { quiet: true }),
          nowMs: () => 0,
        })
        expect(report).toMatchObject({ skipped: [], differences: [] })
        const there = await contentOf(source, name)
        source.close()
        const here = openSource(url, undefined, {})
        expect(await contentOf(here, name)).toEqual(there)
      },
    ),
    { numRuns: 15 },
  )
})

function madeRun(_: unknown, index: number): MadeRun {
  const points = Array.from({ length: 20 }, (__, step) => ({
    step,
    atMs: step,
    value: index / (step + 1),
  }))
  const made = {
    params: [{ key: 'p', value: String(index) }],
    tags: [],
    history: { loss: points, 'val/loss': points },
    files: { 'a.txt': Buffer.from(`file ${index}`), 'deep/b.bin': Buffer.alloc(2000, index) },
  }
  return placedRun(made, String(index), '1')
}

type Odd = Pick<MadeRun, 'history' | 'files'> &
  Pick<MadeRun['run'], 'params' | 'tags'> &
  Partial<MadeRun['run']>

/** A run with an identifier of its own, in an experiment. */
function placedRun({ history, files, ...given }: Odd, seed: string, experimentId: string): MadeRun {
  const runId = createHash('md5').update(seed).digest('hex')
  const name = given.name === undefined || given.name === '' ? 'unnamed' : given.name
  const run = {
    userId: 'u',
    status: 'finished',
    startMs: 1_700_000_000_000,
    endMs: 1_700_000_001_000,
    lifecycle: 'active',
    datasets: [],
    modelInputs: [],
    modelOutputs: [],
    extent: '',
    points: null,
    keys: [],
    ...given,
    // A name and its tag are one in every store of today.
    name,
    tags: [...given.tags, { key: 'mlflow.runName', value: name }].toSorted((a, b) =>
      a.key < b.key ? -1 : 1,
    ),
    runId,
    experimentId,
    artifactUri: `mlflow-artifacts:/${experimentId}/${runId}/artifacts`,
  } as const
  return { run, history, files }
}

/** No text of a database holds NUL, and half a character is none. */
function clean(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}

const text = () => fc.string({ unit: 'grapheme', maxLength: 40 }).map(clean)
const keyText = () =>
  fc.oneof(fc.constantFrom('a', 'ü/漢 b', 'x.y:z', '-', 'k k'), fc.stringMatching(/^[a-z]{1,9}$/))
const pairs = () =>
  fc.dictionary(keyText(), text(), { maxKeys: 4, noNullPrototype: true }).map((found) =>
    Object.entries(found)
      .map(([key, value]) => ({ key, value }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  )
const point = () =>
  fc.record({
    value: fc.oneof(
      fc.double({ noDefaultInfinity: true }),
      fc.constantFrom(0, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324),
    ),
    step: fc.oneof(
      fc.integer(),
      fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
    ),
    atMs: fc.oneof(fc.nat(), fc.constant(4_102_444_800_000)),
  })
const fileName = () =>
  fc.constantFrom('empty', 'a b.txt', 'ü漢👋', 'deep/er/and/deeper/x', 'd.o.t.s', '+&=#?;', "it's")

function oddRun(): fc.Arbitrary<Odd> {
  return fc.record({
    name: text(),
    userId: text(),
    status: fc.constantFrom('running', 'scheduled', 'finished', 'failed', 'killed'),
    lifecycle: fc.constantFrom('active', 'deleted'),
    startMs: fc.nat(),
    endMs: fc.oneof(fc.constant(null), fc.integer({ min: 1 })),
    params: pairs(),
    tags: pairs(),
    datasets: fc
      .record({
        name: keyText(),
        digest: keyText(),
        source: text(),
        schema: fc.oneof(fc.constant(null), fc.constant('{}')),
        tags: pairs(),
      })
      .map((one) => [{ ...one, sourceType: 'local', profile: null }]),
    history: fc.dictionary(keyText(), fc.array(point(), { minLength: 1, maxLength: 6 }), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    files: fc.dictionary(fileName(), fc.uint8Array({ maxLength: 50 }), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  })
}

function experimentNamed(id: string, named: string): SourceExperiment {
  const [createdMs, updatedMs] = [1_600_000_000_000, 1_600_000_000_001]
  return {
    id,
    name: named,
    artifactLocation: `mlflow-artifacts:/${id}`,
    lifecycle: 'active',
    createdMs,
    updatedMs,
    tags: [],
  }
}

async function someRuns(url: string, atLeast: number): Promise<void> {
  while ((await runsAt(url)) < atLeast) await sleep(5)
}

async function runsAt(url: string): Promise<number> {
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_ids: ['1'], max_results: 1000 }),
  })
  const { runs = [] } = (await answer.json()) as { runs?: unknown[] }
  return runs.length
}

async function orrery(): Promise<string> {
  const server = await startTestServer()
  undo.push(server.stop)
  return server.url
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-migration-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A run with its history and its files, to be written into a store. */
interface MadeRun {
  readonly run: SourceRun
  readonly history: Readonly<Record<string, readonly Point[]>>
  readonly files: Readonly<Record<string, Uint8Array>>
}

/** Writes `mlflow.db` and `mlartifacts` into a folder, as an MLflow server has them. */
async function writeStore(
  folder: string,
  experiments: readonly SourceExperiment[],
  runs: readonly MadeRun[],
): Promise<string> {
  const file = join(folder, 'mlflow.db')
  await mkdir(join(folder, 'mlartifacts'), { recursive: true })
  const database = createMlflowDatabase(file, { nowMs: () => 1_700_000_000_000 })
  database.experiments(experiments)
  database.runs(runs.map(({ run }) => run))
  for (const { run, history, files } of runs) {
    for (const [key, points] of Object.entries(history)) database.points(run, key, points)
    for (const [path, bytes] of Object.entries(files)) {
      const to = join(folder, 'mlartifacts', pathOfUri(run.artifactUri) ?? '', path)
      await mkdir(dirname(to), { recursive: true })
      await writeFile(to, bytes)
    }
  }
  database.close()
  return file
}

/** What an Orrery server holds of it all, in one order. */
function contentOfServer(url: string, ...names: readonly string[]): Promise<unknown[]> {
  return contentOf(restSource(restClient(url, {}), { usual: [] }), ...names)
}

/** Everything of a store but where its files lie; experiments by their names. */
async function contentOf(source: MlflowSource, ...names: readonly string[]): Promise<unknown[]> {
  const told: unknown[] = []
  for (const experiment of await source.experiments()) {
    const { id, name, artifactLocation: _, ...rest } = experiment
    if (names.length > 0 && !names.includes(name)) continue
    told.push({ name, ...rest })
    for await (const page of source.runs(id))
      for (const run of await source.complete(page)) told.push(await contentOfRun(source, run))
  }
  return told.map((each) => JSON.stringify(each)).toSorted()
}

async function contentOfRun(source: MlflowSource, run: SourceRun): Promise<unknown> {
  const { experimentId, artifactUri, extent: _, points: _points, keys, ...rest } = run
  const history: Record<string, string[]> = {}
  for await (const { key, points } of source.history(run, keys.toSorted()))
    history[key] = [
      ...(history[key] ?? []),
      ...points.map(({ atMs, step, value }) => `${atMs} ${step} ${value + 0}`),
    ].toSorted()
  const owner: Owner = { experimentId, kind: 'run', id: run.runId }
  const located = await source.artifacts(owner, artifactUri)
  const files: string[] = []
  if (located.kind === 'folder')
    for await (const { path } of located.folder.files()) {
      const hash = createHash('sha256')
      for await (const chunk of await located.folder.open(path)) hash.update(chunk as Buffer)
      files.push(`${path} ${hash.digest('hex')}`)
    }
  const datasets = rest.datasets.map((each) => ({
    ...each,
    tags: each.tags.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  }))
  return {
    ...rest,
    datasets,
    history: Object.entries(history).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    files: files.toSorted(),
  }
}
