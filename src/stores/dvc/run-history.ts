import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { RunHistory } from '#data'
import { replaceFile } from './atomic.ts'
import { isMissing } from './measure.ts'
import { runFiles } from './run-entries.ts'
import { persistently, type Transport } from './remotes/transport.ts'

/** Of keys and values DVC makes SHA-256; nothing else is a run, whatever a remote says. */
const NAME = /^runs\/([0-9a-f]{2})\/\1[0-9a-f]{62}\/[0-9a-f]{64}$/
/** A run names its dependencies and outs; no list that anybody made is longer. */
const TEXT_BYTES_MAX = 64 << 20

/** The runs in the folder of a cache, or of a remote that is a folder. */
export function folderHistory(folder: string): RunHistory {
  return {
    names: async () => runFiles(folder).filter((name) => NAME.test(name)),
    read: async (name) => {
      try {
        return readFileSync(join(folder, name), 'utf8')
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    add: async (name, text) => {
      const path = join(folder, name)
      mkdirSync(dirname(path), { recursive: true })
      replaceFile(path, text)
    },
  }
}

/** The runs on a remote that is reached over a network; undefined where nobody can ask what is there. */
export async function networkHistory(transport: Transport): Promise<RunHistory | undefined> {
  const moving = transport.list && (await transport.tidying?.())?.moving
  if (moving === undefined) return undefined
  return {
    names: () =>
      persistently(async () => {
        const names: string[] = []
        for await (const { key } of moving.below('runs/')) if (NAME.test(key)) names.push(key)
        return names
      }),
    read: (name) => persistently(() => textAt(transport, name)),
    add: (name, text) => {
      const bytes = Buffer.from(text)
      const file = { path: name, sizeBytes: bytes.length, open: () => Readable.from([bytes]) }
      return persistently(() => transport.write(name, file))
    },
  }
}

async function textAt(transport: Transport, name: string): Promise<string | undefined> {
  const incoming = await transport.read(name, 0)
  if (incoming === undefined) return undefined
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of incoming.bytes) {
    sizeBytes += (piece as Buffer).length
    if (sizeBytes > TEXT_BYTES_MAX)
      throw new Problem(
        'limit',
        `${name} at ${transport.where} is too large to be a run; remove it there`,
      )
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces).toString('utf8')
}
