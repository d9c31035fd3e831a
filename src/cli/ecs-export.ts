import { open } from 'node:fs/promises'
import { Problem } from '#base/problem'
import { apiClient, serverUrl } from './client.ts'

interface Flags {
  readonly to: string
  readonly log: 'events' | 'predictions'
  readonly endpoint?: string | undefined
  readonly from?: number | undefined
  readonly url?: string | undefined
  readonly home?: string | undefined
  readonly json?: boolean
}

interface Page {
  readonly documents: readonly object[]
  readonly next: number | null
}

/** Writes a log as lines of JSON in the Elastic Common Schema, and says where to go on another time. */
export async function exportEcs(flags: Flags): Promise<void> {
  const { log, endpoint } = flags
  if ((log === 'predictions') !== (endpoint !== undefined))
    throw new Problem(
      'invalid',
      'predictions are of an endpoint, events of none: give --log predictions with --endpoint NAME',
    )
  const api = apiClient(await serverUrl(flags))
  // The parser gives a lone - as nothing.
  const isOutput = flags.to === '' || flags.to === '-'
  const out = isOutput ? standardOutput : await fileAt(flags.to)
  let from = flags.from
  let count = 0
  try {
    for (;;) {
      const page = await api.get<Page>('/logs', { log, endpoint, from })
      if (page.documents.length > 0)
        await out.write(page.documents.map((each) => `${JSON.stringify(each)}\n`).join(''))
      count += page.documents.length
      if (page.next === null || (isOutput && process.stdout.errored !== null)) break
      from = page.next
    }
  } finally {
    await out.close()
  }
  const told =
    flags.json === true
      ? JSON.stringify({ documents: count, next: from ?? null })
      : `${count} documents of ${endpoint ?? 'events'} written${from === undefined ? '' : `; go on another time with --from ${from}`}`
  // The documents themselves may be on the standard output.
  ;(isOutput ? process.stderr : process.stdout).write(`${told}\n`)
}

interface Sink {
  write(text: string): Promise<unknown>
  close(): Promise<void>
}

const standardOutput: Sink = {
  write: (text) =>
    new Promise((resolve) => {
      process.stdout.write(text, () => resolve(undefined))
    }),
  close: async () => undefined,
}

async function fileAt(to: string): Promise<Sink> {
  const file = await open(to, 'wx').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(
      error.code === 'EEXIST' ? 'exists' : 'invalid',
      `${to} cannot be made (${error.code ?? 'error'}); name a new file, or - for the output`,
    )
  })
  return {
    write: (text) => file.write(text),
    close: async () => {
      await file.sync()
      await file.close()
    },
  }
}
