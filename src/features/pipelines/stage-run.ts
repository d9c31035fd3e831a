import { sha256 } from '#base/digest'
import type { DatasetInput, KeyValue, Metric } from '#tracking'
import type { DataVersion, Environment, PipelineRun, StageEnd, StageStart } from './recording.ts'

// How a stage is told in the words of tracking, whose names are narrower than DVC's.

const TAG_CHARS_MAX = 5000
const PARAM_CHARS_MAX = 6000
const KEY_CHARS_MAX = 250
const INPUT_NAME_CHARS_MAX = 500

export function tagsOf(run: PipelineRun, start: StageStart): KeyValue[] {
  const command = typeof start.command === 'string' ? start.command : start.command.join('\n')
  return [
    { key: 'orrery.pipeline_run', value: run.id },
    { key: 'orrery.stage', value: start.stage },
    { key: 'mlflow.source.name', value: command.slice(0, TAG_CHARS_MAX) },
    { key: 'mlflow.source.type', value: 'PROJECT' },
    ...(run.commit === null ? [] : [{ key: 'mlflow.source.git.commit', value: run.commit }]),
    ...(start.environment === null ? [] : environmentTags(start.environment)),
    ...(start.pinned === undefined
      ? []
      : [{ key: 'orrery.pinned', value: JSON.stringify(start.pinned).slice(0, TAG_CHARS_MAX) }]),
    ...(start.experiment === undefined
      ? []
      : [{ key: 'orrery.experiment', value: start.experiment }]),
    ...(start.why === undefined || start.why.length === 0
      ? []
      : [{ key: 'orrery.why', value: start.why.join('\n').slice(0, TAG_CHARS_MAX) }]),
    ...checkTags(start),
  ]
}

/** The digest leads to the packages; the rest tells what else the bytes may depend on. */
function environmentTags({ digest, lock, ...around }: Environment): KeyValue[] {
  const packages = lock.split('\n').filter((line) => line !== '').length
  const told = JSON.stringify({ ...around, packages })
  return [
    { key: 'orrery.environment', value: digest },
    { key: 'orrery.environment_record', value: told.slice(0, TAG_CHARS_MAX) },
  ]
}

/** Whether its data kept its contracts, and which ones. */
function checkTags({ checks }: StageStart): KeyValue[] {
  if (checks === undefined) return []
  const contracts = checks.verdicts.map(({ contract, digest, outcome }) => ({
    contract,
    digest,
    outcome,
  }))
  return [
    { key: 'orrery.validation', value: checks.outcome },
    ...(contracts.length === 0
      ? []
      : [{ key: 'orrery.contracts', value: JSON.stringify(contracts).slice(0, TAG_CHARS_MAX) }]),
  ]
}

export function reasonTag(reason: string): KeyValue {
  return { key: 'orrery.reason', value: reason.slice(0, TAG_CHARS_MAX) }
}

/** DVC's params stand apart by their prefix: training code logs its own, perhaps written in another way. */
export function paramsOf(start: StageStart): KeyValue[] {
  const named = Object.entries(start.params).map(([name, value]) => [`dvc.${name}`, value] as const)
  return [...byKey(named)].map(([key, value]) => ({
    key,
    value: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, PARAM_CHARS_MAX),
  }))
}

export function metricsOf(end: StageEnd, atMs: number): Metric[] {
  return [...byKey(Object.entries(end.metrics))].map(([key, value]) => ({
    key,
    value,
    step: 0,
    atMs,
  }))
}

export function inputOf(data: DataVersion): DatasetInput {
  return {
    // The end of a long path tells more than its start.
    name: data.path.slice(-INPUT_NAME_CHARS_MAX),
    digest: data.md5,
    sourceType: 'dvc',
    source: JSON.stringify({ path: data.path, md5: data.md5 }),
    schema: null,
    profile: null,
    tags: [{ key: 'mlflow.data.context', value: 'stage' }],
  }
}

/** By keys that tracking takes; names that would have one key stay apart by their digest. */
function byKey<Value>(named: Iterable<readonly [string, Value]>): Map<string, Value> {
  const keyed = new Map<string, Value>()
  for (const [name, value] of named) {
    const key = keyOf(name)
    keyed.set(
      keyed.has(key) ? `${key.slice(0, KEY_CHARS_MAX - 9)}-${sha256(name).slice(0, 8)}` : key,
      value,
    )
  }
  return keyed
}

/** Tracking takes keys for paths, and no others than plain ones. */
function keyOf(name: string): string {
  const parts = name
    .slice(0, KEY_CHARS_MAX)
    .replaceAll(/[^/\p{L}\p{N}_.\- ]/gu, '_')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part === '.' || part.startsWith('..') ? part.replace(/^\.+/, '_') : part))
  return parts.length === 0 ? '_' : parts.join('/')
}
