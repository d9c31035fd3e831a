import * as fc from 'fast-check'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Thing } from '#retention'
import type { Writes } from '#stores/sql/index'
import { Died, openRetention, USER, type RetentionWorld } from '../support/retention.ts'
import { eachSqlStore } from '../support/sql-stores.ts'

// Few texts, so that the same bytes lie in many places.
const TEXTS = ['a', 'bb', 'ccc', 'dddd', 'eeeee'] as const
const MODELS = ['late', 'early'] as const
const DAY_MS = 86_400_000

// Counts from the newest: what was made last is what most is done to, and so stories come about.
const index = fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(30) })
const text = fc.constantFrom(...TEXTS)
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('remove' as const), of: index }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('log' as const),
      texts: fc.array(text, { maxLength: 3 }),
      experiment: index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('experiment' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('upload' as const), of: index, text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stray' as const), text }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('model' as const), of: index, text }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('register' as const),
      of: index,
      as: fc.constantFrom(...MODELS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('alias' as const), of: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deploy' as const), of: index }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('delete' as const), of: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restore' as const), of: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const), of: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unhold' as const), of: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), of: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), days: fc.constantFrom(1, 2, 16, 31) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), after: fc.nat(25) }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

/** What there was, and what was put where: nothing of it is asked of the store. */
interface Known {
  things: (Thing & { paths: Map<string, string>; madeFrom?: string })[]
  experiments: string[]
  revisions: number
}

eachSqlStore((name, open) => {
  const runs = name === 'SQLite' ? 25 : 5
  test(
    'whatever is logged, deleted, held, restored and purged, and wherever the process dies: what is reachable is there, and nothing else stays',
    { timeout: 240_000 },
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 60 }), async (actions) => {
          const world = await openRetention({ open: (given) => open(given) })
          try {
            const known: Known = { things: [], experiments: ['0'], revisions: 0 }
            for (const each of actions) {
              await act(world, known, each)
              if (each.do === 'sweep' || each.do === 'die') await assertReachable(world, known)
            }
            await assertEnd(world, known)
            expect(await unreferred(world)).toEqual([])
          } finally {
            await world.close()
          }
        }),
        { numRuns: Number(process.env['ORRERY_TEST_RUNS'] ?? runs) },
      ),
  )
})

async function act(world: RetentionWorld, known: Known, each: Action): Promise<void> {
  try {
    await acted(world, known, each)
  } catch (error) {
    // What does not fit the present state is refused, and nothing came of it.
    if (!(error instanceof Problem) && !(error instanceof Died)) throw error
  }
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list.at(-1 - (at % list.length))
}

async function acted(world: RetentionWorld, known: Known, each: Action): Promise<void> {
  const { tracking, registry, retention } = world
  const runs = known.things.filter(({ kind }) => kind === 'run')
  const versions = known.things.filter(({ kind }) => kind === 'model-version')
  if (each.do === 'log') {
    const files = Object.fromEntries(each.texts.map((body, at) => [`f${at}`, body]))
    const id = await world.run(files, pick(known.experiments, each.experiment))
    known.things.push({ kind: 'run', id, paths: new Map(Object.entries(files)) })
  } else if (each.do === 'experiment') {
    const { experimentId } = await tracking.experiments.create(USER, {
      name: `e${known.things.length}`,
    })
    known.experiments.push(experimentId)
    known.things.push({ kind: 'experiment', id: experimentId, paths: new Map() })
  } else if (each.do === 'upload') {
    const run = pick(runs, each.of)
    if (run === undefined) return
    // Files may come for a run that is deleted; they go with it then.
    const root = await tracking.artifacts.rootOf({ run: run.id })
    await tracking.artifacts.put(`${root}/up`, Buffer.from(each.text))
    run.paths.set('up', each.text)
  } else if (each.do === 'remove') {
    // Files of a run are deleted by themselves; versions made from them keep theirs.
    const run = pick(runs, each.of)
    if (run === undefined) return
    await tracking.artifacts.delete(USER, await tracking.artifacts.rootOf({ run: run.id }))
    run.paths.clear()
  } else if (each.do === 'stray') await world.objects.put(Buffer.from(each.text))
  else if (each.do === 'model') {
    const run = pick(runs, each.of)
    if (run === undefined) return
    const { experimentId } = await tracking.getRun(run.id)
    const made = await tracking.loggedModels.create({ experimentId, sourceRunId: run.id })
    const root = await tracking.artifacts.rootOf({ model: made.modelId })
    await tracking.artifacts.put(`${root}/weights`, Buffer.from(each.text))
    known.things.push({
      kind: 'logged-model',
      id: made.modelId,
      paths: new Map([['weights', each.text]]),
    })
  } else if (each.do === 'register') {
    const sources = known.things.filter(({ kind }) => kind === 'run' || kind === 'logged-model')
    const source = pick(sources, each.of)
    if (source === undefined) return
    // A name is not given twice, so that a version has one name here for ever.
    const names = known.things.filter(
      ({ kind, id }) => kind === 'registered-model' && id.startsWith(each.as),
    )
    let name = names.at(-1)?.id
    if (name === undefined || (await registry.models.find(name)) === undefined) {
      name = `${each.as}-${names.length}`
      await registry.models.create(USER, { name })
      known.things.push({ kind: 'registered-model', id: name, paths: new Map() })
    }
    const made = await registry.registerVersion(USER, {
      model: name,
      source: source.kind === 'run' ? `runs:/${source.id}/` : `models:/${source.id}`,
      ...(source.kind === 'run' ? { runId: source.id } : {}),
    })
    known.things.push({
      kind: 'model-version',
      id: `${made.model}/${made.version}`,
      // A logged model outlives its run: what it came from may have been purged before.
      ...(made.runId === null || (await world.store.read.tracking.findRun(made.runId)) === undefined
        ? {}
        : { madeFrom: made.runId }),
      paths: new Map(source.paths),
    })
  } else if (each.do === 'alias') {
    const version = pick(versions, each.of)
    if (version === undefined) return
    const [model = '', number] = version.id.split('/')
    await registry.aliases.set(USER, { model, alias: 'best', version: Number(number) })
  } else if (each.do === 'deploy') {
    const version = pick(versions, each.of)
    if (version !== undefined) await deploy(world, known, version.id)
  } else if (each.do === 'delete') {
    const thing = pick(known.things, each.of)
    if (thing !== undefined) await retention.delete(USER, [thing])
  } else if (each.do === 'restore') {
    await world.catchUp()
    const item = pick(await retention.list({ limit: 100 }), each.of)
    if (item !== undefined) await retention.restore(USER, [{ position: item.position }])
  } else if (each.do === 'hold') {
    const target = pick(known.things, each.of)
    if (target !== undefined)
      await retention.holds.place(USER, { target, reason: 'because', untilMs: null })
  } else if (each.do === 'unhold') {
    const hold = pick(await retention.holds.list({ limit: 100 }), each.of)
    if (hold !== undefined) await retention.holds.remove(USER, hold.id)
  } else if (each.do === 'purge') {
    await world.catchUp()
    const item = pick(await retention.list({ limit: 100 }), each.of)
    if (item !== undefined) await retention.purge(USER, [{ position: item.position }])
  } else if (each.do === 'pass') world.pass(each.days)
  else if (each.do === 'sweep') await world.sweep()
  else {
    world.dieAfter(each.after)
    await world.sweep().finally(() => world.dieAfter(Number.POSITIVE_INFINITY))
  }
}

/** Has an endpoint answer with the version, as far as tables tell. */
async function deploy({ store }: RetentionWorld, known: Known, id: string): Promise<void> {
  const [model = '', version] = id.split('/')
  const number = ++known.revisions
  await store.transact(async ({ serving, registry }: Writes) => {
    const found = await registry.findVersion(model, Number(version))
    if (found === undefined) return
    await serving.declare(
      { name: 'live', project: 'p', model: `models:/${model}@best`, shadows: [], monitor: null },
      1,
    )
    await serving.addRevisions([
      {
        endpoint: 'live',
        number,
        role: 'live',
        model,
        version: Number(version),
        digest: found.digest ?? '',
        createdMs: 1,
      },
    ])
    await serving.saveServing('live', { live: number, shadowing: [], failure: null })
  })
}

/** Everything that a row refers to can be read, byte for byte, and so can all of what nobody deleted. */
async function assertReachable(world: RetentionWorld, known: Known): Promise<void> {
  const { store, tracking, registry } = world
  for (const { digest } of await store.read.tracking.filesBelow(''))
    expect(sha256(await buffer(await world.objects.open(digest)))).toBe(digest)
  for (const thing of known.things) {
    const subject = await store.read.retention.find(thing)
    if (subject === undefined) {
      await assertWasPurged(world, thing)
      continue
    }
    const texts = [...thing.paths.values()].toSorted()
    if (thing.kind === 'run' || thing.kind === 'logged-model') {
      const root = await rootOf(world, thing)
      const read = []
      for (const path of thing.paths.keys())
        read.push(
          (await buffer((await tracking.artifacts.open(`${root}/${path}`)).bytes)).toString(),
        )
      expect(read.toSorted()).toEqual(texts)
    }
    if (thing.kind !== 'model-version') continue
    // What it was made from is its evidence, in use or in the trash.
    if (thing.madeFrom !== undefined)
      expect(await store.read.tracking.findRun(thing.madeFrom)).toBeDefined()
    const [model = '', number] = thing.id.split('/')
    const files =
      subject.position === null
        ? await registry.files(model, Number(number))
        : (await Array.fromAsync(store.read.retention.files(subject))).flat()
    expect(files).toHaveLength(thing.paths.size)
    for (const { digest } of files)
      expect(sha256(await buffer(await world.objects.open(digest)))).toBe(digest)
  }
}

async function rootOf({ store }: RetentionWorld, { kind, id }: Thing): Promise<string> {
  const uri =
    kind === 'run'
      ? (await store.read.tracking.findRun(id))?.artifactUri
      : (await store.read.tracking.findLoggedModel(id))?.artifactUri
  return (uri ?? '').replace('mlflow-artifacts:/', '')
}

/** What is gone was deleted, waited its time or was asked for, and is told of. */
async function assertWasPurged({ store }: RetentionWorld, thing: Thing): Promise<void> {
  const item =
    (await store.read.retention.purgeOf(thing)) ??
    // A sweep that died has begun with it.
    (await store.read.retention.newestTrash(thing))
  if (item === undefined) {
    // Only as a part of an experiment or a model that is being purged.
    const purging = await store.read.retention.due({ deletedUntilMs: 0, after: -1, limit: 100 })
    expect(purging.some(({ state }) => state === 'purging')).toBe(true)
    return
  }
  expect(item.state).not.toBe('trashed')
  const waited = (item.purgedMs ?? Number.POSITIVE_INFINITY) - item.deletedMs
  expect(waited >= 30 * DAY_MS || item.askedBy !== null).toBe(true)
}

/** After two whole sweeps every object is referred to; and a preview says to the byte what going frees. */
async function assertEnd(world: RetentionWorld, known: Known): Promise<void> {
  const { retention, store } = world
  world.pass(40)
  await world.sweep()
  world.pass(2)
  await world.sweep()
  await assertReachable(world, known)
  expect(await unreferred(world)).toEqual([])

  // What is held in the trash goes along with what holds it, which is another figure.
  for (const { position } of (await retention.list({ limit: 100 })).toReversed())
    await retention.restore(USER, [{ position }]).catch(() => undefined)
  await world.catchUp()
  if ((await retention.list({ limit: 1 })).length > 0) return

  for (const thing of known.things) {
    const subject = await store.read.retention.find(thing)
    if (subject?.state !== 'active') continue
    const preview = await retention.preview([thing])
    if (preview.items[0]?.obstacles.some(({ blocks }) => blocks !== 'nothing')) continue
    await retention.delete(USER, [thing])
    await world.catchUp()
    await retention.purge(USER, [thing])
    await world.sweep()
    const swept = await store.read.retention.newestCollection()
    expect({ bytes: swept?.bytes, objects: swept?.objects }).toEqual({
      bytes: preview.freedBytes,
      objects: preview.freedObjects,
    })
    await assertReachable(world, known)
    expect(await unreferred(world)).toEqual([])
    return
  }
}

/** Objects that no row refers to. */
async function unreferred({ objects, store }: RetentionWorld): Promise<string[]> {
  const there = (await objects.list()).map(({ digest }) => digest)
  const referred = await store.read.retention.references(there)
  return there.filter((digest) => !referred.has(digest))
}
