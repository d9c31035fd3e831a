import { beforeEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { Problem } from '#base/problem'
import { createGovernance, type Evidence, type Governance } from '#governance'
import { platformActor } from '#ledger'
import type { ProjectConfig } from '#projects'
import type { SqlStore, Writes } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  const actor = platformActor('test')
  const config: ProjectConfig = {
    project: 'flights',
    models: {
      late: {
        aliases: { champion: { protected: true, approvals: 0 } },
        checks: [{ metric: { name: 'roc_auc', min: 0.6 } }],
      },
    },
    endpoints: {},
    policies: {},
  }

  let store: SqlStore
  let clock: ReturnType<typeof manualClock>
  let governance: Governance
  let aliases: Map<string, number>
  let auc: number
  let fault: string | undefined

  beforeEach(async () => {
    clock = manualClock()
    const world = { clock, ids: countedIds() }
    store = await open(world)
    aliases = new Map()
    auc = 0.7
    fault = undefined
    const evidence: Evidence = {
      current: async (model, alias) => aliases.get(`${model}@${alias}`),
      fault: async () => fault,
      measured: async () => {
        throw new Error('not asked here')
      },
      hasSignature: async (model) => {
        if (model !== 'late') throw new Problem('not-found', `there is no model ${model}`)
        return true
      },
      metric: async () => auc,
      disagreement: async () => {
        throw new Error('nothing is replayed here')
      },
      compared: async () => {
        throw new Error('nothing is compared here')
      },
    }
    governance = createGovernance<Writes>({
      ...world,
      read: store.read.governance,
      transact: store.transact,
      evidence,
      configs: async () => [config],
      moveAlias: async (tx, move) => {
        aliases.set(`${move.model}@${move.alias}`, move.version)
        await tx.ledger.append(move.actor, [
          { type: 'model-alias-moved', data: { ...move, actor: move.actor.id } },
        ])
      },
    })
  })

  const facts = async () =>
    (await store.read.ledger.list({ after: -1, limit: 100 })).map((entry) => entry.type)

  test('a version that passes its checks gets the alias, with every step in the ledger', async () => {
    const { id } = await governance.request(actor, { model: 'late', version: 1, alias: 'champion' })
    const decided = await governance.decide(id)
    expect(decided.outcome).toMatchObject({ state: 'accepted', reasons: [] })
    expect(aliases.get('late@champion')).toBe(1)
    expect(await facts()).toEqual([
      'promotion-requested',
      'check-finished',
      'promotion-accepted',
      'model-alias-moved',
    ])
    expect(
      await store.read.ledger.edgesFrom({ kind: 'model-version', id: 'late/1' }),
    ).toMatchObject([{ relation: 'promoted-by', to: { kind: 'promotion', id } }])
  })

  test('a version that fails one is refused with the reason, and the alias stays', async () => {
    auc = 0.55
    aliases.set('late@champion', 1)
    const { id } = await governance.request(actor, { model: 'late', version: 2, alias: 'champion' })
    const { outcome } = await governance.decide(id)
    expect(outcome).toMatchObject({
      state: 'refused',
      reasons: [expect.stringContaining('roc_auc is 0.5500')],
    })
    expect(aliases.get('late@champion')).toBe(1)
  })

  test('deciding twice decides once, and asking twice by one id asks once', async () => {
    const request = { model: 'late', version: 1, alias: 'champion', id: 'promote-1' }
    await governance.request(actor, request)
    await governance.request(actor, request)
    const first = await governance.decide('promote-1')
    auc = 0
    expect(await governance.decide('promote-1')).toEqual(first)
    expect(await facts()).toHaveLength(4)
  })

  test('an alias that moved while the checks ran is not overwritten', async () => {
    const { id } = await governance.request(actor, { model: 'late', version: 2, alias: 'champion' })
    aliases.set('late@champion', 7)
    const { outcome } = await governance.decide(id)
    expect(outcome).toMatchObject({
      state: 'refused',
      reasons: [expect.stringContaining('moved to version 7')],
    })
    expect(aliases.get('late@champion')).toBe(7)
  })

  test('asking for an unknown model writes nothing', async () => {
    await expect(
      governance.request(actor, { model: 'none', version: 1, alias: 'x' }),
    ).rejects.toMatchObject({ code: 'not-found' })
    expect(await facts()).toEqual([])
  })

  test('a protected alias moves only through a promotion; others are free', async () => {
    await expect(governance.checkMove('late', 'champion')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('orrery promote late:VERSION champion'),
    })
    await expect(governance.checkMove('late', 'baseline')).resolves.toBeUndefined()
  })

  test('promotions are listed newest first and in pages, whoever named them', async () => {
    const request = { model: 'late', version: 1, alias: 'champion' }
    for (const id of ['promote-1', '01B', '01A', 'promote-0']) {
      await governance.request(actor, { ...request, id })
      if (id === '01B') clock.advance(1)
    }
    const listed = async (page: { limit: number; before?: string }) =>
      (await governance.list(page)).map(({ id }) => id)
    expect(await listed({ limit: 3 })).toEqual(['promote-0', '01A', 'promote-1'])
    expect(await listed({ limit: 3, before: 'promote-1' })).toEqual(['01B'])
  })

  test('a version that cannot be loaded is refused before anything is compared with it', async () => {
    fault = 'protobuf parsing failed'
    const { id } = await governance.request(actor, { model: 'late', version: 1, alias: 'champion' })
    const { outcome } = await governance.decide(id)
    expect(outcome).toMatchObject({
      state: 'refused',
      checks: [{ check: 'loads', passed: false }],
      reasons: [expect.stringContaining('protobuf parsing failed')],
    })
    expect(aliases.get('late@champion')).toBeUndefined()
  })
})
