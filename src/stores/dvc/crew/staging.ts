import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { openNew, TRUSTED, writeAll } from './copying.ts'
import { digestOpen } from './digests.ts'
import type { Hashed, HashOrder } from './hashing.ts'
import { LOOK_NUMBERS, looksAs, noteLook } from './looking.ts'

/** Files that are hashed and put beside their places as objects at once, each read only once. None is large. */
export interface StageOrder extends Omit<HashOrder, 'legacy'> {
  /** Where objects lie: `files/md5` of a cache. */
  readonly objects: string
  /** Begins the names of copies on their way; the number of the file follows. */
  readonly token: string
  readonly first: number
  /** For folders that are made. */
  readonly folderMode: number
  /** The file itself becomes the object at once. Only where its bytes are on the disk already. */
  readonly byLink: boolean
}

export interface Staged extends Hashed {
  /** 1 for a file that a copy was made of, or that became an object. */
  readonly made: Uint8Array
  /** How the files look now, where some were made objects. */
  readonly looks: Float64Array | undefined
  /** The file that could not be read, or of which no object could be made; those after it were left out. */
  readonly failed: { readonly index: number; readonly message: string } | undefined
}

export function stageFiles(order: StageOrder): Staged {
  const { paths } = order
  const digests = Buffer.alloc(paths.length * 16)
  const made = new Uint8Array(paths.length)
  const looks = order.byLink ? Float64Array.from(order.looks) : undefined
  const changed: string[] = []
  let failed: Staged['failed']
  let sizeBytes = 0
  for (const [index, path] of paths.entries()) {
    const found = staged(order, index, looks)
    if (found instanceof Error) {
      failed = { index, message: found.message }
      break
    }
    if (found === undefined) {
      changed.push(path)
      continue
    }
    digests.write(found.md5, index * 16, 'hex')
    made[index] = found.isMade ? 1 : 0
    sizeBytes += order.looks[index * LOOK_NUMBERS + 3] ?? 0
  }
  return { digests: new Uint8Array(digests), made, looks, changed, failed, sizeBytes }
}

/** What was made before an error has to be told, so that it can be cleaned up. */
function staged(order: StageOrder, index: number, looks: Float64Array | undefined) {
  try {
    return stageOne(order, index, looks)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Undefined for a file that looks otherwise than it did, of which nothing is left then. */
function stageOne(
  order: StageOrder,
  index: number,
  looks: Float64Array | undefined,
): { md5: string; isMade: boolean } | undefined {
  const path = order.paths[index] ?? ''
  const source = opened(path)
  if (source === undefined) return undefined
  try {
    let bytes: Buffer | undefined
    const md5 = digestOpen(source, {
      legacy: false,
      sizeBytes: order.looks[index * LOOK_NUMBERS + 3],
      each: (piece) => (bytes = piece),
    })
    if (bytes === undefined || !looksAs(fstatSync(source), order.looks, index)) return undefined
    const shelf = `${order.objects}/${md5.slice(0, 2)}`
    const place = `${shelf}/${md5.slice(2)}`
    if (looks === undefined) {
      if (existsSync(place)) return { md5, isMade: false }
      copied(bytes, `${shelf}/.${order.token}-${order.first + index}`, order.folderMode)
      return { md5, isMade: true }
    }
    const isMade = linked(path, place, order.folderMode)
    if (isMade) fchmodSync(source, TRUSTED)
    noteLook(fstatSync(source), looks, index)
    return { md5, isMade }
  } finally {
    closeSync(source)
  }
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function copied(bytes: Buffer, to: string, folderMode: number): void {
  const copy = inFolder(to, folderMode, () => openNew(to))
  try {
    writeAll(copy, bytes)
  } catch (error) {
    rmSync(to, { force: true })
    throw error
  } finally {
    closeSync(copy)
  }
}

/** False where somebody else has put the object there, or the file system makes no such link. */
function linked(path: string, place: string, folderMode: number): boolean {
  try {
    inFolder(place, folderMode, () => linkSync(path, place))
    return true
  } catch (error) {
    if (['EEXIST', 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes(codeOf(error))) return false
    throw error
  }
}

function inFolder<T>(path: string, mode: number, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true, mode })
    return make()
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
