import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { Problem } from '#base/problem'
import { contractFileAt, contractFilesOf, type ContractFile } from '#app/project/contract-files'
import { proposeContract, validateContract } from '#app/project/contracts'
import type { Outcome, Report } from '#contracts'
import { printProposal, withNewColumns } from '#protocols/odcs/index'
import { showProgress } from '../progress.ts'
import { say } from '../say.ts'
import { junitOf } from './junit.ts'
import { linesOf } from './lines.ts'
import { openPlace, type Place } from './place.ts'

interface Flags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly rev?: string | undefined
  readonly memory?: number | undefined
}

interface ValidateFlags extends Flags {
  readonly targets: readonly string[]
  readonly contract?: string | undefined
  readonly junit?: string | undefined
  readonly examples: number
}

/** Holds what was asked for against its contracts and tells what came of it. */
export async function validateHere(flags: ValidateFlags): Promise<Outcome> {
  const place = await openPlace()
  try {
    const reports: Report[] = []
    for (const { contract, paths } of asked(place, flags))
      reports.push(await one(place, contract, { paths, flags }))
    if (flags.junit !== undefined) writeFileSync(flags.junit, junitOf(reports))
    const outcome = worst(reports)
    say(flags, { outcome, reports }, linesOf(reports, { quiet: flags.quiet === true }))
    return outcome
  } finally {
    await place.close()
  }
}

async function one(
  place: Place,
  contract: ContractFile,
  { paths, flags }: { paths: ReadonlyMap<string, string>; flags: ValidateFlags },
): Promise<Report> {
  const progress = showProgress('rules', flags)
  let done = 0
  const abort = new AbortController()
  const stop = () => abort.abort()
  process.on('SIGINT', stop)
  try {
    return await validateContract({ ...place, memoryMb: memoryOf(flags) }, contract, {
      paths,
      rev: flags.rev,
      examples: flags.examples,
      signal: abort.signal,
      onRule: (now, of) => {
        progress.expect(of)
        progress.add(now - done, contract.file)
        done = now
      },
    })
  } finally {
    progress.end()
    process.off('SIGINT', stop)
  }
}

function memoryOf({ memory }: Flags): number | undefined {
  if (memory !== undefined && !(memory >= 64))
    throw new Problem('invalid', '--memory takes megabytes, 64 at least')
  return memory
}

interface Asked {
  readonly contract: ContractFile
  /** By the dataset's name; none for all of the contract's own. */
  readonly paths: ReadonlyMap<string, string>
}

function asked(place: Place, { targets, contract }: ValidateFlags): Asked[] {
  if (contract !== undefined) {
    const only = contractFileAt(place.root, resolve(contract), place.placed)
    return [{ contract: only, paths: pathsFor(place, only, targets) }]
  }
  const [files, data] = [targets.filter(isContract), targets.filter((each) => !isContract(each))]
  const named = files.map((file) => ({
    contract: contractFileAt(place.root, resolve(file), place.placed),
    paths: new Map<string, string>(),
  }))
  if (data.length === 0 && named.length > 0) return named
  const all = contractFilesOf(place.root, place.placed)
  if (all.length === 0)
    throw new Problem(
      'not-found',
      'there is no contract here; make one with orrery validate --infer DATA -o contracts/NAME.odcs.yaml, or name one with --contract',
    )
  if (data.length === 0) return all.map((each) => ({ contract: each, paths: new Map() }))
  return [...named, ...data.flatMap((each) => contractsOf(place, all, each))]
}

function isContract(target: string): boolean {
  return /\.odcs\.ya?ml$/.test(target) && existsSync(target)
}

/** The contracts of some data, which is a path or OBJECT=PATH. */
function contractsOf(place: Place, all: readonly ContractFile[], target: string): Asked[] {
  const path = place.inside(target)
  const found = all.flatMap((contract) => {
    const datasets = contract.contract.datasets.filter((each) => meets(each.path, path))
    const paths = new Map(datasets.map(({ name, path: own }) => [name, own as string]))
    return datasets.length === 0 ? [] : [{ contract, paths }]
  })
  if (found.length === 0)
    throw new Problem(
      'not-found',
      `no contract is about ${target}; name one with --contract, or write physicalName: ${path} into one`,
    )
  return found
}

function meets(path: string | undefined, other: string): boolean {
  if (path === undefined) return false
  return path === other || path.startsWith(`${other}/`) || other.startsWith(`${path}/`)
}

/** Data that was named for one contract: OBJECT=PATH, or a path where the contract has one object. */
function pathsFor(
  place: Place,
  { file, contract }: ContractFile,
  targets: readonly string[],
): ReadonlyMap<string, string> {
  const names = contract.datasets.map(({ name }) => name)
  return new Map(
    targets.map((target) => {
      const name = names.find((each) => target.startsWith(`${each}=`))
      if (name !== undefined) return [name, place.inside(target.slice(name.length + 1))]
      const [only] = names
      const known = contract.datasets.find(({ path }) => path === place.inside(target))?.name
      if (known !== undefined) return [known, place.inside(target)]
      if (names.length === 1 && only !== undefined) return [only, place.inside(target)]
      throw new Problem(
        'invalid',
        `${file} has several objects; say which one ${target} is: ${names.map((each) => `${each}=${target}`).join(' or ')}`,
      )
    }),
  )
}

function worst(reports: readonly Report[]): Outcome {
  const outcomes = new Set(reports.map(({ outcome }) => outcome))
  if (outcomes.has('failed')) return 'failed'
  return outcomes.has('warned') ? 'warned' : 'passed'
}

/** Proposes a contract; where the file is there already, it gets the columns that it lacks and nothing else. */
export async function proposeHere(
  flags: Flags & { infer: string; output?: string | undefined },
): Promise<void> {
  const place = await openPlace()
  try {
    const path = place.inside(flags.infer)
    const name = nameFor(path)
    const proposal = await proposeContract({ ...place, memoryMb: memoryOf(flags) }, path, {
      name,
      rev: flags.rev,
    })
    const { output } = flags
    if (output === undefined || !existsSync(output)) {
      const text = printProposal(proposal, { id: name })
      if (output === undefined) return say(flags, { contract: text }, [text.trimEnd()])
      mkdirSync(dirname(output), { recursive: true })
      writeFileSync(output, text, { flag: 'wx' })
      const rules = `${proposal.columns.length} columns from ${proposal.rows} rows`
      return say(flags, { file: output }, [`${output}: ${rules}; read it before you keep it`])
    }
    const { contract } = contractFileAt(place.root, resolve(output), place.placed)
    const known = new Set(contract.datasets[0]?.columns.map((column) => column.name))
    const text = withNewColumns(readFileSync(output, 'utf8'), proposal, known)
    if (text === undefined)
      return say(flags, { file: output, added: 0 }, [`${output} has every column already`])
    writeFileSync(output, text)
    const added = proposal.columns.filter((column) => !known.has(column.name)).length
    return say(flags, { file: output, added }, [
      `${output}: ${added} columns added; the rest is as it was`,
    ])
  } finally {
    await place.close()
  }
}

function nameFor(path: string): string {
  const name = basename(path).replace(/\.(?:parquet|csv|tsv|jsonl?|ndjson)(?:\.gz|\.zst)?$/, '')
  return name.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'data'
}
