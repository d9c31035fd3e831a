import { Problem } from '#base/problem'
import type { ModelRecord, ModelVersion, Stage } from '#registry'
import { unlessEmpty } from './translate.ts'

const STAGES = {
  none: 'None',
  staging: 'Staging',
  production: 'Production',
  archived: 'Archived',
} as const

export function modelToWire(model: ModelRecord) {
  return {
    name: model.name,
    creation_timestamp: model.createdMs,
    last_updated_timestamp: model.updatedMs,
    ...(model.note === '' ? {} : { description: model.note }),
    ...unlessEmpty({
      latest_versions: inOrder(model.newest).map((version) => versionToWire(version)),
      tags: model.tags,
      aliases: model.aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
    }),
  }
}

/** The newest of each stage, the oldest of them first. */
export function inOrder(versions: readonly ModelVersion[]): ModelVersion[] {
  return versions.toSorted((a, b) => a.version - b.version)
}

/** A version; lists leave its aliases out. */
export function versionToWire(version: ModelVersion, ...more: readonly 'aliases'[]) {
  return {
    name: version.model,
    version: String(version.version),
    creation_timestamp: version.createdMs,
    last_updated_timestamp: version.updatedMs,
    current_stage: STAGES[version.stage],
    description: version.note,
    source: version.source,
    run_id: version.runId ?? '',
    run_link: version.runLink ?? '',
    status: 'READY',
    ...unlessEmpty({
      tags: version.tags,
      aliases: more.includes('aliases') ? version.aliases : [],
    }),
  }
}

export function versionIn(version: string): number {
  if (/^\d{1,15}$/.test(version)) return Number(version)
  throw new Problem(
    'invalid',
    `Model version must be an integer, got '${version}'; a version's name is its number`,
  )
}

export function stageIn(stage: string): Stage {
  const found = Object.keys(STAGES).find((each) => each === stage.toLowerCase())
  if (found !== undefined) return found as Stage
  throw new Problem(
    'invalid',
    `Invalid Model Version stage: ${stage}. Value must be one of ${Object.values(STAGES).join(', ')}`,
  )
}
