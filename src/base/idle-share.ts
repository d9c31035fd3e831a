import { cpus } from 'node:os'

const MEASURED_MS_MIN = 400

/** Gives the share of all processors' time that nobody used since it was asked before. */
export function idleShare(read: () => { idle: number; all: number } = processors): () => number {
  let before = read()
  let share = 1
  return () => {
    const now = read()
    // The system counts in hundredths of a second: of a shorter time nothing can be said.
    if (now.all - before.all < MEASURED_MS_MIN) return share
    share = (now.idle - before.idle) / (now.all - before.all)
    before = now
    return share
  }
}

/**
 * The same as how many processors had nothing to do beyond half of them all: two are often halves of one core, and what
 * is done on one then slows what is done on the other.
 */
export function spareProcessors(): () => number {
  const share = idleShare()
  const count = cpus().length
  return () => count * (share() - 0.5)
}

function processors(): { idle: number; all: number } {
  let idle = 0
  let all = 0
  for (const { times } of cpus()) {
    idle += times.idle
    all += times.idle + times.user + times.sys + times.nice + times.irq
  }
  return { idle, all }
}
