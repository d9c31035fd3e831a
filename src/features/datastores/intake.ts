import { createHash } from 'node:crypto'
import { Problem } from '#base/problem'
import type { ObjectKey } from './key.ts'

/** A hash that bytes are added to. */
export interface RunningHash {
  update(bytes: Buffer): void
  hex(): string
}

/** Finds the MD5s of the files in a folder's list as its bytes come in. Throws `invalid` for what is no list. */
export interface ListReader {
  take(bytes: Buffer): string[]
  end(): void
}

/** What DVC's files say, told by whoever reads them. */
export interface Formats {
  /** As DVC 2 hashed: with line ends of Unix in what looks like text. */
  legacyHash(): RunningHash
  listReader(): ListReader
}

export interface Intake {
  readonly key: ObjectKey
  readonly formats: Formats
  /** Which of these files of a folder the store does not have, as their keys. */
  absent(members: readonly string[]): Promise<string[]>
  /** Told how much came so far; throws when that is too much. */
  took?(sizeBytes: number): void
}

/** So many files of a folder are asked for at once. */
const ASKED_AT_ONCE = 1000

/** The bytes as they come, and at their end a problem unless they are what their key says: nobody has to hold all of them. */
export async function* checkedBytes(
  bytes: AsyncIterable<Buffer>,
  { key, formats, absent, took }: Intake,
): AsyncGenerator<Buffer> {
  const md5 = createHash('md5')
  const legacy = key.isLegacy ? formats.legacyHash() : undefined
  const members = key.isList ? membersOf(formats.listReader(), absent) : undefined
  let sizeBytes = 0
  for await (const chunk of bytes) {
    sizeBytes += chunk.length
    took?.(sizeBytes)
    md5.update(chunk)
    legacy?.update(chunk)
    await members?.take(chunk)
    yield chunk
  }
  const found = md5.digest('hex')
  if (found !== key.md5 && legacy?.hex() !== key.md5)
    throw new Problem(
      'invalid',
      `the bytes that came for ${key.text} have the MD5 ${found}, so they are damaged or another file's; nothing was kept, push it again`,
    )
  await members?.end()
}

/** Holds those files against the store that a list names, some at a time. */
function membersOf(reader: ListReader, absent: Intake['absent']) {
  let waiting: string[] = []
  const missing: string[] = []
  let missingCount = 0
  const ask = async () => {
    const found = await absent(waiting)
    waiting = []
    missingCount += found.length
    missing.push(...found.slice(0, 3 - missing.length))
  }
  return {
    take: async (chunk: Buffer) => {
      waiting.push(...reader.take(chunk))
      if (waiting.length >= ASKED_AT_ONCE) await ask()
    },
    end: async () => {
      reader.end()
      await ask()
      if (missingCount === 0) return
      throw new Problem(
        'conflict',
        `the list of this folder names ${missingCount} ${missingCount === 1 ? 'file' : 'files'} that the data store has not (${missing.join(', ')}${missingCount > missing.length ? ', …' : ''}); push those first, or push the folder again`,
      )
    },
  }
}
