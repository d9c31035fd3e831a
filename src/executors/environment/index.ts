import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, type as osType } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import { Problem } from '#base/problem'
import { exclusively, type ProjectLock } from '#data'
import type { EnvironmentRecord, PreparedEnvironment } from '#stages'

/** What a project asks of the Python that its stages run in. */
export interface EnvironmentSpec {
  /** For example `3.11`; undefined takes what the machine has. */
  readonly python: string | undefined
  /** Undefined for no environment of its own. */
  readonly requirements: Requirements | undefined
}

export interface Requirements {
  readonly file: string
  /** The text of the file and of those that it names: what the environment is known by. */
  readonly text: string
}

export interface EnvironmentOptions {
  readonly spec: EnvironmentSpec
  /** Where built environments are kept, each under its digest. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A lock for the file at this path, against a second builder. */
  readonly lockAt: (file: string) => ProjectLock
}

/** One environment, built when it is first asked for. */
export interface EnvironmentBuilder {
  prepare(onProgress: (line: string) => void, signal?: AbortSignal): Promise<PreparedEnvironment>
}

const run = promisify(execFile)

/**
 * Builds virtual environments with uv, or with venv and pip where there is none. What is built is kept
 * by the digest of what was asked for, and is never changed after.
 */
export function virtualEnvironments(options: EnvironmentOptions): EnvironmentBuilder {
  const { spec, folder } = options
  return {
    prepare: async (onProgress, signal) => {
      if (spec.requirements === undefined) return { variables: {}, record: null }
      const digest = sha256(
        canonicalJson({
          requirements: spec.requirements.text,
          python: spec.python ?? null,
          platform: `${osType()} ${process.arch}`,
        }),
      )
      const place = join(folder, digest)
      if (!isBuilt(place)) {
        mkdirSync(folder, { recursive: true })
        await exclusively([options.lockAt(join(folder, `${digest}.lock`))], async () => {
          if (!isBuilt(place)) await build(options, place, { onProgress, signal })
        })
      }
      return prepared(options, place)
    },
  }
}

/** Written last: a folder without it was not finished. */
const RECORD = 'orrery-environment.json'

function isBuilt(place: string): boolean {
  // The interpreter is a link to the machine's, which may have been taken away.
  return existsSync(join(place, RECORD)) && existsSync(join(place, 'bin', 'python'))
}

function prepared(options: EnvironmentOptions, place: string): PreparedEnvironment {
  const bin = join(place, 'bin')
  const path = options.environment['PATH'] ?? ''
  return {
    variables: { PATH: `${bin}${delimiter}${path}`, VIRTUAL_ENV: place },
    record: JSON.parse(readFileSync(join(place, RECORD), 'utf8')) as EnvironmentRecord,
  }
}

interface Building {
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal | undefined
}

/**
 * A virtual environment holds its own path in its scripts, so it is built where it stays; what was left
 * there by a builder that was killed has no record and goes first.
 */
async function build(
  options: EnvironmentOptions,
  place: string,
  building: Building,
): Promise<void> {
  rmSync(place, { recursive: true, force: true })
  const at = { place, requirements: options.spec.requirements?.file ?? '' }
  try {
    await ((await hasUv(options)) ? buildWithUv : buildWithPip)(options, at, building)
    const record = await recordOf(options, place)
    const temporary = join(place, `${RECORD}.new`)
    writeFileSync(temporary, JSON.stringify(record))
    renameSync(temporary, join(place, RECORD))
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    throw error
  }
}

async function buildWithUv(
  options: EnvironmentOptions,
  at: { place: string; requirements: string },
  building: Building,
): Promise<void> {
  const { python } = options.spec
  building.onProgress(`building the Python environment with uv in ${at.place}`)
  const version = python === undefined ? [] : ['--python', python]
  await tool(options, ['uv', 'venv', '--quiet', ...version, at.place], building)
  const target = ['--python', join(at.place, 'bin', 'python')]
  await tool(options, ['uv', 'pip', 'install', ...target, '-r', at.requirements], building)
}

async function buildWithPip(
  options: EnvironmentOptions,
  at: { place: string; requirements: string },
  building: Building,
): Promise<void> {
  const python = await pythonFor(options)
  building.onProgress(`building the Python environment with pip in ${at.place}`)
  await tool(options, [python, '-m', 'venv', at.place], building)
  const pip = [join(at.place, 'bin', 'python'), '-m', 'pip', '--disable-pip-version-check']
  await tool(
    options,
    [...pip, 'install', '--quiet', '--progress-bar', 'off', '-r', at.requirements],
    building,
  )
}

async function hasUv(options: EnvironmentOptions): Promise<boolean> {
  return succeeds(options, 'uv', ['--version'])
}

/** The program for the version that is asked for, as far as it says it. */
async function pythonFor(options: EnvironmentOptions): Promise<string> {
  const { python } = options.spec
  const names =
    python === undefined ? ['python3', 'python'] : [`python${python}`, 'python3', 'python']
  const wanted = python === undefined ? '' : /^[\d.]+$/.test(python) ? `${python}.` : '?'
  const check = `import sys; sys.exit(0 if ('.'.join(map(str, sys.version_info[:3])) + '.').startswith('${wanted}') else 1)`
  for (const name of names) if (await succeeds(options, name, ['-c', check])) return name
  throw new Problem(
    'unavailable',
    `no Python ${python ?? '3'} was found; install it, or uv, which brings its own, or change environment.python in orrery.yaml`,
  )
}

async function succeeds(
  options: EnvironmentOptions,
  program: string,
  args: string[],
): Promise<boolean> {
  try {
    await run(program, args, { env: cleaned(options) })
    return true
  } catch {
    return false
  }
}

/** Runs one of the building programs; its lines are progress, and the last of them the reason if it fails. */
async function tool(
  options: EnvironmentOptions,
  command: readonly string[],
  building: Building,
): Promise<void> {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    env: cleaned(options),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(building.signal === undefined ? {} : { signal: building.signal }),
  })
  const last: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return
      last.push(line)
      if (last.length > 12) last.shift()
      building.onProgress(line)
    })
  const code = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
  })
  if (code !== 0)
    throw new Problem(
      'unavailable',
      `the Python environment could not be built: \`${[program, ...args.slice(0, 3)].join(' ')} …\` ended with ${code}\n${last.join('\n')}`,
    )
}

async function recordOf(options: EnvironmentOptions, place: string): Promise<EnvironmentRecord> {
  const python = join(place, 'bin', 'python')
  const { stdout: version } = await run(python, [
    '-c',
    'import platform; print(platform.python_version())',
  ])
  const lock = await frozen(options, python)
  return {
    digest: sha256(lock),
    lock,
    python: version.trim(),
    os: `${osType()} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
  }
}

async function frozen(options: EnvironmentOptions, python: string): Promise<string> {
  const env = cleaned(options)
  const { stdout } = (await hasUv(options))
    ? await run('uv', ['pip', 'freeze', '--python', python], { env })
    : await run(python, ['-m', 'pip', '--disable-pip-version-check', 'freeze'], { env })
  const lines = stdout.split('\n').filter((line) => line.trim() !== '')
  return `${lines.toSorted().join('\n')}\n`
}

/** Another environment that happens to be active must not be what the new one is made of. */
function cleaned(options: EnvironmentOptions): Record<string, string | undefined> {
  const {
    VIRTUAL_ENV: _active,
    PYTHONHOME: _home,
    PYTHONPATH: _path,
    ...rest
  } = options.environment
  return rest
}
