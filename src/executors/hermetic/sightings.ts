import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Seen, Sight, Sighting } from '#stages'
import { isLoopback, type Reachable } from './bridge.ts'
import { stateOf } from './paths.ts'
import { isAt, isSystem } from './system.ts'
import type { Deed } from './trace.ts'

/** Different things that are kept of one stage; whoever looks at more is told of these. */
const KEPT_MAX = 10_000

export interface Surroundings {
  readonly root: string
  readonly sight: Sight
  /** Folders of its programs, which belong to its environment. */
  readonly tools: readonly string[]
  readonly service: Reachable | undefined
  /** Absolute paths of which only the name is to be seen. */
  readonly shades: ReadonlySet<string>
}

/** Gathers of all that a stage does what it did not declare, each thing once. */
export interface Gathering {
  add(deed: Deed): void
  sightings(): Pick<Seen, 'sightings' | 'more'>
}

export function gathering(around: Surroundings): Gathering {
  const { root, sight } = around
  const kept = new Map<string, Omit<Extract<Sighting, { path: string }>, 'there'>>()
  const calls = new Set<string>()
  const made = new Set<string>()
  const known = new Set<string>()
  const declared = [...sight.reads, ...sight.writes, ...sight.grows].map((path) =>
    path.startsWith('/') ? path : join(root, path),
  )
  let more = false
  const keep = (kind: 'read' | 'looked' | 'wrote', path: string) => {
    const named = isAt(path, root) ? path.slice(root.length + 1) : path
    if (kept.size >= KEPT_MAX) more = true
    else kept.set(`${kind} ${path}`, { kind, path: named })
  }
  const counts = sight.watch === 'strict' ? refused : done
  return {
    add: (told) => {
      const deed = ofSource(told)
      if (deed.kind === 'called') {
        const at = calledBy(deed, around)
        if (at !== undefined && calls.size < KEPT_MAX) calls.add(at)
        return
      }
      const mark = `${deed.kind} ${deed.error === null ? '' : deed.error} ${deed.path}`
      if (known.has(mark)) return
      if (known.size < KEPT_MAX) known.add(mark)
      if (!counts(deed, around)) return
      if (deed.kind === 'wrote') {
        if (made.size < KEPT_MAX && !declared.some((each) => isAt(deed.path, each)))
          made.add(deed.path)
      } else if (isMade(made, deed.path)) return
      if (isDeclared(declared, deed)) return
      keep(deed.kind, deed.path)
    },
    sightings: () => ({
      more,
      sightings: [
        ...[...kept.values()].flatMap((each) => withPresence(root, sight, each)),
        ...[...calls].map((at) => ({ kind: 'called' as const, at })),
      ],
    }),
  }
}

/** Python takes its own note of a module for the module. */
function ofSource(deed: Deed): Deed {
  if (deed.kind !== 'read' || !deed.path.endsWith('.pyc')) return deed
  const path = deed.path.replace(/\/__pycache__\/([^/]+)\.[\w]+-\d+(?:\.opt-\d)?\.pyc$/, '/$1.py')
  return { kind: 'read', path, error: deed.error }
}

type PathDeed = Exclude<Deed, { kind: 'called' }>

/** In a room only what was refused is news: all else was there to be seen. */
function refused({ kind, path, error }: PathDeed, { root, tools, shades }: Surroundings): boolean {
  // Of what is there only in name, not even that was declared.
  if (error === null) return kind === 'looked' && shades.has(path)
  const isOurs = isAt(path, root)
  if (kind === 'wrote')
    return isOurs
      ? error === 'EROFS' || error === 'EACCES'
      : !isSystem(path) &&
          !isTool(tools, path) &&
          ['EROFS', 'EACCES', 'EPERM', 'ENOENT'].includes(error)
  return ABSENT.has(error) && (isOurs || !(isSystem(path) || isTool(tools, path) || isHidden(path)))
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EACCES'])

/** Without walls everything that worked is news, and what was looked for in the project in vain. */
function done(deed: PathDeed, { root, tools }: Surroundings): boolean {
  const { kind, path, real = path, error } = deed
  const isOurs = isAt(path, root) || isAt(real, root)
  if (error !== null) return kind !== 'wrote' && isAt(path, root) && ABSENT.has(error)
  if (isOurs && !tools.some((each) => isAt(each, root) && isAt(path, each))) return true
  if (isTool(tools, path) || isTool(tools, real) || isUsual(path)) return false
  if (kind === 'wrote')
    return !PASSING.some((folder) => isAt(path, folder)) && !isAt(path, tmpdir())
  return !isSystem(path) && !isSystem(real)
}

/** Where every program leaves things that nobody keeps. */
const PASSING = ['/dev', '/proc', '/run', '/var/run', '/var/tmp', '/tmp']

/** What libraries of pictures keep for themselves. */
function isUsual(path: string): boolean {
  return /\/\.(?:cache|config)\/(?:matplotlib|fontconfig)(?:\/|$)/.test(path)
}

/** What libraries keep there from one time to the next, and do without where it is not. */
function isHidden(path: string): boolean {
  return path.startsWith('/tmp/.')
}

function isTool(tools: readonly string[], path: string): boolean {
  return tools.some((folder) => isAt(path, folder))
}

function isMade(made: ReadonlySet<string>, path: string): boolean {
  for (let here = path; here !== ''; here = here.slice(0, here.lastIndexOf('/')))
    if (made.has(here)) return true
  return false
}

/** On the way to what is declared lie folders that have to be looked into. */
function isDeclared(declared: readonly string[], { kind, path, real = path }: PathDeed): boolean {
  if (kind === 'wrote') return false
  return declared.some((each) => isAt(path, each) || isAt(real, each) || isAt(each, path))
}

function calledBy(
  { address, port, error }: Extract<Deed, { kind: 'called' }>,
  { sight, service }: Surroundings,
): string | undefined {
  const at = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  if (sight.network) return undefined
  if (isLoopback(address.replace(/^::ffff:/, ''))) {
    // In a room those that answer are the stage's own.
    const isRefused = sight.watch === 'strict' && error === 'ECONNREFUSED'
    return isRefused && port !== service?.port ? at : undefined
  }
  const isToService = service !== undefined && !isLoopback(service.host)
  return sight.watch === 'observe' && isToService && [service.port, 53].includes(port)
    ? undefined
    : at
}

/** Whether it is there for those who may see it; whether a folder is, is no content. */
function withPresence(
  root: string,
  sight: Sight,
  each: Omit<Extract<Sighting, { path: string }>, 'there'>,
): Sighting[] {
  const found = stateOf(each.path.startsWith('/') ? each.path : join(root, each.path))
  if (each.kind === 'looked' && found?.isDirectory() === true) return []
  if (each.kind === 'wrote') return [{ ...each, there: sight.watch === 'strict' || isKept(found) }]
  return [{ ...each, there: found !== undefined }]
}

/** An empty folder holds nothing that anybody could miss. */
function isKept(found: ReturnType<typeof stateOf>): boolean {
  return found !== undefined && !found.isDirectory()
}
