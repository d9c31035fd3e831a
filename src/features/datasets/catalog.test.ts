import { expect, test } from 'vitest'
import { commitRef, datasetVersionRef } from '#projects'
import type { Entry, Fact } from '#ledger'
import { createCatalog } from './catalog.ts'

const COMMIT = 'c'.repeat(40)

function added(path: string, md5: string): Fact {
  const version = { project: 'shop', path, md5 }
  const edges = [
    { from: datasetVersionRef(version), relation: 'versioned-in', to: commitRef(COMMIT) },
  ]
  return { type: 'dataset-version-added', data: { ...version, sizeBytes: 1, files: 1 }, edges }
}

const started: Fact = {
  type: 'pipeline-run-started',
  data: { pipelineRun: 'one', project: 'shop', commit: COMMIT },
}

function made(outs: { path: string; md5: string }[]): Fact {
  return { type: 'stage-run-finished', data: { pipelineRun: 'one', outs } }
}

/** A ledger that grows, and a catalog of it. */
function ledger() {
  const entries: Entry[] = []
  const catalog = createCatalog({
    list: async ({ after, limit, types = [] }) =>
      entries
        .filter(({ position, type }) => position > after && types.includes(type))
        .slice(0, limit),
  })
  const append = (...facts: Fact[]) => {
    for (const fact of facts)
      entries.push({
        ...fact,
        edges: fact.edges ?? [],
        position: entries.length,
        atMs: entries.length,
        actor: { kind: 'user', id: 'ada' },
      })
  }
  return { catalog, append }
}

test('it knows what was added since it was last asked, the newest version first', async () => {
  const { catalog, append } = ledger()
  append(added('b', 'one'), added('a', 'one'))
  expect((await catalog.all()).map(({ path }) => path)).toEqual(['a', 'b'])
  append(added('b', 'two'))
  const found = await catalog.find('shop', 'b')
  expect(found?.versions.map(({ md5, commit }) => [md5, commit])).toEqual([
    ['two', COMMIT],
    ['one', COMMIT],
  ])
  expect(await catalog.find('other', 'b')).toBeUndefined()
})

test('what a stage makes again is no new version, and what is tracked stays so', async () => {
  const { catalog, append } = ledger()
  append(started, added('in', 'x'), made([{ path: 'out', md5: 'y' }]))
  append(
    made([
      { path: 'out', md5: 'y' },
      { path: 'in', md5: 'x' },
    ]),
  )
  const shown = (await catalog.all()).map(({ path, kind, versions }) => [
    path,
    kind,
    versions.length,
  ])
  expect(shown).toEqual([
    ['in', 'tracked', 1],
    ['out', 'made', 1],
  ])
})

test('facts that lack what is told today are passed over', async () => {
  const { catalog, append } = ledger()
  append({ type: 'dataset-version-added', data: {} }, started)
  append({ type: 'stage-run-finished', data: { pipelineRun: 'one' } }, added('in', 'x'))
  expect((await catalog.all()).map(({ path }) => path)).toEqual(['in'])
})
