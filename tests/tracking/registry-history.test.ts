import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import type { ObjectStore } from '#objects'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import {
  createRegistry,
  type ModelVersion,
  type RegisteredModel,
  type Registry,
  type Stage,
} from '#registry'
import { openLocalObjects } from '#stores/objects/local'
import type { SqlStore } from '#stores/sql/index'
import { createTracking } from '#tracking'
import { eachSqlStore } from '../support/sql-stores.ts'

const ADA = { kind: 'user', id: 'ada' } as const

let home: string
let objects: ObjectStore
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-history-'))
  objects = await openLocalObjects(join(home, 'objects'))
})
afterAll(() => rm(home, { recursive: true }))

function registryOn(store: SqlStore, clock: ReturnType<typeof manualClock>): Registry {
  const ids = countedIds()
  const { transact } = store
  const tracking = createTracking({ read: store.read.tracking, transact, objects, clock, ids })
  return createRegistry({
    read: store.read.registry,
    transact,
    tracking,
    objects,
    clock,
    describe: describeMlModel,
    guard: { check: async () => undefined },
  })
}

const NAMES = ['late', 'early', 'never'] as const
const name = fc.constantFrom(...NAMES)
const version = fc.integer({ min: 1, max: 4 })
const key = fc.constantFrom('team', 'tier')
const text = fc.constantFrom('', 'a', 'b', 'x'.repeat(2000))
const alias = fc.constantFrom('champion', 'next')
const stage = fc.constantFrom<Stage>('none', 'staging', 'production', 'archived')

const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), name, note: text }),
  fc.record({ do: fc.constant('register' as const), name, note: text }),
  fc.record({ do: fc.constant('register' as const), name, note: text }),
  fc.record({ do: fc.constant('rename' as const), name, to: name }),
  fc.record({ do: fc.constant('delete' as const), name }),
  fc.record({ do: fc.constant('note' as const), name, text }),
  fc.record({ do: fc.constant('tag' as const), name, key, text }),
  fc.record({ do: fc.constant('untag' as const), name, key }),
  fc.record({ do: fc.constant('point' as const), name, alias, version }),
  fc.record({ do: fc.constant('unpoint' as const), name, alias }),
  fc.record({ do: fc.constant('note-version' as const), name, version, text }),
  fc.record({ do: fc.constant('tag-version' as const), name, version, key, text }),
  fc.record({ do: fc.constant('untag-version' as const), name, version, key }),
  fc.record({ do: fc.constant('stage' as const), name, version, stage, archive: fc.boolean() }),
  fc.record({ do: fc.constant('delete-version' as const), name, version }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take({ models, versions, aliases, ...registry }: Registry, each: Step) {
  const tags = [{ key: 'born', value: 'with' }]
  switch (each.do) {
    case 'create':
      return models.create(ADA, { name: each.name, note: each.note, tags })
    case 'register':
      return registry.registerVersion(ADA, {
        model: each.name,
        source: 's3://bucket/model',
        note: each.note,
        tags,
      })
    case 'rename':
      return models.rename(ADA, each.name, each.to)
    case 'delete':
      return models.delete(ADA, each.name)
    case 'note':
      return models.note(ADA, each.name, each.text)
    case 'tag':
      return models.setTag(ADA, each.name, { key: each.key, value: each.text })
    case 'untag':
      return models.deleteTag(ADA, each.name, each.key)
    case 'point':
      return aliases.set(ADA, { model: each.name, alias: each.alias, version: each.version })
    case 'unpoint':
      return aliases.delete(ADA, each.name, each.alias)
    case 'note-version':
      return versions.note(ADA, each.name, each.version, each.text)
    case 'tag-version':
      return versions.setTag(ADA, each.name, each.version, { key: each.key, value: each.text })
    case 'untag-version':
      return versions.deleteTag(ADA, each.name, each.version, each.key)
    case 'stage':
      return versions.move(ADA, {
        model: each.name,
        version: each.version,
        stage: each.stage,
        others: each.archive ? 'archive' : 'keep',
      })
    case 'delete-version':
      return versions.delete(ADA, each.name, each.version)
  }
}

/** All that the registry holds now, but for when it was last touched. */
async function present({ models, versions }: Registry) {
  const found = await models.search({ kind: 'model', conditions: [], order: [], limit: 100 })
  const all = await versions.search({ kind: 'model', conditions: [], order: [], limit: 100 })
  return found.items.map((model) =>
    shown(
      model,
      all.items
        .filter((each) => each.model === model.name)
        .toSorted((a, b) => b.version - a.version)
        .map(timeless),
    ),
  )
}

async function asOf({ history }: Registry, atMs: number) {
  const { models } = await history.modelsAt(atMs, { kind: 'model', limit: 2 })
  const rest = await history.modelsAt(atMs, {
    kind: 'model',
    limit: 2,
    after: models[1]?.name ?? '~',
  })
  return [...models, ...rest.models].map((model) => shown(model, model.versions.map(timeless)))
}

/** When it was last touched is not a part of what it is. */
function shown(model: RegisteredModel, versions: unknown[]) {
  const { note, createdMs, tags, aliases } = model
  return { name: model.name, note, createdMs, tags, aliases, versions }
}

function timeless(each: ModelVersion) {
  return { ...each, updatedMs: 0 }
}

eachSqlStore((_, open) => {
  test('as of any moment the registry is what the operations up to then had made of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const clock = manualClock(1_700_000_000_000)
        const registry = registryOn(await open({ clock }), clock)
        const seen = [{ atMs: clock.nowMs() - 1, state: [] as unknown[] }]
        for (const each of steps) {
          clock.advance(10)
          // Much of what chance asks for cannot be done, and must leave no trace.
          await take(registry, each).catch(() => undefined)
          seen.push({ atMs: clock.nowMs(), state: await present(registry) })
        }
        for (const { atMs, state } of seen)
          for (const later of [0, 9]) expect(await asOf(registry, atMs + later)).toEqual(state)
      }),
      { numRuns: 12 },
    )
  })
})
