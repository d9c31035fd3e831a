import { beforeEach, expect, test } from 'vitest'
import { platformActor, type Edge, type Ref } from '#ledger'
import { createLineage, STATIONS_MAX, type Lineage, type Walk } from '#lineage'
import type { SqlStore } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  let store: SqlStore
  let lineage: Lineage

  beforeEach(async () => {
    store = await open()
    lineage = createLineage({ read: store.read.ledger })
  })

  test('a walk goes through both sides of a diamond, nearest first, and meets its far corner once', async () => {
    await tell('made', ['model', 'left'], ['model', 'right'])
    await tell('read', ['left', 'data'], ['right', 'data'])
    await tell('elsewhere', ['other', 'data'])
    const back = await lineage.walkBack(ref('model'))
    expect(stationsOf(back)).toEqual(['model 0', 'left 1', 'right 1', 'data 2'])
    expect(stepsOf(back)).toEqual(['model>left', 'model>right', 'left>data', 'right>data'])
    expect(back.entries.map(({ type }) => type)).toEqual(['made', 'read'])
    const forward = await lineage.walkForward(ref('data'))
    expect(stationsOf(forward)).toEqual(['data 0', 'left 1', 'right 1', 'other 1', 'model 2'])
    expect(forward.entries.map(({ type }) => type)).toEqual(['made', 'read', 'elsewhere'])
    expect({ back: back.cut, forward: forward.cut }).toEqual({ back: false, forward: false })
  })

  test('each station tells the step that first led to it, whichever way the walk went', async () => {
    await tell('read', ['run', 'data'])
    const via = { relation: 'read', position: 0 }
    expect((await lineage.walkBack(ref('run'))).stations[1]).toEqual({
      ref: ref('data'),
      depth: 1,
      via: { ...via, from: ref('run') },
    })
    expect((await lineage.walkForward(ref('data'))).stations[1]).toEqual({
      ref: ref('run'),
      depth: 1,
      via: { ...via, from: ref('data') },
    })
  })

  test('a circle is walked once round', async () => {
    await tell('round', ['a', 'b'], ['b', 'c'], ['c', 'a'], ['a', 'a'])
    for (const walk of [await lineage.walkBack(ref('a')), await lineage.walkForward(ref('a'))]) {
      expect(walk.stations).toHaveLength(3)
      expect(walk.edges).toHaveLength(4)
      expect(walk.cut).toBe(false)
    }
  })

  test('things of two kinds with one id are two things', async () => {
    await store.transact(({ ledger }) =>
      ledger.append(platformActor('test'), [
        { type: 'told', data: {}, edges: [edge('x', 'x', 'pipeline-run'), edge('y', 'x')] },
      ]),
    )
    expect(stationsOf(await lineage.walkBack(ref('x')))).toEqual(['x 0', 'x 1'])
  })

  test('what nobody ever told of is a walk of one station', async () => {
    expect(await lineage.walkBack(ref('nothing'))).toEqual({
      stations: [{ ref: ref('nothing'), depth: 0, via: null }],
      cut: false,
      edges: [],
      entries: [],
    })
  })

  test('a walk takes in so many stations and says that there was more, be the graph wide or deep', async () => {
    for (let at = 0; at < 2 * STATIONS_MAX; at += 100) {
      const hundred = Array.from({ length: 100 }, (_, n) => at + n)
      await tell('wide', ...hundred.map((n): [string, string] => ['wide', `leaf${n}`]))
      await tell('deep', ...hundred.map((n): [string, string] => [`deep${n}`, `deep${n + 1}`]))
    }
    for (const from of ['wide', 'deep0']) {
      const { stations, edges, cut } = await lineage.walkBack(ref(from))
      expect({ stations: stations.length, edges: edges.length, cut }).toEqual({
        stations: STATIONS_MAX,
        edges: STATIONS_MAX - 1,
        cut: true,
      })
    }
    expect((await lineage.walkForward(ref('leaf7'))).cut).toBe(false)
  })

  test('steps between stations that are told of without end are cut off too', async () => {
    for (let at = 0; at < 30; at++)
      await tell('again', ...Array.from({ length: 100 }, (): [string, string] => ['a', 'b']))
    const { stations, edges, cut } = await lineage.walkBack(ref('a'))
    expect({ stations: stations.length, isMuch: edges.length > 2000, cut }).toEqual({
      stations: 2,
      isMuch: false,
      cut: true,
    })
  })

  function ref(id: string, kind: Ref['kind'] = 'run'): Ref {
    return { kind, id }
  }

  function edge(from: string, to: string, kind: Ref['kind'] = 'run'): Edge {
    return { from: ref(from), relation: 'read', to: ref(to, kind) }
  }

  async function tell(type: string, ...steps: [string, string][]): Promise<void> {
    const edges = steps.map(([from, to]) => edge(from, to))
    await store.transact(({ ledger }) =>
      ledger.append(platformActor('test'), [{ type, data: {}, edges }]),
    )
  }

  function stationsOf(walk: Walk): string[] {
    return walk.stations.map((station) => `${station.ref.id} ${station.depth}`)
  }

  function stepsOf(walk: Walk): string[] {
    return walk.edges.map(({ from, to }) => `${from.id}>${to.id}`)
  }
})
