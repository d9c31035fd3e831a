import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { Socket } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import type { Enclosure, ExecutionStep, Seen, Sight } from '#stages'
import { acrossBridge, isLoopback, openBridge, trackingServer, type Reachable } from './bridge.ts'
import type { Abilities } from './machine.ts'
import { gathering, type Gathering } from './sightings.ts'
import { removeAll, stateOf } from './paths.ts'
import { lighten } from './shades.ts'
import { isOwn, stagingFor, type Staging } from './staging.ts'
import { straysIn } from './strays.ts'
import { isAt, outermost, toolFolders } from './system.ts'
import { deedReader, tracerWords } from './trace.ts'
import { DISCREET, passedVariables, roomOf } from './view.ts'

export { abilitiesOf, isAble, type Abilities } from './machine.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface HermeticOptions {
  readonly root: string
  /** Where rooms stand while stages run in them; on the project's disk, so that what was made there is moved and not copied. */
  readonly folder: string
  /** Variables of whoever runs the stages. */
  readonly variables: Variables
  /** Set where files of the project are links into it. */
  readonly linkedCache: string | undefined
  readonly abilities: () => Promise<Abilities>
}

/** Makes for each step the room that it runs in, or, where it is only observed, sees to what it does. */
export function enclosures(options: HermeticOptions): (step: ExecutionStep) => Promise<Enclosure> {
  let isSwept = false
  return async (step) => {
    const { sight } = step
    if (sight === undefined) throw new Error('a step without a sight needs no enclosure')
    const abilities = await options.abilities()
    const root = realpathSync(options.root)
    if (!isSwept) {
      isSwept = true
      clearAbandoned(options.folder, '')
      clearAbandoned(tmpdir(), PASSAGE)
    }
    const own = { ...options.variables, ...step.environment }
    const service = sight.network ? undefined : trackingServer(own)
    const tools = toolFolders({ variables: own, commands: step.commands }, root)
    const shades = new Set<string>()
    const seen = gathering({ root, sight, tools, service, shades })
    const passage = mkdtempSync(join(tmpdir(), `${PASSAGE}${process.pid}-`))
    const watcher =
      abilities.follows && sight.follow
        ? watch(passage, { seen, folder: join(root, step.folder) })
        : undefined
    const at: Place = { options, step, sight, root, tools, service, passage, abilities, shades }
    try {
      const place = sight.watch === 'strict' ? await room(at) : beside(at)
      return {
        words: (inner) => place.words(watcher === undefined ? inner : [...place.tracer, ...inner]),
        environment: place.environment,
        end: async () => {
          await watcher?.end()
          try {
            return { ...place.end(seen), followed: watcher !== undefined }
          } finally {
            rmSync(passage, { recursive: true, force: true })
          }
        },
      }
    } catch (error) {
      await watcher?.end()
      rmSync(passage, { recursive: true, force: true })
      throw error
    }
  }
}

const PASSAGE = 'orrery-room-'
/** Where the passage is, seen from inside. */
const INSIDE = '/run/orrery'
const TRACE = 'trace'

interface Place {
  readonly options: HermeticOptions
  readonly step: ExecutionStep
  readonly sight: Sight
  readonly root: string
  readonly tools: readonly string[]
  readonly service: Reachable | undefined
  readonly passage: string
  readonly abilities: Abilities
  readonly shades: Set<string>
}

interface Made {
  words(inner: readonly string[]): string[]
  readonly tracer: readonly string[]
  readonly environment: Variables
  end(seen: Gathering): Pick<Seen, 'sightings' | 'more'>
}

/** No walls: the step sees what it always sees. */
function beside({ options, step, passage, abilities }: Place): Made {
  return {
    words: (inner) => [...inner],
    tracer: tracerWords({ file: join(passage, TRACE), filters: abilities.filters }),
    environment: { ...DISCREET, ...options.variables, ...step.environment },
    end: (seen) => seen.sightings(),
  }
}

async function room(place: Place): Promise<Made> {
  const { options, step, sight, root, service, passage, abilities } = place
  const folder = join(options.folder, `${process.pid}-${randomIds.ulid()}`)
  mkdirSync(join(folder, 'tmp', HOME), { recursive: true })
  const clear = () => removeAll(folder)
  try {
    const staging = stagingFor(join(folder, 'project'), { root, workFolder: step.folder, sight })
    for (const path of staging.shades) place.shades.add(join(root, path))
    const bridge = service === undefined ? undefined : await bridged(passage, service)
    const shown = shownIn(place, staging)
    const words = [
      'bwrap',
      ...roomOf({ network: sight.network }),
      '--bind',
      join(folder, 'tmp'),
      '/tmp',
      '--symlink',
      '../tmp',
      '/var/tmp',
      ...shown.words,
      '--chdir',
      join(root, step.folder),
      '--remount-ro',
      '/',
      '--',
      ...(service === undefined ? [] : acrossBridge(NODE, INSIDE, service)),
    ]
    return {
      words: (inner) => [...words, ...inner],
      tracer: tracerWords({ file: join(INSIDE, TRACE), filters: abilities.filters }),
      environment: {
        ...DISCREET,
        ...passedVariables(options.variables, sight.variables),
        ...step.environment,
        HOME: `/tmp/${HOME}`,
        TMPDIR: '/tmp',
      },
      end: (seen) => {
        bridge?.close()
        try {
          const { sightings, more } = seen.sightings()
          const left = [...staging.leftovers(), ...straysIn(join(folder, 'tmp'), shown.places)]
          lighten(staging.folder, staging.shades)
          staging.bringOut()
          const wrote = left.map((path) => ({ kind: 'wrote' as const, path, there: true }))
          return { sightings: [...sightings, ...wrote], more }
        } finally {
          clear()
        }
      },
    }
  } catch (error) {
    clear()
    throw error
  }
}

const HOME = 'orrery-home'
const NODE = `${INSIDE}-node`

function show(path: string): string[] {
  return ['--ro-bind-try', path, path]
}

/** What of the machine and of the project is to be seen, and the places where it is. */
function shownIn(
  { options, sight, root, tools, service, passage }: Place,
  staging: Staging,
): { words: string[]; places: string[] } {
  const inProject = (path: string) => join(root, path)
  const outside = [...sight.reads, ...sight.grows]
    .filter((path) => !isOwn(path))
    .map((path) => absolute(root, path))
  // What is made outside the project is made where it belongs: nothing there stands in for it.
  const made = outermost(
    sight.writes.filter((path) => !isOwn(path)).map((path) => join(inProject(path), '..')),
  )
  const linked = options.linkedCache === undefined ? [] : [options.linkedCache]
  const words = [
    ...[...tools.filter((path) => !isAt(path, root)), ...linked].flatMap(show),
    '--bind',
    staging.folder,
    root,
    ...(options.root === root ? [] : ['--symlink', root, options.root]),
    ...tools.filter((path) => isAt(path, root)).flatMap(show),
    ...staging.shown.map(inProject).flatMap((path) => ['--ro-bind', path, path]),
    ...staging.shared.map(inProject).flatMap((path) => ['--bind', path, path]),
    ...outside.flatMap(show),
    ...made.flatMap((path) => ['--bind-try', path, path]),
    '--ro-bind',
    process.execPath,
    NODE,
    '--bind',
    passage,
    INSIDE,
    ...namedMachines(service, passage),
  ]
  return { words, places: [...tools, ...linked, root, options.root, ...outside, ...made] }
}

function absolute(root: string, path: string): string {
  return path.startsWith('/') ? path : join(root, path)
}

/** A server with a name is this machine, for whoever looks from inside. */
function namedMachines(service: Reachable | undefined, passage: string): string[] {
  const own = `127.0.0.1 localhost ${hostname()}\n::1 localhost\n`
  const named =
    service === undefined || isLoopback(service.host) ? '' : `127.0.0.1 ${service.host}\n`
  const file = join(passage, 'hosts')
  writeFileSync(file, own + named)
  return ['--ro-bind', file, '/etc/hosts']
}

async function bridged(passage: string, service: Reachable): Promise<{ close(): void }> {
  const isNumber = /^[\d.]+$|:/.test(service.host)
  if (service.port < 1024 || (isNumber && !isLoopback(service.host)))
    throw new Problem(
      'unsupported',
      `the tracking server ${service.host}:${service.port} cannot be shown to a stage that has no network; add to the stage meta: { hermetic: { network: true } }, or run with --no-record`,
    )
  return openBridge(passage, service)
}

/** Reads along what the tracer writes; the pipe holds it up when we are slow, so nothing piles up. */
function watch(
  passage: string,
  { seen, folder }: { seen: Gathering; folder: string },
): { end(): Promise<void> } {
  const file = join(passage, TRACE)
  execFileSync('mkfifo', ['-m', '600', file])
  // Open for writing as well, it never ends before we say so.
  const pipe = openSync(file, constants.O_RDWR | constants.O_NONBLOCK)
  const socket = new Socket({ fd: pipe, readable: true, writable: false })
  const lines = createInterface({ input: socket })
  const deeds = deedReader(folder)
  const ended = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === LAST) resolve()
      else for (const deed of deeds(line)) seen.add(deed)
    })
    lines.on('close', resolve)
  })
  return {
    end: async () => {
      const last = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK)
      writeSync(last, `\n${LAST}\n`)
      closeSync(last)
      await ended
      lines.close()
      socket.destroy()
    },
  }
}

const LAST = 'orrery: all is said'

/** Rooms and passages of programs that were killed. */
function clearAbandoned(folder: string, prefix: string): void {
  if (stateOf(folder) === undefined) return
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : 0
    if (pid > 0 && !isThere(pid)) removeAll(join(folder, name))
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
