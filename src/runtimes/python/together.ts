import { Problem } from '#base/problem'
import type { ServingProcess } from '#inference'

/** A process that answers for one model, beside others that answer for the same. */
export interface Member {
  readonly key: string
  readonly process: ServingProcess
  /** What is known of the model, shared by all its processes. */
  readonly habit: { joins: boolean }
  /** That have been given to it and are not answered yet. */
  calls: number
}

/** Several processes as one: each call goes to the one with the least to do. */
export function together(
  members: readonly Member[],
  failures: ReadonlyMap<string, string>,
  onStop: () => void,
): ServingProcess {
  let stopped = false
  const running = () => members.filter(({ process }) => process.state === 'ready')
  const shapes = new Map(members.flatMap(({ process }) => [...process.shapes]))
  return {
    shapes,
    failures,
    infer: async (key, inputs, options) => {
      const member = leastBusy(members.filter((each) => each.key === key))
      if (member === undefined)
        throw new Problem(
          'unavailable',
          `model ${key} is not served here: ${failures.get(key) ?? 'it was not asked for'}`,
        )
      member.calls += 1
      try {
        const alone = options.alone === true || !member.habit.joins
        return await member.process.infer(key, inputs, { ...options, alone })
      } finally {
        member.calls -= 1
      }
    },
    ping: async () => {
      const [first] = running()
      const answering = first ?? members[0]
      if (answering === undefined) throw new Problem('unavailable', 'no process is running')
      await answering.process.ping()
    },
    get state() {
      if (running().length > 0) return 'ready'
      return members.every(({ process }) => process.state === 'stopped') ? 'stopped' : 'restarting'
    },
    get pid() {
      return running()[0]?.process.pid
    },
    get waiting() {
      return members.reduce((sum, { process }) => sum + (process.waiting ?? 0), 0)
    },
    stop: async () => {
      if (!stopped) onStop()
      stopped = true
      await Promise.all(members.map(({ process }) => process.stop()))
    },
  }
}

/** One that is being started again is asked only when all are. */
function leastBusy(members: readonly Member[]): Member | undefined {
  const cost = ({ process, calls }: Member) =>
    process.state === 'ready' ? calls : calls + 1_000_000
  return members.toSorted((a, b) => cost(a) - cost(b))[0]
}
