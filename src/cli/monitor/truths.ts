import { Problem } from '#base/problem'
import type { Value } from '#inference'
import { withTableRows } from '#app/monitoring/table-rows'
import { serverUrl } from '../client.ts'
import { tableNamed } from '../drift/sides.ts'
import { showProgress } from '../progress.ts'
import { chunksOf, sendChunks } from './chunks.ts'
import { patientSender } from './send.ts'

export interface TruthFlags {
  readonly endpoint: string
  readonly data: string
  readonly id?: string | undefined
  readonly key?: string | undefined
  readonly label: string
  readonly time?: string | undefined
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}

const NONE = { accepted: 0, unchanged: 0, replaced: 0, unknown: 0 }

type Recorded = typeof NONE

/** Tells what turned out to be true, from a table, and prints what was new. */
export async function importTruths(flags: TruthFlags): Promise<void> {
  const { endpoint, id, key, label, time } = flags
  const by = id ?? key
  if (by === undefined || (id !== undefined && key !== undefined))
    throw new Problem(
      'invalid',
      'say which column names the predictions: --id for their ids, or --key for what they are about',
    )
  const table = await tableNamed(flags.data)
  const send = patientSender(await serverUrl(flags))
  const done: Recorded = { ...NONE }
  const progress = showProgress('rows', flags)
  const columns = [by, label, ...(time === undefined ? [] : [time])]
  const truthOf = (value: (column: string) => Value) => ({
    [id === undefined ? 'key' : 'prediction']: nameIn(value(by)),
    label: value(label),
    ...(time === undefined || value(time) === null ? {} : { time: value(time) }),
  })
  await withTableRows(table, async (rows) => {
    await sendChunks(
      chunksOf(rows, columns, truthOf),
      (all) => {
        // What is not known yet is told when it is.
        const truths = all.filter((truth) => truth.label !== null)
        return send<Recorded>(`/endpoints/${encodeURIComponent(endpoint)}/ground-truth`, { truths })
      },
      (recorded, sent) => {
        for (const name of Object.keys(NONE) as (keyof Recorded)[]) done[name] += recorded[name]
        progress.add(sent, table.name)
      },
    )
  }).finally(progress.end)
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ endpoint, ...done })}\n`
      : `${done.accepted} new, ${done.replaced} replaced, ${done.unchanged} known before; ${done.unknown} of no known prediction yet\n`,
  )
}

function nameIn(value: Value): Value {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
}
