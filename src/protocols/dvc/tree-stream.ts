import { Problem } from '#base/problem'
import { isHash } from './tree.ts'

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d]
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
/** One file's part of the list; a path has at most 4096 bytes, each of them written with six at most. */
const ITEM_BYTES_MAX = 64 << 10
/** Where in the list its bytes are: before it, behind its bracket, behind a part, behind a comma, or behind all. */
type Place = 'start' | 'first' | 'between' | 'next' | 'end'
const STEPS: Readonly<Record<string, Partial<Record<Place, Place>>>> = {
  '[': { start: 'first' },
  '{': { first: 'between', next: 'between' },
  ',': { between: 'next' },
  ']': { first: 'end', between: 'end' },
}

/** Reads the MD5s in the list of a folder's files as its bytes come in, so that nobody has to hold a list of millions. */
export function treeReader(): { take(bytes: Buffer): string[]; end(): void } {
  let place: Place = 'start'
  let isInPart = false
  let isText = false
  let isEscaped = false
  /** The beginning of a part whose end has not come yet. */
  let begun: Buffer[] = []
  let begunBytes = 0
  const step = (sign: string) => {
    const next = STEPS[sign]?.[place]
    if (next === undefined) throw noList()
    place = next
  }
  const keep = (bytes: Buffer) => {
    begun.push(bytes)
    begunBytes += bytes.length
    if (begunBytes > ITEM_BYTES_MAX) throw noList()
  }
  const partEnding = (bytes: Buffer) => {
    keep(bytes)
    const md5 = md5In(Buffer.concat(begun))
    begun = []
    begunBytes = 0
    isInPart = false
    return md5
  }
  return {
    take: (bytes) => {
      const found: string[] = []
      let from = 0
      for (let at = 0; at < bytes.length; at++) {
        const byte = bytes[at] as number
        if (!isInPart) {
          if (SPACES.has(byte)) continue
          step(String.fromCharCode(byte))
          isInPart = byte === OPEN
          from = at
        } else if (isEscaped) isEscaped = false
        else if (isText && byte === BACKSLASH) isEscaped = true
        else if (byte === QUOTE) isText = !isText
        else if (!isText && byte === CLOSE) found.push(partEnding(bytes.subarray(from, at + 1)))
      }
      if (isInPart) keep(Buffer.from(bytes.subarray(from)))
      return found
    },
    end: () => {
      if (place !== 'end') throw noList()
    },
  }
}

function md5In(item: Buffer): string {
  let value: { md5?: unknown; relpath?: unknown }
  try {
    value = JSON.parse(item.toString('utf8')) as typeof value
  } catch {
    throw noList()
  }
  const { md5, relpath } = value
  if (typeof md5 !== 'string' || !isHash(md5) || typeof relpath !== 'string') throw noList()
  return md5
}

function noList(): Problem {
  return new Problem(
    'invalid',
    'what came is no list of the files of a folder as DVC writes it; nothing was kept',
  )
}
