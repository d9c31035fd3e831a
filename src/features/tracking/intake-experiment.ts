import { Problem } from '#base/problem'
import { artifactUri } from './artifact.ts'
import { DEFAULT_EXPERIMENT, type Experiment, type KeyValue, type Lifecycle } from './experiment.ts'
import type { TrackingWrites } from './store.ts'

/** An experiment as another store has it. */
export interface GivenExperiment {
  readonly id: string
  readonly name: string
  /** Only when its runs keep their files in a store of their own, S3 say; the server's own tree when absent. */
  readonly artifactLocation?: string
  readonly lifecycle: Lifecycle
  readonly createdMs: number
  readonly updatedMs: number
  readonly tags: readonly KeyValue[]
}

export interface ExperimentTaken {
  readonly id: string
  readonly experimentId: string
  /** Under which its runs are found here. */
  readonly name: string
  /** `renumbered`: its number was taken. `merged`: an experiment of this name was here, with runs. */
  readonly outcome: 'new' | 'renumbered' | 'merged' | 'changed' | 'same'
}

interface World {
  readonly tracking: TrackingWrites
  readonly source: string
  readonly nowMs: number
}

/** Larger numbers, as folders of runs have them, would lose digits on their way through JSON. */
const NUMBER = /^\d{1,15}$/

/**
 * Finds or makes the experiment that another store's is to be here: the one it became before; else the default
 * one for the default one; else the one of its name; else a new one, under its number if that is free.
 */
export async function takeExperiment(
  world: World,
  given: GivenExperiment,
): Promise<ExperimentTaken> {
  assertText(given)
  const { tracking, source, nowMs } = world
  const [mark] = await tracking.marks(source, 'experiment', [given.id])
  const known = mark === undefined ? undefined : await tracking.findExperiment(mark.ownId)
  if (known !== undefined) {
    const next = renewed(known, given)
    const outcome = (await saved(tracking, known, next)) ? 'changed' : 'same'
    return { ...told(given, next), outcome }
  }
  const found = await sameHere(tracking, given)
  const isFree = found === undefined || (await tracking.isEmptyExperiment(found.experimentId))
  const own = found ?? (await newExperiment(tracking, given))
  const next = isFree
    ? await taking(tracking, own, given)
    : { ...own, tags: union(given.tags, own.tags) }
  await saved(tracking, own, next)
  const { experimentId } = own
  await tracking.saveMarks(
    source,
    [{ kind: 'experiment', id: given.id, ownId: experimentId, digest: '' }],
    nowMs,
  )
  const outcome = experimentId === given.id ? 'new' : 'renumbered'
  return { ...told(given, next), outcome: isFree ? outcome : 'merged' }
}

async function saved(tracking: TrackingWrites, from: Experiment, to: Experiment): Promise<boolean> {
  if (JSON.stringify(from) === JSON.stringify(to)) return false
  await tracking.saveExperiment(to)
  await tracking.setExperimentTags(to.experimentId, to.tags)
  return true
}

async function sameHere(tracking: TrackingWrites, { id, name }: GivenExperiment) {
  if (id === DEFAULT_EXPERIMENT.experimentId) return tracking.findExperiment(id)
  return tracking.findExperimentByName(name)
}

async function newExperiment(tracking: TrackingWrites, given: GivenExperiment) {
  const { id, artifactLocation = '', ...rest } = given
  const numbered = NUMBER.test(id) && String(Number(id)) === id
  const isFree = numbered && (await tracking.findExperiment(id)) === undefined
  const made = await tracking.insertExperiment({
    ...rest,
    artifactLocation,
    ...(isFree ? { experimentId: id } : {}),
  })
  if (artifactLocation !== '') return made
  const located = { ...made, artifactLocation: artifactUri(made.experimentId) }
  await tracking.saveExperiment(located)
  return located
}

/** One that nobody used yet becomes what the other was. */
async function taking(
  tracking: TrackingWrites,
  own: Experiment,
  given: GivenExperiment,
): Promise<Experiment> {
  const named = await tracking.findExperimentByName(given.name)
  return {
    ...own,
    name: named === undefined ? given.name : own.name,
    artifactLocation: given.artifactLocation ?? own.artifactLocation,
    lifecycle: given.lifecycle,
    createdMs: given.createdMs,
    updatedMs: given.updatedMs,
    tags: union(own.tags, given.tags),
  }
}

/** One that came from there before takes what changed there since. */
function renewed(own: Experiment, given: GivenExperiment): Experiment {
  if (given.updatedMs <= own.updatedMs) return { ...own, tags: union(given.tags, own.tags) }
  return {
    ...own,
    lifecycle: given.lifecycle,
    updatedMs: given.updatedMs,
    tags: union(own.tags, given.tags),
  }
}

/** Where both have a tag, the later list's counts. */
export function union(first: readonly KeyValue[], then: readonly KeyValue[]): KeyValue[] {
  const values = new Map([...first, ...then].map(({ key, value }) => [key, value]))
  return [...values]
    .map(([key, value]) => ({ key, value }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function told(given: GivenExperiment, { experimentId, name }: Experiment) {
  return { id: given.id, experimentId, name }
}

function assertText(given: GivenExperiment): void {
  if (given.name === '' || JSON.stringify(given).includes('\\u0000'))
    throw new Problem(
      'invalid',
      `the experiment ${given.id} has no name or holds a NUL; leave it out or mend it there`,
    )
}
