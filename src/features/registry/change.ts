import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { KeyValue } from '#tracking'
import type { ModelVersion, RegisteredModel } from './model.ts'
import type { StoredVersion } from './model.ts'

/** Who changes the registry, and why, if they said so. */
export interface Author extends Actor {
  readonly reason?: string
}

export const CHANGE_KINDS = ['model', 'version', 'alias', 'stage', 'tag', 'description'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** One thing of the registry that has one value at a time; all that it ever held is its history. */
export interface Slot {
  readonly kind: ChangeKind
  /** Null for what belongs to the model itself. */
  readonly version: number | null
  /** The alias, or the key of the tag; empty for what there is one of. */
  readonly key: string
}

/** What a slot held before and after; null is nothing. */
export interface SlotChange extends Slot {
  readonly before: string | null
  readonly after: string | null
}

/** Longer reasons belong into a description. */
export const REASON_CHARS_MAX = 1000

export function checkedReason(reason: string): string {
  if (reason.length > REASON_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the reason has ${reason.length} characters; the limit is ${REASON_CHARS_MAX}, so say it in fewer words`,
    )
  return reason
}

/** The slot of the model's name: it is there as long as the model is. */
export function nameChange(before: string | null, after: string | null): SlotChange {
  return { kind: 'model', version: null, key: '', before, after }
}

export function noteChange(version: number | null, before: string, after: string): SlotChange {
  return { kind: 'description', version, key: '', before: before || null, after: after || null }
}

export function tagChange(
  version: number | null,
  key: string,
  values: { before: string | null; after: string | null },
): SlotChange {
  return { kind: 'tag', version, key, ...values }
}

export function aliasChange(
  alias: string,
  before: number | null,
  after: number | null,
): SlotChange {
  return { kind: 'alias', version: null, key: alias, before: textOf(before), after: textOf(after) }
}

export function stageChange(version: number, before: string, after: string): SlotChange {
  return { kind: 'stage', version, key: '', before: stageText(before), after: stageText(after) }
}

export function registeredChange(version: StoredVersion): SlotChange {
  return {
    kind: 'version',
    version: version.version,
    key: '',
    before: null,
    after: origin(version),
  }
}

export function deletedChange(version: StoredVersion): SlotChange {
  return {
    kind: 'version',
    version: version.version,
    key: '',
    before: origin(version),
    after: null,
  }
}

/** Everything that a new model holds. */
export function modelBorn(name: string, note: string, tags: readonly KeyValue[]): SlotChange[] {
  return [nameChange(null, name), ...held(null, note, tags)]
}

/** Everything that a new version holds. */
export function versionBorn(version: StoredVersion, tags: readonly KeyValue[]): SlotChange[] {
  return [registeredChange(version), ...held(version.version, version.note, tags)]
}

/** All that a model and its versions hold now, as if it had come about in one moment. */
export function allHeld(model: RegisteredModel, versions: readonly ModelVersion[]): SlotChange[] {
  return [
    ...modelBorn(model.name, model.note, model.tags),
    ...versions.flatMap((version) => [
      ...versionBorn(version, version.tags),
      ...(version.stage === 'none' ? [] : [stageChange(version.version, 'none', version.stage)]),
    ]),
    ...model.aliases.map(({ alias, version }) => aliasChange(alias, null, version)),
  ]
}

function held(version: number | null, note: string, tags: readonly KeyValue[]): SlotChange[] {
  return [
    ...(note === '' ? [] : [noteChange(version, '', note)]),
    ...tags.map(({ key, value }) => tagChange(version, key, { before: null, after: value })),
  ]
}

/** What of a version never changes, as one text. */
function origin(version: StoredVersion): string {
  const { source, location, runId, runLink, loggedModelId, digest, description, createdMs } =
    version
  return JSON.stringify({
    source,
    location,
    runId,
    runLink,
    loggedModelId,
    digest,
    description,
    createdMs,
  } satisfies VersionOrigin)
}

export type VersionOrigin = Pick<
  StoredVersion,
  | 'source'
  | 'location'
  | 'runId'
  | 'runLink'
  | 'loggedModelId'
  | 'digest'
  | 'description'
  | 'createdMs'
>

/** No stage is nothing. */
function stageText(stage: string): string | null {
  return stage === 'none' ? null : stage
}

function textOf(version: number | null): string | null {
  return version === null ? null : String(version)
}
