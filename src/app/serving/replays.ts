import type { Registry } from '#registry'
import { createReplays, type Replays } from '#replay'
import type { Logged, Value } from '#inference'
import type { Serving } from '#serving'
import type { Writes } from '#stores/sql/index'
import type { Ground } from '../ground.ts'

/** Replays, over the prediction log and models that are run apart from their endpoints. */
export function replaysOf(
  { store, clock, ids }: Ground,
  { registry, serving }: { registry: Registry; serving: Serving },
): Replays {
  return createReplays<Writes>({
    read: store.read.replay,
    transact: store.transact,
    predictions: serving.predictions,
    checkEndpoint: serving.endpoints.get,
    checkVersion: (model, version) => registry.versions.get(model, version),
    answer: async (model, version, rows) => {
      const { description } = await registry.versions.get(model, version)
      const inputs = description.signature?.inputs ?? []
      const whole = new Set(inputs.filter(({ type }) => type === 'long').map(({ name }) => name))
      const asked = rows.map((row) => restoredRow(row, whole))
      return (await serving.score(model, version, asked)).map(loggedRow)
    },
    clock,
    ids,
  })
}

/** Whole numbers beyond 2^53 are texts in the log. */
function restoredRow(
  row: Readonly<Record<string, Logged>>,
  whole: ReadonlySet<string>,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      whole.has(name) && typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : value,
    ]),
  )
}

/** An answer as the log would have it, so that it compares with what is there. */
function loggedRow(answer: Readonly<Record<string, Value>>): Record<string, Logged> {
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [name, loggedValue(value)]),
  )
}

function loggedValue(value: Value): Logged {
  if (Array.isArray(value)) return (value as readonly Value[]).map(loggedValue)
  if (typeof value === 'bigint') return String(value)
  return Number.isNaN(value) ? null : (value as Logged)
}
