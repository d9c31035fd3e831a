import { closeSync, fstatSync, openSync } from 'node:fs'
import { digestOpen } from './digests.ts'
import { LOOK_NUMBERS, looksAs } from './looking.ts'

export interface HashOrder {
  readonly paths: readonly string[]
  /** How they looked when they were seen. */
  readonly looks: Float64Array
  readonly legacy: boolean
}

export interface Hashed {
  /** 16 bytes each. */
  readonly digests: Uint8Array
  /** Those that look otherwise now: they were written to, and what was read may be of two times. */
  readonly changed: readonly string[]
  readonly sizeBytes: number
}

export function hashFiles({ paths, looks, legacy }: HashOrder): Hashed {
  const digests = Buffer.alloc(paths.length * 16)
  const changed: string[] = []
  let hashedBytes = 0
  for (const [index, path] of paths.entries()) {
    const file = opened(path)
    if (file === undefined) {
      changed.push(path)
      continue
    }
    try {
      const sizeBytes = looks[index * LOOK_NUMBERS + 3]
      digests.write(digestOpen(file, { legacy, sizeBytes }), index * 16, 'hex')
      if (!looksAs(fstatSync(file), looks, index)) changed.push(path)
      hashedBytes += sizeBytes ?? 0
    } finally {
      closeSync(file)
    }
  }
  return { digests: new Uint8Array(digests), changed, sizeBytes: hashedBytes }
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
