import { appendFileSync, mkdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { TreeEntry } from '#data'
import type { PartsLedger, Part, WrittenFile } from '#stages'
import { replaceFile } from './atomic.ts'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS } from './crew/looking.ts'
import type { ObjectFolder } from './objects.ts'

/** A ledger that repeats itself so much is written anew. */
const LINES_SPARE = 2000

interface Line {
  readonly part: string
  readonly digest: string
  readonly files: readonly TreeEntry[]
}

/**
 * What parts gave, one line each, in a file that is only added to: a process that is killed loses at most the line
 * that it was writing. Lines come after the objects that they name.
 */
export function openPartsLedger(options: {
  /** Of the cache. */
  folder: string
  cache: ObjectFolder
  circumstances: string
  nowMs: () => number
}): PartsLedger {
  const { cache, nowMs } = options
  const file = ledgerFile(options.folder, options.circumstances)
  const lines = linesIn(file, { tidy: true })
  const marker = markerOf(file)
  return {
    known: async (parts) => {
      const found = new Map<Part, readonly TreeEntry[]>()
      for (const part of parts) {
        const files = lines.get(keyOf(part.name, part.digest))
        if (files !== undefined) found.set(part, files)
      }
      const lost = await lostAmong(cache, found.values())
      if (lost.size > 0)
        for (const [part, files] of found)
          if (files.some(({ md5 }) => lost.has(md5))) found.delete(part)
      return found
    },
    take: async (done) => {
      const md5s = await kept(
        cache,
        done.flatMap(({ files }) => files),
      )
      let at = 0
      const taken = done.map(({ part, files }) => ({
        part: part.name,
        digest: part.digest,
        files: files.map(({ path }) => ({ path, md5: md5s[at++] ?? '' })),
      }))
      noteUnfinished(marker, nowMs())
      // What a kill cut off must not swallow the next line.
      appendFileSync(file, `\n${taken.map((line) => textOf(line)).join('\n')}\n`)
      for (const { part, digest, files } of taken) lines.set(keyOf(part, digest), files)
      return taken.map(({ files }) => files)
    },
    finished: () => rmSync(marker, { force: true }),
  }
}

export function ledgerFile(folder: string, circumstances: string): string {
  return join(partsFolder(folder), circumstances.slice(0, 2), `${circumstances.slice(2)}.jsonl`)
}

/** In the folder of a cache. */
export function partsFolder(folder: string): string {
  return join(folder, 'orrery', 'parts')
}

/** Beside a ledger of which no run has finished since it was added to. */
export function markerOf(file: string): string {
  return file.replace(/\.jsonl$/, '.unfinished')
}

/** By part and digest; the last word holds. */
export function linesIn(
  file: string,
  { tidy }: { tidy: boolean } = { tidy: false },
): Map<string, readonly TreeEntry[]> {
  const found = new Map<string, readonly TreeEntry[]>()
  const texts = textAt(file).split('\n')
  for (const text of texts) {
    const line = text === '' ? undefined : readLine(text)
    if (line !== undefined) found.set(keyOf(line.part, line.digest), line.files)
  }
  if (tidy && texts.length > 4 * found.size + LINES_SPARE) rewriteLines(file, found)
  return found
}

/** Writes a ledger anew with these lines only. */
export function rewriteLines(file: string, lines: ReadonlyMap<string, readonly TreeEntry[]>): void {
  if (lines.size === 0) {
    rmSync(file, { force: true })
    rmSync(markerOf(file), { force: true })
    return
  }
  const texts = [...lines].map(([key, files]) => {
    const [part = '', digest = ''] = key.split('\0')
    return textOf({ part, digest, files })
  })
  replaceFile(file, `${texts.join('\n')}\n`)
}

function keyOf(part: string, digest: string): string {
  return `${part}\0${digest}`
}

function textAt(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function textOf({ part, digest, files }: Line): string {
  return JSON.stringify([part, digest, ...files.flatMap(({ path, md5 }) => [path, md5])])
}

/** Undefined for what was cut off, and for what nobody here would have written: a cache may be shared. */
function readLine(text: string): Line | undefined {
  let words: unknown
  try {
    words = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(words) || words.length < 2 || words.length % 2 !== 0) return undefined
  if (!words.every((word) => typeof word === 'string')) return undefined
  const [part = '', digest = '', ...rest] = words
  const files: TreeEntry[] = []
  for (let at = 0; at < rest.length; at += 2) {
    const [path = '', md5 = ''] = rest.slice(at, at + 2)
    if (!/^[0-9a-f]{32}$/.test(md5) || !isBelow(path)) return undefined
    files.push({ path, md5 })
  }
  return { part, digest, files }
}

function isBelow(path: string): boolean {
  return path.split('/').every((step) => step !== '' && step !== '.' && step !== '..')
}

async function lostAmong(
  cache: ObjectFolder,
  results: Iterable<readonly TreeEntry[]>,
): Promise<Set<string>> {
  const wanted = new Set<string>()
  for (const files of results) for (const { md5 } of files) wanted.add(md5)
  const missing = await cache.missing([...wanted].map((md5) => ({ md5, legacy: false })))
  return new Set(missing.map(({ md5 }) => md5))
}

/** From so many files on the crew is worth its start. */
const CREW_FROM_FILES = 400

/** Puts files into the cache; gives the MD5 of each. */
async function kept(cache: ObjectFolder, files: readonly WrittenFile[]): Promise<string[]> {
  const md5s: string[] = []
  await inOrders(files, {
    trade: 'hash',
    perOrder: 128,
    crewFrom: CREW_FROM_FILES,
    order: (part) => ({
      legacy: false,
      paths: part.map(({ place }) => place),
      // The processes that wrote them have ended, and copying them checks the bytes once more.
      looks: new Float64Array(part.length * LOOK_NUMBERS),
    }),
    done: ({ digests }, part, first) => {
      const text = Buffer.from(digests).toString('hex')
      for (const index of part.keys()) md5s[first + index] = text.slice(index * 32, index * 32 + 32)
    },
  })
  const places = new Map(files.map(({ place }, index) => [md5s[index] ?? '', place]))
  const missing = await cache.missing([...places.keys()].map((md5) => ({ md5, legacy: false })))
  const taking = missing.map((object) => ({ source: places.get(object.md5) ?? '', object }))
  const { faults } = await cache.takeAll(taking, {})
  const [fault] = faults
  if (fault === undefined) return md5s
  const about = taking[fault.index]?.source ?? ''
  const path = files.find(({ place }) => place === about)?.path ?? about
  throw fault.what === 'failed'
    ? new Problem('unavailable', `${path} could not be copied into the cache: ${fault.message}`)
    : new Problem(
        'conflict',
        `${path} was still written to after the command of its part had ended; let it wait for all that it starts`,
      )
}

/** As old as the last part that was noted. */
function noteUnfinished(marker: string, nowMs: number): void {
  mkdirSync(dirname(marker), { recursive: true })
  try {
    utimesSync(marker, nowMs / 1000, nowMs / 1000)
  } catch {
    replaceFile(marker, '')
  }
}
