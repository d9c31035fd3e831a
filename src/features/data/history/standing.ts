import { Problem } from '#base/problem'
import { chosen, missingOf, nameOfObject } from './diff.ts'
import { differences, type DataChange } from './difference.ts'
import type { DataDependencies } from '../dependencies.ts'
import { isWithin, type Out } from '../out.ts'
import { presentVersion, recordedVersion, type DataEntry, type DataVersion } from './version.ts'

export interface StandingRequest {
  readonly targets?: readonly string[]
  /** Files in folders one by one. */
  readonly granular?: boolean
  readonly notInRemote?: boolean
  readonly remote?: string
  readonly untracked?: boolean
}

/** Where the data stands between the last commit, DVC's files and the workspace. */
export interface Standing {
  /** From the last commit to DVC's files. */
  readonly committed: readonly DataChange[]
  /** From DVC's files to the workspace. */
  readonly uncommitted: readonly DataChange[]
  readonly notInCache: readonly DataEntry[]
  readonly notInRemote: readonly DataEntry[]
  /** Files that neither Git nor DVC knows. */
  readonly untracked: readonly string[]
  /** As the last commit has it. */
  readonly unchanged: readonly DataEntry[]
}

export async function standingOf(
  dependencies: DataDependencies,
  request: StandingRequest,
): Promise<Standing> {
  const { targets = [] } = request
  const how = { deep: request.granular ?? false }
  const outs = await dependencies.catalog.outs()
  const head = await outsAtHead(dependencies)
  checkTargets([...outs, ...head], targets)
  const recorded = await recordedVersion(dependencies, chosen(outs, targets), how)
  const present = await presentVersion(dependencies, chosen(outs, targets), how)
  const last = await recordedVersion(dependencies, chosen(head, targets), how)
  const [committed, uncommitted] = [differences(last, recorded), differences(recorded, present)]
  const same = new Set(
    committed.flatMap((change) => (change.kind === 'unchanged' ? [change.new.path] : [])),
  )
  return {
    committed: committed.filter(({ kind }) => kind !== 'unchanged'),
    uncommitted: uncommitted.filter(({ kind }) => kind !== 'unchanged'),
    notInCache: await missingOf(dependencies, recorded),
    notInRemote:
      request.notInRemote === true
        ? await missingInRemotes(dependencies, recorded, request.remote)
        : [],
    untracked: request.untracked === true ? await untrackedIn(dependencies, targets) : [],
    unchanged: uncommitted.flatMap((change) =>
      change.kind === 'unchanged' && same.has(change.new.path) ? [change.new] : [],
    ),
  }
}

/** None before the first commit, and none without Git. */
async function outsAtHead({ revisions }: DataDependencies): Promise<Out[]> {
  if (revisions === undefined) return []
  try {
    return await revisions.outsAt((await revisions.resolve('HEAD')).commit)
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return []
    throw error
  }
}

function checkTargets(outs: readonly Out[], targets: readonly string[]): void {
  for (const target of targets)
    if (chosen(outs, [target]).length === 0)
      throw new Problem(
        'not-found',
        `${target} names no tracked data, no file that tracks data and no stage; \`orrery data status\` lists them`,
      )
}

async function missingInRemotes(
  { remote }: DataDependencies,
  { entries }: DataVersion,
  name: string | undefined,
): Promise<DataEntry[]> {
  const byRemote = new Map<string | undefined, DataEntry[]>()
  for (const entry of entries.values()) {
    if (!entry.out.push) continue
    const at = entry.out.remote ?? name
    byRemote.set(at, [...(byRemote.get(at) ?? []), entry])
  }
  const missing: DataEntry[] = []
  for (const [at, asked] of byRemote) {
    const there = await remote(at)
    const lost = new Set((await there.missing(asked.map(({ object }) => object))).map(nameOfObject))
    missing.push(...asked.filter(({ object }) => lost.has(nameOfObject(object))))
  }
  return missing
}

async function untrackedIn(
  { revisions }: DataDependencies,
  targets: readonly string[],
): Promise<string[]> {
  const files = (await revisions?.untracked()) ?? []
  return targets.length === 0
    ? files
    : files.filter((file) => targets.some((target) => isWithin(file, target)))
}
