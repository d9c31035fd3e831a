import { isWithin } from '#data'
import type { Watch } from '../hermetic-wish.ts'
import { pathsRead, type Stage } from '../stage.ts'

/** What a stage's commands may see and change. Paths are the project's own, or absolute. */
export interface Sight {
  readonly watch: Watch
  /** Whether it is told what was looked for; left out where that is known already, since it takes time. */
  readonly follow: boolean
  readonly reads: readonly string[]
  /** Made anew. */
  readonly writes: readonly string[]
  /** There before, and changed. */
  readonly grows: readonly string[]
  readonly network: boolean
  readonly variables: readonly string[]
}

/** Something that a stage looked at or changed without having declared it. */
export type Sighting =
  | {
      /** `read` is a file's content or a folder's list; `looked`, whether it is there. */
      readonly kind: 'read' | 'looked' | 'wrote'
      /** The project's own path, or an absolute one. */
      readonly path: string
      /** Whether it is there for those who may see it; of what was written, whether it stayed. */
      readonly there: boolean
    }
  /** `at` is the address with its port. */
  | { readonly kind: 'called'; readonly at: string }

/** All that was seen of one stage. */
export interface Seen {
  readonly sightings: readonly Sighting[]
  /** False where nobody could follow what it looked at: it was kept from it, without being told. */
  readonly followed: boolean
  /** There was more than is kept. */
  readonly more: boolean
}

export type FindingKind =
  | 'undeclared-read'
  | 'undeclared-probe'
  | 'outside-read'
  | 'write-outside-outs'
  | 'network'

export interface Finding {
  readonly kind: FindingKind
  readonly stage: string
  /** The path, or the address. */
  readonly what: string
  readonly words: string
  /** What to add to the stage in its file; null where nothing there would help. */
  readonly add: string | null
}

/** What is told of a stage that was watched. */
export interface SightReport {
  readonly watch: Watch | 'off'
  /** Why it was not watched, or less than was wanted; null where it was. */
  readonly reason: string | null
  readonly outcome: 'clean' | 'undeclared' | 'unknown'
  readonly findings: readonly Finding[]
}

export function sightOf(stage: Stage, watch: Watch): Sight {
  const { allow = [], network = false, variables = [] } = stage.hermetic ?? {}
  return {
    watch,
    follow: true,
    reads: [...pathsRead(stage), ...stage.params.map(({ path }) => path), ...allow],
    writes: stage.outs.filter(({ persist }) => !persist).map(({ path }) => path),
    grows: stage.outs.filter(({ persist }) => persist).map(({ path }) => path),
    network,
    variables,
  }
}

/** What the sightings mean, each path once; what is only noise is left out. */
export function findingsOf(stage: Stage, sight: Sight, seen: Seen): Finding[] {
  const found = new Map<string, Finding>()
  // Of a file that is looked for and read it is told that it is read.
  const [looks, others] = [
    seen.sightings.filter(isLook),
    seen.sightings.filter((each) => !isLook(each)),
  ]
  for (const sighting of [...others, ...looks]) {
    const finding = findingOf(stage, sight, sighting)
    if (finding === undefined) continue
    const known = found.get(finding.what)
    if (known === undefined || RANK[finding.kind] > RANK[known.kind])
      found.set(finding.what, finding)
  }
  return [...found.values()].toSorted(
    (one, other) => RANK[other.kind] - RANK[one.kind] || (one.what < other.what ? -1 : 1),
  )
}

function isLook({ kind }: Sighting): boolean {
  return kind === 'looked'
}

/** A path that is nowhere gave the stage nothing; all else makes its result depend on what nobody tracks. */
export function counts({ kind }: Finding): boolean {
  return kind !== 'undeclared-probe'
}

const RANK: Readonly<Record<FindingKind, number>> = {
  'write-outside-outs': 5,
  'undeclared-read': 4,
  'outside-read': 3,
  network: 2,
  'undeclared-probe': 1,
}

function findingOf(stage: Stage, sight: Sight, sighting: Sighting): Finding | undefined {
  if (sighting.kind === 'called') return sight.network ? undefined : called(stage, sighting.at)
  const { kind, path, there } = sighting
  if (isNoise(path) || isDeclared(sight, path, kind)) return undefined
  if (kind === 'wrote') return there ? wrote(stage, path, sight) : undefined
  if (isOutside(path)) return there ? outside(stage, path) : undefined
  return there ? undeclared(stage, path, kind) : probed(stage, path)
}

function isDeclared(sight: Sight, path: string, kind: 'read' | 'looked' | 'wrote'): boolean {
  const written = [...sight.writes, ...sight.grows]
  const declared = kind === 'wrote' ? written : [...sight.reads, ...written]
  // A folder on the way to what is declared has to be looked into to find it.
  return declared.some((each) => isWithin(path, each) || (kind !== 'wrote' && isWithin(each, path)))
}

/** What tools leave beside code, and what tells of the project's history: derived from what counts, or never an input. */
function isNoise(path: string): boolean {
  if (path === '' || path.endsWith('.pyc')) return true
  return path.split('/').some((part) => NOISE.has(part))
}

const NOISE = new Set([
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.ipynb_checkpoints',
  '.git',
  '.dvc',
])

function isOutside(path: string): boolean {
  return path.startsWith('/') || path.startsWith('../')
}

function undeclared(stage: Stage, path: string, kind: 'read' | 'looked'): Finding {
  const written = asWritten(stage, path)
  return {
    kind: 'undeclared-read',
    stage: stage.address,
    what: path,
    words: `${stage.address} ${kind === 'read' ? 'reads' : 'looks for'} ${path}, which it does not declare`,
    add: `deps: [${written}]`,
  }
}

function probed(stage: Stage, path: string): Finding {
  return {
    kind: 'undeclared-probe',
    stage: stage.address,
    what: path,
    words: `${stage.address} looks for ${path}, which is not there`,
    add: null,
  }
}

function outside(stage: Stage, path: string): Finding {
  return {
    kind: 'outside-read',
    stage: stage.address,
    what: path,
    words: `${stage.address} reads ${path}, which lies outside the project`,
    add: `meta: { hermetic: { allow: [${path}] } }`,
  }
}

function wrote(stage: Stage, path: string, { watch }: Sight): Finding {
  const gone = watch === 'strict' && isOutside(path) ? ', and what it wrote there is lost' : ''
  return {
    kind: 'write-outside-outs',
    stage: stage.address,
    what: path,
    words: `${stage.address} writes ${path}, which is none of its outs${gone}`,
    add: isOutside(path) ? null : `outs: [${asWritten(stage, path)}]`,
  }
}

function called(stage: Stage, at: string): Finding {
  const whom = at.endsWith(':53') ? `the name server ${at}, to find some machine` : at
  return {
    kind: 'network',
    stage: stage.address,
    what: at,
    words: `${stage.address} calls ${whom}`,
    add: 'meta: { hermetic: { network: true } }',
  }
}

/** A path as the stage's own file would name it. */
function asWritten(stage: Stage, path: string): string {
  if (stage.wdir === '' || isOutside(path)) return path
  const from = stage.wdir.split('/')
  const to = path.split('/')
  let same = 0
  while (same < from.length && from[same] === to[same]) same++
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/')
}

/** Findings that a person is told of; with more, a folder is meant. */
const TOLD_MAX = 20

/** One line a finding, and what mends it. */
export function toldFindings(stage: Stage, findings: readonly Finding[]): string[] {
  const told = findings
    .slice(0, TOLD_MAX)
    .map(({ words, add }) =>
      add === null ? words : `${words}; add to it in ${stage.file}: ${add}`,
    )
  return findings.length > TOLD_MAX
    ? [...told, `and ${findings.length - TOLD_MAX} more of the kind`]
    : told
}
