import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { PreparedEnvironment } from '#stages'
import type { EnvironmentBuilder, EnvironmentOptions } from './builder.ts'
import { thisMachine } from './machine.ts'
import { RECORD, type Built } from './shelf.ts'
import type { Source } from './spec.ts'
import { isUnreachable, printed, succeeds, workshop, type Variables } from './workshop.ts'

type Image = Extract<Source, { kind: 'image' }>

/** Commands that run in a container of an image, with the project's folder at its own path. */
export function imageEnvironment(source: Image, options: EnvironmentOptions): EnvironmentBuilder {
  const { environment } = options
  return {
    prepare: async (onProgress, signal) => {
      const engine = await engineFor(source, environment)
      const id =
        (await idOf(engine, source.image, environment)) ??
        (await pulled(engine, source, { ...options, onProgress, signal }))
      const key = keyOf(id)
      const built =
        builtAt(options.folder, key) ??
        (await described({ engine, id, key, source }, options, onProgress))
      const usedAt = options.nowMs() / 1000
      utimesSync(join(options.folder, key, RECORD), usedAt, usedAt)
      return {
        variables: {},
        record: recordOf(built, key, options),
        wrapped: wrapper({ engine, id, shown: options.shown ?? [] }),
      }
    },
    find: async () => {
      const engine = await engineFor(source, environment)
      const id = await idOf(engine, source.image, environment)
      if (id === undefined) return undefined
      const key = keyOf(id)
      return { key, built: builtAt(options.folder, key) }
    },
  }
}

function keyOf(id: string): string {
  return sha256(`image ${id} ${process.arch}`)
}

function builtAt(folder: string, key: string): Built | undefined {
  const file = join(folder, key, RECORD)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Built) : undefined
}

async function engineFor({ image, engine }: Image, environment: Variables): Promise<string> {
  // `info` asks what does the work: a client without its daemon has a version too.
  for (const program of engine === undefined ? ['podman', 'docker'] : [engine])
    if (await succeeds(environment, [program, 'info'])) return program
  throw new Problem(
    'unavailable',
    `the environment is the image ${image}, and ${engine ?? 'neither podman nor docker'} ${engine === undefined ? 'runs' : 'does not run'} on this machine; install podman (apt-get install podman), or start docker, or give the stage requirements instead`,
  )
}

async function idOf(
  engine: string,
  image: string,
  environment: Variables,
): Promise<string | undefined> {
  const id = await printed(environment, [engine, 'image', 'inspect', '--format', '{{.Id}}', image])
  return id === undefined || id.trim() === '' ? undefined : id.trim().replace(/^sha256:/, '')
}

async function pulled(
  engine: string,
  { image }: Image,
  options: EnvironmentOptions & {
    onProgress: (line: string) => void
    signal: AbortSignal | undefined
  },
): Promise<string> {
  if (options.offline === true)
    throw new Problem(
      'unavailable',
      `the image ${image} is not on this machine, and nothing may be fetched offline; run ${engine} pull ${image} once`,
    )
  const shop = workshop({ ...options, offline: false, stores: '', mark: {} })
  shop.say(`fetching the image ${image} with ${engine}`)
  try {
    await shop.work([engine, 'pull', image])
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const why = isUnreachable(error.message) ? 'its registry cannot be reached' : 'it failed'
    throw new Problem(
      'unavailable',
      `the image ${image} could not be fetched: ${why}\n${error.message}`,
    )
  }
  const id = await idOf(engine, image, options.environment)
  if (id !== undefined) return id
  throw new Problem('unavailable', `${engine} fetched ${image} and does not know it`)
}

/** What is in an image is asked of the image, once. */
async function described(
  about: { engine: string; id: string; key: string; source: Image },
  { environment, folder, nowMs }: EnvironmentOptions,
  onProgress: (line: string) => void,
): Promise<Built> {
  onProgress(`looking what is in the image ${about.source.image}`)
  const text = await printed(environment, [
    about.engine,
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    'python3',
    about.id,
    '-c',
    ABOUT,
  ])
  const [python = 'none', ...packages] = (text ?? 'none').trim().split('\n')
  const lock = [`image @ sha256:${about.id}`, ...packages.toSorted(), ''].join('\n')
  const size = await printed(environment, [
    about.engine,
    'image',
    'inspect',
    '--format',
    '{{.Size}}',
    about.id,
  ])
  const built: Built = {
    digest: sha256(lock),
    lock,
    python,
    kind: 'image',
    source: about.source.image,
    contents: about.id,
    sizeBytes: Number(size) || 0,
    builtMs: nowMs(),
  }
  const place = join(folder, about.key)
  const fresh = `${place}.${process.pid}`
  mkdirSync(fresh, { recursive: true })
  writeFileSync(join(fresh, RECORD), JSON.stringify(built))
  try {
    renameSync(fresh, place)
  } catch {
    // Somebody else was as quick, and saw the same.
    rmSync(fresh, { recursive: true })
  }
  return built
}

const ABOUT = `
import importlib.metadata, platform
print(platform.python_version())
for each in importlib.metadata.distributions(): print(each.metadata['Name'] + '==' + each.version)
`

function recordOf(built: Built, key: string, { name }: EnvironmentOptions) {
  const { digest, lock, python, kind, source } = built
  const about = { ...(name === undefined ? {} : { name }), kind, key }
  return {
    digest,
    lock,
    python,
    ...thisMachine(),
    ...about,
    ...(source === undefined ? {} : { source }),
  }
}

/**
 * The first process of a container does not end when it is asked to, unless it says so itself; when it
 * ends, all the others do.
 */
const FIRST = `trap 'kill -TERM "$child" 2>/dev/null' TERM INT
/bin/sh -c "$1" & child=$!
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"`

/** Where a command lies in the project is where it lies in the container; servers of this machine can be reached. */
export function wrapper(about: {
  engine: string
  id: string
  /** The project first. */
  shown: readonly string[]
}): NonNullable<PreparedEnvironment['wrapped']> {
  const [root = '/'] = about.shown
  const bad = about.shown.find((folder) => folder.includes(':'))
  if (bad !== undefined)
    throw new Problem(
      'invalid',
      `${bad} has a colon in its path, so no container can be shown it; move it, or give the stage requirements instead`,
    )
  return (command, { folder, variables }) =>
    [
      'exec',
      about.engine,
      'run',
      '--rm',
      '--network',
      'host',
      '--security-opt',
      'label=disable',
      ...userOf(about.engine),
      ...about.shown.flatMap((each) => ['--volume', `${each}:${each}`]),
      '--workdir',
      join(root, folder),
      // By this one, processes are found that have to end; the values are not for everybody's eyes.
      ...[...variables, 'ORRERY_COMMAND'].flatMap((name) => ['--env', name]),
      '--entrypoint',
      '/bin/sh',
      about.id,
      '-c',
      FIRST,
      'sh',
      command,
    ]
      .map(quoted)
      .join(' ')
}

/** What is written belongs to whoever runs it. */
function userOf(engine: string): string[] {
  const [user, group] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (user === 0) return []
  return engine === 'podman' ? ['--userns', 'keep-id'] : ['--user', `${user}:${group}`]
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
