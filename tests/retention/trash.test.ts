import BetterSqlite from 'better-sqlite3'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import { openRetention, USER, type RetentionWorld } from '../support/retention.ts'

let world: RetentionWorld
afterEach(() => world.close())

const run = (id: string) => ({ kind: 'run', id }) as const

async function textOf(path: string): Promise<string> {
  return (await buffer((await world.tracking.artifacts.open(path)).bytes)).toString()
}

test('a deleted run waits in the trash with who and when, and comes back whole', async () => {
  world = await openRetention()
  const id = await world.run({ 'model.bin': 'weights' })
  await world.retention.delete(USER, [run(id)])
  await world.catchUp()
  const [item] = await world.retention.list({ limit: 10 })
  expect(item).toMatchObject({
    kind: 'run',
    id,
    experimentId: '0',
    deletedBy: 'ann',
    files: 1,
    sizeBytes: 7,
    state: 'trashed',
  })
  await world.retention.restore(USER, [run(id)])
  await world.catchUp()
  expect(await world.retention.list({ limit: 10 })).toEqual([])
  world.pass(100)
  await world.sweep()
  expect(await textOf(`0/${id}/artifacts/model.bin`)).toBe('weights')
})

test('what was purged is gone from tables and disk, and what else needs a byte keeps it', async () => {
  world = await openRetention()
  const gone = await world.run({ own: 'only mine', both: 'shared' })
  const stays = await world.run({ both: 'shared' })
  const preview = await world.retention.preview([run(gone)])
  expect(preview).toMatchObject({ freedObjects: 1, freedBytes: 9 })
  expect(preview.items[0]).toMatchObject({
    files: 2,
    sizeBytes: 15,
    rows: { runs: 1, metric_series: 1, artifact_files: 2 },
  })
  await world.retention.delete(USER, [run(gone)])
  world.pass(29)
  await world.sweep()
  expect(await world.tracking.findRun(gone)).toMatchObject({ lifecycle: 'deleted' })
  world.pass(2)
  await world.sweep()
  await expect(world.tracking.getRun(gone)).rejects.toMatchObject({ code: 'not-found' })
  expect(await world.objects.find(sha256('only mine'))).toBeUndefined()
  expect(await textOf(`0/${stays}/artifacts/both`)).toBe('shared')
  expect(await world.store.read.retention.newestCollection()).toMatchObject({
    items: 1,
    objects: 1,
    bytes: preview.freedBytes,
    keptObjects: 1,
    keptBytes: 6,
  })
  await expect(world.retention.preview([run(gone)])).rejects.toThrow(
    /was purged on .* by retention/,
  )
  const facts = await world.store.read.ledger.list({
    after: -1,
    limit: 1000,
    types: ['run-purged', 'objects-freed'],
  })
  expect(facts.map(({ data }) => data)).toMatchObject([
    { run: gone, files: 2, rows: { metric_series: 1, artifact_files: 2 }, deletedBy: 'ann' },
    { objects: 1, bytes: 9, digests: [sha256('only mine')] },
  ])
})

test('a registered version holds its run until it is gone itself', async () => {
  world = await openRetention()
  const id = await world.run({ 'm/weights': 'trained' })
  await world.registry.models.create(USER, { name: 'late' })
  await world.registry.registerVersion(USER, {
    model: 'late',
    source: `runs:/${id}/m`,
    runId: id,
  })
  await world.retention.delete(USER, [run(id)])
  world.pass(31)
  await world.sweep()
  expect((await world.retention.preview([run(id)])).items[0]?.obstacles).toMatchObject([
    { what: 'version', blocks: 'purge', todo: expect.stringContaining('delete version late/1') },
  ])
  expect(await textOf(`0/${id}/artifacts/m/weights`)).toBe('trained')
  await world.registry.versions.delete(USER, 'late', 1)
  world.pass(31)
  await world.sweep()
  expect(await world.tracking.findRun(id)).toBeUndefined()
  expect(await world.objects.find(sha256('trained'))).toBeUndefined()
  expect(await world.retention.purgeOf({ kind: 'model-version', id: 'late/1' })).toMatchObject({
    by: 'retention',
  })
})

test('registered models and versions are gone at once and come back with files, tags and free aliases', async () => {
  world = await openRetention()
  const { registry, retention } = world
  const id = await world.run({ 'm/weights': 'one' })
  await registry.models.create(USER, {
    name: 'late',
    note: 'why',
    tags: [{ key: 'team', value: 'air' }],
  })
  const source = { model: 'late', source: `runs:/${id}/m`, runId: id }
  await registry.registerVersion(USER, { ...source, tags: [{ key: 'a', value: 'b' }] })
  await registry.registerVersion(USER, source)
  await registry.aliases.set(USER, { model: 'late', alias: 'best', version: 1 })
  const before = [await registry.models.get('late'), await registry.versions.get('late', 1)]

  await registry.models.delete(USER, 'late')
  await world.catchUp()
  await expect(registry.models.get('late')).rejects.toMatchObject({ code: 'not-found' })
  expect(await retention.list({ limit: 5 })).toMatchObject([
    { kind: 'registered-model', id: 'late', files: 2, sizeBytes: 6 },
  ])
  await retention.restore(USER, [{ kind: 'registered-model', id: 'late' }])
  await world.catchUp()
  expect(await retention.list({ limit: 5 })).toEqual([])
  const after = [await registry.models.get('late'), await registry.versions.get('late', 1)]
  // When it was changed last, and its newest versions, which tell the same once more, are others.
  const lasting = (each: object) => ({ ...each, updatedMs: 0, newest: [] })
  expect(lasting(after[0] ?? {})).toEqual(lasting(before[0] ?? {}))
  expect(lasting(after[1] ?? {})).toEqual(lasting(before[1] ?? {}))
  expect(await registry.files('late', 1)).toHaveLength(1)

  await registry.versions.delete(USER, 'late', 1)
  await world.catchUp()
  await registry.aliases.set(USER, { model: 'late', alias: 'best', version: 2 })
  const [restored] = await retention.restore(USER, [{ kind: 'model-version', id: 'late/1' }])
  expect(restored?.aliasesLeft).toEqual(['best'])
  expect((await registry.versions.get('late', 1)).tags).toEqual([{ key: 'a', value: 'b' }])
  // The number is not given again.
  expect((await registry.registerVersion(USER, source)).version).toBe(3)
})

test('an experiment goes with its runs and logged models, and holds on any of them stop it', async () => {
  world = await openRetention()
  const { tracking, retention } = world
  const { experimentId } = await tracking.experiments.create(USER, { name: 'trials' })
  const id = await world.run({ f: 'in the run' }, experimentId)
  const model = await tracking.loggedModels.create({ experimentId, sourceRunId: id })
  const root = await tracking.artifacts.rootOf({ model: model.modelId })
  await tracking.artifacts.put(`${root}/weights`, Buffer.from('in the model'))
  const target = { kind: 'experiment', id: experimentId } as const

  await retention.delete(USER, [target])
  const hold = await retention.holds.place(USER, {
    target: run(id),
    reason: 'case 12',
    untilMs: null,
  })
  world.pass(31)
  await world.sweep()
  expect(await tracking.findRun(id)).toBeDefined()
  const held = await retention.purge(USER, [target])
  expect(held.held[0]?.obstacles).toMatchObject([
    { what: 'hold', why: expect.stringContaining('case 12') },
  ])

  await retention.holds.remove(USER, hold.id)
  const preview = await retention.preview([target])
  await world.sweep()
  expect(await tracking.findRun(id)).toBeUndefined()
  await expect(tracking.experiments.get(experimentId)).rejects.toMatchObject({ code: 'not-found' })
  expect(await world.store.read.retention.newestCollection()).toMatchObject({
    items: 1,
    bytes: preview.freedBytes,
    keptObjects: 0,
  })
  expect(await retention.purgeOf(run(id))).toMatchObject({ by: 'retention' })
  // The ledger knows the old one by its number.
  const next = await tracking.experiments.create(USER, { name: 'trials' })
  expect(Number(next.experimentId)).toBe(Number(experimentId) + 1)
  expect(await world.store.read.tracking.filesBelow('')).toEqual([])
})

test('a hold ends at its time, and one that is over holds nothing', async () => {
  world = await openRetention()
  const id = await world.run({})
  const soon = Date.now() + 40 * 86_400_000
  await world.retention.holds.place(USER, { target: run(id), reason: 'audit', untilMs: soon })
  await world.retention.delete(USER, [run(id)])
  world.pass(35)
  await world.sweep()
  expect(await world.tracking.findRun(id)).toBeDefined()
  world.pass(10)
  await world.sweep()
  expect(await world.tracking.findRun(id)).toBeUndefined()
})

test('bytes that were put a short while ago are spared, whoever means to refer to them', async () => {
  world = await openRetention()
  const { digest } = await world.objects.put(Buffer.from('an upload under way'))
  await world.sweep()
  expect(await world.objects.find(digest)).toBeDefined()
  expect(await world.store.read.retention.newestCollection()).toMatchObject({ youngObjects: 1 })
  world.pass(2)
  await world.sweep()
  expect(await world.objects.find(digest)).toBeUndefined()
})

test('the space of purged rows goes back to the disk', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-space-'))
  world = await openRetention({ home })
  const { tracking, retention } = world
  const id = await world.run({})
  for (let step = 0; step < 20_000; step += 1000)
    await tracking.logMetrics(
      id,
      Array.from({ length: 1000 }, (_, at) => ({
        key: `k${at % 50}`,
        value: Math.sin(step + at),
        step: step + at,
        atMs: step + at,
      })),
    )
  await retention.delete(USER, [run(id)])
  await world.catchUp()
  await retention.purge(USER, [run(id)])
  await world.sweep()
  const file = join(home, 'orrery.db')
  const db = new BetterSqlite(file, { readonly: true })
  expect(db.pragma('freelist_count', { simple: true })).toBe(0)
  expect(db.prepare('select count(*) from metric_series').pluck().get()).toBe(0)
  db.close()
  await rm(home, { recursive: true, force: true })
})
