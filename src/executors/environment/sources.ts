import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { messageOf, Problem } from '#base/problem'
import { condaLockIn } from './conda-lock.ts'
import type { EnvironmentSpec, PyProject, Source, UvLock } from './spec.ts'

/** An environment as orrery.yaml declares it. */
export interface DeclaredEnvironment {
  readonly python?: string
  readonly requirements?: string
  readonly uv_lock?: string
  readonly pyproject?: string
  readonly conda_lock?: string
  readonly image?: string
  readonly engine?: 'podman' | 'docker'
  readonly extras?: readonly string[]
  readonly groups?: readonly string[]
}

/** What a declared environment is made from, with the files that it names read. */
export function specIn(root: string, declared: DeclaredEnvironment): EnvironmentSpec {
  return { python: declared.python, source: sourceIn(root, declared) }
}

function sourceIn(root: string, declared: DeclaredEnvironment): Source | undefined {
  const { requirements, uv_lock: uvLock, pyproject, conda_lock: condaLock, image } = declared
  if (requirements !== undefined) {
    const file = existing(root, requirements, 'requirements')
    return { kind: 'requirements', file, text: withIncluded(file, new Set()), folder: root }
  }
  if (uvLock !== undefined) return uvLockAt(existing(root, uvLock, 'uv_lock'), declared)
  if (pyproject !== undefined) return pyprojectAt(existing(root, pyproject, 'pyproject'), declared)
  if (condaLock !== undefined) return condaLockIn(existing(root, condaLock, 'conda_lock'))
  if (image !== undefined) return { kind: 'image', image, engine: declared.engine }
  return declared.python === undefined ? undefined : { kind: 'python' }
}

function existing(root: string, path: string, word: string): string {
  const file = join(root, path)
  if (existsSync(file)) return file
  throw new Problem(
    'not-found',
    `orrery.yaml names ${path} as the ${word} of an environment, which does not exist; create it, or change orrery.yaml`,
  )
}

/** A requirements file with those that it names by -r and -c. */
function withIncluded(file: string, seen: Set<string>): string {
  if (seen.has(file) || !existsSync(file)) return ''
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const others = [...text.matchAll(/^\s*(?:-[rc]|--requirement|--constraint)[\s=]*(\S+)/gm)]
  return [
    text,
    ...others.map((match) => withIncluded(resolve(dirname(file), match[1] ?? ''), seen)),
  ].join('\n')
}

function uvLockAt(file: string, { extras = [], groups = [] }: DeclaredEnvironment): UvLock {
  const beside = join(dirname(file), 'pyproject.toml')
  if (!existsSync(beside))
    throw new Problem(
      'not-found',
      `${file} has no pyproject.toml beside it, which uv reads it with; keep both in one folder`,
    )
  const project = tomlAt(beside)
  const settings = JSON.stringify({
    uv: tableIn(tableIn(project, 'tool'), 'uv'),
    python: tableIn(project, 'project')['requires-python'] ?? null,
  })
  const text = readFileSync(file, 'utf8')
  return {
    kind: 'uv-lock',
    file,
    text,
    extras,
    groups,
    settings,
    modules: modulesOf(beside, project),
  }
}

function pyprojectAt(file: string, { extras = [], groups = [] }: DeclaredEnvironment): PyProject {
  const toml = tomlAt(file)
  const project = tableIn(toml, 'project')
  if (toml['project'] === undefined)
    throw new Problem(
      'invalid',
      `${file} has no [project] table, which says what to install; write one (PEP 621), or name a uv_lock or requirements`,
    )
  const optional = tableIn(project, 'optional-dependencies')
  const requirements = [
    ...textsIn(project['dependencies'], `${file}: project.dependencies`),
    ...extras.flatMap((extra) =>
      textsIn(named(optional, extra, `${file} has no extra`), `${file}: the extra ${extra}`),
    ),
    ...groups.flatMap((group) => groupIn(toml, group, { file, within: [] })),
  ]
  const requiresPython = project['requires-python']
  return {
    kind: 'pyproject',
    file,
    requirements: [...new Set(requirements)],
    requiresPython: typeof requiresPython === 'string' ? requiresPython : undefined,
    modules: modulesOf(file, toml),
  }
}

/** A dependency group with those that it includes. */
function groupIn(
  toml: Table,
  group: string,
  { file, within }: { file: string; within: readonly string[] },
): string[] {
  if (within.includes(group))
    throw new Problem('invalid', `${file}: the group ${group} includes itself; take that out`)
  const entries = named(
    tableIn(toml, 'dependency-groups'),
    group,
    `${file} has no dependency group`,
  )
  if (!Array.isArray(entries))
    throw new Problem('invalid', `${file}: the group ${group} must be a list`)
  return entries.flatMap((entry: unknown) => {
    if (typeof entry === 'string') return [entry]
    const included = (entry as { 'include-group'?: unknown } | null)?.['include-group']
    if (typeof included === 'string')
      return groupIn(toml, included, { file, within: [...within, group] })
    throw new Problem('invalid', `${file}: the group ${group} has an entry that is no requirement`)
  })
}

/** A package's own modules are read where they lie; what is installed is only what it needs. */
function modulesOf(file: string, toml: Table): string | undefined {
  if (toml['build-system'] === undefined) return undefined
  const sources = join(dirname(file), 'src')
  return existsSync(sources) ? sources : dirname(file)
}

type Table = Readonly<Record<string, unknown>>

function tomlAt(file: string): Table {
  try {
    return parseToml(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Problem('invalid', `${file} cannot be read: ${messageOf(error).split('\n')[0]}`)
  }
}

function tableIn(table: Table, key: string): Table {
  const value = table[key]
  return typeof value === 'object' && value !== null ? (value as Table) : {}
}

function named(table: Table, name: string, otherwise: string): unknown {
  if (Object.hasOwn(table, name)) return table[name]
  const known = Object.keys(table)
  throw new Problem(
    'not-found',
    `${otherwise} ${name}; it has ${known.length === 0 ? 'none' : known.join(', ')}`,
  )
}

function textsIn(value: unknown, where: string): string[] {
  if (value === undefined) return []
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
  throw new Problem('invalid', `${where} must be a list of requirements`)
}
