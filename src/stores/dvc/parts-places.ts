import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  type Dirent,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import { sha256 } from '#base/digest'
import { randomIds } from '#base/ids'
import type { Bench, Part, Workshop, WrittenFile } from '#stages'
import { replaceFile } from './atomic.ts'
import { isMissing } from './measure.ts'
import { isRunning, processStarted } from './processes.ts'

const PROCESSES = 'processes'

/** Opens a place for the parts of a stage; ends and sweeps away what a killed process left of earlier ones. */
export async function openWorkshop(top: string): Promise<Workshop> {
  for (const name of namesIn(top)) await swept(join(top, name), name)
  const own = [process.pid, processStarted(process.pid) ?? '', randomIds.ulid()].join('~')
  const folder = join(top, own)
  mkdirSync(join(folder, PROCESSES), { recursive: true })
  let count = 0
  return {
    folder,
    bench: (files) => benchIn(folder, `${count++}`, files),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function benchIn(
  folder: string,
  name: string,
  files: readonly { readonly path: string; readonly place: string }[],
): Bench {
  const place = join(folder, name)
  const [input, output] = [join(place, 'in'), join(place, 'out')]
  let note: string | undefined
  mkdirSync(output, { recursive: true })
  const folders = new Set(files.map(({ path }) => dirname(join(input, path))))
  for (const each of new Set([input, ...folders])) mkdirSync(each, { recursive: true })
  for (const file of files) symlinkSync(file.place, join(input, file.path))
  return {
    input,
    output,
    runningAs: (pid) => {
      note = join(folder, PROCESSES, String(pid))
      writeFileSync(note, processStarted(pid) ?? '')
    },
    written: () => filesBelow(output, ''),
    remove: () => {
      if (note !== undefined) rmSync(note, { force: true })
      rmSync(place, { recursive: true, force: true })
    },
  }
}

async function swept(folder: string, name: string): Promise<void> {
  const [pid, started] = name.split('~')
  const isOwn = Number(pid) === process.pid
  if (!isOwn && isRunning(Number(pid), started)) return
  if (isOwn && started === (processStarted(process.pid) ?? '')) return
  for (const left of namesIn(join(folder, PROCESSES)))
    await ended(Number(left), textAt(join(folder, PROCESSES, left)))
  rmSync(folder, { recursive: true, force: true })
}

/** With all that it started. */
async function ended(pid: number, started: string): Promise<void> {
  if (!isRunning(pid, started)) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself.
    return
  }
  for (let tries = 0; tries < 100 && isRunning(pid, started); tries++) await sleep(20)
}

function filesBelow(top: string, folder: string): WrittenFile[] {
  const entries = readdirSync(join(top, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(top, path)
    const fault = faultOf(entry, join(top, path))
    if (fault !== undefined) throw new Problem('invalid', `${path} ${fault}`)
    return [{ path, place: join(top, path) }]
  })
}

function faultOf(entry: Dirent, place: string): string | undefined {
  if (entry.name.includes('\ufffd')) return 'has a name that is not UTF-8'
  const isFile = entry.isFile() || (entry.isSymbolicLink() && isFileAt(place))
  return isFile ? undefined : 'is neither a file nor a folder; only those can be data'
}

function isFileAt(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isFile() === true
}

function lastFile(folder: string, stage: string): string {
  return join(folder, `${sha256(stage).slice(0, 32)}.json`)
}

/** Digests by name of the parts that a stage had when it last finished. */
export function readLastParts(
  folder: string,
  stage: string,
): ReadonlyMap<string, string> | undefined {
  try {
    const kept = JSON.parse(readFileSync(lastFile(folder, stage), 'utf8')) as [string, string][]
    return new Map(kept)
  } catch {
    // It is only told to people: what is lost, or torn, is told of as new.
    return undefined
  }
}

export function saveLastParts(folder: string, stage: string, parts: readonly Part[]): void {
  mkdirSync(folder, { recursive: true })
  const kept = parts.map(({ name, digest }) => [name, digest])
  replaceFile(lastFile(folder, stage), JSON.stringify(kept))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function textAt(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
