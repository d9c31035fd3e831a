import { openSync, readFileSync, readSync, closeSync, statSync } from 'node:fs'
import { Problem } from '#base/problem'
import { serverUrl } from '../client.ts'
import { patientSender } from './send.ts'
import type { ImportFlags } from './import-flags.ts'

const MAGIC = 'WHY1'

/** Whether a file is a profile of whylogs, whatever it is called. */
export function isProfile(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  const first = Buffer.alloc(MAGIC.length)
  const file = openSync(path, 'r')
  try {
    readSync(file, first, 0, first.length, 0)
  } finally {
    closeSync(file)
  }
  return first.toString('latin1') === MAGIC
}

/** In base64 a profile is a third longer, and no server takes much more at once. */
const BYTES_MAX = 32 * 1024 * 1024

/** Sends a profile of predictions to an endpoint elsewhere, and prints of how many it is. */
export async function importProfile(
  flags: ImportFlags,
  roles: { outputs: readonly string[]; inputs: readonly string[] | undefined },
): Promise<void> {
  const { endpoint, data, id, key, label, latency, version, versionColumn } = flags
  if (versionColumn !== undefined)
    throw new Problem(
      'invalid',
      'a profile is of all its rows together; say the version with --model-version, and write a profile for each',
    )
  const { size } = statSync(data)
  if (size > BYTES_MAX)
    throw new Problem('limit', `${data} has ${size} bytes; profiles of up to ${BYTES_MAX} are sent`)
  const send = patientSender(await serverUrl(flags))
  const { accepted, unchanged } = await send<{ accepted: number; unchanged: number }>(
    `/endpoints/${encodeURIComponent(endpoint)}/profiles`,
    {
      profile: readFileSync(data).toString('base64'),
      outputs: roles.outputs,
      ...(roles.inputs === undefined ? {} : { inputs: roles.inputs }),
      without: [id, flags.time, key, label, latency].filter((column) => column !== undefined),
      ...(version === undefined ? {} : { modelVersion: version }),
      ...(flags.from === undefined ? {} : { time: flags.from }),
      ...(flags.span === undefined ? {} : { span: flags.span }),
    },
  )
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ endpoint, accepted, unchanged })}\n`
      : `${accepted} predictions of ${endpoint} taken in as a profile, ${unchanged} known before\n`,
  )
}
