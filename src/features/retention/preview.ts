import { Problem } from '#base/problem'
import { blocksPurge, obstaclesOf, type Obstacle } from './obstacle.ts'
import type { Referrer } from './referrers.ts'
import type { FileOf, RetentionReads } from './store.ts'
import { keyOf, wordsOf, type Subject, type Thing } from './thing.ts'

export interface PreviewOfOne extends Thing {
  readonly name: string
  readonly state: Subject['state']
  readonly rows: Readonly<Record<string, number>>
  readonly files: number
  readonly sizeBytes: number
  readonly obstacles: readonly Obstacle[]
}

/** What the deletion of some things takes along, what it frees once they are purged, and what holds them. */
export interface Preview {
  readonly items: readonly PreviewOfOne[]
  /** Objects that only these things refer to, of the things that nothing holds. */
  readonly freedObjects: number
  readonly freedBytes: number
}

/** References to an object by the things in question, and its size. */
type Own = Map<string, { rows: number; sizeBytes: number }>

const CHUNK = 500

export async function previewOf(
  { read, referrer, nowMs }: { read: RetentionReads; referrer: Referrer; nowMs: number },
  subjects: readonly Subject[],
): Promise<Preview> {
  const own: Own = new Map()
  const items: PreviewOfOne[] = []
  for (const subject of subjects) {
    const obstacles = obstaclesOf(subject, await read.dependents(subject), nowMs)
    const goes = !obstacles.some(blocksPurge)
    let [files, sizeBytes] = [0, 0]
    for await (const page of read.files(subject)) {
      files += page.length
      for (const file of page) {
        sizeBytes += file.sizeBytes
        if (goes) count(own, file)
      }
    }
    const { kind, id, name, state } = subject
    const rows = await read.rows(subject)
    items.push({ kind, id, name, state, rows, files, sizeBytes, obstacles })
  }
  return { items, ...(await freed(referrer, own)) }
}

function count(own: Own, { digest, sizeBytes }: FileOf): void {
  own.set(digest, { rows: (own.get(digest)?.rows ?? 0) + 1, sizeBytes })
}

async function freed(
  referrer: Referrer,
  own: Own,
): Promise<{ freedObjects: number; freedBytes: number }> {
  let [freedObjects, freedBytes] = [0, 0]
  const digests = [...own.keys()]
  for (let start = 0; start < digests.length; start += CHUNK) {
    const chunk = digests.slice(start, start + CHUNK)
    const all = await referrer.references(chunk)
    for (const digest of chunk) {
      const { rows, sizeBytes } = own.get(digest) ?? { rows: 0, sizeBytes: 0 }
      if ((all.get(digest) ?? 0) > rows) continue
      freedObjects += 1
      freedBytes += sizeBytes
    }
  }
  return { freedObjects, freedBytes }
}

/** Throws `not-found`, and says when and by whom a thing was purged that is gone for good. */
export async function subjectsOf(
  read: Pick<RetentionReads, 'find' | 'purgeOf'>,
  things: readonly Thing[],
): Promise<Subject[]> {
  const subjects = new Map<string, Subject>()
  for (const thing of things) {
    const subject = await read.find(thing)
    if (subject === undefined) throw await goneOrUnknown(read, thing)
    subjects.set(keyOf(thing), subject)
  }
  return [...subjects.values()]
}

export async function goneOrUnknown(
  read: Pick<RetentionReads, 'purgeOf'>,
  thing: Thing,
): Promise<Problem> {
  const gone = await read.purgeOf(thing)
  return gone?.purgedMs == null
    ? new Problem('not-found', `there is no ${thing.kind.replace('-', ' ')} ${thing.id}`)
    : new Problem(
        'not-found',
        `${wordsOf(thing)} was purged on ${new Date(gone.purgedMs).toISOString()} by ${gone.purgedBy}; nothing of it is left but the ledger`,
      )
}
