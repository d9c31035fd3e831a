import { EventEmitter } from 'node:events'
import { appendFile, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '#base/digest'
import type { LogPage, LogPlace, StageLogs } from '#pipelines'

/** A file is left for the next one when it has this much. */
const SEGMENT_BYTES = 4 * 1024 ** 2
/** Of one stage; the first file stays, because what matters is often said at the start, or at the end. */
const SEGMENTS_MAX = 8
const CHARACTER_BYTES_MAX = 4
const DAY_MS = 86_400_000

/** A file of a log, named after the byte that it begins with. */
interface Segment {
  readonly from: number
  readonly path: string
  readonly bytes: number
}

export interface LogFiles extends StageLogs {
  /** Removes logs that nothing was added to for so long. */
  sweep(olderThanDays: number, nowMs: number): Promise<void>
}

/** Logs of stages in files that are only added to, under `root`. */
export function openLogFiles(
  root: string,
  { segmentBytes = SEGMENT_BYTES, segmentsMax = SEGMENTS_MAX } = {},
): LogFiles {
  const turns = new Map<string, Promise<unknown>>()
  const growth = new EventEmitter().setMaxListeners(0)

  /** One addition after the other, so that each knows where the last one ended. */
  const inTurn = async (folder: string, work: () => Promise<void>) => {
    const mine = (turns.get(folder) ?? Promise.resolve()).catch(() => undefined).then(work)
    turns.set(folder, mine)
    try {
      await mine
    } finally {
      if (turns.get(folder) === mine) turns.delete(folder)
    }
  }

  const add = async (folder: string, from: number, text: string) => {
    const segments = await segmentsIn(folder)
    const size = sizeOf(segments)
    let bytes = Buffer.from(text).subarray(Math.max(0, size - from))
    if (bytes.length > 0) await mkdir(folder, { recursive: true })
    // What is missing in between was never told: the file that follows is named after where it goes on.
    for (let at = Math.max(size, from); bytes.length > 0;) {
      const last = segments.at(-1)
      const room = last?.from === at - (last?.bytes ?? 0) ? segmentBytes - last.bytes : 0
      const fits = last !== undefined && room >= CHARACTER_BYTES_MAX
      const segment = fits ? last : { from: at, path: pathOf(folder, at), bytes: 0 }
      const most = fits ? room : segmentBytes
      const piece = wholeCharacters(bytes.subarray(0, most), bytes.length <= most)
      await appendFile(segment.path, piece)
      segments.splice(fits ? -1 : segments.length, fits ? 1 : 0, {
        ...segment,
        bytes: segment.bytes + piece.length,
      })
      at += piece.length
      bytes = bytes.subarray(piece.length)
      const dropped = segments.length > segmentsMax ? segments.splice(1, 1) : []
      for (const { path } of dropped) await rm(path, { force: true })
    }
  }

  return {
    append: async (place, from, text) => {
      const folder = folderOf(root, place)
      await inTurn(folder, () => add(folder, from, text))
      growth.emit(folder)
    },
    read: async (place, { from, limit }) => {
      const segments = await segmentsIn(folderOf(root, place))
      return pageOf(segments, from, limit)
    },
    onGrowth: (place, listener) => {
      const folder = folderOf(root, place)
      growth.on(folder, listener)
      return () => void growth.off(folder, listener)
    },
    sweep: async (olderThanDays, nowMs) => {
      for (const run of await namesIn(root)) {
        const { mtimeMs } = await stat(join(root, run))
        if (nowMs - mtimeMs > olderThanDays * DAY_MS)
          await rm(join(root, run), { recursive: true, force: true })
      }
    },
  }
}

async function pageOf(segments: readonly Segment[], from: number, limit: number): Promise<LogPage> {
  const size = sizeOf(segments)
  const segment = segments.find((each) => each.from + each.bytes > from)
  if (segment === undefined) return { text: '', from: size, next: size, size }
  const start = Math.max(from, segment.from)
  const bytes = await bytesIn(segment, start - segment.from, limit)
  const whole = wholeCharacters(bytes, start + bytes.length >= size)
  return { text: whole.toString('utf8'), from: start, next: start + whole.length, size }
}

async function bytesIn({ path, bytes }: Segment, at: number, limit: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.min(limit, bytes - at)),
      0,
      Math.min(limit, bytes - at),
      at,
    )
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Without the beginning of a character whose end comes later; at the end of all that was said it is what it is. */
function wholeCharacters(bytes: Buffer, isEnd: boolean): Buffer {
  if (isEnd) return bytes
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return bytes
    if (byte >= 0xc0) {
      const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return wanted > back && bytes.length > back ? bytes.subarray(0, bytes.length - back) : bytes
    }
  }
  return bytes
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const names = (await namesIn(folder)).filter((name) => /^\d{15}\.log$/.test(name)).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      return { path, from: Number(name.slice(0, 15)), bytes: (await stat(path)).size }
    }),
  )
}

function sizeOf(segments: readonly Segment[]): number {
  const last = segments.at(-1)
  return last === undefined ? 0 : last.from + last.bytes
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

function pathOf(folder: string, from: number): string {
  return join(folder, `${String(from).padStart(15, '0')}.log`)
}

function folderOf(root: string, { pipelineRun, stage }: LogPlace): string {
  return join(root, nameOf(pipelineRun), nameOf(stage))
}

/** Readable for people, and no two names alike whatever is in them. */
function nameOf(text: string): string {
  return `${text.replaceAll(/\W+/g, '_').slice(0, 60)}-${sha256(text).slice(0, 12)}`
}
