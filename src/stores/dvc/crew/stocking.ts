import { readdirSync, statSync } from 'node:fs'
import { TRUSTED } from './copying.ts'

/** An object's name below its folder of two digits: 15 bytes, or 30 digits. */
export const NAME_BYTES = 15

/**
 * What a folder of objects holds. A folder whose times are those of the last look has had nothing put in or
 * taken out since, so what was found then is still there.
 */
export interface Shelf {
  readonly ino: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  /** Names of objects that were checked when they were put there; in order where they were listed. */
  readonly names: Uint8Array
  /** Those whose mode says that they have to be checked. */
  readonly doubtful: readonly string[]
}

/** The inode of a folder that looks like none, so that it is listed when somebody asks. */
export const UNLISTED = -1

export interface StockOrder {
  /** Absolute. */
  readonly folder: string
  readonly shelves: readonly { readonly prefix: string; readonly known: Shelf | undefined }[]
  readonly nowMs: number
  /** A folder that changed less than this ago may change again and look the same. */
  readonly tickMs: number
}

export function takeStock(order: StockOrder): Shelf[] {
  return order.shelves.map(({ prefix, known }) =>
    shelfAt(order, `${order.folder}/${prefix}`, known),
  )
}

function shelfAt(order: StockOrder, folder: string, known: Shelf | undefined): Shelf {
  const stats = statSync(folder, { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true)
    return { ino: 0, mtimeMs: 0, ctimeMs: 0, names: new Uint8Array(), doubtful: [] }
  const { ino, mtimeMs, ctimeMs } = stats
  const isSame = known?.ino === ino && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs
  if (isSame && known.doubtful.length === 0) return known
  const isYoung = order.nowMs - ctimeMs < order.tickMs
  const now = { ino: isYoung ? UNLISTED : ino, mtimeMs, ctimeMs }
  const found = readdirSync(folder).filter((name) => /^[0-9a-f]{30}$/.test(name))
  const all = packedNames(found.toSorted())
  if (known !== undefined && Buffer.compare(all, known.names) === 0)
    return { ...now, names: all, doubtful: [] }
  const trusted = new Set(hexNames(known?.names))
  const [names, doubtful]: [string[], string[]] = [[], []]
  for (const name of found)
    if (trusted.has(name) || isTrusted(`${folder}/${name}`)) names.push(name)
    else doubtful.push(name)
  return { ...now, names: packedNames(names.toSorted()), doubtful }
}

function isTrusted(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && stats.isFile() && (stats.mode & 0o777) === TRUSTED
}

export function hexNames(names: Uint8Array | undefined): string[] {
  if (names === undefined) return []
  const text = Buffer.from(names.buffer, names.byteOffset, names.byteLength).toString('hex')
  const found: string[] = []
  for (let at = 0; at < text.length; at += NAME_BYTES * 2)
    found.push(text.slice(at, at + NAME_BYTES * 2))
  return found
}

export function packedNames(names: Iterable<string>): Uint8Array {
  return new Uint8Array(Buffer.from([...names].join(''), 'hex'))
}
