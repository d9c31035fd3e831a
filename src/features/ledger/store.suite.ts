import { expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { textOf } from './entry.ts'
import { platformActor, type Fact, type Ref } from './fact.ts'
import { leafHash, nodesOfAppend, type Hash } from './merkle.ts'
import type { LedgerEvidence, LedgerReads, Transact } from './store.ts'

export interface LedgerStore {
  readonly read: LedgerReads
  readonly evidence: LedgerEvidence
  readonly transact: Transact<object>
}

const ada = { kind: 'user', id: 'ada' } as const
const fact = (type: string, rest: Partial<Fact> = {}): Fact => ({ type, data: {}, ...rest })
const ref = (kind: Ref['kind'], id: string): Ref => ({ kind, id })

/** The laws of every store of the ledger. */
export function ledgerStoreSuite(
  openStore: (clock: { nowMs(): number }) => Promise<LedgerStore>,
): void {
  const opened = async () => {
    const clock = manualClock(1_000_000)
    const store = await openStore(clock)
    const append = (...facts: readonly Fact[]) =>
      store.transact(({ ledger }) => ledger.append(ada, facts))
    return { ...store, clock, append }
  }

  test('entries get positions without gaps, from 0, and are read back whole', async () => {
    const { read, append, clock } = await opened()
    expect(await read.size()).toBe(0)
    expect(await append(fact('a', { data: { x: [1, null, 'é\0'] } }), fact('b'))).toEqual([0, 1])
    clock.advance(5)
    const edges = [{ from: ref('run', 'r'), relation: 'at', to: ref('commit', 'c') }]
    expect(await append(fact('c', { edges, eventMs: -3 }))).toEqual([2])
    expect(await read.size()).toBe(3)
    const whole = { actor: ada, edges: [], atMs: 1_000_000 }
    expect(await read.list({ after: -1, limit: 10 })).toEqual([
      { ...whole, position: 0, type: 'a', data: { x: [1, null, 'é\0'] } },
      { ...whole, position: 1, type: 'b', data: {} },
      { ...whole, position: 2, type: 'c', data: {}, edges, eventMs: -3, atMs: 1_000_005 },
    ])
    expect(await read.find(1)).toMatchObject({ type: 'b' })
    expect(await read.find(3)).toBeUndefined()
    expect(await read.find(-1)).toBeUndefined()
  })

  test('work that throws leaves no entry, no hash and no gap, also beside work that is kept', async () => {
    const { read, transact, evidence } = await opened()
    const results = await Promise.allSettled(
      ['keep', 'drop', 'keep', 'drop', 'keep'].map((type) =>
        transact(async ({ ledger }) => {
          const [position] = await ledger.append(ada, [fact(type)])
          if (type === 'drop') throw new Error('changed my mind')
          return position
        }),
      ),
    )
    expect(results.map((each) => (each.status === 'fulfilled' ? each.value : 'dropped'))).toEqual([
      0,
      'dropped',
      1,
      'dropped',
      2,
    ])
    expect((await read.list({ after: -1, limit: 10 })).map((entry) => entry.type)).toEqual([
      'keep',
      'keep',
      'keep',
    ])
    expect(await evidence.totals()).toEqual({ nodes: 4, edges: 0 })
  })

  test('a transaction sees its own entries, others only when it is over', async () => {
    const { read, transact } = await opened()
    await transact(async ({ ledger }) => {
      await ledger.append(ada, [fact('a')])
      expect(await ledger.size()).toBe(1)
      expect(await ledger.find(0)).toMatchObject({ type: 'a' })
      expect(await read.size()).toBe(0)
    })
    expect(await read.size()).toBe(1)
  })

  test('the hash of every complete subtree is kept with the entry that completes it', async () => {
    const { read, append } = await opened()
    const expected = new Map<string, Hash>()
    const at = async (level: number, index: number) => expected.get(`${level}/${index}`) as Hash
    for (let size = 0; size < 21; size++) {
      await append(fact(`f${size}`))
      const entry = await read.find(size)
      if (entry === undefined) throw new Error(`entry ${size} is not there`)
      for (const node of await nodesOfAppend(size, leafHash(textOf(entry)), at))
        expected.set(`${node.level}/${node.index}`, node.hash)
    }
    for (const [place, hash] of expected) {
      const [level, index] = place.split('/').map(Number) as [number, number]
      expect((await read.node(level, index)).equals(hash)).toBe(true)
    }
    await expect(read.node(3, 2)).rejects.toThrow('level 3, index 2')
  })

  test('entries are paged forward from a place and backward from the newest, by type too', async () => {
    const { read, append } = await opened()
    await append(...['a', 'b', 'a', 'c', 'a'].map((type) => fact(type)))
    const positions = (entries: { position: number }[]) => entries.map((entry) => entry.position)
    expect(positions(await read.list({ after: 1, limit: 2 }))).toEqual([2, 3])
    expect(positions(await read.list({ after: 0, limit: 9, types: ['a'] }))).toEqual([2, 4])
    expect(positions(await read.newest({ limit: 2 }))).toEqual([4, 3])
    expect(positions(await read.newest({ before: 3, limit: 9, types: ['a', 'b'] }))).toEqual([
      2, 1, 0,
    ])
    expect(positions(await read.newest({ before: 0, limit: 9 }))).toEqual([])
  })

  test('lineage is walked from an effect to its causes and back, in the order it was written', async () => {
    const { read, append } = await opened()
    const [run, data, code] = [ref('run', 'r'), ref('dataset-version', 'd'), ref('commit', 'c')]
    const [readData, atCode] = [
      { from: run, relation: 'read', to: data },
      { from: run, relation: 'at', to: code },
    ]
    await append(fact('x', { edges: [readData, atCode] }), fact('y', { edges: [atCode] }))
    expect(await read.edgesFrom(run)).toEqual([
      { ...readData, position: 0 },
      { ...atCode, position: 0 },
      { ...atCode, position: 1 },
    ])
    expect(await read.edgesTo(data)).toEqual([{ ...readData, position: 0 }])
    expect(await read.edgesFrom(ref('commit', 'r'))).toEqual([])
  })

  test('cursors and signed heads are kept with the rest of their transaction', async () => {
    const { read, transact, evidence, append } = await opened()
    expect(await read.cursor('one')).toBe(-1)
    await transact(({ ledger }) => ledger.saveCursor('one', 3))
    await transact(({ ledger }) => ledger.saveCursor('one', 4))
    await expect(
      transact(async ({ ledger }) => {
        await ledger.saveCursor('one', 9)
        await ledger.saveCheckpoint({ size: 1, note: 'dropped', atMs: 1 })
        throw new Error('dropped')
      }),
    ).rejects.toThrow('dropped')
    expect(await read.cursor('one')).toBe(4)
    expect(await read.newestCheckpoint()).toBeUndefined()
    await append(fact('a'))
    await transact(({ ledger }) => ledger.saveCheckpoint({ size: 0, note: 'n0', atMs: 1 }))
    await transact(({ ledger }) => ledger.saveCheckpoint({ size: 1, note: 'n1', atMs: 2 }))
    expect(await read.newestCheckpoint()).toEqual({ size: 1, note: 'n1', atMs: 2 })
    expect(await evidence.checkpoints({ from: 1, until: 9 })).toEqual([{ size: 1, note: 'n1' }])
  })

  test('who acted is told, be it a person or a part of the platform', async () => {
    const { read, transact } = await opened()
    const policy = platformActor('policy:keep-fresh')
    await transact(({ ledger }) => ledger.append(policy, [fact('a')]))
    expect((await read.find(0))?.actor).toEqual({ kind: 'platform', id: 'policy:keep-fresh' })
  })
}
