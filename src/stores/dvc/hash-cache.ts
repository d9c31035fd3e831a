import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { replaceFile } from './atomic.ts'
import { LOOK_NUMBERS } from './crew/looking.ts'
import { readShared } from './shared-file.ts'

/**
 * Hashes that were taken, with how each file looked then. Packed, since a folder may hold millions: names
 * joined by NUL in the order of the disk, four numbers and 16 bytes a file. A single file is the only one,
 * without a name, of a folder without a name.
 */
export interface FolderSight {
  /** Below the path that was measured; '' for that itself. */
  readonly path: string
  readonly count: number
  readonly names: Uint8Array
  readonly looks: Float64Array
  /** 16 bytes each. */
  readonly digests: Uint8Array
}

export interface Sight {
  readonly folders: readonly FolderSight[]
  /** The hash of the list of all files; undefined for a single file. */
  readonly list: string | undefined
}

/** A sight as it is kept: one piece of memory that all threads read, and where in it each folder is. */
export interface KeptSight extends Sight {
  readonly bytes: SharedArrayBuffer
  readonly count: number
  readonly byPath: ReadonlyMap<string, FolderSight>
}

/** Only a cache: it may be lost, and the last writer wins. */
export interface HashCache {
  find(path: string): KeptSight | undefined
  save(path: string, sight: Sight): KeptSight
}

export function openHashCache(folder: string): HashCache {
  const open = new Map<string, KeptSight | undefined>()
  return {
    find: (path) => {
      if (!open.has(path)) open.set(path, readKept(fileOf(folder, path), path))
      return open.get(path)
    },
    save: (path, sight) => {
      const bytes = packed(path, sight)
      mkdirSync(folder, { recursive: true })
      replaceFile(fileOf(folder, path), Buffer.from(bytes))
      const kept = unpacked(bytes, path)
      if (kept === undefined) throw new Error(`what was kept of ${path} cannot be read back`)
      open.set(path, kept)
      return kept
    },
  }
}

export function namesIn(folder: FolderSight): string[] {
  if (folder.count === 0) return []
  const { buffer, byteOffset, byteLength } = folder.names
  return Buffer.from(buffer, byteOffset, byteLength).toString().split('\0')
}

/** The MD5 of each file, in hexadecimal digits. */
export function md5sIn(folder: FolderSight): string[] {
  const { buffer, byteOffset, byteLength } = folder.digests
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('hex')
  return Array.from({ length: folder.count }, (_, index) => text.slice(index * 32, index * 32 + 32))
}

const MAGIC = 0x3153524f
const HEAD_BYTES = 16

interface Head {
  readonly path: string
  readonly list: string | undefined
  readonly folders: readonly (readonly [path: string, count: number, namesBytes: number])[]
}

function packed(path: string, { folders, list }: Sight): SharedArrayBuffer {
  const table = folders.map((each) => [each.path, each.count, each.names.length] as const)
  const head = Buffer.from(JSON.stringify({ path, list, folders: table } satisfies Head))
  const count = folders.reduce((sum, each) => sum + each.count, 0)
  const namesBytes = folders.reduce((sum, each) => sum + each.names.length, 0)
  const from = HEAD_BYTES + Math.ceil(head.length / 8) * 8
  const length = from + count * (LOOK_NUMBERS * 8 + 16) + namesBytes
  const bytes = new SharedArrayBuffer(length)
  const all = new Uint8Array(bytes)
  all.set(head, HEAD_BYTES)
  let [looksAt, digestsAt] = [from, from + count * LOOK_NUMBERS * 8]
  let namesAt = digestsAt + count * 16
  for (const folder of folders) {
    new Float64Array(bytes, looksAt, folder.looks.length).set(folder.looks)
    all.set(folder.digests, digestsAt)
    all.set(folder.names, namesAt)
    looksAt += folder.count * LOOK_NUMBERS * 8
    digestsAt += folder.count * 16
    namesAt += folder.names.length
  }
  const frame = new DataView(bytes)
  frame.setUint32(0, MAGIC, true)
  frame.setUint32(4, head.length, true)
  frame.setUint32(8, crc32(Buffer.from(bytes, HEAD_BYTES)), true)
  return bytes
}

/** Undefined for what is not whole, or of another path. */
function unpacked(bytes: SharedArrayBuffer, path: string): KeptSight | undefined {
  if (bytes.byteLength < HEAD_BYTES) return undefined
  const frame = new DataView(bytes)
  if (frame.getUint32(0, true) !== MAGIC) return undefined
  const headBytes = frame.getUint32(4, true)
  if (frame.getUint32(8, true) !== crc32(Buffer.from(bytes, HEAD_BYTES))) return undefined
  const head = JSON.parse(Buffer.from(bytes, HEAD_BYTES, headBytes).toString()) as Head
  if (head.path !== path) return undefined
  const count = head.folders.reduce((sum, [, each]) => sum + each, 0)
  let looksAt = HEAD_BYTES + Math.ceil(headBytes / 8) * 8
  let digestsAt = looksAt + count * LOOK_NUMBERS * 8
  let namesAt = digestsAt + count * 16
  const folders = head.folders.map(([folder, files, namesBytes]) => {
    const sight = {
      path: folder,
      count: files,
      names: new Uint8Array(bytes, namesAt, namesBytes),
      looks: new Float64Array(bytes, looksAt, files * LOOK_NUMBERS),
      digests: new Uint8Array(bytes, digestsAt, files * 16),
    }
    looksAt += files * LOOK_NUMBERS * 8
    digestsAt += files * 16
    namesAt += namesBytes
    return sight
  })
  const byPath = new Map(folders.map((folder) => [folder.path, folder]))
  return { bytes, count, folders, byPath, list: head.list }
}

function fileOf(folder: string, path: string): string {
  return join(folder, createHash('sha256').update(path).digest('hex').slice(0, 32))
}

/** Missing or torn: the hashes are taken anew. */
function readKept(file: string, path: string): KeptSight | undefined {
  const bytes = readShared(file)
  return bytes === undefined ? undefined : unpacked(bytes, path)
}
