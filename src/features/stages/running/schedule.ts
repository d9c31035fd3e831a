import type { Graph, Step } from '../graph/graph.ts'
import type { StepResult } from './repro-run.ts'
import type { Place } from './room.ts'

interface Schedule {
  /** Each step comes after all that it needs. */
  readonly order: readonly Step[]
  readonly upstream: Graph['upstream']
  /** Undefined while there is no room for the step. */
  readonly enter: (step: Step) => Place | undefined
  readonly work: (step: Step, place: Place) => Promise<StepResult>
  /** Whether no other step may begin after this result. */
  readonly endsAll: (result: StepResult) => boolean
}

/**
 * Begins each step as soon as all that it needs is done and there is room, of several the one that comes first in the
 * order. Gives the results in the order, of all steps that began. What goes wrong with the work itself is thrown when
 * nothing runs any more.
 */
export async function scheduled(schedule: Schedule): Promise<StepResult[]> {
  const { order, enter, work, endsAll } = schedule
  const needs = needsIn(schedule)
  const ready = order.filter(({ name }) => needs.unmet.get(name) === 0)
  const results = new Map<string, StepResult>()
  const running = new Set<Promise<void>>()
  const faults: unknown[] = []
  let open = true

  const one = async (step: Step, place: Place) => {
    try {
      const result = await work(step, place)
      results.set(step.name, result)
      if (endsAll(result)) open = false
      ready.push(...needs.metBy(step))
      ready.sort((first, second) => needs.rank(first) - needs.rank(second))
    } catch (error) {
      faults.push(error)
      open = false
    } finally {
      place.leave()
    }
  }
  const begin = () => {
    if (!open) return
    for (const step of ready.slice()) {
      const place = enter(step)
      if (place === undefined) continue
      ready.splice(ready.indexOf(step), 1)
      const begun = one(step, place).finally(() => running.delete(begun))
      running.add(begun)
    }
  }
  for (begin(); running.size > 0; begin()) await Promise.race(running)
  if (faults.length > 0) throw faults[0]
  return order.flatMap(({ name }) => results.get(name) ?? [])
}

function needsIn({ order, upstream }: Pick<Schedule, 'order' | 'upstream'>) {
  const ranks = new Map(order.map(({ name }, rank) => [name, rank]))
  const unmet = new Map<string, number>()
  const downstream = new Map<string, Step[]>()
  for (const step of order) {
    const needed = (upstream.get(step.name) ?? []).filter((name) => ranks.has(name))
    unmet.set(step.name, needed.length)
    for (const name of needed) downstream.set(name, [...(downstream.get(name) ?? []), step])
  }
  return {
    unmet,
    rank: ({ name }: Step) => ranks.get(name) ?? 0,
    /** Steps that need nothing more now that this one is done. */
    metBy: ({ name }: Step): Step[] =>
      (downstream.get(name) ?? []).filter((step) => {
        const left = (unmet.get(step.name) ?? 0) - 1
        unmet.set(step.name, left)
        return left === 0
      }),
  }
}
