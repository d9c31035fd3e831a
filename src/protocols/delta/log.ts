import { Problem } from '#base/problem'
import {
  actionOf,
  keyOf,
  type Action,
  type AddedFile,
  type Metadata,
  type Protocol,
} from './actions.ts'
import { checkpointRows } from './checkpoint.ts'

/** A file of the folder `_delta_log`, by its path in it. */
export interface LogFile {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** Where a log lies. */
export interface LogFiles {
  list(): Promise<readonly LogFile[]>
  read(name: string): Promise<Uint8Array>
}

/** A table at a version: what holds its rows. */
export interface Snapshot {
  readonly version: number
  readonly protocol: Protocol
  readonly metadata: Metadata
  /** In the order of their paths. */
  readonly files: readonly AddedFile[]
}

export interface Wanted {
  readonly version?: number | undefined
  readonly atMs?: number | undefined
}

/** A checkpoint: the files that together tell all that a version had. */
interface Checkpoint {
  readonly version: number
  readonly parts: readonly string[]
}

/** Resolves a version, the newest if none is asked for. Throws a `Problem` for what cannot be read rightly. */
export async function snapshotOf(
  table: string,
  log: LogFiles,
  wanted: Wanted = {},
): Promise<Snapshot> {
  const files = await log.list()
  const commits = commitsOf(files)
  const checkpoints = checkpointsOf(files)
  const newest = newestIn(table, files)
  const version =
    wanted.atMs === undefined
      ? (wanted.version ?? newest)
      : await versionAt(table, { log, commits, atMs: wanted.atMs })
  if (version > newest)
    throw new Problem('not-found', `${table} has no version ${version}; its newest is ${newest}`)

  const state = emptyState()
  let start = -1
  for (const checkpoint of checkpoints.filter((each) => each.version <= version)) {
    await takeCheckpoint(state, log, checkpoint)
    start = checkpoint.version
    break
  }
  for (let at = start + 1; at <= version; at++) {
    const commit = commits.get(at)
    if (commit === undefined)
      throw new Problem(
        'not-found',
        `version ${version} of ${table} cannot be told: its log lacks version ${at}, which was cleaned away or lost; take a newer version`,
      )
    take(state, actionsIn(table, commit.name, await log.read(commit.name)))
  }
  return finished(table, version, state)
}

/** The newest version among the files of a log. */
export function newestIn(table: string, files: readonly LogFile[]): number {
  const checkpoints = checkpointsOf(files).map(({ version }) => version)
  const newest = Math.max(-1, ...commitsOf(files).keys(), ...checkpoints)
  if (newest >= 0) return newest
  throw new Problem('invalid', `${table} has a folder _delta_log without a commit in it`)
}

/** Every version that the log still has a commit of, newest last, with the time that it was made. */
export async function versionsOf(log: LogFiles): Promise<{ version: number; atMs: number }[]> {
  const commits = commitsOf(await log.list())
  return timesOf(log, commits)
}

interface State {
  protocol: Protocol | undefined
  metadata: Metadata | undefined
  readonly files: Map<string, AddedFile>
}

function emptyState(): State {
  return { protocol: undefined, metadata: undefined, files: new Map() }
}

/** Applies a commit: what it removes goes first, whatever the order of its lines. */
function take(state: State, actions: readonly Action[]): void {
  for (const action of actions) if (action.kind === 'remove') state.files.delete(action.key)
  for (const action of actions) {
    if (action.kind === 'protocol') state.protocol = action.protocol
    if (action.kind === 'metadata') state.metadata = action.metadata
    if (action.kind === 'add') {
      const { path, deletionVector } = action.file
      state.files.set(keyOf(path, deletionVector), action.file)
    }
  }
}

/** Rows that tell of removed files are there for the cleaning of old files only. */
async function takeCheckpoint(state: State, log: LogFiles, checkpoint: Checkpoint): Promise<void> {
  const sidecars: string[] = []
  const takeRows = async (name: string) => {
    const bytes = await log.read(name)
    const rows = name.endsWith('.json') ? jsonLines(name, bytes) : await checkpointRows(name, bytes)
    const actions = rows
      .flatMap((row) => actionOf(row) ?? [])
      .filter(({ kind }) => kind !== 'remove')
    take(state, actions)
    for (const action of actions) if (action.kind === 'sidecar') sidecars.push(action.path)
  }
  for (const part of checkpoint.parts) await takeRows(part)
  for (const path of sidecars) {
    // The protocol has them in one folder; a path out of it is not theirs.
    const name = decodeURIComponent(path).split('/').at(-1) ?? ''
    await takeRows(`_sidecars/${name}`)
  }
}

function finished(table: string, version: number, state: State): Snapshot {
  const { protocol, metadata } = state
  if (protocol === undefined || metadata === undefined)
    throw new Problem(
      'invalid',
      `the log of ${table} says no ${protocol === undefined ? 'protocol' : 'metadata'} up to version ${version}, so its rows cannot be told`,
    )
  const files = [...state.files.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1))
  return { version, protocol, metadata, files }
}

function actionsIn(table: string, name: string, bytes: Uint8Array): Action[] {
  try {
    return jsonLines(name, bytes).flatMap((line) => actionOf(line) ?? [])
  } catch (error) {
    if (error instanceof Problem) throw new Problem('invalid', `${table}: ${error.message}`)
    throw error
  }
}

function jsonLines(name: string, bytes: Uint8Array): unknown[] {
  return new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      try {
        return JSON.parse(line) as unknown
      } catch {
        throw new Problem('invalid', `_delta_log/${name}, line ${index + 1}, is no JSON`)
      }
    })
}

function commitsOf(files: readonly LogFile[]): Map<number, LogFile> {
  return new Map(
    files.flatMap((file): [number, LogFile][] => {
      const match = /^(\d{20})\.json$/.exec(file.name)
      return match === null ? [] : [[Number(match[1]), file]]
    }),
  )
}

/** The complete checkpoints, newest first. `_last_checkpoint` is a hint that may be wrong; the folder is not. */
function checkpointsOf(files: readonly LogFile[]): Checkpoint[] {
  const whole: Checkpoint[] = []
  const parted = new Map<string, { version: number; of: number; parts: string[] }>()
  for (const { name, sizeBytes } of files) {
    if (sizeBytes === 0) continue
    const match =
      /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.([0-9a-fA-F-]{36}))?\.(parquet|json)$/.exec(
        name,
      )
    if (match === null) continue
    const [, version = '', , of, uuid, ending] = match
    if (ending === 'json' && uuid === undefined) continue
    if (of === undefined) {
      whole.push({ version: Number(version), parts: [name] })
      continue
    }
    const key = `${version}.${of}`
    const known = parted.get(key) ?? { version: Number(version), of: Number(of), parts: [] }
    known.parts.push(name)
    parted.set(key, known)
  }
  for (const { version, of, parts } of parted.values())
    if (parts.length === of) whole.push({ version, parts: parts.toSorted() })
  return whole.toSorted((one, other) => other.version - one.version)
}

async function versionAt(
  table: string,
  at: { log: LogFiles; commits: ReadonlyMap<number, LogFile>; atMs: number },
): Promise<number> {
  const times = await timesOf(at.log, at.commits)
  const found = times.findLast(({ atMs }) => atMs <= at.atMs)
  if (found !== undefined) return found.version
  const [first] = times
  const since = first === undefined ? '' : `, which begins at ${new Date(first.atMs).toISOString()}`
  throw new Problem(
    'not-found',
    `${table} had no version at ${new Date(at.atMs).toISOString()} that its log still tells of${since}`,
  )
}

/** Times that only go forward: a clock that was set back must not make an older version the newer one. */
async function timesOf(
  log: LogFiles,
  commits: ReadonlyMap<number, LogFile>,
): Promise<{ version: number; atMs: number }[]> {
  const times: { version: number; atMs: number }[] = []
  let last = -Infinity
  for (const version of [...commits.keys()].toSorted((one, other) => one - other)) {
    const { name, modifiedMs } = commits.get(version) as LogFile
    const own = ownTime(await log.read(name))
    last = Math.max(own ?? modifiedMs, own === undefined ? last + 1 : last)
    times.push({ version, atMs: last })
  }
  return times
}

/** With the feature for it, the first line of a commit says when it was made. */
function ownTime(bytes: Uint8Array): number | undefined {
  const end = bytes.indexOf(10)
  const line = new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end))
  if (!line.includes('inCommitTimestamp')) return undefined
  try {
    const action = actionOf(JSON.parse(line))
    return action?.kind === 'commit' ? action.inCommitTimestamp : undefined
  } catch {
    return undefined
  }
}
