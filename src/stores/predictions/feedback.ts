import type { Feedback } from '#inference'
import type { Rewards, Truth, TruthsRecorded } from '#serving'
import { placeOf, rowOfPlace, type Connection } from './database.ts'
import type { NameTable } from './names.ts'
import { toldNames } from './told-names.ts'
import { predictionIn, type TruthKeeper } from './truths.ts'

/** Rewards of predictions that were not known when they came, looked for once more at each question. */
const UNPLACED_MAX = 1000

interface FeedbackRow {
  readonly label: string | null
  readonly reward: number | null
  readonly revision: number | null
}

/** The statements that keep feedback, inside a transaction that the caller began. */
export function feedbackKeeper(
  connection: Connection,
  names: NameTable,
  { truths, open }: { truths: TruthKeeper; open: (batch: string) => void },
) {
  const find = connection.prepare(
    'select label, reward, revision from feedback where endpoint = ? and kind = ? and ref = ? and source = ?',
  )
  const keep = connection.prepare(
    `insert into feedback (endpoint, kind, ref, source, label, reward, revision, time_ms, at_ms)
     values (@endpoint, @kind, @ref, @source, @label, @reward, @revision, @timeMs, @atMs)
     on conflict do update set label = excluded.label, reward = excluded.reward, revision = excluded.revision,
       time_ms = excluded.time_ms, at_ms = excluded.at_ms`,
  )
  const refs = refReader(connection, open)

  /** Gives whether anything is said for the first time, said otherwise, or known; and whether of a known prediction. */
  const recordOne = (endpoint: { id: number; name: string }, said: Feedback, atMs: number) => {
    const { by: kind, value: ref } = refs.settled(endpoint.id, said.ref)
    const before = find.get(endpoint.id, kind, ref, said.source) as FeedbackRow | undefined
    const answered = refs.revisionOf(endpoint.id, { by: kind, value: ref })
    const now = {
      // What this source said of it earlier stays said, where it is silent now.
      label: said.label === undefined ? (before?.label ?? null) : JSON.stringify(said.label),
      reward: said.reward ?? before?.reward ?? null,
      revision: answered ?? said.revision ?? before?.revision ?? null,
    }
    const isNew = before === undefined
    const isSame = before?.label === now.label && before.reward === now.reward
    if (!isSame) {
      const { source, timeMs = null } = said
      keep.run({ endpoint: endpoint.id, kind, ref, source, ...now, timeMs, atMs })
    }
    let labels = 0
    if (said.label !== undefined && before?.label !== now.label) {
      const truth: Truth = {
        ref: { by: kind, value: ref },
        label: said.label,
        timeMs: said.timeMs ?? null,
      }
      const { accepted, replaced } = truths.record(endpoint.name, [truth], atMs)
      labels = accepted + replaced
    }
    const outcome: 'accepted' | 'unchanged' | 'replaced' = isNew
      ? 'accepted'
      : isSame
        ? 'unchanged'
        : 'replaced'
    return { outcome, known: answered !== undefined, labels }
  }

  return {
    record: (
      name: string,
      told: readonly Feedback[],
      atMs: number,
    ): { outcome: TruthsRecorded; labels: number } => {
      const endpoint = { id: names.endpoint(name), name }
      const recorded = { accepted: 0, unchanged: 0, replaced: 0, unknown: 0 }
      let labels = 0
      for (const each of told) {
        const { outcome, known, labels: added } = recordOne(endpoint, each, atMs)
        recorded[outcome] += 1
        if (!known) recorded.unknown += 1
        labels += added
      }
      return { outcome: recorded, labels }
    },
    rewards: rewardReader(connection, names, refs),
  }
}

function rewardReader(
  connection: Connection,
  names: NameTable,
  refs: ReturnType<typeof refReader>,
) {
  const unplaced = connection.prepare(
    `select kind, ref, source from feedback where endpoint = ? and at_ms >= ? and revision is null and reward is not null
     order by at_ms desc limit ${UNPLACED_MAX}`,
  )
  const place = connection.prepare(
    'update feedback set revision = ? where endpoint = ? and kind = ? and ref = ? and source = ?',
  )
  const sums = connection.prepare(
    `select revision, count(*) as count, sum(reward) as sum, sum(reward * reward) as sumOfSquares from feedback
     where endpoint = ? and at_ms >= ? and reward is not null and revision is not null group by revision order by revision`,
  )
  return (name: string, { sinceMs }: { sinceMs: number }): Rewards[] => {
    const endpoint = names.endpoint(name)
    const waiting = unplaced.all(endpoint, sinceMs) as {
      kind: 'prediction' | 'key'
      ref: string
      source: string
    }[]
    for (const { kind, ref, source } of waiting) {
      const revision = refs.revisionOf(endpoint, { by: kind, value: ref })
      if (revision !== undefined) place.run(revision, endpoint, kind, ref, source)
    }
    return sums.all(endpoint, sinceMs) as Rewards[]
  }
}

/** Finds what feedback is about. */
function refReader(connection: Connection, open: (batch: string) => void) {
  const findSeq = connection.prepare('select seq from batches where id = ?').pluck()
  const isThere = (batch: string): boolean => {
    open(batch)
    return findSeq.get(batch) !== undefined
  }
  const byBatch = connection
    .prepare(
      `select r.number from batches b join revisions r on r.id = b.revision
       where b.id = ? and b.endpoint = ? and ? < b.rows`,
    )
    .pluck()
  // An entity that was asked about more than once: what is told is about the last time.
  const newestOf = connection
    .prepare(
      'select place from subjects where endpoint = ? and key = ? order by place desc limit 1',
    )
    .pluck()
  const batchAt = connection.prepare('select id from batches where seq = ?').pluck()

  const told = toldNames(connection)
  const settled = (endpoint: number, ref: Feedback['ref']): Truth['ref'] => {
    const named = ref.by === 'key' ? undefined : told.predictionOf(endpoint, ref.value)
    if (named !== undefined) return { by: 'prediction', value: named }
    if (ref.by !== 'request') return ref
    const row: Truth['ref'] = { by: 'prediction', value: `${ref.value}-${ref.row}` }
    if (isThere(ref.value)) return row
    const parts = predictionIn(ref.value)
    return parts !== undefined && isThere(parts.batch)
      ? { by: 'prediction', value: ref.value }
      : row
  }
  const revisionOf = (endpoint: number, { by, value }: Truth['ref']): number | undefined => {
    if (by === 'prediction') {
      const parts = predictionIn(value)
      if (parts !== undefined) open(parts.batch)
      return parts && (byBatch.get(parts.batch, endpoint, parts.row) as number | undefined)
    }
    const place = newestOf.get(endpoint, value) as number | undefined
    if (place === undefined) return undefined
    const row = rowOfPlace(place)
    const batch = batchAt.get((place - row) / placeOf(1, 0)) as string
    return byBatch.get(batch, endpoint, row) as number | undefined
  }
  return { settled, revisionOf }
}
