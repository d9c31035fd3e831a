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
  /** Gives the lock back at once, when no step follows. */
  end(): void
}

/**
 * Taking the lock costs a process: who is back, or followed by another, as soon as this does not give it up. On a busy
 * machine everything takes longer, what is soon as well; dvc waits for a lock longer than that.
 */
const SOON_MS = { least: 25, most: 150, forEachMsOfTaking: 3 }

export function createTurn(lock: ProjectLock): Turn {
  let inside = 0
  let held: Promise<() => void> | undefined
  let giving: NodeJS.Timeout | undefined
  let soonMs = SOON_MS.least
  const take = async () => {
    const beganMs = performance.now()
    const release = await lock.acquire()
    const tookMs = performance.now() - beganMs
    soonMs = Math.min(SOON_MS.most, Math.max(SOON_MS.least, SOON_MS.forEachMsOfTaking * tookMs))
    return release
  }
  const enter = async () => {
    inside += 1
    clearTimeout(giving)
    held ??= take()
    await held
  }
  const give = () => {
    const last = held
    held = undefined
    // One that was never got has nothing to give back, and whoever waited for it was told.
    last?.then((release) => release()).catch(() => undefined)
  }
  const leave = () => {
    inside -= 1
    if (inside === 0) giving = setTimeout(give, soonMs)
  }
  return {
    within: async (work) => {
      try {
        await enter()
        return await work()
      } catch (error) {
        // A lock that was not got is asked for anew.
        if (inside === 1) give()
        throw error
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
    end: () => {
      clearTimeout(giving)
      give()
    },
  }
}
