import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#base/clock'
import { sha256 } from '#base/digest'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { dependsOnTime, failuresOf, type Dataset } from '#contracts'
import { overlaps } from '#data'
import type { Checks, Verdict } from '#stages'
import type { Tables } from '#tables'
import { contractFilesOf, type ContractFile } from './contract-files.ts'
import { declaredIn } from './declared.ts'
import { lostVersions } from './lost-versions.ts'
import type { OpenedTables } from './tables.ts'

export interface ChecksGround {
  readonly root: string
  readonly tables: () => Promise<OpenedTables>
  /** Every `dvc.yaml` of the project. */
  readonly files: () => Promise<readonly string[]>
  /** Folder of verdicts that need not be found again. */
  readonly kept: string
  readonly clock: Clock
}

/** Another number makes kept verdicts void: it changes when rules mean something else. */
const RULES_VERSION = 1

/** Failures that a reason names; the rest is counted. */
const SAID = 3

/** What the contracts of a project say of data before a stage reads it. */
export function projectChecks(ground: ChecksGround): Checks {
  let last: Promise<unknown> = Promise.resolve()
  return {
    // Stages run at the same time, and each check may take all the memory that an engine is given: one waits for another.
    of: (paths, how) => {
      const result = last.then(() => checksOn(ground, paths, how))
      last = result.catch(() => undefined)
      return result
    },
    lost: async (names) => {
      const lost = await lostVersions(
        ground.root,
        { files: await ground.files(), names },
        ground.tables,
      )
      return lost.length === 0 ? undefined : lost.map(({ reason }) => reason).join('; ')
    },
  }
}

async function checksOn(
  ground: ChecksGround,
  paths: readonly string[],
  { signal }: { signal?: AbortSignal },
): Promise<Verdict[]> {
  const files = contractFilesOf(ground.root, (await declaredIn(ground.root)).contracts ?? {})
  const concerned = files.flatMap((file) => {
    const datasets = file.contract.datasets.filter((dataset) => isAbout(dataset, paths))
    return datasets.length === 0 ? [] : [{ file, datasets }]
  })
  if (concerned.length === 0) return []
  const tables = await ground.tables()
  try {
    const verdicts: Verdict[] = []
    for (const { file, datasets } of concerned)
      verdicts.push(
        await verdictOf(
          { ...ground, opened: tables, ...(signal === undefined ? {} : { signal }) },
          file,
          datasets,
        ),
      )
    return verdicts
  } finally {
    await tables.close()
  }
}

function isAbout({ path }: Dataset, paths: readonly string[]): boolean {
  return path !== undefined && paths.some((each) => overlaps(each, path))
}

type Ground = ChecksGround & { readonly opened: Tables; readonly signal?: AbortSignal }

async function verdictOf(
  ground: Ground,
  file: ContractFile,
  datasets: readonly Dataset[],
): Promise<Verdict> {
  const key = await keyOf(ground.opened, file, datasets)
  const known = key === undefined ? undefined : keptVerdict(ground.kept, key)
  if (known !== undefined) return known
  const { validateContract } = await import('./contracts.ts')
  const report = await validateContract(
    {
      tables: ground.opened,
      spillFolder: join(ground.root, '.dvc', 'tmp', 'orrery', 'spill'),
      clock: ground.clock,
    },
    file,
    {
      paths: new Map(datasets.map(({ name, path }) => [name, path as string])),
      examples: 0,
      ...(ground.signal === undefined ? {} : { signal: ground.signal }),
    },
  )
  const failures = failuresOf(report)
  const more = failures.length - SAID
  const verdict: Verdict = {
    contract: file.file,
    digest: file.digest,
    outcome: report.outcome,
    reason:
      failures.length === 0
        ? null
        : `${failures.slice(0, SAID).join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
  }
  if (key !== undefined) keepVerdict(ground.kept, key, verdict)
  return verdict
}

/** What a verdict depends on; undefined for one that must be found each time: it depends on the hour, or on data that nobody measured. */
async function keyOf(
  tables: Tables,
  { contract, digest }: ContractFile,
  datasets: readonly Dataset[],
): Promise<string | undefined> {
  if (dependsOnTime(contract)) return undefined
  // All that is read: a rule may point at another object or another contract, or compare with a reference.
  const { others = [] } = contract
  const read = new Set([
    ...[...contract.datasets, ...others].flatMap(({ path }) => path ?? []),
    ...contract.datasets.flatMap(({ rules }) =>
      rules.flatMap(({ test }) => (test.kind === 'drift' ? [test.reference] : [])),
    ),
  ])
  const digests: (string | undefined)[] = []
  for (const path of read) digests.push(await digestAt(tables, path))
  if (digests.includes(undefined)) return undefined
  return sha256(JSON.stringify([RULES_VERSION, digest, datasets.map(({ name }) => name), digests]))
}

async function digestAt(tables: Tables, path: string): Promise<string | undefined> {
  try {
    return (await tables.at(path)).digest
  } catch (error) {
    // What is not there is said when it is needed.
    if (error instanceof Problem) return undefined
    throw error
  }
}

function keptVerdict(folder: string, key: string): Verdict | undefined {
  const file = join(folder, key)
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Verdict
  } catch {
    // Half a file: found again.
    return undefined
  }
}

function keepVerdict(folder: string, key: string, verdict: Verdict): void {
  mkdirSync(folder, { recursive: true })
  const aside = join(folder, `.${key}.${randomIds.ulid()}`)
  writeFileSync(aside, JSON.stringify(verdict))
  renameSync(aside, join(folder, key))
}
