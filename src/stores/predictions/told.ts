import { Problem } from '#base/problem'
import type { NewBatch } from '#inference'
import type { Told, ToldBatch, ToldRecorded } from '#serving'
import { placeOf, type Connection } from './database.ts'
import type { NameTable } from './names.ts'
import type { Added } from './take.ts'
import type { TruthKeeper } from './truths.ts'

/** The statements that add predictions of other systems, inside a transaction that the caller began. */
export function toldKeeper(
  connection: Connection,
  names: NameTable,
  log: { add: (batch: NewBatch) => void; settle: () => void; truths: TruthKeeper },
) {
  const find = knownNames(connection)
  const name = connection.prepare(
    'insert into told (id, endpoint, place, digest) values (?, ?, ?, ?)',
  )
  const findSeq = connection.prepare('select seq from batches where id = ?').pluck()
  const adopt = truthAdopter(connection)

  /** The rows of a batch that are not known yet, by their place in it. */
  const newRows = (endpoint: number, { told }: ToldBatch): number[] => {
    const known = find(endpoint, told)
    const rows: number[] = []
    for (const [row, one] of told.entries()) {
      const digest = one === null ? undefined : known.get(one.id)
      if (one === null || digest === undefined) rows.push(row)
      else if (digest !== one.digest) throw toldOtherwise(one.id, names.nameOf(endpoint))
    }
    return rows
  }

  const keep = (endpoint: number, whole: ToldBatch): number => {
    const rows = newRows(endpoint, whole)
    if (rows.length === 0) return 0
    const { told, ...batch } = withRows(whole, rows)
    adopt(endpoint, batch.id, told)
    log.add(batch)
    const seq = findSeq.get(batch.id) as number
    for (const [row, one] of told.entries())
      if (one !== null)
        name.run(one.id, endpoint, placeOf(seq, row), Buffer.from(one.digest, 'hex'))
    return rows.length
  }

  return {
    record: (all: readonly Told[], atMs: number): { counts: ToldRecorded; added: Added[] } => {
      const added: Added[] = []
      let accepted = 0
      let sent = 0
      for (const { endpoint, batches, truths } of all) {
        const id = names.endpoint(endpoint)
        let rows = 0
        for (const batch of batches) {
          rows += keep(id, batch)
          sent += batch.told.length
        }
        // A truth is counted beside its prediction, which must be there.
        log.settle()
        const labels = log.truths.record(endpoint, truths, atMs)
        added.push({ endpoint, kind: 'predictions', rows })
        added.push({ endpoint, kind: 'truths', rows: labels.accepted + labels.replaced })
        accepted += rows
      }
      return { counts: { accepted, unchanged: sent - accepted }, added }
    },
  }
}

/** Finds what is known of names: of each the digest of what was said. */
function knownNames(connection: Connection) {
  const anyBetween = connection
    .prepare('select 1 from told where id between ? and ? limit 1')
    .pluck()
  // The list drives the join; the other way round, every name would look through the list.
  const select = connection.prepare(
    `select t.id, lower(hex(t.digest)) as digest from json_each(?) j
     cross join told t on t.id = j.value and t.endpoint = ?`,
  )
  return (endpoint: number, told: ToldBatch['told']): Map<string, string> => {
    const ids = idsOf(told)
    const span = spanOf(ids)
    // Most systems count, or begin with the time, so that what is new lies behind all that is known.
    if (span === undefined || anyBetween.get(...span) === undefined) return new Map()
    const rows = select.all(JSON.stringify(ids), endpoint) as { id: string; digest: string }[]
    return new Map(rows.map(({ id, digest }) => [id, digest]))
  }
}

/** Truths and feedback that came before their prediction are of its log's own id from now on. */
function truthAdopter(connection: Connection) {
  const anyWaits = connection
    .prepare(
      `select 1 from truths where endpoint = ? and kind = 'prediction' and ref between ? and ? limit 1`,
    )
    .pluck()
  const selectWaiting = connection
    .prepare(
      `select t.ref from json_each(?) j
       cross join truths t on t.endpoint = ? and t.kind = 'prediction' and t.ref = j.value`,
    )
    .pluck()
  const copy = connection.prepare(
    `insert into truths (endpoint, kind, ref, label, time_ms, at_ms)
     select endpoint, kind, @own, label, time_ms, at_ms from truths
     where endpoint = @endpoint and kind = 'prediction' and ref = @id`,
  )
  const tell = connection.prepare(
    `insert into truth_log (endpoint, kind, ref, label, time_ms, at_ms)
     select endpoint, kind, ref, label, time_ms, at_ms from truths
     where endpoint = @endpoint and kind = 'prediction' and ref = @own`,
  )
  const drop = connection.prepare(
    `delete from truths where endpoint = @endpoint and kind = 'prediction' and ref = @id`,
  )
  const anyFeedback = connection
    .prepare(`select 1 from feedback where endpoint = ? and kind = 'prediction' limit 1`)
    .pluck()
  const rename = connection.prepare(
    `update feedback set ref = @own where endpoint = @endpoint and kind = 'prediction' and ref = @id`,
  )
  const adoptTruths = (endpoint: number, batch: string, told: ToldBatch['told']): void => {
    const ids = idsOf(told)
    const span = spanOf(ids)
    if (span === undefined || anyWaits.get(endpoint, ...span) === undefined) return
    const waiting = new Set(selectWaiting.all(JSON.stringify(ids), endpoint) as string[])
    for (const [row, one] of told.entries()) {
      if (one === null || !waiting.has(one.id)) continue
      const own = `${batch}-${row}`
      copy.run({ endpoint, id: one.id, own })
      tell.run({ endpoint, own })
      drop.run({ endpoint, id: one.id })
    }
  }
  return (endpoint: number, batch: string, told: ToldBatch['told']): void => {
    adoptTruths(endpoint, batch, told)
    if (anyFeedback.get(endpoint) === undefined) return
    for (const [row, one] of told.entries())
      // Feedback names a row of a request where nothing is known of it yet.
      for (const ref of one === null ? [] : [one.id, `${one.id}-0`])
        rename.run({ endpoint, id: ref, own: `${batch}-${row}` })
  }
}

function idsOf(told: ToldBatch['told']): string[] {
  const ids: string[] = []
  for (const one of told) if (one !== null) ids.push(one.id)
  return ids
}

/** The first and the last of some ids, as the database orders them. */
function spanOf(ids: readonly string[]): [string, string] | undefined {
  let [first] = ids
  if (first === undefined) return undefined
  let last = first
  for (const id of ids) {
    // Characters beyond 16 bits have another place there than here.
    if (/[\ud800-\udfff]/.test(id)) return ['', '\u{10ffff}']
    if (id < first) first = id
    if (id > last) last = id
  }
  return [first, last]
}

function withRows(batch: ToldBatch, rows: readonly number[]): ToldBatch {
  if (rows.length === batch.rows.length) return batch
  const chosen = <T>(all: readonly T[]): T[] => rows.map((row) => all[row] as T)
  return {
    ...batch,
    told: chosen(batch.told),
    rows: chosen(batch.rows),
    answers: batch.answers.map(({ revision, outputs }) => ({
      revision,
      outputs: outputs.map(chosen),
    })),
  }
}

function toldOtherwise(id: string, endpoint: string): Problem {
  return new Problem(
    'exists',
    `prediction ${id} of endpoint ${endpoint} was told before with other contents, so nothing of this request was kept; send it as it was, or give the new prediction an id of its own`,
  )
}
