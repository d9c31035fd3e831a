import { sha256 } from '#base/digest'
import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { Value } from '#inference'
import { withTableRows, type TableRows } from '#app/monitoring/table-rows'
import { serverUrl } from '../client.ts'
import { tableNamed } from '../drift/sides.ts'
import { showProgress } from '../progress.ts'
import { chunksOf, sendChunks } from './chunks.ts'
import type { ImportFlags } from './import-flags.ts'
import { importProfile, isProfile } from './profiles.ts'
import { patientSender } from './send.ts'

interface Imported {
  accepted: number
  unchanged: number
}

/** Sends the predictions of a table to an endpoint elsewhere, and prints how many were new. */
export async function importPredictions(flags: ImportFlags): Promise<void> {
  if (isProfile(flags.data)) {
    const inputs = flags.inputs === undefined ? undefined : words(flags.inputs)
    return importProfile(flags, { outputs: words(flags.outputs), inputs })
  }
  if (flags.from !== undefined || flags.span !== undefined)
    throw new Problem(
      'invalid',
      '--from and --span are of profiles; rows have a time: --time COLUMN',
    )
  const table = await tableNamed(flags.data)
  const send = patientSender(await serverUrl(flags))
  const done: Imported = { accepted: 0, unchanged: 0 }
  const progress = showProgress('rows', flags)
  await withTableRows(table, async (rows) => {
    const roles = rolesOf(rows, flags)
    const chunks = chunksOf(rows, roles.all, (value, row) => predictionOf(roles, value, row))
    await sendChunks(
      chunks,
      (predictions) =>
        send<Imported>('/predictions', {
          endpoint: flags.endpoint,
          ...(flags.version === undefined ? {} : { modelVersion: flags.version }),
          predictions,
        }),
      ({ accepted, unchanged }, sent) => {
        done.accepted += accepted
        done.unchanged += unchanged
        progress.add(sent, table.name)
      },
    )
  }).finally(progress.end)
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ endpoint: flags.endpoint, ...done })}\n`
      : `${done.accepted} predictions of ${flags.endpoint} taken in, ${done.unchanged} known before\n`,
  )
}

type Roles = ReturnType<typeof rolesOf>

/** What each column is; those that nobody names are inputs. */
function rolesOf({ columns }: TableRows, flags: ImportFlags) {
  const { id, time, key, label, latency, versionColumn } = flags
  const outputs = words(flags.outputs)
  if (outputs.length === 0)
    throw new Problem('invalid', 'say which columns hold what was predicted: --outputs probability')
  const single = { id, time, key, label, latencyMs: latency, modelVersion: versionColumn }
  const named = Object.values(single).filter((column) => column !== undefined)
  const inputs =
    flags.inputs === undefined
      ? columns.filter((column) => ![...named, ...outputs].includes(column))
      : words(flags.inputs)
  return { single, outputs, inputs, all: [...new Set([...named, ...outputs, ...inputs])] }
}

function words(given: readonly string[]): string[] {
  return given.flatMap((each) => each.split(',')).filter((each) => each !== '')
}

/** Times with a zone are handed out as `2026-01-05 08:00:00+00`, and RFC 3339 writes the minutes of a zone. */
function timeOf(value: Value): Value {
  return typeof value === 'string' && /:\d\d(\.\d+)?[+-]\d\d$/.test(value) ? `${value}:00` : value
}

function predictionOf(
  { single, outputs, inputs }: Roles,
  value: (column: string) => Value,
  row: number,
): Record<string, unknown> {
  const prediction: Record<string, unknown> = {}
  for (const [role, column] of Object.entries(single)) {
    const held = column === undefined ? null : value(column)
    if (held !== null) prediction[role] = role === 'time' ? timeOf(held) : held
  }
  prediction['inputs'] = Object.fromEntries(inputs.map((column) => [column, value(column)]))
  prediction['outputs'] = Object.fromEntries(outputs.map((column) => [column, value(column)]))
  // The same row of the same data is the same prediction, however often it is sent.
  prediction['id'] ??= `${sha256(printExactJson([row, prediction])).slice(0, 24)}/${row}`
  return prediction
}
