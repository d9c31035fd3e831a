import { expect, test } from 'vitest'
import type { Entry } from '#ledger'
import type { AliasMove, Author, Registry } from '#registry'
import type { Writes } from '#stores/sql/index'
import { restoreAliases } from './restored-aliases.ts'

/** Version 2 was tried at `late`, which answers with version 1 still; each case changes one thing of that. */
const world = {
  alias: 2,
  live: 1,
  model: 'models:/m@champion',
  versions: [1, 2],
  other: { name: 'other', model: 'models:/m@champion', live: { model: 'm', version: 1 } },
}

test.each<[string, Partial<typeof world>, number | undefined]>([
  ['goes back to the version that answers', {}, 1],
  ['stays where somebody has moved it meanwhile', { alias: 3 }, undefined],
  ['is not made anew where somebody has taken it away', { alias: 0 }, undefined],
  ['stays where the version answers after all, having been tried again', { live: 2 }, undefined],
  ['stays where it is when the version before is gone', { versions: [2] }, undefined],
  ['is not there where the endpoint names a version', { model: 'models:/m/2' }, undefined],
  ['of another model stays', { model: 'models:/n@champion' }, undefined],
  [
    'stays where another endpoint answers with the version',
    { other: { ...world.other, live: { model: 'm', version: 2 } } },
    undefined,
  ],
])('the alias of a rollout that was rolled back %s', async (_, change, version) => {
  const moves: (AliasMove & Author)[] = []
  const registry = {
    moveAlias: async (__: unknown, by: Author, move: AliasMove) =>
      void moves.push({ ...by, ...move }),
  } as unknown as Registry
  const entry = {
    type: 'rollout-rolled-back',
    data: { endpoint: 'late', from: 1, to: 2, reason: 'errors rose' },
  } as unknown as Entry
  await restoreAliases({ registry }).follow(entry, txOf({ ...world, ...change }))
  const reason = 'version 2 was rolled back at late: errors rose'
  const by = { kind: 'platform', id: 'rollouts', reason }
  const expected = { ...by, model: 'm', alias: 'champion', version }
  expect(moves).toEqual(version === undefined ? [] : [expected])
})

function txOf({ alias, live, model, versions, other }: typeof world): Writes {
  const revision = (number: number) => ({ number, model: 'm', version: number })
  const late = { name: 'late', model, live: revision(live) }
  const aliases = alias === 0 ? [] : [{ alias: 'champion', version: alias }]
  return {
    serving: {
      find: async () => late,
      findRevision: async (_: string, number: number) => revision(number),
      list: async () => [late, other],
    },
    registry: {
      findModel: async (name: string) => ({ name, aliases }),
      findVersion: async (_: string, version: number) =>
        versions.includes(version) ? { version } : undefined,
    },
  } as unknown as Writes
}
