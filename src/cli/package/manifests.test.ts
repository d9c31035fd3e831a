import { expect, test } from 'vitest'
import { clusterName } from './manifests.ts'

test.each([
  ['Flights_late', 'flights-late'],
  ['3d-net', 'model-3d-net'],
  ['_x_', 'model-x'],
  ['ü', 'model'],
  [`${'a'.repeat(62)}.b`, 'a'.repeat(62)],
])('%s is called %s in a cluster', (name, called) => {
  expect(clusterName(name)).toBe(called)
  expect(called).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
})
