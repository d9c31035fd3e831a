import { messageOf, Problem } from '#base/problem'
import type { Measured, TreeEntry } from '#data'
import type { Attempt, Done } from '../running/done.ts'
import { execute, failureOf, whileHeld } from '../running/execution.ts'
import { finishStage, inputsOf, lockToken } from '../running/finish.ts'
import { plainParam, type PlainValue } from '../param.ts'
import {
  circumstancesDigest,
  divided,
  united,
  type Divided,
  type Part,
  type PartsTold,
  type StageParts,
} from './parts.ts'
import type { PartsKeeping, PartsLedger } from './keeping.ts'
import { processed, type PartFailure, type Processed } from './run.ts'
import { watchParts, type PartsWatch } from './sight.ts'
import { isExpected, type Run } from '../running/repro-run.ts'
import type { Stage, StageLock } from '../stage.ts'

interface ByParts extends Attempt {
  readonly run: Run
  readonly stage: Stage
  readonly parts: StageParts
  readonly keeping: PartsKeeping
  readonly watch: PartsWatch
}

/**
 * Runs the first command of a stage for those of its parts that are new or changed, puts its output together from
 * what all parts gave, and runs the other commands over that.
 */
export async function attemptByParts(
  run: Run,
  stage: Stage,
  parts: StageParts,
  how: Attempt,
): Promise<Done> {
  const keeping = run.ground.parts
  const { watching, onOutput } = how
  const watch = watchParts(stage, { watching, onOutput, root: run.ground.root })
  const done = await doneByParts({ ...how, run, stage, parts, keeping, watch })
  const sight = watch.report()
  return sight === undefined ? done : { ...objectedTo(done, watch), sight }
}

function objectedTo(done: Done, watch: PartsWatch): Done {
  const objection = watch.objection()
  if (objection === null) return done
  return { ...done, failure: `${done.failure}\nnot declared:\n  ${objection}` }
}

async function doneByParts(by: ByParts): Promise<Done> {
  const { keeping, stage } = by
  try {
    const all = await dividedInput(by)
    const ledger = await keeping.open(await circumstancesOf(by, all))
    const { told, results, failure } = await resultsOf(by, ledger, all)
    if (failure !== undefined) return { ...failure, lock: undefined, parts: told }
    const entries = filesOf(by, all, results)
    const lock = await putTogether(by, entries)
    if ('failure' in lock) return { ...lock, lock: undefined, parts: told }
    ledger.finished()
    await keeping.saveLastParts(stage.address, all.parts)
    return { outcome: 'succeeded', failure: null, lock, parts: told }
  } catch (error) {
    if (!isExpected(error)) throw error
    return { outcome: 'failed', failure: messageOf(error), lock: undefined }
  }
}

const UNDECLARED = {
  outcome: 'failed',
  failure: 'it looked at what it does not declare',
} as const

async function dividedInput({ run, parts, stage }: ByParts): Promise<Divided> {
  const measured = await run.ground.workspace.measure(parts.input)
  if (measured?.entries === undefined)
    throw new Problem(
      'invalid',
      `${parts.input}, the input of ${stage.address}'s parts, ${measured === undefined ? 'does not exist' : 'is a file'}; meta.parts.input must name a folder`,
    )
  return divided(measured.entries, parts.glob)
}

async function circumstancesOf(by: ByParts, { shared }: Divided): Promise<string> {
  const { run, stage, parts, lock } = by
  const others = stage.deps.filter(({ path }) => path !== parts.input)
  const inputs = await inputsOf(run.ground, { ...stage, deps: others }, lock)
  const deps = inputs.deps.map(({ path, content, dataset }): readonly [string, PlainValue] => [
    path,
    dataset === undefined ? (content?.md5 ?? null) : plainParam(dataset),
  ])
  return circumstancesDigest({
    command: by.commands[0] ?? '',
    parts,
    folder: stage.wdir,
    params: inputs.params,
    deps,
    shared,
    environment: by.environment,
  })
}

/** Results that somebody threw away while others were made are made again so often. */
const ROUNDS_MAX = 3

interface Results {
  readonly told: PartsTold
  readonly results: ReadonlyMap<Part, readonly TreeEntry[]>
  readonly failure?: Pick<Done, 'outcome' | 'failure'>
}

async function resultsOf(by: ByParts, ledger: PartsLedger, all: Divided): Promise<Results> {
  const { run, stage, keeping } = by
  const isForced = run.options.force === true
  const before = await keeping.lastParts(stage.address)
  const names = new Set(all.parts.map(({ name }) => name))
  const removed = [...(before?.keys() ?? [])].filter((name) => !names.has(name)).length
  let results = isForced ? new Map<Part, readonly TreeEntry[]>() : await ledger.known(all.parts)
  const kept = results.size
  const told = { all: names.size, processed: names.size - kept, kept, removed, failed: [] }
  by.onOutput(`${inWords(told)}\n`)
  for (let round = 0; results.size < all.parts.length; round++) {
    if (round === ROUNDS_MAX)
      throw new Problem(
        'conflict',
        `what parts of ${stage.address} gave vanishes from the cache while others are processed; let nothing clean the cache meanwhile`,
      )
    const known = results
    const todo = all.parts.filter((part) => !known.has(part))
    const { cancelled, ...ended } = await processedAside(by, ledger, { todo, shared: all.shared })
    const failures = inOrderOf(todo, ended.failures)
    const isUndeclared = by.watch.objection() !== null
    if (failures.length > 0 || cancelled || isUndeclared) {
      const done = (await ledger.known(all.parts)).size
      const failed = failures.map(({ part }) => part)
      return {
        told: { ...told, processed: Math.max(0, done - kept), failed },
        results,
        failure:
          isUndeclared && failures.length === 0
            ? UNDECLARED
            : failureOfParts({ failures, cancelled }, { all: names.size, done }),
      }
    }
    results = await ledger.known(all.parts)
  }
  return { told, results }
}

/** Failures in the order of the parts, whichever of them ended first. */
function inOrderOf(parts: readonly Part[], failures: readonly PartFailure[]): PartFailure[] {
  const places = new Map(parts.map(({ name }, at) => [name, at]))
  const placeOf = ({ part }: PartFailure) => places.get(part) ?? parts.length
  return failures.toSorted((one, other) => placeOf(one) - placeOf(other))
}

/** How many parts there are to do, and why not more. */
function inWords({ all, processed: todo, kept, removed }: PartsTold): string {
  const gone = removed === 0 ? '' : `; ${removed} removed since`
  return `${all} parts: ${todo} to process, ${kept} taken from before${gone}`
}

/** Processes parts while the old outputs are out of the way, where no command can write to them. */
async function processedAside(
  by: ByParts,
  ledger: PartsLedger,
  { todo, shared }: { todo: readonly Part[]; shared: Divided['shared'] },
): Promise<Processed> {
  const { run, stage, parts, lock, commands, variables, wrapped, onOutput, watch } = by
  const { aside: asides, workspace } = run.ground
  const outs = stage.outs.filter(({ persist }) => !persist).map(({ path }) => path)
  const aside = await asides.setAside(stage.address, outs, lockToken(lock))
  const workshop = await by.keeping.workshop(stage.address)
  try {
    const how = { variables, wrapped }
    const [command = ''] = commands
    const work = { run, stage, parts, command, how, onOutput, shared, workshop, watch }
    const done = await whileHeld(run, stage, () => processed(work, ledger, todo))
    if (await workspace.exists(parts.output))
      throw new Problem(
        'invalid',
        `\`${command}\` wrote to ${parts.output} itself; for parts it has to read the folder that the variable ORRERY_INPUT names and write to the one that ORRERY_OUTPUT names`,
      )
    return done
  } finally {
    await aside.putBack()
    workshop.remove()
  }
}

/** So many failed parts are told with the end of what they printed. */
const TOLD_MAX = 3
const LINES_TOLD = 5

function failureOfParts(
  { failures, cancelled }: Processed,
  { all, done }: { all: number; done: number },
): Pick<Done, 'outcome' | 'failure'> {
  const kept = `${done} of ${all} are done and kept: the next repro goes on from there`
  if (cancelled) return { outcome: 'killed', failure: `it was cancelled; ${kept}` }
  const names = failures.map(({ part }) => part)
  const count = names.length === 1 ? `the part ${names[0]} failed` : `${names.length} parts failed`
  const listed = names.length === 1 ? '' : ` (${names.join(', ')})`
  return {
    outcome: 'failed',
    failure: [`${count}${listed}; ${kept}`, ...failures.slice(0, TOLD_MAX).map(toldOf)].join('\n'),
  }
}

function toldOf({ part, why, log }: PartFailure): string {
  const lines = log.trimEnd().split('\n').slice(-LINES_TOLD)
  return [`  ${part}: ${why}`, ...lines.map((line) => `    ${line}`)].join('\n').trimEnd()
}

/** What all parts gave, as one folder. */
function filesOf(
  { stage, commands }: ByParts,
  all: Divided,
  results: ReadonlyMap<Part, readonly TreeEntry[]>,
): TreeEntry[] {
  const folder = united(all.parts.map((part) => [part.name, results.get(part) ?? []] as const))
  if ('files' in folder) return folder.files
  const { path, parts } = folder.collision
  throw new Problem(
    'conflict',
    `the parts ${parts[0]} and ${parts[1]} of ${stage.address} both write ${path}, so neither can have it; let each part write files of its own, and \`${commands[0]}\` read only the folder that ORRERY_INPUT names`,
  )
}

/** Makes the output hold these files, changing only what differs, and finishes the stage; on failure all is as before. */
async function putTogether(
  by: ByParts,
  entries: readonly TreeEntry[],
): Promise<StageLock | (Pick<Done, 'outcome'> & { failure: string })> {
  const { run, stage, parts, lock } = by
  const { workspace, cache, aside: asides } = run.ground
  const content = { md5: await cache.keepTree(entries) }
  const others = stage.outs.filter(({ path }) => path !== parts.output)
  for (const { path, persist } of others) if (persist) await workspace.unlink(path)
  const before = others.length === 0 ? undefined : await keptBefore(by)
  const aside = await asides.setAside(
    stage.address,
    others.filter(({ persist }) => !persist).map(({ path }) => path),
    lockToken(lock),
  )
  let finished: StageLock | undefined
  try {
    await workspace.restore(parts.output, { content, entries }, { force: true })
    const [, ...rest] = by.commands
    if (rest.length > 0) {
      const { variables, wrapped, onOutput } = by
      const onStart = (pid: number) => aside.runningAs(pid)
      const sight = by.watch.sightOver(parts.output)
      const how = { commands: rest, variables, wrapped, sight, onOutput, onStart }
      const execution = await execute(run, stage, how)
      const isKept = by.watch.take(execution)
      const failure = failureOf(execution)
      if (failure !== null) return failure
      if (!isKept) return UNDECLARED
      await checkUntouched(by, content.md5)
    }
    finished = await finishStage(run.ground, stage, lock, { placed: parts.output })
    run.locks.set(stage.address, finished)
    return finished
  } finally {
    if (finished !== undefined) await aside.drop()
    else {
      await aside.putBack()
      if (before !== undefined) await workspace.restore(parts.output, before, { force: true })
    }
  }
}

/** What the output holds now, kept so that it can come back. */
async function keptBefore({ run, parts }: ByParts): Promise<Measured | undefined> {
  const { workspace, cache } = run.ground
  const before = await workspace.measure(parts.output)
  if (before === undefined) return undefined
  const md5s = before.entries?.map(({ md5 }) => md5) ?? [before.content.md5]
  const missing = await cache.missing(md5s.map((md5) => ({ md5, legacy: false })))
  if (missing.length > 0) await workspace.keep(parts.output, before)
  return before
}

async function checkUntouched({ run, stage, parts }: ByParts, md5: string): Promise<void> {
  const now = await run.ground.workspace.measure(parts.output)
  if (now?.content.md5 === md5) return
  throw new Problem(
    'conflict',
    `a later command of ${stage.address} changed ${parts.output}, which belongs to the parts; let it write to an output of its own`,
  )
}
