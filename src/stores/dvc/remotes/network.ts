import { createHash, type Hash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, statSync } from 'node:fs'
import { chmod, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { messageOf, Problem } from '#base/problem'
import {
  isFolder,
  type Content,
  type Failed,
  type Moving,
  type ObjectName,
  type Remote,
} from '#data'
import { TRUSTED } from '../crew/copying.ts'
import { openIncoming, syncEach, syncFileSystem } from '../incoming.ts'
import { legacyHash } from '../legacy-hash.ts'
import type { TreeFormat } from '../measure.ts'
import type { ObjectFolder } from '../objects.ts'
import { eachOf, Passing, persistently, type Outgoing, type Transport } from './transport.ts'

export interface NetworkRemoteOptions {
  readonly name: string
  readonly transport: Transport
  readonly cache: ObjectFolder
  readonly cacheFolder: string
  /** Group members may add objects. */
  readonly shared?: boolean
  readonly trees: TreeFormat
  /** Of the remote's own settings. */
  readonly jobs?: number | undefined
}

/** As many as DVC has at once on a small machine; most of the time each of them waits. */
const JOBS = 16
/** An interruption costs at most so much: what was fetched gets its names together, after one sync. */
const BATCH_FILES = 4000
/** From so many on, one sync of all is cheaper than one for each. */
const SYNC_ALL_FROM = 64

/** A remote that is reached over a network; laid out as the cache is. */
export function openNetworkRemote(options: NetworkRemoteOptions): Remote {
  const { name, transport, trees } = options
  const jobs = options.jobs ?? JOBS
  return {
    name,
    missing: async (objects) => {
      const there = await transport.present(objects.map(keyOfObject), jobs)
      return objects.filter((object) => !there.has(keyOfObject(object)))
    },
    tree: async (content) => {
      const text = await textOf(options, content)
      return text === undefined ? undefined : trees.read(text)
    },
    upload: (objects, moving = {}) => uploaded(options, objects, { jobs, ...moving }),
    download: (objects, moving = {}) => downloaded(options, objects, { jobs, ...moving }),
  }
}

/** Under which key an object is kept, below the address of the remote. */
export function keyOfObject({ md5, legacy }: ObjectName): string {
  const place = `${md5.slice(0, 2)}/${md5.slice(2)}`
  return legacy ? place : `files/md5/${place}`
}

async function uploaded(
  { transport, cache, name }: NetworkRemoteOptions,
  objects: readonly ObjectName[],
  { jobs, onDone, onSize }: Moving & { jobs: number },
): Promise<Failed[]> {
  const failed: Failed[] = []
  await eachOf(objects, jobs, async (object) => {
    const path = cache.pathOf(object)
    try {
      if (!existsSync(path)) throw new Problem('not-found', `${object.md5} is not in the cache`)
      const file = outgoing(path, object, (sizeBytes) => onDone?.(0, sizeBytes))
      onSize?.(1, file.sizeBytes)
      await persistently(() => transport.write(keyOfObject(object), file))
      onDone?.(1, 0)
    } catch (error) {
      failed.push({ object, reason: reasonOf(error, name) })
    }
  })
  return failed
}

/** The file's bytes, the last of which are held back until all of them have proved to be those of its name. */
function outgoing(path: string, object: ObjectName, passed: (sizeBytes: number) => void): Outgoing {
  const { size: sizeBytes } = statSync(path)
  let toldBytes = 0
  async function* checked(): AsyncGenerator<Buffer> {
    passed(-toldBytes)
    toldBytes = 0
    const digest = createHash('md5')
    let held: Buffer | undefined
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      if (held !== undefined) yield held
      held = chunk as Buffer
      digest.update(held)
      passed(held.length)
      toldBytes += held.length
    }
    // DVC 2 hashed text in another way and did not say which.
    if (!object.legacy && digest.digest('hex') !== hashIn(object))
      throw new Problem(
        'conflict',
        `${object.md5} in the cache is damaged: it has other bytes than its name says; \`orrery fsck\` finds out what can be mended`,
      )
    if (held !== undefined) yield held
  }
  return { path, sizeBytes, open: () => Readable.from(checked(), { objectMode: false }) }
}

function hashIn({ md5 }: ObjectName): string {
  return md5.slice(0, 32)
}

async function downloaded(
  options: NetworkRemoteOptions,
  objects: readonly ObjectName[],
  { jobs, onDone, onSize }: Moving & { jobs: number },
): Promise<Failed[]> {
  const failed: Failed[] = []
  if (objects.length === 0) return failed
  mkdirSync(options.cacheFolder, { recursive: true })
  const incoming = openIncoming(options.cacheFolder)
  try {
    for (let from = 0; from < objects.length; from += BATCH_FILES) {
      const batch = objects.slice(from, from + BATCH_FILES)
      const whole: ObjectName[] = []
      await eachOf(batch, jobs, async (object) => {
        const path = join(incoming.folder, temporaryName(object))
        try {
          await fetched(options, object, { path, onDone, onSize })
          whole.push(object)
          onDone?.(1, 0)
        } catch (error) {
          await rm(path, { force: true })
          const absent = error instanceof Problem && error.code === 'not-found'
          failed.push({
            object,
            reason: reasonOf(error, options.name),
            ...(absent ? { absent } : {}),
          })
        }
      })
      await named(options, incoming.folder, whole)
    }
  } finally {
    incoming.remove()
  }
  return failed
}

function temporaryName({ md5, legacy }: ObjectName): string {
  return legacy ? `${md5}.2` : md5
}

/** Gives objects their names once their bytes are on the disk. */
async function named(
  { cache, shared }: NetworkRemoteOptions,
  folder: string,
  objects: readonly ObjectName[],
): Promise<void> {
  const paths = objects.map((object) => join(folder, temporaryName(object)))
  if (paths.length < SYNC_ALL_FROM || !(await syncFileSystem(folder))) syncEach(paths)
  const folders = new Set<string>()
  for (const [index, object] of objects.entries()) {
    const to = cache.pathOf(object)
    if (!folders.has(dirname(to)))
      mkdirSync(dirname(to), { recursive: true, mode: shared === true ? 0o2775 : 0o777 })
    folders.add(dirname(to))
    const from = paths[index] as string
    await chmod(from, TRUSTED)
    await rename(from, to)
  }
  syncEach(folders)
}

/** Writes an object's bytes to a file; an interrupted transfer goes on where it was. */
async function fetched(
  { transport, name }: NetworkRemoteOptions,
  object: ObjectName,
  { path, onDone, onSize }: Pick<Moving, 'onDone' | 'onSize'> & { path: string },
): Promise<void> {
  const state: Receiving = {
    onDone,
    onSize,
    file: await open(path, 'wx', 0o600),
    done: 0,
    digest: createHash('md5'),
  }
  try {
    await persistently(() => received(transport, object, state))
  } finally {
    await state.file.close()
  }
  const isRight =
    state.digest.digest('hex') === hashIn(object) ||
    (object.legacy && (await legacyHash(path)) === hashIn(object))
  if (!isRight)
    throw new Problem(
      'conflict',
      `${object.md5} on the remote ${name} is damaged: the ${state.done} bytes at ${transport.where}/${keyOfObject(object)} are not those of its name; push it again from where it is whole`,
    )
}

interface Receiving extends Pick<Moving, 'onDone' | 'onSize'> {
  readonly file: FileHandle
  readonly digest: Hash
  done: number
}

async function received(transport: Transport, object: ObjectName, state: Receiving): Promise<void> {
  const incoming = await transport.read(keyOfObject(object), state.done)
  if (incoming === undefined)
    throw new Problem(
      'not-found',
      `${object.md5} is not at ${transport.where}; push it there from where it is`,
    )
  const expected = incoming.sizeBytes === undefined ? undefined : state.done + incoming.sizeBytes
  if (state.done === 0 && expected !== undefined) state.onSize?.(1, expected)
  try {
    for await (const chunk of incoming.bytes) {
      const bytes = chunk as Buffer
      await state.file.writeFile(bytes)
      state.digest.update(bytes)
      state.done += bytes.length
      state.onDone?.(0, bytes.length)
    }
  } catch (error) {
    if (isOfDisk(error)) throw error
    throw new Passing(`the transfer broke off after ${state.done} bytes (${messageOf(error)})`, {
      cause: error,
    })
  }
  if (expected !== undefined && state.done < expected)
    throw new Passing(`the transfer ended after ${state.done} of ${expected} bytes`)
}

function isOfDisk(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EIO'].includes(
    (error as { code?: string }).code ?? '',
  )
}

/** No list of files that anybody made is larger. */
const LIST_BYTES_MAX = 2 ** 30

async function textOf(
  options: NetworkRemoteOptions,
  content: Content,
): Promise<string | undefined> {
  if (!isFolder(content)) return undefined
  const object = { md5: content.md5, legacy: content.legacy ?? false }
  return persistently(async () => {
    const incoming = await options.transport.read(keyOfObject(object), 0)
    if (incoming === undefined) return undefined
    const parts: Buffer[] = []
    let sizeBytes = 0
    try {
      for await (const chunk of incoming.bytes) {
        parts.push(chunk as Buffer)
        sizeBytes += (chunk as Buffer).length
        if (sizeBytes > LIST_BYTES_MAX) break
      }
    } catch (error) {
      throw new Passing(messageOf(error), { cause: error })
    }
    const bytes = Buffer.concat(parts)
    if (createHash('md5').update(bytes).digest('hex') === hashIn(object))
      return bytes.toString('utf8')
    throw new Problem(
      'conflict',
      `the list ${object.md5} on the remote ${options.name} is damaged: its bytes are not those of its name; push it again from where it is whole`,
    )
  })
}

function reasonOf(error: unknown, name: string): string {
  return error instanceof Problem ? error.message : `the remote ${name}: ${messageOf(error)}`
}
