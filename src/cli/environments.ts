import { Problem } from '#base/problem'
import {
  buildEnvironment,
  listEnvironments,
  OWN,
  packagesIn,
  pruneEnvironments,
  showEnvironment,
  type ListedEnvironment,
} from '#app/project/environment-shelf'
import { durationMs } from '#protocols/dvc/stage-meta'
import type { EnvironmentRecord } from '#stages'
import { sizeOf } from './retention.ts'
import { cellOf, tableLines, timeOf } from './table.ts'
import { say } from './say.ts'

// orrery environment: what stages run in, on this machine.

interface Flags {
  readonly json?: boolean
  readonly packages: boolean
}

export async function build(
  name: string | undefined,
  flags: Flags & { readonly offline: boolean; readonly extra?: string | undefined },
): Promise<void> {
  if (flags.extra !== undefined)
    throw new Problem(
      'invalid',
      `${name} is no action: there are list, show, build and prune; to build an environment, say orrery environment build ${flags.extra}`,
    )
  const record = await buildEnvironment(process.cwd(), {
    name: name === OWN ? undefined : name,
    offline: flags.offline,
    onProgress: (line) => {
      if (flags.json !== true) process.stderr.write(`${line}\n`)
    },
  })
  say(flags, { environment: record }, [
    ...(record === null
      ? [
          'orrery.yaml names no requirements, so stages run in what the machine has.',
          'Give the project an environment: uv_lock, requirements, pyproject, conda_lock or image.',
        ]
      : [wordsOf(record)]),
    ...(flags.packages && record !== null ? [record.lock.trimEnd()] : []),
  ])
}

function wordsOf({ python, os, lock, digest }: EnvironmentRecord): string {
  return `${python} on ${os}, ${packagesIn(lock)} packages, digest ${digest.slice(0, 12)}`
}

export async function list(
  flags: Flags & { readonly limit: number; readonly after?: string | undefined },
): Promise<void> {
  const { limit, after } = flags
  if (!Number.isInteger(limit) || limit < 1)
    throw new Problem('invalid', '--limit takes a whole number from 1 up')
  const all = await listEnvironments(process.cwd())
  const from = after === undefined ? 0 : all.findIndex(({ key }) => key === after) + 1
  if (after !== undefined && from === 0)
    throw new Problem('not-found', `no environment has the key ${after}; begin without --after`)
  const page = all.slice(from, from + limit)
  const next = from + limit < all.length ? (page.at(-1)?.key ?? null) : null
  say(flags, { environments: page, next }, [
    ...(page.length === 0
      ? ['No environment is declared here, and this machine has built none.']
      : tableLines(HEADS, page.map(rowOf))),
    ...(next === null ? [] : [`more: --after ${next}`]),
  ])
}

const HEADS = ['NAME', 'FROM', 'PYTHON', 'PACKAGES', 'SIZE', 'LAST USED', 'KEY']

function rowOf(row: ListedEnvironment): string[] {
  return [
    row.name ?? '(another project)',
    row.source ?? row.kind ?? '-',
    cellOf(row.python),
    cellOf(row.packages),
    row.sizeBytes === null ? '-' : sizeOf(row.sizeBytes),
    row.problem ?? (row.built ? timeOf(row.usedMs) : 'not built'),
    row.key?.slice(0, 12) ?? '-',
  ]
}

export async function show(name: string | undefined, flags: Flags): Promise<void> {
  const shown = await showEnvironment(process.cwd(), name ?? OWN)
  const { lock, ...row } = shown
  say(flags, { environment: shown }, [
    ...tableLines(['', ''], pairsOf(row)),
    ...(flags.packages && lock !== null ? [lock.trimEnd()] : []),
  ])
}

function pairsOf(row: ListedEnvironment): string[][] {
  return [
    ['name', cellOf(row.name)],
    ['from', cellOf(row.source)],
    ['state', row.problem ?? (row.built ? 'built' : 'not built')],
    ['python', cellOf(row.python)],
    ['packages', cellOf(row.packages)],
    ['digest', cellOf(row.digest)],
    ['key', cellOf(row.key)],
    ['size', row.sizeBytes === null ? '-' : sizeOf(row.sizeBytes)],
    ['built', timeOf(row.builtMs)],
    ['last used', timeOf(row.usedMs)],
  ]
}

export async function pruned(
  flags: Flags & { readonly unused: string; readonly yes: boolean },
): Promise<void> {
  const unusedMs = durationMs(flags.unused)
  if (unusedMs === undefined)
    throw new Problem('invalid', `--unused ${flags.unused} is no time; write for example 30d`)
  const found = await pruneEnvironments({ unusedMs, remove: flags.yes })
  const going = found.filter(({ kept }) => kept === null)
  const freed = going.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const count = `${going.length} environment${going.length === 1 ? '' : 's'}, ${sizeOf(freed)}`
  say(flags, { environments: found, freedBytes: freed, removed: flags.yes }, [
    ...found.map(({ key, sizeBytes, usedMs, kept }) =>
      [
        key.slice(0, 12),
        sizeOf(sizeBytes).padStart(10),
        usedMs === null ? 'was never finished' : `last used ${timeOf(usedMs)}`,
        ...(kept === null ? [] : [`stays: ${kept}`]),
      ].join('  '),
    ),
    flags.yes ? `removed ${count}` : `would remove ${count}; say --yes to do it`,
  ])
}
