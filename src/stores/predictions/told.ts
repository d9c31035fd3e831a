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
  const find = connection.prepare('select digest from told where id = ? and endpoint = ?').pluck()
  const name = connection.prepare(
    'insert into told (id, endpoint, place, digest) values (?, ?, ?, ?)',
  )
  const findSeq = connection.prepare('select seq from batches where id = ?').pluck()
  const adopt = truthAdopter(connection)

  /** The rows of a batch that are not known yet, by their place in it. */
  const newRows = (endpoint: number, { told }: ToldBatch): number[] =>
    [...told.keys()].filter((row) => {
      const one = told[row] ?? null
      const known = one === null ? undefined : (find.get(one.id, endpoint) as Buffer | undefined)
      if (one === null || known === undefined) return true
      if (known.toString('hex') !== one.digest) throw toldOtherwise(one.id, names.nameOf(endpoint))
      return false
    })

  const keep = (endpoint: number, whole: ToldBatch): number => {
    const rows = newRows(endpoint, whole)
    if (rows.length === 0) return 0
    const { told, ...batch } = withRows(whole, rows)
    for (const [row, one] of told.entries())
      if (one !== null) adopt(endpoint, one.id, `${batch.id}-${row}`)
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

/** Truths and feedback that came before their prediction are of its log's own id from now on. */
function truthAdopter(connection: Connection) {
  const waits = connection
    .prepare(`select 1 from truths where endpoint = ? and kind = 'prediction' and ref = ?`)
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
  const rename = connection.prepare(
    `update feedback set ref = @own where endpoint = @endpoint and kind = 'prediction' and ref = @id`,
  )
  return (endpoint: number, id: string, own: string): void => {
    if (waits.get(endpoint, id) !== undefined) {
      copy.run({ endpoint, id, own })
      tell.run({ endpoint, own })
      drop.run({ endpoint, id })
    }
    // Feedback names a row of a request where nothing is known of it yet.
    for (const ref of [id, `${id}-0`]) rename.run({ endpoint, id: ref, own })
  }
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
