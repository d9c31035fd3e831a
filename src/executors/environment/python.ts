import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { Recipe } from './recipe.ts'
import type { PyProject, Requirements, Source, UvLock } from './spec.ts'
import { printed, succeeds, type Variables, type Workshop } from './workshop.ts'

/** Virtual environments of Python, with uv, or with venv and pip where there is none. */
export function pythonRecipe(
  source: { readonly kind: 'python' } | Requirements | UvLock | PyProject,
  python: string | undefined,
): Recipe {
  return {
    identity: identityOf(source),
    file: 'file' in source ? source.file : undefined,
    build: async (place, shop) => {
      const interpreter = await interpreterFor(shop.environment, pythonAsked(source, python))
      const at = { place, python: interpreter }
      if (source.kind === 'uv-lock') return syncWithUv(source, at, shop)
      const uv = await hasUv(shop.environment)
      shop.say(`building the Python environment with ${uv ? 'uv' : 'pip'} in ${place}`)
      await (uv ? installWithUv : installWithPip)(source, at, shop)
    },
    isWhole: (place) => existsSync(join(place, 'bin', 'python')),
    contents: (place) => distributionsIn(place).join('\n'),
    variables: (place, around) => ({
      PATH: [join(place, 'bin'), around['PATH'] ?? ''].join(delimiter),
      VIRTUAL_ENV: place,
      ...('modules' in source && source.modules !== undefined
        ? { PYTHONPATH: source.modules }
        : {}),
    }),
    resolved: (place, shop) => frozen(place, shop),
  }
}

/** A path in a file of requirements means another thing in another folder. */
function identityOf(source: Source): Record<string, unknown> {
  if (source.kind === 'requirements')
    return {
      requirements: source.text,
      ...(namesLocal(source.text) ? { folder: source.folder } : {}),
    }
  if (source.kind === 'uv-lock') {
    const { text, extras, groups, settings } = source
    return { lock: text, extras, groups, settings }
  }
  if (source.kind === 'pyproject')
    return { project: source.requirements, requiresPython: source.requiresPython ?? null }
  return { kind: source.kind }
}

function namesLocal(text: string): boolean {
  return /^\s*(-e\s|--editable|\.{1,2}(\/|\s|$)|[\w.-]+\/)/m.test(text)
}

function pythonAsked(source: Source, python: string | undefined): string | undefined {
  return python ?? (source.kind === 'pyproject' ? source.requiresPython : undefined)
}

interface At {
  readonly place: string
  /** A program, or what uv is to look for. */
  readonly python: string
}

async function installWithUv(source: Source, at: At, shop: Workshop): Promise<void> {
  const offline = shop.offline ? ['--offline'] : []
  await shop.work(['uv', 'venv', '--quiet', ...offline, '--python', at.python, at.place])
  if (source.kind === 'python') return
  const { file, folder } = requirementsFile(source, shop)
  const kept = `${shop.stores}.resolved.txt`
  // A second build of the same gives the same versions, whatever has been published since.
  const same = existsSync(kept) && !hasHashes(source) ? ['--constraint', kept] : []
  const target = ['--python', join(at.place, 'bin', 'python'), '--compile-bytecode']
  await shop.work(['uv', 'pip', 'install', ...target, ...offline, ...same, '-r', file], {
    cwd: folder,
  })
  if (same.length === 0) await keepResolved(kept, at.place, shop)
}

async function keepResolved(kept: string, place: string, shop: Workshop): Promise<void> {
  const lines = (await frozen(place, shop)).split('\n').filter((line) => line.includes('=='))
  writeFileSync(`${kept}.new`, `${lines.join('\n')}\n`)
  renameSync(`${kept}.new`, kept)
}

/** What is installed is kept as wheels, from which it can be installed again without an index. */
async function installWithPip(source: Source, at: At, shop: Workshop): Promise<void> {
  await shop.work([at.python, '-m', 'venv', at.place])
  if (source.kind === 'python') return
  const { file, folder } = requirementsFile(source, shop)
  const pip = [join(at.place, 'bin', 'python'), '-m', 'pip', '--disable-pip-version-check']
  const quiet = ['--quiet', '--progress-bar', 'off']
  if (source.kind === 'requirements' && /^\s*(-e\s|--editable)/m.test(source.text)) {
    await shop.work([...pip, 'install', ...quiet, '-r', file], { cwd: folder })
    return
  }
  const wheels = `${shop.stores}.wheels`
  if (!existsSync(wheels)) {
    if (shop.offline)
      throw new Problem(
        'unavailable',
        `the packages of ${file} were never installed on this machine, so they cannot be without an index; build once with it, or copy ${dirname(wheels)} from a machine that has them`,
      )
    const fresh = `${wheels}.new`
    rmSync(fresh, { recursive: true, force: true })
    mkdirSync(fresh, { recursive: true })
    await shop.work([...pip, 'wheel', ...quiet, '-w', fresh, '-r', file], { cwd: folder })
    renameSync(fresh, wheels)
  }
  const files = readdirSync(wheels).filter((name) => name.endsWith('.whl'))
  if (files.length > 0)
    await shop.work([
      ...pip,
      'install',
      ...quiet,
      '--no-index',
      '--no-deps',
      ...files.map((name) => join(wheels, name)),
    ])
}

function hasHashes(source: Source): boolean {
  return source.kind === 'requirements' && source.text.includes('--hash')
}

function requirementsFile(
  source: Source,
  shop: Workshop,
): { readonly file: string; readonly folder: string } {
  if (source.kind === 'requirements') return source
  if (source.kind !== 'pyproject') throw new Error(`${source.kind} has no requirements`)
  const file = `${shop.stores}.requirements.txt`
  writeFileSync(file, source.requirements.map((line) => `${line}\n`).join(''))
  return { file, folder: dirname(source.file) }
}

async function syncWithUv(source: UvLock, at: At, shop: Workshop): Promise<void> {
  if (!(await hasUv(shop.environment)))
    throw new Problem(
      'unavailable',
      `${source.file} is read by uv, which is not on PATH; install it (pip install uv), or give requirements instead (uv export -o requirements.txt)`,
    )
  shop.say(`building the Python environment with uv in ${at.place}`)
  const chosen = [
    ...source.extras.flatMap((extra) => ['--extra', extra]),
    ...source.groups.flatMap((group) => ['--group', group]),
    ...(shop.offline ? ['--offline'] : []),
  ]
  const only = ['--frozen', '--no-install-project', '--no-install-workspace', '--compile-bytecode']
  await shop.work(['uv', 'sync', ...only, '--python', at.python, ...chosen], {
    cwd: dirname(source.file),
    variables: { UV_PROJECT_ENVIRONMENT: at.place },
  })
}

export async function hasUv(environment: Variables): Promise<boolean> {
  return succeeds(environment, ['uv', '--version'])
}

/** The program for the version that is asked for, or what uv shall look for. */
async function interpreterFor(environment: Variables, asked: string | undefined): Promise<string> {
  const found = await machinePython(environment, asked)
  if (found !== undefined) return found.program
  if (await hasUv(environment)) return asked ?? '3'
  throw new Problem(
    'unavailable',
    `no Python ${asked ?? '3'} was found; install it, or uv, which brings its own, or change environment.python in orrery.yaml`,
  )
}

const SELF = `import json, platform, sys; print(json.dumps([sys.executable, platform.python_version()]))`

/** The first Python on PATH whose version begins with what is asked for; a range is left to uv. */
export async function machinePython(
  environment: Variables,
  asked?: string,
): Promise<{ program: string; version: string } | undefined> {
  const names =
    asked !== undefined && /^[\d.]+$/.test(asked)
      ? [`python${asked}`, 'python3', 'python']
      : ['python3', 'python']
  for (const name of names) {
    const text = await printed(environment, [name, '-c', SELF])
    if (text === undefined) continue
    const [program, version] = JSON.parse(text) as [string, string]
    if (fits(version, asked)) return { program, version }
  }
  return undefined
}

function fits(version: string, asked: string | undefined): boolean {
  if (asked === undefined) return true
  const least = /^>=\s*(\d+)\.(\d+)$/.exec(asked)
  if (least === null) return `${version}.`.startsWith(`${asked}.`)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = least.slice(1).map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

/** Name and version of each distribution, as their folders have them. */
function distributionsIn(place: string): string[] {
  const folders = childrenOf(join(place, 'lib'))
    .filter((name) => name.startsWith('python'))
    .map((name) => join(place, 'lib', name, 'site-packages'))
  return folders
    .flatMap(childrenOf)
    .filter((name) => name.endsWith('.dist-info'))
    .toSorted()
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Every package with its version, one a line. */
async function frozen(place: string, shop: Workshop): Promise<string> {
  const python = join(place, 'bin', 'python')
  const text = (await hasUv(shop.environment))
    ? await printed(shop.environment, ['uv', 'pip', 'freeze', '--python', python])
    : await printed(shop.environment, [
        python,
        '-m',
        'pip',
        '--disable-pip-version-check',
        'freeze',
      ])
  const lines = (text ?? '').split('\n').filter((line) => line.trim() !== '')
  return `${lines.toSorted().join('\n')}\n`
}
