import { Problem } from '#base/problem'

/** What stages share while they run. */
export interface Machine {
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
}

/** What a stage says that it needs of the machine. */
export interface Resources {
  /** Processors; a half is two stages at once on one. */
  readonly cpus?: number
  readonly memoryBytes?: number
  readonly gpus?: number
}

export interface Place {
  /** Numbers of the graphics cards that are this stage's alone. */
  readonly gpus: readonly number[]
  leave(): void
}

/** Lets as many stages run at once as the machine has room for. */
export interface Room {
  /** Undefined while there is no room. */
  enter(resources: Resources | undefined): Place | undefined
}

/**
 * A stage that declares no processors takes all of them, or its part where `jobs` says how many may run at once. What
 * declares more than the machine has takes all of it: it may be slow, but it was made to run.
 */
export function createRoom(machine: Machine, jobs?: number): Room {
  const free = { cpus: machine.cpus, memoryBytes: machine.memoryBytes, jobs: jobs ?? Infinity }
  const cards = Array.from({ length: machine.gpus }, (_, card) => card)
  const move = (sign: 1 | -1, need: Required<Resources>) => {
    free.jobs += sign
    free.cpus += sign * need.cpus
    free.memoryBytes += sign * need.memoryBytes
  }
  return {
    enter: (resources = {}) => {
      const { cpus = machine.cpus / (jobs ?? 1), memoryBytes = 0, gpus = 0 } = resources
      const need = {
        cpus: Math.min(cpus, machine.cpus),
        memoryBytes: Math.min(memoryBytes, machine.memoryBytes),
        gpus,
      }
      // Tenths do not add up to exactly one.
      const fits = need.cpus <= free.cpus + 1e-9 && need.memoryBytes <= free.memoryBytes
      if (!fits || free.jobs < 1 || gpus > cards.length) return undefined
      const given = cards.splice(0, gpus)
      move(-1, need)
      return {
        gpus: given,
        leave: () => {
          cards.push(...given)
          move(1, need)
        },
      }
    },
  }
}

/** Throws for what a stage declares and the machine will never have. */
export function checkRoom(machine: Machine, stage: string, { gpus = 0 }: Resources): void {
  if (gpus > machine.gpus)
    throw new Problem(
      'unavailable',
      `${stage} needs ${gpus} graphics card${gpus === 1 ? '' : 's'} and this machine has ${machine.gpus}; change meta.resources.gpu, or run it elsewhere`,
    )
}
