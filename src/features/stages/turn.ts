import type { ProjectLock } from '#data'

/**
 * The lock on data and locks, which steps that go on at the same time hold together: it is free only while none of
 * them looks at data or changes it, that is while nothing but commands runs.
 */
export interface Turn {
  /** Runs `work` with the lock held. */
  within<T>(work: () => Promise<T>): Promise<T>
  /** Runs `work`, which may take long, without the part that its caller has in the lock. */
  outside<T>(work: () => Promise<T>): Promise<T>
}

export function createTurn(lock: ProjectLock): Turn {
  let inside = 0
  let held: Promise<() => void> | undefined
  const enter = async () => {
    inside += 1
    held ??= lock.acquire()
    await held
  }
  const leave = () => {
    inside -= 1
    if (inside > 0) return
    const last = held
    held = undefined
    // One that was never got has nothing to give back, and whoever waited for it was told.
    last?.then((release) => release()).catch(() => undefined)
  }
  return {
    within: async (work) => {
      try {
        await enter()
        return await work()
      } finally {
        leave()
      }
    },
    outside: async (work) => {
      leave()
      try {
        return await work()
      } finally {
        await enter()
      }
    },
  }
}
