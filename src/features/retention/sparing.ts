import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectStore, StoredObject } from '#objects'
import { Problem } from '#base/problem'

/** The object store, and the one way to remove something from it while others put. */
export interface SharedObjects {
  /** What everybody uses: the store as it was, but a put never meets a removal unseen. */
  readonly objects: ObjectStore
  /** Forgets who has put what; called before a listing whose times are then trusted. */
  forget(): void
  /** Frees the object unless somebody has put it since `forget`; says whether it did. */
  removeUntouched(digest: string): Promise<boolean>
}

/**
 * An upload puts its bytes first and writes the row that refers to them afterwards, so there is a time in which
 * the bytes are needed and no row says so. A collector must not take them then, also not when the same bytes had
 * lain there unreferred for a year. Why it cannot:
 *
 * A collection calls `forget`, lists objects with the times at which they were last put, drops those younger than
 * the grace, asks in a transaction which of the rest no row refers to, and calls `removeUntouched` for those.
 * Take a put P and a removal X of the same bytes, and the row R that P's caller writes within the grace.
 *
 * 1. P ended before `forget`: its bytes are in the listing with P's time, and younger than the grace; or R has been
 *    written by the time of the transaction. Either way there is no X.
 * 2. P ended after `forget` and before X began: `touched` has the digest, and X does nothing.
 * 3. P and X overlap: X enters the digest into every put that is under way before it removes anything, and P, once
 *    its bytes are stored, waits for X and looks whether they are there. If X came last, P stores them again or
 *    refuses the upload; nobody was told that it worked.
 * 4. P began after X ended: P stores the bytes anew, for a put always writes them or finds them.
 *
 * 5. P in one server and X in another, where several share a database: P, once its bytes are stored, asks whether they
 *    are condemned. If so, it waits until they are not, and looks whether they are there, as in 3. If not, the
 *    transaction that condemns them comes after P, and the second listing, after that, shows them with P's time: no X.
 *    One server at a time collects, so nobody else absolves them before X.
 *
 * Rows that refer to bytes without a put of their own (a version registered from a run's files, a model taken out of
 * the trash) are written in a transaction that sees another row refer to the same bytes. Transactions that write are
 * one after the other: if that other row was there, the collection's own transaction, before or after, saw one of the two.
 */
export function shareObjects(
  inner: ObjectStore,
  /** Whether another server may be about to remove the object; absent where there are no others. */
  isCondemned?: (digest: string) => Promise<boolean>,
): SharedObjects {
  const touched = new Set<string>()
  const putting = new Set<Set<string>>()
  const removing = new Map<string, Promise<void>>()

  /** Stores by way of `store`, and answers only when the bytes are sure to be there. */
  const stay = async (
    store: () => Promise<StoredObject>,
    bytes?: Buffer,
  ): Promise<StoredObject> => {
    const removedMeanwhile = new Set<string>()
    putting.add(removedMeanwhile)
    try {
      const stored = await store()
      touched.add(stored.digest)
      await removing.get(stored.digest)
      const isDoubtful = (await isCondemned?.(stored.digest)) === true
      if (isDoubtful) await absolved(() => isCondemned?.(stored.digest))
      if (!isDoubtful && !removedMeanwhile.has(stored.digest)) return stored
      return await stillThere(inner, stored, bytes)
    } finally {
      putting.delete(removedMeanwhile)
    }
  }
  const { direct } = inner
  const objects: ObjectStore = {
    ...inner,
    put: (bytes, expected) =>
      stay(() => inner.put(bytes, expected), Buffer.isBuffer(bytes) ? bytes : undefined),
    ...(direct === undefined
      ? {}
      : {
          direct: {
            ...direct,
            finishUpload: (id, parts) => stay(() => direct.finishUpload(id, parts)),
          },
        }),
  }

  return {
    objects,
    forget: () => touched.clear(),
    removeUntouched: async (digest) => {
      if (touched.has(digest)) return false
      for (const removedMeanwhile of putting) removedMeanwhile.add(digest)
      const removal = inner.remove(digest).finally(() => removing.delete(digest))
      removing.set(
        digest,
        removal.catch(() => undefined),
      )
      await removal
      return true
    },
  }
}

/** A collection condemns so many objects at a time that it takes this long to remove them; longer when it was broken off. */
const ABSOLVED_MS_MAX = 3000
const LOOK_AGAIN_MS = 100

async function absolved(isCondemned: () => Promise<boolean> | undefined): Promise<void> {
  for (let looks = 0; looks < ABSOLVED_MS_MAX / LOOK_AGAIN_MS; looks++) {
    if ((await isCondemned()) !== true) return
    await sleep(LOOK_AGAIN_MS)
  }
  throw removedProblem()
}

async function stillThere(
  inner: ObjectStore,
  stored: StoredObject,
  bytes: Buffer | undefined,
): Promise<StoredObject> {
  if ((await inner.find(stored.digest)) !== undefined) return stored
  // From here on every removal finds the digest touched, so storing it once more is enough.
  if (bytes !== undefined) return inner.put(bytes)
  throw removedProblem()
}

function removedProblem(): Problem {
  return new Problem(
    'unavailable',
    'the same bytes were being removed as unused while these came in; send them again',
  )
}
