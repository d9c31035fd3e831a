import { mkdirSync } from 'node:fs'
import { availableParallelism, freemem } from 'node:os'
import { systemClock, type Clock } from '#base/clock'
import { propose, validate, type Proposal, type Report, type ValidateOptions } from '#contracts'
import { openContractEngine } from '#stores/analytics/duckdb/contracts/index'
import type { Tables } from '#tables'
import { assertStaysInside, type ContractFile } from './contract-files.ts'

export interface ContractGround {
  readonly tables: Pick<Tables, 'at'>
  readonly spillFolder: string
  readonly clock?: Clock
  readonly memoryMb?: number | undefined
  /** How long a query of a contract may take. */
  readonly queryMs?: number
}

/** Holds a contract's data against it, as it is now or was at a revision. */
export async function validateContract(
  ground: ContractGround,
  file: ContractFile,
  options: Omit<ValidateOptions, 'file'> & { rev?: string | undefined } = {},
): Promise<Report> {
  const { rev, ...rest } = options
  assertStaysInside(file, options.paths ?? new Map())
  return validate(
    {
      engine: engineOf(ground),
      tableAt: (path) => ground.tables.at(path, rev === undefined ? {} : { rev }),
      clock: ground.clock ?? systemClock,
    },
    file.contract,
    { file: file.file, ...rest },
  )
}

/** The contract that data suggests. */
export async function proposeContract(
  ground: ContractGround,
  path: string,
  { name, rev }: { name: string; rev?: string | undefined },
): Promise<Proposal> {
  const table = await ground.tables.at(path, rev === undefined ? {} : { rev })
  const open = await engineOf(ground).open(new Map([['data', table]]))
  try {
    return propose(await open.facts('data'), { name, path })
  } finally {
    await open.close()
  }
}

function engineOf({ spillFolder, memoryMb, queryMs }: ContractGround) {
  mkdirSync(spillFolder, { recursive: true })
  return openContractEngine({
    memoryMb: memoryMb ?? Math.max(256, Math.min(1400, Math.floor(freemem() / 2 ** 21))),
    threads: availableParallelism(),
    spillFolder,
    ...(queryMs === undefined ? {} : { queryMs }),
  })
}
