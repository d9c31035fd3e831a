import { canonicalJson } from '#base/json'
import type { Fact } from '#ledger'
import { brief, runRef, type KeyValue } from '#tracking'
import { modelVersionRef, type ModelVersion } from './model.ts'
import type { StoredVersion } from './model.ts'

export function modelCreated(model: string, note: string, tags: readonly KeyValue[]): Fact {
  return { type: 'registered-model-created', data: { model, ...bornWith(note, tags) } }
}

export function modelRenamed(from: string, model: string): Fact {
  return { type: 'registered-model-renamed', data: { from, model } }
}

export function modelNoted(model: string, note: string, from: string): Fact {
  return { type: 'registered-model-noted', data: { model, note: brief(note), from: brief(from) } }
}

export function modelDeleted(model: string): Fact {
  return { type: 'registered-model-deleted', data: { model } }
}

export function modelTagSet(model: string, { key, value }: KeyValue, from: string | null): Fact {
  return {
    type: 'registered-model-tag-set',
    data: { model, key, value: brief(value), from: briefly(from) },
  }
}

export function modelTagDeleted(model: string, key: string, from: string | null): Fact {
  return { type: 'registered-model-tag-deleted', data: { model, key, from: briefly(from) } }
}

export function versionRegistered(version: StoredVersion, tags: readonly KeyValue[]): Fact {
  const { signature } = version.description
  return {
    type: 'model-version-registered',
    data: {
      model: version.model,
      version: version.version,
      run: version.runId,
      loggedModel: version.loggedModelId,
      digest: version.digest,
      source: brief(version.source),
      signature:
        signature === null
          ? null
          : { inputs: fieldNames(signature.inputs), outputs: fieldNames(signature.outputs) },
      ...bornWith(version.note, tags),
    },
    edges:
      version.runId === null
        ? []
        : [{ from: modelVersionRef(version), relation: 'logged-by', to: runRef(version.runId) }],
  }
}

export function versionNoted({ model, version, note: from }: StoredVersion, note: string): Fact {
  return {
    type: 'model-version-noted',
    data: { model, version, note: brief(note), from: brief(from) },
  }
}

export function versionDeleted({ model, version, digest }: ModelVersion): Fact {
  return { type: 'model-version-deleted', data: { model, version, digest } }
}

export function versionTagSet(
  { model, version }: ModelVersion,
  { key, value }: KeyValue,
  from: string | null,
): Fact {
  return {
    type: 'model-version-tag-set',
    data: { model, version, key, value: brief(value), from: briefly(from) },
  }
}

export function versionTagDeleted(
  { model, version }: ModelVersion,
  key: string,
  from: string | null,
): Fact {
  return { type: 'model-version-tag-deleted', data: { model, version, key, from: briefly(from) } }
}

export function versionStaged({ model, version, stage }: StoredVersion, from: string): Fact {
  return { type: 'model-version-staged', data: { model, version, stage, from } }
}

/** `version` is null when the alias is gone, `from` when it is new. */
export function aliasMoved(move: {
  model: string
  alias: string
  version: number | null
  from: number | null
  promotion?: string
}): Fact {
  return { type: 'model-alias-moved', data: move }
}

function fieldNames(fields: readonly { name: string; type: string }[]) {
  return brief(fields.map(({ name, type }) => `${name}: ${type}`).join(', '))
}

/** What something had from its first moment, where it had anything. */
function bornWith(note: string, tags: readonly KeyValue[]) {
  const told = Object.fromEntries(tags.map(({ key, value }) => [key, brief(value)]))
  const small = JSON.stringify(told).length <= TAGS_CHARS_MAX
  return {
    ...(note === '' ? {} : { note: brief(note) }),
    ...(tags.length === 0 ? {} : { tags: small ? told : brief(canonicalJson(told)) }),
  }
}

/** Many tags would not fit into an entry of the ledger. */
const TAGS_CHARS_MAX = 20_000

function briefly(text: string | null) {
  return text === null ? null : brief(text)
}
