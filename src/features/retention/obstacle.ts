import { isInForce, type Hold } from './hold.ts'
import { wordsOf, type Subject } from './thing.ts'

/** What else there is that leads to a thing or comes from it; lists are cut, counts are not. */
export interface Dependents {
  /** Versions made from the thing, in the registry or its trash. */
  readonly versions: Several<{ model: string; version: number; isInTrash: boolean }>
  /** Versions made by another stage of the pipeline run that the run was part of. */
  readonly trained: Several<{ model: string; version: number; isInTrash: boolean }>
  readonly aliases: Several<{ model: string; alias: string; version: number }>
  readonly revisions: Several<{ endpoint: string; number: number; isLive: boolean }>
  readonly promotions: Several<{ id: string; isOpen: boolean }>
  readonly childRuns: Several<{ runId: string }>
  readonly loggedModels: Several<{ modelId: string }>
  /** Runs of a deleted experiment that somebody restored on their own. */
  readonly activeRuns: Several<{ runId: string }>
  readonly holds: readonly Hold[]
}

export interface Several<T> {
  readonly count: number
  readonly some: readonly T[]
}

/** Why a thing stays, or what its going means to others; and what to do about it. */
export interface Obstacle {
  readonly what:
    | 'version'
    | 'lineage'
    | 'revision'
    | 'promotion'
    | 'alias'
    | 'run'
    | 'model'
    | 'hold'
    | 'default'
  /** `delete`: it cannot even go to the trash. `purge`: it stays in the trash. `nothing`: to know. */
  readonly blocks: 'delete' | 'purge' | 'nothing'
  readonly why: string
  readonly todo: string
}

/** All that holds a thing, the gravest first. */
export function obstaclesOf(subject: Subject, found: Dependents, nowMs: number): Obstacle[] {
  const all: Obstacle[] = [
    ...fromServing(found),
    ...fromHolds(found, nowMs),
    ...fromRegistry(subject, found),
    ...fromRuns(found),
  ]
  const grave = { delete: 0, purge: 1, nothing: 2 }
  if (subject.kind === 'experiment' && subject.id === '0')
    all.push({
      what: 'default',
      blocks: 'purge',
      why: 'it is where runs go whose maker names no experiment',
      todo: 'delete its runs instead, and restore it',
    })
  return all.toSorted((a, b) => grave[a.blocks] - grave[b.blocks])
}

export function blocksPurge({ blocks }: Obstacle): boolean {
  return blocks !== 'nothing'
}

function fromServing({ revisions, promotions }: Dependents): Obstacle[] {
  return [
    ...revisions.some.map(({ endpoint, number, isLive }): Obstacle => ({
      what: 'revision',
      blocks: isLive ? 'delete' : 'nothing',
      why: `revision ${number} of the endpoint ${endpoint} ${isLive ? 'serves it now' : 'served it once'}`,
      todo: isLive
        ? `point the endpoint ${endpoint} at another version first`
        : 'what it predicted stays; going back to that revision will not be possible',
    })),
    ...promotions.some.map(({ id, isOpen }): Obstacle => ({
      what: 'promotion',
      blocks: isOpen ? 'purge' : 'nothing',
      why: `the promotion ${id} ${isOpen ? 'is being checked' : 'was decided on it'}`,
      todo: isOpen ? 'wait for its decision' : 'its evidence stays in the ledger',
    })),
  ]
}

function fromHolds({ holds }: Dependents, nowMs: number): Obstacle[] {
  return holds
    .filter((hold) => isInForce(hold, nowMs))
    .map(({ id, target, reason, placedBy, untilMs }) => ({
      what: 'hold',
      blocks: 'purge',
      why: `${placedBy} holds ${wordsOf(target)}: ${reason}`,
      todo: `orrery hold remove ${id}${untilMs === null ? '' : `, or wait until ${new Date(untilMs).toISOString()}`}`,
    }))
}

function fromRegistry(subject: Subject, { versions, trained, aliases }: Dependents): Obstacle[] {
  const made = versions.some.map((version): Obstacle => ({
    what: 'version',
    blocks: 'purge',
    why: `the model version ${named(version)} was made from it${version.isInTrash ? ' and can still be restored' : ''}`,
    todo: `it stays as long as that version; ${goneWith(version)}`,
  }))
  const learned = trained.some.map((version): Obstacle => ({
    what: 'lineage',
    blocks: 'purge',
    why: `the model version ${named(version)} came from the same pipeline run, whose metrics are its evidence`,
    todo: `it stays as long as that version; ${goneWith(version)}`,
  }))
  const pointing = aliases.some.map(({ alias, version, model }): Obstacle => ({
    what: 'alias',
    blocks: 'nothing',
    why: `the alias ${alias} of ${model} points at version ${version}`,
    todo:
      subject.state === 'active'
        ? 'the alias goes with it; move it first if something asks for it'
        : 'move the alias if something asks for it',
  }))
  return [...made, ...learned, ...pointing]
}

function named({ model, version }: { model: string; version: number }): string {
  return `${model}/${version}`
}

function goneWith(version: { model: string; version: number; isInTrash: boolean }): string {
  const name = named(version)
  return version.isInTrash
    ? `purge it first: orrery trash empty model-version ${name}`
    : `delete it first: orrery delete version ${name}`
}

function fromRuns({ childRuns, loggedModels, activeRuns }: Dependents): Obstacle[] {
  return [
    ...activeRuns.some.map(({ runId }): Obstacle => ({
      what: 'run',
      blocks: 'purge',
      why: `its run ${runId} was restored`,
      todo: `delete that run (orrery delete run ${runId}), or restore the experiment`,
    })),
    ...(childRuns.count === 0
      ? []
      : [
          {
            what: 'run' as const,
            blocks: 'nothing' as const,
            why: `${childRuns.count} runs name it as their parent`,
            todo: 'they stay, as runs without a parent',
          },
        ]),
    ...(loggedModels.count === 0
      ? []
      : [
          {
            what: 'model' as const,
            blocks: 'nothing' as const,
            why: `${loggedModels.count} logged models came from it`,
            todo: 'they stay with their files; delete them as logged models',
          },
        ]),
  ]
}
