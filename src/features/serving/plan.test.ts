import { expect, test } from 'vitest'
import type { Revision, Role, ServableModel } from '#inference'
import type { Endpoint } from './endpoint.ts'
import { planRollOut } from './plan.ts'

const at = {
  newestNumber: 5,
  nowMs: 100,
  known: (known: Revision) => model(known.version),
  underWay: undefined,
}

test('what serves already keeps its revision, and nothing changes', () => {
  const plan = planRollOut(endpoint(1, [2]), { live: model(1), shadows: [model(2)] }, at)
  expect([plan.changed, plan.created, plan.live.revision.number]).toEqual([false, [], 1])
})

test('another version is a new revision, and one that comes back is a new one again', () => {
  const plan = planRollOut(endpoint(1, [2]), { live: model(2), shadows: [model(2)] }, at)
  expect(plan.created).toEqual([revision(2, 'live', 6)])
  expect(plan.shadows.map((shadow) => shadow.revision.number)).toEqual([2])
})

test('the same version with other content is another revision', () => {
  const other = { ...model(1), digest: 'other' }
  expect(planRollOut(endpoint(1, []), { live: other, shadows: [] }, at).created).toHaveLength(1)
})

test('a shadow that is no longer wanted is a change without a new revision', () => {
  const plan = planRollOut(endpoint(1, [2]), { live: model(1), shadows: [] }, at)
  expect([plan.changed, plan.created]).toEqual([true, []])
})

function endpoint(live: number, shadowing: readonly number[]): Endpoint {
  return {
    name: 'flights',
    project: 'example',
    model: 'models:/late@champion',
    shadows: [],
    monitor: null,
    declaredMs: 0,
    live: revision(live, 'live', live),
    answering: [{ revision: revision(live, 'live', live), weight: 1 }],
    shadowing: shadowing.map((version) => revision(version, 'shadow', version)),
    failure: null,
  }
}

function revision(version: number, role: Role, number: number): Revision {
  return { ...identity(version), endpoint: 'flights', number, role, createdMs: 100 }
}

function model(version: number): ServableModel {
  return { ...identity(version), columns: null, example: null }
}

function identity(version: number) {
  return { model: 'late', version, digest: `digest-${version}` }
}
